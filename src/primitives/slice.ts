/** Cutting out, padding and joining: slice and pad are each other's transposes, concatenation falls into slices. */
import { showShape } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { sub } from './arithmetic.ts';
import { broadcast, full, sum, withBatchAxis, zerosLike } from './broadcast.ts';
import { select } from './compare.ts';
import { type Op, op } from './primitive.ts';
import { axes, floats, requireSameType } from './signature.ts';

interface SliceParams {
  readonly start: readonly number[];
  readonly limit: readonly number[];
  readonly stride: readonly number[];
}

/** Elements start, start + stride, … below limit along every axis; strides are positive. */
export const slice: Op<
  [x: Tensor, start: readonly number[], limit: readonly number[], stride?: readonly number[]],
  SliceParams
> = op(
  {
    name: 'slice',
    kind: 'linear',
    abstract: ([x], { start, limit, stride }) => {
      const legal =
        start.length === x.ndim &&
        start.every((s, i) => 0 <= s && s <= limit[i] && limit[i] <= x.shape[i] && stride[i] > 0);
      if (!legal)
        throw new ShapeMismatch({
          did: `slice of ${x} from ${showShape(start)} to ${showShape(limit)} by ${showShape(stride)}`,
          expected: '0 ≤ start ≤ limit ≤ extent and a positive stride along every axis',
          remedy: 'index with x.at(slice(start, stop, step)), which clips as NumPy does',
        });
      return x.with({ shape: start.map((s, i) => Math.ceil((limit[i] - s) / stride[i])) });
    },
    transpose: [
      (ct, [x], { start, stride }) => {
        const covered = start.map((s, i) => (ct.shape[i] === 0 ? s : s + (ct.shape[i] - 1) * stride[i] + 1));
        return pad(
          ct,
          full([], 0, ct.dtype),
          start,
          covered.map((end, i) => x.shape[i] - end),
          stride.map(s => s - 1),
        );
      },
    ],
    batch: (size, [x], _, { start, limit, stride }) =>
      slice(x, [0, ...start], [size, ...limit], [1, ...stride]),
    lower: ([x], { start, stride }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [
        k.load(
          0,
          x.dtype,
          axes(x.ndim).map((at, i) => k.plus(k.times(at, k.int(stride[i])), k.int(start[i]))),
        ),
      ],
    }),
    samples: [
      { operands: [floats([5])], params: { start: [1], limit: [4], stride: [1] } },
      { operands: [floats([4, 7])], params: { start: [1, 0], limit: [3, 7], stride: [1, 3] } },
      { operands: [floats([4, 6])], params: { start: [1, 2], limit: [4, 2], stride: [2, 1] } },
    ],
  },
  x => [x],
  (_, start, limit, stride = start.map(() => 1)) => ({ start, limit, stride }),
);

interface PadParams {
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Elements put between each two neighbours. */
  readonly interior: readonly number[];
}

/** x with a scalar's copies around it and between its elements; a negative low or high cuts off. */
export const pad: Op<
  [x: Tensor, value: Tensor, low: readonly number[], high: readonly number[], interior?: readonly number[]],
  PadParams
> = op(
  {
    name: 'pad',
    kind: 'linear',
    abstract: ([x, value], { low, high, interior }) => {
      requireSameType('pad', [x, value]);
      const shape = x.shape.map((n, i) => n + Math.max(0, n - 1) * interior[i] + low[i] + high[i]);
      if (value.ndim !== 0 || shape.some(n => n < 0))
        throw new ShapeMismatch({
          did: `pad of ${x} by ${showShape(low)} before and ${showShape(high)} after with a value ${value}`,
          expected: 'a 0-dimensional value, and no axis cut below 0 elements',
          remedy: 'cut less than the axis has',
        });
      return x.with({ shape });
    },
    transpose: [
      (ct, [x], params) => unpad(ct, x.shape, params),
      (ct, [x], params) =>
        sub(
          sum(
            ct,
            ct.shape.map((_, i) => i),
          ),
          sum(
            unpad(ct, x.shape, params),
            x.shape.map((_, i) => i),
          ),
        ),
    ],
    alone: [
      (dx, _, __, { low, high, interior }) => pad(dx, full([], 0, dx.dtype), low, high, interior),
      (dv, [x], __, { low, high, interior }) => pad(zerosLike(x), dv, low, high, interior),
    ],
    batch: (size, [x, value], [_, valueBatched], { low, high, interior }) => {
      const wide = (list: readonly number[]): number[] => [0, ...list];
      const input = withBatchAxis(size, x, _);
      if (!valueBatched) return pad(input, value, wide(low), wide(high), wide(interior));
      const inside = pad(
        full(input.shape, 1, 'bool'),
        full([], 0, 'bool'),
        wide(low),
        wide(high),
        wide(interior),
      );
      const zero = full([], 0, x.dtype);
      return select(
        inside,
        pad(input, zero, wide(low), wide(high), wide(interior)),
        broadcast(value, inside.shape, [0]),
      );
    },
    lower: ([x, value], { low, interior }, [out]) => {
      let inside = k.yes;
      const at = axes(x.ndim).map((position, i) => {
        const from = k.minus(position, k.int(low[i]));
        const step = interior[i] + 1;
        inside = k.and(inside, k.within(from, 0, Math.max(0, (x.shape[i] - 1) * step + 1)));
        inside = k.and(inside, k.divides(step, from));
        return k.quotient(from, step);
      });
      return {
        form: 'map',
        extents: out.shape,
        values: [k.select(inside, k.load(0, x.dtype, at), k.load(1, value.dtype, []))],
      };
    },
    samples: [
      { operands: [floats([3]), floats([])], params: { low: [1], high: [2], interior: [0] } },
      { operands: [floats([2, 3]), floats([])], params: { low: [0, 2], high: [1, -1], interior: [1, 2] } },
      { operands: [floats([4]), floats([])], params: { low: [-1], high: [-2], interior: [0] } },
      { operands: [floats([0]), floats([])], params: { low: [1], high: [1], interior: [0] } },
    ],
  },
  (x, value) => [x, value],
  (_, __, low, high, interior = low.map(() => 0)) => ({ low, high, interior }),
);

