/** Order statistics: medians and quantiles over axes. Cotangents go to the elements that the result is made of. */
import { range } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { add, cast, div, mul, sub } from '../primitives/arithmetic.ts';
import { broadcast, constantLike, full, iota, sum, zerosLike } from '../primitives/broadcast.ts';
import * as c from '../primitives/compare.ts';
import { gather } from '../primitives/gather.ts';
import { reshape } from '../primitives/layout.ts';
import { reduceOr } from '../primitives/reduce.ts';
import { sort } from '../primitives/sort.ts';
import { convert, type TensorLike, tensor } from './array.ts';
import { type Axes, axesOf, countOver, type Over, optionsOf, reducedLast } from './axes.ts';
import { asFloat } from './operands.ts';

/** What a quantile is between two elements: their linear interpolation, one of them, or their middle. */
export type QuantileMethod = 'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint';

const methods: readonly QuantileMethod[] = ['linear', 'lower', 'higher', 'nearest', 'midpoint'];

export interface QuantileOptions extends Over {
  readonly method?: QuantileMethod;
}

/** The element at each position of the sorted rows: sorted[…, position[q…, …]] for rows […] and levels [q…]. */
function elementAt(sorted: Tensor, position: Tensor): Tensor {
  const index = cast(position, 'int32');
  const levels = index.ndim - (sorted.ndim - 1);
  return gather(sorted, ...range(sorted.ndim - 1).map(i => iota('int32', index.shape, levels + i)), index);
}

function between(sorted: Tensor, position: Tensor, method: QuantileMethod): Tensor {
  const low = c.floor(position);
  if (method === 'lower') return elementAt(sorted, low);
  if (method === 'higher') return elementAt(sorted, c.ceil(position));
  if (method === 'nearest') return elementAt(sorted, c.round(position));
  const x = elementAt(sorted, low);
  const y = elementAt(sorted, c.ceil(position));
  const fraction = convert(sub(position, low), x.dtype);
  const whole = c.equal(fraction, zerosLike(fraction));
  const weight = method === 'midpoint' ? constantLike(x, 0.5) : fraction;
  // At a whole position x and y are one element, and 0·∞ must not come in.
  return c.select(whole, x, add(mul(x, sub(constantLike(x, 1), weight)), mul(y, weight)));
}

function quantiles(
  name: string,
  x: TensorLike,
  q: TensorLike,
  axes: Axes<QuantileOptions> | undefined,
  scale: 1 | 100,
  skipNaN: boolean,
): Tensor {
  const a = asFloat(x);
  const { method = 'linear', keepdims, axis = null } = optionsOf(axes);
  requireLevels(name, q, scale, method);
  const over = axesOf(name, a, { axis });
  const count = countOver(a, over);
  if (count === 0)
    throw new BadArgument({
      did: `${name} of ${a.aval}, which has no elements there`,
      expected: 'at least one element to choose from',
      remedy: 'check the shape first: x.size > 0',
    });
  const rows = reducedLast(a, over);
  const last = rows.ndim - 1;
  const missing = c.isNaN(rows);
  // Positions are exact in float64; float32 holds no more than 2²⁴ of them.
  const given = q instanceof Tensor ? convert(asFloat(q), 'float64') : tensor(q, 'float64');
  const levels = scale === 1 ? given : div(given, constantLike(given, scale));
  const shape = [...levels.shape, ...rows.shape.slice(0, last)];
  const perLevel = (t: Tensor): Tensor => broadcast(t, shape, range(levels.ndim));
  const perRow = (t: Tensor): Tensor =>
    broadcast(
      t,
      shape,
      range(last).map(i => levels.ndim + i),
    );
  const [highest, undefinedRows] = skipNaN
    ? lastValid(missing, last)
    : [full(rows.shape.slice(0, last), count - 1, 'float64'), reduceOr(missing, [last])];
  const value = between(sort(rows, last), mul(perLevel(levels), perRow(highest)), method);
  const result = c.select(perRow(undefinedRows), constantLike(value, Number.NaN), value);
  if (!keepdims) return result;
  return reshape(result, [...levels.shape, ...a.shape.map((extent, i) => (over.includes(i) ? 1 : extent))]);
}

/** The position of the last element of each sorted row that is not NaN, and whether there is none. */
function lastValid(missing: Tensor, axis: number): [last: Tensor, none: Tensor] {
  const valid = sum(cast(c.not(missing), 'float64'), [axis]);
  const none = c.equal(valid, zerosLike(valid));
  return [c.select(none, valid, sub(valid, constantLike(valid, 1))), none];
}

function requireLevels(name: string, q: TensorLike, scale: 1 | 100, method: QuantileMethod): void {
  if (!methods.includes(method))
    throw new BadArgument({
      did: `${name} with method '${method}'`,
      expected: methods.map(one => `'${one}'`).join(', '),
      remedy: `${name}(x, q, { method: 'linear' })`,
    });
  if (typeof q === 'number' && !(q >= 0 && q <= scale))
    throw new BadArgument({
      did: `${name} at ${q}`,
      expected: `a number from 0 to ${scale}`,
      remedy: scale === 1 ? 'for percents use percentile' : 'for fractions use quantile',
    });
}

/**
 * The quantile at level q in [0, 1]: element q·(n − 1) of the sorted values, between elements by `method`. NaN where
 * an element is NaN. The axes of q come first in the result.
 *
 * @example quantile(tensor([1, 2, 3, 4]), 0.5) // 2.5
 * @throws AxisOutOfRange, BadArgument
 */
export function quantile(x: TensorLike, q: TensorLike, axes?: Axes<QuantileOptions>): Tensor {
  return quantiles('quantile', x, q, axes, 1, false);
}

/** The quantile at q percent, see {@link quantile}. @throws AxisOutOfRange, BadArgument */
export function percentile(x: TensorLike, q: TensorLike, axes?: Axes<QuantileOptions>): Tensor {
  return quantiles('percentile', x, q, axes, 100, false);
}

/** The middle element, of an even number the mean of the middle two; NaN where an element is NaN. @throws AxisOutOfRange, BadArgument */
export function median(x: TensorLike, axes?: Axes): Tensor {
  return quantiles('median', x, 0.5, axes, 1, false);
}

/** The quantile of the elements that are not NaN, see {@link quantile}; NaN where all are. @throws AxisOutOfRange, BadArgument */
export function nanquantile(x: TensorLike, q: TensorLike, axes?: Axes<QuantileOptions>): Tensor {
  return quantiles('nanquantile', x, q, axes, 1, true);
}

/** The quantile at q percent of the elements that are not NaN. @throws AxisOutOfRange, BadArgument */
export function nanpercentile(x: TensorLike, q: TensorLike, axes?: Axes<QuantileOptions>): Tensor {
  return quantiles('nanpercentile', x, q, axes, 100, true);
}

/** The median of the elements that are not NaN; NaN where all are. @throws AxisOutOfRange, BadArgument */
export function nanmedian(x: TensorLike, axes?: Axes): Tensor {
  return quantiles('nanmedian', x, 0.5, axes, 1, true);
}
