/** Systems of linear equations. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from '../numpy/array.ts';
import { stop } from '../primitives/arithmetic.ts';
import { solveFactored } from '../primitives/factored.ts';
import { luFactor } from '../primitives/lu.ts';
import { bind } from '../primitives/primitive.ts';
import { triangularSolve } from '../primitives/triangular.ts';
import { asSquare, asSystem, identityLike } from './operands.ts';

function solveMatrix(a: Tensor, b: Tensor): Tensor {
  const [lu, , permutation] = bind(luFactor, [stop(a)], {});
  return solveFactored(a, lu, permutation, b);
}

/**
 * x with A·x = b, by LU with partial pivoting: A of [..., n, n], b of [n] or [..., n, m], batch axes broadcast. Where A is
 * singular, x has infinities or NaN. The derivative is A⁻¹·(db − dA·x), with the same decomposition. As
 * jax.numpy.linalg.solve.
 *
 * @example solve([[2, 1], [1, 3]], [3, 5]) // [0.8, 1.4]
 * @throws ShapeMismatch
 */
export function solve(a: TensorLike, b: TensorLike): Tensor {
  const system = asSystem('solve', a, b);
  return system.restore(solveMatrix(system.a, system.b));
}

/**
 * The inverse of matrices, [..., n, n]. To solve a system use {@link solve}, which is quicker and more accurate.
 *
 * @example inv([[2, 0], [0, 4]]) // [[0.5, 0], [0, 0.25]]
 * @throws ShapeMismatch where a matrix is not square
 */
export function inv(a: TensorLike): Tensor {
  const x = asSquare('inv', a);
  return solveMatrix(x, identityLike(x));
}

export interface TriangularOptions {
  /** Whether the lower triangle is meant; the other one is not read. Default false. */
  readonly lower?: boolean;
  /** 'N' (or 0) solves A·x = b, 'T' (or 1) Aᵀ·x = b. Default 'N'. */
  readonly trans?: 0 | 1 | 'N' | 'T';
  /** The diagonal counts as ones and is not read. Default false. */
  readonly unitDiagonal?: boolean;
}

/**
 * x with A·x = b for a triangular A of [..., n, n]; b is [n] or [..., n, m]. As jax.scipy.linalg.solve_triangular.
 *
 * @example solveTriangular([[2, 0], [1, 4]], [2, 9], { lower: true }) // [1, 2]
 * @throws ShapeMismatch, BadArgument
 */
export function solveTriangular(a: TensorLike, b: TensorLike, options: TriangularOptions = {}): Tensor {
  const { lower = false, trans = 'N', unitDiagonal = false } = options;
  if (![0, 1, 'N', 'T'].includes(trans))
    throw new BadArgument({
      did: `solveTriangular with trans ${JSON.stringify(trans)}`,
      expected: "'N' or 0 for A·x = b, 'T' or 1 for Aᵀ·x = b",
      remedy: "solveTriangular(a, b, { trans: 'T' })",
    });
  const system = asSystem('solveTriangular', a, b);
  const transpose = trans === 1 || trans === 'T';
  return system.restore(triangularSolve(system.a, system.b, { lower, transpose, unitDiagonal }));
}
