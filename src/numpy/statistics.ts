/** Means, spreads, norms and order statistics over axes. Integers and bools become float32. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { abs, div, mul, sub } from '../primitives/arithmetic.ts';
import { constantLike, zerosLike } from '../primitives/broadcast.ts';
import { equal, notEqual, select } from '../primitives/compare.ts';
import { pow, sqrt } from '../primitives/elementary.ts';
import { asTensor, broadcastTo, convert, promote, type TensorLike } from './array.ts';
import { type Axes, axesOf, countOver, type Over, optionsOf } from './axes.ts';
import { asFloat } from './operands.ts';
import { max, min, spreadLike, sum } from './reduce.ts';

/**
 * The arithmetic mean Σ x / n; NaN of no elements.
 *
 * @example mean(tensor([[1, 2], [3, 4]]), 0) // [2, 3]
 * @throws AxisOutOfRange
 */
export function mean(x: TensorLike, axes?: Axes): Tensor {
  const a = asFloat(x);
  const options = optionsOf(axes);
  const total = sum(a, options);
  return div(total, constantLike(total, countOver(a, axesOf('mean', a, options))));
}

export interface SpreadOptions extends Over {
  /** Delta degrees of freedom: the sum of squares is divided by n − ddof; default 0. */
  readonly ddof?: number;
}

/**
 * The variance Σ (x − mean)² / (n − ddof), in two passes.
 *
 * @example variance(tensor([1, 2, 3, 4])) // 1.25
 * @throws AxisOutOfRange
 */
export function variance(x: TensorLike, axes?: Axes<SpreadOptions>): Tensor {
  const a = asFloat(x);
  const options = optionsOf(axes);
  const over = axesOf('variance', a, options);
  const deviation = sub(a, broadcastTo(mean(a, { axis: over, keepdims: true }), a.shape));
  const squares = sum(mul(deviation, deviation), options);
  return div(squares, constantLike(squares, Math.max(0, countOver(a, over) - (options.ddof ?? 0))));
}

/** √x with derivative 0 where x is 0. */
export function rootOfSquares(x: Tensor): Tensor {
  const none = equal(x, zerosLike(x));
  return select(none, x, sqrt(select(none, constantLike(x, 1), x)));
}

/** The standard deviation, the root of {@link variance}; its derivative at a constant is 0. @throws AxisOutOfRange */
export function std(x: TensorLike, axes?: Axes<SpreadOptions>): Tensor {
  return rootOfSquares(variance(x, axes));
}

export interface AverageOptions extends Over {
  /** Of the shape of the values, or a vector along the one axis; default all equal. */
  readonly weights?: TensorLike;
}

/**
 * The weighted mean Σ w·x / Σ w.
 *
 * @example average(tensor([1, 2]), { weights: [3, 1] }) // 1.25
 * @throws AxisOutOfRange, BadArgument
 */
export function average(x: TensorLike, axes?: Axes<AverageOptions>): Tensor {
  const options = optionsOf(axes);
  if (options.weights === undefined) return mean(x, options);
  const [a, given] = promote('average', [asFloat(x), asTensor(options.weights)]);
  const over = axesOf('average', a, options);
  const weights = spreadLike('average', given, a, over.length === 1 ? over[0] : undefined);
  return div(sum(mul(a, weights), options), sum(weights, options));
}

export interface NormOptions extends Over {
  /** The p of the p-norm; 0 counts the elements that are not 0; 'fro' is the default. */
  readonly ord?: number | 'fro';
}

/**
 * The p-norm (Σ |x|ᵖ)^(1/p) of the elements over the axes: Euclidean (for a matrix, Frobenius) by default, max |x| for
 * p = ∞, min |x| for p = −∞. The gradient is x/‖x‖ for p = 2, taken as 0 at x = 0.
 *
 * Over two axes a number means the operator norm of a matrix: p = 1 the largest column sum, p = ∞ the largest row sum
 * (−1 and −∞ the smallest).
 *
 * @example norm(tensor([3, 4])) // 5
 * @throws AxisOutOfRange, BadArgument for a norm of matrices that needs singular values
 */
export function norm(x: TensorLike, axes?: Axes<NormOptions>): Tensor {
  const a = asFloat(x);
  const { ord, axis, keepdims = false } = optionsOf(axes);
  const over = axesOf('norm', a, { axis: axis ?? null });
  if (ord === undefined || ord === 'fro') return rootOfSquares(sum(mul(a, a), { axis: over, keepdims }));
  if (over.length === 2)
    return matrixNorm(a, ord, axis === null || axis === undefined ? over : (axis as number[]), keepdims);
  if (over.length > 2)
    throw new BadArgument({
      did: `norm of order ${ord} over ${over.length} axes`,
      expected: 'one axis for a vector norm, two for a matrix norm',
      remedy: 'name the axis: norm(x, { ord, axis: -1 }), or flatten: norm(x.ravel(), { ord })',
    });
  return vectorNorm(a, ord, { axis: over, keepdims });
}

function vectorNorm(a: Tensor, ord: number, options: Over): Tensor {
  const size = abs(a);
  if (ord === Infinity) return max(size, options);
  if (ord === -Infinity) return min(size, options);
  if (ord === 0) return convert(sum(notEqual(a, zerosLike(a)), options), a.dtype);
  if (ord === 1) return sum(size, options);
  if (ord === 2) return rootOfSquares(sum(mul(a, a), options));
  // Zeros take no part: their power may have an infinite derivative.
  const none = equal(size, zerosLike(a));
  const powers = pow(select(none, constantLike(a, 1), size), constantLike(a, ord));
  const total = sum(select(none, constantLike(a, ord < 0 ? Infinity : 0), powers), options);
  const zero = equal(total, zerosLike(total));
  const root = pow(select(zero, constantLike(total, 1), total), constantLike(total, 1 / ord));
  return select(zero, total, root);
}

function matrixNorm(a: Tensor, ord: number, [row, column]: readonly number[], keepdims: boolean): Tensor {
  const which = Math.abs(ord);
  if (which !== 1 && which !== Infinity)
    throw new BadArgument({
      did: `norm of order ${ord} of matrices`,
      expected: "'fro', 1, −1, Infinity or −Infinity",
      remedy: "norm(x, { ord: 'fro' }); for a vector norm of all elements norm(x.ravel(), { ord })",
    });
  const [summed, kept] = which === 1 ? [row, column] : [column, row];
  const sums = sum(abs(a), { axis: summed, keepdims: true });
  const result = (ord > 0 ? max : min)(sums, { axis: kept, keepdims: true });
  return keepdims ? result : sum(result, { axis: [row, column] });
}
