/** Vectors for the entries of a list, such as the words of a vocabulary. */
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from '../numpy/array.ts';
import { equal, where } from '../numpy/logic.ts';
import { asFloat } from '../numpy/operands.ts';
import { expandDims } from '../numpy/shape.ts';
import { take } from '../numpy/take.ts';
import { stop } from '../primitives/arithmetic.ts';
import { dot } from '../primitives/dot.ts';
import type { FloatOptions } from '../random/uniform.ts';
import { type Initializer, randomNormal } from './initializers.ts';
import { Module } from './module.ts';
import { integers } from './normalize.ts';

export interface EmbeddingOptions extends FloatOptions {
  /** Default: normal of variance 1. */
  readonly initializer?: Initializer;
  /** An entry that stands for nothing: it begins as zeros and gets no gradient. Default null, none. */
  readonly padding?: number | null;
}

/**
 * The rows of a matrix at the given numbers: forward(ids)[…, :] = weight[ids[…], :].
 *
 * @example new Embedding(key(0), 1000, 16).forward([[3, 1, 4]]).shape // [1, 3, 16]
 */
export class Embedding extends Module {
  /** float[entries, features] */
  readonly weight: Tensor;
  readonly padding: number | null;

  /** @throws BadArgument */
  constructor(key: Tensor, entries: number, features: number, options: EmbeddingOptions = {}) {
    super();
    const { initializer = randomNormal(1), padding = null, dtype = 'float32' } = options;
    if (
      ![entries, features].every(n => Number.isInteger(n) && n > 0) ||
      (padding !== null && !(Number.isInteger(padding) && padding >= 0 && padding < entries))
    )
      throw new BadArgument({
        did: `Embedding of ${entries} entries to ${features} features${padding === null ? '' : `, padding ${padding}`}`,
        expected: 'positive integers, and for padding one of the entries',
        remedy: 'new Embedding(key, 1000, 16, { padding: 0 })',
      });
    const values = initializer(key, [entries, features], { dtype });
    const column = Array.from({ length: entries }, (_, i) => [i === padding]);
    this.weight = padding === null ? values : where(column, 0, values);
    this.padding = padding;
  }

  /**
   * @param ids integers […] from 0 on, negative ones counting from the end
   * @returns float[…, features]
   * @throws IndexOutOfRange; while tracing, where values are not known, the nearest entry is taken instead
   * @throws DTypeMismatch for floats
   */
  forward(ids: TensorLike): Tensor {
    const places = integers('Embedding', ids);
    const rows = take(this.weight, places, 0);
    if (this.padding === null) return rows;
    return where(expandDims(equal(places, this.padding), -1), stop(rows), rows);
  }

  /**
   * How much vectors are like each entry's: x·weightᵀ, the logits of a model whose output shares the embedding's
   * weights (Press and Wolf 2017).
   *
   * @param x float[…, features]
   * @returns float[…, entries]
   * @throws ShapeMismatch
   */
  attend(x: TensorLike): Tensor {
    const input = asFloat(x);
    const features = this.weight.shape[1];
    if (input.ndim === 0 || input.shape[input.ndim - 1] !== features)
      throw new ShapeMismatch({
        did: `Embedding.attend with weight ${this.weight.aval} of ${input.aval}`,
        expected: `vectors [..., ${features}]`,
        remedy: 'bring them to the size of the embedding with a Linear layer',
      });
    return dot(input, this.weight, { contract: [[input.ndim - 1], [1]], batch: [[], []] });
  }
}
