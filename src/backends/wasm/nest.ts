/** Kernels as functions of a WebAssembly module: (address of every input, then of every output) → nothing. */
import { axis, type Expression, int, plus, type ScalarType, times, visit } from '../../kernel/expression.ts';
import {
  type Accumulator,
  type BufferType,
  type Kernel,
  type MapNest,
  type ReduceNest,
  type ScanNest,
  type ScatterNest,
  startOf,
} from '../../kernel/kernel.ts';
import { flattened, rewrite } from '../../kernel/rewrite.ts';
import {
  type Code,
  type FunctionBuilder,
  type FunctionRef,
  f32x4,
  f64x2,
  i32,
  i32x4,
  type ModuleBuilder,
  type Value,
  type Variable,
  v128,
} from './encode.ts';
import type { Functions } from './functions.ts';
import {
  bytesOf,
  castVector,
  chooseVector,
  compareVector,
  constantVector,
  type Lanes,
  laneNumbers,
  lanesFor,
  loadSplat,
  storeLane,
  storeVector,
} from './lanes.ts';
import { type Loops, VectorPrinter } from './vectors.ts';

/** Partial sums are closed after this many steps: the rounding error of a sum grows slowly with its length. */
const block = 128;

/** Adds the kernel's function to a module. It has one more parameter, a workspace that nests do not use. */
export function addNest(module: ModuleBuilder, math: Functions, given: Kernel): FunctionRef {
  const kernel = flattened(given);
  const count = kernel.inputs.length + kernel.outputs.length + 1;
  // Functions that the kernel calls must stand before it.
  prepareMath(math, kernel);
  return module.function(new Array<'i32'>(count).fill('i32'), [], f => {
    new NestWriter(f, math, kernel).write();
    return undefined;
  });
}

function rootsOf(kernel: Kernel): readonly Expression[] {
  const { nest } = kernel;
  switch (nest.form) {
    case 'map':
      return nest.values;
    case 'reduce':
      return [...nest.accumulators.map(one => one.term), ...nest.results];
    case 'scan':
      return [...nest.initial, ...nest.step, ...nest.results];
    case 'scatter':
      return [nest.base, ...nest.at, nest.value];
    case 'sort':
      return [];
  }
}

const instructions = new Set([
  'neg',
  'abs',
  'sqrt',
  'floor',
  'ceil',
  'trunc',
  'round',
  'sign',
  'not',
  'add',
  'sub',
  'mul',
  'div',
  'min',
  'max',
]);

function prepareMath(math: Functions, kernel: Kernel): void {
  visit(rootsOf(kernel), x => {
    if (
      !('args' in x) ||
      x.op === 'select' ||
      x.op === 'cast' ||
      x.op === 'bitcast' ||
      instructions.has(x.op)
    )
      return;
    if (x.type === 'float32' || x.type === 'float64') math.function(x.op as 'exp', x.type);
  });
}

/** Counts a local from 0 in steps while it is below the extent, which is not 0. */
function loop(counter: Variable, extent: number, step: number, body: Code, backwards = false): Code {
  if (backwards)
    return [
      counter.set(i32.const(extent - 1)),
      0x03,
      0x40,
      body,
      counter.set(i32.sub(counter, i32.const(step))),
      i32.ge_s(counter, i32.const(0)).code,
      0x0d,
      0,
      0x0b,
    ];
  return [
    counter.set(i32.const(0)),
    0x03,
    0x40,
    body,
    counter.set(i32.add(counter, i32.const(step))),
    i32.lt_s(counter, i32.const(extent)).code,
    0x0d,
    0,
    0x0b,
  ];
}

class NestWriter {
  readonly #f: FunctionBuilder;
  readonly #math: Functions;
  readonly #kernel: Kernel;
  readonly #lanes: Lanes;
  readonly #buffers: readonly BufferType[];

  constructor(f: FunctionBuilder, math: Functions, kernel: Kernel) {
    this.#f = f;
    this.#math = math;
    this.#kernel = kernel;
    this.#buffers = [...kernel.inputs, ...kernel.outputs];
    const types: ScalarType[] = this.#buffers.map(buffer => buffer.type);
    visit(rootsOf(kernel), x => types.push(x.type));
    this.#lanes = lanesFor(types);
  }

