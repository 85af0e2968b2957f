/** Distributions that are one formula of a uniform draw: the inverse of their distribution function. */
import type { Tensor } from '../core/tensor.ts';
import { abs, mul, neg, sub } from '../primitives/arithmetic.ts';
import { constantLike } from '../primitives/broadcast.ts';
import { sign } from '../primitives/compare.ts';
import { log, log1p, tan } from '../primitives/elementary.ts';
import { type FloatOptions, type FloatType, requireFloatType, uniform } from './uniform.ts';

/** The smallest normal number, and the distance from 1 to the numbers above and below it. */
const spacing: Record<FloatType, { tiny: number; above: number; below: number }> = {
  float32: { tiny: 2 ** -126, above: 2 ** -23, below: 2 ** -24 },
  float64: { tiny: 2 ** -1022, above: 2 ** -52, below: 2 ** -53 },
};

type Sampler = (key: Tensor, shape?: readonly number[], options?: FloatOptions) => Tensor;

function inverse(
  name: string,
  min: (space: { tiny: number; above: number; below: number }) => number,
  quantile: (u: Tensor) => Tensor,
): Sampler {
  return (key, shape = [], options = {}) => {
    const dtype = requireFloatType(name, options.dtype ?? 'float32');
    return quantile(uniform(key, shape, { dtype, min: min(spacing[dtype]), max: 1 }));
  };
}

/**
 * The standard Gumbel distribution, P(x ≤ t) = exp(−e⁻ᵗ): −log(−log u).
 *
 * @example categorical draws: argmax(logits.add(gumbel(key, logits.shape)))
 */
export const gumbel: Sampler = inverse(
  'gumbel',
  ({ tiny }) => tiny,
  u => neg(log(neg(log(u)))),
);

/**
 * The exponential distribution of mean 1: −log(1 − u).
 *
 * @example exponential(key(0), [3]).div(rate)
 */
export const exponential: Sampler = inverse(
  'exponential',
  () => 0,
  u => neg(log1p(neg(u))),
);

/**
 * The Laplace distribution, density e^{−|x|}/2: sign(u)·log(1 − |u|) for u in (−1, 1).
 *
 * @example laplace(key(0), [3])
 */
export const laplace: Sampler = inverse(
  'laplace',
  ({ below }) => below - 1,
  u => mul(sign(u), log1p(neg(abs(u)))),
);

/**
 * The logistic distribution, P(x ≤ t) = 1/(1 + e⁻ᵗ): log u − log(1 − u).
 *
 * @example logistic(key(0), [3])
 */
export const logistic: Sampler = inverse(
  'logistic',
  ({ tiny }) => tiny,
  u => sub(log(u), log1p(neg(u))),
);

/**
 * The Cauchy distribution, density 1/(π(1 + x²)): tan(π(u − ½)).
 *
 * @example cauchy(key(0), [3])
 */
export const cauchy: Sampler = inverse(
  'cauchy',
  ({ above }) => above,
  u => tan(mul(constantLike(u, Math.PI), sub(u, constantLike(u, 0.5)))),
);
