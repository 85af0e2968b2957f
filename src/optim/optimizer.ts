/**
 * Optimisers as transformations of gradients: from gradients and a state to updates, which are added to the
 * parameters, and the next state. Nothing is changed in place, so that a whole step may be compiled.
 */
import { BadArgument } from '../core/errors.ts';
import { scalar, type Tensor } from '../core/tensor.ts';
import * as tree from '../core/tree.ts';
import { add, negative } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { cast } from '../primitives/arithmetic.ts';
import { zerosLike } from '../primitives/broadcast.ts';
import { type Gradient, leafTensor } from '../transforms/arguments.ts';

/** A step counter, and for each slot (such as a momentum) a tree like the parameters. */
export type OptimizerState<P, Slot extends string = never> = {
  /** How many updates were made, int32. */
  readonly step: Tensor;
} & { readonly [S in Slot]: Gradient<P> };

export interface Optimizer<Slot extends string = never> {
  /** The state before the first step. */
  init<P>(params: P): OptimizerState<P, Slot>;
  /** What to add to the parameters, and the next state. */
  update<P>(
    gradients: Gradient<P>,
    state: OptimizerState<P, Slot>,
    params: P,
  ): [updates: Gradient<P>, state: OptimizerState<P, Slot>];
}

/** A learning rate: a number, a 0-dimensional tensor, or a function of the step, counted from 0. */
export type LearningRate = TensorLike | ((step: Tensor) => TensorLike);

/**
 * The parameters after a step: p + u for every leaf, in the type of p.
 *
 * @example params = applyUpdates(params, updates)
 * @throws WrongTree where the trees differ
 */
export function applyUpdates<P>(params: P, updates: Gradient<P>): P {
  return mapTrees((p, u) => cast(add(p, u), p.dtype), params, updates) as P;
}

/** tree.map over tensors. */
export function mapTrees(f: (...leaves: Tensor[]) => Tensor, first: unknown, ...rest: unknown[]): unknown {
  return tree.map((...leaves: unknown[]) => f(...leaves.map(leafTensor)), first, ...rest);
}

/** Step 0 and zeros in every slot. */
export function initialState<P, Slot extends string>(
  params: P,
  slots: readonly Slot[],
): OptimizerState<P, Slot> {
  const zeros = (): unknown => mapTrees(leaf => zerosLike(asFloat(leaf)), params);
  return {
    step: scalar('int32', 0),
    ...Object.fromEntries(slots.map(slot => [slot, zeros()])),
  } as unknown as OptimizerState<P, Slot>;
}

/** −η at a step; a number stays one, so that it is rounded to no type before it meets the parameters. */
export function descent(rate: LearningRate, step: Tensor): TensorLike {
  const value = typeof rate === 'function' ? rate(step) : rate;
  return typeof value === 'number' ? -value : negative(value);
}

/** Throws where a decay rate is not in [0, 1), or another number is negative. */
export function requireBetween(
  name: string,
  what: string,
  value: number,
  high: number = Number.POSITIVE_INFINITY,
): void {
  if (!(value >= 0 && value < high))
    throw new BadArgument({
      did: `${name} with ${what} ${String(value)}`,
      expected:
        high === Number.POSITIVE_INFINITY
          ? 'a number that is not negative'
          : `a number from 0 to below ${high}`,
      remedy: `${name}({ learningRate: 0.001 })`,
    });
}

/** Throws where a learning rate given as a number is negative or missing. */
export function requireRate(name: string, rate: LearningRate): void {
  if (rate === undefined || rate === null || (typeof rate === 'number' && !(rate >= 0)))
    throw new BadArgument({
      did: `${name} with learningRate ${String(rate)}`,
      expected: 'a number that is not negative, a 0-dimensional tensor, or a function of the step',
      remedy: `${name}({ learningRate: 0.001 })`,
    });
}
