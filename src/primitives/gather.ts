/**
 * Reading and writing at computed places. gather reads along the leading axes; scatterAdd is its transpose.
 * Indices out of range are moved to the nearest legal one when reading, and their updates dropped when writing.
 */
import { type Aval, range, sameShape } from '../core/aval.ts';
import { DTypeMismatch, IndexOutOfRange, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { ScatterNest } from '../kernel/kernel.ts';
import { cast, div, max, min, mul } from './arithmetic.ts';
import { broadcast, constantLike, full, iota, withBatchAxis, zerosLike } from './broadcast.ts';
import { and, equal, select } from './compare.ts';
import { moveAxis, reshape } from './layout.ts';
import {
  type Declaration,
  type JvpRule,
  type Op,
  op,
  type PerOperand,
  type TransposeRule,
} from './primitive.ts';
import { axes, floats, given, requireSameType } from './signature.ts';

type None = Record<string, never>;

function requireIndices(name: string, x: Aval, indices: readonly Aval[]): void {
  for (const index of indices)
    if (index.dtype !== 'int32')
      throw new DTypeMismatch({
        did: `${name} at indices ${index}`,
        expected: 'int32 indices',
        remedy: "convert them: i.astype('int32')",
      });
  if (indices.length > x.ndim || indices.some(index => !sameShape(index.shape, indices[0].shape)))
    throw new ShapeMismatch({
      did: `${name} of ${x} at ${indices.length} indices ${indices.join(', ')}`,
      expected: 'at most one index for each axis, all of one shape',
      remedy: 'broadcast the indices against each other first',
    });
}

/** An axis without elements has no nearest legal index. */
function requireElements(x: Aval, indices: readonly Aval[]): void {
  const empty = indices.findIndex((index, j) => x.shape[j] === 0 && index.size > 0);
  if (empty >= 0)
    throw new IndexOutOfRange({
      did: `gather of ${x} at indices ${indices[empty]} along axis ${empty}, which has no elements`,
      expected: 'at least one element to read',
      remedy: 'check the shape first: x.size > 0',
    });
}

/** result[s…, r…] = x[i₁[s…], … i_k[s…], r…] for k index tensors of one shape. */
export const gather: Op<[x: Tensor, ...indices: Tensor[]], None> = op(
  {
    name: 'gather',
    kind: 'linear',
    abstract: ([x, ...indices]) => {
      requireIndices('gather', x, indices);
      requireElements(x, indices);
      return x.with({ shape: [...(indices[0]?.shape ?? []), ...x.shape.slice(indices.length)] });
    },
    transpose: [
      (ct, [x, ...indices]) =>
        scatterAdd(zerosLike(x), ct, ...indices.map((index, j) => nearestLegal(index, x.shape[j]))),
      null,
    ],
    batch: (size, [x, ...indices], [xBatched, ...batched]) => {
      if (!batched.includes(true)) {
        const out = gather(moveAxis(x, 0, indices.length), ...indices);
        return moveAxis(out, indices[0]?.ndim ?? 0, 0);
      }
      const all = indices.map((index, i) => withBatchAxis(size, index, batched[i]));
      return gather(x, ...(xBatched ? [exampleNumbers(all[0])] : []), ...all);
    },
    lower: ([x, ...indices], _, [out]) => {
      const at = axes(out.ndim);
      const rank = indices[0]?.ndim ?? 0;
      const place = indices.map((_, j) =>
        k.clampIndex(k.load(j + 1, 'int32', at.slice(0, rank)), 0, x.shape[j] - 1),
      );
      return { form: 'map', extents: out.shape, values: [k.load(0, x.dtype, [...place, ...at.slice(rank)])] };
    },
    samples: [
      { operands: [floats([4, 3]), given('int32', [2], [3, 1])], params: {} },
      {
        operands: [
          floats([4, 3]),
          given('int32', [2, 2], [0, 1, 1, 9]),
          given('int32', [2, 2], [2, 2, 0, -4]),
        ],
        params: {},
      },
      { operands: [floats([3]), given('int32', [], [1])], params: {} },
    ],
  },
  (x, ...indices) => [x, ...indices],
  () => ({}),
);

/** The index that reading at `index` uses along an axis of that extent. */
function nearestLegal(index: Tensor, extent: number): Tensor {
  return max(min(index, constantLike(index, extent - 1)), constantLike(index, 0));
}

/** 0, 1, … along the leading axis, in the shape of batched indices. */
function exampleNumbers(like: Tensor): Tensor {
  return iota('int32', like.shape, 0);
}

type Scatter = Op<[x: Tensor, updates: Tensor, ...indices: Tensor[]], None>;
type Rules =
  | { kind: 'linear'; transpose: PerOperand<TransposeRule<None>> }
  | { kind: 'smooth'; jvp: PerOperand<JvpRule<None>> };

function scatter(name: string, combine: ScatterNest['combine'], low: number, rules: Rules): Scatter {
  const apply: Scatter = op(
    {
      name,
      abstract: ([x, updates, ...indices]: readonly Aval[]) => {
        requireIndices(name, x, indices);
        requireSameType(name, [x, updates]);
        const expected = [...(indices[0]?.shape ?? []), ...x.shape.slice(indices.length)];
        if (!sameShape(updates.shape, expected))
          throw new ShapeMismatch({
            did: `${name} of updates ${updates} into ${x} at indices ${indices.join(', ')}`,
            expected: `updates of shape [${expected.join(', ')}]`,
            remedy: 'broadcast the updates to that shape',
          });
        return x.with({});
      },
      batch: (
        size: number,
        [x, updates, ...indices]: readonly Tensor[],
        [xBatched, updatesBatched, ...batched]: readonly boolean[],
      ): Tensor => {
        const input = withBatchAxis(size, x, xBatched);
        const values = withBatchAxis(size, updates, updatesBatched);
        const all = indices.map((index, i) => withBatchAxis(size, index, batched[i]));
        const example = all.length > 0 ? exampleNumbers(all[0]) : iota('int32', [size], 0);
        return apply(input, values, example, ...all);
      },
      lower: ([x, updates, ...indices]: readonly Aval[]) => {
        const at = axes(updates.ndim);
        const rank = indices[0]?.ndim ?? 0;
        return {
          form: 'scatter' as const,
          extents: updates.shape,
          base: k.load(0, x.dtype, axes(x.ndim)),
          at: [...indices.map((_, j) => k.load(j + 2, 'int32', at.slice(0, rank))), ...at.slice(rank)],
          value: k.load(1, updates.dtype, at),
          combine,
        };
      },
      samples: [
        {
          operands: [floats([4, 3], low, 2), floats([3, 3], low, 2), given('int32', [3], [3, 1, 3])],
          params: {},
        },
        { operands: [floats([4], low, 2), floats([3], low, 2), given('int32', [3], [0, 9, 0])], params: {} },
        {
          operands: [
            floats([2, 3], low, 2),
            floats([2], low, 2),
            given('int32', [2], [1, 0]),
            given('int32', [2], [2, 2]),
          ],
          params: {},
        },
      ],
      ...rules,
    } as Declaration<None>,
    (x, updates, ...indices) => [x, updates, ...indices],
    () => ({}),
  );
  return apply;
}

/** x with updates added at the indices; several updates of one place add up. */
export const scatterAdd: Scatter = scatter('scatterAdd', 'add', -2, {
  kind: 'linear',
  transpose: [ct => ct, (ct, [, updates, ...indices]) => dropped(ct, updates.aval, indices), null],
});

/** The cotangent at the indices, zero for updates whose index is out of range. */
function dropped(ct: Tensor, updates: Aval, indices: readonly Tensor[]): Tensor {
  const legal = indices
    .map((index, j) => equal(gather(iota('int32', [ct.shape[j]], 0), index), index))
    .reduce<Tensor>((all, one) => and(all, one), full(indices[0]?.shape ?? [], 1, 'bool'));
  return select(
    broadcast(legal, updates.shape, range(legal.ndim)),
    gather(ct, ...indices),
    full(updates.shape, 0, ct.dtype),
  );
}

/** A number of its own for every update. */
function updateNumbers(updates: Aval): Tensor {
  return reshape(iota('int32', [updates.size], 0), updates.shape);
}

/** x with updates put at the indices; of several updates of one place the last wins, and has the whole derivative. */
export const scatterSet: Scatter = scatter('scatterSet', 'set', -2, {
  kind: 'linear',
  transpose: [
    (ct, [, updates, ...indices]) => scatterSet(ct, full(updates.shape, 0, ct.dtype), ...indices),
    (ct, [, updates, ...indices]) => {
      const numbers = updateNumbers(updates.aval);
      const winner = gather(scatterSet(full(ct.shape, -1, 'int32'), numbers, ...indices), ...indices);
      return select(equal(winner, numbers), gather(ct, ...indices), full(updates.shape, 0, ct.dtype));
    },
    null,
  ],
});

/** All candidates that equal the result share its derivative equally. */
function extremeJvp(index: 0 | 1): JvpRule<None> {
  return (tangent, [x, updates, ...indices], out) => {
    const hit = (a: Tensor, b: Tensor): Tensor => cast(equal(a, b), out.dtype);
    const base = hit(x, out);
    const chosen = hit(updates, gather(out, ...indices));
    const count = scatterAdd(base, chosen, ...indices);
    return index === 0
      ? div(mul(tangent, base), count)
      : div(scatterAdd(zerosLike(out), mul(tangent, chosen), ...indices), count);
  };
}

export const scatterMin: Scatter = scatter('scatterMin', 'min', -2, {
  kind: 'smooth',
  jvp: [extremeJvp(0), extremeJvp(1), null],
});
export const scatterMax: Scatter = scatter('scatterMax', 'max', -2, {
  kind: 'smooth',
  jvp: [extremeJvp(0), extremeJvp(1), null],
});

/** x times all updates of each place. */
export const scatterMul: Scatter = scatter('scatterMul', 'mul', 0.5, {
  kind: 'smooth',
  jvp: [
    (dx, [x, updates, ...indices]) => mul(dx, scatterMul(constantLike(x, 1), updates, ...indices)),
    (du, [x, updates, ...indices]) => {
      // The product of the other updates: without its zeros, unless another one is zero.
      const isZero = equal(updates, zerosLike(updates));
      const zero = cast(isZero, updates.dtype);
      const nonzero = select(isZero, constantLike(updates, 1), updates);
      const product = gather(scatterMul(constantLike(x, 1), nonzero, ...indices), ...indices);
      const zeros = gather(scatterAdd(zerosLike(x), zero, ...indices), ...indices);
      const others = select(equal(zeros, zero), div(product, nonzero), zerosLike(updates));
      return mul(x, scatterAdd(zerosLike(x), mul(du, others), ...indices));
    },
    null,
  ],
});
