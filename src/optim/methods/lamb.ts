/** LAMB: Adam for large batches. */
import { divide, square } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { equal, logicalOr, where } from '../../numpy/logic.ts';
import { sum } from '../../numpy/reduce.ts';
import { addDecayedWeights } from '../gradients/decay.ts';
import { stateless } from '../gradients/leafwise.ts';
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate, scaled } from '../gradients/scale.ts';
import { chain, type GradientTransformation } from '../gradients/transformation.ts';
import { type AdamState, type AdamWOptions, scaleByAdam } from './adam.ts';

/**
 * u = g·‖p‖/‖g‖ for each leaf: the trust ratio; g itself where one of the norms is 0 (You, Gitman and Ginsburg 2017,
 * equation 6).
 *
 * @example chain(trace(), scaleByTrustRatio(), scaleByLearningRate(0.1))
 */
export function scaleByTrustRatio(): GradientTransformation<null> {
  return stateless('scaleByTrustRatio', (g, p) => {
    const [size, length] = [sqrt(sum(square(p))), sqrt(sum(square(g)))];
    const none = logicalOr(equal(size, 0), equal(length, 0));
    return scaled(g, where(none, 1, divide(size, where(none, 1, length))));
  });
}

/**
 * LAMB (You et al. 2020, algorithm 2): r = m̂/(√v̂ + ε) + λ·p and u = −η·r·‖p‖/‖r‖ for each leaf. The options are those
 * of `adamw`, with ε = 1e-6 and λ = 0 by default.
 *
 * @example const optimizer = lamb({ learningRate: 0.01, weightDecay: 0.01 })
 * @throws BadArgument
 */
export function lamb(options: AdamWOptions): GradientTransformation<[AdamState, null, null, ScaleState]> {
  const { learningRate, eps = 1e-6, weightDecay = 0, mask } = options;
  requireRate('lamb', learningRate);
  requireBetween('lamb', 'weightDecay', weightDecay);
  return chain(
    scaleByAdam({ ...options, eps }),
    addDecayedWeights(weightDecay, mask),
    scaleByTrustRatio(),
    scaleByLearningRate(learningRate),
  );
}
