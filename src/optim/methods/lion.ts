/** Lion: the signs of a momentum. */
import { sign } from '../../numpy/rounding.ts';
import { addDecayedWeights } from '../gradients/decay.ts';
import { blend } from '../gradients/decaying.ts';
import { leafwise, type Slots, zeros } from '../gradients/leafwise.ts';
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import type { Mask } from '../gradients/select.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface LionMomentOptions {
  /** How much of the momentum is in the direction, in [0, 1). Default 0.9. */
  readonly b1?: number;
  /** Decay of the momentum, in [0, 1). Default 0.99. */
  readonly b2?: number;
}

export type LionState = Slots<'mean'>;

/**
 * The direction of Lion: u = sign(b₁m + (1 − b₁)g), then m ← b₂m + (1 − b₂)g.
 *
 * @example chain(scaleByLion(), scaleByLearningRate(1e-4))
 * @throws BadArgument
 */
export function scaleByLion(options: LionMomentOptions = {}): GradientTransformation<LionState> {
  const { b1, b2 } = checked('scaleByLion', options);
  return leafwise('scaleByLion', { mean: zeros }, (g, { mean }) => [
    sign(blend(mean, g, b1)),
    { mean: blend(mean, g, b2) },
  ]);
}

export interface LionOptions extends LionMomentOptions {
  readonly learningRate: LearningRate;
  /** λ. Default 1e-3. */
  readonly weightDecay?: number;
  /** Which parameters decay. All by default. */
  readonly mask?: Mask;
}

/**
 * Lion (Chen et al. 2023, algorithm 2): u = −η·(sign(b₁m + (1 − b₁)g) + λ·p). Every coordinate moves by η, so that
 * rates are three to ten times smaller than Adam's, and λ as much larger.
 *
 * @example const optimizer = lion({ learningRate: 1e-4, weightDecay: 0.1 })
 * @throws BadArgument
 */
export function lion(options: LionOptions): GradientTransformation<[LionState, null, ScaleState]> {
  const { learningRate, weightDecay = 1e-3, mask } = options;
  checked('lion', options);
  requireRate('lion', learningRate);
  requireBetween('lion', 'weightDecay', weightDecay);
  return chain(scaleByLion(options), addDecayedWeights(weightDecay, mask), scaleByLearningRate(learningRate));
}

function checked(name: string, options: LionMomentOptions): Required<LionMomentOptions> {
  const { b1 = 0.9, b2 = 0.99 } = options;
  requireBetween(name, 'b1', b1, 1);
  requireBetween(name, 'b2', b2, 1);
  return { b1, b2 };
}
