/** Functions that bring the elements along an axis into relation: softmax, standardisation, the element of a class. */
import { range } from '../core/aval.ts';
import { isFloat } from '../core/dtype.ts';
import { DTypeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, divide, subtract } from '../numpy/arithmetic.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { exp, log, sqrt } from '../numpy/elementary.ts';
import { greaterEqual, less, logicalAnd, where } from '../numpy/logic.ts';
import { asFloat } from '../numpy/operands.ts';
import { max, type Over, sum } from '../numpy/reduce.ts';
import { mean, variance } from '../numpy/statistics.ts';
import { cast, stop } from '../primitives/arithmetic.ts';
import { broadcast, iota } from '../primitives/broadcast.ts';
import { equal } from '../primitives/compare.ts';

export interface AxisOptions {
  /** One axis or several, counted from the front or, if negative, from the end. Default −1. */
  readonly axis?: number | readonly number[];
}

/** x less its maximum along the axes, which changes no softmax; the largest becomes 0. */
function shifted(x: TensorLike, over: Over): Tensor {
  const a = asFloat(x);
  return a.size === 0 ? a : subtract(a, stop(max(a, over)));
}

const kept = ({ axis = -1 }: AxisOptions): Over => ({ axis, keepdims: true });

/**
 * eˣ/Σeˣ along an axis: probabilities from logits, without overflow. An element −∞ has probability 0.
 *
 * @example softmax(tensor([0, Math.log(3)])) // [0.25, 0.75]
 * @throws AxisOutOfRange
 */
export function softmax(x: TensorLike, options: AxisOptions = {}): Tensor {
  const over = kept(options);
  const weights = exp(shifted(x, over));
  return divide(weights, sum(weights, over));
}

/**
 * log(eˣ/Σeˣ) = x − log Σeˣ along an axis, without overflow.
 *
 * @example logSoftmax(tensor([1000, -1000])) // [0, -2000]
 * @throws AxisOutOfRange
 */
export function logSoftmax(x: TensorLike, options: AxisOptions = {}): Tensor {
  const over = kept(options);
  const a = shifted(x, over);
  return subtract(a, log(sum(exp(a), over)));
}

/**
 * (x − mean)/√(variance + ε) along an axis.
 *
 * @param options epsilon: added to the variance, default 1e-5
 * @example standardize(tensor([1, 3]), { epsilon: 0 }) // [-1, 1]
 * @throws AxisOutOfRange
 */
export function standardize(
  x: TensorLike,
  options: AxisOptions & { readonly epsilon?: number } = {},
): Tensor {
  const over = kept(options);
  const a = asFloat(x);
  return divide(subtract(a, mean(a, over)), sqrt(add(variance(a, over), options.epsilon ?? 1e-5)));
}

/** Whether the class number is the position along the last axis. */
function isClass(labels: Tensor, shape: readonly number[]): Tensor {
  return equal(broadcast(labels, shape, range(labels.ndim)), iota('int32', shape, labels.ndim));
}

/** Class numbers as int32; arrays of numbers are accepted, float tensors are not. */
export function integers(name: string, classes: TensorLike): Tensor {
  const given = asTensor(classes);
  const written = given !== classes && !ArrayBuffer.isView(classes);
  if (!written && (isFloat(given.dtype) || given.dtype === 'bool'))
    throw new DTypeMismatch({
      did: `${name} with classes ${given.aval}`,
      expected: 'integers',
      remedy: "convert them: labels.astype('int32')",
    });
  return cast(given, 'int32');
}

/** The element of x at the class number along the last axis; NaN where the number is no class. */
export function atClass(x: Tensor, labels: Tensor): Tensor {
  const chosen = sum(where(isClass(labels, x.shape), x, 0), -1);
  const legal = logicalAnd(greaterEqual(labels, 0), less(labels, x.shape[x.ndim - 1]));
  return where(legal, chosen, Number.NaN);
}
