/** Positive definite matrices. */
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from '../numpy/array.ts';
import { add, mul } from '../primitives/arithmetic.ts';
import { constantLike } from '../primitives/broadcast.ts';
import * as primitive from '../primitives/cholesky.ts';
import { transposed } from '../primitives/matrix.ts';
import { triangularSolve } from '../primitives/triangular.ts';
import { asSquare, asSystem } from './operands.ts';

export interface CholeskyOptions {
  /** The upper triangular factor Lᵀ instead. Default false. */
  readonly upper?: boolean;
  /** Decompose (A + Aᵀ)/2; else only the lower triangle is read (the upper one for `upper`). Default true. */
  readonly symmetrizeInput?: boolean;
}

/**
 * The lower triangular L with L·Lᵀ = A for symmetric positive definite matrices, [..., n, n]. Where a matrix is not
 * positive definite, L is NaN on and below the diagonal. As jax.numpy.linalg.cholesky.
 *
 * @example cholesky([[4, 2], [2, 5]]) // [[2, 0], [1, 2]]
 * @throws ShapeMismatch where a matrix is not square
 */
export function cholesky(a: TensorLike, options: CholeskyOptions = {}): Tensor {
  const { upper = false, symmetrizeInput = true } = options;
  const x = asSquare('cholesky', a);
  const half = constantLike(x, 0.5);
  const read = symmetrizeInput ? mul(add(x, transposed(x)), half) : upper ? transposed(x) : x;
  const l = primitive.cholesky(read);
  return upper ? transposed(l) : l;
}

/**
 * x with A·x = b, from the Cholesky factor of A: as jax.scipy.linalg.cho_solve.
 *
 * @param lower whether the factor is the lower one, as cholesky gives it. Default true
 * @example choSolve(cholesky(a), b) // solve(a, b)
 * @throws ShapeMismatch
 */
export function choSolve(
  factor: TensorLike,
  b: TensorLike,
  { lower = true }: { lower?: boolean } = {},
): Tensor {
  const system = asSystem('choSolve', factor, b);
  const half = triangularSolve(system.a, system.b, { lower, transpose: !lower });
  return system.restore(triangularSolve(system.a, half, { lower, transpose: lower }));
}
