/**
 * Statements. An independent loop runs its turns along the lanes, several vectors in one turn, and so does a sum; all
 * else has one value in all lanes.
 */
import { type Expression, visit } from '../../kernel/expression.ts';
import { type Kernel, type OrderedNest, rootsOf } from '../../kernel/kernel.ts';
import type { Loop, Statement, Sum } from '../../kernel/statement.ts';
import { type Code, type FunctionBuilder, i32, type Value, type Variable } from './encode.ts';
import type { Functions } from './functions.ts';
import { constantVector, lanesFor } from './lanes.ts';
import { combineVectors } from './running.ts';
import { StatementExpressions } from './statements.ts';

export function writeOrdered(f: FunctionBuilder, math: Functions, kernel: Kernel, nest: OrderedNest): void {
  const buffers = [...kernel.inputs, ...kernel.outputs];
  const types = buffers.map(buffer => buffer.type);
  visit(rootsOf(nest), x => types.push(x.type));
  const printer = new OrderedWriter(
    new StatementExpressions({
      f,
      math,
      buffers,
      inputs: kernel.inputs.length,
      lanes: lanesFor(types),
      nest,
    }),
  );
  printer.write(nest);
}

class OrderedWriter {
  readonly #x: StatementExpressions;
  readonly #f: FunctionBuilder;

  constructor(expressions: StatementExpressions) {
    this.#x = expressions;
    this.#f = expressions.f;
  }

  write(nest: OrderedNest): void {
    const run = (axis: number): void => {
      if (axis === nest.extents.length) {
        for (const one of nest.body) this.#statement(one);
        return;
      }
      const [counter, end] = [this.#f.let(i32.const(0)), i32.const(nest.extents[axis])];
      this.#x.bound(axis, nest.extents[axis]);
      this.#loop(axis, counter, i32.lt_s(counter, end), 1, () => run(axis + 1));
    };
    // What depends on nothing comes before all loops.
    this.#f.emit(this.#x.scope(() => run(0)));
  }

  /** while (condition) { body; counter += step } */
  #loop(axis: number, counter: Variable, condition: Value, step: number, body: () => void): void {
    const before = this.#x.counters.get(axis);
    const code = this.#x.scope(() => {
      this.#x.open(axis, counter);
      body();
    });
    if (before !== undefined) this.#x.counters.set(axis, before);
    const turn = [code, counter.set(i32.add(counter, i32.const(step))), condition.code, 0x0d, 0, 0x0b];
    this.#f.emit([condition.code, 0x04, 0x40, 0x03, 0x40, turn, 0x0b]);
  }

  #block(statements: readonly Statement[]): Code {
    return this.#x.scope(() => {
      for (const one of statements) this.#statement(one);
    });
  }

  #statement(one: Statement): void {
    const x = this.#x;
    switch (one.form) {
      case 'store':
        x.forCopies(() => x.store(one));
        break;
      case 'set':
        x.forCopies(copy => {
          if (copy === 0 || x.isVarying(one.local))
            this.#f.emit(x.local(one.local, copy).set(x.vector(one.value)));
        });
        break;
      case 'loop':
        this.#loopStatement(one);
        break;
      case 'sum':
        this.#sum(one);
        break;
      case 'if': {
        const test = x.condition(one.test);
        x.change(one);
        const [yes, no] = [this.#block(one.then), this.#block(one.otherwise)];
        this.#f.emit([test.code, 0x04, 0x40, yes, 0x05, no, 0x0b]);
      }
    }
    x.change(one);
  }

  /** The bounds of a loop as scalars, and how many turns it has at most. */
  #bounds({ axis, from, to }: Loop | Sum): { counter: Variable; first: Value; end: Value; most: number } {
    const x = this.#x;
    const first = x.scalar(from);
    const end = x.scalar(to);
    const [least] = x.boundsOf(from);
    const [, greatest] = x.boundsOf(to);
    x.bound(axis, greatest);
    return { counter: this.#f.local('i32'), first, end, most: greatest - Math.max(0, least) };
  }

  #loopStatement(one: Loop): void {
    const x = this.#x;
    const f = this.#f;
    const { counter, first, end, most } = this.#bounds(one);
    x.change(one);
    const body = (): void => {
      for (const inner of one.body) this.#statement(inner);
    };
    if (one.reverse) {
      f.emit(counter.set(i32.sub(end, i32.const(1))));
      this.#loop(one.axis, counter, i32.ge_s(counter, first), -1, body);
      return;
    }
    f.emit(counter.set(first));
    if (one.independent && x.vectorAxis === null && most >= x.lanes && x.canRunAlongLanes(one)) {
      const copies = x.copiesFor(one.body);
      for (const many of new Set([copies, 1])) {
        const room = f.let(i32.sub(end, i32.const(many * x.lanes)));
        x.alongLanes(one.axis, many, one.body, () =>
          this.#loop(one.axis, counter, i32.le_s(counter, room), many * x.lanes, body),
        );
        x.change(one);
      }
    }
    this.#loop(one.axis, counter, i32.lt_s(counter, end), 1, body);
  }

  /** Sums along the lanes: several partial sums of a few terms, whose additions do not wait for each other. */
  #sum(one: Sum): void {
    const x = this.#x;
    const f = this.#f;
    const { axis, terms } = one;
    const { counter, first, end, most } = this.#bounds(one);
    f.emit(counter.set(first));
    const add = (to: Variable, term: Expression): Code =>
      to.set(x.fitted(term.type, combineVectors('add', term.type, to, x.vector(term))));
    if (x.vectorAxis === null && most >= x.lanes && x.canSumAlongLanes(one)) {
      const copies = terms.length <= 2 ? 4 : terms.length <= 4 ? 2 : 1;
      const totals = terms.map(() => Array.from({ length: copies }, () => f.local('v128')));
      const zero = constantVector('int32', 0);
      for (const total of totals.flat()) f.emit(total.set(zero));
      for (const many of new Set([copies, 1])) {
        const room = f.let(i32.sub(end, i32.const(many * x.lanes)));
        x.alongLanes(axis, many, [], () =>
          this.#loop(axis, counter, i32.le_s(counter, room), many * x.lanes, () =>
            x.forCopies(copy => {
              for (const [t, { term }] of terms.entries()) f.emit(add(totals[t][copy], term));
            }),
          ),
        );
      }
      for (const [t, { local, term }] of terms.entries()) {
        // The local is in every lane, and counts once.
        const own = x.local(local, 0);
        const [first, ...others] = totals[t];
        const parts = others.reduce<Value>((a, b) => combineVectors('add', term.type, a, b), first);
        f.emit(own.set(combineVectors('add', term.type, own, x.acrossLanes(term.type, f.let(parts)))));
      }
    }
    this.#loop(axis, counter, i32.lt_s(counter, end), 1, () =>
      x.forCopies(copy => {
        for (const { local, term } of terms)
          if (copy === 0 || x.isVarying(local)) f.emit(add(x.local(local, copy), term));
      }),
    );
  }
}
