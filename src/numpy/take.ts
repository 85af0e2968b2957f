/** Choosing elements by integer indices and by conditions. */
import { range, showShape, sizeOf, stridesOf } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { BadArgument, IndexOutOfRange, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, cast, div, mul, rem } from '../primitives/arithmetic.ts';
import { broadcast, constantLike, full, iota } from '../primitives/broadcast.ts';
import { equal, select as selected } from '../primitives/compare.ts';
import { scatterAdd, scatterMax, scatterMin, scatterMul, scatterSet } from '../primitives/gather.ts';
import { reshape } from '../primitives/layout.ts';
import { takeAlong } from '../primitives/sort.ts';
import {
  asTensor,
  broadcastShapes,
  broadcastTo,
  convert,
  positiveAxis,
  promote,
  requireShape,
  type TensorLike,
} from './array.ts';
import { stack } from './join.ts';
import { truth } from './operands.ts';
import { type AxisOption, axisFrom } from './options.ts';
import {
  gatherAlong,
  type IndexMode,
  integerTensor,
  knownElements,
  outOfRange,
  pick,
  positiveIndices,
} from './positions.ts';
import { ravel } from './shape.ts';
import { trueIndices } from './subscript.ts';

export type { IndexMode } from './positions.ts';

export interface TakeOptions {
  /** Default null: of the flattened tensor. */
  readonly axis?: number | null;
  /** What becomes of indices out of range. Default 'raise'. */
  readonly mode?: IndexMode;
}

/** x and a positive axis of it; without an axis the flattened tensor. */
function ground(name: string, x: Tensor, axis: number | null): [x: Tensor, axis: number] {
  const operand = axis === null ? reshape(x, [x.size]) : x;
  return [operand, positiveAxis(name, axis ?? 0, operand.ndim)];
}

/**
 * Elements along an axis: result[a…, s…, b…] = x[a…, index[s…], b…].
 *
 * @param index integers, negative ones counting from the end
 * @param options `axis`: by default x is flattened; `mode`: out of range 'raise' throws (while tracing: takes the
 *   nearest), 'clip' takes the nearest, 'wrap' counts on from the other end
 * @example take([[1, 2], [3, 4]], [0, 0], { axis: 1 }) // [[1, 1], [3, 3]]
 * @throws IndexOutOfRange, DTypeMismatch, AxisOutOfRange
 */
export function take(x: TensorLike, index: TensorLike, options: number | TakeOptions = {}): Tensor {
  const { axis = null, mode = 'raise' }: TakeOptions =
    typeof options === 'number' ? { axis: options } : options;
  const [operand, along] = ground('take', asTensor(x), axis);
  const places = integerTensor('take', index);
  return gatherAlong(operand, along, positiveIndices('take', places, along, operand.shape[along], mode));
}

/** Indices that broadcast against x along all axes but one, made to have its shape there. */
function alongIndices(name: string, x: Tensor, index: TensorLike, axis: number): Tensor {
  const places = integerTensor(name, index);
  if (places.ndim !== x.ndim)
    throw new ShapeMismatch({
      did: `${name} of ${x.aval} with indices ${places.aval}`,
      expected: `indices with ${x.ndim} ${x.ndim === 1 ? 'axis' : 'axes'}`,
      remedy: `take(x, i, { axis: ${axis} }) takes the same places everywhere`,
    });
  const one = (shape: readonly number[]): number[] => shape.map((extent, i) => (i === axis ? 1 : extent));
  const shape = broadcastShapes(name, [one(x.shape), one(places.shape)]);
  shape[axis] = places.shape[axis];
  return broadcastTo(positiveIndices(name, places, axis, x.shape[axis]), shape);
}

/**
 * result[…, j, …] = x[…, index[…, j, …], …]: places along an axis that may differ from row to row, as argsort and
 * argmax give them. The other axes broadcast.
 *
 * @param axis default −1; null flattens both
 * @example takeAlongAxis([[3, 1], [2, 4]], [[1], [0]], 1) // [[1], [2]]
 * @throws ShapeMismatch, IndexOutOfRange, AxisOutOfRange
 */
export function takeAlongAxis(x: TensorLike, index: TensorLike, axis?: AxisOption): Tensor {
  const named = axisFrom(axis, -1);
  const [operand, along] = ground('takeAlongAxis', asTensor(x), named);
  const places = named === null ? ravel(integerTensor('takeAlongAxis', index)) : index;
  return takeAlong(operand, alongIndices('takeAlongAxis', operand, places, along), along);
}

