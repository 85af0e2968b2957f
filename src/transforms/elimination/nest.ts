/**
 * A kernel nest interpreted on values of which some are not known yet: an element of a tangent is a linear form over
 * the vertices of the graph, an element of a known operand a scalar of straight-line code.
 */

import { stridesOf } from '../../core/aval.ts';
import { CannotUnroll } from '../../core/errors.ts';
import { type Expression, isFloat, type ScalarType } from '../../kernel/expression.ts';
import { type Nest, startOf } from '../../kernel/kernel.ts';
import type { Statement } from '../../kernel/statement.ts';
import type { CodeBuilder, Scalar } from './code.ts';

/** Σ coefficient · vertex; a linear form without terms is the number 0. */
export type Form = ReadonlyMap<number, Scalar>;
export type Value = Scalar | Form;

export const isForm = (value: Value): value is Form => value instanceof Map;

/** An operand's elements by their row-major place. */
export interface Elements {
  readonly shape: readonly number[];
  at(place: number): Value;
}

/** How many nodes of expressions may be interpreted in all. */
export class Effort {
  readonly #most: number;
  #done = 0;

  constructor(most: number) {
    this.#most = most;
  }

  spend(): void {
    if (++this.#done > this.#most)
      throw new CannotUnroll({
        did: `unrolled a function whose derivative takes more than ${this.#most} scalar operations`,
        expected: 'a function of a few hundred numbers, for which straight-line code makes sense',
        remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' }), or another mode",
      });
  }
}

export function valueDependent(what: string): CannotUnroll {
  return new CannotUnroll({
    did: `unrolled a derivative in which ${what}`,
    expected: 'indices and numbers of steps that follow from shapes and constants alone',
    remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' }), or another mode",
  });
}

function notAffine(op: string): CannotUnroll {
  return new CannotUnroll({
    did: `unrolled a derivative that applies ${op} to a tangent`,
    expected: 'sums of tangents with known coefficients',
    remedy: 'give the jvp rule of your primitive as linear operations on the tangent',
  });
}

/** Arithmetic on values. */
export class Arithmetic {
  readonly code: CodeBuilder;
  /** Values rather than coefficients: x·0 may be NaN. */
  readonly #exact: boolean;

  constructor(code: CodeBuilder, exact = false) {
    this.code = code;
    this.#exact = exact;
  }

  #each(form: Form, change: (coefficient: Scalar) => Scalar): Value {
    const terms = new Map<number, Scalar>();
    for (const [vertex, coefficient] of form) {
      const changed = change(coefficient);
      if (changed !== 0) terms.set(vertex, changed);
    }
    return terms.size === 0 ? 0 : terms;
  }

