/** Uniform draws: real numbers, integers, and coins thrown with them. */
import { type DType, isFloat, limits } from '../core/dtype.ts';
import { BadArgument, DTypeMismatch } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import {
  asTensor,
  broadcastTo,
  convert,
  requireDType,
  requireShape,
  type TensorLike,
} from '../numpy/array.ts';
import { add, cast, max, mul, rem, sub } from '../primitives/arithmetic.ts';
import { constantLike, full } from '../primitives/broadcast.ts';
import { less, lessEqual, select, shiftRight } from '../primitives/compare.ts';
import { bitPairs, bits, split } from './key.ts';

export type FloatType = 'float32' | 'float64';

export interface FloatOptions {
  /** Default float32. */
  readonly dtype?: FloatType;
}

export function requireFloatType(name: string, dtype: DType): FloatType {
  if (isFloat(requireDType(dtype))) return dtype as FloatType;
  throw new DTypeMismatch({
    did: `random.${name} of ${dtype}`,
    expected: "'float32' or 'float64'",
    remedy: `random.${name}(key, shape, { dtype: 'float32' }); for integers use random.randint`,
  });
}

/** Multiples of 2⁻²³ (float32) or 2⁻⁵² (float64) in [0, 1): exact in every step. */
function unit(key: Tensor, shape: readonly number[], dtype: FloatType): Tensor {
  const times = (x: Tensor, value: number): Tensor => mul(x, constantLike(x, value));
  const shifted = (x: Tensor, by: number): Tensor => cast(shiftRight(x, constantLike(x, by)), dtype);
  if (dtype === 'float32') return times(shifted(bits(key, shape), 9), 2 ** -23);
  const [high, low] = bitPairs(key, shape);
  return times(add(times(cast(high, dtype), 2 ** 20), shifted(low, 12)), 2 ** -52);
}

export interface UniformOptions extends FloatOptions {
  /** Numbers, or tensors that broadcast to the shape. Default 0 and 1. */
  readonly min?: TensorLike;
  readonly max?: TensorLike;
}

/**
 * Real numbers spread evenly over [min, max).
 *
 * u·(max − min) + min for u a multiple of 2⁻²³ (float64: 2⁻⁵²) in [0, 1).
 *
 * @example uniform(key(0), [2, 3], { min: -1, max: 1 })
 * @throws DTypeMismatch where the type is no float, ShapeMismatch where min or max do not broadcast to the shape
 */
export function uniform(key: Tensor, shape: readonly number[] = [], options: UniformOptions = {}): Tensor {
  const dtype = requireFloatType('uniform', options.dtype ?? 'float32');
  const draw = unit(key, requireShape(shape, 'uniform'), dtype);
  const { min: low = 0, max: high = 1 } = options;
  if (low === 0 && high === 1) return draw;
  const end = (value: TensorLike): Tensor =>
    broadcastTo(typeof value === 'number' ? full([], value, dtype) : convert(asTensor(value), dtype), shape);
  const from = end(low);
  return max(from, add(mul(draw, sub(end(high), from)), from));
}

export interface IntegerOptions {
  /** int32 (default), uint32, int8 or uint8. */
  readonly dtype?: DType;
}

/**
 * Integers lo, …, hi − 1; all of them lo where hi ≤ lo.
 *
 * 64 random bits modulo hi − lo, so that the most and the least likely value differ by at most (hi − lo)·2⁻⁶⁴.
 *
 * @param lo, hi integers, or integer tensors that broadcast to the shape; hi may be one more than the type's largest
 * @example randint(key(0), [10], 1, 7) // ten dice
 * @throws BadArgument for bounds outside the type, DTypeMismatch
 */
export function randint(
  key: Tensor,
  shape: readonly number[],
  lo: number | Tensor,
  hi: number | Tensor,
  options: IntegerOptions = {},
): Tensor {
  const dtype = requireDType(options.dtype ?? 'int32');
  if (isFloat(dtype) || dtype === 'bool')
    throw new DTypeMismatch({
      did: `randint of ${dtype}`,
      expected: 'int32, uint32, int8 or uint8',
      remedy: dtype === 'bool' ? 'use random.bernoulli' : 'use random.uniform, or convert the integers',
    });
  requireShape(shape, 'randint');
  // Narrow integers are drawn wide, so that they are no less even.
  const wide = dtype === 'uint32' ? 'uint32' : 'int32';
  const from = bound('lo', lo, dtype, wide, shape);
  const [first, second] = split(key);
  const high = bits(first, shape);
  const low = bits(second, shape);
  const span = spanOf(lo, hi, from, () => bound('hi', hi, dtype, wide, shape));
  const offset = span === null ? low : rem(add(mul(rem(high, span), wordModulo(span)), rem(low, span)), span);
  return cast(add(from, cast(offset, wide)), dtype);
}

/** 2³² mod n, from 2¹⁶ mod n. */
function wordModulo(n: Tensor): Tensor {
  const half = rem(constantLike(n, 65536), n);
  return rem(mul(half, half), n);
}

/** hi − lo as uint32, 1 where that is not positive; null for all 2³² values. */
function spanOf(lo: number | Tensor, hi: number | Tensor, from: Tensor, end: () => Tensor): Tensor | null {
  if (typeof lo === 'number' && typeof hi === 'number') {
    end();
    const span = Math.max(1, hi - lo);
    return span === 4294967296 ? null : constantLike(cast(from, 'uint32'), span);
  }
  const to = end();
  const span = sub(cast(to, 'uint32'), cast(from, 'uint32'));
  return select(lessEqual(to, from), constantLike(span, 1), span);
}

function bound(
  which: 'lo' | 'hi',
  value: number | Tensor,
  dtype: DType,
  wide: DType,
  shape: readonly number[],
): Tensor {
  if (value instanceof Tensor) {
    if (value.aval.isFloat || value.dtype === 'bool')
      throw new DTypeMismatch({
        did: `randint with ${which} a tensor ${value.aval}`,
        expected: 'integer bounds',
        remedy: `convert it: ${which}.astype('int32')`,
      });
    return broadcastTo(convert(value, wide), shape);
  }
  const { min, max: largest } = limits(dtype);
  const top = which === 'hi' ? largest + 1 : largest;
  if (!Number.isInteger(value) || value < min || value > top)
    throw new BadArgument({
      did: `randint with ${which} = ${String(value)} of ${dtype}`,
      expected: `an integer from ${min} to ${top}`,
      remedy: 'choose a wider dtype, or bounds that it holds',
    });
  return full(shape, value, wide);
}

/**
 * true with probability p: u < p for a uniform u.
 *
 * @param p probabilities, a number or a float tensor
 * @param shape default: the shape of p, which must broadcast to it
 * @returns a bool tensor
 * @example bernoulli(key(0), 0.3, [10])
 */
export function bernoulli(key: Tensor, p: TensorLike = 0.5, shape?: readonly number[]): Tensor {
  const probability = asTensor(p);
  const dtype = requireFloatType('bernoulli', probability.dtype);
  const to = shape ?? probability.shape;
  return less(uniform(key, to, { dtype }), broadcastTo(probability, to));
}

/**
 * −1 or 1, each with probability ½.
 *
 * @param options dtype: any number type, default int32
 * @example rademacher(key(0), [4])
 */
export function rademacher(key: Tensor, shape: readonly number[] = [], options: IntegerOptions = {}): Tensor {
  const dtype = requireDType(options.dtype ?? 'int32');
  const half = full([], 0.5, dtype === 'float64' ? dtype : 'float32');
  const coin = cast(bernoulli(key, half, shape), dtype);
  return sub(add(coin, coin), constantLike(coin, 1));
}
