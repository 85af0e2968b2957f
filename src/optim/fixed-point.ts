/** Fixed points, by repetition or with Anderson's acceleration. */
import { epsilonOf } from '../core/dtype.ts';
import { scalar, type Tensor } from '../core/tensor.ts';
import { norm, scalarLike } from '../linalg/iterative/iteration.ts';
import { implicitSolvers, toleranceOf } from '../linalg/iterative/linear-solve.ts';
import { identityLike } from '../linalg/operands.ts';
import { onVectors, ravelList } from '../linalg/ravel.ts';
import { solve } from '../linalg/solve.ts';
import { add, multiply, subtract } from '../numpy/arithmetic.ts';
import { greater, less, lessEqual, logicalAnd } from '../numpy/logic.ts';
import { matmul, vdot } from '../numpy/products.ts';
import { isFinite } from '../numpy/rounding.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { full } from '../primitives/broadcast.ts';
import { concat, slice } from '../primitives/slice.ts';
import type { Outputs } from '../transforms/arguments.ts';
import type { Like } from '../transforms/control/body.ts';
import { whileLoop } from '../transforms/control/flow.ts';
import type { ListFunction, Solved } from '../transforms/implicit/linear.ts';
import { customRoot } from '../transforms/implicit/root.ts';
import { mapOfUnknown } from '../transforms/implicit/unknown.ts';
import { withParameters } from './root.ts';
import { requireMethod, requireSteps, type Solution, type SolutionOptions } from './solution.ts';

export interface FixedPointOptions extends SolutionOptions {
  /** `iterate`: x ← f(x), or `anderson`: the best combination of the last steps. Default `iterate`. */
  readonly method?: 'iterate' | 'anderson';
  /** The iteration ends where ‖f(x) − x‖ ≤ tolerance·‖x‖. Default 1e-10, 1e-5 for float32. */
  readonly tolerance?: number;
  /** How many differences `anderson` keeps. Default 5. */
  readonly memory?: number;
}

/**
 * x* with x* = f(x*, θ), by repeating f from x0, for contractions, or with Anderson's acceleration (Walker and Ni 2011,
 * type II). Differentiated as {@link root}: dx* = (I − ∂f/∂x)⁻¹·∂f/∂θ·dθ.
 *
 * @param f (x, parameters) → the next x, a tree like x
 * @example fixedPoint((x) => x.cos(), 1).x // 0.739085
 * @throws WrongTree, ShapeMismatch where f's result is not like x; BadArgument
 */
export function fixedPoint<X, P = undefined>(
  f: (x: Outputs<X>, parameters: P) => Like<X>,
  x0: X,
  parameters?: P,
  options: FixedPointOptions = {},
): Solution<X> {
  const { method = 'iterate' } = options;
  requireSteps('fixedPoint', options);
  requireMethod('fixedPoint', method, ['iterate', 'anderson']);
  const unknown = mapOfUnknown('fixedPoint', withParameters(f, parameters), x0, 'x0');
  const { x, report } = customRoot(
    'fixedPoint',
    // f − x, whose Jacobian is that of the systems above but for the sign.
    at => unknown.f(at).map((next, i) => subtract(next, at[i])),
    unknown.leaves,
    (change, start) => repeat(change, start, options, method === 'anderson' ? (options.memory ?? 5) : 0),
    implicitSolvers(unknown.leaves, false, options.linear),
  );
  const [iterations, residual, converged] = report;
  return { x: unknown.rebuild(x), iterations, residual, converged };
}

/** x ← x + g(x), corrected by the last differences of x and g. */
function repeat(
  g: ListFunction,
  start: readonly Tensor[],
  options: FixedPointOptions,
  memory: number,
): Solved {
  const { vector, unravel } = ravelList(start);
  const change = onVectors(g, unravel);
  const { maxIterations = 1000 } = options;
  const tolerance = toleranceOf(vector, options);
  const threshold = (x: Tensor): Tensor => multiply(norm(x), tolerance);
  const differences = full([memory, vector.size], 0, vector.dtype);
  const last = whileLoop(
    ({ k, x, gx }) => logicalAnd(less(k, maxIterations), greater(norm(gx), threshold(x))),
    ({ k, x, gx, dx, dg }) => {
      const plain = add(x, gx);
      const next = memory === 0 ? plain : subtract(plain, mixed(dx, dg, gx));
      const after = change(next);
      return {
        k: add(k, 1),
        x: next,
        gx: after,
        dx: pushed(dx, subtract(next, x)),
        dg: pushed(dg, subtract(after, gx)),
      };
    },
    { k: scalar('int32', 0), x: vector, gx: change(vector), dx: differences, dg: differences },
  );
  const residual = norm(last.gx);
  const converged = logicalAnd(lessEqual(residual, threshold(last.x)), isFinite(residual));
  return { x: unravel(last.x), report: [last.k, residual, converged] };
}

/** The rows without the oldest, and a new one. */
export function pushed(rows: Tensor, row: Tensor): Tensor {
  const [m, n] = rows.shape;
  if (m === 0) return rows;
  return concat([slice(rows, [1, 0], [m, n]), row.reshape([1, n])], 0);
}

/** (ΔX + ΔG)ᵀγ, where γ makes ‖g − ΔGᵀγ‖ smallest; a little of the identity keeps that system regular. */
function mixed(dx: Tensor, dg: Tensor, g: Tensor): Tensor {
  const gram = matmul(dg, matrixTranspose(dg));
  const unit = identityLike(gram);
  const eps = epsilonOf(g.dtype);
  const scale = add(multiply(vdot(gram, unit), 10 * eps), scalarLike(g, 1e-30));
  const gamma = solve(add(gram, multiply(unit, scale)), matmul(dg, g));
  return matmul(gamma, add(dx, dg));
}
