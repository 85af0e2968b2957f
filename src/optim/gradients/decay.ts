/** Weights that shrink. */
import { add, multiply } from '../../numpy/arithmetic.ts';
import { identity, stateless } from './leafwise.ts';
import { requireBetween } from './options.ts';
import { type Mask, masked } from './select.ts';
import type { GradientTransformation } from './transformation.ts';

/**
 * u = g + λ·p, for the leaves of the mask, if there is one. After the scaling by Adam this is decoupled weight decay
 * (Loshchilov and Hutter 2019), before it the gradient of λ‖p‖²/2.
 *
 * @example chain(scaleByAdam(), addDecayedWeights(0.01, (path, leaf) => leaf.ndim > 1), scaleByLearningRate(1e-3))
 * @throws BadArgument; WrongTree where a mask does not fit the parameters
 */
export function addDecayedWeights(weightDecay: number, mask?: Mask): GradientTransformation<null> {
  requireBetween('addDecayedWeights', 'weightDecay', weightDecay);
  if (weightDecay === 0) return identity();
  const decay = stateless('addDecayedWeights', (g, p) => add(g, multiply(p, weightDecay)));
  return mask === undefined ? decay : masked(decay, mask);
}
