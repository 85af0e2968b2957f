/** Layers that bring values to one scale within each example: no example sees another, and there is no state. */
import { range, sameShape } from '../core/aval.ts';
import { epsilonOf } from '../core/dtype.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, divide, multiply, square, subtract } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { sqrt } from '../numpy/elementary.ts';
import { asFloat } from '../numpy/operands.ts';
import { mean } from '../numpy/statistics.ts';
import { full } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { type FloatOptions, requireFloatType } from '../random/uniform.ts';
import { Module } from './module.ts';

export interface NormLayerOptions extends FloatOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether the result is multiplied by weights, at first 1. Default true. */
  readonly scale?: boolean;
  /** Whether biases, at first 0, are added. Default: as scale. */
  readonly bias?: boolean;
}

/** Weights 1 and biases 0 of a shape, or null. */
export function affine(
  name: string,
  shape: readonly number[],
  options: NormLayerOptions,
): [weight: Tensor | null, bias: Tensor | null] {
  const { scale = true, bias = scale } = options;
  const dtype = requireFloatType(name, options.dtype ?? 'float32');
  return [scale ? full(shape, 1, dtype) : null, bias ? full(shape, 0, dtype) : null];
}

/** x·weight + bias, whichever there are. */
export function scaled(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const product = weight === null ? x : multiply(x, weight);
  return bias === null ? product : add(product, bias);
}

/** (x − mean)/√(variance + ε) over axes, the variance biased. */
function centred(x: Tensor, axis: readonly number[], epsilon: number): Tensor {
  const over = { axis, keepdims: true };
  const deviation = subtract(x, mean(x, over));
  return divide(deviation, sqrt(add(mean(square(deviation), over), epsilon)));
}

/** A number as a shape of one axis. @throws BadArgument */
function shapeOf(name: string, shape: number | readonly number[]): readonly number[] {
  const list = typeof shape === 'number' ? [shape] : shape;
  if (!Array.isArray(list) || list.length === 0 || list.some(n => !Number.isInteger(n) || n < 1))
    throw new BadArgument({
      did: `${name} of ${JSON.stringify(shape)}`,
      expected: 'the extent of the last axis, or those of the last axes',
      remedy: `new ${name}(64)`,
    });
  return list;
}

/** The last axes of x, which must have this shape. @throws ShapeMismatch */
function lastAxes(name: string, x: Tensor, shape: readonly number[]): number[] {
  const lead = x.ndim - shape.length;
  if (lead < 0 || !sameShape(x.shape.slice(lead), shape))
    throw new ShapeMismatch({
      did: `${name} of [${shape.join(', ')}] of an input ${x.aval}`,
      expected: `an input [..., ${shape.join(', ')}]`,
      remedy: `new ${name}(${x.shape[x.ndim - 1] ?? 1})`,
    });
  return range(shape.length).map(i => lead + i);
}

/**
 * (x − mean)/√(variance + ε)·weight + bias over the last axes, the variance biased (Ba et al. 2016).
 *
 * @example new LayerNorm(2, { epsilon: 0 }).forward([[1, 3], [10, 30]]) // [[-1, 1], [-1, 1]]
 */
export class LayerNorm extends Module {
  /** float[…shape] */
  readonly weight: Tensor | null;
  /** float[…shape] */
  readonly bias: Tensor | null;
  /** The extents of the axes over which it goes. */
  readonly shape: readonly number[];
  readonly epsilon: number;

  /** @throws BadArgument */
  constructor(shape: number | readonly number[], options: NormLayerOptions = {}) {
    super();
    this.shape = shapeOf('LayerNorm', shape);
    this.epsilon = options.epsilon ?? 1e-5;
    [this.weight, this.bias] = affine('LayerNorm', this.shape, options);
  }

  /** @param x float[…, …shape] @throws ShapeMismatch */
  forward(x: TensorLike): Tensor {
    const input = asFloat(x);
    const axes = lastAxes('LayerNorm', input, this.shape);
    return scaled(centred(input, axes, this.epsilon), this.weight, this.bias);
  }
}

