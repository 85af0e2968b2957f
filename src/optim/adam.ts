/** Adam and AdamW: steps of a size that does not depend on the gradient's scale. */
import type { DType } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, divide, multiply, negative, square } from '../numpy/arithmetic.ts';
import { cast } from '../primitives/arithmetic.ts';
import { expm1, sqrt } from '../primitives/elementary.ts';
import type { Gradient } from '../transforms/arguments.ts';
import {
  descent,
  initialState,
  type LearningRate,
  mapTrees,
  type Optimizer,
  type OptimizerState,
  requireBetween,
  requireRate,
} from './optimizer.ts';

export interface AdamOptions {
  readonly learningRate: LearningRate;
  /** Decay of the mean gradient, in [0, 1). Default 0.9. */
  readonly b1?: number;
  /** Decay of the mean squared gradient, in [0, 1). Default 0.999. */
  readonly b2?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps?: number;
}

/** m and v: the decaying means of the gradient and of its square. */
type Moments = 'mean' | 'square';

/** 1 − bᵗ for each float type, without cancellation: −expm1(t·log b). */
function biases(step: Tensor, decay: number): (dtype: DType) => Tensor {
  const made = new Map<DType, Tensor>();
  return dtype => {
    const known = made.get(dtype) ?? negative(expm1(multiply(cast(step, dtype), Math.log(decay))));
    made.set(dtype, known);
    return known;
  };
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1): m ← b₁m + (1 − b₁)g, v ← b₂v + (1 − b₂)g², and
 * u = −η·m̂/(√v̂ + ε) with m̂ = m/(1 − b₁ᵗ), v̂ = v/(1 − b₂ᵗ) at step t = 1, 2, ….
 *
 * @example const optimizer = adam({ learningRate: 1e-3 })
 * @example let state = optimizer.init(params)
 * @throws BadArgument
 */
export function adam(options: AdamOptions): Optimizer<Moments> {
  return adaptive('adam', options, 0);
}

/**
 * Adam with decoupled weight decay: u = −η·(m̂/(√v̂ + ε) + λ·p) (Loshchilov and Hutter 2019, algorithm 2).
 *
 * @param options weightDecay: λ, default 1e-4
 * @example const optimizer = adamw({ learningRate: 1e-3, weightDecay: 0.01 })
 * @throws BadArgument
 */
export function adamw(options: AdamOptions & { readonly weightDecay?: number }): Optimizer<Moments> {
  const { weightDecay = 1e-4 } = options;
  requireBetween('adamw', 'weightDecay', weightDecay);
  return adaptive('adamw', options, weightDecay);
}

function adaptive(name: string, options: AdamOptions, weightDecay: number): Optimizer<Moments> {
  const { learningRate, b1 = 0.9, b2 = 0.999, eps = 1e-8 } = options;
  requireRate(name, learningRate);
  requireBetween(name, 'b1', b1, 1);
  requireBetween(name, 'b2', b2, 1);
  requireBetween(name, 'eps', eps);
  const blend = (old: Tensor, fresh: Tensor, decay: number): Tensor =>
    add(multiply(old, decay), multiply(fresh, 1 - decay));
  return {
    init: params => initialState(params, ['mean', 'square']),
    update: <P>(gradients: Gradient<P>, state: OptimizerState<P, Moments>, params: P) => {
      const step = add(state.step, 1);
      const [meanBias, squareBias] = [biases(step, b1), biases(step, b2)];
      const rate = descent(learningRate, state.step);
      const mean = mapTrees((m, g) => blend(m, g, b1), state.mean, gradients);
      const squares = mapTrees((v, g) => blend(v, square(g), b2), state.square, gradients);
      const updates = mapTrees(
        (m, v, p) => {
          const root = sqrt(divide(v, squareBias(v.dtype)));
          const direction = divide(divide(m, meanBias(m.dtype)), add(root, eps));
          const decayed = weightDecay === 0 ? direction : add(direction, multiply(p, weightDecay));
          return cast(multiply(decayed, rate), m.dtype);
        },
        mean,
        squares,
        params,
      );
      const next = { step, mean, square: squares } as unknown as OptimizerState<P, Moments>;
      return [updates as Gradient<P>, next];
    },
  };
}
