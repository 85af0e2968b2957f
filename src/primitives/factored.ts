/**
 * Functions of a square matrix whose LU decomposition is at hand: the value comes from the decomposition, the derivative
 * is that of a function of the matrix. The decomposition must be that of the matrix, and counts as a constant; so the
 * samples, in which a 0 says so, are not tested against differences, but solve and det of linalg are.
 */

import type { Aval } from '../core/aval.ts';
import { range } from '../core/aval.ts';
import { epsilonOf } from '../core/dtype.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { loop, type Statement, set, store, sum as sumOver } from '../kernel/statement.ts';
import { abs, div, mul, neg, stop } from './arithmetic.ts';
import { broadcast, constantLike, iota, sum, withBatchAxis } from './broadcast.ts';
import { and, equal, less, notEqual, select } from './compare.ts';
import { cumprod } from './cumulative.ts';
import { luFactor } from './lu.ts';
import { MatrixKernel, permuteRows, product, requireSquare } from './matrix.ts';
import { bind, type Op, op } from './primitive.ts';
import { reduceMax, reduceProd } from './reduce.ts';
import { floats, given } from './signature.ts';
import { concat, slice } from './slice.ts';
import { triangularSolve } from './triangular.ts';

type None = Record<string, never>;

interface SolveParams {
  readonly transpose: boolean;
}

function solveLowering(operands: readonly Aval[], { transpose }: SolveParams): OrderedNest {
  const [a, , , b] = operands;
  const n = a.shape[a.ndim - 1];
  const w = new MatrixKernel(a.dtype, a.shape.slice(0, -2));
  const [column, i, s] = [w.axis(), w.axis(), w.axis()];
  const rest = w.local();
  const place = (row: k.Expression): k.Expression => k.load(2, 'int32', w.at(row));
  // Transposed, row i of the work stands where it belongs in the end.
  const row = (index: k.Expression): k.Expression => (transpose ? place(index) : index);
  const element = (to: k.Expression, from: k.Expression): k.Expression =>
    transpose ? w.load(1, from, to) : w.load(1, to, from);
  const work = (index: k.Expression): k.Expression => w.load(4, row(index), column.value);
  const sweep = (reverse: boolean, before: k.Expression, unit: boolean): Statement => {
    const [from, to] = reverse ? [k.plus(i.value, k.int(1)), k.int(n)] : [k.int(0), i.value];
    const x = k.binary('sub', before, rest.value);
    return loop(
      i.number,
      k.int(0),
      k.int(n),
      [
        set(rest.number, w.number(0)),
        sumOver(s.number, from, to, [
          [rest.number, k.binary('mul', element(i.value, s.value), work(s.value))],
        ]),
        store(0, w.at(row(i.value), column.value), unit ? x : k.binary('div', x, element(i.value, i.value))),
      ],
      { reverse },
    );
  };
  const given = w.load(3, transpose ? i.value : place(i.value), column.value);
  return {
    form: 'ordered',
    extents: w.lead,
    locals: w.locals.types,
    body: [
      loop(
        column.number,
        k.int(0),
        k.int(b.shape[b.ndim - 1]),
        [sweep(false, given, !transpose), sweep(true, work(i.value), transpose)],
        { independent: true },
      ),
    ],
  };
}

/**
 * x with A·x = b, or Aᵀ·x = b: for A of [..., n, n], its decomposition lu and permutation (see luFactor) and b of
 * [..., n, m]. Linear in b; the derivative for A is −A⁻¹·dA·x.
 */
export const solveFactored: Op<
  [a: Tensor, lu: Tensor, permutation: Tensor, b: Tensor, transpose?: boolean],
  SolveParams
> = op(
  {
    name: 'solveFactored',
    kind: 'linear',
    abstract: ([a, , , b]) => {
      const { lead, size } = requireSquare('solve', a);
      if (b.ndim !== a.ndim || lead.some((n, d) => b.shape[d] !== n) || b.shape[b.ndim - 2] !== size)
        throw new ShapeMismatch({
          did: `solve of ${a} and ${b}`,
          expected: `a right side of ${size} rows and equal batch axes`,
          remedy: 'check which axes of b are the last two',
        });
      return b.with({});
    },
    transpose: [
      null,
      null,
      null,
      (ct, [a, lu, permutation], { transpose }) => solveFactored(a, lu, permutation, ct, !transpose),
    ],
    jvp: [
      (da, [a, lu, permutation], x, { transpose }) =>
        neg(solveFactored(a, lu, permutation, product(da, x, transpose ? { x: 'T' } : {}), transpose)),
      null,
      null,
      null,
    ],
    batch: (size, operands, batched, { transpose }) => {
      const [a, lu, permutation, b] = operands.map((x, i) => withBatchAxis(size, x, batched[i]));
      return solveFactored(a, lu, permutation, b, transpose);
    },
    lower: solveLowering,
    samples: [false, true].map(transpose => ({
      operands: [
        given('float64', [3, 3], [0, 2, 1, 2, 1, 1, 1, 3, 2]),
        given('float64', [3, 3], [2, 1, 1, 0.5, 2.5, 1.5, 0, 0.8, -0.2]),
        given('int32', [3], [1, 2, 0]),
        floats([3, 5]),
      ],
      params: { transpose },
    })),
  },
  (a, lu, permutation, b) => [a, lu, permutation, b],
  (_, __, ___, ____, transpose = false) => ({ transpose }),
);

/** The sign of the permutation that exchanges row i with row pivots[i], for each i. */
export function parity(pivots: Tensor, like: Tensor): Tensor {
  const moved = notEqual(pivots, iota('int32', pivots.shape, pivots.ndim - 1));
  const shape = like.aval.with({ shape: pivots.shape });
  return reduceProd(select(moved, constantLike(shape, -1), constantLike(shape, 1)), [pivots.ndim - 1]);
}

