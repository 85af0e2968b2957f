/** What iterative solvers of A·x = b have in common: their options, when they stop, what they report. */
import type { Tensor } from '../../core/tensor.ts';
import { subtract } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { lessEqual } from '../../numpy/logic.ts';
import { vdot } from '../../numpy/products.ts';
import { full } from '../../primitives/broadcast.ts';

/** A linear map of vectors. */
export type VectorMap = (x: Tensor) => Tensor;

export interface IterationLimits {
  /** The iteration ends where ‖b − A·x‖ ≤ tolerance·‖b‖. */
  readonly tolerance: number;
  /** How many times A is applied at most. */
  readonly maxIterations: number;
  /** M ≈ A⁻¹. */
  readonly precondition: VectorMap;
}

export interface VectorSolution {
  readonly x: Tensor;
  /** How many times the iteration applied A, int32. */
  readonly iterations: Tensor;
  /** ‖b − A·x‖, computed from the solution. */
  readonly residual: Tensor;
  readonly converged: Tensor;
}

export const norm = (x: Tensor): Tensor => sqrt(vdot(x, x));

/** A scalar of x's element type. */
export const scalarLike = (x: Tensor, value: number): Tensor => full([], value, x.dtype);

/**
 * The report, from the true residual. Rounding makes what iterations carry along of it smaller than it is: ten times
 * the tolerance still counts.
 */
export function solution(
  matvec: VectorMap,
  b: Tensor,
  x: Tensor,
  iterations: Tensor,
  threshold: Tensor,
): VectorSolution {
  const residual = norm(subtract(b, matvec(x)));
  return { x, iterations, residual, converged: lessEqual(residual, threshold.mul(10)) };
}
