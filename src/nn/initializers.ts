/**
 * Initial weights whose variance keeps signals at their size from layer to layer.
 *
 * The fans of a shape [inputs, outputs] are these two; of a kernel [outputs, inputs, …window] they are the channels
 * times the window's size, as `conv` has it. Layers whose weights lie otherwise give their fans.
 */
import { sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, multiply } from '../numpy/arithmetic.ts';
import { requireShape } from '../numpy/array.ts';
import { diagonal } from '../numpy/diagonals.ts';
import { less, where } from '../numpy/logic.ts';
import { transpose } from '../numpy/shape.ts';
import { full } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { bind } from '../primitives/primitive.ts';
import { qrFactor } from '../primitives/qr.ts';
import * as random from '../random/normal.ts';
import { type FloatOptions, requireFloatType, uniform } from '../random/uniform.ts';

/** How many numbers make one output, and in how many outputs one input is. */
export interface Fans {
  readonly inputs: number;
  readonly outputs: number;
}

export interface InitializerOptions extends FloatOptions {
  /** Default: what the shape says. */
  readonly fans?: Fans;
}

/** Makes a tensor of initial values. */
export type Initializer = (key: Tensor, shape: readonly number[], options?: InitializerOptions) => Tensor;

function fansOf(name: string, shape: readonly number[]): Fans {
  if (shape.length < 2)
    throw new BadArgument({
      did: `${name} for the shape [${shape.join(', ')}]`,
      expected: 'at least two axes: [inputs, outputs], or a kernel [outputs, inputs, …window]',
      remedy: 'use zeros for a bias',
    });
  const [first, second, ...window] = shape;
  const size = sizeOf(window);
  return shape.length === 2
    ? { inputs: first, outputs: second }
    : { inputs: second * size, outputs: first * size };
}

/** The standard deviation of the standard normal distribution cut off at ±2. */
const deviationWithinTwo = 0.87962566103423978;

export interface VarianceOptions {
  /** The variance times the fan. Default 1. */
  readonly scale?: number;
  /** The fan: 'inputs' (default), 'outputs', or the 'mean' of both. */
  readonly fan?: 'inputs' | 'outputs' | 'mean';
  /** 'normal' is cut off at two standard deviations. Default 'normal'. */
  readonly distribution?: 'normal' | 'uniform';
}

function scaled(name: string, options: VarianceOptions): Initializer {
  const { scale = 1, fan = 'inputs', distribution = 'normal' } = options;
  return (key, shape, { fans, ...type } = {}) => {
    const { inputs, outputs } = fans ?? fansOf(name, requireShape(shape, name));
    const variance = scale / (fan === 'mean' ? (inputs + outputs) / 2 : fan === 'inputs' ? inputs : outputs);
    return distribution === 'uniform'
      ? multiply(uniform(key, shape, { ...type, min: -1, max: 1 }), Math.sqrt(3 * variance))
      : multiply(random.truncatedNormal(key, -2, 2, shape, type), Math.sqrt(variance) / deviationWithinTwo);
  };
}

/**
 * An initialiser of variance scale/fan, of which the named ones below are cases: uniform in ±√(3·variance), or normal
 * and cut off at two standard deviations, the variance that is left being the one asked for.
 *
 * @example const initializer = varianceScaling({ scale: 2, fan: 'outputs' })
 * @throws BadArgument for a scale that is not positive, or another fan or distribution
 */
export function varianceScaling(options: VarianceOptions = {}): Initializer {
  const { scale = 1, fan = 'inputs', distribution = 'normal' } = options;
  if (
    !(scale > 0) ||
    !['inputs', 'outputs', 'mean'].includes(fan) ||
    !['normal', 'uniform'].includes(distribution)
  )
    throw new BadArgument({
      did: `varianceScaling(${JSON.stringify(options)})`,
      expected: "a positive scale, a fan 'inputs', 'outputs' or 'mean', a distribution 'normal' or 'uniform'",
      remedy: "varianceScaling({ scale: 2, fan: 'outputs', distribution: 'normal' })",
    });
  return scaled('varianceScaling', options);
}

