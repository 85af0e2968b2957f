/**
 * Kernels: loop nests over scalar expressions, plain data. This is all that a backend understands.
 *
 * Every nest has `extents`, the lengths of its axes; `axis(i)` in an expression is the index along axis i.
 * Outputs are row-major over the leading axes. Nests other than `scatter` and `ordered` may run their output elements in any
 * order and in parallel.
 */
import { type Expression, isFloat, type ScalarType } from './expression.ts';
import { expressionsOf, type Statement } from './statement.ts';

export interface BufferType {
  readonly type: ScalarType;
  readonly shape: readonly number[];
}

/** How a reduction combines: each is associative and commutative, and `start` leaves every term as it is. */
export type Reducer = 'sum' | 'product' | 'min' | 'max' | 'and' | 'or' | 'argmin' | 'argmax';

/** One running value of a reduction. argmin and argmax give the int32 position of the first (or first NaN) term along the reduced axes. */
export interface Accumulator {
  readonly reducer: Reducer;
  readonly term: Expression;
  /** The term is a product and a sum may round it together with the addition (dot, conv). */
  readonly fused?: true;
}

/** output_k[axes] = values_k. */
export interface MapNest {
  readonly form: 'map';
  readonly extents: readonly number[];
  readonly values: readonly Expression[];
}

/**
 * Accumulates the terms over the last `reduced` axes for every index of the axes before them;
 * output_k[kept axes] = results_k, in which `carry(i)` is accumulator i.
 * Sums of floats are blocked, long ones compensated, too: an error bound of some roundings, the same for every thread count.
 */
export interface ReduceNest {
  readonly form: 'reduce';
  readonly extents: readonly number[];
  readonly reduced: number;
  /**
   * Along which axes neighbouring elements lie where the operands have not been fused: the order of addition follows
   * this, so that a fused kernel gives the same bits as a single one.
   */
  readonly lanes: 'kept' | 'reduced';
  readonly accumulators: readonly Accumulator[];
  readonly results: readonly Expression[];
}

/**
 * A sequential loop along one axis for every index of the others. `carry(i)` in `step` is the value
 * before the step (initially `initial[i]`), in `results` the value after it. output_k[axes] = results_k.
 */
export interface ScanNest {
  readonly form: 'scan';
  readonly extents: readonly number[];
  readonly along: number;
  readonly reverse: boolean;
  readonly initial: readonly Expression[];
  readonly step: readonly Expression[];
  readonly results: readonly Expression[];
}

/**
 * The output starts as `base` (an expression over the output's own axes). Then, in row-major order of `extents`,
 * output[at] = combine(output[at], value); `at` has one index for each output dimension. Updates whose index is
 * out of range are dropped. `set` keeps the last.
 */
export interface ScatterNest {
  readonly form: 'scatter';
  readonly extents: readonly number[];
  readonly base: Expression;
  readonly at: readonly Expression[];
  readonly value: Expression;
  readonly combine: 'set' | 'add' | 'mul' | 'min' | 'max';
}

/**
 * Stable sort along one axis by the operand's value, NaN last, −0 equal to 0. The output is the sorted values
 * or, with `positions`, the int32 indices that sort them. The operand is source 0 and has shape `extents`.
 */
export interface SortNest {
  readonly form: 'sort';
  readonly extents: readonly number[];
  readonly along: number;
  readonly descending: boolean;
  readonly positions: boolean;
}

/**
 * The statements in their order, once for every index of `extents`: for algorithms whose steps depend on the ones
 * before. Runs are independent of each other. A load whose source is not an input reads output
 * `source − inputs.length` as written so far; `carry(i)` is local i. Every element of the outputs must be stored.
 * An expression means what it gives where it stands; a node that several statements share is computed once where no
 * statement between them changes what it reads.
 */
export interface OrderedNest {
  readonly form: 'ordered';
  readonly extents: readonly number[];
  /** The types of the locals. */
  readonly locals: readonly ScalarType[];
  /** Axes of loops have numbers from `extents.length` on; loops that are not inside each other may share one. */
  readonly body: readonly Statement[];
}

export type Nest = MapNest | ReduceNest | ScanNest | ScatterNest | SortNest | OrderedNest;

/** All expressions of a nest. */
export function rootsOf(nest: Nest): readonly Expression[] {
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
    case 'ordered':
      return expressionsOf(nest.body);
  }
}

export interface Kernel {
  readonly name: string;
  readonly inputs: readonly BufferType[];
  readonly outputs: readonly BufferType[];
  readonly nest: Nest;
}

/** The value an accumulator starts with. */
export function startOf(reducer: Reducer, type: ScalarType): number {
  const [least, greatest] = isFloat(type)
    ? [-Infinity, Infinity]
    : {
        int32: [-2147483648, 2147483647],
        uint32: [0, 4294967295],
        int8: [-128, 127],
        uint8: [0, 255],
        bool: [0, 1],
      }[type];
  switch (reducer) {
    case 'sum':
    case 'or':
      return 0;
    case 'product':
    case 'and':
      return 1;
    case 'min':
    case 'argmin':
      return greatest;
    case 'max':
    case 'argmax':
      return least;
  }
}
