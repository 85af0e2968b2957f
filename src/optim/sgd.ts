/** Stochastic gradient descent. */

import type { Tensor } from '../core/tensor.ts';
import { add, multiply } from '../numpy/arithmetic.ts';
import { cast } from '../primitives/arithmetic.ts';
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
export function sgd(options: SgdOptions & { readonly momentum: number }): Optimizer<'momentum'>;
export function sgd(options: SgdOptions): Optimizer;
export function sgd(options: SgdOptions): Optimizer | Optimizer<'momentum'> {
  const { learningRate, momentum, nesterov = false } = options;
  requireRate('sgd', learningRate);
  const descend =
    (step: Tensor) =>
    (direction: Tensor): Tensor =>
      cast(multiply(direction, descent(learningRate, step)), direction.dtype);
  if (momentum === undefined)
    return {
      init: params => initialState(params, []),
      update: <P>(gradients: Gradient<P>, { step }: OptimizerState<P>) => [
        mapTrees(descend(step), gradients) as Gradient<P>,
        { step: add(step, 1) } as OptimizerState<P>,
      ],
    } satisfies Optimizer;
  requireBetween('sgd', 'momentum', momentum, 1);
  const follow = (g: Tensor, m: Tensor): Tensor => add(g, multiply(m, momentum));
  return {
    init: params => initialState(params, ['momentum']),
    update: <P>(gradients: Gradient<P>, state: OptimizerState<P, 'momentum'>) => {
      const next = mapTrees(follow, gradients, state.momentum) as Gradient<P>;
      const direction = nesterov ? mapTrees(follow, gradients, next) : next;
      return [
        mapTrees(descend(state.step), direction) as Gradient<P>,
        { step: add(state.step, 1), momentum: next } as unknown as OptimizerState<P, 'momentum'>,
      ];
    },
  } satisfies Optimizer<'momentum'>;
}