  #join(x: Value, y: Value, change: (a: Scalar, b: Scalar) => Scalar, op: string): Value {
    if ((x !== 0 && !isForm(x)) || (y !== 0 && !isForm(y))) throw notAffine(`${op} of a value`);
    const terms = new Map<number, Scalar>(isForm(x) ? x : []);
    if (isForm(y)) for (const [vertex, b] of y) terms.set(vertex, change(terms.get(vertex) ?? 0, b));
    // A term of x alone is only changed where the operation is a choice.
    if (op === 'select')
      for (const [vertex, a] of terms) if (!isForm(y) || !y.has(vertex)) terms.set(vertex, change(a, 0));
    return this.#each(terms, coefficient => coefficient);
  }

  add(x: Value, y: Value): Value {
    if (!isForm(x) && !isForm(y))
      return this.#exact ? this.code.apply('add', this.code.type, [x, y]) : this.code.add(x, y);
    return this.#join(x, y, (a, b) => this.code.add(a, b), 'add');
  }

  /** test ? x : y */
  choose(test: Scalar, x: Value, y: Value, type: ScalarType): Value {
    const { code } = this;
    if (typeof test === 'number') return test === 0 ? y : x;
    if (isForm(x) || isForm(y)) return this.#join(y, x, (no, yes) => code.select(test, yes, no), 'select');
    if (x === y) return x;
    return code.apply('select', isFloat(type) ? code.type : type, [test, x, y]);
  }

  /** What an expression's operation gives for these arguments. */
  apply(
    op: Exclude<Expression['op'], 'load' | 'axis' | 'carry' | 'constant'>,
    x: Expression,
    args: Value[],
  ): Value {
    const { code } = this;
    const float = isFloat(x.type);
    const from = argTypeOf(x, code);
    if (!args.some(isForm)) {
      const scalars = args as Scalar[];
      const [a, b] = scalars;
      if (op === 'cast') return code.cast(float ? code.type : x.type, a, from);
      if (float && !this.#exact)
        switch (op) {
          case 'add':
            return code.add(a, b);
          case 'sub':
            return code.sub(a, b);
          case 'mul':
            return code.mul(a, b);
          case 'div':
            return code.div(a, b);
          case 'neg':
            return code.neg(a);
        }
      return code.apply(op, float ? code.type : x.type, scalars, from);
    }
    const [a, b, c] = args;
    switch (op) {
      case 'add':
        return this.add(a, b);
      case 'sub':
        return this.#join(a, b, (p, q) => code.sub(p, q), op);
      case 'neg':
        return this.#each(a as Form, p => code.neg(p));
      case 'mul':
        if (isForm(a) && isForm(b)) throw notAffine('a product with another one');
        return isForm(a)
          ? this.#each(a, p => code.mul(p, b as Scalar))
          : this.#each(b as Form, p => code.mul(a as Scalar, p));
      case 'div':
        if (isForm(b)) throw notAffine('a quotient');
        return this.#each(a as Form, p => code.div(p, b));
      case 'select':
        if (isForm(a)) throw notAffine('a condition');
        return this.choose(a, b, c, x.type);
      case 'cast':
        if (float) return a;
        throw notAffine('a conversion to integers');
      default:
        throw notAffine(op);
    }
  }
}

/** Many values added up. */
class Sum {
  readonly #arithmetic: Arithmetic;
  readonly #terms = new Map<number, Scalar>();
  #known: Scalar = 0;

  constructor(arithmetic: Arithmetic) {
    this.#arithmetic = arithmetic;
  }

  add(value: Value): void {
    const { code } = this.#arithmetic;
    if (!isForm(value)) this.#known = this.#arithmetic.add(this.#known, value) as Scalar;
    else
      for (const [vertex, coefficient] of value)
        this.#terms.set(vertex, code.add(this.#terms.get(vertex) ?? 0, coefficient));
  }

  get value(): Value {
    return this.#terms.size === 0 ? this.#known : this.#arithmetic.add(this.#terms, this.#known);
  }
}

/** The type of an operation's arguments, floats being in the code's. */
function argTypeOf(x: Expression, code: CodeBuilder): ScalarType {
  if (!('args' in x)) return x.type;
  const { type } = x.args[x.op === 'select' ? 1 : 0] as Expression;
  return isFloat(type) ? code.type : type;
}

/** Evaluates expressions for one index of the axes after the other. */
class Reader {
  axes: number[] = [];
  carries: Value[] = [];
  readonly #arithmetic: Arithmetic;
  readonly #operands: readonly Elements[];
  readonly #strides: readonly (readonly number[])[];
  readonly #effort: Effort;
  #memo = new Map<Expression, Value>();
  /** Inside a choice that is not decided yet, of which one side may read out of range. */
  #undecided = 0;

  constructor(arithmetic: Arithmetic, operands: readonly Elements[], effort: Effort) {
    this.#arithmetic = arithmetic;
    this.#operands = operands;
    this.#strides = operands.map(({ shape }) => stridesOf(shape));
    this.#effort = effort;
  }

  /** Call where axes or carries have changed. */
  next(): void {
    this.#memo = new Map();
  }

