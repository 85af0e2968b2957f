/** RMSprop: gradients divided by the root of their mean square. */
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, square, subtract } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { blend } from '../gradients/decaying.ts';
import { identity, leafwise, type Slots, zeros } from '../gradients/leafwise.ts';
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import { type TraceState, trace } from '../gradients/trace.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface RmsOptions {
  /** Decay of the mean square, in [0, 1). Default 0.9. */
  readonly decay?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Whether ε is added under the root or to the root. Default true: under it. */
  readonly epsInRoot?: boolean;
}

export type RmsState = Slots<'square'>;
export type DeviationState = Slots<'mean' | 'square'>;

/**
 * The direction of RMSprop: v ← b·v + (1 − b)·g² and u = g/√(v + ε), or g/(√v + ε) with `epsInRoot: false`.
 *
 * @example chain(scaleByRms({ decay: 0.99 }), scaleByLearningRate(1e-3))
 * @throws BadArgument
 */
export function scaleByRms(options: RmsOptions = {}): GradientTransformation<RmsState> {
  const { decay, eps, epsInRoot } = checked('scaleByRms', options);
  return leafwise('scaleByRms', { square: zeros }, (g, slots) => {
    const squares = blend(slots.square, square(g), decay);
    return [divide(g, rootOf(squares, eps, epsInRoot)), { square: squares }];
  });
}

/**
 * The same with the deviation from the mean gradient: m ← b·m + (1 − b)·g and u = g/√(v − m² + ε) (Graves 2013,
 * equations 38–40).
 *
 * @example chain(scaleByDeviation(), scaleByLearningRate(1e-3))
 * @throws BadArgument
 */
export function scaleByDeviation(options: RmsOptions = {}): GradientTransformation<DeviationState> {
  const { decay, eps, epsInRoot } = checked('scaleByDeviation', options);
  return leafwise('scaleByDeviation', { mean: zeros, square: zeros }, (g, slots) => {
    const mean = blend(slots.mean, g, decay);
    const squares = blend(slots.square, square(g), decay);
    return [divide(g, rootOf(subtract(squares, square(mean)), eps, epsInRoot)), { mean, square: squares }];
  });
}

export interface RmspropOptions extends RmsOptions {
  readonly learningRate: LearningRate;
  /** Divides by the deviation from the mean gradient. Default false. */
  readonly centered?: boolean;
  /** How much of the last step is kept, in [0, 1). */
  readonly momentum?: number;
  /** Looks one step ahead along the momentum. Default false. */
  readonly nesterov?: boolean;
}

/**
 * RMSprop (Tieleman and Hinton 2012, lecture 6.5): u = −η·g/√(v + ε), see {@link scaleByRms}; centered, see
 * {@link scaleByDeviation}. Momentum follows the learning rate: m ← u + μ·m.
 *
 * @example const optimizer = rmsprop({ learningRate: 1e-3, momentum: 0.9 })
 * @throws BadArgument
 */
export function rmsprop(
  options: RmspropOptions,
): GradientTransformation<[RmsState | DeviationState, ScaleState, TraceState | null]> {
  const { learningRate, centered = false, momentum, nesterov = false } = options;
  checked('rmsprop', options);
  requireRate('rmsprop', learningRate);
  if (momentum !== undefined) requireBetween('rmsprop', 'momentum', momentum, 1);
  const direction: GradientTransformation = centered ? scaleByDeviation(options) : scaleByRms(options);
  return chain(
    direction as GradientTransformation<RmsState | DeviationState>,
    scaleByLearningRate(learningRate),
    (momentum === undefined
      ? identity()
      : trace({ decay: momentum, nesterov })) as GradientTransformation<TraceState | null>,
  );
}

const rootOf = (squares: Tensor, eps: number, within: boolean): Tensor =>
  within ? sqrt(add(squares, eps)) : add(sqrt(squares), eps);

function checked(name: string, options: RmsOptions): Required<RmsOptions> {
  const { decay = 0.9, eps = 1e-8, epsInRoot = true } = options;
  requireBetween(name, 'decay', decay, 1);
  requireBetween(name, 'eps', eps);
  return { decay, eps, epsInRoot };
}
