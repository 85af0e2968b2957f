/** Signs, rounding and the parts of floats. Where a function is piecewise constant its derivative is 0. */
import type { Tensor } from '../core/tensor.ts';
import { abs, add, div, mul, neg, stop, sub } from '../primitives/arithmetic.ts';
import { constantLike, full, zerosLike } from '../primitives/broadcast.ts';
import * as c from '../primitives/compare.ts';
import { pow } from '../primitives/elementary.ts';
import { asTensor, broadcastShapes, broadcastTo, convert, type TensorLike } from './array.ts';
import { asFloat, floatsTogether } from './operands.ts';

/** A rounding: integers and bools are whole already. */
function rounding(x: TensorLike, apply: (x: Tensor) => Tensor): Tensor {
  const operand = asTensor(x);
  return operand.aval.isFloat ? apply(operand) : operand;
}

/** ⌊x⌋, the largest integer not above x, in x's own type. @example floor(tensor([1.7, -1.7])) // [1, -2] */
export function floor(x: TensorLike): Tensor {
  return rounding(x, c.floor);
}

/** ⌈x⌉, the smallest integer not below x, in x's own type. @example ceil(tensor([1.2, -1.2])) // [2, -1] */
export function ceil(x: TensorLike): Tensor {
  return rounding(x, c.ceil);
}

/** x without its fraction, in x's own type. @example trunc(tensor([1.7, -1.7])) // [1, -1] */
export function trunc(x: TensorLike): Tensor {
  return rounding(x, c.trunc);
}

/** The nearest integer, halves to the even one, in x's own type. @example rint(tensor([0.5, 1.5])) // [0, 2] */
export function rint(x: TensorLike): Tensor {
  return rounding(x, c.round);
}

/**
 * Rounded to a number of decimals, halves to even: x·10ᵈ is rounded and divided by 10ᵈ.
 *
 * @param options how many decimals, default 0; negative ones round before the point
 * @example round(tensor([1.234, 15]), 2) // [1.23, 15]
 */
export function round(x: TensorLike, options: number | { readonly decimals?: number } = 0): Tensor {
  const decimals = typeof options === 'number' ? options : (options.decimals ?? 0);
  const operand = asTensor(x);
  if (decimals === 0 || (!operand.aval.isFloat && decimals > 0)) return rint(operand);
  if (!operand.aval.isFloat) return convert(round(convert(operand, 'float64'), decimals), operand.dtype);
  const scale = constantLike(operand, 10 ** Math.abs(decimals));
  return decimals > 0 ? div(c.round(mul(operand, scale)), scale) : mul(c.round(div(operand, scale)), scale);
}

/** −1, 0 or 1 with the sign of x, in x's own type; NaN stays. The derivative is 0. @throws DTypeMismatch for bools */
export function sign(x: TensorLike): Tensor {
  return c.sign(asTensor(x));
}

/** Whether the sign is minus, that of −0 included; false for NaN. @returns bool */
export function signbit(x: TensorLike): Tensor {
  const operand = asTensor(x);
  if (operand.dtype === 'bool') return zerosLike(operand);
  const zero = zerosLike(operand);
  if (!operand.aval.isFloat) return c.less(operand, zero);
  return c.select(
    c.equal(operand, zero),
    c.less(div(constantLike(operand, 1), operand), zero),
    c.less(operand, zero),
  );
}

/** |x| with the sign of y, that of −0 included. @example copysign(2, tensor([-0, 5])) // [-2, 2] @throws ShapeMismatch */
export function copysign(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('copysign', [x, y]);
  const size = abs(a);
  return c.select(signbit(b), neg(size), size);
}

/** 0 for x < 0, `half` at 0, 1 for x > 0. @example heaviside(tensor([-1, 0, 2]), 0.5) // [0, 0.5, 1] */
export function heaviside(x: TensorLike, half: TensorLike): Tensor {
  const [a, b] = floatsTogether('heaviside', [x, half]);
  const zero = zerosLike(a);
  const step = c.select(c.less(zero, a), constantLike(a, 1), c.select(c.less(a, zero), zero, b));
  return c.select(c.isNaN(a), constantLike(a, Number.NaN), step);
}

/** x·2ⁿ for integers n, without overflow on the way. @example ldexp(0.75, 3) // 6 @throws ShapeMismatch */
export function ldexp(x: TensorLike, n: TensorLike): Tensor {
  const a = asFloat(x);
  const exponent = asTensor(n);
  const shape = broadcastShapes('ldexp', [a.shape, exponent.shape]);
  const two = full(shape, 2, a.dtype);
  let result = broadcastTo(a, shape);
  let rest = broadcastTo(convert(exponent, a.dtype), shape);
  // Each factor 2ⁿ is representable; from the fourth on the result is 0 or infinite anyway.
  const most = constantLike(rest, a.dtype === 'float32' ? 126 : 1022);
  for (let part = 0; part < 4; part++) {
    const now = smaller(larger(rest, neg(most)), most);
    result = mul(result, pow(two, now));
    rest = sub(rest, now);
  }
  return result;
}

