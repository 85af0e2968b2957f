/** The same elements in another arrangement. Each undoes itself under transposition. */
import { sameShape, showShape, sizeOf } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { axis, int, load, minus } from '../kernel/expression.ts';
import { type Op, op } from './primitive.ts';
import { axes, floats } from './signature.ts';

interface ReshapeParams {
  readonly shape: readonly number[];
}

/** The same elements in row-major order under a new shape; nothing is copied. */
export const reshape: Op<[x: Tensor, shape: readonly number[]], ReshapeParams> = op(
  {
    name: 'reshape',
    kind: 'linear',
    abstract: ([x], { shape }) => {
      if (sizeOf(shape) !== x.size)
        throw new ShapeMismatch({
          did: `reshape of ${x} to ${showShape(shape)}`,
          expected: `a shape of ${x.size} elements, not ${sizeOf(shape)}`,
          remedy: 'use -1 for the one extent that follows from the others',
        });
      return x.with({ shape });
    },
    transpose: [(ct, [x]) => reshape(ct, x.shape)],
    copies: true,
    rewrites: [
      { law: 'x has its shape already', apply: ([x], { shape }) => (sameShape(x.shape, shape) ? x : null) },
      {
        law: 'reshape of reshape = reshape',
        apply: ([x], { shape }, seen) => {
          const inner = seen.by(x, reshape);
          return inner === null ? null : reshape(inner.operands[0], shape);
        },
      },
    ],
    batch: (size, [x], _, { shape }) => reshape(x, [size, ...shape]),
    lower: () => ({ form: 'alias', source: 0 }),
    samples: [
      { operands: [floats([2, 3])], params: { shape: [3, 2] } },
      { operands: [floats([1])], params: { shape: [] } },
    ],
  },
  x => [x],
  (_, shape) => ({ shape }),
);

interface PermuteParams {
  readonly order: readonly number[];
}

export function inverse(order: readonly number[]): number[] {
  const result = order.map(() => 0);
  order.forEach((from, to) => {
    result[from] = to;
  });
  return result;
}

/** result's axis i is x's axis order[i]. */
export const permute: Op<[x: Tensor, order: readonly number[]], PermuteParams> = op(
  {
    name: 'permute',
    kind: 'linear',
    abstract: ([x], { order }) => x.with({ shape: order.map(i => x.shape[i]) }),
    transpose: [(ct, _, { order }) => permute(ct, inverse(order))],
    copies: true,
    rewrites: [
      {
        law: 'axes in their order',
        apply: ([x], { order }) => (order.every((from, to) => from === to) ? x : null),
      },
      {
        law: '(xᵖ)ᵠ = xᵖᵠ',
        apply: ([x], { order }, seen) => {
          const inner = seen.by(x, permute);
          return inner === null
            ? null
            : permute(
                inner.operands[0],
                order.map(i => inner.params.order[i]),
              );
        },
      },
    ],
    batch: (_, [x], __, { order }) => permute(x, [0, ...order.map(i => i + 1)]),
    lower: ([x], { order }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [
        load(
          0,
          x.dtype,
          inverse(order).map(i => axis(i)),
        ),
      ],
    }),
    samples: [
      { operands: [floats([2, 3])], params: { order: [1, 0] } },
      { operands: [floats([2, 3, 4])], params: { order: [2, 0, 1] } },
    ],
  },
  x => [x],
  (_, order) => ({ order }),
);

/** The axis moved to another place, the others in their order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const order = x.shape.map((_, i) => i).filter(i => i !== from);
  order.splice(to, 0, from);
  return permute(x, order);
}

interface ReverseParams {
  readonly axes: readonly number[];
}

/** Runs backwards along the axes. */
export const reverse: Op<[x: Tensor, axes: readonly number[]], ReverseParams> = op(
  {
    name: 'reverse',
    kind: 'linear',
    abstract: ([x]) => x.with({}),
    transpose: [(ct, _, { axes }) => reverse(ct, axes)],
    batch: (_, [x], __, { axes }) =>
      reverse(
        x,
        axes.map(i => i + 1),
      ),
    lower: ([x], params) => ({
      form: 'map',
      extents: x.shape,
      values: [
        load(
          0,
          x.dtype,
          axes(x.ndim).map((at, i) => (params.axes.includes(i) ? minus(int(x.shape[i] - 1), at) : at)),
        ),
      ],
    }),
    samples: [
      { operands: [floats([2, 3])], params: { axes: [1] } },
      { operands: [floats([2, 3])], params: { axes: [0, 1] } },
    ],
  },
  x => [x],
  (_, axes) => ({ axes }),
);
