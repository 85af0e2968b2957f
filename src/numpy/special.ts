/**
 * Special functions of statistics and physics, element by element. Integers and bools become float32; float32 is
 * computed in float64 and rounded once. Outside a function's domain the result is NaN. docs/accuracy.md has the
 * measured errors.
 */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { besselI } from '../primitives/bessel.ts';
import * as gamma from '../primitives/gamma.ts';
import { incompleteBeta } from '../primitives/incompleteBeta.ts';
import { incompleteGamma } from '../primitives/incompleteGamma.ts';
import * as normal from '../primitives/normal.ts';
import * as derivatives from '../primitives/polygamma.ts';
import type { TensorLike } from './array.ts';
import { asFloat, floatsTogether } from './operands.ts';

/**
 * The regularized lower incomplete gamma function P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹e⁻ᵗ dt for a ≥ 0, x ≥ 0: the distribution
 * function of the gamma distribution. Differentiable in both, to any order. A series for x < a, Legendre's continued
 * fraction beyond; the time grows as √a where x is near a.
 *
 * @example gammainc(1, 2) // 1 − e⁻² = 0.8646647
 * @throws ShapeMismatch
 */
export function gammainc(a: TensorLike, x: TensorLike): Tensor {
  const [order, limit] = floatsTogether('gammainc', [a, x]);
  return incompleteGamma(order, limit, { upper: false, order: 0 });
}

/**
 * The regularized upper incomplete gamma function Q(a, x) = 1 − P(a, x), without cancellation where it is small.
 *
 * @example gammaincc(1, 50) // e⁻⁵⁰ = 1.928750e-22
 * @throws ShapeMismatch
 */
export function gammaincc(a: TensorLike, x: TensorLike): Tensor {
  const [order, limit] = floatsTogether('gammaincc', [a, x]);
  return incompleteGamma(order, limit, { upper: true, order: 0 });
}

/**
 * The regularized incomplete beta function Iₓ(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹(1 − t)ᵇ⁻¹ dt for a, b > 0 and 0 ≤ x ≤ 1: the
 * distribution function of the beta distribution. Differentiable in all three, to any order. The continued fraction of
 * Didonato and Morris (ACM TOMS 18, 1992); the time grows as √max(a, b).
 *
 * @example betainc(2, 3, 0.5) // 0.6875
 * @throws ShapeMismatch
 */
export function betainc(a: TensorLike, b: TensorLike, x: TensorLike): Tensor {
  const [first, second, limit] = floatsTogether('betainc', [a, b, x]);
  return incompleteBeta(first, second, limit);
}

/** The modified Bessel function I₀(x) = Σ (x²/4)ᵏ/k!². Its derivative is I₁. @example i0(1) // 1.266066 */
export function i0(x: TensorLike): Tensor {
  return besselI(asFloat(x), { order: 0, power: 0, scaled: false });
}

/** The modified Bessel function I₁(x), odd. @example i1(1) // 0.5651591 */
export function i1(x: TensorLike): Tensor {
  return besselI(asFloat(x), { order: 1, power: 0, scaled: false });
}

/** e^−|x|·I₀(x), which does not overflow; the derivative at 0 is 0. @example i0e(1000) // 0.01261724 */
export function i0e(x: TensorLike): Tensor {
  return besselI(asFloat(x), { order: 0, power: 0, scaled: true });
}

/** e^−|x|·I₁(x), which does not overflow. @example i1e(1000) // 0.01261093 */
export function i1e(x: TensorLike): Tensor {
  return besselI(asFloat(x), { order: 1, power: 0, scaled: true });
}

/**
 * ψ⁽ⁿ⁾(x), the n-th derivative of digamma; n = 0 is digamma itself.
 *
 * @param n a whole number of at most 20
 * @example polygamma(1, 1) // π²/6 = 1.644934
 * @throws BadArgument
 */
export function polygamma(n: number, x: TensorLike): Tensor {
  if (!(Number.isInteger(n) && n >= 0 && n <= 20))
    throw new BadArgument({
      did: `polygamma(${String(n)}, x)`,
      expected: 'a whole number from 0 to 20 for n, how often digamma is differentiated',
      remedy: 'polygamma(1, x) is the derivative of digamma(x)',
    });
  const operand = asFloat(x);
  return n === 0 ? gamma.digamma(operand) : derivatives.polygamma(operand, n);
}

/** log Φ(x), the logarithm of the normal distribution function, accurate in both tails. @example logNdtr(-40) // −804.6084 */
export function logNdtr(x: TensorLike): Tensor {
  return normal.logNdtr(asFloat(x));
}

/** Φ⁻¹(p), the quantile of the standard normal distribution for 0 ≤ p ≤ 1. @example ndtri(0.975) // 1.959964 */
export function ndtri(p: TensorLike): Tensor {
  return normal.ndtri(asFloat(p));
}