/** The elements of a padded tensor's cotangent that stand where x's elements went, zero for those cut off. */
function unpad(ct: Tensor, shape: readonly number[], { low, high, interior }: PadParams): Tensor {
  const whole = pad(
    ct,
    full([], 0, ct.dtype),
    low.map(n => -n),
    high.map(n => -n),
  );
  const limit = shape.map((n, i) => (n === 0 ? 0 : (n - 1) * (interior[i] + 1) + 1));
  return slice(
    whole,
    limit.map(() => 0),
    limit,
    interior.map(n => n + 1),
  );
}

interface ConcatParams {
  readonly axis: number;
}

/** The operands one after another along an axis. */
export const concat: Op<[operands: readonly Tensor[], axis: number], ConcatParams> = op(
  {
    name: 'concat',
    kind: 'linear',
    abstract: (operands, { axis }) => {
      requireSameType('concatenate', operands);
      const [first] = operands;
      for (const operand of operands)
        if (operand.ndim !== first.ndim || operand.shape.some((n, i) => i !== axis && n !== first.shape[i]))
          throw new ShapeMismatch({
            did: `concatenate of ${operands.join(', ')} along axis ${axis}`,
            expected: `shapes equal in all axes but ${axis}`,
            remedy:
              'reshape or slice the operands so that the other axes agree; use stack to join along a new axis',
          });
      return first.with({
        shape: first.shape.map((n, i) =>
          i === axis ? operands.reduce((all, x) => all + x.shape[axis], 0) : n,
        ),
      });
    },
    transpose: [
      (ct, operands, { axis }, index) => {
        const start = operands.slice(0, index).reduce((all, x) => all + x.shape[axis], 0);
        const end = start + operands[index].shape[axis];
        return slice(
          ct,
          ct.shape.map((_, i) => (i === axis ? start : 0)),
          ct.shape.map((n, i) => (i === axis ? end : n)),
        );
      },
    ],
    alone: [
      (dx, operands, out, { axis }, index) => {
        const before = operands.slice(0, index).reduce((all, x) => all + x.shape[axis], 0);
        const at = (n: number): number[] => out.shape.map((_, i) => (i === axis ? n : 0));
        return pad(dx, full([], 0, dx.dtype), at(before), at(out.shape[axis] - before - dx.shape[axis]));
      },
    ],
    batch: (size, operands, batched, { axis }) =>
      concat(
        operands.map((x, i) => withBatchAxis(size, x, batched[i])),
        axis + 1,
      ),
    lower: (operands, { axis }, [out]) => {
      const at = axes(out.ndim);
      let start = out.shape[axis];
      let value: k.Expression | undefined;
      for (let i = operands.length - 1; i >= 0; i--) {
        const end = start;
        start -= operands[i].shape[axis];
        const element = k.load(
          i,
          out.dtype,
          at.map((a, d) => (d === axis ? k.minus(a, k.int(start)) : a)),
        );
        value = value === undefined ? element : k.select(k.less(at[axis], k.int(end)), element, value);
      }
      return { form: 'map', extents: out.shape, values: [value as k.Expression] };
    },
    samples: [
      { operands: [floats([2]), floats([3])], params: { axis: 0 } },
      { operands: [floats([2, 1]), floats([2, 3]), floats([2, 2])], params: { axis: 1 } },
      { operands: [floats([2, 3])], params: { axis: 0 } },
    ],
  },
  operands => operands,
  (_, axis) => ({ axis }),
);

/** Moved one place along the axis, away from its start (or its end), the free place filled with a value. */
export function shift(x: Tensor, axis: number, reverse: boolean, fill: number): Tensor {
  const by = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
  return pad(x, full([], fill, x.dtype), by(reverse ? -1 : 1), by(reverse ? 1 : -1));
}