  write(): void {
    const { nest, outputs } = this.#kernel;
    if (outputs.every(output => output.shape.includes(0))) return;
    switch (nest.form) {
      case 'map':
        this.#map(nest);
        break;
      case 'reduce':
        this.#reduce(nest);
        break;
      case 'scan':
        this.#scan(nest);
        break;
      case 'scatter':
        this.#scatter(nest);
        break;
      case 'sort':
        throw new Error('sorting is no loop nest');
    }
  }

  #counters(order: readonly number[]): Map<number, Variable> {
    return new Map(order.map(i => [i, this.#f.local('i32')]));
  }

  #printer(loops: Loops, counters: ReadonlyMap<number, Value>): VectorPrinter {
    return new VectorPrinter({
      f: this.#f,
      lanes: this.#lanes,
      loops,
      inputs: this.#buffers,
      pointers: this.#f.params,
      counters,
      math: this.#math,
    });
  }

  /** Stores a vector at the nest's own place in an output: `tail` lanes of it where given. */
  #store(
    printer: VectorPrinter,
    output: number,
    strides: readonly (readonly [number, number])[],
    x: Value,
    level: number,
    only: number | null,
  ): Code {
    const buffer = this.#kernel.inputs.length + output;
    const { type } = this.#buffers[buffer];
    const address = printer.placeOf(
      buffer,
      strides.map(([i, n]) => [i, n * bytesOf[type]] as const),
      level,
    );
    if (only === null) return storeVector(type, this.#lanes, address, x, 0);
    return Array.from({ length: only }, (_, lane) => storeLane(type, address, x, lane, lane * bytesOf[type]));
  }

  /** Stores whole vectors, and the last one of a row as far as it goes. */
  #storeRow(
    printer: VectorPrinter,
    output: number,
    strides: readonly (readonly [number, number])[],
    x: Value,
    level: number,
    vectorAxis: number | null,
    extent: number,
    counter: Value | undefined,
  ): Code {
    if (vectorAxis === null) return this.#store(printer, output, strides, x, level, 1);
    const rest = extent % this.#lanes;
    if (rest === 0) return this.#store(printer, output, strides, x, level, null);
    const partial = this.#store(printer, output, strides, x, level, rest);
    if (extent < this.#lanes) return partial;
    const whole = this.#store(printer, output, strides, x, level, null);
    return [
      i32.lt_s(counter as Value, i32.const(extent - rest)).code,
      0x04,
      0x40,
      whole,
      0x05,
      partial,
      0x0b,
    ];
  }

  #map(nest: MapNest): void {
    const { extents } = nest;
    const order = extents.flatMap((n, i) => (n === 1 ? [] : [i]));
    const vectorAxis = order.at(-1) ?? null;
    const counters = this.#counters(order);
    const printer = this.#printer({ order, vectorAxis, extents }, counters);
    const values = squeezed(nest.values, extents);
    printer.prepare(values);
    const level = order.length;
    const strides = rowMajor(extents);
    const inner = this.#f.collect(() => {
      // All values first: an output may lie where an operand does.
      const made = values.map(value => this.#f.let(printer.vector(value, level)));
      for (const [k, x] of made.entries()) {
        const last = vectorAxis === null ? 1 : extents[vectorAxis];
        this.#f.emit(
          this.#storeRow(
            printer,
            k,
            strides,
            x,
            level,
            vectorAxis,
            last,
            vectorAxis === null ? undefined : counters.get(vectorAxis),
          ),
        );
      }
    });
    this.#f.emit(
      this.#nested(printer.levels, order, extents, counters, vectorAxis, [printer.levels[level], inner]),
    );
  }

  /** The loops of `order` around `inner`, which holds the innermost level's statements already. */
  #nested(
    levels: readonly Code[],
    order: readonly number[],
    extents: readonly number[],
    counters: ReadonlyMap<number, Variable>,
    vectorAxis: number | null,
    inner: Code,
  ): Code {
    let code = inner;
    for (let i = order.length - 1; i >= 0; i--) {
      const a = order[i];
      const looped = loop(counters.get(a) as Variable, extents[a], a === vectorAxis ? this.#lanes : 1, code);
      code = [levels[i], looped];
    }
    return code;
  }

  #reduce(nest: ReduceNest): void {
    const { extents } = nest;
    const keptCount = extents.length - nest.reduced;
    const kept = [...extents.keys()].filter(i => i < keptCount && extents[i] !== 1);
    const reduced = [...extents.keys()].filter(i => i >= keptCount && extents[i] !== 1);
    const empty = extents.some((n, i) => i >= keptCount && n === 0);
    // The choice depends on the shape alone, so that a fused kernel adds in the same order as a single one.
    const alongReduced = nest.lanes === 'reduced' && reduced.length > 0;
    const vectorAxis = alongReduced ? reduced[reduced.length - 1] : (kept.at(-1) ?? null);
    const order = [...kept, ...reduced];
    const counters = this.#counters(order);
    const level = kept.length;
    const terms = squeezed(
      nest.accumulators.map(one => one.term),
      extents,
    );
    const accumulators = nest.accumulators.map(
      (one, i) =>
        new Running(this.#f, this.#lanes, { ...one, term: terms[i] }, positionOf(extents, keptCount)),
    );
    const body = empty
      ? []
      : this.#accumulate(accumulators, { order, vectorAxis, extents }, counters, kept.length, alongReduced);
    // Results have a printer of their own: their statements come after the loops.
    const after = this.#printer(
      { order: kept, vectorAxis: alongReduced ? null : vectorAxis, extents },
      new Map(kept.map(i => [i, counters.get(i) as Variable])),
    );
    const finished = this.#f.collect(() => {
      after.carries = { values: accumulators.map(one => one.finish(alongReduced)), level };
      const results = squeezed(nest.results, extents);
      after.prepare(results);
      const strides = rowMajor(extents.slice(0, keptCount));
      const stores = this.#f.collect(() => {
        for (const [k, result] of results.entries()) {
          const x = this.#f.let(after.vector(result, level));
          const storedAlong = alongReduced ? null : vectorAxis;
          this.#f.emit(
            this.#storeRow(
              after,
              k,
              strides,
              x,
              level,
              storedAlong,
              storedAlong === null ? 1 : extents[storedAlong],
              storedAlong === null ? undefined : counters.get(storedAlong),
            ),
          );
        }
      });
      for (const statements of after.levels) this.#f.emit(statements);
      this.#f.emit(stores);
    });
    const start = this.#f.collect(() => {
      for (const one of accumulators) one.start();
    });
    const parts = body as { levels: Code[]; code: Code } | never[];
    const levels = Array.isArray(parts)
      ? Array.from({ length: order.length + 1 }, (): Code => [])
      : parts.levels;
    const inner: Code = [levels[level], start, Array.isArray(parts) ? [] : parts.code, finished];
    this.#f.emit(this.#nested(levels, kept, extents, counters, alongReduced ? null : vectorAxis, inner));
  }

  /** The loops over the reduced axes: their code, and the statements that belong into the loops around them. */
  #accumulate(
    accumulators: readonly Running[],
    loops: Loops,
    counters: Map<number, Variable>,
    keptCount: number,
    alongReduced: boolean,
  ): { levels: Code[]; code: Code } {
    const { order, vectorAxis, extents } = loops;
    const rank = order.length;
    const printer = this.#printer(loops, counters);
    const roots = accumulators.flatMap(one => one.roots());
    printer.prepare(roots);
    const inner = this.#f.collect(() => {
      for (const one of accumulators) one.take(printer, rank, null);
    });
    const levels: Code[] = printer.levels.map(statements => statements);
    let code: Code = [printer.levels[rank], inner];
    const blocked = accumulators.filter(one => one.blocked);
    if (rank === keptCount)
      return { levels: [...levels.slice(0, rank), []], code: [code, blocked.map(one => one.close())] };
    for (let i = rank - 1; i >= keptCount; i--) {
      const a = order[i];
      const counter = counters.get(a) as Variable;
      const step = a === vectorAxis ? this.#lanes : 1;
      const whole = step === 1 ? extents[a] : extents[a] - (extents[a] % step);
      let looped: Code =
        whole > 0 ? this.#blockedLoop(counter, whole, step, code, i === rank - 1 ? blocked : []) : [];
      if (whole < extents[a]) {
        // The last elements of a row: a vector of which some lanes do not count.
        const fixed = new Map<number, Value>([...counters].filter(([b]) => b !== a));
        fixed.set(a, i32.const(whole));
        const tail = this.#printer({ order: order.slice(0, -1), vectorAxis, extents }, fixed);
        tail.prepare(roots);
        const last = this.#f.collect(() => {
          for (const one of accumulators) one.take(tail, rank - 1, extents[a] - whole);
        });
        tail.levels.forEach((statements, level) => {
          if (level < rank - 1) levels[level] = [levels[level], statements];
        });
        looped = [looped, tail.levels[rank - 1], last];
      }
      if (i === rank - 1) looped = [looped, blocked.map(one => one.close())];
      code = i === keptCount ? looped : [levels[i], looped];
    }
    void alongReduced;
    return { levels, code };
  }

  /** A loop that closes partial sums after every block. */
  #blockedLoop(
    counter: Variable,
    extent: number,
    step: number,
    body: Code,
    blocked: readonly Running[],
  ): Code {
    const span = block * step;
    if (blocked.length === 0 || extent <= span) return loop(counter, extent, step, body);
    const end = this.#f.local('i32');
    const limit = i32.select(
      i32.lt_s(i32.add(counter, i32.const(span)), i32.const(extent)),
      i32.add(counter, i32.const(span)),
      i32.const(extent),
    );
    const inner: Code = [
      0x03,
      0x40,
      body,
      counter.set(i32.add(counter, i32.const(step))),
      i32.lt_s(counter, end).code,
      0x0d,
      0,
      0x0b,
    ];
    return [
      counter.set(i32.const(0)),
      0x03,
      0x40,
      end.set(limit),
      inner,
      blocked.map(one => one.close()),
      i32.lt_s(counter, i32.const(extent)).code,
      0x0d,
      0,
      0x0b,
    ];
  }

  #scan(nest: ScanNest): void {
    const { extents, along } = nest;
    const others = [...extents.keys()].filter(i => i !== along && extents[i] !== 1);
    const last = others.at(-1);
    const vectorAxis = last !== undefined && last > along ? last : null;
    const order = [...others, along];
    const counters = this.#counters(order);
    const rank = order.length;
    const printer = this.#printer({ order, vectorAxis, extents }, counters);
    const [initial, step, results] = [nest.initial, nest.step, nest.results].map(list =>
      squeezed(list, extents, along),
    );
    const carries = step.map(() => this.#f.local('v128'));
    printer.carries = { values: carries, level: rank };
    printer.prepare([...step, ...initial]);
    const start = this.#f.collect(() => {
      initial.forEach((x, i) => this.#f.emit(carries[i].set(printer.vector(x, rank - 1))));
    });
    const stepping = this.#f.collect(() => {
      const next = step.map(x => this.#f.let(printer.vector(x, rank)));
      next.forEach((x, i) => this.#f.emit(carries[i].set(x)));
    });
    const after = this.#printer({ order, vectorAxis, extents }, counters);
    after.carries = { values: carries, level: rank };
    after.prepare(results);
    const strides = rowMajor(extents);
    const stores = this.#f.collect(() => {
      for (const [k, result] of results.entries()) {
        const x = this.#f.let(after.vector(result, rank));
        this.#f.emit(
          this.#storeRow(
            after,
            k,
            strides,
            x,
            rank,
            vectorAxis,
            vectorAxis === null ? 1 : extents[vectorAxis],
            vectorAxis === null ? undefined : counters.get(vectorAxis),
          ),
        );
      }
    });
    const inner: Code = [printer.levels[rank], stepping, after.levels, stores];
    const scanned: Code = [
      printer.levels[rank - 1],
      start,
      loop(counters.get(along) as Variable, extents[along], 1, inner, nest.reverse),
    ];
    this.#f.emit(this.#nested(printer.levels, others, extents, counters, vectorAxis, scanned));
  }

  #scatter(nest: ScatterNest): void {
    const { inputs, outputs } = this.#kernel;
    const [out] = outputs;
    const before: Kernel = {
      name: 'base',
      inputs,
      outputs,
      nest: { form: 'map', extents: out.shape, values: [nest.base] },
    };
    this.#map(before.nest as MapNest);
    if (nest.extents.includes(0)) return;
    const { extents } = nest;
    const order = [...extents.keys()].filter(i => extents[i] !== 1);
    const counters = this.#counters(order);
    const printer = this.#printer({ order, vectorAxis: null, extents }, counters);
    const at = squeezed(nest.at, extents);
    const [update] = squeezed([nest.value], extents);
    printer.prepare([...at, update]);
    const rank = order.length;
    const inner = this.#f.collect(() => {
      const indices = at.map(x => printer.scalar(x));
      const legal = indices
        .map((index, d) => i32.lt_u(index, i32.const(out.shape[d])))
        .reduce((a, b) => i32.and(a, b), i32.const(1));
      const x = this.#f.let(printer.vector(update, rank));
      this.#f.if(legal, () => {
        let place: Value = i32.const(0);
        indices.forEach((index, d) => {
          place = i32.add(i32.mul(place, i32.const(out.shape[d])), index);
        });
        const address = this.#f.let(
          i32.add(this.#f.params[inputs.length], i32.mul(place, i32.const(bytesOf[out.type]))),
        );
        const value =
          nest.combine === 'set'
            ? x
            : this.#f.let(combineVectors(nest.combine, out.type, loadSplat(out.type, address, 0), x));
        this.#f.emit(storeLane(out.type, address, value, 0, 0));
      });
    });
    this.#f.emit(this.#nested(printer.levels, order, extents, counters, null, [printer.levels[rank], inner]));
  }
}

