/** Joining tensors and taking them apart along an axis. */
import { range } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { reshape } from '../primitives/layout.ts';
import { concat } from '../primitives/slice.ts';
import { asTensor, broadcastTo, convert, positiveAxis, promote, type TensorLike } from './array.ts';
import { type AxisOption, axisFrom } from './options.ts';
import { pick, positiveIndex } from './positions.ts';
import { between } from './repeat.ts';
import { atleast1d, atleast2d, atleast3d, expandDims, moveaxis } from './shape.ts';

function parts(name: string, xs: readonly TensorLike[]): Tensor[] {
  if (xs.length === 0)
    throw new BadArgument({
      did: `${name} of an empty list`,
      expected: 'at least one tensor',
      remedy: `${name}([a, b])`,
    });
  return promote(name, [...xs]);
}

/**
 * Tensors one after another along an axis that they have. Their element types are promoted to a common one.
 *
 * @param axis default 0; null flattens them first
 * @example concatenate([[1, 2], [3]]) // [1, 2, 3]
 * @throws ShapeMismatch where other axes differ, AxisOutOfRange, BadArgument for an empty list
 */
export function concatenate(xs: readonly TensorLike[], axis?: AxisOption): Tensor {
  const operands = parts('concatenate', xs);
  const named = axisFrom(axis, 0);
  if (named === null)
    return concat(
      operands.map(x => reshape(x, [x.size])),
      0,
    );
  const along = positiveAxis('concatenate', named, operands[0].ndim);
  return operands.length === 1 ? operands[0] : concat(operands, along);
}

/**
 * Tensors of one shape along a new axis.
 *
 * @example stack([[1, 2], [3, 4]]) // [[1, 2], [3, 4]]
 * @example stack([a, b], -1)
 * @throws ShapeMismatch where shapes differ, AxisOutOfRange
 */
export function stack(xs: readonly TensorLike[], axis?: AxisOption): Tensor {
  const operands = parts('stack', xs);
  const [first] = operands;
  if (operands.some(x => x.shape.join() !== first.shape.join()))
    throw new ShapeMismatch({
      did: `stack of ${operands.map(x => x.aval).join(', ')}`,
      expected: 'equal shapes',
      remedy: 'concatenate joins along an existing axis; broadcastArrays gives tensors one shape',
    });
  const along = positiveAxis('stack', axisFrom(axis, 0) ?? 0, first.ndim + 1);
  return concat(
    operands.map(x => expandDims(x, along)),
    along,
  );
}

/** Side by side: along axis 1, vectors along axis 0. */
export function hstack(xs: readonly TensorLike[]): Tensor {
  const operands = parts('hstack', xs).map(atleast1d);
  return concatenate(operands, operands[0].ndim === 1 ? 0 : 1);
}

/** One above the other: along axis 0, vectors as rows. */
export function vstack(xs: readonly TensorLike[]): Tensor {
  return concatenate(parts('vstack', xs).map(atleast2d), 0);
}

/** One behind the other: along axis 2. */
export function dstack(xs: readonly TensorLike[]): Tensor {
  return concatenate(parts('dstack', xs).map(atleast3d), 2);
}

/** Vectors as the columns of a matrix, and matrices as several columns. */
export function columnStack(xs: readonly TensorLike[]): Tensor {
  const columns = parts('columnStack', xs).map(x => (x.ndim < 2 ? reshape(x, [x.size, 1]) : x));
  return concatenate(columns, 1);
}

/** y after x along an axis; without an axis both flattened. */
export function append(x: TensorLike, y: TensorLike, axis?: AxisOption): Tensor {
  return concatenate([x, y], axisFrom(axis, null));
}

function cut(x: Tensor, at: readonly number[], axis: number): Tensor[] {
  const n = x.shape[axis];
  const clip = (i: number): number => Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  const starts = [0, ...at.map(clip)];
  return starts.map((start, i) =>
    between(x, axis, start, Math.max(start, i === at.length ? n : starts[i + 1])),
  );
}

/**
 * Parts along an axis: so many equal ones, or cut before the given places.
 *
 * @param at the number of parts, or a list of places
 * @example split([1, 2, 3, 4], 2) // [[1, 2], [3, 4]]
 * @example split(x, [1, 3], { axis: 1 }) // x[:, :1], x[:, 1:3], x[:, 3:]
 * @throws ShapeMismatch where the axis does not fall into equal parts, AxisOutOfRange
 */
export function split(x: TensorLike, at: number | readonly number[], axis?: AxisOption): Tensor[] {
  const operand = asTensor(x);
  const along = positiveAxis('split', axisFrom(axis, 0) ?? 0, operand.ndim);
  if (typeof at === 'number' && operand.shape[along] % at !== 0)
    throw new ShapeMismatch({
      did: `split of ${operand.aval} into ${at} parts along axis ${along}`,
      expected: `a number of parts that divides ${operand.shape[along]}`,
      remedy: 'arraySplit makes parts of unequal length; a list of places cuts anywhere',
    });
  return arraySplit(operand, at, along);
}

