/** Sums, products, quotients and powers, element by element. Operands broadcast and are promoted to one type. */
import { dtypeInfo } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as p from '../primitives/arithmetic.ts';
import { constantLike, zerosLike } from '../primitives/broadcast.ts';
import * as c from '../primitives/compare.ts';
import { integerPower, pow as powPrimitive } from '../primitives/elementary.ts';
import { asOperand, asTensor, commonType, convert, type TensorLike, together } from './array.ts';
import { floatsTogether } from './operands.ts';

/**
 * x + y. Of two bools it is their logical or; integers wrap around.
 *
 * @example add(tensor([1, 2]), 0.5) // [1.5, 2.5]
 * @throws ShapeMismatch
 */
export function add(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('add', [x, y]);
  return a.dtype === 'bool' ? c.or(a, b) : p.add(a, b);
}

/**
 * x − y. Integers wrap around.
 *
 * @example subtract(tensor([3, 2]), 1) // [2, 1]
 * @throws ShapeMismatch, and DTypeMismatch for two bools
 */
export function subtract(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('subtract', [x, y]);
  return p.sub(a, b);
}

/**
 * x · y. Of two bools it is their logical and; integers wrap around.
 *
 * @example multiply(tensor([1, 2]), tensor([[10], [20]])) // [[10, 20], [20, 40]]
 * @throws ShapeMismatch
 */
export function multiply(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('multiply', [x, y]);
  return a.dtype === 'bool' ? c.and(a, b) : p.mul(a, b);
}

/**
 * x / y, the true quotient: integers and bools become float32 first.
 *
 * @example divide(tensor([1, 2], 'int32'), 4) // float32 [0.25, 0.5]
 * @throws ShapeMismatch
 */
export function divide(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = floatsTogether('divide', [x, y]);
  return p.div(a, b);
}

/** Whether a remainder has the sign opposite to the divisor's, so that the quotient must go one down. */
function straddles(remainder: Tensor, divisor: Tensor): Tensor {
  const zero = zerosLike(remainder);
  return c.and(c.notEqual(remainder, zero), c.notEqual(c.less(remainder, zero), c.less(divisor, zero)));
}

const signed = (x: Tensor): boolean => dtypeInfo(x.dtype).min < 0;

/**
 * ⌊x / y⌋, in the type of the operands; its derivative is 0. For integers the result at y = 0 is unspecified.
 *
 * @example floorDivide(tensor([7, -7], 'int32'), 2) // [3, -4]
 * @throws ShapeMismatch, and DTypeMismatch for two bools
 */
export function floorDivide(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('floorDivide', [x, y]).map(operand =>
    operand.aval.isFloat ? p.stop(operand) : operand,
  );
  if (!a.aval.isFloat) {
    const quotient = p.div(a, b);
    if (!signed(a)) return quotient;
    return c.select(straddles(p.rem(a, b), b), p.sub(quotient, constantLike(a, 1)), quotient);
  }
  // The division of x less its remainder is exact up to one rounding, which `round` takes away.
  const remainder = p.rem(a, b);
  const exact = c.round(p.div(p.sub(a, remainder), b));
  const down = c.select(straddles(remainder, b), p.sub(exact, constantLike(a, 1)), exact);
  const quotient = p.div(a, b);
  const zero = zerosLike(a);
  const signedZero = p.mul(quotient, zero);
  return c.select(c.equal(b, zero), quotient, c.select(c.equal(down, zero), signedZero, down));
}

/**
 * x − y·⌊x / y⌋: the remainder with the sign of the divisor. ∂/∂x = 1, ∂/∂y = −⌊x / y⌋.
 *
 * @example remainder(tensor([-7, 7]), 3) // [2, 1]
 * @throws ShapeMismatch, and DTypeMismatch for two bools
 */
export function remainder(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('remainder', [x, y]);
  const r = p.rem(a, b);
  if (!signed(a)) return r;
  const shifted = c.select(straddles(r, b), p.add(r, b), r);
  if (!a.aval.isFloat) return shifted;
  // Adding +0 makes +0 of a zero remainder; the other sign of zero comes from the mirrored sum.
  const zero = zerosLike(r);
  return c.select(c.less(b, zero), p.neg(p.add(p.neg(shifted), zero)), p.add(shifted, zero));
}

/**
 * x − y·trunc(x / y): the remainder with the sign of the dividend, as JavaScript's `%`.
 *
 * @example fmod(tensor([-7, 7]), 3) // [-1, 1]
 * @throws ShapeMismatch, and DTypeMismatch for two bools
 */
export function fmod(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('fmod', [x, y]);
  return p.rem(a, b);
}

