/** Roots of systems of equations, by Newton's method. */
import { scalar, type Tensor } from '../core/tensor.ts';
import { norm, scalarLike, type VectorMap } from '../linalg/iterative/iteration.ts';
import { implicitSolvers, innerMethod, solveVector, toleranceOf } from '../linalg/iterative/linear-solve.ts';
import { onVectors, ravelList } from '../linalg/ravel.ts';
import { add, multiply, subtract } from '../numpy/arithmetic.ts';
import { equal, greater, less, lessEqual, logicalAnd, logicalOr, where } from '../numpy/logic.ts';
import { isFinite } from '../numpy/rounding.ts';
import type { Outputs } from '../transforms/arguments.ts';
import type { Like } from '../transforms/control/body.ts';
import { whileLoop } from '../transforms/control/flow.ts';
import type { ListFunction, Solved } from '../transforms/implicit/linear.ts';
import { customRoot } from '../transforms/implicit/root.ts';
import { mapOfUnknown } from '../transforms/implicit/unknown.ts';
import { linearize } from '../transforms/linearize.ts';
import { requireSteps, type Solution, type SolutionOptions } from './solution.ts';

export interface RootOptions extends SolutionOptions {
  /**
   * The iteration ends with a step of ‖Δx‖ ≤ tolerance·‖x‖, after which the error is about the square of it, or where
   * f(x) = 0. Default 1e-10, 1e-5 for float32.
   */
  readonly tolerance?: number;
  /** The Jacobian ∂f/∂x is symmetric. Default false. */
  readonly symmetric?: boolean;
}

/** How often a step is halved at most. */
const halvings = 30;

/**
 * x* with f(x*, θ) = 0, by Newton's method with step halving from x0: as many equations as unknowns. Each step solves with
 * the exact Jacobian, dense or by GMRES.
 *
 * x* is differentiated by the implicit function theorem, dx* = −(∂f/∂x)⁻¹·∂f/∂θ·dθ, in both modes and to any order, in
 * all parameters and whatever else f closes over, not in x0 (Christianson 1994; Blondel et al. 2022). Everything is one
 * compiled program, also inside `jit`, `vmap` and `scan`. It is traced at every call: put calls that repeat into `jit`.
 *
 * @param f (x, parameters) → a tree like x, all zero at the solution
 * @param x0 a tree of floats; float64 where f's result is
 * @param parameters θ, any tree
 * @example root((x, a) => x.mul(x).sub(a), 1, 2).x // √2
 * @example grad((a) => root((x) => x.mul(x).sub(a), 1).x)(2) // 1/(2√2)
 * @throws WrongTree, ShapeMismatch where there are not as many equations as unknowns; BadArgument
 */
export function root<X, P = undefined>(
  f: (x: Outputs<X>, parameters: P) => Like<X>,
  x0: X,
  parameters?: P,
  options: RootOptions = {},
): Solution<X> {
  requireSteps('root', options);
  const unknown = mapOfUnknown('root', withParameters(f, parameters), x0, 'x0');
  const solvers = implicitSolvers(unknown.leaves, options.symmetric ?? false, options.linear);
  const { x, report } = customRoot(
    'root',
    unknown.f,
    unknown.leaves,
    (equations, start) => newton(equations, start, options),
    solvers,
  );
  const [iterations, residual, converged] = report;
  return { x: unknown.rebuild(x), iterations, residual, converged };
}

/** f of x alone, under its own name. */
export function withParameters<X, P, R>(
  f: (x: X, parameters: P) => R,
  parameters: P | undefined,
): (x: X) => R {
  if (typeof f !== 'function') return f;
  return Object.defineProperty((x: X) => f(x, parameters as P), 'name', { value: f.name });
}

function newton(f: ListFunction, start: readonly Tensor[], options: RootOptions): Solved {
  const { vector, unravel } = ravelList(start);
  const map = onVectors(f, unravel);
  const { maxIterations = 50 } = options;
  const tolerance = toleranceOf(vector, options);
  const { linear = {} } = options;
  const method = innerMethod(vector.size, linear);
  const first = map(vector);
  const last = whileLoop(
    ({ k, going }) => logicalAnd(going, less(k, maxIterations)),
    ({ k, x, residual }) => {
      const [value, push] = linearize(map, x);
      const step = solveVector(method, push as VectorMap, value, linear).x;
      const found = whileLoop(
        ({ halved, t, at }) => logicalAnd(less(halved, halvings), noDecrease(at.residual, residual, t)),
        ({ halved, t }) => {
          const shorter = multiply(t, 0.5);
          const moved = subtract(x, multiply(step, shorter));
          return { halved: add(halved, 1), t: shorter, at: { x: moved, residual: norm(map(moved)) } };
        },
        {
          halved: scalar('int32', 0),
          t: scalarLike(vector, 2),
          at: { x, residual: scalarLike(vector, Number.POSITIVE_INFINITY) },
        },
      ).at;
      const small = lessEqual(norm(step), multiply(norm(found.x), tolerance));
      const better = less(found.residual, residual);
      const exact = equal(found.residual, 0);
      const converged = logicalOr(small, exact);
      return {
        k: add(k, 1),
        x: where(better, found.x, x),
        residual: where(better, found.residual, residual),
        converged,
        going: logicalAnd(better, logicalAnd(isFinite(found.residual), converged.logicalNot())),
      };
    },
    {
      k: scalar('int32', 0),
      x: vector,
      residual: norm(first),
      converged: equal(norm(first), 0),
      going: greater(norm(first), 0),
    },
  );
  return { x: unravel(last.x), report: [last.k, last.residual, last.converged] };
}

/** Whether a step of length t was no decrease, as NaN is none, and is to be halved (Dennis and Schnabel 1983, with α = 1e-4). */
function noDecrease(residual: Tensor, before: Tensor, t: Tensor): Tensor {
  return lessEqual(residual, multiply(before, subtract(1, multiply(t, 1e-4)))).logicalNot();
}
