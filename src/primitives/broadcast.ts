/** Copying along new axes and summing them away: each is the other's transpose. Constants are made here too. */
import { Aval, range, sameShape, showShape, sizeOf } from '../core/aval.ts';
import { type DType, roundTo } from '../core/dtype.ts';
import { ShapeMismatch } from '../core/errors.ts';
import { scalar, type Tensor } from '../core/tensor.ts';
import { axis, carry, cast, int, load } from '../kernel/expression.ts';
import { reshape } from './layout.ts';
import { type Op, op } from './primitive.ts';
import { floats, otherAxes } from './signature.ts';

interface BroadcastParams {
  readonly shape: readonly number[];
  /** The result's axis for each axis of the operand, increasing. */
  readonly axes: readonly number[];
}

/** result[i₀ … iₙ] = x[i_{axes[0]}, …], index 0 where the operand's extent is 1. */
export const broadcast: Op<[x: Tensor, shape: readonly number[], axes: readonly number[]], BroadcastParams> =
  op(
    {
      name: 'broadcast',
      kind: 'linear',
      abstract: ([x], { shape, axes }) => {
        const fits =
          axes.length === x.ndim &&
          axes.every((to, from) => x.shape[from] === shape[to] || x.shape[from] === 1);
        if (!fits)
          throw new ShapeMismatch({
            did: `broadcast of ${x} to ${showShape(shape)}, its axes becoming ${showShape(axes)}`,
            expected: 'each axis of the operand to have the extent of its target axis, or 1',
            remedy: 'use broadcastTo(x, shape), which lines up trailing axes, or x.reshape first',
          });
        return x.with({ shape });
      },
      transpose: [
        (ct, [x], { shape, axes }) => {
          const kept = range(x.ndim).filter(from => x.shape[from] === shape[axes[from]]);
          const summed = sum(
            ct,
            otherAxes(
              shape.length,
              kept.map(from => axes[from]),
            ),
          );
          return kept.length === x.ndim ? summed : broadcast(summed, x.shape, kept);
        },
      ],
      copies: true,
      rewrites: [
        {
          law: 'copying nothing = reshape',
          apply: ([x], { shape }) => (x.size === sizeOf(shape) ? reshape(x, shape) : null),
        },
        {
          law: 'broadcast of broadcast = broadcast',
          apply: ([x], { shape, axes }, seen) => {
            const inner = seen.by(x, broadcast);
            return inner === null
              ? null
              : broadcast(
                  inner.operands[0],
                  shape,
                  inner.params.axes.map(i => axes[i]),
                );
          },
        },
        {
          law: 'broadcast along new axes of extent 1 = broadcast',
          apply: ([x], { shape, axes }, seen) => {
            const from = seen.by(x, reshape)?.operands[0];
            const kept = range(x.ndim).filter(i => x.shape[i] !== 1);
            const same =
              from !== undefined &&
              sameShape(
                from.shape,
                kept.map(i => x.shape[i]),
              );
            return same
              ? broadcast(
                  from,
                  shape,
                  kept.map(i => axes[i]),
                )
              : null;
          },
        },
      ],
      batch: (size, [x], _, { shape, axes }) => broadcast(x, [size, ...shape], [0, ...axes.map(i => i + 1)]),
      lower: ([x], { axes, shape }) => ({
        form: 'map',
        extents: shape,
        values: [
          load(
            0,
            x.dtype,
            axes.map((to, from) => (x.shape[from] === 1 ? int(0) : axis(to))),
          ),
        ],
      }),
      samples: [
        { operands: [floats([])], params: { shape: [3], axes: [] } },
        { operands: [floats([2, 3])], params: { shape: [2, 4, 3], axes: [0, 2] } },
        { operands: [floats([2, 1])], params: { shape: [3, 2, 4], axes: [1, 2] } },
        { operands: [floats([1])], params: { shape: [1, 0], axes: [0] } },
      ],
    },
    x => [x],
    (_, shape, axes) => ({ shape, axes }),
  );