/** The elements on the diagonals. */
export function diagonalOf(x: Tensor): Tensor {
  const here = equal(iota('int32', x.shape, x.ndim - 1), iota('int32', x.shape, x.ndim - 2));
  return sum(select(here, x, constantLike(x, 0)), [x.ndim - 2]);
}

const trace = (x: Tensor): Tensor => sum(diagonalOf(x), [x.ndim - 2]);

function rows(x: Tensor, from: number, to: number): Tensor {
  const lead = x.shape.slice(0, -2);
  return slice(x, [...lead.map(() => 0), from, 0], [...lead, to, x.shape[x.ndim - 1]]);
}

/**
 * adj(A)·b, which is det(A)·A⁻¹·b where A is not singular: as in JAX, but where a pivot before the last is 0, it counts as
 * a rounding error, by which the adjugate, a polynomial, changes as little.
 */
function cofactorSolve(a: Tensor, b: Tensor): Tensor {
  const n = a.shape[a.ndim - 1];
  if (n === 1) return b;
  const [factors, pivots, permutation] = bind(luFactor, [a], {});
  const last = a.ndim - 2;
  const largest = stop(reduceMax(abs(a), [last, last + 1]));
  const scale = select(equal(largest, constantLike(largest, 0)), constantLike(largest, 1), largest);
  const unit = mul(scale, constantLike(largest, epsilonOf(a.dtype)));
  const [row, column] = [last, last + 1].map(d => iota('int32', a.shape, d));
  const vanishes = and(
    and(equal(row, column), equal(factors, constantLike(a, 0))),
    less(row, constantLike(row, n - 1)),
  );
  const lu = select(vanishes, broadcast(unit, a.shape, range(last)), factors);
  const partial = cumprod(diagonalOf(lu), last);
  const lead = a.shape.slice(0, -2);
  const one = (i: number): Tensor => {
    const element = sum(slice(partial, [...lead.map(() => 0), i], [...lead, i + 1]), [last]);
    return broadcast(mul(element, parity(pivots, a)), a.shape, range(last));
  };
  const isLast = and(equal(row, column), equal(row, constantLike(row, n - 1)));
  // The last pivot is taken out of the determinant, so that nothing is divided by it.
  const changed = select(isLast, div(constantLike(a, 1), one(n - 2)), lu);
  const y = triangularSolve(changed, permuteRows(b, permutation), { lower: true, unitDiagonal: true });
  const scaled = concat([mul(rows(y, 0, n - 1), rows(one(n - 1), 0, n - 1)), rows(y, n - 1, n)], last);
  return triangularSolve(changed, scaled, {});
}

const decomposed = [
  given('float64', [3, 3], [0, 2, 1, 2, 1, 1, 1, 3, 2]),
  given('float64', [3, 3], [2, 1, 1, 0.5, 2.5, 1.5, 0, 0.8, -0.2]),
];

/** det(A) from lu and pivots. The derivative is tr(adj(A)·dA), also of matrices of rank n − 1. */
export const detFactored: Op<[a: Tensor, lu: Tensor, pivots: Tensor], None> = op(
  {
    name: 'det',
    kind: 'smooth',
    abstract: ([a]) => a.with({ shape: requireSquare('det', a).lead }),
    jvp: [(da, [a]) => (a.size === 0 ? trace(da) : trace(cofactorSolve(a, da))), null, null],
    batch: (size, operands, batched) => {
      const [a, lu, pivots] = operands.map((x, i) => withBatchAxis(size, x, batched[i]));
      return detFactored(a, lu, pivots);
    },
    lower: ([a]) => {
      const lead = range(a.ndim - 2).map(k.axis);
      const i = k.axis(a.ndim - 2);
      const moved = k.compare('ne', k.load(2, 'int32', [...lead, i]), i);
      const pivot = k.load(1, a.dtype, [...lead, i, i]);
      return {
        form: 'reduce',
        extents: a.shape.slice(0, -1),
        reduced: 1,
        lanes: 'reduced',
        accumulators: [{ reducer: 'product', term: k.select(moved, k.unary('neg', pivot), pivot) }],
        results: [k.carry(a.dtype)],
      };
    },
    samples: [{ operands: [...decomposed, given('int32', [3], [1, 2, 2])], params: {} }],
  },
  (a, lu, pivots) => [a, lu, pivots],
  () => ({}),
);

/** log |det(A)| from lu and permutation. The derivative is tr(A⁻¹·dA). */
export const logDetFactored: Op<[a: Tensor, lu: Tensor, permutation: Tensor], None> = op(
  {
    name: 'logDet',
    kind: 'smooth',
    abstract: ([a]) => a.with({ shape: requireSquare('slogdet', a).lead }),
    jvp: [(da, [a, lu, permutation]) => trace(solveFactored(a, lu, permutation, da)), null, null],
    batch: (size, operands, batched) => {
      const [a, lu, permutation] = operands.map((x, i) => withBatchAxis(size, x, batched[i]));
      return logDetFactored(a, lu, permutation);
    },
    lower: ([a]) => {
      const lead = range(a.ndim - 2).map(k.axis);
      const i = k.axis(a.ndim - 2);
      return {
        form: 'reduce',
        extents: a.shape.slice(0, -1),
        reduced: 1,
        lanes: 'reduced',
        accumulators: [
          { reducer: 'sum', term: k.unary('log', k.unary('abs', k.load(1, a.dtype, [...lead, i, i]))) },
        ],
        results: [k.carry(a.dtype)],
      };
    },
    samples: [{ operands: [...decomposed, given('int32', [3], [1, 2, 0])], params: {} }],
  },
  (a, lu, permutation) => [a, lu, permutation],
  () => ({}),
);
