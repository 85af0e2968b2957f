/** Stochastic gradient descent. */
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import { type TraceState, trace } from '../gradients/trace.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface SgdOptions {
  readonly learningRate: LearningRate;
  /** How much of the last direction is kept, in [0, 1). */
  readonly momentum?: number;
  /** Looks one step ahead along the momentum (Nesterov 1983; Sutskever et al. 2013). Default false. */
  readonly nesterov?: boolean;
}

/**
 * Gradient descent: u = −η·g. With momentum μ: m ← g + μ·m and u = −η·m, or u = −η·(g + μ·m) after Nesterov.
 *
 * @example const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 })
 * @example const [updates, next] = optimizer.update(gradients, state, params)
 * @throws BadArgument
 */
export function sgd(
  options: SgdOptions & { readonly momentum: number },
): GradientTransformation<[TraceState, ScaleState]>;
export function sgd(options: SgdOptions): GradientTransformation<[ScaleState]>;
export function sgd(
  options: SgdOptions,
): GradientTransformation<[ScaleState]> | GradientTransformation<[TraceState, ScaleState]> {
  const { learningRate, momentum, nesterov = false } = options;
  requireRate('sgd', learningRate);
  if (momentum === undefined) return chain(scaleByLearningRate(learningRate));
  requireBetween('sgd', 'momentum', momentum, 1);
  return chain(trace({ decay: momentum, nesterov }), scaleByLearningRate(learningRate));
}