/** As {@link split}, the first parts one longer where the axis does not fall into equal ones. */
export function arraySplit(x: TensorLike, at: number | readonly number[], axis?: AxisOption): Tensor[] {
  const operand = asTensor(x);
  const along = positiveAxis('arraySplit', axisFrom(axis, 0) ?? 0, operand.ndim);
  if (typeof at !== 'number') return cut(operand, at, along);
  if (!Number.isInteger(at) || at < 1)
    throw new BadArgument({
      did: `split into ${at} parts`,
      expected: 'a positive integer',
      remedy: 'split(x, 2), or split(x, [1, 3]) for places',
    });
  const n = operand.shape[along];
  const places = range(at - 1).map(i => (i + 1) * Math.floor(n / at) + Math.min(i + 1, n % at));
  return cut(operand, places, along);
}

/** {@link split} along axis 1, of a vector along axis 0. */
export function hsplit(x: TensorLike, at: number | readonly number[]): Tensor[] {
  const operand = asTensor(x);
  return split(operand, at, operand.ndim === 1 ? 0 : 1);
}

/** {@link split} along axis 0. */
export function vsplit(x: TensorLike, at: number | readonly number[]): Tensor[] {
  return split(x, at, 0);
}

/** {@link split} along axis 2. */
export function dsplit(x: TensorLike, at: number | readonly number[]): Tensor[] {
  return split(x, at, 2);
}

/** The parts along an axis, each without it. */
export function unstack(x: TensorLike, axis?: AxisOption): Tensor[] {
  const operand = asTensor(x);
  const along = positiveAxis('unstack', axisFrom(axis, 0) ?? 0, operand.ndim);
  const shape = operand.shape.filter((_, i) => i !== along);
  return range(operand.shape[along]).map(i => reshape(between(operand, along, i, i + 1), shape));
}

/** The tensor and the axis that insert and delete work on: without an axis, the flattened tensor. */
function ground(name: string, x: TensorLike, axis: AxisOption | undefined): [Tensor, number] {
  const given = asTensor(x);
  const named = axisFrom(axis, null);
  const operand = named === null ? reshape(given, [given.size]) : given;
  return [operand, positiveAxis(name, named ?? 0, operand.ndim)];
}

/**
 * Without the elements at the given places, which are JavaScript integers. Without an axis, of the flattened tensor.
 *
 * @example remove([1, 2, 3], 1) // [1, 3]; exported as `delete` too
 * @throws IndexOutOfRange, AxisOutOfRange
 */
export function remove(x: TensorLike, at: number | readonly number[], axis?: AxisOption): Tensor {
  const [operand, along] = ground('delete', x, axis);
  const n = operand.shape[along];
  const gone = new Set((typeof at === 'number' ? [at] : at).map(i => positiveIndex('delete', i, along, n)));
  return pick(
    operand,
    along,
    range(n).filter(i => !gone.has(i)),
  );
}

export { remove as delete };

/**
 * With values put in before the given places, which are JavaScript integers from −n to n and refer to x as it was.
 * Without an axis, of the flattened tensor.
 *
 * @param at one place, before which all values go, or a list with a place for each value
 * @param values broadcast to what is inserted
 * @example insert([1, 2, 3], 1, 9) // [1, 9, 2, 3]
 * @throws IndexOutOfRange, ShapeMismatch, AxisOutOfRange
 */
export function insert(
  x: TensorLike,
  at: number | readonly number[],
  values: TensorLike,
  axis?: AxisOption,
): Tensor {
  const [operand, along] = ground('insert', x, axis);
  const n = operand.shape[along];
  let given = convert(asTensor(values), operand.dtype);
  if (typeof at === 'number') {
    // NumPy's rule: missing axes lead, and the first axis is the one that is inserted along.
    while (given.ndim < operand.ndim) given = expandDims(given, 0);
    given = moveaxis(given, 0, along);
  }
  const count = typeof at === 'number' ? given.shape[along] : at.length;
  const inserted = broadcastTo(
    given,
    operand.shape.map((extent, i) => (i === along ? count : extent)),
  );
  const places = range(count).map(i => {
    const place = typeof at === 'number' ? at : at[i];
    return place === n ? n : positiveIndex('insert', place, along, n);
  });
  const order: number[] = [];
  for (let i = 0; i <= n; i++) {
    places.forEach((place, j) => {
      if (place === i) order.push(n + j);
    });
    if (i < n) order.push(i);
  }
  return pick(concat([operand, inserted], along), along, order);
}
