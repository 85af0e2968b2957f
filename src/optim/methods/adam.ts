/** Adam and its kin: steps of a size that does not depend on the gradient's scale. */
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, square } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { maximum } from '../../numpy/logic.ts';
import { addDecayedWeights } from '../gradients/decay.ts';
import { blend, unbiased } from '../gradients/decaying.ts';
import { type CountedSlots, counted, zeros } from '../gradients/leafwise.ts';
import { requireBetween, requireRate } from '../gradients/options.ts';
import { type ScaleState, scaleByLearningRate } from '../gradients/scale.ts';
import type { Mask } from '../gradients/select.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface MomentOptions {
  /** Decay of the mean gradient, in [0, 1). Default 0.9. */
  readonly b1?: number;
  /** Decay of the mean squared gradient, in [0, 1). Default 0.999. */
  readonly b2?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps?: number;
  /** Added under the root, so that updates have derivatives where a gradient is 0. Default 0. */
  readonly epsRoot?: number;
  /** The mean gradient one step ahead. Default false. */
  readonly nesterov?: boolean;
}

/** The decaying means of the gradient and of its square. */
export type AdamState = CountedSlots<'mean' | 'square'>;

/** The same with the largest mean square of all steps. */
export type AmsgradState = CountedSlots<'mean' | 'square' | 'largest'>;

/**
 * The direction of Adam (Kingma and Ba 2015, algorithm 1): m ← b₁m + (1 − b₁)g, v ← b₂v + (1 − b₂)g², and
 * u = m̂/(√v̂ + ε) with m̂ = m/(1 − b₁ᵗ), v̂ = v/(1 − b₂ᵗ) at step t = 1, 2, …. With `nesterov` (Dozat 2016, Nadam)
 * m̂ = b₁m/(1 − b₁ᵗ⁺¹) + (1 − b₁)g/(1 − b₁ᵗ).
 *
 * @example chain(clipByGlobalNorm(1), scaleByAdam(), scaleByLearningRate(1e-3))
 * @throws BadArgument
 */
export function scaleByAdam(options: MomentOptions = {}): GradientTransformation<AdamState> {
  const { b1, b2, eps, epsRoot, nesterov } = moments('scaleByAdam', options);
  return counted('scaleByAdam', { mean: zeros, square: zeros }, step => {
    const [meanOf, squareOf] = [unbiased(step, b1), unbiased(step, b2)];
    const ahead = nesterov ? unbiased(add(step, 1), b1) : meanOf;
    return (g, slots) => {
      const next = { mean: blend(slots.mean, g, b1), square: blend(slots.square, square(g), b2) };
      const direction = nesterov ? blend(ahead(next.mean), meanOf(g), b1) : meanOf(next.mean);
      return [divide(direction, rootOf(squareOf(next.square), eps, epsRoot)), next];
    };
  });
}

/**
 * The direction of AMSGrad (Reddi, Kale and Kumar 2018, algorithm 2), with both means unbiased as in Adam:
 * u = m̂/(√v̂max + ε), where v̂max is the largest v̂ of all steps.
 *
 * @example chain(scaleByAmsgrad(), scaleByLearningRate(1e-3))
 * @throws BadArgument
 */
export function scaleByAmsgrad(
  options: Omit<MomentOptions, 'nesterov'> = {},
): GradientTransformation<AmsgradState> {
  const { b1, b2, eps, epsRoot } = moments('scaleByAmsgrad', options);
  return counted('scaleByAmsgrad', { mean: zeros, square: zeros, largest: zeros }, step => {
    const [meanOf, squareOf] = [unbiased(step, b1), unbiased(step, b2)];
    return (g, slots) => {
      const mean = blend(slots.mean, g, b1);
      const squares = blend(slots.square, square(g), b2);
      const largest = maximum(slots.largest, squareOf(squares));
      return [divide(meanOf(mean), rootOf(largest, eps, epsRoot)), { mean, square: squares, largest }];
    };
  });
}

export interface AdamOptions extends MomentOptions {
  readonly learningRate: LearningRate;
}

/**
 * Adam: u = −η·m̂/(√v̂ + ε), with the means of {@link scaleByAdam}; Nadam with `nesterov: true`.
 *
 * @example const optimizer = adam({ learningRate: 1e-3 })
 * @example let state = optimizer.init(params)
 * @throws BadArgument
 */
export function adam(options: AdamOptions): GradientTransformation<[AdamState, ScaleState]> {
  moments('adam', options);
  requireRate('adam', options.learningRate);
  return chain(scaleByAdam(options), scaleByLearningRate(options.learningRate));
}

/**
 * AMSGrad: u = −η·m̂/(√v̂max + ε), see {@link scaleByAmsgrad}.
 *
 * @example const optimizer = amsgrad({ learningRate: 1e-3 })
 * @throws BadArgument
 */
export function amsgrad(
  options: Omit<AdamOptions, 'nesterov'>,
): GradientTransformation<[AmsgradState, ScaleState]> {
  moments('amsgrad', options);
  requireRate('amsgrad', options.learningRate);
  return chain(scaleByAmsgrad(options), scaleByLearningRate(options.learningRate));
}

export interface AdamWOptions extends AdamOptions {
  /** λ. Default 1e-4. */
  readonly weightDecay?: number;
  /** Which parameters decay. All by default; often only matrices: (path, leaf) => leaf.ndim > 1. */
  readonly mask?: Mask;
}

/**
 * Adam with decoupled weight decay: u = −η·(m̂/(√v̂ + ε) + λ·p) (Loshchilov and Hutter 2019, algorithm 2).
 *
 * @example const optimizer = adamw({ learningRate: 1e-3, weightDecay: 0.01, mask: (path, leaf) => leaf.ndim > 1 })
 * @throws BadArgument
 */
export function adamw(options: AdamWOptions): GradientTransformation<[AdamState, null, ScaleState]> {
  const { learningRate, weightDecay = 1e-4, mask } = options;
  moments('adamw', options);
  requireRate('adamw', learningRate);
  requireBetween('adamw', 'weightDecay', weightDecay);
  return chain(scaleByAdam(options), addDecayedWeights(weightDecay, mask), scaleByLearningRate(learningRate));
}

const rootOf = (squares: Tensor, eps: number, epsRoot: number): Tensor =>
  add(sqrt(epsRoot === 0 ? squares : add(squares, epsRoot)), eps);

/** The options with their defaults, checked. */
function moments(name: string, options: MomentOptions): Required<MomentOptions> {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, epsRoot = 0, nesterov = false } = options;
  requireBetween(name, 'b1', b1, 1);
  requireBetween(name, 'b2', b2, 1);
  requireBetween(name, 'eps', eps);
  requireBetween(name, 'epsRoot', epsRoot);
  return { b1, b2, eps, epsRoot, nesterov };
}
