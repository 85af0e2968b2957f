/** Differences, integrals and interpolation of sampled functions. */
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { gather } from '../primitives/gather.ts';
import { moveAxis, reshape } from '../primitives/layout.ts';
import { argsort } from '../primitives/sort.ts';
import { abs, add, divide, mod, multiply, subtract } from './arithmetic.ts';
import { asTensor, positiveAxes, positiveAxis, promote, type TensorLike } from './array.ts';
import { cumsum } from './cumulative.ts';
import { concatenate } from './join.ts';
import { clip, equal, greater, less, logicalAnd, logicalOr, notEqual, where } from './logic.ts';
import { floating, isOptions } from './options.ts';
import { sum } from './reduce.ts';
import { between } from './repeat.ts';
import { searchsorted } from './sorting.ts';

/** x without its first and x without its last `by` elements along an axis. */
function shifted(x: Tensor, axis: number, by = 1): [later: Tensor, earlier: Tensor] {
  const n = x.shape[axis];
  const cut = Math.min(by, n);
  return [between(x, axis, cut, n), between(x, axis, 0, n - cut)];
}

export interface DiffOptions {
  /** How often. Default 1. */
  readonly n?: number;
  /** Default −1. */
  readonly axis?: number;
  /** What to put before x along the axis. */
  readonly prepend?: TensorLike;
  /** What to put after x along the axis. */
  readonly append?: TensorLike;
}

/**
 * Differences of neighbours, x_{i+1} − x_i along an axis, n times; of bools whether they differ.
 *
 * @example diff([1, 4, 9]) // [3, 5]
 * @throws BadArgument, AxisOutOfRange
 */
export function diff(x: TensorLike, options: number | DiffOptions = {}): Tensor {
  const {
    n = 1,
    axis = -1,
    prepend,
    append,
  }: DiffOptions = typeof options === 'number' ? { n: options } : options;
  if (!Number.isInteger(n) || n < 0)
    throw new BadArgument({
      did: `diff of order ${n}`,
      expected: 'a non-negative integer',
      remedy: 'diff(x, { n: 2 })',
    });
  const given = asTensor(x);
  const along = positiveAxis('diff', axis, given.ndim);
  const edge = (value: TensorLike): Tensor => {
    const one = asTensor(value);
    return one.ndim > 0
      ? one
      : reshape(
          one,
          given.shape.map(() => 1),
        );
  };
  let result =
    prepend === undefined && append === undefined
      ? given
      : concatenate(
          [
            ...(prepend === undefined ? [] : [edge(prepend)]),
            given,
            ...(append === undefined ? [] : [edge(append)]),
          ],
          along,
        );
  for (let i = 0; i < n; i++) {
    const [later, earlier] = shifted(result, along);
    result = result.dtype === 'bool' ? notEqual(later, earlier) : subtract(later, earlier);
  }
  return result;
}

/** Differences of neighbours of the flattened tensor. */
export function ediff1d(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return diff(reshape(operand, [operand.size]));
}

/** The distance of samples: a number, or their coordinates. */
export type Spacing = TensorLike;

export interface GradientOptions {
  /** One axis or several; default all. */
  readonly axis?: number | readonly number[] | null;
}

/** Second-order differences inside, first-order ones at both ends. */
function slopeAlong(f: Tensor, axis: number, spacing: Tensor | number): Tensor {
  const n = f.shape[axis];
  if (n < 2)
    throw new ShapeMismatch({
      did: `gradient of ${f.aval} along axis ${axis}`,
      expected: 'at least two samples along the axis',
      remedy: 'name the axes: gradient(f, 1, { axis: 0 })',
    });
  const [later, earlier] = shifted(f, axis);
  const steps = subtract(later, earlier);
  if (typeof spacing === 'number' || spacing.ndim === 0) {
    const [far, near] = shifted(f, axis, 2);
    const middle = divide(subtract(far, near), multiply(spacing, 2));
    const ends = [between(steps, axis, 0, 1), between(steps, axis, n - 2, n - 1)].map(end =>
      divide(end, spacing),
    );
    return concatenate([ends[0], middle, ends[1]], axis);
  }
  if (spacing.ndim !== 1 || spacing.size !== n)
    throw new ShapeMismatch({
      did: `gradient of ${f.aval} along axis ${axis} with coordinates ${spacing.aval}`,
      expected: `a distance, or ${n} coordinates`,
      remedy: 'give the coordinates of the samples along that axis',
    });
  const column = f.shape.map((_, i) => (i === axis ? -1 : 1));
  const gaps = reshape(
    diff(spacing),
    column.map(extent => (extent === -1 ? n - 1 : 1)),
  );
  const slopes = divide(steps, gaps);
  // The slope of the parabola through three samples weighs either side's slope by the other side's gap.
  const [after, before] = shifted(gaps, axis);
  const [slopeAfter, slopeBefore] = shifted(slopes, axis);
  const middle = divide(add(multiply(before, slopeAfter), multiply(after, slopeBefore)), add(before, after));
  return concatenate([between(slopes, axis, 0, 1), middle, between(slopes, axis, n - 2, n - 1)], axis);
}

