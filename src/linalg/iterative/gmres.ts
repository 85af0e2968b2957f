/** Generalized minimal residuals. */
import { epsilonOf } from '../../core/dtype.ts';
import { scalar, type Tensor } from '../../core/tensor.ts';
import { absolute, add, divide, multiply, subtract } from '../../numpy/arithmetic.ts';
import { hypot } from '../../numpy/elementary.ts';
import {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  minimum,
  where,
} from '../../numpy/logic.ts';
import { matmul } from '../../numpy/products.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { full, iota, zerosLike } from '../../primitives/broadcast.ts';
import { slice } from '../../primitives/slice.ts';
import { whileLoop } from '../../transforms/control/flow.ts';
import { identityLike } from '../operands.ts';
import { solveTriangular } from '../solve.ts';
import { type IterationLimits, norm, scalarLike, type VectorMap, type VectorSolution } from './iteration.ts';

interface Cycle {
  readonly x: Tensor;
  readonly steps: Tensor;
}

/**
 * GMRES(m) for any square A (Saad and Schultz 1986), preconditioned from the right: of all x in the Krylov space, the
 * one with the smallest residual. Without restarts it ends in at most n steps; m vectors are kept. The basis is made
 * orthogonal twice by classical Gram and Schmidt, which keeps it so to rounding (Giraud, Langou, Rozložník 2005).
 *
 * @param restart m
 */
export function generalizedMinimalResiduals(
  matvec: VectorMap,
  b: Tensor,
  limits: IterationLimits & { readonly restart: number },
): VectorSolution {
  const { tolerance, maxIterations, restart } = limits;
  const threshold = norm(b).mul(tolerance);
  const last = whileLoop(
    ({ k, size, before }) =>
      logicalAnd(less(k, maxIterations), logicalAnd(greater(size, threshold), less(size, before))),
    ({ k, x, r, size }) => {
      const steps = minimum(restart, subtract(maxIterations, k));
      const cycle = krylovCycle(matvec, r, limits.precondition, restart, steps, threshold);
      const next = add(x, cycle.x);
      const rest = subtract(b, matvec(next));
      const left = norm(rest);
      // At rounding level a cycle may make it worse.
      const better = less(left, size);
      return {
        k: add(k, cycle.steps),
        x: where(better, next, x),
        r: where(better, rest, r),
        size: where(better, left, size),
        before: size,
      };
    },
    { k: scalar('int32', 0), x: zerosLike(b), r: b, size: norm(b), before: scalarLike(b, Infinity) },
  );
  return { x: last.x, iterations: last.k };
}

/** The best correction for a residual r in a Krylov space of at most `steps` ≤ m dimensions. */
function krylovCycle(
  matvec: VectorMap,
  r: Tensor,
  precondition: VectorMap,
  m: number,
  steps: Tensor,
  threshold: Tensor,
): Cycle {
  const zero = scalarLike(r, 0);
  const eps = epsilonOf(r.dtype);
  const size = norm(r);
  const last = whileLoop(
    ({ k, left, ended }) =>
      logicalAnd(less(k, steps), logicalAnd(greater(left, threshold), logicalNot(ended))),
    ({ k, basis, rotation, upper }) => {
      const image = matvec(precondition(basis.at(k).get()));
      const first = matmul(basis, image);
      const once = subtract(image, matmul(first, basis));
      const second = matmul(basis, once);
      const rest = subtract(once, matmul(second, basis));
      const length = norm(rest);
      // The space holds the solution: nothing is left of A·v.
      const ended = lessEqual(length, multiply(norm(image), 4 * eps));
      const height = where(ended, zero, length);
      const following = where(ended, zerosLike(rest), divide(rest, length));
      const next = add(k, 1);
      const column = matmul(rotation, add(first, second).at(next).set(height));
      const [a, c] = [column.at(k).get(), column.at(next).get()];
      const rho = hypot(a, c);
      const [cos, sin] = [a, c].map((one, i) => where(equal(rho, 0), scalarLike(r, 1 - i), divide(one, rho)));
      const [up, down] = [rotation.at(k).get(), rotation.at(next).get()];
      const turned = rotation
        .at(k)
        .set(add(multiply(up, cos), multiply(down, sin)))
        .at(next)
        .set(subtract(multiply(down, cos), multiply(up, sin)));
      return {
        k: next,
        basis: basis.at(next).set(following),
        rotation: turned,
        upper: upper.at(k).set(column.at(k).set(rho).at(next).set(zero)),
        left: absolute(multiply(size, turned.at(next, 0).get())),
        ended,
      };
    },
    {
      k: scalar('int32', 0),
      // Row j is the j-th vector; rows not yet made are zero, so that products with all of them are right.
      basis: full([m + 1, r.size], 0, r.dtype)
        .at(0)
        .set(divide(r, size)),
      // The product of all Givens rotations so far.
      rotation: identityLike(full([m + 1, m + 1], 0, r.dtype)),
      // Row j is the j-th column of the triangular factor.
      upper: full([m, m + 1], 0, r.dtype),
      left: size,
      ended: scalar('bool', 0),
    },
  );
  const factor = slice(last.upper, [0, 0], [m, m]);
  const diagonal = identityLike(factor);
  const unused = logicalOr(
    equal(matmul(multiply(factor, diagonal), full([m], 1, r.dtype)), 0),
    greaterEqual(iota('int32', [m], 0), last.k),
  );
  const filled = add(factor, multiply(diagonal, cast(unused, r.dtype)));
  const target = where(unused, zero, multiply(slice(last.rotation, [0, 0], [m, 1]).reshape([m]), size));
  const weights = solveTriangular(matrixTranspose(filled), target);
  const x = precondition(matmul(weights, slice(last.basis, [0, 0], [m, r.size])));
  return { x, steps: last.k };
}
