/** Stabilized biconjugate gradients. */
import { epsilonOf } from '../../core/dtype.ts';
import { scalar, type Tensor } from '../../core/tensor.ts';
import { absolute, add, divide, multiply, subtract } from '../../numpy/arithmetic.ts';
import { equal, greater, less, logicalAnd, where } from '../../numpy/logic.ts';
import { vdot } from '../../numpy/products.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import { whileLoop } from '../../transforms/control/flow.ts';
import { type IterationLimits, norm, scalarLike, type VectorMap, type VectorSolution } from './iteration.ts';

/**
 * BiCGSTAB for any square A (van der Vorst 1992), preconditioned from the right. Its memory does not grow with the
 * steps, each of which applies A twice. Where the shadow residual has become orthogonal to the residual, it starts
 * again from there.
 */
export function stabilizedBiconjugateGradients(
  matvec: VectorMap,
  b: Tensor,
  limits: IterationLimits,
): VectorSolution {
  const { tolerance, maxIterations, precondition } = limits;
  const threshold = norm(b).mul(tolerance);
  const eps = epsilonOf(b.dtype);
  const last = whileLoop(
    ({ k, r }) => logicalAnd(less(k, maxIterations), greater(norm(r), threshold)),
    ({ k, x, r, p, shadow, rho }) => {
      const direction = precondition(p);
      const v = matvec(direction);
      const alpha = divide(rho, vdot(shadow, v));
      const s = subtract(r, multiply(v, alpha));
      const correction = precondition(s);
      const t = matvec(correction);
      const tt = vdot(t, t);
      const omega = where(equal(tt, 0), scalarLike(b, 0), divide(vdot(t, s), tt));
      const rest = subtract(s, multiply(t, omega));
      const after = vdot(shadow, rest);
      // |cos| of the angle between the shadow and the residual at rounding level, or a step that did not stabilize.
      const lost = logicalAnd(
        greater(
          multiply(multiply(norm(shadow), norm(rest)), eps),
          multiply(absolute(after), absolute(omega)),
        ),
        greater(norm(rest), threshold),
      );
      const beta = divide(multiply(divide(after, rho), alpha), omega);
      return {
        k: add(k, 2),
        x: add(x, add(multiply(direction, alpha), multiply(correction, omega))),
        r: rest,
        p: where(lost, rest, add(rest, multiply(subtract(p, multiply(v, omega)), beta))),
        shadow: where(lost, rest, shadow),
        rho: where(lost, vdot(rest, rest), after),
      };
    },
    { k: scalar('int32', 0), x: zerosLike(b), r: b, p: b, shadow: b, rho: vdot(b, b) },
  );
  return { x: last.x, iterations: last.k };
}