/** −x; unsigned integers wrap around. @throws DTypeMismatch for bools */
export function negative(x: TensorLike): Tensor {
  return p.neg(asTensor(x));
}

/** x itself, as a tensor. */
export function positive(x: TensorLike): Tensor {
  return asTensor(x);
}

/** 1 / x, a float: integers and bools become float32. */
export function reciprocal(x: TensorLike): Tensor {
  return divide(1, x);
}

/** x². Integers wrap around. @throws DTypeMismatch for bools */
export function square(x: TensorLike): Tensor {
  return integerPower(asTensor(x), 2);
}

/** |x|, with derivative 0 at 0. Bools stay as they are. */
export function absolute(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return operand.dtype === 'bool' ? operand : p.abs(operand);
}

/**
 * xʸ. A JavaScript integer as exponent means repeated multiplication: x² is x·x exactly, and the derivative is
 * finite at 0. Otherwise IEEE 754 pow: x⁰ = 1ʸ = 1 for every x and y. ∂/∂y = xʸ·log x, taken as 0 at x = 0.
 *
 * Integers stay integers and wrap around; where an exponent in a tensor is negative, the result is truncated.
 *
 * @example power(tensor([1, 2, 3]), 2) // [1, 4, 9]
 * @throws ShapeMismatch, and BadArgument for an integer to a negative JavaScript integer
 */
export function power(x: TensorLike, y: TensorLike): Tensor {
  if (typeof y === 'number' && Number.isInteger(y) && Math.abs(y) < 2 ** 31) {
    const operands = [asOperand(x), asOperand(y)];
    const base = convert(operands[0], commonType(operands));
    if (y < 0 && !base.aval.isFloat)
      throw new BadArgument({
        did: `power of a tensor ${base.aval} with exponent ${y}`,
        expected: 'an exponent of at least 0: a fraction is no integer',
        remedy: `convert first: x.astype('float32').pow(${y})`,
      });
    return integerPower(base, y);
  }
  const [a, b] = together('power', [x, y]);
  return a.aval.isFloat ? powPrimitive(a, b) : powerOfIntegers(a, b);
}

/** Square and multiply over the bits of the exponent. */
function powerOfIntegers(x: Tensor, y: Tensor): Tensor {
  const { bytes, min } = dtypeInfo(x.dtype);
  const zero = zerosLike(x);
  const one = constantLike(x, 1);
  let result = one;
  let base = x;
  let rest = y;
  for (let bit = 0; bit < bytes * 8; bit++) {
    result = c.select(c.equal(c.and(rest, one), one), p.mul(result, base), result);
    base = p.mul(base, base);
    rest = c.shiftRight(rest, one);
  }
  if (min === 0) return result;
  // 1/xⁿ is a fraction except where x is 1 or −1; there the lowest bit of the exponent decides.
  return c.select(c.and(c.less(y, zero), c.notEqual(p.abs(x), one)), zero, result);
}

/**
 * The greatest common divisor of integers, not negative; gcd(0, 0) = 0. Euclid's algorithm.
 *
 * @throws ShapeMismatch, and DTypeMismatch for floats and bools
 */
export function gcd(x: TensorLike, y: TensorLike): Tensor {
  let [a, b] = together('gcd', [x, y]).map(operand => p.abs(requireIntegers('gcd', operand)));
  const zero = zerosLike(a);
  const one = constantLike(a, 1);
  // Remainders shrink at least as fast as Fibonacci numbers: F₁₃ > 2⁷, F₄₈ > 2³².
  for (let step = 0; step < (dtypeInfo(a.dtype).bytes === 1 ? 13 : 47); step++) {
    const done = c.equal(b, zero);
    const r = p.rem(a, c.select(done, one, b));
    [a, b] = [c.select(done, a, b), c.select(done, zero, r)];
  }
  return a;
}

/**
 * The least common multiple of integers, not negative; 0 where one is 0. Wraps around.
 *
 * @throws ShapeMismatch, and DTypeMismatch for floats and bools
 */
export function lcm(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('lcm', [x, y]);
  const divisor = gcd(a, b);
  const none = c.equal(divisor, zerosLike(divisor));
  return p.abs(p.mul(p.div(a, c.select(none, constantLike(divisor, 1), divisor)), b));
}

function requireIntegers(name: string, x: Tensor): Tensor {
  if (x.dtype !== 'bool' && !x.aval.isFloat) return x;
  throw new BadArgument({
    did: `${name} of a tensor ${x.aval}`,
    expected: 'integers',
    remedy: "convert it: x.astype('int32')",
  });
}

export {
  absolute as abs,
  divide as div,
  multiply as mul,
  negative as neg,
  power as pow,
  remainder as mod,
  subtract as sub,
};
