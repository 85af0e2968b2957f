/** The block of which transformers are made. */
import { BadArgument } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add } from '../../numpy/arithmetic.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { asFloat } from '../../numpy/operands.ts';
import { split } from '../../random/key.ts';
import type { FloatOptions } from '../../random/uniform.ts';
import { gelu } from '../activations.ts';
import { dropped } from '../dropout.ts';
import type { Initializer } from '../initializers.ts';
import { Linear } from '../linear.ts';
import { Module } from '../module.ts';
import { LayerNorm } from '../norms.ts';
import type { Pass } from '../pass.ts';
import type { AttentionMask } from './attention.ts';
import type { AttentionCache } from './cache.ts';
import { MultiHeadAttention } from './multiHead.ts';

export interface TransformerBlockOptions extends FloatOptions {
  /** The size of the hidden layer. Default four times the size. */
  readonly hidden?: number;
  /** Where the norms are: 'pre' before each part, 'post' after each sum. Default 'pre'. */
  readonly norm?: 'pre' | 'post';
  /** Default gelu. */
  readonly activation?: (x: Tensor) => Tensor;
  /** The rate of dropout of the attention's weights, the hidden layer and what both parts add. Default 0. */
  readonly dropout?: number;
  /** Each position sees itself and those before it only. Default false. */
  readonly causal?: boolean;
  /** Rotary positions in the attention; a number is their base. Default false. */
  readonly rotary?: boolean | number;
  /** Of the linear layers. Default true. */
  readonly bias?: boolean;
  /** Of the norms. Default 1e-5. */
  readonly epsilon?: number;
  /** Of the linear layers. Default glorotUniform. */
  readonly initializer?: Initializer;
}

/**
 * Self-attention and a network of one hidden layer, each added to what it reads:
 *
 *     'pre':   y = x + attention(norm₁(x));   result = y + mlp(norm₂(y))     (Xiong et al. 2020)
 *     'post':  y = norm₁(x + attention(x));   result = norm₂(y + mlp(y))     (Vaswani et al. 2017)
 *
 * with mlp(x) = contract(gelu(expand(x))). After the last block of the first kind comes a `LayerNorm`.
 *
 * @example const block = new TransformerBlock(key(0), 64, 4, { causal: true, dropout: 0.1 })
 * @example block.forward(x, pass) // [batch, time, 64] → [batch, time, 64]
 */
export class TransformerBlock extends Module {
  readonly attention: MultiHeadAttention;
  readonly expand: Linear;
  readonly contract: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm: 'pre' | 'post';
  readonly activation: (x: Tensor) => Tensor;
  readonly dropout: number;

  /** @throws BadArgument where the heads do not divide the size, or for another place of the norms */
  constructor(key: Tensor, size: number, heads: number, options: TransformerBlockOptions = {}) {
    super();
    const { hidden = 4 * size, norm = 'pre', activation, dropout = 0, epsilon = 1e-5 } = options;
    if (norm !== 'pre' && norm !== 'post')
      throw new BadArgument({
        did: `TransformerBlock with norm ${JSON.stringify(norm)}`,
        expected: "'pre' or 'post'",
        remedy: "new TransformerBlock(key, 64, 4, { norm: 'pre' })",
      });
    const { causal = false, rotary = false, bias = true, initializer, dtype = 'float32' } = options;
    const linear = { bias, dtype, ...(initializer === undefined ? {} : { initializer }) };
    const [a, b, c] = split(key, 3);
    this.attention = new MultiHeadAttention(a, size, heads, { ...linear, causal, rotary, dropout });
    this.expand = new Linear(b, size, hidden, linear);
    this.contract = new Linear(c, hidden, size, linear);
    this.norm1 = new LayerNorm(size, { epsilon, dtype });
    this.norm2 = new LayerNorm(size, { epsilon, dtype });
    this.norm = norm;
    this.activation = activation ?? gelu;
    this.dropout = dropout;
  }

  /**
   * @param x float[batch, time, size]
   * @returns the same shape
   * @throws ShapeMismatch
   */
  forward(x: TensorLike, pass?: Pass): Tensor {
    return this.run(x, {}, pass);
  }

  /**
   * The same with a mask, or with the lengths of the examples.
   *
   * @param x float[batch, time, size]
   * @throws ShapeMismatch, DTypeMismatch
   */
  run(x: TensorLike, options: AttentionMask = {}, pass?: Pass): Tensor {
    return around(this, asFloat(x), pass, inner => this.attention.attend(inner, options, pass));
  }

  /** An empty cache for `step`. @throws BadArgument */
  cache(batch: number, length: number, options: FloatOptions = {}): AttentionCache {
    return this.attention.cache(batch, length, options);
  }

  /**
   * The next positions, with what the attention remembers of those before; see `MultiHeadAttention.step`.
   *
   * @param x float[batch, steps, size]
   * @example [y, cache] = block.step(x, cache)
   * @throws ShapeMismatch; BadArgument where the cache is full
   */
  step(x: TensorLike, cache: AttentionCache): [y: Tensor, cache: AttentionCache] {
    let next = cache;
    const y = around(this, asFloat(x), undefined, inner => {
      const [read, extended] = this.attention.step(inner, cache);
      next = extended;
      return read;
    });
    return [y, next];
  }
}

/** Everything of a block but the attention itself. */
function around(
  block: TransformerBlock,
  x: Tensor,
  pass: Pass | undefined,
  attend: (x: Tensor) => Tensor,
): Tensor {
  const drop = (value: Tensor): Tensor => dropped(value, block.dropout, pass);
  const mlp = (value: Tensor): Tensor =>
    block.contract.forward(drop(block.activation(block.expand.forward(value))));
  if (block.norm === 'pre') {
    const y = add(x, drop(attend(block.norm1.forward(x))));
    return add(y, drop(mlp(block.norm2.forward(y))));
  }
  const y = block.norm1.forward(add(x, drop(attend(x))));
  return block.norm2.forward(add(y, drop(mlp(y))));
}
