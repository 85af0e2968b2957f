/** Conjugate gradients. */
import { scalar, type Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, subtract } from '../../numpy/arithmetic.ts';
import { greater, less, logicalAnd } from '../../numpy/logic.ts';
import { vdot } from '../../numpy/products.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import { whileLoop } from '../../transforms/control/flow.ts';
import { type IterationLimits, norm, type VectorMap, type VectorSolution } from './iteration.ts';

/**
 * Preconditioned conjugate gradients for a symmetric positive definite A (Hestenes and Stiefel 1952; Nocedal and
 * Wright 2006, algorithm 5.3). In exact arithmetic it ends in at most as many steps as A has different eigenvalues.
 */
export function conjugateGradients(matvec: VectorMap, b: Tensor, limits: IterationLimits): VectorSolution {
  const { tolerance, maxIterations, precondition } = limits;
  const threshold = norm(b).mul(tolerance);
  const z = precondition(b);
  const last = whileLoop(
    ({ k, r }) => logicalAnd(less(k, maxIterations), greater(norm(r), threshold)),
    ({ k, x, r, p, rz }) => {
      const q = matvec(p);
      const alpha = divide(rz, vdot(p, q));
      const rest = subtract(r, multiply(q, alpha));
      const next = precondition(rest);
      const after = vdot(rest, next);
      return {
        k: add(k, 1),
        x: add(x, multiply(p, alpha)),
        r: rest,
        p: add(next, multiply(p, divide(after, rz))),
        rz: after,
      };
    },
    { k: scalar('int32', 0), x: zerosLike(b), r: b, p: z, rz: vdot(b, z) },
  );
  return { x: last.x, iterations: last.k };
}
