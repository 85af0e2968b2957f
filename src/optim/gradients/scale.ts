/** Updates times a number, which may depend on the step. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add, multiply, negative } from '../../numpy/arithmetic.ts';
import { asTensor, type TensorLike } from '../../numpy/array.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { stateless } from './leafwise.ts';
import { requireRate } from './options.ts';
import type { GradientTransformation, LearningRate } from './transformation.ts';

/** How many updates were made, int32; nothing where the factor does not depend on it. */
export type ScaleState = { readonly step: Tensor } | null;

/** x·c in the type of x. A number stays one, so that it is rounded to no other type before. */
export function scaled(x: Tensor, factor: TensorLike): Tensor {
  return multiply(x, typeof factor === 'number' ? factor : cast(asTensor(factor), x.dtype));
}

/**
 * u = c·g.
 *
 * @example chain(scaleByAdam(), scale(-1e-3))
 */
export function scale(factor: TensorLike): GradientTransformation<null> {
  return stateless('scale', g => scaled(g, factor));
}

/**
 * u = s(t)·g for a function of the step t = 0, 1, ….
 *
 * @example scaleBySchedule(linearSchedule({ from: 1, to: 0, steps: 1000 }))
 */
export function scaleBySchedule(
  schedule: (step: Tensor) => TensorLike,
): GradientTransformation<{ readonly step: Tensor }> {
  return {
    init: () => ({ step: scalar('int32', 0) }),
    update: <P>(gradients: Gradient<P>, { step }: { readonly step: Tensor }, params: P) => {
      const factor = schedule(step);
      const by = stateless('scaleBySchedule', g => scaled(g, factor));
      return [by.update(gradients, null, params)[0], { step: add(step, 1) }];
    },
  };
}

/**
 * u = −η·g, or −η(t)·g: the last part of an optimiser.
 *
 * @example chain(trace({ decay: 0.9 }), scaleByLearningRate(0.1))
 * @throws BadArgument where η is negative or missing
 */
export function scaleByLearningRate(learningRate: LearningRate): GradientTransformation<ScaleState> {
  requireRate('scaleByLearningRate', learningRate);
  if (typeof learningRate === 'function')
    return scaleBySchedule(step => minus(learningRate(step))) as GradientTransformation<ScaleState>;
  return scale(minus(learningRate)) as GradientTransformation<ScaleState>;
}

const minus = (rate: TensorLike): TensorLike => (typeof rate === 'number' ? -rate : negative(rate));

/**
 * u = 0, whatever the gradient is: parameters that stay.
 *
 * @example partition((path) => path.startsWith('encoder') ? 'fixed' : 'trained', { fixed: freeze(), trained: adam({ learningRate: 1e-3 }) })
 */
export function freeze(): GradientTransformation<null> {
  return stateless('freeze', g => zerosLike(g));
}
