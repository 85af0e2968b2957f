/** The same elements in another shape or order. */
import { range, showShape, sizeOf } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { moveAxis, permute, reshape as reshaped, reverse } from '../primitives/layout.ts';
import * as array from './array.ts';
import { asTensor, positiveAxes, positiveAxis, type TensorLike } from './array.ts';
import { type AxesOption, axesFrom } from './options.ts';

const { broadcastTo } = array;

/**
 * The elements of x in row-major order under another shape. One extent may be −1: it follows from the others.
 *
 * @example reshape(x, [2, -1])
 * @throws ShapeMismatch where the number of elements differs
 */
export function reshape(x: TensorLike, shape: number | readonly number[]): Tensor {
  const operand = asTensor(x);
  const to = typeof shape === 'number' ? [shape] : [...shape];
  const free = to.flatMap((extent, i) => (extent === -1 ? [i] : []));
  const others = to.filter(extent => extent !== -1);
  const known = sizeOf(others);
  if (free.length > 1 || others.some(extent => !Number.isInteger(extent) || extent < 0))
    throw new BadArgument({
      did: `reshape of ${operand.aval} to ${showShape(to)}`,
      expected: 'non-negative integers, at most one of them −1',
      remedy: 'x.reshape([2, -1])',
    });
  if (free.length === 1) {
    if (known === 0 || operand.size % known !== 0)
      throw new ShapeMismatch({
        did: `reshape of ${operand.aval} to ${showShape(to)}`,
        expected: `the extents other than −1 to divide ${operand.size}`,
        remedy: 'check x.shape; to flatten write x.ravel()',
      });
    to[free[0]] = operand.size / known;
  }
  return reshaped(operand, to);
}

/** All elements in row-major order, as a vector. */
export function ravel(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return reshaped(operand, [operand.size]);
}

/** The same as {@link ravel}. */
export function flatten(x: TensorLike): Tensor {
  return ravel(x);
}

/**
 * The axes in another order: axis i of the result is axis axes[i] of x. Without axes they are reversed.
 *
 * @example transpose([[1, 2, 3]]) // of shape [3, 1]
 * @example transpose(x, [0, 2, 1])
 * @throws ShapeMismatch where axes is no permutation, AxisOutOfRange
 */
export function transpose(x: TensorLike, axes?: readonly number[] | null): Tensor {
  const operand = asTensor(x);
  if (axes === undefined || axes === null) return permute(operand, range(operand.ndim).reverse());
  const order = axes.map(axis => positiveAxis('transpose', axis, operand.ndim));
  if (order.length !== operand.ndim || new Set(order).size !== order.length)
    throw new ShapeMismatch({
      did: `transpose of ${operand.aval} with axes ${showShape(axes)}`,
      expected: `each of the ${operand.ndim} axes once`,
      remedy: 'swapaxes(x, a, b) and moveaxis(x, from, to) name only the axes that move',
    });
  return permute(operand, order);
}

/** The same as {@link transpose} with axes. */
export function permuteDims(x: TensorLike, axes: readonly number[]): Tensor {
  return transpose(x, axes);
}

/** The last two axes exchanged: xᵀ of every matrix of a batch. */
export function matrixTranspose(x: TensorLike): Tensor {
  return swapaxes(x, -2, -1);
}

/**
 * Axes moved to other places, the rest keeping their order.
 *
 * @example moveaxis(images, -1, 0) // channels first
 * @throws AxisOutOfRange
 */
export function moveaxis(
  x: TensorLike,
  from: number | readonly number[],
  to: number | readonly number[],
): Tensor {
  const operand = asTensor(x);
  const list = (axes: number | readonly number[]): number[] =>
    (typeof axes === 'number' ? [axes] : axes).map(axis => positiveAxis('moveaxis', axis, operand.ndim));
  const [sources, places] = [list(from), list(to)];
  if (
    sources.length !== places.length ||
    new Set(sources).size !== sources.length ||
    new Set(places).size !== places.length
  )
    throw new BadArgument({
      did: `moveaxis from ${JSON.stringify(from)} to ${JSON.stringify(to)}`,
      expected: 'as many places as axes, each once',
      remedy: 'moveaxis(x, [0, 1], [-1, 0])',
    });
  const rest = range(operand.ndim).filter(axis => !sources.includes(axis));
  return permute(
    operand,
    range(operand.ndim).map(place =>
      places.includes(place) ? sources[places.indexOf(place)] : (rest.shift() as number),
    ),
  );
}

/** Two axes exchanged. @throws AxisOutOfRange */
export function swapaxes(x: TensorLike, a: number, b: number): Tensor {
  const operand = asTensor(x);
  const order = range(operand.ndim);
  const [first, second] = [a, b].map(axis => positiveAxis('swapaxes', axis, operand.ndim));
  order[first] = second;
  order[second] = first;
  return permute(operand, order);
}

/**
 * Without axes of extent 1: all of them, or those named.
 *
 * @example squeeze(tensor([[[1], [2]]])) // [1, 2]
 * @throws ShapeMismatch where a named axis is longer, AxisOutOfRange
 */
