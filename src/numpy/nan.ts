/** Reductions that pass over NaN. Integers and bools are reduced as by the functions without `nan`. */
import type { Tensor } from '../core/tensor.ts';
import { div, mul, sub } from '../primitives/arithmetic.ts';
import { constantLike } from '../primitives/broadcast.ts';
import { isNaN, not, select } from '../primitives/compare.ts';
import { asTensor, broadcastTo, convert, type TensorLike } from './array.ts';
import { type Axes, axesOf, optionsOf } from './axes.ts';
import { asFloat } from './operands.ts';
import { type Axis, all, argmax, argmin, max, min, prod, sum } from './reduce.ts';
import { rootOfSquares, type SpreadOptions } from './statistics.ts';

/** The tensor with a number in place of NaN. */
function filled(x: TensorLike, value: number): Tensor {
  const a = asTensor(x);
  return a.aval.isFloat ? select(isNaN(a), constantLike(a, value), a) : a;
}

/** How many elements are not NaN, in the type of x. */
function countOf(x: Tensor, axes: Axes | undefined): Tensor {
  return convert(sum(not(isNaN(x)), axes), x.dtype);
}

/** Σ x without NaN; 0 of none. @example nansum(tensor([1, NaN, 3])) // 4 @throws AxisOutOfRange */
export function nansum(x: TensorLike, axes?: Axes): Tensor {
  return sum(filled(x, 0), axes);
}

/** Π x without NaN; 1 of none. @throws AxisOutOfRange */
export function nanprod(x: TensorLike, axes?: Axes): Tensor {
  return prod(filled(x, 1), axes);
}

/** The mean of the elements that are not NaN; NaN of none. @example nanmean(tensor([1, NaN, 3])) // 2 @throws AxisOutOfRange */
export function nanmean(x: TensorLike, axes?: Axes): Tensor {
  const a = asFloat(x);
  return div(nansum(a, axes), countOf(a, axes));
}

/** The variance of the elements that are not NaN; NaN of none. @throws AxisOutOfRange */
export function nanvar(x: TensorLike, axes?: Axes<SpreadOptions>): Tensor {
  const a = asFloat(x);
  const options = optionsOf(axes);
  const over = axesOf('nanvar', a, options);
  const deviation = sub(a, broadcastTo(nanmean(a, { axis: over, keepdims: true }), a.shape));
  const squares = sum(filled(mul(deviation, deviation), 0), options);
  const count = countOf(a, options);
  return div(squares, sub(count, constantLike(count, options.ddof ?? 0)));
}

/** The standard deviation of the elements that are not NaN; its derivative at a constant is 0. @throws AxisOutOfRange */
export function nanstd(x: TensorLike, axes?: Axes<SpreadOptions>): Tensor {
  return rootOfSquares(nanvar(x, axes));
}

/** The largest element that is not NaN; NaN where all are. @throws AxisOutOfRange, BadArgument where there are no elements */
export function nanmax(x: TensorLike, axes?: Axes): Tensor {
  return extreme(asTensor(x), axes, Number.NEGATIVE_INFINITY, max);
}

/** The smallest element that is not NaN; NaN where all are. @throws AxisOutOfRange, BadArgument where there are no elements */
export function nanmin(x: TensorLike, axes?: Axes): Tensor {
  return extreme(asTensor(x), axes, Number.POSITIVE_INFINITY, min);
}

function extreme(
  a: Tensor,
  axes: Axes | undefined,
  least: number,
  choose: (x: Tensor, axes?: Axes) => Tensor,
): Tensor {
  if (!a.aval.isFloat) return choose(a, axes);
  const found = choose(filled(a, least), axes);
  return select(all(isNaN(a), axes), constantLike(found, Number.NaN), found);
}

/** The position of the largest element that is not NaN; 0 where all are. @returns int32 */
export function nanargmax(x: TensorLike, axis?: Axis): Tensor {
  return argmax(filled(x, Number.NEGATIVE_INFINITY), axis);
}

/** The position of the smallest element that is not NaN; 0 where all are. @returns int32 */
export function nanargmin(x: TensorLike, axis?: Axis): Tensor {
  return argmin(filled(x, Number.POSITIVE_INFINITY), axis);
}
