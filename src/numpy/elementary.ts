/**
 * Elementary and special functions, element by element. Integers and bools become float32; float64 stays float64.
 * Outside a function's domain the result is NaN, at a pole it is infinite.
 */
import type { Tensor } from '../core/tensor.ts';
import * as p from '../primitives/arithmetic.ts';
import { add, div, max, min, mul, sub } from '../primitives/arithmetic.ts';
import { constantLike, zerosLike } from '../primitives/broadcast.ts';
import { and, equal, less, lessEqual, or, round, select } from '../primitives/compare.ts';
import * as e from '../primitives/elementary.ts';
import * as gamma from '../primitives/gamma.ts';
import type { TensorLike } from './array.ts';
import { asFloat, floatsTogether } from './operands.ts';

const times = (x: Tensor, factor: number): Tensor => mul(x, constantLike(x, factor));

/** √x, with derivative 1/(2√x), infinite at 0. @example sqrt(tensor([4, 9])) // [2, 3] */
export function sqrt(x: TensorLike): Tensor {
  return e.sqrt(asFloat(x));
}

/** The real cube root. @example cbrt(tensor([8, -27])) // [2, -3] */
export function cbrt(x: TensorLike): Tensor {
  return e.cbrt(asFloat(x));
}

/** eˣ. @example exp(0) // 1 */
export function exp(x: TensorLike): Tensor {
  return e.exp(asFloat(x));
}

/** 2ˣ. @example exp2(tensor([3, -1])) // [8, 0.5] */
export function exp2(x: TensorLike): Tensor {
  const exponent = asFloat(x);
  return e.pow(constantLike(exponent, 2), exponent);
}

/** eˣ − 1, accurate near 0. @example expm1(1e-7) // 1e-7 */
export function expm1(x: TensorLike): Tensor {
  return e.expm1(asFloat(x));
}

/** The natural logarithm. @example log(1) // 0 */
export function log(x: TensorLike): Tensor {
  return e.log(asFloat(x));
}

/** The logarithm to base 2. @example log2(tensor([8, 0.5])) // [3, -1] */
export function log2(x: TensorLike): Tensor {
  return e.log2(asFloat(x));
}

/** The logarithm to base 10. @example log10(1000) // 3 */
export function log10(x: TensorLike): Tensor {
  return e.log10(asFloat(x));
}

/** log(1 + x), accurate near 0. @example log1p(1e-7) // 1e-7 */
export function log1p(x: TensorLike): Tensor {
  return e.log1p(asFloat(x));
}

/** log(eˣ + eʸ) without overflow. The derivatives are eˣ/(eˣ + eʸ) and eʸ/(eˣ + eʸ). @throws ShapeMismatch */
export function logaddexp(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('logaddexp', [x, y]);
  return e.logaddexp(a, b);
}

/** log₂(2ˣ + 2ʸ) without overflow. @throws ShapeMismatch */
export function logaddexp2(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('logaddexp2', [x, y]);
  // Equal ones, infinities included, have no difference.
  const same = equal(a, b);
  const distance = p.abs(select(same, zerosLike(a), sub(a, b)));
  return add(max(a, b), times(e.log1p(exp2(p.neg(distance))), Math.LOG2E));
}

/** x·log y, which is 0 at x = 0 whatever y. The derivatives are log y and x/y, taken as 0 where both diverge. */
export function xlogy(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('xlogy', [x, y]);
  return mul(a, e.log(harmless(a, b, 0)));
}

/** x·log(1 + y), which is 0 at x = 0 whatever y. */
export function xlog1py(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('xlog1py', [x, y]);
  return mul(a, e.log1p(harmless(a, b, -1)));
}

/** y, or pole + 1 (whose logarithm is 0) where x = 0 and the logarithm is not finite. */
function harmless(x: Tensor, y: Tensor, pole: number): Tensor {
  const infinite = or(
    lessEqual(y, constantLike(y, pole)),
    equal(y, constantLike(y, Number.POSITIVE_INFINITY)),
  );
  return select(and(equal(x, zerosLike(x)), infinite), constantLike(y, pole + 1), y);
}

/** The sine of an angle in radians. @example sin(0) // 0 */
export function sin(x: TensorLike): Tensor {
  return e.sin(asFloat(x));
}

/** The cosine of an angle in radians. @example cos(0) // 1 */
export function cos(x: TensorLike): Tensor {
  return e.cos(asFloat(x));
}

/** The tangent of an angle in radians. */
export function tan(x: TensorLike): Tensor {
  return e.tan(asFloat(x));
}

/** The angle in [−π/2, π/2] whose sine is x. */
export function asin(x: TensorLike): Tensor {
  return e.asin(asFloat(x));
}

/** The angle in [0, π] whose cosine is x. */
export function acos(x: TensorLike): Tensor {
  return e.acos(asFloat(x));
}

/** The angle in (−π/2, π/2) whose tangent is x. */
export function atan(x: TensorLike): Tensor {
  return e.atan(asFloat(x));
}