  read(x: Expression): Value {
    if (x.op === 'constant') return x.value;
    if (x.op === 'axis') return this.axes[x.axis];
    if (x.op === 'carry') return this.carries[x.index];
    let value = this.#memo.get(x);
    if (value === undefined) {
      this.#effort.spend();
      value = this.#evaluate(x);
      this.#memo.set(x, value);
    }
    return value;
  }

  #evaluate(x: Expression): Value {
    if (x.op === 'load') return this.#load(x);
    const { op, args } = x as Extract<Expression, { args: readonly unknown[] }>;
    if (op !== 'select')
      return this.#arithmetic.apply(
        op,
        x,
        args.map(arg => this.read(arg)),
      );
    const test = this.read(args[0]);
    if (typeof test === 'number') return this.read(args[test === 0 ? 2 : 1] as Expression);
    this.#undecided++;
    const sides = [test, this.read(args[1] as Expression), this.read(args[2] as Expression)];
    this.#undecided--;
    return this.#arithmetic.apply('select', x, sides);
  }

  #load({ source, at }: Expression & { op: 'load' }): Value {
    const { shape } = this.#operands[source];
    let place = 0;
    for (let i = 0; i < at.length; i++) {
      const index = this.read(at[i]);
      if (typeof index !== 'number') throw valueDependent('an index depends on values');
      if (index < 0 || index >= shape[i]) {
        if (this.#undecided > 0) return 0;
        throw new RangeError(`index ${index} of an axis of ${shape[i]}`);
      }
      place += index * this.#strides[source][i];
    }
    return this.#operands[source].at(place);
  }
}

/** All indices of the extents in row-major order. */
function* indices(extents: readonly number[]): Generator<number[]> {
  const size = extents.reduce((a, b) => a * b, 1);
  const strides = stridesOf(extents);
  for (let place = 0; place < size; place++)
    yield strides.map((stride, i) => Math.floor(place / stride) % extents[i]);
}

