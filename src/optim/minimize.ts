/** Minima of functions, as functions of parameters. */
import type { Tensor } from '../core/tensor.ts';
import { type IterationOptions, implicitSolvers } from '../linalg/iterative/linear-solve.ts';
import { ravelList } from '../linalg/ravel.ts';
import type { Outputs } from '../transforms/arguments.ts';
import { grad } from '../transforms/grad.ts';
import { customRoot } from '../transforms/implicit/root.ts';
import { objectiveOfUnknown } from '../transforms/implicit/unknown.ts';
import { limitedMemoryBfgs, type Minimum } from './lbfgs.ts';
import { trustRegionNewton } from './newton-cg.ts';
import { withParameters } from './root.ts';
import { requireMethod, requireSteps, type Solution } from './solution.ts';

export interface MinimizeOptions {
  /** Default `lbfgs`. */
  readonly method?: 'lbfgs' | 'newtonCG';
  /** The iteration ends where no element of the gradient is larger. Default 1e-8, 1e-4 for float32. */
  readonly tolerance?: number;
  /** Default 1000 for `lbfgs`, 200 for `newtonCG`. */
  readonly maxIterations?: number;
  /** How many steps `lbfgs` remembers. Default 10. */
  readonly memory?: number;
  /** How the linear systems of the derivatives, with the Hessian, are solved. Default `dense` up to 256 unknowns, else `cg`. */
  readonly linear?: IterationOptions & { readonly method?: 'auto' | 'dense' | 'cg' | 'gmres' };
}

/** A minimum. x and value have derivatives. `residual` is the largest element of the gradient. */
export interface Minimization<X> extends Solution<X> {
  readonly value: Tensor;
  /** How often the value and the gradient were computed, int32. */
  readonly evaluations: Tensor;
}

/**
 * x* where f(x, θ) is smallest nearby, by L-BFGS or by Newton's method with conjugate gradients, from x0. Everything is
 * one compiled program, also inside `jit`, `vmap` and `scan`. It is traced at every call: put calls that repeat into `jit`.
 *
 * x* is differentiated through ∇f(x*, θ) = 0: dx* = −H⁻¹·∂(∇f)/∂θ·dθ with the Hessian H, in both modes and to any order,
 * in all parameters and whatever else f closes over, not in x0. So training loops can be differentiated in what they depend
 * on, such as regularization, without being unrolled (Blondel et al. 2022).
 *
 * @param f (x, parameters) → a 0-dimensional float
 * @param x0 a tree of floats; float64 where f's result is
 * @param parameters θ, any tree
 * @example minimize((x, a) => x.sub(a).square().sum(), tensor([0, 0]), tensor([1, 2])).x // [1, 2]
 * @throws NonScalarOutput, BadArgument
 */
export function minimize<X, P = undefined>(
  f: (x: Outputs<X>, parameters: P) => Tensor | number,
  x0: X,
  parameters?: P,
  options: MinimizeOptions = {},
): Minimization<X> {
  return minimizeNamed('minimize', f, x0, parameters, options);
}

/**
 * {@link minimize} by L-BFGS (Liu and Nocedal 1989) with the line search of Moré and Thuente (1994): gradients alone, and
 * the memory of a few steps.
 *
 * @example lbfgs((x) => x.sub(1).square().sum(), zeros([3])).x // [1, 1, 1]
 * @throws NonScalarOutput, BadArgument
 */
export function lbfgs<X, P = undefined>(
  f: (x: Outputs<X>, parameters: P) => Tensor | number,
  x0: X,
  parameters?: P,
  options: Omit<MinimizeOptions, 'method'> = {},
): Minimization<X> {
  return minimizeNamed('lbfgs', f, x0, parameters, { ...options, method: 'lbfgs' });
}

/**
 * {@link minimize} by Newton's method in a trust region, with Hessian–vector products and conjugate gradients (Steihaug
 * 1983): few steps, and no trouble with negative curvature.
 *
 * @example newtonCG((x) => x.square().square().sum().sub(x.sum()), zeros([3])).x
 * @throws NonScalarOutput, BadArgument
 */
export function newtonCG<X, P = undefined>(
  f: (x: Outputs<X>, parameters: P) => Tensor | number,
  x0: X,
  parameters?: P,
  options: Omit<MinimizeOptions, 'method' | 'memory'> = {},
): Minimization<X> {
  return minimizeNamed('newtonCG', f, x0, parameters, { ...options, method: 'newtonCG' });
}

function minimizeNamed<X, P>(
  name: string,
  f: (x: Outputs<X>, parameters: P) => Tensor | number,
  x0: X,
  parameters: P | undefined,
  options: MinimizeOptions,
): Minimization<X> {
  const { method = 'lbfgs', memory = 10 } = options;
  requireSteps(name, { ...options, memory: memory - 1 });
  requireMethod(name, method, ['lbfgs', 'newtonCG']);
  const unknown = objectiveOfUnknown(name, withParameters(f, parameters), x0, 'x0');
  const { leaves } = unknown;
  const gradient = grad((x: readonly Tensor[]) => unknown.f(x)[0]) as unknown as (
    x: readonly Tensor[],
  ) => Tensor[];
  const { x, report } = customRoot(
    name,
    gradient,
    leaves,
    (_, start) => {
      const { vector, unravel } = ravelList(start);
      const objective = (at: Tensor): Tensor => unknown.f(unravel(at))[0];
      const {
        tolerance = vector.dtype === 'float64' ? 1e-8 : 1e-4,
        maxIterations = method === 'lbfgs' ? 1000 : 200,
      } = options;
      const limits = { tolerance, maxIterations, memory };
      const found: Minimum =
        method === 'lbfgs'
          ? limitedMemoryBfgs(objective, vector, limits)
          : trustRegionNewton(objective, vector, limits);
      const { iterations, residual, converged, evaluations } = found;
      return { x: unravel(found.x), report: [iterations, residual, converged, evaluations] };
    },
    implicitSolvers(leaves, true, options.linear, 'cg'),
  );
  const [iterations, residual, converged, evaluations] = report;
  const [value] = unknown.f(x);
  return { x: unknown.rebuild(x), value, iterations, residual, converged, evaluations };
}