const smaller = (x: Tensor, y: Tensor): Tensor => c.select(c.less(x, y), x, y);
const larger = (x: Tensor, y: Tensor): Tensor => c.select(c.less(x, y), y, x);

/**
 * The next float after x in the direction of y; x itself where they are equal. Its derivative is not defined: it is 0.
 *
 * Rump, Zimmermann, Boldo and Melquiond, "Computing predecessor and successor in rounding to nearest" (2009).
 *
 * @example nextafter(1, 2) // 1.0000001192092896
 * @throws ShapeMismatch
 */
export function nextafter(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('nextafter', [x, y]).map(stop);
  const [u, least, largest] =
    a.dtype === 'float32' ? [2 ** -24, 2 ** -149, largestFloat32] : [2 ** -53, 2 ** -1074, Number.MAX_VALUE];
  const up = c.less(a, b);
  const toward = (x: Tensor, step: Tensor): Tensor => c.select(up, add(x, step), sub(x, step));
  const size = abs(a);
  const away = (x: Tensor): Tensor => toward(x, mul(abs(x), constantLike(a, u * (1 + 2 * u))));
  // Near the subnormals the step would underflow: there it is taken after scaling, and among them it is constant.
  const scaled = mul(away(mul(a, constantLike(a, 1 / u))), constantLike(a, u));
  const tiny = c.less(size, constantLike(a, least / u));
  const small = c.less(size, constantLike(a, least / (u * u)));
  const next = c.select(tiny, toward(a, constantLike(a, least)), c.select(small, scaled, away(a)));
  const infinite = c.equal(size, constantLike(a, Number.POSITIVE_INFINITY));
  const moved = c.select(infinite, mul(c.sign(a), constantLike(a, largest)), next);
  const nan = c.or(c.isNaN(a), c.isNaN(b));
  return c.select(nan, constantLike(a, Number.NaN), c.select(c.equal(a, b), b, moved));
}

/** Whether x is NaN. @returns bool, false for integers */
export function isNaN(x: TensorLike): Tensor {
  return test(x, c.isNaN, 0);
}

/** Whether x is neither infinite nor NaN. @returns bool, true for integers */
export function isFinite(x: TensorLike): Tensor {
  return test(x, c.isFinite, 1);
}

/** Whether x is ∞ or −∞. @returns bool, false for integers */
export function isInf(x: TensorLike): Tensor {
  return test(x, a => c.equal(abs(a), constantLike(a, Number.POSITIVE_INFINITY)), 0);
}

/** Whether x is ∞. @returns bool, false for integers */
export function isPosInf(x: TensorLike): Tensor {
  return test(x, a => c.equal(a, constantLike(a, Number.POSITIVE_INFINITY)), 0);
}

/** Whether x is −∞. @returns bool, false for integers */
export function isNegInf(x: TensorLike): Tensor {
  return test(x, a => c.equal(a, constantLike(a, Number.NEGATIVE_INFINITY)), 0);
}

function test(x: TensorLike, apply: (x: Tensor) => Tensor, ofIntegers: 0 | 1): Tensor {
  const operand = asTensor(x);
  return operand.aval.isFloat ? apply(operand) : full(operand.shape, ofIntegers, 'bool');
}

export interface NanToNumOptions {
  /** In place of NaN, default 0. */
  readonly nan?: number;
  /** In place of ∞, default the largest finite float of the type. */
  readonly posinf?: number;
  /** In place of −∞, default the smallest finite float of the type. */
  readonly neginf?: number;
}

/** Numbers in place of NaN and infinities; the derivative is 0 there. @example nanToNum(tensor([NaN, 1])) // [0, 1] */
export function nanToNum(x: TensorLike, options: NanToNumOptions = {}): Tensor {
  const a = asTensor(x);
  if (!a.aval.isFloat) return a;
  const largest = a.dtype === 'float32' ? largestFloat32 : Number.MAX_VALUE;
  const { nan = 0, posinf = largest, neginf = -largest } = options;
  const infinity = constantLike(a, Number.POSITIVE_INFINITY);
  const above = c.select(c.equal(a, infinity), constantLike(a, posinf), a);
  const both = c.select(c.equal(a, neg(infinity)), constantLike(a, neginf), above);
  return c.select(c.isNaN(a), constantLike(a, nan), both);
}

const largestFloat32 = (2 - 2 ** -23) * 2 ** 127;
