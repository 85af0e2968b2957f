/** Large batches in small pieces. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add, divide, subtract } from '../../numpy/arithmetic.ts';
import { equal } from '../../numpy/logic.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { cond } from '../../transforms/control/flow.ts';
import { type ByPath, parametersOf } from './leafwise.ts';
import { requireWhole } from './options.ts';
import type { GradientTransformation } from './transformation.ts';

export interface AccumulateState<State> {
  /** How many gradients the mean has, int32. */
  readonly count: Tensor;
  /** Their mean. */
  readonly mean: ByPath;
  readonly inner: State;
}

/**
 * The transformation of the mean of k gradients at every k-th step; updates of 0 and an unchanged inner state at the
 * steps between. k batches of one size then make the update that their union would have made at once.
 *
 * @example const optimizer = accumulate(adam({ learningRate: 1e-3 }), 4)
 * @throws BadArgument
 */
export function accumulate<State>(
  transformation: GradientTransformation<State>,
  k: number,
): GradientTransformation<AccumulateState<State>> {
  requireWhole('accumulate', 'k', k, 1, 'accumulate(optimizer, 4)');
  return {
    init(params) {
      const { tensors, byPath } = parametersOf(params);
      const mean = byPath(tensors.map(leaf => zerosLike(leaf)));
      return { count: scalar('int32', 0), mean, inner: transformation.init(params) };
    },
    update: <P>(gradients: Gradient<P>, state: AccumulateState<State>, params: P) => {
      const { like, rebuild, byPath, ordered } = parametersOf(params);
      const count = add(state.count, 1);
      const given = like('accumulate: gradients', gradients);
      const means = ordered('accumulate: state.mean', state.mean).map((mean, i) =>
        cast(add(mean, divide(subtract(given[i], mean), cast(count, mean.dtype))), mean.dtype),
      );
      const nothing = means.map(leaf => zerosLike(leaf));
      const [updates, next] = cond(
        equal(count, k),
        () => {
          const mean = rebuild(means) as Gradient<P>;
          const [changed, inner] = transformation.update(mean, state.inner, params);
          return [changed, { count: zerosLike(count), mean: byPath(nothing), inner }] as const;
        },
        () => [rebuild(nothing), { count, mean: byPath(means), inner: state.inner }] as never,
      );
      return [updates as Gradient<P>, next as AccumulateState<State>];
    },
  };
}
