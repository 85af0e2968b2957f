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
}

export const norm = (x: Tensor): Tensor => sqrt(vdot(x, x));

/** A scalar of x's element type. */
export const scalarLike = (x: Tensor, value: number): Tensor => full([], value, x.dtype);

/**
 * The number of iterations, ‖b − A·x‖ computed from the solution, and whether that is small. Rounding makes what
 * iterations carry along of it smaller than it is: ten times the tolerance still counts.
 */
export function reportOf(
  matvec: VectorMap,
  b: Tensor,
  { x, iterations }: VectorSolution,
  tolerance: number,
): [iterations: Tensor, residual: Tensor, converged: Tensor] {
  const residual = norm(subtract(b, matvec(x)));
  return [iterations, residual, lessEqual(residual, norm(b).mul(10 * tolerance))];
}
