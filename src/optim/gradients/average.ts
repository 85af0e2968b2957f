/** The decaying mean of the parameters themselves. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, negative, subtract } from '../../numpy/arithmetic.ts';
import { expm1 } from '../../numpy/elementary.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { parametersOf } from './leafwise.ts';
import { requireBetween } from './options.ts';
import { scaled } from './scale.ts';
import { applyUpdates, type GradientTransformation } from './transformation.ts';

export interface EmaState<P = unknown> {
  /** How many steps the mean has, int32. */
  readonly step: Tensor;
  /** The mean: parameters to evaluate with. */
  readonly average: P;
}

export interface EmaOptions {
  /** How much of the mean is kept at each step, in [0, 1). Default 0.999. */
  readonly decay?: number;
  /** Whether the mean is of the steps alone, or of the first parameters too, with the weight bᵗ. Default true. */
  readonly debias?: boolean;
}

/**
 * The last part of a chain: passes updates on and keeps in its state the mean of the parameters after each step,
 * a = Σᵢ (1 − b)·bᵗ⁻ⁱ·pᵢ/(1 − bᵗ) over i = 1 … t, or a ← b·a + (1 − b)·p from the first parameters p₀ without `debias`
 * (Polyak and Juditsky 1992; Kingma and Ba 2015, section 7.2).
 *
 * @example const optimizer = chain(adam({ learningRate: 1e-3 }), ema({ decay: 0.999 }))
 * @example const [, { average }] = state // after a step: average.forward(x)
 * @throws BadArgument
 */
export function ema<P = unknown>(options: EmaOptions = {}): GradientTransformation<EmaState<P>> {
  const { decay = 0.999, debias = true } = options;
  requireBetween('ema', 'decay', decay, 1);
  return {
    init(params) {
      const { tensors, rebuild } = parametersOf(params);
      // A copy: the parameters may be donated together with the state.
      const begin = tensors.map(leaf => (debias ? zerosLike(leaf) : multiply(leaf, 1)));
      return { step: scalar('int32', 0), average: rebuild(begin) as P };
    },
    update: <Q>(updates: Gradient<Q>, state: EmaState<P>, params: Q) => {
      const { like, rebuild } = parametersOf(params);
      const step = add(state.step, 1);
      const after = like('ema: updates', applyUpdates(params, updates));
      // The weight (1 − b)/(1 − bᵗ) is 1 at the first step.
      const weight = debias
        ? divide(1 - decay, negative(expm1(multiply(cast(step, 'float64'), Math.log(decay)))))
        : 1 - decay;
      const average = like('ema: state.average', state.average).map((mean, i) =>
        cast(add(mean, scaled(subtract(after[i], mean), weight)), mean.dtype),
      );
      return [updates, { step, average: rebuild(average) as P }];
    },
  };
}
