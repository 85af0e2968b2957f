/** Gradients that are too long, shortened. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add, divide, square } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { less, maximum, where, clip as within } from '../../numpy/logic.ts';
import { sum } from '../../numpy/reduce.ts';
import { mean } from '../../numpy/statistics.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { parametersOf, stateless } from './leafwise.ts';
import { requirePositive } from './options.ts';
import { scaled } from './scale.ts';
import type { GradientTransformation } from './transformation.ts';

/**
 * Every element cut to [−limit, limit].
 *
 * @example chain(clip(1), sgd({ learningRate: 0.1 }))
 * @throws BadArgument
 */
export function clip(limit: number): GradientTransformation<null> {
  requirePositive('clip', 'limit', limit, 'clip(1)');
  return stateless('clip', g => within(g, -limit, limit));
}

/**
 * The Euclidean norm √Σx² over all elements of all leaves: 0-dimensional, in the widest of their types.
 *
 * @example globalNorm(gradients).item()
 */
export function globalNorm(values: unknown): Tensor {
  const squares = parametersOf(values).tensors.map(leaf => sum(square(leaf)));
  return squares.length === 0 ? scalar('float32', 0) : sqrt(squares.reduce((a, b) => add(a, b)));
}

/**
 * u = g where ‖g‖ < limit, g·limit/‖g‖ elsewhere, with the norm of all leaves together (Pascanu, Mikolov and Bengio
 * 2013, algorithm 1). A gradient that is not finite makes every update NaN; {@link skipIfNotFinite} leaves it out.
 *
 * @example chain(clipByGlobalNorm(1), adam({ learningRate: 1e-3 }))
 * @throws BadArgument
 */
export function clipByGlobalNorm(limit: number): GradientTransformation<null> {
  requirePositive('clipByGlobalNorm', 'limit', limit, 'clipByGlobalNorm(1)');
  return {
    init: () => null,
    update: <P>(gradients: Gradient<P>, _: null, params: P) => {
      const norm = globalNorm(gradients);
      const factor = where(less(norm, limit), 1, divide(limit, norm));
      return stateless('clipByGlobalNorm', g => scaled(g, factor)).update(gradients, null, params);
    },
  };
}

export const rootMeanSquare = (x: Tensor): Tensor => sqrt(mean(square(x)));

/**
 * u = g/max(1, RMS(g)/limit) for each leaf by itself (Shazeer and Stern 2018, algorithm 4).
 *
 * @example chain(clipByBlockRms(1), scaleByLearningRate(0.01))
 * @throws BadArgument
 */
export function clipByBlockRms(limit: number): GradientTransformation<null> {
  requirePositive('clipByBlockRms', 'limit', limit, 'clipByBlockRms(1)');
  return stateless('clipByBlockRms', g => divide(g, maximum(divide(rootMeanSquare(g), limit), 1)));
}
