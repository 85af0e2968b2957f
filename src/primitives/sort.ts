/** Sorting along an axis. NaN goes last, equal elements keep their order. */
import { Aval, range } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import { broadcast, iota } from './broadcast.ts';
import { gather } from './gather.ts';
import { type Op, op, type Sample } from './primitive.ts';
import { floats, given } from './signature.ts';

interface SortParams {
  readonly axis: number;
  readonly descending: boolean;
}
type Sort = Op<[x: Tensor, axis: number, descending?: boolean], SortParams>;

const samples: readonly Sample<SortParams>[] = [
  { operands: [floats([5])], params: { axis: 0, descending: false } },
  { operands: [floats([3, 4])], params: { axis: 0, descending: true } },
  { operands: [floats([2, 3, 4])], params: { axis: 1, descending: false } },
  {
    operands: [given('float64', [6], [3, Number.NaN, -0, 0, Number.NEGATIVE_INFINITY, 1])],
    params: { axis: 0, descending: false },
  },
  { operands: [given('int32', [6], [3, 1, 2, 1, 3, 0])], params: { axis: 0, descending: true } },
];

/** The int32 positions along the axis that sort it. */
export const argsort: Sort = op(
  {
    name: 'argsort',
    kind: 'flat',
    because: 'a position is piecewise constant',
    abstract: ([x]) => new Aval('int32', x.shape),
    batch: (_, [x], __, { axis, descending }) => argsort(x, axis + 1, descending),
    lower: ([x], { axis, descending }) => ({
      form: 'sort',
      extents: x.shape,
      along: axis,
      descending,
      positions: true,
    }),
    samples,
  },
  x => [x],
  (_, axis, descending = false) => ({ axis, descending }),
);

/** Sorted elements; the derivative goes with the elements. */
export const sort: Sort = op(
  {
    name: 'sort',
    kind: 'smooth',
    abstract: ([x]) => x.with({}),
    jvp: [(dx, [x], _, { axis, descending }) => takeAlong(dx, argsort(x, axis, descending), axis)],
    batch: (_, [x], __, { axis, descending }) => sort(x, axis + 1, descending),
    lower: ([x], { axis, descending }) => ({
      form: 'sort',
      extents: x.shape,
      along: axis,
      descending,
      positions: false,
    }),
    samples,
  },
  x => [x],
  (_, axis, descending = false) => ({ axis, descending }),
);

/** result[…, j, …] = x[…, i[…, j, …], …] along the axis; the other extents are those of the indices, or 1. */
export function takeAlong(x: Tensor, indices: Tensor, axis: number): Tensor {
  return gather(
    x,
    ...range(x.ndim).map(d => {
      if (d === axis) return indices;
      if (x.shape[d] === 1) return broadcast(iota('int32', [1], 0), indices.shape, [d]);
      return iota('int32', indices.shape, d);
    }),
  );
}
