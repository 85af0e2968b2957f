/**
 * Running sums, products and extremes along an axis, of the tensor's shape; without an axis, of the flattened tensor.
 * `reverse` runs from the last element to the first.
 */
import type { Tensor } from '../core/tensor.ts';
import * as p from '../primitives/cumulative.ts';
import { asTensor, type TensorLike } from './array.ts';
import { along } from './axes.ts';
import { asFloat } from './operands.ts';
import { summable } from './reduce.ts';

/** The axis, bare or among options; default the flattened tensor. */
export type Along = number | null | { readonly axis?: number | null; readonly reverse?: boolean };

function running(
  name: string,
  x: Tensor,
  options: Along | undefined,
  apply: (x: Tensor, axis: number, reverse: boolean) => Tensor,
): Tensor {
  const { axis, reverse = false } =
    typeof options === 'object' && options !== null ? options : { axis: options };
  return apply(...along(name, x, axis), reverse);
}

/**
 * The sums x₀, x₀ + x₁, …; int8, uint8 and bool are summed in int32.
 *
 * @example cumsum(tensor([1, 2, 3])) // [1, 3, 6]
 * @throws AxisOutOfRange
 */
export function cumsum(x: TensorLike, axis?: Along): Tensor {
  return running('cumsum', summable(asTensor(x)), axis, p.cumsum);
}

/**
 * The products x₀, x₀·x₁, …; integers as in {@link cumsum}. The derivative is exact at zeros.
 *
 * @example cumprod(tensor([1, 2, 3])) // [1, 2, 6]
 * @throws AxisOutOfRange
 */
export function cumprod(x: TensorLike, axis?: Along): Tensor {
  return running('cumprod', summable(asTensor(x)), axis, p.cumprod);
}

/** The largest so far, NaN from the first NaN on. @example cummax(tensor([1, 3, 2])) // [1, 3, 3] @throws AxisOutOfRange */
export function cummax(x: TensorLike, axis?: Along): Tensor {
  return running('cummax', asTensor(x), axis, p.cummax);
}

/** The smallest so far, NaN from the first NaN on. @throws AxisOutOfRange */
export function cummin(x: TensorLike, axis?: Along): Tensor {
  return running('cummin', asTensor(x), axis, p.cummin);
}

/** log Σ_{j≤i} exp(x_j), without overflow; a float. @throws AxisOutOfRange */
export function cumlogsumexp(x: TensorLike, axis?: Along): Tensor {
  return running('cumlogsumexp', asFloat(x), axis, p.cumlogsumexp);
}
