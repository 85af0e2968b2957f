/** Elements repeated, rolled round and put around a tensor. */
import { range } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { broadcast } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { concat, pad as padded, slice } from '../primitives/slice.ts';
import { asOperand, asTensor, convert, positiveAxis, type TensorLike } from './array.ts';
import { type AxesOption, type AxisOption, axesFrom, axisFrom } from './options.ts';
import { pick } from './positions.ts';

/**
 * Shifted along axes, what leaves at one end entering at the other: result[i] = x[i − shift]. Without an axis the
 * flattened tensor is rolled.
 *
 * @example roll([1, 2, 3], 1) // [3, 1, 2]
 * @example roll(x, [1, -1], { axis: [0, 1] })
 * @throws AxisOutOfRange, BadArgument where shifts and axes differ in number
 */
export function roll(x: TensorLike, shift: number | readonly number[], axis?: AxesOption): Tensor {
  const operand = asTensor(x);
  const named = axesFrom(axis);
  if (named === null) {
    const shifts = typeof shift === 'number' ? shift : shift.reduce((all, one) => all + one, 0);
    return reshape(rollAlong(reshape(operand, [operand.size]), shifts, 0), operand.shape);
  }
  const axes = typeof named === 'number' ? [named] : named;
  const shifts = typeof shift === 'number' ? axes.map(() => shift) : shift;
  if (shifts.length !== axes.length && axes.length !== 1)
    throw new BadArgument({
      did: `roll by ${JSON.stringify(shift)} along axes ${JSON.stringify(axes)}`,
      expected: 'one shift for each axis, or one for all',
      remedy: 'roll(x, [1, -1], { axis: [0, 1] })',
    });
  return shifts.reduce<Tensor>(
    (rolled, by, i) =>
      rollAlong(rolled, by, positiveAxis('roll', axes[axes.length === 1 ? 0 : i], operand.ndim)),
    operand,
  );
}

function rollAlong(x: Tensor, shift: number, axis: number): Tensor {
  const n = x.shape[axis];
  const by = n === 0 ? 0 : ((shift % n) + n) % n;
  if (by === 0) return x;
  return concat([between(x, axis, n - by, n), between(x, axis, 0, n - by)], axis);
}

/** The elements from start up to end along an axis. */
export function between(x: Tensor, axis: number, start: number, end: number): Tensor {
  if (start === 0 && end === x.shape[axis]) return x;
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((extent, i) => (i === axis ? end : extent)),
  );
}

/**
 * Copies side by side: repetitions[i] of them along axis i, counted from the last axis.
 *
 * @example tile([1, 2], 2) // [1, 2, 1, 2]
 * @example tile(x, [2, 1])
 * @throws BadArgument
 */
export function tile(x: TensorLike, repetitions: number | readonly number[]): Tensor {
  const operand = asTensor(x);
  const given = typeof repetitions === 'number' ? [repetitions] : repetitions;
  requireCounts('tile', given);
  const ndim = Math.max(operand.ndim, given.length);
  const shape = [...new Array<number>(ndim - operand.ndim).fill(1), ...operand.shape];
  const times = [...new Array<number>(ndim - given.length).fill(1), ...given];
  // Every axis becomes a pair: the number of the copy, and the place in it.
  const copies = broadcast(
    reshape(operand, shape),
    shape.flatMap((extent, i) => [times[i], extent]),
    range(ndim).map(i => 2 * i + 1),
  );
  return reshape(
    copies,
    shape.map((extent, i) => extent * times[i]),
  );
}

function requireCounts(name: string, counts: readonly number[]): void {
  if (counts.some(count => !Number.isInteger(count) || count < 0))
    throw new BadArgument({
      did: `${name} with repetitions ${JSON.stringify(counts)}`,
      expected: 'non-negative integers',
      remedy: `${name}(x, 2)`,
    });
}

/**
 * Every element several times: `repetitions` times, or repetitions[i] times the i-th along the axis. Without an axis
 * the flattened tensor.
 *
 * @example repeat([1, 2], 2) // [1, 1, 2, 2]
 * @example repeat(x, [1, 0, 2], { axis: 1 })
 * @throws BadArgument, ShapeMismatch, AxisOutOfRange
 */