export function squeeze(x: TensorLike, axis?: AxesOption): Tensor {
  const operand = asTensor(x);
  const named = axesFrom(axis);
  const axes =
    named === null
      ? range(operand.ndim).filter(i => operand.shape[i] === 1)
      : positiveAxes('squeeze', named, operand.ndim);
  const long = axes.find(i => operand.shape[i] !== 1);
  if (long !== undefined)
    throw new ShapeMismatch({
      did: `squeeze of axis ${long} of ${operand.aval}`,
      expected: 'an axis of extent 1',
      remedy: `index it, x.at(0).get(), or reduce it, x.sum(${long})`,
    });
  return reshaped(
    operand,
    operand.shape.filter((_, i) => !axes.includes(i)),
  );
}

/**
 * With new axes of extent 1 at the given places of the result.
 *
 * @example expandDims([1, 2], 0) // [[1, 2]]
 * @throws AxisOutOfRange
 */
export function expandDims(x: TensorLike, axis: AxesOption): Tensor {
  const operand = asTensor(x);
  const named = axesFrom(axis) ?? 0;
  const ndim = operand.ndim + (typeof named === 'number' ? 1 : named.length);
  const axes = positiveAxes('expandDims', named, ndim);
  const extents = [...operand.shape];
  return reshaped(
    operand,
    range(ndim).map(i => (axes.includes(i) ? 1 : (extents.shift() as number))),
  );
}

/** As it is, a 0-dimensional tensor becoming a vector of one element. */
export function atleast1d(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return operand.ndim > 0 ? operand : reshaped(operand, [1]);
}

/** As it is with two axes or more; a vector becomes one row. */
export function atleast2d(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return operand.ndim > 1 ? operand : reshaped(operand, [1, operand.size]);
}

/** As it is with three axes or more; a vector becomes [1, n, 1], a matrix [n, m, 1]. */
export function atleast3d(x: TensorLike): Tensor {
  const operand = asTensor(x);
  if (operand.ndim > 2) return operand;
  return reshaped(operand, operand.ndim === 2 ? [...operand.shape, 1] : [1, operand.size, 1]);
}

/**
 * Backwards along the axes, all of them by default.
 *
 * @example flip([1, 2, 3]) // [3, 2, 1]
 * @throws AxisOutOfRange
 */
export function flip(x: TensorLike, axis?: AxesOption): Tensor {
  const operand = asTensor(x);
  const axes = positiveAxes('flip', axesFrom(axis), operand.ndim);
  return axes.length === 0 ? operand : reverse(operand, axes);
}

/** Backwards along axis 1. */
export function fliplr(x: TensorLike): Tensor {
  return flip(x, 1);
}

/** Backwards along axis 0. */
export function flipud(x: TensorLike): Tensor {
  return flip(x, 0);
}

export interface Rot90Options {
  /** How many quarter turns. Default 1. */
  readonly k?: number;
  /** The plane, turned from its first axis towards its second. Default [0, 1]. */
  readonly axes?: readonly [number, number];
}

/**
 * Turned by 90° k times, from the first axis towards the second.
 *
 * @example rot90([[1, 2], [3, 4]]) // [[2, 4], [1, 3]]
 * @throws AxisOutOfRange
 */
export function rot90(x: TensorLike, options: number | Rot90Options = {}): Tensor {
  const operand = asTensor(x);
  const { k = 1, axes = [0, 1] } = typeof options === 'number' ? { k: options } : options;
  const [a, b] = axes.map(axis => positiveAxis('rot90', axis, operand.ndim));
  switch (((k % 4) + 4) % 4) {
    case 0:
      return operand;
    case 1:
      return swapaxes(reverse(operand, [b]), a, b);
    case 2:
      return reverse(operand, [a, b]);
    default:
      return swapaxes(reverse(operand, [a]), a, b);
  }
}

/** Tensors repeated to the shape they have together. @throws ShapeMismatch */
export function broadcastArrays(...xs: TensorLike[]): Tensor[] {
  const operands = xs.map(asTensor);
  const shape = broadcastShapes(...operands.map(operand => operand.shape));
  return operands.map(operand => broadcastTo(operand, shape));
}

/**
 * The shape that shapes have together: trailing axes lined up, extents equal or 1.
 *
 * @example broadcastShapes([2, 1], [3]) // [2, 3]
 * @throws ShapeMismatch
 */
export function broadcastShapes(...shapes: (readonly number[])[]): number[] {
  return array.broadcastShapes('broadcastShapes', shapes);
}

/** The axis rolled back to stand before another one: NumPy's older name of {@link moveaxis}. */
export function rollaxis(x: TensorLike, axis: number, start = 0): Tensor {
  const operand = asTensor(x);
  const from = positiveAxis('rollaxis', axis, operand.ndim);
  const before = start === operand.ndim ? start : positiveAxis('rollaxis', start, operand.ndim);
  return moveAxis(operand, from, before > from ? before - 1 : before);
}
