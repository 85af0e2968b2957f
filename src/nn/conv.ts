/** Convolution and transposed convolution over one to three (or more) spatial axes, channels first. */
import { range } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { commonType, convert, type TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { type ConvParams, conv as convolve } from '../primitives/conv.ts';
import { permute, reshape, reverse } from '../primitives/layout.ts';
import { type Padding, type PerAxis, pairs, perAxis } from './spatial.ts';

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
    padding: pairs('conv', options.padding ?? 'valid', {
      extents: dilated,
      window: size,
      strides,
      dilation: kernelDilation,
    }),
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

export interface ConvTransposeOptions {
  /** How far apart the places are to which neighbouring elements of x go. Default 1. */
  readonly strides?: PerAxis;
  /**
   * What the convolution that this is the transpose of adds to its input, so that so much is cut off here: 'valid'
   * nothing, 'same' what makes the extents those of x times the strides. Default 'valid'.
   */
  readonly padding?: Padding;
  /** Elements more at the end of each axis. Default 0. */
  readonly outputPadding?: PerAxis;
  /** Distance of the places to which neighbouring elements of w carry. Default 1. */
  readonly kernelDilation?: PerAxis;
  /** Channels in so many groups, each with kernels of its own. Default 1. */
  readonly groups?: number;
}

/**
 * Transposed convolution, which maps outputs of `conv` to inputs, as its pullback does:
 * result[n, o, p·stride + q·dilation − before, …] = Σ_{c} x[n, c, p…]·w[c, o, q…], summed over all p, q that meet there.
 *
 * The extents are (extent − 1)·stride + dilation·(kernel − 1) + 1 − before − after + outputPadding.
 *
 * @param x float[examples, channels, …spatial]
 * @param w float[channels, outputs / groups, …kernel]
 * @returns float[examples, outputs, …spatial]
 * @example convTranspose(tensor([[[1, 2]]]), tensor([[[1, 10]]]), { strides: 2 }) // [[[1, 10, 2, 20]]]
 * @throws ShapeMismatch, BadArgument
 */
export function convTranspose(x: TensorLike, w: TensorLike, options: ConvTransposeOptions = {}): Tensor {
  const [input, kernel] = sameType(x, w);
  const { groups = 1, padding = 'valid' } = options;
  const spatial = input.ndim - 2;
  const [channels, perGroup, ...size] = kernel.shape;
  if (
    spatial < 1 ||
    kernel.ndim !== input.ndim ||
    !Number.isInteger(groups) ||
    groups < 1 ||
    channels % groups !== 0 ||
    channels !== input.shape[1]
  )
    throw new ShapeMismatch({
      did: `convTranspose of ${input.aval} with ${kernel.aval}${groups === 1 ? '' : ` in ${groups} groups`}`,
      expected:
        'x [examples, channels, …spatial], w [channels, outputs / groups, …kernel], and groups that divide both',
      remedy: 'swap the first two axes of a kernel that is meant for conv: w.swapaxes(0, 1)',
    });
  const name = 'convTranspose';
  const strides = perAxis(name, 'strides', options.strides ?? 1, spatial);
  const kernelDilation = perAxis(name, 'kernelDilation', options.kernelDilation ?? 1, spatial);
  const more = perAxis(name, 'outputPadding', options.outputPadding ?? 0, spatial, 0);
  const reach = size.map((n, i) => (n - 1) * kernelDilation[i]);
  const cut =
    padding === 'same'
      ? reach.map((n, i): [number, number] => {
          // Where the stride is the larger one, places between have no element of x: they are added, not cut off.
          const total = n + 1 - strides[i];
          const low = Math.max(0, total) >> 1;
          return [low, total - low];
        })
      : pairs(name, padding, {
          extents: input.shape.slice(2),
          window: size,
          strides: strides.map(() => 1),
          dilation: kernelDilation,
        });
  // Each group's kernels with outputs before inputs, mirrored.
  const swapped = permute(reshape(kernel, [groups, channels / groups, perGroup, ...size]), [
    0,
    2,
    1,
    ...range(spatial).map(i => i + 3),
  ]);
  const mirrored = reverse(
    reshape(swapped, [groups * perGroup, channels / groups, ...size]),
    range(spatial).map(i => i + 2),
  );
  return conv(input, mirrored, {
    padding: cut.map(([low, high], i) => [reach[i] - low, reach[i] - high + more[i]] as const),
    inputDilation: strides,
    kernelDilation,
    groups,
  });
}
