/** The normal distribution, whole and between two ends, by the inverse error function. */
import { roundTo } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { div, max, min, mul } from '../primitives/arithmetic.ts';
import { constantLike, full } from '../primitives/broadcast.ts';
import { erf, erfinv } from '../primitives/elementary.ts';
import { type FloatOptions, type FloatType, requireFloatType, uniform } from './uniform.ts';

/** √2·erf⁻¹(u) */
function quantile(u: Tensor): Tensor {
  return mul(constantLike(u, Math.SQRT2), erfinv(u));
}

/**
 * Normal numbers of mean 0 and variance 1: √2·erf⁻¹(u) for u uniform in (−1, 1).
 *
 * @example normal(key(0), [2, 3]).mul(sigma).add(mean)
 */
export function normal(key: Tensor, shape: readonly number[] = [], options: FloatOptions = {}): Tensor {
  const dtype = requireFloatType('normal', options.dtype ?? 'float32');
  return quantile(uniform(key, shape, { dtype, min: neighbour(-1, 1, dtype), max: 1 }));
}

/**
 * Normal numbers of mean 0 and variance 1, given that they lie between two ends: √2·erf⁻¹(u) for u uniform in
 * [erf(lower/√2), erf(upper/√2)), moved into the open interval where rounding put it outside.
 *
 * @param lower, upper numbers, infinite ones included
 * @example truncatedNormal(key(0), -2, 2, [3])
 * @throws BadArgument unless lower < upper
 */
export function truncatedNormal(
  key: Tensor,
  lower: number,
  upper: number,
  shape: readonly number[] = [],
  options: FloatOptions = {},
): Tensor {
  const dtype = requireFloatType('truncatedNormal', options.dtype ?? 'float32');
  if (!(lower < upper))
    throw new BadArgument({
      did: `truncatedNormal between ${String(lower)} and ${String(upper)}`,
      expected: 'two numbers, the first the smaller',
      remedy: 'truncatedNormal(key, -2, 2, shape)',
    });
  const cumulated = (end: number): Tensor => {
    const x = full([], end, dtype);
    return erf(div(x, constantLike(x, Math.SQRT2)));
  };
  const x = quantile(uniform(key, shape, { dtype, min: cumulated(lower), max: cumulated(upper) }));
  return max(
    constantLike(x, neighbour(lower, 1, dtype)),
    min(constantLike(x, neighbour(upper, -1, dtype)), x),
  );
}

/** The next number of the type after x, upwards (1) or downwards (−1). */
function neighbour(value: number, direction: 1 | -1, dtype: FloatType): number {
  const x = roundTo(dtype, value);
  if (Math.abs(x) === Number.POSITIVE_INFINITY && x * direction > 0) return x;
  const view = new DataView(new ArrayBuffer(8));
  const [bits, smallest] = dtype === 'float32' ? [32, 2 ** -149] : [64, Number.MIN_VALUE];
  if (x === 0) return direction * smallest;
  const away = x > 0 === direction > 0 ? 1n : -1n;
  if (bits === 32) {
    view.setFloat32(0, x);
    view.setInt32(0, view.getInt32(0) + Number(away));
    return view.getFloat32(0);
  }
  view.setFloat64(0, x);
  view.setBigInt64(0, view.getBigInt64(0) + away);
  return view.getFloat64(0);
}