export interface RMSNormOptions extends FloatOptions {
  /** Added to the mean of squares. Default: the distance from 1 to the next number of the input's type. */
  readonly epsilon?: number;
  /** Whether the result is multiplied by weights, at first 1. Default true. */
  readonly scale?: boolean;
}

/**
 * x/√(mean of x² + ε)·weight over the last axes (Zhang and Sennrich 2019, eq. 4).
 *
 * @example new RMSNorm(2, { epsilon: 0 }).forward([[1, 7]]) // [[0.2, 1.4]]
 */
export class RMSNorm extends Module {
  /** float[…shape] */
  readonly weight: Tensor | null;
  /** The extents of the axes over which it goes. */
  readonly shape: readonly number[];
  /** Null is the default of the constructor. */
  readonly epsilon: number | null;

  /** @throws BadArgument */
  constructor(shape: number | readonly number[], options: RMSNormOptions = {}) {
    super();
    this.shape = shapeOf('RMSNorm', shape);
    this.epsilon = options.epsilon ?? null;
    [this.weight] = affine('RMSNorm', this.shape, options);
  }

  /** @param x float[…, …shape] @throws ShapeMismatch */
  forward(x: TensorLike): Tensor {
    const input = asFloat(x);
    const over = { axis: lastAxes('RMSNorm', input, this.shape), keepdims: true };
    const size = sqrt(add(mean(square(input), over), this.epsilon ?? epsilonOf(input.dtype)));
    return scaled(divide(input, size), this.weight, null);
  }
}

/**
 * (x − mean)/√(variance + ε)·weight + bias within each example and group of neighbouring channels (Wu and He 2018);
 * one group is a layer norm over channels and space, as many groups as channels an instance norm.
 *
 * @example const layer = new GroupNorm(4, 32) // 4 groups of 8 channels
 */
export class GroupNorm extends Module {
  /** float[channels] */
  readonly weight: Tensor | null;
  /** float[channels] */
  readonly bias: Tensor | null;
  readonly groups: number;
  readonly channels: number;
  readonly epsilon: number;

  /** @throws BadArgument where the groups do not divide the channels */
  constructor(groups: number, channels: number, options: NormLayerOptions = {}) {
    super();
    if (![groups, channels].every(n => Number.isInteger(n) && n > 0) || channels % groups !== 0)
      throw new BadArgument({
        did: `GroupNorm of ${channels} channels in ${groups} groups`,
        expected: 'positive integers, the first of which divides the second',
        remedy: 'new GroupNorm(4, 32)',
      });
    this.groups = groups;
    this.channels = channels;
    this.epsilon = options.epsilon ?? 1e-5;
    [this.weight, this.bias] = affine('GroupNorm', [channels], options);
  }

  /** @param x float[examples, channels, …spatial] @throws ShapeMismatch */
  forward(x: TensorLike): Tensor {
    const input = asFloat(x);
    requireChannels('GroupNorm', input, this.channels);
    const [examples, channels, ...spatial] = input.shape;
    const grouped = reshape(input, [examples, this.groups, channels / this.groups, ...spatial]);
    const normal = centred(
      grouped,
      range(grouped.ndim - 2).map(i => i + 2),
      this.epsilon,
    );
    return scaled(
      reshape(normal, input.shape),
      alongChannels(this.weight, input.ndim),
      alongChannels(this.bias, input.ndim),
    );
  }
}

/** @throws ShapeMismatch unless axis 1 has so many channels */
export function requireChannels(name: string, x: Tensor, channels: number): void {
  if (x.ndim < 2 || x.shape[1] !== channels)
    throw new ShapeMismatch({
      did: `${name} of ${channels} channels of an input ${x.aval}`,
      expected: `an input [examples, ${channels}, …spatial]`,
      remedy: 'move the channels to axis 1: x.moveaxis(-1, 1)',
    });
}

/** A vector with axes of extent 1 behind it, so that it meets axis 1 of so many. */
export function alongChannels<T extends Tensor | null>(vector: T, ndim: number): T {
  if (vector === null) return vector;
  return reshape(vector, [vector.size, ...range(ndim - 2).map(() => 1)]) as T;
}
