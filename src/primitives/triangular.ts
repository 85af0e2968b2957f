/** Systems of equations with a triangular matrix. */
import type { Aval } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { loop, set, store, sum } from '../kernel/statement.ts';
import { neg } from './arithmetic.ts';
import { withBatchAxis } from './broadcast.ts';
import {
  lower,
  MatrixKernel,
  product,
  requireSquare,
  strictlyLower,
  strictlyUpper,
  upper,
} from './matrix.ts';
import { type Op, op, type SampleOperand } from './primitive.ts';
import { floats, given, requireSameType } from './signature.ts';

/** Which triangle is read, whether the matrix is taken transposed, and whether its diagonal counts as ones. */
export interface TriangularParams {
  readonly lower: boolean;
  readonly transpose: boolean;
  readonly unitDiagonal: boolean;
}

function lowering([a, b]: readonly Aval[], params: TriangularParams): OrderedNest {
  const n = a.shape[a.ndim - 1];
  const w = new MatrixKernel(a.dtype, a.shape.slice(0, -2));
  const [column, i, s] = [w.axis(), w.axis(), w.axis()];
  const rest = w.local();
  const element = (row: k.Expression, col: k.Expression): k.Expression =>
    params.transpose ? w.load(0, col, row) : w.load(0, row, col);
  // Rows are solved downwards where the matrix, as it is taken, is lower triangular.
  const downwards = params.lower !== params.transpose;
  const [from, to] = downwards ? [k.int(0), i.value] : [k.plus(i.value, k.int(1)), k.int(n)];
  const x = k.binary('sub', w.load(1, i.value, column.value), rest.value);
  const solve = loop(
    i.number,
    k.int(0),
    k.int(n),
    [
      set(rest.number, w.number(0)),
      sum(s.number, from, to, [
        [rest.number, k.binary('mul', element(i.value, s.value), w.load(2, s.value, column.value))],
      ]),
      store(
        0,
        w.at(i.value, column.value),
        params.unitDiagonal ? x : k.binary('div', x, element(i.value, i.value)),
      ),
    ],
    { reverse: !downwards },
  );
  return {
    form: 'ordered',
    extents: w.lead,
    locals: w.locals.types,
    body: [loop(column.number, k.int(0), k.int(b.shape[b.ndim - 1]), [solve], { independent: true })],
  };
}

const matrix = (n: number, lead: readonly number[] = []): SampleOperand => floats([...lead, n, n], 0.5, 2);

/**
 * x with A·x = b, or Aᵀ·x = b, for a triangular A of [..., n, n] and b of [..., n, m]. Linear in b; the derivative for A
 * is −A⁻¹·dA·x, of the triangle alone.
 */
export const triangularSolve: Op<
  [a: Tensor, b: Tensor, params: Partial<TriangularParams>],
  TriangularParams
> = op(
  {
    name: 'triangularSolve',
    kind: 'linear',
    abstract: ([a, b], _) => {
      const { lead, size } = requireSquare('triangularSolve', a);
      requireSameType('triangularSolve', [a, b]);
      if (
        b.ndim !== a.ndim ||
        lead.some((extent, d) => b.shape[d] !== extent) ||
        b.shape[b.ndim - 2] !== size
      )
        throw new ShapeMismatch({
          did: `triangularSolve of ${a} and ${b}`,
          expected: `a right side of ${size} rows and equal batch axes`,
          remedy: 'x.reshape([n, 1]) makes a matrix of a vector',
        });
      return b.with({});
    },
    transpose: [
      null,
      (ct, [a], params) => triangularSolve(a, ct, { ...params, transpose: !params.transpose }),
    ],
    jvp: [
      (da, [a], x, params) => {
        const triangle = params.unitDiagonal
          ? (params.lower ? strictlyLower : strictlyUpper)(da)
          : (params.lower ? lower : upper)(da);
        const moved = product(triangle, x, params.transpose ? { x: 'T' } : {});
        return neg(triangularSolve(a, moved, params));
      },
      null,
    ],
    batch: (size, [a, b], [aBatched, bBatched], params) =>
      triangularSolve(withBatchAxis(size, a, aBatched), withBatchAxis(size, b, bBatched), params),
    lower: lowering,
    samples: [
      ...[true, false].flatMap(lower =>
        [true, false].map(transpose => ({
          operands: [matrix(3), floats([3, 2])],
          params: { lower, transpose, unitDiagonal: lower === transpose },
        })),
      ),
      {
        operands: [matrix(5), floats([5, 19])],
        params: { lower: true, transpose: false, unitDiagonal: false },
      },
      {
        operands: [matrix(2, [2]), floats([2, 2, 1])],
        params: { lower: false, transpose: true, unitDiagonal: false },
      },
      {
        operands: [given('float64', [2, 2], [0, 1, 1, 1]), floats([2, 1])],
        params: { lower: true, transpose: false, unitDiagonal: false },
      },
      {
        operands: [matrix(0), floats([0, 2])],
        params: { lower: true, transpose: false, unitDiagonal: false },
      },
    ],
  },
  (a, b) => [a, b],
  (_, __, { lower = false, transpose = false, unitDiagonal = false }) => ({ lower, transpose, unitDiagonal }),
);
