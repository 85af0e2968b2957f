/** Decaying means, and the correction of their bias towards 0. */
import type { DType } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, multiply, negative, reciprocal } from '../../numpy/arithmetic.ts';
import { expm1 } from '../../numpy/elementary.ts';
import { cast } from '../../primitives/arithmetic.ts';

/** b·x + (1 − b)·y. */
export function blend(old: Tensor, fresh: Tensor, decay: number): Tensor {
  return add(multiply(old, decay), multiply(fresh, 1 - decay));
}

/** x/(1 − bᵗ) for a decaying mean x of t values that began with 0. */
export function unbiased(step: Tensor, decay: number): (mean: Tensor) => Tensor {
  const made = new Map<DType, Tensor>();
  // −expm1(t·log b): no cancellation, and 1 where b = 0.
  const factor = reciprocal(negative(expm1(multiply(cast(step, 'float64'), Math.log(decay)))));
  return mean => {
    const known = made.get(mean.dtype) ?? cast(factor, mean.dtype);
    made.set(mean.dtype, known);
    return multiply(mean, known);
  };
}