function combineVectors(how: 'add' | 'mul' | 'min' | 'max', type: ScalarType, a: Value, b: Value): Value {
  if (type === 'float32') return f32x4[how](a, b);
  if (type === 'float64') return f64x2[how](a, b);
  const unsigned = type === 'uint32' || type === 'uint8';
  if (how === 'min') return (unsigned ? i32x4.min_u : i32x4.min_s)(a, b);
  if (how === 'max') return (unsigned ? i32x4.max_u : i32x4.max_s)(a, b);
  return i32x4[how](a, b);
}

/** Axes of one element have index 0; `keep` is left as it is. */
function squeezed(list: readonly Expression[], extents: readonly number[], keep = -1): Expression[] {
  const done = new Map<Expression, Expression>();
  return list.map(x =>
    rewrite(
      x,
      node => (node.op === 'axis' && extents[node.axis] === 1 && node.axis !== keep ? int(0) : null),
      done,
    ),
  );
}

/** [axis, row-major stride in elements] of a nest's own output. */
function rowMajor(extents: readonly number[]): [number, number][] {
  let stride = 1;
  const strides: [number, number][] = [];
  for (let i = extents.length - 1; i >= 0; i--) {
    strides.unshift([i, stride]);
    stride *= extents[i];
  }
  return strides;
}

