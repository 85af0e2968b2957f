/** Layers of convolution, plain and transposed, over one, two or three spatial axes. */
import { sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add } from '../numpy/arithmetic.ts';
import type { TensorLike } from '../numpy/array.ts';
import { reshape } from '../primitives/layout.ts';
import type { FloatOptions } from '../random/uniform.ts';
import { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './conv.ts';
import { type Fans, glorotUniform, type Initializer, zeros } from './initializers.ts';
import { Module } from './module.ts';
import { type PerAxis, perAxis } from './spatial.ts';

interface WeightOptions extends FloatOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Default glorotUniform, of the fans (channels / groups)·window. */
  readonly initializer?: Initializer;
}

export interface ConvLayerOptions extends ConvOptions, WeightOptions {}

export interface ConvTransposeLayerOptions extends ConvTransposeOptions, WeightOptions {}

/** Weights and biases; `lead` says which of the channels a kernel's first two axes are. @throws BadArgument */
function parameters(
  name: string,
  key: Tensor,
  { inputs, outputs }: Fans,
  window: readonly number[],
  lead: (perGroup: Fans) => readonly [number, number],
  options: WeightOptions & { readonly groups?: number },
): [weight: Tensor, bias: Tensor | null] {
  const { bias = true, initializer = glorotUniform, dtype = 'float32', groups = 1 } = options;
  const legal = (n: number): boolean => Number.isInteger(n) && n > 0;
  if (!legal(groups) || ![inputs, outputs].every(n => legal(n) && n % groups === 0))
    throw new BadArgument({
      did: `${name} of ${inputs} to ${outputs} channels in ${groups} ${groups === 1 ? 'group' : 'groups'}`,
      expected: 'positive integers, and groups that divide both numbers of channels',
      remedy: `new ${name}(key, 3, 16, 3)`,
    });
  const perGroup: Fans = { inputs: inputs / groups, outputs: outputs / groups };
  const size = sizeOf(window);
  const fans: Fans = { inputs: perGroup.inputs * size, outputs: perGroup.outputs * size };
  return [
    initializer(key, [...lead(perGroup), ...window], { dtype, fans }),
    bias ? zeros(key, [outputs], { dtype }) : null,
  ];
}

/** A bias for each channel, along axis 1. */
function withBias(x: Tensor, bias: Tensor | null): Tensor {
  return bias === null ? x : add(x, reshape(bias, [bias.size, ...x.shape.slice(2).map(() => 1)]));
}

/** What layers of convolution have: a kernel, and a bias for each channel of the result. */
abstract class Kernel<Options extends ConvOptions | ConvTransposeOptions> extends Module {
  readonly weight: Tensor;
  /** float[outputs] */
  readonly bias: Tensor | null;
  readonly options: Options;

  constructor(
    name: string,
    spatial: number,
    key: Tensor,
    channels: Fans,
    window: PerAxis,
    lead: (perGroup: Fans) => readonly [number, number],
    options: Options & WeightOptions,
  ) {
    super();
    const { bias, initializer, dtype, ...own } = options;
    const extents = perAxis(name, 'window', window, spatial);
    [this.weight, this.bias] = parameters(name, key, channels, extents, lead, options);
    this.options = own as unknown as Options;
  }
}

/**
 * Convolution over so many spatial axes as the class says; its weight is float[outputs, inputs / groups, …window]. See
 * {@link conv} for the sum and the options.
 */
export abstract class Conv extends Kernel<ConvOptions> {
  constructor(
    name: string,
    spatial: number,
    key: Tensor,
    inputs: number,
    outputs: number,
    window: PerAxis,
    options: ConvLayerOptions,
  ) {
    super(name, spatial, key, { inputs, outputs }, window, own => [outputs, own.inputs], options);
  }

  /**
   * @param x float[examples, inputs, …spatial]
   * @returns float[examples, outputs, …spatial]
   * @throws ShapeMismatch, BadArgument
   */
  forward(x: TensorLike): Tensor {
    return withBias(conv(x, this.weight, this.options), this.bias);
  }
}

/**
 * Convolution along one axis: of x float[examples, inputs, length].
 *
 * @example const layer = new Conv1d(key(0), 3, 8, 5, { padding: 'same' }) // 3 channels to 8, windows of 5
 * @throws BadArgument
 */
export class Conv1d extends Conv {
  constructor(key: Tensor, inputs: number, outputs: number, window: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv1d', 1, key, inputs, outputs, window, options);
  }
}

/**
 * Convolution of images: of x float[examples, inputs, height, width].
 *
 * @example const layer = new Conv2d(key(0), 3, 16, 3, { strides: 2, padding: 1 }) // 3×3 windows
 * @throws BadArgument
 */
export class Conv2d extends Conv {
  constructor(key: Tensor, inputs: number, outputs: number, window: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv2d', 2, key, inputs, outputs, window, options);
  }
}

/**
 * Convolution of volumes: of x float[examples, inputs, depth, height, width].
 *
 * @example const layer = new Conv3d(key(0), 1, 8, [1, 3, 3])
 * @throws BadArgument
 */
export class Conv3d extends Conv {
  constructor(key: Tensor, inputs: number, outputs: number, window: PerAxis, options: ConvLayerOptions = {}) {
    super('Conv3d', 3, key, inputs, outputs, window, options);
  }
}

/**
 * Transposed convolution; its weight is float[inputs, outputs / groups, …window]. See {@link convTranspose} for the sum
 * and the options.
 */
export abstract class ConvTranspose extends Kernel<ConvTransposeOptions> {
  constructor(
    name: string,
    spatial: number,
    key: Tensor,
    inputs: number,
    outputs: number,
    window: PerAxis,
    options: ConvTransposeLayerOptions,
  ) {
    super(name, spatial, key, { inputs, outputs }, window, own => [inputs, own.outputs], options);
  }

  /**
   * @param x float[examples, inputs, …spatial]
   * @returns float[examples, outputs, …spatial]
   * @throws ShapeMismatch, BadArgument
   */
  forward(x: TensorLike): Tensor {
    return withBias(convTranspose(x, this.weight, this.options), this.bias);
  }
}

/**
 * Transposed convolution along one axis: of x float[examples, inputs, length].
 *
 * @example const layer = new ConvTranspose1d(key(0), 8, 3, 4, { strides: 2, padding: 1 }) // twice as long
 * @throws BadArgument
 */
export class ConvTranspose1d extends ConvTranspose {
  constructor(
    key: Tensor,
    inputs: number,
    outputs: number,
    window: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose1d', 1, key, inputs, outputs, window, options);
  }
}

/**
 * Transposed convolution of images: of x float[examples, inputs, height, width].
 *
 * @example const layer = new ConvTranspose2d(key(0), 16, 3, 4, { strides: 2, padding: 'same' }) // twice as large
 * @throws BadArgument
 */
export class ConvTranspose2d extends ConvTranspose {
  constructor(
    key: Tensor,
    inputs: number,
    outputs: number,
    window: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose2d', 2, key, inputs, outputs, window, options);
  }
}

/**
 * Transposed convolution of volumes: of x float[examples, inputs, depth, height, width].
 *
 * @example const layer = new ConvTranspose3d(key(0), 8, 1, 2, { strides: 2 })
 * @throws BadArgument
 */
export class ConvTranspose3d extends ConvTranspose {
  constructor(
    key: Tensor,
    inputs: number,
    outputs: number,
    window: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose3d', 3, key, inputs, outputs, window, options);
  }
}