/**
 * The derivative of a sampled function along its axes: (f_{i+1} − f_{i−1}) / 2h inside, (f₁ − f₀) / h at the ends. With
 * coordinates x the slope at x_i of the parabola through three neighbours.
 *
 * @param spacing h, default 1; or the coordinates along the axis; for several axes a list with one of these for each
 * @param options `axis`: one gives a tensor, several (default all) a list, unless x has just one
 * @example gradient([1, 4, 9, 16]) // [3, 4, 6, 7]
 * @throws ShapeMismatch, AxisOutOfRange
 */
export function gradient(f: TensorLike, options?: GradientOptions): Tensor | Tensor[];
export function gradient(
  f: TensorLike,
  spacing: Spacing | readonly Spacing[],
  options?: GradientOptions,
): Tensor | Tensor[];
export function gradient(
  f: TensorLike,
  spacing?: Spacing | readonly Spacing[] | GradientOptions,
  options?: GradientOptions,
): Tensor | Tensor[] {
  const operand = floating(asTensor(f));
  const { axis }: GradientOptions = isOptions(spacing) ? (spacing as GradientOptions) : (options ?? {});
  const given = spacing === undefined || isOptions(spacing) ? 1 : (spacing as Spacing);
  const axes = positiveAxes('gradient', axis, operand.ndim);
  const each = Array.isArray(given) && axes.length > 1 ? given : axes.map(() => given);
  if (each.length !== axes.length)
    throw new BadArgument({
      did: `gradient along ${axes.length} axes with ${each.length} spacings`,
      expected: 'one spacing for each axis, or one for all',
      remedy: 'gradient(f, [dx, dy])',
    });
  const slopes = axes.map((along, i) =>
    slopeAlong(operand, along, typeof each[i] === 'number' ? each[i] : asTensor(each[i] as TensorLike)),
  );
  return typeof axis === 'number' || slopes.length === 1 ? slopes[0] : slopes;
}

export interface TrapezoidOptions {
  /** The distance of samples. Default 1. */
  readonly dx?: TensorLike;
  /** Default −1. */
  readonly axis?: number;
}

/**
 * The integral of a sampled function by the trapezoidal rule: Σ_i (x_{i+1} − x_i)·(y_i + y_{i+1})/2 along an axis.
 *
 * @param x coordinates: a vector, or a tensor of the shape of y
 * @example trapezoid([1, 2, 3]) // 4
 * @example trapezoid(y, x, { axis: 0 })
 * @throws ShapeMismatch, AxisOutOfRange
 */
export function trapezoid(y: TensorLike, options?: TrapezoidOptions): Tensor;
export function trapezoid(y: TensorLike, x?: TensorLike | null, options?: TrapezoidOptions): Tensor;
export function trapezoid(
  y: TensorLike,
  x?: TensorLike | TrapezoidOptions | null,
  options?: TrapezoidOptions,
): Tensor {
  const { dx = 1, axis = -1 }: TrapezoidOptions = isOptions(x) ? (x as TrapezoidOptions) : (options ?? {});
  const given = floating(asTensor(y));
  const along = positiveAxis('trapezoid', axis, given.ndim);
  const last = (t: Tensor): Tensor => moveAxis(t, along, t.ndim - 1);
  const values = last(given);
  let width = dx;
  if (x !== undefined && x !== null && !isOptions(x)) {
    const coordinates = asTensor(x as TensorLike);
    width = diff(coordinates.ndim === 1 ? coordinates : last(coordinates));
  }
  const [later, earlier] = shifted(values, values.ndim - 1);
  return multiply(sum(multiply(width, add(later, earlier)), -1), 0.5);
}

export interface InterpOptions {
  /** The value before the first point. Default fp[0]. */
  readonly left?: TensorLike;
  /** The value beyond the last point. Default the last of fp. */
  readonly right?: TensorLike;
  /** The function repeats after this length; left and right do not count then. */
  readonly period?: number;
}