/** The position of a term along the reduced axes. */
function positionOf(extents: readonly number[], kept: number): Expression {
  let position: Expression = int(0);
  for (let i = kept; i < extents.length; i++)
    position = plus(times(position, int(extents[i])), extents[i] === 1 ? int(0) : axis(i));
  return position;
}

/** One running value of a reduction, in every lane; a blocked sum has a partial sum beside the total. */
class Running {
  readonly #f: FunctionBuilder;
  readonly #lanes: Lanes;
  readonly #accumulator: Accumulator;
  readonly #position: Expression;
  readonly #value: Variable;
  /** The total of a blocked sum, the position of an extreme. */
  readonly #other: Variable;
  readonly blocked: boolean;

  constructor(f: FunctionBuilder, lanes: Lanes, accumulator: Accumulator, position: Expression) {
    this.#f = f;
    this.#lanes = lanes;
    this.#accumulator = accumulator;
    this.#position = position;
    this.#value = f.local('v128');
    this.#other = f.local('v128');
    const { type } = accumulator.term;
    this.blocked = accumulator.reducer === 'sum' && (type === 'float32' || type === 'float64');
  }

  get #isPosition(): boolean {
    return this.#accumulator.reducer === 'argmin' || this.#accumulator.reducer === 'argmax';
  }

  get #start(): Value {
    const { reducer, term } = this.#accumulator;
    return constantVector(term.type, startOf(reducer, term.type));
  }

  roots(): Expression[] {
    const { term, fused } = this.#accumulator;
    const factors = fused === true && term.op === 'mul' ? [...term.args] : [term];
    return this.#isPosition ? [...factors, this.#position] : factors;
  }

  start(): void {
    this.#f.emit(this.#value.set(this.#start));
    this.#f.emit(this.#other.set(constantVector('int32', 0)));
  }

  /** Takes the term of this place; only the first `count` lanes where given. */
  take(printer: VectorPrinter, level: number, count: number | null): void {
    const { reducer, term } = this.#accumulator;
    const f = this.#f;
    let x = printer.vector(term, level);
    const { type } = term;
    if (count !== null) {
      const mask = i32x4.lt_s(laneNumbers, constantVector('int32', count));
      x = chooseVector(type, mask, x, this.#start);
    }
    if (this.#isPosition) {
      const v = f.let(x);
      const better =
        reducer === 'argmax'
          ? compareVector('lt', type, this.#value, v)
          : compareVector('lt', type, v, this.#value);
      const isFloat = type === 'float32' || type === 'float64';
      const nan = isFloat
        ? v128.andnot(compareVector('ne', type, v, v), compareVector('ne', type, this.#value, this.#value))
        : constantVector('int32', 0);
      const take = f.let(v128.or(better, nan));
      f.emit(this.#other.set(v128.bitselect(take, printer.vector(this.#position, level), this.#other)));
      f.emit(this.#value.set(chooseVector(type, take, v, this.#value)));
      return;
    }
    f.emit(this.#value.set(this.#join(this.#value, x)));
  }

  #join(a: Value, b: Value): Value {
    const { reducer, term } = this.#accumulator;
    if (reducer === 'and') return v128.and(a, b);
    if (reducer === 'or') return v128.or(a, b);
    if (term.type === 'bool') return reducer === 'min' ? v128.and(a, b) : v128.or(a, b);
    const how = ({ sum: 'add', product: 'mul', min: 'min', max: 'max' } as const)[reducer as 'sum'];
    return combineVectors(how, term.type, a, b);
  }

  /** Adds the partial sum to the total and begins a new one. */
  close(): Code {
    return [this.#other.set(this.#join(this.#other, this.#value)), this.#value.set(this.#start)];
  }

  /** The result in every lane, after joining the lanes where they are parts of one reduction. */
  finish(acrossLanes: boolean): Value {
    const f = this.#f;
    const { reducer, term } = this.#accumulator;
    const { type } = term;
    if (this.#isPosition) {
      if (!acrossLanes) return this.#other;
      return this.#bestLane();
    }
    let x: Value = this.blocked ? f.let(this.#join(this.#other, this.#value)) : this.#value;
    if (acrossLanes) {
      const swap = (lanes: readonly number[]): void => {
        const before = x;
        x = f.let(this.#join(before, v128.shuffle(before, before, lanes)));
      };
      swap([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
      if (type !== 'float64') {
        if (this.#lanes === 2) {
          // Only the two low lanes count: join them alone.
          x = this.blocked ? f.let(this.#join(this.#other, this.#value)) : this.#value;
        }
        swap([4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
        if (this.#lanes === 2)
          x = f.let(v128.shuffle(x, x, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]));
      }
    }
    return (type === 'int8' || type === 'uint8') && (reducer === 'sum' || reducer === 'product')
      ? castVector('int32', type, x)
      : x;
  }

  /** The position of the best lane, the first of equal ones. */
  #bestLane(): Value {
    const f = this.#f;
    const { reducer, term } = this.#accumulator;
    const { type } = term;
    const lane = (x: Value, i: number): Value =>
      type === 'float64'
        ? v128.shuffle(
            x,
            x,
            Array.from({ length: 16 }, (_, b) => i * 8 + (b % 8)),
          )
        : v128.shuffle(
            x,
            x,
            Array.from({ length: 16 }, (_, b) => i * 4 + (b % 4)),
          );
    let best: Value = f.let(lane(this.#value, 0));
    const positionLane = (i: number): Value =>
      v128.shuffle(
        this.#other,
        this.#other,
        Array.from({ length: 16 }, (_, b) => i * 4 + (b % 4)),
      );
    let position: Value = f.let(positionLane(0));
    for (let i = 1; i < this.#lanes; i++) {
      const v = f.let(lane(this.#value, i));
      const p = f.let(positionLane(i));
      const better =
        reducer === 'argmax' ? compareVector('lt', type, best, v) : compareVector('lt', type, v, best);
      const isFloat = type === 'float32' || type === 'float64';
      const none = constantVector('int32', 0);
      const vNaN = f.let(isFloat ? compareVector('ne', type, v, v) : none);
      const bestNaN = f.let(isFloat ? compareVector('ne', type, best, best) : none);
      const same = v128.or(compareVector('eq', type, v, best), v128.and(vNaN, bestNaN));
      const earlier = v128.and(same, i32x4.lt_s(p, position));
      const take = f.let(v128.or(v128.or(better, v128.andnot(vNaN, bestNaN)), earlier));
      const [b, q] = [best, position];
      position = f.let(v128.bitselect(take, p, q));
      best = f.let(chooseVector(type, take, v, b));
    }
    return position;
  }
}
