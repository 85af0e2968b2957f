/**
 * Transformations of gradients: from gradients and a state to updates, which are added to the parameters, and the next
 * state. Nothing is changed in place, so that a whole step may be compiled.
 */
import type { Tensor } from '../../core/tensor.ts';
import { add } from '../../numpy/arithmetic.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { cast } from '../../primitives/arithmetic.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { parametersOf } from './leafwise.ts';

/**
 * Init and update, two pure functions. A state is a tree of tensors: it may go through `jit`, be donated and be saved.
 * It has what belongs to each parameter by its path, as in `state.mean['layers[0].weight']`.
 */
export interface GradientTransformation<State = unknown> {
  /** The state before the first step. */
  init(params: unknown): State;
  /**
   * What to add to the parameters, and the next state.
   *
   * @throws WrongTree where gradients or state do not have the tree of the parameters
   * @throws ShapeMismatch where a gradient has not the shape of its parameter
   */
  update<P>(gradients: Gradient<P>, state: State, params: P): [updates: Gradient<P>, state: State];
}

/** A transformation whose updates go downhill: its last part is the learning rate, with a minus. */
export type Optimizer<State = unknown> = GradientTransformation<State>;

/** A learning rate: a number, a 0-dimensional tensor, or a function of the step, counted from 0. */
export type LearningRate = TensorLike | ((step: Tensor) => TensorLike);

/**
 * The parameters after a step: p + u for every leaf, in the type of p.
 *
 * @example params = applyUpdates(params, updates)
 * @throws WrongTree where the trees differ; ShapeMismatch
 */
export function applyUpdates<P>(params: P, updates: Gradient<P>): P {
  const { tensors, like, rebuild } = parametersOf(params);
  const moves = like('applyUpdates: updates', updates);
  return rebuild(tensors.map((p, i) => cast(add(p, moves[i]), p.dtype))) as P;
}

/**
 * One transformation after the other, each of the updates that the last one gave. The state is the list of their states.
 *
 * @example const optimizer = chain(clipByGlobalNorm(1), scaleByAdam(), scaleByLearningRate(1e-3))
 */
export function chain<States extends readonly unknown[]>(
  ...transformations: { readonly [K in keyof States]: GradientTransformation<States[K]> }
): GradientTransformation<States> {
  const list = transformations as readonly GradientTransformation[];
  return {
    init: params => list.map(one => one.init(params)) as unknown as States,
    update: <P>(gradients: Gradient<P>, states: States, params: P) => {
      let updates = gradients;
      const next = list.map((one, i) => {
        const [changed, state] = one.update(updates, states[i], params);
        updates = changed;
        return state;
      });
      return [updates, next as unknown as States];
    },
  };
}