/**
 * Uniform in ±√(6/(inputs + outputs)), for tanh and sigmoid (Glorot and Bengio 2010, eq. 16).
 *
 * @example glorotUniform(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const glorotUniform: Initializer = (key, shape, options) =>
  scaled('glorotUniform', { fan: 'mean', distribution: 'uniform' })(key, shape, options);

/**
 * Normal of variance 2/(inputs + outputs), cut off at two standard deviations (Glorot and Bengio 2010).
 *
 * @example glorotNormal(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const glorotNormal: Initializer = (key, shape, options) =>
  scaled('glorotNormal', { fan: 'mean' })(key, shape, options);

/**
 * Uniform in ±√(6/inputs), for relu (He et al. 2015).
 *
 * @example heUniform(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const heUniform: Initializer = (key, shape, options) =>
  scaled('heUniform', { scale: 2, distribution: 'uniform' })(key, shape, options);

/**
 * Normal of variance 2/inputs, cut off at two standard deviations, for relu (He et al. 2015, eq. 10).
 *
 * @example heNormal(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const heNormal: Initializer = (key, shape, options) =>
  scaled('heNormal', { scale: 2 })(key, shape, options);

/**
 * Uniform in ±√(3/inputs), for selu (LeCun et al. 1998).
 *
 * @example lecunUniform(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const lecunUniform: Initializer = (key, shape, options) =>
  scaled('lecunUniform', { distribution: 'uniform' })(key, shape, options);

/**
 * Normal of variance 1/inputs, cut off at two standard deviations, for selu (LeCun et al. 1998).
 *
 * @example lecunNormal(key(0), [784, 128])
 * @throws BadArgument for fewer than two axes
 */
export const lecunNormal: Initializer = (key, shape, options) =>
  scaled('lecunNormal', {})(key, shape, options);

/**
 * Orthonormal columns, or rows where there are fewer of these, times a gain: every such matrix is equally likely
 * (Saxe et al. 2014). A kernel [outputs, inputs, …window] is taken as a matrix [outputs, inputs·window].
 *
 * @param gain default 1
 * @example const w = orthogonal()(key(0), [4, 4]) // w.matmul(w.transpose()) is the identity
 * @throws BadArgument for fewer than two axes
 */
export function orthogonal(gain = 1): Initializer {
  return (key, shape, { dtype = 'float32' } = {}) => {
    fansOf('orthogonal', requireShape(shape, 'orthogonal'));
    const [rows, ...rest] = shape;
    const columns = sizeOf(rest);
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    const [q, r] = bind(qrFactor, [random.normal(key, [long, short], { dtype })], { complete: false });
    // Without the signs of R's diagonal the decomposition would prefer some matrices (Mezzadri 2007).
    const unbiased = multiply(q, where(less(diagonal(r), 0), -gain, gain));
    return reshape(rows < columns ? transpose(unbiased) : unbiased, shape);
  };
}

/**
 * Normal of mean 0.
 *
 * @param deviation default 0.01
 * @example const initializer = randomNormal(0.02)
 */
export function randomNormal(deviation = 0.01): Initializer {
  return (key, shape, { dtype = 'float32' } = {}) =>
    multiply(random.normal(key, shape, { dtype }), deviation);
}

/**
 * Normal of mean 0 before it is cut off at two of its standard deviations, after which the deviation is 0.88 of it.
 *
 * @param deviation default 0.01
 * @example const initializer = truncatedNormal(0.02)
 */
export function truncatedNormal(deviation = 0.01): Initializer {
  return (key, shape, { dtype = 'float32' } = {}) =>
    multiply(random.truncatedNormal(key, -2, 2, shape, { dtype }), deviation);
}

/**
 * Uniform in [min, max).
 *
 * @param min default −0.01
 * @param max default 0.01
 * @example const initializer = randomUniform(-0.05, 0.05)
 */
export function randomUniform(min = -0.01, max = 0.01): Initializer {
  return (key, shape, { dtype = 'float32' } = {}) =>
    add(multiply(uniform(key, shape, { dtype }), max - min), min);
}

/**
 * One number everywhere. The key is not used.
 *
 * @example const initializer = constant(0.1)
 */
export function constant(value: number): Initializer {
  return (_, shape, { dtype = 'float32' } = {}) =>
    full(requireShape(shape, 'constant'), value, requireFloatType('constant', dtype));
}

/**
 * Zeros, for biases. The key is not used.
 *
 * @example zeros(key(0), [128])
 */
export const zeros: Initializer = (_, shape, { dtype = 'float32' } = {}) =>
  full(requireShape(shape, 'zeros'), 0, requireFloatType('zeros', dtype));

/**
 * Ones, for scales. The key is not used.
 *
 * @example ones(key(0), [128])
 */
export const ones: Initializer = (_, shape, { dtype = 'float32' } = {}) =>
  full(requireShape(shape, 'ones'), 1, requireFloatType('ones', dtype));