/**
 * The angle in [−π, π] of the point with abscissa x and ordinate y.
 *
 * @example atan2(tensor([1, -1]), 0) // [π/2, −π/2]
 * @throws ShapeMismatch
 */
export function atan2(y: TensorLike, x: TensorLike): Tensor {
  const [ordinate, abscissa] = floatsTogether('atan2', [y, x]);
  return e.atan2(ordinate, abscissa);
}

/** (eˣ − e⁻ˣ)/2 */
export function sinh(x: TensorLike): Tensor {
  return e.sinh(asFloat(x));
}

/** (eˣ + e⁻ˣ)/2 */
export function cosh(x: TensorLike): Tensor {
  return e.cosh(asFloat(x));
}

/** (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ) */
export function tanh(x: TensorLike): Tensor {
  return e.tanh(asFloat(x));
}

/** log(x + √(x² + 1)) */
export function asinh(x: TensorLike): Tensor {
  return e.asinh(asFloat(x));
}

/** log(x + √(x² − 1)), for x ≥ 1 */
export function acosh(x: TensorLike): Tensor {
  return e.acosh(asFloat(x));
}

/** ½·log((1 + x)/(1 − x)), for |x| ≤ 1 */
export function atanh(x: TensorLike): Tensor {
  return e.atanh(asFloat(x));
}

/**
 * √(x² + y²) without overflow or underflow: the larger times √(1 + r²), r the ratio. The gradient is (x, y)/hypot,
 * taken as 0 at the origin.
 *
 * @example hypot(3, 4) // 5
 * @throws ShapeMismatch
 */
export function hypot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('hypot', [x, y]).map(p.abs);
  const infinity = constantLike(a, Number.POSITIVE_INFINITY);
  const infinite = or(equal(a, infinity), equal(b, infinity));
  const larger = max(a, b);
  const degenerate = or(equal(larger, zerosLike(a)), infinite);
  const one = constantLike(a, 1);
  const ratio = div(select(degenerate, one, min(a, b)), select(degenerate, one, larger));
  const length = mul(larger, e.sqrt(add(one, mul(ratio, ratio))));
  return select(degenerate, select(infinite, infinity, zerosLike(a)), length);
}

/** Σ (−u)ᵏ/(2k + 1)! with u = t², by Horner's rule: sin(t)/t, to the last digit of float64 for |t| ≤ 1. */
function sincSeries(u: Tensor): Tensor {
  let sum = constantLike(u, 1);
  for (let k = 9; k > 0; k--) sum = sub(constantLike(u, 1), mul(sum, times(u, 1 / (2 * k * (2 * k + 1)))));
  return sum;
}

/**
 * sin(πx)/(πx), and 1 at 0, where all derivatives are those of the power series.
 *
 * @example sinc(tensor([0, 0.5, 1])) // [1, 2/π, 0]
 */
export function sinc(x: TensorLike): Tensor {
  const a = asFloat(x);
  const small = less(p.abs(a), constantLike(a, 0.25));
  const near = times(select(small, a, zerosLike(a)), Math.PI);
  const far = select(small, constantLike(a, 0.5), a);
  // sin(πx) = (−1)ⁿ·sin(π(x − n)): the difference to the nearest integer is exact.
  const n = round(far);
  const odd = sub(n, times(round(times(n, 0.5)), 2));
  const sine = mul(e.sin(times(sub(far, n), Math.PI)), sub(constantLike(a, 1), times(p.abs(odd), 2)));
  return select(small, sincSeries(mul(near, near)), div(sine, times(far, Math.PI)));
}

/** Radians as degrees: 180·x/π. @example rad2deg(Math.PI) // 180 */
export function rad2deg(x: TensorLike): Tensor {
  return times(asFloat(x), 180 / Math.PI);
}

/** Degrees as radians: π·x/180. @example deg2rad(180) // π */
export function deg2rad(x: TensorLike): Tensor {
  return times(asFloat(x), Math.PI / 180);
}

/** The error function 2/√π ∫₀ˣ exp(−t²) dt. */
export function erf(x: TensorLike): Tensor {
  return e.erf(asFloat(x));
}

/** 1 − erf(x), accurate where erf is near 1. */
export function erfc(x: TensorLike): Tensor {
  return e.erfc(asFloat(x));
}

/** The x in [−∞, ∞] whose error function is the operand. */
export function erfinv(x: TensorLike): Tensor {
  return e.erfinv(asFloat(x));
}

/** log |Γ(x)|, the logarithm of the gamma function. @example lgamma(5) // log 24 */
export function lgamma(x: TensorLike): Tensor {
  return gamma.lgamma(asFloat(x));
}

/** ψ(x) = d/dx log Γ(x). @example digamma(1) // −0.5772156649 (Euler's constant) */
export function digamma(x: TensorLike): Tensor {
  return gamma.digamma(asFloat(x));
}

/** 1/(1 + e⁻ˣ), accurate in both tails; the derivative is σ(x)·σ(−x). @example sigmoid(0) // 0.5 */
export function sigmoid(x: TensorLike): Tensor {
  return e.sigmoid(asFloat(x));
}

export { deg2rad as radians, rad2deg as degrees };
