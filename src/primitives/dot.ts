/** Contraction of two tensors: every matrix product is one of these. */
import { range, showShape } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { inverse, permute } from './layout.ts';
import { type Op, op } from './primitive.ts';
import { axes, floats, given, requireKind, requireSameType } from './signature.ts';

/** Axes of x and y in pairs: contracted ones are multiplied and summed, batch ones stay and lead the result. */
export interface DotParams {
  readonly contract: readonly [x: readonly number[], y: readonly number[]];
  readonly batch: readonly [x: readonly number[], y: readonly number[]];
}

function freeAxes(n: number, side: 0 | 1, { contract, batch }: DotParams): number[] {
  return range(n).filter(i => !contract[side].includes(i) && !batch[side].includes(i));
}

/** The cotangent of one operand: the other one contracted with ct over its own free axes. */
function transposed(
  ct: Tensor,
  other: Tensor,
  side: 0 | 1,
  own: { ndim: number },
  params: DotParams,
): Tensor {
  const { contract, batch } = params;
  const otherSide = side === 0 ? 1 : 0;
  const mine = freeAxes(own.ndim, side, params);
  const theirs = freeAxes(other.ndim, otherSide, params);
  const batchCount = batch[0].length;
  const first = batchCount + (side === 0 ? mine.length : 0);
  const result = dot(ct, other, {
    contract: [range(theirs.length).map(i => first + i), theirs],
    batch: [range(batchCount), batch[otherSide]],
  });
  // The result's axes: batch, own free, then the contracted axes in the order the other operand has them.
  const order = contract[otherSide]
    .map((_, i) => i)
    .sort((a, b) => contract[otherSide][a] - contract[otherSide][b]);
  return permute(result, inverse([...batch[side], ...mine, ...order.map(i => contract[side][i])]));
}

/**
 * result[b…, m…, n…] = Σ_k x[b, m, k]·y[b, n, k], where b are the batch axes, k the contracted ones, and m and n the
 * others of x and of y, in order.
 */
export const dot: Op<[x: Tensor, y: Tensor, params: DotParams], DotParams> = op(
  {
    name: 'dot',
    kind: 'multilinear',
    contraction: true,
    abstract: ([x, y], params) => {
      requireKind('dot', x, 'number');
      requireSameType('dot', [x, y]);
      for (const [xs, ys] of [params.contract, params.batch])
        if (xs.length !== ys.length || xs.some((axis, i) => x.shape[axis] !== y.shape[ys[i]]))
          throw new ShapeMismatch({
            did: `product of ${x} and ${y}, pairing axes ${showShape(xs)} of the first with ${showShape(ys)} of the second`,
            expected: 'paired axes of equal extent',
            remedy: 'transpose one of them (x.transpose()), or check which axis is summed over',
          });
      const shape = [...params.batch[0], ...freeAxes(x.ndim, 0, params)]
        .map(i => x.shape[i])
        .concat(freeAxes(y.ndim, 1, params).map(i => y.shape[i]));
      return x.with({ shape });
    },
    transpose: [
      (ct, [x, y], params) => transposed(ct, y, 0, x, params),
      (ct, [x, y], params) => transposed(ct, x, 1, y, params),
    ],
    batch: (_, [x, y], [xBatched, yBatched], params) => {
      const { contract, batch } = params;
      const move = (list: readonly number[], by: boolean): number[] => list.map(i => (by ? i + 1 : i));
      const both: DotParams['contract'] = [move(contract[0], xBatched), move(contract[1], yBatched)];
      if (xBatched && yBatched)
        return dot(x, y, {
          contract: both,
          batch: [
            [0, ...move(batch[0], true)],
            [0, ...move(batch[1], true)],
          ],
        });
      const result = dot(x, y, {
        contract: both,
        batch: [move(batch[0], xBatched), move(batch[1], yBatched)],
      });
      const count = batch[0].length;
      const place = xBatched ? count : count + freeAxes(x.ndim, 0, params).length;
      const order = range(result.ndim).filter(i => i !== place);
      return permute(result, [place, ...order]);
    },
    lower: ([x, y], params, [out]) => {
      const { contract, batch } = params;
      const reduced = contract[0].length;
      const at = axes(out.ndim + reduced);
      const index = (operand: { ndim: number }, side: 0 | 1, firstFree: number): k.Expression[] => {
        const place = new Array<k.Expression>(operand.ndim);
        batch[side].forEach((axis, i) => {
          place[axis] = at[i];
        });
        freeAxes(operand.ndim, side, params).forEach((axis, i) => {
          place[axis] = at[firstFree + i];
        });
        contract[side].forEach((axis, i) => {
          place[axis] = at[out.ndim + i];
        });
        return place;
      };
      const xFree = x.ndim - reduced - batch[0].length;
      const term = k.binary(
        'mul',
        k.load(0, x.dtype, index(x, 0, batch[0].length)),
        k.load(1, y.dtype, index(y, 1, batch[0].length + xFree)),
      );
      return {
        form: 'reduce',
        extents: [...out.shape, ...contract[0].map(axis => x.shape[axis])],
        reduced,
        lanes: contract[0].includes(x.ndim - 1) && contract[1].includes(y.ndim - 1) ? 'reduced' : 'kept',
        accumulators: [{ reducer: 'sum', term, fused: true }],
        results: [k.carry(x.dtype)],
      };
    },
    samples: [
      { operands: [floats([2, 3]), floats([3, 4])], params: { contract: [[1], [0]], batch: [[], []] } },
      { operands: [floats([3]), floats([3])], params: { contract: [[0], [0]], batch: [[], []] } },
      { operands: [floats([2]), floats([3])], params: { contract: [[], []], batch: [[], []] } },
      {
        operands: [floats([2, 3, 5]), floats([5, 2, 4])],
        params: { contract: [[2], [0]], batch: [[0], [1]] },
      },
      {
        operands: [floats([2, 3, 4]), floats([4, 5, 2])],
        params: {
          contract: [
            [0, 2],
            [2, 0],
          ],
          batch: [[], []],
        },
      },
      { operands: [floats([2, 0]), floats([0, 3])], params: { contract: [[1], [0]], batch: [[], []] } },
      {
        operands: [given('int32', [2, 2], [1, 2, 3, 4]), given('int32', [2], [5, 6])],
        params: { contract: [[1], [0]], batch: [[], []] },
      },
    ],
  },
  (x, y) => [x, y],
  (_, __, params) => params,
);