export function repeat(x: TensorLike, repetitions: number | readonly number[], axis?: AxisOption): Tensor {
  const given = asTensor(x);
  const named = axisFrom(axis, null);
  const operand = named === null ? reshape(given, [given.size]) : given;
  const along = positiveAxis('repeat', named ?? 0, operand.ndim);
  const extent = operand.shape[along];
  const counts = typeof repetitions === 'number' ? [repetitions] : repetitions;
  requireCounts('repeat', counts);
  if (counts.length !== 1 && counts.length !== extent)
    throw new ShapeMismatch({
      did: `repeat of ${operand.aval} along axis ${along} with ${counts.length} counts`,
      expected: `one count, or ${extent}`,
      remedy: 'give a count for every element of the axis',
    });
  return pick(
    operand,
    along,
    range(extent).flatMap(i => new Array<number>(counts[counts.length === 1 ? 0 : i]).fill(i)),
  );
}

export type PadMode = 'constant' | 'edge' | 'reflect' | 'symmetric' | 'wrap';

/** Elements before and after: for all axes alike, or for each axis. */
export type PadWidths = number | readonly [number, number] | readonly (readonly [number, number])[];

export interface PadOptions {
  /** Default 'constant'. */
  readonly mode?: PadMode;
  /** What 'constant' puts there, a scalar. Default 0. */
  readonly value?: TensorLike;
}

/**
 * More elements before and after x along every axis.
 *
 * @param widths how many: one number, [before, after] for all axes, or [before, after] for each
 * @param options `mode`: 'constant' puts `value` (0); 'edge' repeats the outermost element; 'reflect' mirrors at it,
 *   'symmetric' mirrors beside it; 'wrap' goes on from the other end
 * @example pad([1, 2, 3], [1, 2]) // [0, 1, 2, 3, 0, 0]
 * @example pad([1, 2, 3], 1, { mode: 'reflect' }) // [2, 1, 2, 3, 2]
 * @throws BadArgument
 */
export function pad(x: TensorLike, widths: PadWidths, options: PadMode | PadOptions = {}): Tensor {
  const operand = asTensor(x);
  const { mode = 'constant', value = 0 }: PadOptions =
    typeof options === 'string' ? { mode: options } : options;
  const pairs = widthsOf(operand, widths);
  if (mode === 'constant')
    return padded(
      operand,
      reshape(convert(asOperand(value), operand.dtype), []),
      pairs.map(([before]) => before),
      pairs.map(([, after]) => after),
    );
  const source = sources[mode];
  if (source === undefined)
    throw new BadArgument({
      did: `pad with mode '${mode}'`,
      expected: "'constant', 'edge', 'reflect', 'symmetric' or 'wrap'",
      remedy: "pad(x, 1, { mode: 'edge' })",
    });
  return pairs.reduce<Tensor>((result, [before, after], axis) => {
    if (before === 0 && after === 0) return result;
    const n = result.shape[axis];
    if (n === 0)
      throw new BadArgument({
        did: `pad of ${operand.aval} in mode '${mode}' along axis ${axis}, which is empty`,
        expected: 'an element to repeat',
        remedy: "use mode 'constant' there",
      });
    return pick(
      result,
      axis,
      range(before + n + after).map(i => source(i - before, n)),
    );
  }, operand);
}

const modulo = (i: number, n: number): number => ((i % n) + n) % n;
/** At position i of n equal parts mirrored: forwards, then backwards. */
const mirrored = (i: number, n: number, period: number): number => {
  const at = modulo(i, period);
  return at < n ? at : period - at - (period === 2 * n ? 1 : 0);
};

/** The element that stands at place i of an axis of n elements that is continued on both sides. */
const sources: Partial<Record<PadMode, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  wrap: modulo,
  reflect: (i, n) => (n === 1 ? 0 : mirrored(i, n, 2 * n - 2)),
  symmetric: (i, n) => mirrored(i, n, 2 * n),
};

function widthsOf(x: Tensor, widths: PadWidths): readonly (readonly [number, number])[] {
  const list: readonly unknown[] = typeof widths === 'number' ? [[widths, widths]] : widths;
  const pairs = (typeof list[0] === 'number' ? [list] : list) as readonly (readonly [number, number])[];
  const all = pairs.length === 1 && x.ndim !== 1 ? range(x.ndim).map(() => pairs[0]) : pairs;
  if (
    all.length !== x.ndim ||
    all.some(pair => pair.length !== 2 || pair.some(n => !Number.isInteger(n) || n < 0))
  )
    throw new BadArgument({
      did: `pad of ${x.aval} by ${JSON.stringify(widths)}`,
      expected: `[before, after] in non-negative integers for all or for each of ${x.ndim} axes`,
      remedy: 'pad(x, 1), pad(x, [1, 2]) or pad(x, [[1, 0], [0, 2]]); to cut off use slices',
    });
  return all;
}
