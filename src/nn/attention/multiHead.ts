/** Attention with several heads. */
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { lessEqual, where } from '../../numpy/logic.ts';
import { asFloat } from '../../numpy/operands.ts';
import { matmul } from '../../numpy/products.ts';
import { permute, reshape } from '../../primitives/layout.ts';
import { split } from '../../random/key.ts';
import type { FloatOptions, FloatType } from '../../random/uniform.ts';
import { dropped } from '../dropout.ts';
import { glorotUniform, type Initializer } from '../initializers.ts';
import { Linear } from '../linear.ts';
import { Module } from '../module.ts';
import type { Pass } from '../pass.ts';
import { type AttentionMask, attentionWeights, causalMask, requireHeads } from './attention.ts';
import { type AttentionCache, emptyCache, extended } from './cache.ts';
import { rotary } from './positions.ts';

export interface MultiHeadAttentionOptions extends FloatOptions {
  /** Of all four products. Default true. */
  readonly bias?: boolean;
  /** The rate of dropout of the weights, in passes that train. Default 0. */
  readonly dropout?: number;
  /** Query i sees the keys 0 … i only. Default false. */
  readonly causal?: boolean;
  /** Rotary positions, on queries and keys; a number is their base. Default false. */
  readonly rotary?: boolean | number;
  /** How many features keys have, if not as many as queries. */
  readonly keyInputs?: number;
  /** How many features values have, if not as many as queries. */
  readonly valueInputs?: number;
  /** Default glorotUniform. */
  readonly initializer?: Initializer;
}

export interface AttendOptions extends AttentionMask {
  /** float[batch, keys, keyInputs]. Default: the queries, self-attention. */
  readonly keys?: TensorLike;
  /** float[batch, keys, valueInputs]. Default: the keys. */
  readonly values?: TensorLike;
}

/**
 * Multi-head attention (Vaswani et al. 2017, section 3.2.2): queries, keys and values go through products of their own,
 * are cut into heads, attend in each head by itself, and are joined by a last product. Batch first.
 *
 * `query`, `key`, `value` and `output` are `Linear`. PyTorch's `in_proj_weight` is the first three's weights, transposed,
 * above one another.
 *
 * @example const layer = new MultiHeadAttention(key(0), 64, 4, { causal: true })
 * @example layer.forward(x) // self-attention: [batch, time, 64] → [batch, time, 64]
 * @example layer.attend(x, { keys: memory, lengths: [7, 5] })
 */