interface AxesParams {
  readonly axes: readonly number[];
}

/** The kept axes' extents, then the reduced ones, and the operand's element in that order of axes. */
export function reductionOver(
  x: Aval,
  reduced: readonly number[],
): { extents: number[]; reduced: number; lanes: 'kept' | 'reduced'; element: ReturnType<typeof load> } {
  const order = [...otherAxes(x.ndim, reduced), ...reduced];
  const place = order.map(() => 0);
  order.forEach((dimension, i) => {
    place[dimension] = i;
  });
  return {
    extents: order.map(d => x.shape[d]),
    reduced: reduced.length,
    lanes: reduced.includes(x.ndim - 1) ? 'reduced' : 'kept',
    element: load(
      0,
      x.dtype,
      place.map(i => axis(i)),
    ),
  };
}

/** Σ x over the axes, which vanish. Integers narrower than 32 bits keep their type and wrap. */
export const sum: Op<[x: Tensor, axes: readonly number[]], AxesParams> = op(
  {
    name: 'sum',
    kind: 'linear',
    abstract: ([x], { axes }) => x.with({ shape: otherAxes(x.ndim, axes).map(i => x.shape[i]) }),
    transpose: [(ct, [x], { axes }) => broadcast(ct, x.shape, otherAxes(x.ndim, axes))],
    batch: (_, [x], __, { axes }) =>
      sum(
        x,
        axes.map(i => i + 1),
      ),
    lower: ([x], { axes }) => {
      const { element, ...nest } = reductionOver(x, axes);
      return {
        form: 'reduce',
        ...nest,
        accumulators: [{ reducer: 'sum', term: element }],
        results: [carry(x.dtype)],
      };
    },
    samples: [
      { operands: [floats([3])], params: { axes: [0] } },
      { operands: [floats([2, 3, 4])], params: { axes: [1] } },
      { operands: [floats([2, 3, 4])], params: { axes: [0, 2] } },
      { operands: [floats([0, 2])], params: { axes: [0] } },
    ],
  },
  x => [x],
  (_, axes) => ({ axes }),
);

interface IotaParams {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly axis: number;
}

/** result[i₀ … iₙ] = i_axis. */
export const iota: Op<[dtype: DType, shape: readonly number[], axis: number], IotaParams> = op(
  {
    name: 'iota',
    kind: 'flat',
    because: 'it has no operands',
    abstract: (_, { dtype, shape }) => new Aval(dtype, shape),
    batch: (size, _, __, { dtype, shape, axis }) => iota(dtype, [size, ...shape], axis + 1),
    lower: (_, params) => ({
      form: 'map',
      extents: params.shape,
      values: [cast(params.dtype, axis(params.axis))],
    }),
    samples: [
      { operands: [], params: { dtype: 'int32', shape: [3], axis: 0 } },
      { operands: [], params: { dtype: 'float64', shape: [2, 3], axis: 1 } },
    ],
  },
  () => [],
  (dtype, shape, axis) => ({ dtype, shape, axis }),
);

/** A tensor of one value. */
export function full(shape: readonly number[], value: number, dtype: DType): Tensor {
  const constant = scalar(dtype, roundTo(dtype, value));
  return shape.length === 0 ? constant : broadcast(constant, shape, []);
}

/** The constant `value` in the type and shape of `x`. */
export function constantLike(x: Tensor | Aval, value: number): Tensor {
  return full(x.shape, value, x.dtype);
}

export function zerosLike(x: Tensor | Aval): Tensor {
  return constantLike(x, 0);
}

/** A batched operand as it is, another copied along a new leading axis. */
export function withBatchAxis(size: number, x: Tensor, batched: boolean): Tensor {
  return batched
    ? x
    : broadcast(
        x,
        [size, ...x.shape],
        range(x.ndim).map(i => i + 1),
      );
}
