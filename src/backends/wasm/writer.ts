/** What all loop nests are written with: loops around pieces of code, and stores at the nest's own place. */
import { bytesOf, type Expression, int, type ScalarType, visit } from '../../kernel/expression.ts';
import type { BufferType, Kernel } from '../../kernel/kernel.ts';
import { rewrite } from '../../kernel/rewrite.ts';
import { type Code, type FunctionBuilder, i32, type Value, type Variable } from './encode.ts';
import type { Functions } from './functions.ts';
import type { Ranges } from './indices.ts';
import { type Lanes, lanesFor, storeLane, storeVector } from './lanes.ts';
import { type Copies, type Loops, VectorPrinter } from './vectors.ts';

/** Counts a local from `from` while it is below `to`, or down to it where the step is negative; at least once. */
export function loop(counter: Variable, from: number, to: number, step: number, body: Code): Code {
  return [
    counter.set(i32.const(from)),
    0x03,
    0x40,
    body,
    counter.set(i32.add(counter, i32.const(step))),
    (step > 0 ? i32.lt_s : i32.ge_s)(counter, i32.const(to)).code,
    0x0d,
    0,
    0x0b,
  ];
}

/** A part of the axis along the lanes, whose code is the same throughout. */
export interface Piece {
  /** The loops around the code. */
  readonly order: readonly number[];
  readonly counters: ReadonlyMap<number, Value>;
  /** Vectors in one turn, one behind the other. */
  readonly copies: number;
  /** How many lanes count: fewer than all in the last vector of a row, one where nothing runs along them. */
  readonly count: number | null;
}

/** Statements of each loop level, and what runs inside all loops of a piece. */
export interface Printed {
  readonly levels: readonly Code[];
  readonly code: Code;
}

export class NestWriter {
  readonly f: FunctionBuilder;
  readonly kernel: Kernel;
  readonly lanes: Lanes;
  readonly #math: Functions;
  readonly #buffers: readonly BufferType[];

  constructor(f: FunctionBuilder, math: Functions, kernel: Kernel, roots: readonly Expression[]) {
    this.f = f;
    this.#math = math;
    this.kernel = kernel;
    this.#buffers = [...kernel.inputs, ...kernel.outputs];
    const types: ScalarType[] = this.#buffers.map(buffer => buffer.type);
    visit(roots, x => types.push(x.type));
    this.lanes = lanesFor(types);
  }

  counters(order: readonly number[]): Map<number, Variable> {
    return new Map(order.map(i => [i, this.f.local('i32')]));
  }

  printer(loops: Loops, counters: ReadonlyMap<number, Value>, copies?: Copies): VectorPrinter {
    return new VectorPrinter({
      f: this.f,
      lanes: this.lanes,
      loops,
      copies,
      inputs: this.#buffers,
      pointers: this.f.params,
      counters,
      math: this.#math,
    });
  }

  /** A printer for the code of a piece inside further loops. */
  printerOf(
    { order, counters, copies, count }: Piece,
    vectorAxis: number | null,
    extents: readonly number[],
    inner: ReadonlyMap<number, Value> = new Map(),
    ranges?: Ranges,
  ): VectorPrinter {
    return this.printer(
      {
        order: [...order, ...inner.keys()],
        vectorAxis,
        extents,
        partial: vectorAxis !== null && count !== null,
        ranges,
      },
      new Map([...counters, ...inner]),
      vectorAxis === null ? undefined : { axis: vectorAxis, step: this.lanes, count: copies },
    );
  }

  /** Stores a vector at the nest's own place in an output: `count` lanes of it where given. */
  store(
    printer: VectorPrinter,
    output: number,
    strides: readonly (readonly [axis: number, elements: number])[],
    x: Value,
    count: number | null,
  ): void {
    const buffer = this.kernel.inputs.length + output;
    const { type } = this.#buffers[buffer];
    const bytes = bytesOf[type];
    const { address, offset } = printer.placeOf(
      buffer,
      strides.map(([i, n]) => [i, n * bytes] as const),
    );
    if (count === null) this.f.emit(storeVector(type, this.lanes, address, x, offset));
    else
      for (let lane = 0; lane < count; lane++)
        this.f.emit(storeLane(type, address, x, lane, offset + lane * bytes));
  }

  /**
   * Loops over `order` around what `print` gives for each piece of its last axis, if that runs along the lanes: whole
   * turns of `copies` vectors, the vectors that remain, and the lanes that remain. `ranges` has axes of which only a
   * part is looped over.
   */
  loops(
    order: readonly number[],
    counters: ReadonlyMap<number, Variable>,
    extents: readonly number[],
    vectorAxis: number | null,
    copies: number,
    print: (piece: Piece) => Printed,
    ranges: Ranges = new Map(),
  ): Code {
    const rangeOf = (i: number): readonly [number, number] => ranges.get(i) ?? [0, extents[i]];
    const outer = vectorAxis === null ? order : order.slice(0, -1);
    const levels: Code[][] = Array.from({ length: outer.length + 1 }, () => []);
    const add = (piece: Piece, wrap: (code: Code) => Code): void => {
      const { levels: own, code } = print(piece);
      const rank = piece.order.length;
      for (let i = 0; i < rank; i++) levels[i].push(own[i]);
      levels[outer.length].push(wrap([own[rank], code]));
    };
    if (vectorAxis === null) add({ order, counters, copies: 1, count: 1 }, code => code);
    else {
      const { lanes } = this;
      const [first, end] = rangeOf(vectorAxis);
      const whole = end - ((end - first) % lanes);
      const main = whole - ((whole - first) % (copies * lanes));
      const counter = counters.get(vectorAxis) as Variable;
      const part = (from: number, to: number, many: number): void => {
        if (from < to)
          add({ order, counters, copies: many, count: null }, code =>
            loop(counter, from, to, many * lanes, code),
          );
      };
      part(first, main, copies);
      part(main, whole, 1);
      if (whole < end) {
        const fixed = new Map<number, Value>(counters).set(vectorAxis, i32.const(whole));
        add({ order: outer, counters: fixed, copies: 1, count: end - whole }, code => code);
      }
    }
    let code: Code = levels[outer.length];
    for (let i = outer.length - 1; i >= 0; i--)
      code = [levels[i], loop(counters.get(outer[i]) as Variable, ...rangeOf(outer[i]), 1, code)];
    return code;
  }
}

/** Axes of one element have index 0; `keep` is left as it is. */
export function squeezed(list: readonly Expression[], extents: readonly number[], keep = -1): Expression[] {
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
export function rowMajor(extents: readonly number[]): [number, number][] {
  let stride = 1;
  const strides: [number, number][] = [];
  for (let i = extents.length - 1; i >= 0; i--) {
    strides.unshift([i, stride]);
    stride *= extents[i];
  }
  return strides;
}