export interface PutOptions {
  /** Default −1. */
  readonly axis?: number;
  /** Default 'set'. */
  readonly mode?: 'set' | 'add' | 'multiply' | 'min' | 'max';
}

const scatters = {
  set: scatterSet,
  add: scatterAdd,
  multiply: scatterMul,
  min: scatterMin,
  max: scatterMax,
} as const;

/**
 * x with x[…, index[…, j, …], …] = values[…, j, …] along an axis, or combined with them: the counterpart of
 * {@link takeAlongAxis}. x itself does not change.
 *
 * @example putAlongAxis([[3, 1], [2, 4]], [[1], [0]], 0, { axis: 1 }) // [[3, 0], [0, 4]]
 * @throws ShapeMismatch, IndexOutOfRange, AxisOutOfRange
 */
export function putAlongAxis(
  x: TensorLike,
  index: TensorLike,
  values: TensorLike,
  options: number | PutOptions = {},
): Tensor {
  const { axis = -1, mode = 'set' }: PutOptions = typeof options === 'number' ? { axis: options } : options;
  const operand = asTensor(x);
  const along = positiveAxis('putAlongAxis', axis, operand.ndim);
  const places = alongIndices('putAlongAxis', operand, index, along);
  const given = broadcastTo(convert(asTensor(values), operand.dtype), places.shape);
  return scatters[mode](
    operand,
    given,
    ...range(operand.ndim).map(d => (d === along ? places : iota('int32', places.shape, d))),
  );
}

/**
 * Of several tensors the element of the one that an integer tensor names: result[s…] = choices[index[s…]][s…]. All
 * broadcast.
 *
 * @example choose([0, 1, 0], [[1, 2, 3], [4, 5, 6]]) // [1, 5, 3]
 * @throws IndexOutOfRange, ShapeMismatch
 */
export function choose(
  index: TensorLike,
  choices: readonly TensorLike[],
  options: { readonly mode?: IndexMode } = {},
): Tensor {
  const places = integerTensor('choose', index);
  const operands = promote('choose', choices);
  const shape = broadcastShapes('choose', [places.shape, ...operands.map(x => x.shape)]);
  const all = stack(operands.map(x => broadcastTo(x, shape)));
  const chosen = positiveIndices('choose', places, 0, operands.length, options.mode);
  const found = takeAlong(all, reshape(broadcastTo(chosen, shape), [1, ...shape]), 0);
  return reshape(found, shape);
}

/**
 * For every element the first choice whose condition is true, else `default`. All broadcast.
 *
 * @example select([less(x, 0), less(x, 1)], [-1, 0], { default: 1 })
 * @throws BadArgument where conditions and choices differ in number, ShapeMismatch
 */
export function select(
  conditions: readonly TensorLike[],
  choices: readonly TensorLike[],
  options: number | { readonly default?: TensorLike } = {},
): Tensor {
  if (conditions.length !== choices.length || choices.length === 0)
    throw new BadArgument({
      did: `select with ${conditions.length} conditions and ${choices.length} choices`,
      expected: 'a choice for every condition, and at least one',
      remedy: 'select([a, b], [x, y], { default: z })',
    });
  const otherwise = typeof options === 'number' ? options : (options.default ?? 0);
  const operands = promote('select', [...choices, otherwise]);
  const tests = conditions.map(truth);
  const shape = broadcastShapes(
    'select',
    [...tests, ...operands].map(x => x.shape),
  );
  const [fallback, ...values] = operands.map(x => broadcastTo(x, shape)).reverse();
  return [...tests]
    .reverse()
    .reduce<Tensor>((rest, test, i) => selected(broadcastTo(test, shape), values[i], rest), fallback);
}

/**
 * The parts of x along an axis where a bool vector is true. Its values decide the shape: outside jit and vmap only.
 *
 * @param axis default null: of the flattened tensor
 * @example compress([true, false, true], [1, 2, 3]) // [1, 3]
 * @throws DataDependentShape, IndexOutOfRange, ShapeMismatch
 */
export function compress(condition: TensorLike, x: TensorLike, axis?: AxisOption): Tensor {
  const test = truth(condition);
  const [operand, along] = ground('compress', asTensor(x), axisFrom(axis, null));
  if (test.ndim !== 1)
    throw new ShapeMismatch({
      did: `compress by a condition ${test.aval}`,
      expected: 'a vector',
      remedy: 'use extract(condition, x), or x.at(mask).get()',
    });
  const places = Array.from(knownElements(trueIndices('compress', test)[0]) as ArrayLike<number>);
  const beyond = places.find(i => i >= operand.shape[along]);
  if (beyond !== undefined) throw outOfRange('compress', beyond, along, operand.shape[along]);
  return pick(operand, along, places);
}

