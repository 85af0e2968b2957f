/**
 * Initial weights whose variance keeps signals at their size from layer to layer.
 *
 * The fans of a shape [inputs, outputs] are these two; of a kernel [outputs, inputs, …window] they are the channels
 * times the window's size, as `conv` has it.
 */

import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { multiply } from '../numpy/arithmetic.ts';
import { full } from '../primitives/broadcast.ts';
import { truncatedNormal } from '../random/normal.ts';
import { type FloatOptions, requireFloatType, uniform } from '../random/uniform.ts';

/** Makes a tensor of initial values. */
export type Initializer = (key: Tensor, shape: readonly number[], options?: FloatOptions) => Tensor;

function fans(name: string, shape: readonly number[]): { inputs: number; outputs: number } {
  if (shape.length < 2)
    throw new BadArgument({
      did: `${name} for the shape [${shape.join(', ')}]`,
      expected: 'at least two axes: [inputs, outputs], or a kernel [outputs, inputs, …window]',
      remedy: 'use zeros for a bias',
    });
  const [first, second, ...window] = shape;
  const size = window.reduce((product, n) => product * n, 1);
  return shape.length === 2
    ? { inputs: first, outputs: second }
    : { inputs: second * size, outputs: first * size };
}

/** The standard deviation of the standard normal distribution cut off at ±2. */
const deviationWithinTwo = 0.87962566103423978;

function normalOfVariance(
  key: Tensor,
  variance: number,
  shape: readonly number[],
  options: FloatOptions,
): Tensor {
  return multiply(truncatedNormal(key, -2, 2, shape, options), Math.sqrt(variance) / deviationWithinTwo);
}

/**
 * Uniform in ±√(6/(inputs + outputs)), for tanh and sigmoid (Glorot and Bengio 2010, eq. 16).
 *
 * @example glorotUniform(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const glorotUniform: Initializer = (key, shape, options = {}) => {
  const { inputs, outputs } = fans('glorotUniform', shape);
  return multiply(uniform(key, shape, { ...options, min: -1, max: 1 }), Math.sqrt(6 / (inputs + outputs)));
};

/**
 * Normal of variance 2/inputs, cut off at two standard deviations, for relu (He et al. 2015, eq. 10).
 *
 * @example heNormal(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const heNormal: Initializer = (key, shape, options = {}) =>
  normalOfVariance(key, 2 / fans('heNormal', shape).inputs, shape, options);

/**
 * Normal of variance 1/inputs, cut off at two standard deviations, for selu (LeCun et al. 1998).
 *
 * @example lecunNormal(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const lecunNormal: Initializer = (key, shape, options = {}) =>
  normalOfVariance(key, 1 / fans('lecunNormal', shape).inputs, shape, options);

/**
 * Zeros, for biases. The key is not used.
 *
 * @example zeros(key(0), [128])
 */
export const zeros: Initializer = (_, shape, options = {}) =>
  full(shape, 0, requireFloatType('zeros', options.dtype ?? 'float32'));