/** The elements of each output of a nest. */
export function interpretNest(
  nest: Nest,
  operands: readonly Elements[],
  outputShapes: readonly (readonly number[])[],
  arithmetic: Arithmetic,
  effort: Effort,
): Value[][] {
  const reader = new Reader(arithmetic, operands, effort);
  const outputs = outputShapes.map((): Value[] => []);
  switch (nest.form) {
    case 'map':
      for (const axes of indices(nest.extents)) {
        reader.axes = axes;
        reader.next();
        nest.values.forEach((value, k) => outputs[k].push(reader.read(value)));
      }
      return outputs;
    case 'reduce': {
      const kept = nest.extents.length - nest.reduced;
      const reduced = [...indices(nest.extents.slice(kept))];
      for (const first of indices(nest.extents.slice(0, kept))) {
        const running = nest.accumulators.map(({ reducer, term }): Value => startOf(reducer, term.type));
        const sums = nest.accumulators.map(() => new Sum(arithmetic));
        for (const last of reduced) {
          reader.axes = [...first, ...last];
          reader.next();
          nest.accumulators.forEach(({ reducer, term }, k) => {
            const value = reader.read(term);
            if (reducer === 'sum') sums[k].add(value);
            else if (reducer === 'argmin' || reducer === 'argmax')
              throw valueDependent('a position is looked for');
            else {
              const op = reducer === 'product' ? 'mul' : reducer;
              const joined = { op, type: term.type, args: [term, term] } as Expression;
              running[k] = arithmetic.apply(op, joined, [running[k], value]);
            }
          });
        }
        reader.axes = first;
        reader.carries = nest.accumulators.map(({ reducer }, k) =>
          reducer === 'sum' ? sums[k].value : running[k],
        );
        reader.next();
        nest.results.forEach((result, k) => outputs[k].push(reader.read(result)));
      }
      return outputs;
    }
    case 'scan': {
      const { along } = nest;
      const n = nest.extents[along];
      const strides = stridesOf(nest.extents);
      for (const start of indices(
        nest.extents.map((extent, i) => (i === along ? Math.min(1, extent) : extent)),
      )) {
        reader.axes = start;
        reader.next();
        reader.carries = nest.initial.map(value => reader.read(value));
        for (let step = 0; step < n; step++) {
          const axes = [...start];
          axes[along] = nest.reverse ? n - 1 - step : step;
          reader.axes = axes;
          reader.next();
          reader.carries = nest.step.map(value => reader.read(value));
          reader.next();
          const place = reader.axes.reduce((sum, index, i) => sum + index * strides[i], 0);
          nest.results.forEach((result, k) => {
            outputs[k][place] = reader.read(result);
          });
        }
      }
      return outputs;
    }
    case 'scatter': {
      const [shape] = outputShapes;
      const strides = stridesOf(shape);
      const [output] = outputs;
      for (const axes of indices(shape)) {
        reader.axes = axes;
        reader.next();
        output.push(reader.read(nest.base));
      }
      for (const axes of indices(nest.extents)) {
        reader.axes = axes;
        reader.next();
        const at = nest.at.map(index => reader.read(index));
        if (at.some(index => typeof index !== 'number')) throw valueDependent('an index depends on values');
        if (at.some((index, i) => (index as number) < 0 || (index as number) >= shape[i])) continue;
        const place = at.reduce((sum: number, index, i) => sum + (index as number) * strides[i], 0);
        const value = reader.read(nest.value);
        if (nest.combine === 'set') output[place] = value;
        else {
          const joined = {
            op: nest.combine,
            type: nest.value.type,
            args: [nest.value, nest.value],
          } as Expression;
          output[place] = arithmetic.apply(nest.combine, joined, [output[place], value]);
        }
      }
      return outputs;
    }
    case 'sort':
      throw valueDependent('values are sorted');
    case 'ordered': {
      // An output is read as written so far.
      const written = outputs.map((values, k): Elements => ({ shape: outputShapes[k], at: i => values[i] }));
      const ordered = new Reader(arithmetic, [...operands, ...written], effort);
      for (const axes of indices(nest.extents)) {
        ordered.axes = axes;
        run(nest.body, ordered, outputs, outputShapes, arithmetic);
      }
      return outputs;
    }
  }
}

function known(value: Value, what: string): number {
  if (typeof value !== 'number') throw valueDependent(what);
  return value;
}

/** Statements, one after the other. */
function run(
  statements: readonly Statement[],
  reader: Reader,
  outputs: readonly Value[][],
  shapes: readonly (readonly number[])[],
  arithmetic: Arithmetic,
): void {
  for (const statement of statements) {
    reader.next();
    switch (statement.form) {
      case 'store': {
        const strides = stridesOf(shapes[statement.output]);
        const place = statement.at.reduce(
          (sum, index, i) => sum + known(reader.read(index), 'an index depends on values') * strides[i],
          0,
        );
        outputs[statement.output][place] = reader.read(statement.value);
        break;
      }
      case 'set':
        reader.carries[statement.local] = reader.read(statement.value);
        break;
      case 'if': {
        const test = known(reader.read(statement.test), 'a branch depends on values');
        run(test === 0 ? statement.otherwise : statement.then, reader, outputs, shapes, arithmetic);
        break;
      }
      case 'loop':
      case 'sum': {
        const from = known(reader.read(statement.from), 'a bound of a loop depends on values');
        const to = known(reader.read(statement.to), 'a bound of a loop depends on values');
        const before = reader.axes;
        for (let step = from; step < to; step++) {
          const axes = [...before];
          axes[statement.axis] =
            statement.form === 'loop' && statement.reverse ? to - 1 - (step - from) : step;
          reader.axes = axes;
          reader.next();
          if (statement.form === 'loop') run(statement.body, reader, outputs, shapes, arithmetic);
          else
            for (const { local, term } of statement.terms)
              reader.carries[local] = arithmetic.add(reader.carries[local], reader.read(term));
        }
        reader.axes = before;
      }
    }
  }
}
