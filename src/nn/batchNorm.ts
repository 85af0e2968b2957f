/** Batch normalisation, which remembers the statistics of the batches that it was trained on. */
import { range } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, divide, multiply, square, subtract } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { sqrt } from '../numpy/elementary.ts';
import { asFloat } from '../numpy/operands.ts';
import { mean } from '../numpy/statistics.ts';
import { stop } from '../primitives/arithmetic.ts';
import { full } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { type FloatOptions, type FloatType, requireFloatType } from '../random/uniform.ts';
import { Module } from './module.ts';
import { affine, alongChannels, requireChannels, scaled } from './norms.ts';
import { type Pass, stateOf } from './pass.ts';

export interface BatchNormOptions extends FloatOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** The part of the new in the running statistics. Default 0.1. */
  readonly momentum?: number;
  /** Whether the result is multiplied by weights, at first 1. Default true. */
  readonly scale?: boolean;
  /** Whether biases, at first 0, are added. Default: as scale. */
  readonly bias?: boolean;
}

/** Running statistics, float[channels] each. */
export type BatchStatistics = { readonly mean: Tensor; readonly variance: Tensor };

/**
 * (x − mean)/√(variance + ε)·weight + bias for each channel, over the examples and all spatial axes (Ioffe and
 * Szegedy 2015).
 *
 * In training the mean and the biased variance are those of the batch, and the derivative goes through them. The
 * running statistics, which evaluation uses, become (1 − momentum)·old + momentum·new, the new variance the unbiased
 * one; no derivative goes through them. They are the layer's state, at first mean 0 and variance 1.
 *
 * @example const model = new Sequential(new Conv2d(key, 3, 16, 3, { bias: false }), new BatchNorm(16), relu)
 * @example const pass = training(model, { state: initialState(model) })
 * @example model.forward(images, pass) // and pass.state has the statistics
 */
export class BatchNorm extends Module {
  /** float[channels] */
  readonly weight: Tensor | null;
  /** float[channels] */
  readonly bias: Tensor | null;
  readonly channels: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly dtype: FloatType;

  /** @throws BadArgument */
  constructor(channels: number, options: BatchNormOptions = {}) {
    super();
    const { epsilon = 1e-5, momentum = 0.1, dtype = 'float32' } = options;
    if (!Number.isInteger(channels) || channels < 1 || !(momentum >= 0 && momentum <= 1))
      throw new BadArgument({
        did: `BatchNorm of ${channels} channels with momentum ${momentum}`,
        expected: 'a positive integer, and a momentum from 0 to 1, the part of the new statistics',
        remedy: 'new BatchNorm(16, { momentum: 0.1 })',
      });
    this.channels = channels;
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.dtype = requireFloatType('BatchNorm', dtype);
    [this.weight, this.bias] = affine('BatchNorm', [channels], options);
  }

  /** Mean 0 and variance 1. */
  initialState(): BatchStatistics {
    return {
      mean: full([this.channels], 0, this.dtype),
      variance: full([this.channels], 1, this.dtype),
    };
  }

  /**
   * @param x float[examples, channels, …spatial]
   * @throws BadArgument where there is no state, or in training a single element for each channel
   * @throws ShapeMismatch
   */
  forward(x: TensorLike, pass?: Pass): Tensor {
    const input = asFloat(x);
    requireChannels('BatchNorm', input, this.channels);
    const running = stateOf(this, pass);
    const { weight, bias } = this;
    const along = <T extends Tensor | null>(vector: T): T => alongChannels(vector, input.ndim);
    if (!pass?.training) {
      const size = sqrt(add(running.variance, this.epsilon));
      return scaled(divide(subtract(input, along(running.mean)), along(size)), along(weight), along(bias));
    }
    const count = input.size / this.channels;
    if (count === 1)
      throw new BadArgument({
        did: `BatchNorm in training of an input ${input.aval}, one element for each channel`,
        expected: 'at least two, or the variance is that of nothing',
        remedy: 'train on batches of at least two examples',
      });
    const over = { axis: range(input.ndim).filter(i => i !== 1), keepdims: true };
    const average = mean(input, over);
    const deviation = subtract(input, average);
    const variance = mean(square(deviation), over);
    pass.write(this, {
      mean: moved(running.mean, average, this.momentum, 1),
      variance: moved(running.variance, variance, this.momentum, count / (count - 1)),
    });
    return scaled(divide(deviation, sqrt(add(variance, this.epsilon))), along(weight), along(bias));
  }
}

/** The running statistic a step later. */
function moved(old: Tensor, now: Tensor, momentum: number, factor: number): Tensor {
  const next = reshape(stop(now), old.shape);
  return add(multiply(stop(old), 1 - momentum), multiply(next, momentum * factor));
}
