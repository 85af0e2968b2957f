/** Scaled dot-product attention, and which keys a query may see. */
import { isFloat } from '../../core/dtype.ts';
import { BadArgument, DTypeMismatch, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, subtract } from '../../numpy/arithmetic.ts';
import { asTensor, type TensorLike } from '../../numpy/array.ts';
import { exp } from '../../numpy/elementary.ts';
import { equal, lessEqual, where } from '../../numpy/logic.ts';
import { asFloat } from '../../numpy/operands.ts';
import { matmul } from '../../numpy/products.ts';
import { max, sum } from '../../numpy/reduce.ts';
import { swapaxes } from '../../numpy/shape.ts';
import { stop } from '../../primitives/arithmetic.ts';
import { iota } from '../../primitives/broadcast.ts';
import { reshape } from '../../primitives/layout.ts';
import { lengthMask } from '../lengths.ts';
import { softmax } from '../normalize.ts';

export interface AttentionMask {
  /**
   * [queries, keys], [batch, queries, keys] or [batch, heads, queries, keys], with 1 where it is the same for all: a
   * bool, true where a query may see a key; or floats that are added to the scores, −∞ where it may not.
   */
  readonly mask?: TensorLike;
  /** int[batch]: how many keys each example has. */
  readonly lengths?: TensorLike;
  /** Query i sees the keys 0 … i only. */
  readonly causal?: boolean;
}

/**
 * true where a query may see a key that is not later than it: mask[i, j] = (j ≤ i + offset).
 *
 * @param options offset: how many keys come before the first query, default 0
 * @returns bool[queries, keys]
 * @example causalMask(2, 2) // [[true, false], [true, true]]
 */
export function causalMask(
  queries: number,
  keys: number,
  options: { readonly offset?: number | Tensor } = {},
): Tensor {
  const shape = [queries, keys];
  const row = iota('int32', shape, 0);
  const { offset = 0 } = options;
  return lessEqual(iota('int32', shape, 1), offset === 0 ? row : add(row, offset));
}

/** Scores of [batch, heads, queries, keys] with what the mask says: −∞ where a query may not see a key. */
function masked(name: string, scores: Tensor, { mask, lengths, causal = false }: AttentionMask): Tensor {
  const [batch, , queries, keys] = scores.shape;
  let result = scores;
  if (mask !== undefined) {
    const given = asTensor(mask);
    if (given.dtype !== 'bool' && !isFloat(given.dtype))
      throw new DTypeMismatch({
        did: `${name} with a mask ${given.aval}`,
        expected: 'bool, true where a query may see a key, or floats that are added to the scores',
        remedy: 'mask: allowed.notEqual(0)',
      });
    const fits =
      given.ndim >= 2 &&
      given.ndim <= 4 &&
      given.shape.every((extent, i) => {
        const axis = given.ndim === 3 && i === 0 ? 0 : 4 - given.ndim + i;
        return extent === 1 || extent === scores.shape[axis];
      });
    if (!fits)
      throw new ShapeMismatch({
        did: `${name} of scores [batch, heads, queries, keys] = [${scores.shape.join(', ')}] with a mask ${given.aval}`,
        expected: `a mask [${queries}, ${keys}], [${batch}, ${queries}, ${keys}] or [${scores.shape.join(', ')}], any of them 1`,
        remedy: 'for a mask of keys, [batch, keys], give lengths, or mask.reshape([batch, 1, keys])',
      });
    const [first, ...rest] = given.shape;
    const wide = given.ndim === 3 ? reshape(given, [first, 1, ...rest]) : given;
    result = given.dtype === 'bool' ? where(wide, result, Number.NEGATIVE_INFINITY) : add(result, wide);
  }
  if (lengths !== undefined) {
    const there = lengthMask(lengths, keys);
    if (there.shape[0] !== batch)
      throw new ShapeMismatch({
        did: `${name} of ${batch} examples with ${there.shape[0]} lengths`,
        expected: 'one length for each example',
        remedy: 'lengths: [5, 3]',
      });
    result = where(reshape(there, [batch, 1, 1, keys]), result, Number.NEGATIVE_INFINITY);
  }
  return causal ? where(causalMask(queries, keys), result, Number.NEGATIVE_INFINITY) : result;
}

/** softmax along the keys; 0 for a query that may see none, with derivative 0. */
function softmaxOrZero(scores: Tensor): Tensor {
  const over = { axis: -1, keepdims: true };
  if (scores.size === 0) return scores;
  const peak = stop(max(scores, over));
  const powers = exp(subtract(scores, where(equal(peak, Number.NEGATIVE_INFINITY), 0, peak)));
  const total = sum(powers, over);
  return divide(powers, where(equal(total, 0), 1, total));
}

/** How much each query takes of each key's value: softmax(q·kᵀ/√size), float[batch, heads, queries, keys]. */
export function attentionWeights(name: string, query: Tensor, key: Tensor, options: AttentionMask): Tensor {
  const size = query.shape[3];
  const scores = matmul(multiply(query, 1 / Math.sqrt(size)), swapaxes(key, 2, 3));
  const { mask, lengths, causal = false } = options;
  if (mask === undefined && lengths === undefined && !causal) return softmax(scores);
  return softmaxOrZero(masked(name, scores, options));
}

/**
 * Scaled dot-product attention: softmax(q·kᵀ/√size + mask)·v (Vaswani et al. 2017, eq. 1). A query that may see no key
 * gets 0, and its derivative is 0.
 *
 * @param query float[batch, heads, queries, size]
 * @param key float[batch, heads, keys, size]
 * @param value float[batch, heads, keys, width]
 * @returns float[batch, heads, queries, width]
 * @example attention(q, k, v, { causal: true })
 * @throws ShapeMismatch, DTypeMismatch
 */
export function attention(
  query: TensorLike,
  key: TensorLike,
  value: TensorLike,
  options: AttentionMask = {},
): Tensor {
  const [q, k, v] = [query, key, value].map(asFloat);
  const agree =
    [q, k, v].every(one => one.ndim === 4 && one.shape[0] === q.shape[0] && one.shape[1] === q.shape[1]) &&
    q.shape[3] === k.shape[3] &&
    k.shape[2] === v.shape[2];
  if (!agree)
    throw new ShapeMismatch({
      did: `attention of queries ${q.aval}, keys ${k.aval} and values ${v.aval}`,
      expected: '[batch, heads, queries, size], [batch, heads, keys, size] and [batch, heads, keys, width]',
      remedy: 'x.reshape([batch, time, heads, size]).swapaxes(1, 2)',
    });
  return matmul(attentionWeights('attention', q, k, options), v);
}

/** @throws BadArgument */
export function requireHeads(name: string, size: number, heads: number): void {
  if (![size, heads].every(n => Number.isInteger(n) && n > 0) || size % heads !== 0)
    throw new BadArgument({
      did: `${name} of size ${size} with ${heads} heads`,
      expected: 'positive integers, the number of heads a divisor of the size',
      remedy: `new ${name}(key, 64, 4)`,
    });
}
