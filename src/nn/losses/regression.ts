/** Losses of predicted numbers. All are averages over elements unless told otherwise. */
import type { Tensor } from '../../core/tensor.ts';
import { abs, divide, multiply, square, subtract } from '../../numpy/arithmetic.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { greater, where } from '../../numpy/logic.ts';
import { alike, type LossOptions, reduced } from './reduction.ts';

/**
 * (prediction − target)².
 *
 * @example meanSquaredError(tensor([1, 2]), tensor([1, 4])) // 2
 * @throws ShapeMismatch
 */
export function meanSquaredError(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions = {},
): Tensor {
  const [a, b] = alike('meanSquaredError', predictions, targets);
  return reduced('meanSquaredError', square(subtract(a, b)), options);
}

/**
 * |prediction − target|, also called L1. The derivative where they are equal is 0.
 *
 * @example meanAbsoluteError(tensor([1, 2]), tensor([1, 4])) // 1
 * @throws ShapeMismatch
 */
export function meanAbsoluteError(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions = {},
): Tensor {
  const [a, b] = alike('meanAbsoluteError', predictions, targets);
  return reduced('meanAbsoluteError', abs(subtract(a, b)), options);
}

/**
 * d²/2 where |d| ≤ δ, δ(|d| − δ/2) beyond, for d = prediction − target (Huber 1964).
 *
 * @param options delta: where the parabola becomes a line, default 1
 * @example huber(tensor([0.5, 3]), 0, { reduction: 'none' }) // [0.125, 2.5]
 * @throws ShapeMismatch
 */
export function huber(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  const [a, b] = alike('huber', predictions, targets);
  return reduced('huber', huberOf(subtract(a, b), options.delta ?? 1), options);
}

/**
 * d²/(2β) where |d| ≤ β, |d| − β/2 beyond, for d = prediction − target: huber over its δ = β, so that the slope of the
 * lines is 1 (Girshick 2015, eq. 3).
 *
 * @param options beta: where the parabola becomes a line, positive, default 1
 * @example smoothL1(tensor([0.5, 3]), 0, { reduction: 'none', beta: 2 }) // [0.0625, 2]
 * @throws ShapeMismatch
 */
export function smoothL1(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions & { readonly beta?: number } = {},
): Tensor {
  const { beta = 1 } = options;
  const [a, b] = alike('smoothL1', predictions, targets);
  return reduced('smoothL1', divide(huberOf(subtract(a, b), beta), beta), options);
}

function huberOf(d: Tensor, delta: number): Tensor {
  const size = abs(d);
  return where(greater(size, delta), multiply(subtract(size, delta / 2), delta), multiply(square(d), 0.5));
}
