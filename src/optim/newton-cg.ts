/** Newton's method with conjugate gradients inside a trust region. */
import { epsilonOf } from '../core/dtype.ts';
import { scalar, type Tensor } from '../core/tensor.ts';
import { norm, scalarLike, type VectorMap } from '../linalg/iterative/iteration.ts';
import { absolute, add, divide, multiply, negative, subtract } from '../numpy/arithmetic.ts';
import { sqrt } from '../numpy/elementary.ts';
import {
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  where,
} from '../numpy/logic.ts';
import { vdot } from '../numpy/products.ts';
import { isFinite } from '../numpy/rounding.ts';
import { zerosLike } from '../primitives/broadcast.ts';
import { whileLoop } from '../transforms/control/flow.ts';
import { valueAndGrad } from '../transforms/grad.ts';
import { linearize } from '../transforms/linearize.ts';
import { type DescentLimits, largestOf, type Minimum, minimumOf } from './lbfgs.ts';

/**
 * Newton's method with Hessian–vector products alone: each step is that of Steihaug (1983), conjugate gradients on the
 * quadratic model, which end at the boundary of the trust region or along a direction of negative curvature (Nocedal and
 * Wright 2006, algorithms 4.1 and 7.2). Near the minimum it converges superlinearly, then quadratically.
 */
export function trustRegionNewton(f: (x: Tensor) => Tensor, x0: Tensor, limits: DescentLimits): Minimum {
  const { tolerance, maxIterations } = limits;
  const eps = epsilonOf(x0.dtype);
  const evaluate = valueAndGrad(f) as unknown as (x: Tensor) => [Tensor, Tensor];
  const [value, gradient] = evaluate(x0);
  const last = whileLoop(
    ({ k, gradient: g, going }) =>
      logicalAnd(logicalAnd(going, less(k, maxIterations)), greater(largestOf(g), tolerance)),
    ({ k, x, value: before, gradient: g, radius, evaluations }) => {
      const [, push] = linearize((at: Tensor) => evaluate(at)[1], x);
      const { step, product, atBoundary } = steihaug(push as VectorMap, g, radius, x.size);
      const predicted = negative(add(vdot(g, step), multiply(vdot(step, product), 0.5)));
      const [after, slopes] = evaluate(add(x, step));
      const actual = subtract(before, after);
      const ratio = divide(actual, predicted);
      // Where rounding hides the decrease, a smaller gradient decides.
      const hidden = lessEqual(predicted, multiply(maximum(absolute(before), absolute(after)), 10 * eps));
      const smaller = less(largestOf(slopes), largestOf(g));
      const accepted = where(hidden, smaller, greater(ratio, 1e-4));
      const length = norm(step);
      const good = logicalOr(hidden, greater(ratio, 0.75));
      const poor = logicalNot(logicalOr(hidden, greaterEqual(ratio, 0.25)));
      const next = where(
        poor,
        multiply(minimum(length, radius), 0.25),
        where(logicalAnd(good, atBoundary), multiply(radius, 2), radius),
      );
      return {
        k: add(k, 1),
        x: where(accepted, add(x, step), x),
        value: where(accepted, after, before),
        gradient: where(accepted, slopes, g),
        radius: next,
        evaluations: add(evaluations, 1),
        going: logicalAnd(
          logicalOr(accepted, logicalNot(hidden)),
          logicalAnd(greater(next, multiply(norm(x), eps)), isFinite(length)),
        ),
      };
    },
    {
      k: scalar('int32', 0),
      x: x0,
      value,
      gradient,
      radius: scalarLike(x0, 1),
      evaluations: scalar('int32', 1),
      going: scalar('bool', 1),
    },
  );
  return minimumOf(last, tolerance);
}

interface TrustStep {
  readonly step: Tensor;
  /** The Hessian times the step. */
  readonly product: Tensor;
  readonly atBoundary: Tensor;
}

/** A step p of at most `radius` that makes gᵀp + pᵀHp/2 small, and a residual that shrinks with ‖g‖. */
function steihaug(hessian: VectorMap, g: Tensor, radius: Tensor, n: number): TrustStep {
  const size = norm(g);
  const goal = multiply(minimum(scalarLike(g, 0.5), sqrt(size)), size);
  const last = whileLoop(
    ({ k, r, ended }) => logicalAnd(logicalNot(ended), logicalAnd(less(k, 2 * n), greater(norm(r), goal))),
    ({ k, p, hp, r, d }) => {
      const hd = hessian(d);
      const curvature = vdot(d, hd);
      const rr = vdot(r, r);
      const alpha = divide(rr, curvature);
      const inner = add(p, multiply(d, alpha));
      // NaN counts as outside.
      const leaves = logicalOr(lessEqual(curvature, 0), logicalNot(less(norm(inner), radius)));
      const t = where(leaves, toBoundary(p, d, radius), alpha);
      const rest = add(r, multiply(hd, t));
      return {
        k: add(k, 1),
        p: add(p, multiply(d, t)),
        hp: add(hp, multiply(hd, t)),
        r: rest,
        d: subtract(multiply(d, divide(vdot(rest, rest), rr)), rest),
        ended: leaves,
      };
    },
    {
      k: scalar('int32', 0),
      p: zerosLike(g),
      hp: zerosLike(g),
      r: g,
      d: negative(g),
      ended: scalar('bool', 0),
    },
  );
  return { step: last.p, product: last.hp, atBoundary: last.ended };
}

/** t ≥ 0 with ‖p + t·d‖ = radius. */
function toBoundary(p: Tensor, d: Tensor, radius: Tensor): Tensor {
  const [dd, pd, pp] = [vdot(d, d), vdot(p, d), vdot(p, p)];
  const root = sqrt(add(multiply(pd, pd), multiply(dd, maximum(subtract(multiply(radius, radius), pp), 0))));
  // Of the two forms of the solution the one without cancellation.
  const rest = maximum(subtract(multiply(radius, radius), pp), 0);
  return where(greater(pd, 0), divide(rest, add(root, pd)), divide(subtract(root, pd), dd));
}