/** The elements of x, in row-major order, where the condition is true. Outside jit and vmap only. */
export function extract(condition: TensorLike, x: TensorLike): Tensor {
  const operand = asTensor(x);
  const test = truth(condition);
  return compress(reshape(test, [test.size]), operand, null);
}

/**
 * The indices of elements other than 0, one int32 vector for each axis, in row-major order. The values decide the
 * shape: outside jit and vmap only.
 *
 * @example nonzero([0, 3, 4]) // [[1, 2]]
 * @throws DataDependentShape
 */
export function nonzero(x: TensorLike): Tensor[] {
  return trueIndices('nonzero', truth(x));
}

/** The positions in the flattened tensor of elements other than 0. Outside jit and vmap only. */
export function flatnonzero(x: TensorLike): Tensor {
  const test = truth(x);
  return trueIndices('flatnonzero', reshape(test, [test.size]))[0];
}

/** The indices of elements other than 0, one row for each: int32[count, x.ndim]. Outside jit and vmap only. */
export function argwhere(x: TensorLike): Tensor {
  const test = truth(x);
  if (test.ndim === 0)
    return full([knownElements(trueIndices('argwhere', reshape(test, [1]))[0])?.length ?? 0, 0], 0, 'int32');
  return stack(trueIndices('argwhere', test), 1);
}

/**
 * Positions in the flattened tensor as indices along every axis.
 *
 * @example unravelIndex(5, [2, 3]) // [1, 2]
 * @throws IndexOutOfRange where the values are known
 */
export function unravelIndex(index: TensorLike, shape: readonly number[]): Tensor[] {
  requireShape(shape, 'unravelIndex');
  const places = positiveIndices('unravelIndex', integerTensor('unravelIndex', index), 0, sizeOf(shape));
  const strides = stridesOf(shape);
  return shape.map((extent, i) =>
    rem(div(places, constantLike(places, strides[i])), constantLike(places, extent)),
  );
}

/**
 * Indices along every axis as positions in the flattened tensor.
 *
 * @example ravelMultiIndex([1, 2], [2, 3]) // 5
 * @throws IndexOutOfRange where the values are known, BadArgument
 */
export function ravelMultiIndex(
  indices: readonly TensorLike[],
  shape: readonly number[],
  options: { readonly mode?: IndexMode } = {},
): Tensor {
  requireShape(shape, 'ravelMultiIndex');
  if (indices.length !== shape.length || shape.length === 0)
    throw new IndexOutOfRange({
      did: `ravelMultiIndex of ${indices.length} indices for a shape ${showShape(shape)}`,
      expected: `one for each axis, of which there must be at least one`,
      remedy: 'ravelMultiIndex([rows, columns], [2, 3])',
    });
  const strides = stridesOf(shape);
  const along = indices.map((index, axis) =>
    positiveIndices(
      'ravelMultiIndex',
      integerTensor('ravelMultiIndex', index),
      axis,
      shape[axis],
      options.mode,
    ),
  );
  const common = broadcastShapes(
    'ravelMultiIndex',
    along.map(index => index.shape),
  );
  return along
    .map((index, i) => broadcastTo(mul(index, constantLike(index, strides[i])), common))
    .reduce((all, one) => add(all, one));
}

export interface OneHotOptions {
  /** Where the axis of classes goes. Default −1. */
  readonly axis?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/**
 * Rows of the identity matrix: result[…, c] = [x = c] for c = 0 … classes − 1. A label out of range gives zeros.
 *
 * @example oneHot([0, 2], 3) // [[1, 0, 0], [0, 0, 1]]
 * @throws BadArgument, AxisOutOfRange
 */
export function oneHot(x: TensorLike, classes: number, options: DType | OneHotOptions = {}): Tensor {
  requireShape([classes], 'oneHot');
  const { axis = -1, dtype = 'float32' }: OneHotOptions =
    typeof options === 'string' ? { dtype: options } : options;
  const labels = asTensor(x);
  const along = positiveAxis('oneHot', axis, labels.ndim + 1);
  const shape = [...labels.shape];
  shape.splice(along, 0, classes);
  const spread = broadcast(
    labels,
    shape,
    range(shape.length).filter(i => i !== along),
  );
  return cast(equal(spread, iota(labels.dtype, shape, along)), dtype);
}