/**
 * The piecewise linear function through the points (xp_i, fp_i), at every x. Differentiable in x, xp and fp; at a point
 * the slope is that of the piece to its right, outside it is 0.
 *
 * @param xp increasing coordinates
 * @example interp(2.5, [1, 2, 3], [3, 2, 0]) // 1
 * @throws ShapeMismatch where xp and fp are not vectors of one length
 */
export function interp(x: TensorLike, xp: TensorLike, fp: TensorLike, options: InterpOptions = {}): Tensor {
  let [at, points, values] = promote('interp', [x, xp, fp]).map(floating);
  if (points.ndim !== 1 || values.ndim !== 1 || points.size !== values.size || points.size === 0)
    throw new ShapeMismatch({
      did: `interp between points ${points.aval} with values ${values.aval}`,
      expected: 'two vectors of one length, at least 1',
      remedy: 'vmap((f) => interp(x, xp, f)) interpolates several functions',
    });
  const { period } = options;
  if (period !== undefined) [at, points, values] = periodic(at, points, values, period);
  const n = points.size;
  const item = (v: Tensor, i: number): Tensor => reshape(between(v, 0, i, i + 1), []);
  const [first, last] = [item(points, 0), item(points, n - 1)];
  const low = less(at, first);
  const high = greater(at, last);
  // Points outside are moved in, so that infinities do not spoil derivatives.
  const inside = where(logicalOr(low, high), first, at);
  const right = clip(searchsorted(points, inside, 'right'), Math.min(1, n - 1), n - 1);
  const left = clip(subtract(right, 1), 0, n - 1);
  const [x0, x1, f0, f1] = [
    gather(points, left),
    gather(points, right),
    gather(values, left),
    gather(values, right),
  ];
  const width = subtract(x1, x0);
  const empty = equal(width, 0);
  const part = divide(subtract(inside, x0), where(empty, 1, width));
  const between01 = where(empty, f0, add(f0, multiply(part, subtract(f1, f0))));
  const edge = (value: TensorLike | undefined, i: number): TensorLike =>
    value === undefined || period !== undefined
      ? item(values, i)
      : floating(promote('interp', [value, values])[0]);
  return where(low, edge(options.left, 0), where(high, edge(options.right, n - 1), between01));
}

/** One period of points in order, with one more on either side. */
function periodic(x: Tensor, xp: Tensor, fp: Tensor, period: number): [Tensor, Tensor, Tensor] {
  if (!(Math.abs(period) > 0))
    throw new BadArgument({
      did: `interp with period ${period}`,
      expected: 'a number other than 0',
      remedy: 'interp(x, xp, fp, { period: 360 })',
    });
  const length = Math.abs(period);
  const wrapped = mod(xp, length);
  const order = argsort(wrapped, 0);
  const [points, values] = [gather(wrapped, order), gather(fp, order)];
  const n = points.size;
  const [head, tail] = [(v: Tensor) => between(v, 0, 0, 1), (v: Tensor) => between(v, 0, n - 1, n)];
  return [
    mod(x, length),
    concatenate([subtract(tail(points), length), points, add(head(points), length)]),
    concatenate([tail(values), values, head(values)]),
  ];
}

export interface UnwrapOptions {
  /** Jumps larger than this are corrected. Default half a period. */
  readonly discont?: number;
  /** Default −1. */
  readonly axis?: number;
  /** Default 2π. */
  readonly period?: number;
}

/**
 * A phase without jumps: multiples of the period are added so that neighbours differ by at most half of it.
 *
 * @example unwrap([0, 1, 6.5]) // [0, 1, 0.217]
 */
export function unwrap(x: TensorLike, options: UnwrapOptions = {}): Tensor {
  const { period = 2 * Math.PI, axis = -1 } = options;
  const half = period / 2;
  const discont = Math.max(options.discont ?? half, half);
  const operand = floating(asTensor(x));
  const along = positiveAxis('unwrap', axis, operand.ndim);
  const steps = diff(operand, { axis: along });
  const small = subtract(mod(add(steps, half), period), half);
  const chosen = where(logicalAnd(equal(small, -half), greater(steps, 0)), half, small);
  const correction = where(less(abs(steps), discont), 0, subtract(chosen, steps));
  const n = operand.shape[along];
  const first = between(operand, along, 0, Math.min(1, n));
  const rest = between(operand, along, Math.min(1, n), n);
  return concatenate([first, add(rest, cumsum(correction, along))], along);
}
