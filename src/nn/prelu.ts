/** The activation that has a parameter. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { full } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { type FloatOptions, requireFloatType } from '../random/uniform.ts';
import { prelu } from './activations.ts';
import { Module } from './module.ts';
import { alongChannels, requireChannels } from './norms.ts';

export interface PReluOptions extends FloatOptions {
  /** How many slopes: 1 (default), or one for each channel along axis 1. */
  readonly channels?: number;
  /** The first slope. Default 0.25. */
  readonly slope?: number;
}

/**
 * The layer of {@link prelu}: x where x ≥ 0, slope·x elsewhere, with one slope or one for each channel.
 *
 * @example new PRelu().forward(tensor([-2, 3])) // [-0.5, 3]
 */
export class PRelu extends Module {
  /** float[channels] */
  readonly slope: Tensor;

  /** @throws BadArgument */
  constructor(options: PReluOptions = {}) {
    super();
    const { channels = 1, slope = 0.25, dtype = 'float32' } = options;
    if (!Number.isInteger(channels) || channels < 1)
      throw new BadArgument({
        did: `PRelu of ${String(channels)} channels`,
        expected: 'a positive integer',
        remedy: 'new PRelu({ channels: 16 })',
      });
    this.slope = full([channels], slope, requireFloatType('PRelu', dtype));
  }

  /** @param x float[…], with several slopes float[examples, channels, …] @throws ShapeMismatch */
  forward(x: TensorLike): Tensor {
    const input = asFloat(x);
    const channels = this.slope.size;
    if (channels === 1) return prelu(input, reshape(this.slope, []));
    requireChannels('PRelu', input, channels);
    return prelu(input, alongChannels(this.slope, input.ndim));
  }
}
