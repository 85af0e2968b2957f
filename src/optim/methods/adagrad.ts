/** Adagrad: every coordinate has a rate of its own, which only falls. */
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, square } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { greater, where } from '../../numpy/logic.ts';
import { constantLike } from '../../primitives/broadcast.ts';
import { leafwise, type Slots } from '../gradients/leafwise.ts';
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface SumOfSquaresOptions {
  /** s before the first step. Default 0.1. */
  readonly initial?: number;
  /** Added under the root. Default 1e-7. */
  readonly eps?: number;
}

export type SumOfSquaresState = Slots<'sum'>;

/**
 * The direction of Adagrad: s ← s + g² and u = g/√(s + ε), 0 where s = 0.
 *
 * @example chain(scaleBySumOfSquares(), scaleByLearningRate(0.1))
 * @throws BadArgument
 */
export function scaleBySumOfSquares(
  options: SumOfSquaresOptions = {},
): GradientTransformation<SumOfSquaresState> {
  const { initial, eps } = checked('scaleBySumOfSquares', options);
  const begin = (p: Tensor): Tensor => constantLike(p, initial);
  return leafwise('scaleBySumOfSquares', { sum: begin }, (g, slots) => {
    const sum = add(slots.sum, square(g));
    const some = greater(sum, 0);
    // 1 in place of a sum of 0, whose root may be divided by.
    return [multiply(where(some, g, 0), divide(1, sqrt(add(where(some, sum, 1), eps)))), { sum }];
  });
}

/**
 * Adagrad (Duchi, Hazan and Singer 2011, with a diagonal matrix): u = −η·g/√(Σg² + ε).
 *
 * @example const optimizer = adagrad({ learningRate: 0.1 })
 * @throws BadArgument
 */
export function adagrad(
  options: SumOfSquaresOptions & { readonly learningRate: LearningRate },
): GradientTransformation<[SumOfSquaresState, ScaleState]> {
  checked('adagrad', options);
  requireRate('adagrad', options.learningRate);
  return chain(scaleBySumOfSquares(options), scaleByLearningRate(options.learningRate));
}

function checked(name: string, options: SumOfSquaresOptions): Required<SumOfSquaresOptions> {
  const { initial = 0.1, eps = 1e-7 } = options;
  requireBetween(name, 'initial', initial);
  requireBetween(name, 'eps', eps);
  return { initial, eps };
}
