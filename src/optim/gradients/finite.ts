/** Steps that are left out where a gradient is not finite. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add } from '../../numpy/arithmetic.ts';
import { greater, logicalAnd, logicalOr, where } from '../../numpy/logic.ts';
import { all } from '../../numpy/reduce.ts';
import { isFinite } from '../../numpy/rounding.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { cond } from '../../transforms/control/flow.ts';
import { parametersOf } from './leafwise.ts';
import { requireWhole } from './options.ts';
import type { GradientTransformation } from './transformation.ts';

export interface SkipState<State> {
  /** How many steps before this one, one after the other, were not finite; int32. */
  readonly inRow: Tensor;
  /** How many steps were not finite in all, int32. */
  readonly total: Tensor;
  readonly inner: State;
}

/**
 * The transformation where all gradients are finite; where one is infinite or NaN, updates of 0 and an unchanged inner
 * state. After more than `maxInRow` such steps in a row they are applied, so that the failure is seen.
 *
 * @param maxInRow default 5
 * @example const optimizer = skipIfNotFinite(adam({ learningRate: 1e-3 }))
 * @throws BadArgument
 */
export function skipIfNotFinite<State>(
  transformation: GradientTransformation<State>,
  options: { readonly maxInRow?: number } = {},
): GradientTransformation<SkipState<State>> {
  const { maxInRow = 5 } = options;
  requireWhole('skipIfNotFinite', 'maxInRow', maxInRow, 0, 'skipIfNotFinite(optimizer, { maxInRow: 5 })');
  return {
    init: params => ({
      inRow: scalar('int32', 0),
      total: scalar('int32', 0),
      inner: transformation.init(params),
    }),
    update: <P>(gradients: Gradient<P>, state: SkipState<State>, params: P) => {
      const { like, rebuild } = parametersOf(params);
      const given = like('skipIfNotFinite: gradients', gradients);
      const finite = given.map(leaf => all(isFinite(leaf))).reduce(logicalAnd, scalar('bool', 1));
      const inRow = where(finite, 0, add(state.inRow, 1));
      const total = where(finite, state.total, add(state.total, 1));
      const [updates, inner] = cond(
        logicalOr(finite, greater(inRow, maxInRow)),
        () => transformation.update(gradients, state.inner, params),
        () => [rebuild(given.map(leaf => zerosLike(leaf))), state.inner] as never,
      );
      return [updates as Gradient<P>, { inRow, total, inner: inner as State }];
    },
  };
}
