/** Features of mean 0 and deviation 1. */
import type { Tensor } from '../core/tensor.ts';
import { divide, subtract } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { equal, where } from '../numpy/logic.ts';
import { asFloat } from '../numpy/operands.ts';
import { mean, std } from '../numpy/statistics.ts';

export interface Standardized {
  /** The standardised data. */
  readonly data: Tensor;
  /** What was subtracted, and then divided by; the axes are kept with extent 1. */
  readonly mean: Tensor;
  readonly deviation: Tensor;
  /** The same for other data, such as the test set. */
  apply(x: TensorLike): Tensor;
}

/**
 * (x − mean)/deviation, both taken over the examples, so that every feature has mean 0 and variance 1. A constant
 * feature becomes 0.
 *
 * @param options axis: of the examples, or several. Default 0
 * @example const { data, apply } = standardize(train)
 * @example const held = apply(test) // by the training set's mean and deviation
 * @throws AxisOutOfRange
 */
export function standardize(
  x: TensorLike,
  options: { readonly axis?: number | readonly number[] } = {},
): Standardized {
  const over = { axis: options.axis ?? 0, keepdims: true };
  const values = asFloat(x);
  const centre = mean(values, over);
  const spread = std(values, over);
  const deviation = where(equal(spread, 0), 1, spread);
  const apply = (other: TensorLike): Tensor => divide(subtract(asFloat(other), centre), deviation);
  return { data: apply(values), mean: centre, deviation, apply };
}
