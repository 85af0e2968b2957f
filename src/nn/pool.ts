/** Pooling over one to three (or more) spatial axes, channels first. */
import { range } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { divide } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { mean } from '../numpy/statistics.ts';
import { full, sum } from '../primitives/broadcast.ts';
import { reduceMax } from '../primitives/reduce.ts';
import { pad } from '../primitives/slice.ts';
import { windows } from '../primitives/window.ts';
import { Module } from './module.ts';
import { type Padding, type PerAxis, pairs, perAxis } from './spatial.ts';

export interface PoolOptions {
  /** The window's extents. */
  readonly window: PerAxis;
  /** Default: the window, so that windows do not overlap. */
  readonly strides?: PerAxis;
  /** Default 'valid'. */
  readonly padding?: Padding;
}

interface Windowed {
  /** x's windows, their own axes last. */
  readonly of: (x: Tensor, fill: number) => Tensor;
  /** The windows' axes in that. */
  readonly axes: readonly number[];
  readonly count: number;
  readonly padded: boolean;
}

/** The axes from the third on. @throws ShapeMismatch where there are none */
function spatialAxes(name: string, x: Tensor): number[] {
  if (x.ndim < 3)
    throw new ShapeMismatch({
      did: `${name} of ${x.aval}`,
      expected: 'x [examples, channels, …spatial]',
      remedy: 'put in axes of extent 1 for the examples and the channels',
    });
  return range(x.ndim - 2).map(i => i + 2);
}

function windowed(name: string, x: Tensor, options: PoolOptions): Windowed {
  const spatial = spatialAxes(name, x).length;
  const window = perAxis(name, 'window', options.window, spatial);
  const strides = perAxis(name, 'strides', options.strides ?? window, spatial);
  const dilation = window.map(() => 1);
  const extents = x.shape.slice(2);
  const padding = pairs(name, options.padding ?? 'valid', { extents, window, strides, dilation });
  const padded = padding.some(([low, high]) => low !== 0 || high !== 0);
  const low = [0, 0, ...padding.map(pair => pair[0])];
  const high = [0, 0, ...padding.map(pair => pair[1])];
  return {
    of: (t, fill) =>
      windows(padded ? pad(t, full([], fill, t.dtype), low, high) : t, { window, strides, dilation }),
    axes: range(spatial).map(i => x.ndim + i),
    count: window.reduce((product, n) => product * n, 1),
    padded,
  };
}

/**
 * The largest element in every window. Padding is −∞; equal largest elements share the cotangent; NaN wins.
 *
 * @param x float[examples, channels, …spatial]
 * @example maxPool(images, { window: 2 })
 * @throws ShapeMismatch, BadArgument
 */
export function maxPool(x: TensorLike, options: PoolOptions): Tensor {
  const input = asFloat(x);
  const { of, axes } = windowed('maxPool', input, options);
  return reduceMax(of(input, Number.NEGATIVE_INFINITY), axes);
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements 0. Default true. */
  readonly countIncludePad?: boolean;
}

/**
 * The mean of every window.
 *
 * @param x float[examples, channels, …spatial]
 * @example avgPool(images, { window: [2, 2], strides: 1, padding: 'same', countIncludePad: false })
 * @throws ShapeMismatch, BadArgument
 */
export function avgPool(x: TensorLike, options: AvgPoolOptions): Tensor {
  const input = asFloat(x);
  const { of, axes, count, padded } = windowed('avgPool', input, options);
  const total = sum(of(input, 0), axes);
  if (!padded || options.countIncludePad !== false) return divide(total, count);
  return divide(total, sum(of(full(input.shape, 1, input.dtype), 0), axes));
}

/**
 * The mean over all spatial axes.
 *
 * @param x float[examples, channels, …spatial]
 * @returns float[examples, channels]
 * @example globalAvgPool(tensor([[[1, 3], [4, 6]]])) // [[2, 5]]
 * @throws ShapeMismatch
 */
export function globalAvgPool(x: TensorLike): Tensor {
  const input = asFloat(x);
  return mean(input, spatialAxes('globalAvgPool', input));
}

/**
 * The layer of {@link maxPool}, for any number of spatial axes.
 *
 * @example new Sequential(new Conv2d(key, 3, 16, 3), relu, new MaxPool(2))
 */
export class MaxPool extends Module {
  readonly options: PoolOptions;

  constructor(window: PerAxis, options: Omit<PoolOptions, 'window'> = {}) {
    super();
    this.options = { ...options, window };
  }

  /** @param x float[examples, channels, …spatial] @throws ShapeMismatch, BadArgument */
  forward(x: TensorLike): Tensor {
    return maxPool(x, this.options);
  }
}

/**
 * The layer of {@link avgPool}, for any number of spatial axes.
 *
 * @example new Sequential(new Conv2d(key, 3, 16, 3), relu, new AvgPool(2))
 */
export class AvgPool extends Module {
  readonly options: AvgPoolOptions;

  constructor(window: PerAxis, options: Omit<AvgPoolOptions, 'window'> = {}) {
    super();
    this.options = { ...options, window };
  }

  /** @param x float[examples, channels, …spatial] @throws ShapeMismatch, BadArgument */
  forward(x: TensorLike): Tensor {
    return avgPool(x, this.options);
  }
}
