/**
 * Reductions. The second argument names the axes: a number, a list, or `{ axis, keepdims }`; without it all elements
 * are reduced to a 0-dimensional tensor. `max` and `min` of no elements are errors, a sum of none is 0.
 */
import { sameShape } from '../core/aval.ts';
import { dtypeInfo } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as p from '../primitives/arithmetic.ts';
import * as broadcasting from '../primitives/broadcast.ts';
import { constantLike, full, zerosLike } from '../primitives/broadcast.ts';
import { equal, isFinite, select } from '../primitives/compare.ts';
import { exp, log } from '../primitives/elementary.ts';
import * as r from '../primitives/reduce.ts';
import { asTensor, broadcastTo, convert, type TensorLike } from './array.ts';
import { type Axes, along, axesOf, type Over, optionsOf, restored } from './axes.ts';
import { asFloat, truth } from './operands.ts';

function reduced(
  name: string,
  x: Tensor,
  axes: Axes | undefined,
  apply: (x: Tensor, axes: readonly number[]) => Tensor,
): Tensor {
  const options = optionsOf(axes);
  const over = axesOf(name, x, options);
  return restored(over.length === 0 ? x : apply(x, over), x.shape, over, options.keepdims);
}

/** The type in which integers are summed: int32, or uint32 as it is. */
export function summable(x: Tensor): Tensor {
  const narrow = !x.aval.isFloat && dtypeInfo(x.dtype).bytes < 4;
  return narrow ? convert(x, 'int32') : x;
}

/**
 * Σ x over the axes. Floats are summed in blocks, so that the error grows slowly; int8, uint8 and bool are summed in
 * int32, which wraps around.
 *
 * @example sum(tensor([[1, 2], [3, 4]]), 0) // [4, 6]
 * @throws AxisOutOfRange
 */
export function sum(x: TensorLike, axes?: Axes): Tensor {
  return reduced('sum', summable(asTensor(x)), axes, broadcasting.sum);
}

/**
 * Π x over the axes; integers as in {@link sum}. The derivative is the product of the others, exact at zeros.
 *
 * @example prod(tensor([2, 3, 4])) // 24
 * @throws AxisOutOfRange
 */
export function prod(x: TensorLike, axes?: Axes): Tensor {
  return reduced('prod', summable(asTensor(x)), axes, r.reduceProd);
}

/**
 * The largest element, NaN if one is. Equal largest elements share the cotangent equally.
 *
 * @example max(tensor([[1, 5], [3, 4]]), 1) // [5, 4]
 * @throws AxisOutOfRange, BadArgument where there are no elements
 */
export function max(x: TensorLike, axes?: Axes): Tensor {
  return reduced('max', asTensor(x), axes, r.reduceMax);
}

/** The smallest element, NaN if one is. Equal smallest elements share the cotangent equally. @throws AxisOutOfRange, BadArgument */
export function min(x: TensorLike, axes?: Axes): Tensor {
  return reduced('min', asTensor(x), axes, r.reduceMin);
}

/** The range max − min. @example ptp(tensor([3, 9, 4])) // 6 @throws AxisOutOfRange, BadArgument */
export function ptp(x: TensorLike, axes?: Axes): Tensor {
  const operand = asTensor(x);
  return p.sub(max(operand, axes), min(operand, axes));
}

/** Whether all elements are true (not 0); true of none. @returns bool @throws AxisOutOfRange */
export function all(x: TensorLike, axes?: Axes): Tensor {
  return reduced('all', truth(x), axes, r.reduceAnd);
}

/** Whether any element is true (not 0); false of none. @returns bool @throws AxisOutOfRange */
export function any(x: TensorLike, axes?: Axes): Tensor {
  return reduced('any', truth(x), axes, r.reduceOr);
}

/** How many elements are not 0; NaN is not. @returns int32 @throws AxisOutOfRange */
export function countNonzero(x: TensorLike, axes?: Axes): Tensor {
  return sum(truth(x), axes);
}

/** One axis, bare or among options; null is the flattened tensor. */
export type Axis = number | null | { readonly axis?: number | null; readonly keepdims?: boolean };

function position(
  name: string,
  x: Tensor,
  which: Axis | undefined,
  apply: (x: Tensor, axis: number) => Tensor,
): Tensor {
  const { axis, keepdims } = optionsOf(which as Axes) as Over & { axis?: number | null };
  const [operand, at] = along(name, x, axis);
  const result = apply(operand, at);
  return axis === null || axis === undefined
    ? restored(result, x.shape, [...x.shape.keys()], keepdims)
    : restored(result, x.shape, [at], keepdims);
}

/**
 * The position of the largest element along an axis: the first one of equals, the first NaN if there is one.
 * Without an axis, the position in the flattened tensor.
 *
 * @returns int32
 * @example argmax(tensor([[1, 5], [7, 4]]), 1) // [1, 0]
 * @throws AxisOutOfRange, BadArgument where there are no elements
 */
export function argmax(x: TensorLike, axis?: Axis): Tensor {
  return position('argmax', asTensor(x), axis, r.argmax);
}

/** The position of the smallest element along an axis, see {@link argmax}. @returns int32 */
export function argmin(x: TensorLike, axis?: Axis): Tensor {
  return position('argmin', asTensor(x), axis, r.argmin);
}

/**
 * log Σ eˣ over the axes, without overflow: m + log Σ eˣ⁻ᵐ with m = max x. The derivative is softmax(x). Entries of −∞
 * are masked out; of such entries alone the result is −∞ with derivative 0.
 *
 * @example logsumexp(tensor([1000, 1000])) // 1000 + log 2
 * @throws AxisOutOfRange
 */
export function logsumexp(x: TensorLike, axes?: Axes): Tensor {
  return reduced('logsumexp', asFloat(x), axes, (a, over) => {
    const kept = [...a.shape.keys()].filter(i => !over.includes(i));
    const shape = kept.map(i => a.shape[i]);
    if (a.size === 0) return full(shape, Number.NEGATIVE_INFINITY, a.dtype);
    const top = r.reduceMax(p.stop(a), over);
    const level = select(isFinite(top), top, zerosLike(top));
    const total = broadcasting.sum(exp(p.sub(a, broadcasting.broadcast(level, a.shape, kept))), over);
    const none = equal(total, zerosLike(total));
    const safe = log(select(none, constantLike(total, 1), total));
    return select(none, constantLike(total, Number.NEGATIVE_INFINITY), p.add(safe, level));
  });
}

/** x in the shape of `like`, for weights. */
export function spreadLike(name: string, x: Tensor, like: Tensor, axis: number | undefined): Tensor {
  if (sameShape(x.shape, like.shape)) return x;
  if (x.ndim === 1 && axis !== undefined && x.shape[0] === like.shape[axis])
    return broadcasting.broadcast(x, like.shape, [axis]);
  if (axis === undefined && x.ndim <= like.ndim) return broadcastTo(x, like.shape);
  throw new BadArgument({
    did: `${name} of a tensor ${like.aval} with weights ${x.aval}`,
    expected: 'weights of the same shape, or a vector along the one axis that is reduced',
    remedy: `${name}(x, { axis: 0, weights })`,
  });
}

export type { Axes, Over };
export { max as amax, min as amin };
