/** The LU decomposition and determinants. */
import { range, showShape } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { cast, mul, stop } from '../primitives/arithmetic.ts';
import { broadcast, iota } from '../primitives/broadcast.ts';
import { equal, sign } from '../primitives/compare.ts';
import { detFactored, diagonalOf, logDetFactored, parity } from '../primitives/factored.ts';
import * as primitive from '../primitives/lu.ts';
import { lower, permuteRows, upper, withUnitDiagonal } from '../primitives/matrix.ts';
import { bind } from '../primitives/primitive.ts';
import { reduceProd } from '../primitives/reduce.ts';
import { slice } from '../primitives/slice.ts';
import { triangularSolve } from '../primitives/triangular.ts';
import { asMatrix, asSquare, asSystem } from './operands.ts';

/**
 * [lu, pivots]: L below the diagonal (its own is 1) and U on and above it, of A with rows exchanged. Step i exchanged
 * rows i and pivots[i]. A is [..., m, n], pivots int32 of [..., min(m, n)]. As jax.scipy.linalg.lu_factor.
 *
 * @example const [lu, pivots] = luFactor(a); luSolve([lu, pivots], b)
 * @throws ShapeMismatch
 */
export function luFactor(a: TensorLike): [lu: Tensor, pivots: Tensor] {
  const [lu, pivots] = bind(primitive.luFactor, [asMatrix('luFactor', a)], {});
  return [lu, pivots];
}

/** The first rows and columns of matrices. */
function corner(x: Tensor, rows: number, columns: number): Tensor {
  const lead = x.shape.slice(0, -2);
  return slice(x, [...lead.map(() => 0), 0, 0], [...lead, rows, columns]);
}

/**
 * [P, L, U] with A = P·L·U: P a permutation, L of [..., m, k] lower triangular with ones on its diagonal, U of [..., k, n]
 * upper triangular, k = min(m, n). As jax.scipy.linalg.lu.
 *
 * @example const [p, l, u] = lu([[1, 2], [3, 4]]) // l is [[1, 0], [1/3, 1]]
 * @throws ShapeMismatch
 */
export function lu(a: TensorLike): [p: Tensor, l: Tensor, u: Tensor] {
  const x = asMatrix('lu', a);
  const [factors, , permutation] = bind(primitive.luFactor, [x], {});
  const [m, n] = x.shape.slice(-2);
  const k = Math.min(m, n);
  const square = [...x.shape.slice(0, -2), m, m];
  // P[permutation[i], i] = 1.
  const column = broadcast(permutation, square, [...range(x.ndim - 2), x.ndim - 1]);
  const p = cast(equal(iota('int32', square, x.ndim - 2), column), x.dtype);
  return [p, withUnitDiagonal(lower(corner(factors, m, k))), upper(corner(factors, k, n))];
}

/**
 * x with A·x = b from what {@link luFactor} gives for a square A. As jax.scipy.linalg.lu_solve.
 *
 * @throws ShapeMismatch
 */
export function luSolve([factors, pivots]: readonly [TensorLike, TensorLike], b: TensorLike): Tensor {
  const system = asSystem('luSolve', factors, b);
  const exchanged = asTensor(pivots);
  const wanted = system.a.shape.slice(0, -1);
  if (exchanged.shape.join() !== wanted.join())
    throw new ShapeMismatch({
      did: `luSolve of a matrix ${system.a.aval} with pivots ${exchanged.aval}`,
      expected: `the pivots that luFactor gave with it, of shape ${showShape(wanted)}`,
      remedy: 'luSolve(luFactor(a), b)',
    });
  const rows = permuteRows(system.b, primitive.permutationOf(exchanged));
  const y = triangularSolve(system.a, rows, { lower: true, unitDiagonal: true });
  return system.restore(triangularSolve(system.a, y, {}));
}

/**
 * The determinant of matrices, [..., n, n]. Its derivative tr(adj(A)·dA) is right also where the rank is n − 1. As
 * jax.numpy.linalg.det.
 *
 * @example det([[1, 2], [3, 4]]) // -2
 * @throws ShapeMismatch where a matrix is not square
 */
export function det(a: TensorLike): Tensor {
  const x = asSquare('det', a);
  const [factors, pivots] = bind(primitive.luFactor, [stop(x)], {});
  return detFactored(x, factors, pivots);
}

/**
 * { sign, logabsdet } with det A = sign·e^logabsdet, which neither over- nor underflows; 0 and −∞ where A is singular. The
 * derivative of logabsdet is tr(A⁻¹·dA). As jax.numpy.linalg.slogdet.
 *
 * @example slogdet([[0, 2], [1, 0]]) // { sign: -1, logabsdet: 0.693… }
 * @throws ShapeMismatch where a matrix is not square
 */
export function slogdet(a: TensorLike): { sign: Tensor; logabsdet: Tensor } {
  const x = asSquare('slogdet', a);
  const [factors, pivots, permutation] = bind(primitive.luFactor, [stop(x)], {});
  const signs = reduceProd(sign(diagonalOf(factors)), [x.ndim - 2]);
  return { sign: mul(signs, parity(pivots, x)), logabsdet: logDetFactored(x, factors, permutation) };
}
