/** Convolution and pooling over one to three (or more) spatial axes, channels first. */
import { range } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { divide } from '../numpy/arithmetic.ts';
import { commonType, convert, type TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { full, sum } from '../primitives/broadcast.ts';
import { type ConvParams, conv as convolve, samePadding } from '../primitives/conv.ts';
import { permute, reshape } from '../primitives/layout.ts';
import { reduceMax } from '../primitives/reduce.ts';
import { pad } from '../primitives/slice.ts';
import { windows } from '../primitives/window.ts';

/**
 * 'valid': nothing is added. 'same': zeros on both sides, so that ⌈extent / stride⌉ places come out. Or the numbers
 * of zeros before and after each spatial axis; negative ones cut off.
 */
export type Padding = 'valid' | 'same' | readonly (readonly [low: number, high: number])[];

/** A number holds for every spatial axis. */
export type PerAxis = number | readonly number[];

function perAxis(name: string, what: string, value: PerAxis, spatial: number): readonly number[] {
  const list = typeof value === 'number' ? range(spatial).map(() => value) : value;
  if (list.length !== spatial || list.some(n => !Number.isInteger(n) || n < 1))
    throw new BadArgument({
      did: `${name} with ${what} ${JSON.stringify(value)}`,
      expected: `a positive integer, or one for each of the ${spatial} spatial axes`,
      remedy: `${what}: ${
        spatial === 1
          ? '[2]'
          : `[${range(spatial)
              .map(() => 2)
              .join(', ')}]`
      }`,
    });
  return list;
}

function pairs(
  name: string,
  padding: Padding,
  extents: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilation: readonly number[],
): readonly (readonly [number, number])[] {
  if (padding === 'valid') return extents.map(() => [0, 0] as const);
  if (padding === 'same') return samePadding(extents, kernel, strides, dilation);
  if (
    !Array.isArray(padding) ||
    padding.length !== extents.length ||
    padding.some(pair => !Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isInteger))
  )
    throw new BadArgument({
      did: `${name} with padding ${JSON.stringify(padding)}`,
      expected: `'valid', 'same' or [before, after] for each of the ${extents.length} spatial axes`,
      remedy: `padding: [${extents.map(() => '[1, 1]').join(', ')}]`,
    });
  return padding;
}

export interface ConvOptions {
  /** Default 1. */
  readonly strides?: PerAxis;
  /** Default 'valid'. */
  readonly padding?: Padding;
  /** Distance of neighbouring elements of x, zeros between them: transposed convolution. Default 1. */
  readonly inputDilation?: PerAxis;
  /** Distance of the places in x that neighbouring elements of w meet. Default 1. */
  readonly kernelDilation?: PerAxis;
  /** Channels in so many groups, each with kernels of its own. Default 1. */
  readonly groups?: number;
}

/**
 * Convolution as in machine learning, the kernel not mirrored:
 * result[n, o, p…] = Σ_{c, q…} x[n, c, p·stride + q·dilation − before, …]·w[o, c, q, …].
 *
 * @param x float[examples, channels, …spatial]
 * @param w float[outputs, channels / groups, …kernel]
 * @returns float[examples, outputs, …spatial]
 * @example conv(images, kernels, { strides: 2, padding: 'same' })
 * @throws ShapeMismatch, BadArgument
 */
export function conv(x: TensorLike, w: TensorLike, options: ConvOptions = {}): Tensor {
  const [input, kernel] = sameType(x, w);
  const { groups = 1 } = options;
  const spatial = input.ndim - 2;
  const [examples, channels, ...extents] = input.shape;
  const [outputs, perGroup, ...size] = kernel.shape;
  if (
    spatial < 1 ||
    kernel.ndim !== input.ndim ||
    !Number.isInteger(groups) ||
    groups < 1 ||
    outputs % groups !== 0 ||
    perGroup * groups !== channels
  )
    throw new ShapeMismatch({
      did: `conv of ${input.aval} with ${kernel.aval}${groups === 1 ? '' : ` in ${groups} groups`}`,
      expected:
        'x [examples, channels, …spatial], w [outputs, channels / groups, …kernel], and groups that divide both',
      remedy: 'move the channels to axis 1: x.moveaxis(-1, 1)',
    });
  const strides = perAxis('conv', 'strides', options.strides ?? 1, spatial);
  const inputDilation = perAxis('conv', 'inputDilation', options.inputDilation ?? 1, spatial);
  const kernelDilation = perAxis('conv', 'kernelDilation', options.kernelDilation ?? 1, spatial);
  const dilated = extents.map((n, i) => (n === 0 ? 0 : (n - 1) * inputDilation[i] + 1));
  const params: ConvParams = {
    strides,
    padding: pairs('conv', options.padding ?? 'valid', dilated, size, strides, kernelDilation),
    inputDilation,
    kernelDilation,
  };
  const byGroup = reshape(kernel, [groups, outputs / groups, perGroup, ...size]);
  if (groups === 1) {
    const out = convolve(reshape(input, [1, ...input.shape]), byGroup, params);
    return reshape(out, out.shape.slice(1));
  }
  const swap = (t: Tensor): Tensor => permute(t, [1, 0, ...range(t.ndim - 2).map(i => i + 2)]);
  const out = swap(convolve(swap(reshape(input, [examples, groups, perGroup, ...extents])), byGroup, params));
  return reshape(out, [examples, outputs, ...out.shape.slice(3)]);
}

/** Both as floats of one type. */
function sameType(x: TensorLike, w: TensorLike): Tensor[] {
  const operands = [asFloat(x), asFloat(w)];
  const dtype = commonType(operands);
  return operands.map(operand => convert(operand, dtype));
}

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

function windowed(name: string, x: Tensor, options: PoolOptions): Windowed {
  const spatial = x.ndim - 2;
  if (spatial < 1)
    throw new ShapeMismatch({
      did: `${name} of ${x.aval}`,
      expected: 'x [examples, channels, …spatial]',
      remedy: 'put in axes of extent 1 for the examples and the channels',
    });
  const window = perAxis(name, 'window', options.window, spatial);
  const strides = perAxis(name, 'strides', options.strides ?? window, spatial);
  const dilation = window.map(() => 1);
  const padding = pairs(name, options.padding ?? 'valid', x.shape.slice(2), window, strides, dilation);
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