export class MultiHeadAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly size: number;
  readonly heads: number;
  readonly dropout: number;
  readonly causal: boolean;
  /** The base of rotary positions; null where there are none. */
  readonly rotary: number | null;

  /**
   * @param size the features of queries and of the result
   * @throws BadArgument where the heads do not divide the size
   */
  constructor(key: Tensor, size: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    requireHeads('MultiHeadAttention', size, heads);
    const { bias = true, dropout = 0, causal = false, rotary = false, initializer = glorotUniform } = options;
    const { keyInputs = size, valueInputs = size, dtype = 'float32' } = options;
    if (!(dropout >= 0 && dropout <= 1) || (rotary !== false && (size / heads) % 2 !== 0))
      throw new BadArgument({
        did: `MultiHeadAttention with dropout ${dropout} and heads of size ${size / heads}`,
        expected: 'a rate from 0 to 1, and for rotary positions an even size of a head',
        remedy: 'new MultiHeadAttention(key, 64, 4, { dropout: 0.1 })',
      });
    const [a, b, c, d] = split(key, 4);
    const own = { bias, initializer, dtype };
    this.query = new Linear(a, size, size, own);
    this.key = new Linear(b, keyInputs, size, own);
    this.value = new Linear(c, valueInputs, size, own);
    this.output = new Linear(d, size, size, own);
    this.size = size;
    this.heads = heads;
    this.dropout = dropout;
    this.causal = causal;
    this.rotary = rotary === false ? null : rotary === true ? 10000 : rotary;
  }

  /**
   * Self-attention.
   *
   * @param x float[batch, time, size]
   * @returns the same shape
   * @throws ShapeMismatch
   */
  forward(x: TensorLike, pass?: Pass): Tensor {
    return this.attend(x, {}, pass);
  }

  /**
   * What the queries read from the keys' values. A query that may see no key reads 0.
   *
   * @param query float[batch, queries, size]
   * @returns float[batch, queries, size]
   * @throws ShapeMismatch, DTypeMismatch
   */
  attend(query: TensorLike, options: AttendOptions = {}, pass?: Pass): Tensor {
    const { q, k, v } = projected(this, query, options);
    const weights = attentionWeights('MultiHeadAttention', q, k, maskOf(this, options));
    return joined(this, dropped(weights, this.dropout, pass), v);
  }

  /**
   * How much each query takes of each key's value, in each head; every row adds up to 1.
   *
   * @param query float[batch, queries, size]
   * @returns float[batch, heads, queries, keys]
   */
  weights(query: TensorLike, options: AttendOptions = {}): Tensor {
    const { q, k } = projected(this, query, options);
    return attentionWeights('MultiHeadAttention', q, k, maskOf(this, options));
  }

  /** An empty cache for `step`: room for so many positions of a batch. @throws BadArgument */
  cache(batch: number, length: number, options: FloatOptions = {}): AttentionCache {
    const { dtype = this.key.weight.dtype as FloatType } = options;
    return emptyCache([batch, this.heads, length, this.size / this.heads], dtype);
  }

  /**
   * Causal self-attention of the next positions, whose keys and values the cache then has too: all positions one after
   * another, in steps of any size, give what `forward` of a causal layer gives of the whole sequence.
   *
   * @param x float[batch, steps, size]: one position, or several such as those of a prompt
   * @param cache from `cache(batch, length)` or the step before
   * @returns float[batch, steps, size] and the next cache. NaN where a compiled step goes past the end of the cache
   * @example let cache = layer.cache(1, 256)
   * @example [y, cache] = layer.step(x, cache)
   * @throws ShapeMismatch; BadArgument where the cache is full
   */
  step(x: TensorLike, cache: AttentionCache): [y: Tensor, cache: AttentionCache] {
    const { q, k, v } = projected(this, x, { first: cache.position });
    const next = extended(cache, k, v);
    const [steps, length] = [q.shape[2], next.keys.shape[2]];
    const mask = causalMask(steps, length, { offset: cache.position });
    const y = joined(this, attentionWeights('MultiHeadAttention', q, next.keys, { mask }), next.values);
    return [where(lessEqual(next.position, length), y, Number.NaN), next];
  }
}

function maskOf(
  layer: MultiHeadAttention,
  { mask, lengths, causal = layer.causal }: AttentionMask,
): AttentionMask {
  return { causal, ...(mask === undefined ? {} : { mask }), ...(lengths === undefined ? {} : { lengths }) };
}

interface Heads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Queries, keys and values by heads, float[batch, heads, time, size]; rotary positions count from `first`. */
function projected(
  layer: MultiHeadAttention,
  query: TensorLike,
  options: { readonly keys?: TensorLike; readonly values?: TensorLike; readonly first?: Tensor },
): Heads {
  const own = asFloat(query);
  const keys = options.keys === undefined ? own : asFloat(options.keys);
  const values = options.values === undefined ? keys : asFloat(options.values);
  if (
    [own, keys, values].some(x => x.ndim !== 3 || x.shape[0] !== own.shape[0]) ||
    keys.shape[1] !== values.shape[1]
  )
    throw new ShapeMismatch({
      did: `MultiHeadAttention of queries ${own.aval}${keys === own ? '' : `, keys ${keys.aval}`}${values === keys ? '' : `, values ${values.aval}`}`,
      expected: 'float[batch, time, features] each, of one batch, with as many values as keys',
      remedy: 'one sequence is a batch of one: x.expandDims(0)',
    });
  const [q, k, v] = [layer.query.forward(own), layer.key.forward(keys), layer.value.forward(values)].map(
    x => {
      const [batch, time] = x.shape;
      return permute(reshape(x, [batch, time, layer.heads, layer.size / layer.heads]), [0, 2, 1, 3]);
    },
  );
  if (layer.rotary === null) return { q, k, v };
  const turn = { base: layer.rotary, positions: options.first ?? 0 };
  return { q: rotary(q, turn), k: rotary(k, turn), v };
}

/** The heads' values weighted, side by side, through the last product. */
function joined(layer: MultiHeadAttention, weights: Tensor, values: Tensor): Tensor {
  const mixed = permute(matmul(weights, values), [0, 2, 1, 3]);
  const [batch, time] = mixed.shape;
  return layer.output.forward(reshape(mixed, [batch, time, layer.size]));
}
