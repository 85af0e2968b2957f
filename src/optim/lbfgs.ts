/** The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno. */
import { scalar, type Tensor } from '../core/tensor.ts';
import { scalarLike } from '../linalg/iterative/iteration.ts';
import { absolute, add, divide, multiply, negative, subtract } from '../numpy/arithmetic.ts';
import {
  greater,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  minimum,
  where,
} from '../numpy/logic.ts';
import { vdot } from '../numpy/products.ts';
import { max, sum } from '../numpy/reduce.ts';
import { full, zerosLike } from '../primitives/broadcast.ts';
import { concat, slice } from '../primitives/slice.ts';
import { scan, whileLoop } from '../transforms/control/flow.ts';
import { valueAndGrad } from '../transforms/grad.ts';
import { pushed } from './fixed-point.ts';
import { type LineSearchOptions, lineSearch } from './line-search.ts';

/** Where a minimization of a function of a vector ended. */
export interface Minimum {
  readonly x: Tensor;
  readonly iterations: Tensor;
  /** How often the value and the gradient were computed. */
  readonly evaluations: Tensor;
  /** The largest element of the gradient. */
  readonly residual: Tensor;
  readonly converged: Tensor;
}

export interface DescentLimits {
  /** The iteration ends where no element of the gradient is larger. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

export const largestOf = (x: Tensor): Tensor => max(absolute(x));

/** As in MINPACK-2 and SciPy. */
const wolfe: LineSearchOptions = { decrease: 1e-3, curvature: 0.9, maxEvaluations: 20 };

/** The last steps s, the differences y of gradients over them, and 1/sᵀy: the newest last. */
interface Memory {
  readonly steps: Tensor;
  readonly changes: Tensor;
  readonly weights: Tensor;
}

/**
 * L-BFGS (Liu and Nocedal 1989; Nocedal and Wright 2006, algorithms 7.4 and 7.5) with the line search of Moré and Thuente.
 * Where a search finds no better point the memory is given up once, and the iteration ends where that does not help.
 */
export function limitedMemoryBfgs(
  f: (x: Tensor) => Tensor,
  x0: Tensor,
  limits: DescentLimits & { readonly memory: number },
): Minimum {
  const { tolerance, maxIterations, memory } = limits;
  const evaluate = valueAndGrad(f) as unknown as (x: Tensor) => [Tensor, Tensor];
  const [value, gradient] = evaluate(x0);
  const rows = full([memory, x0.size], 0, x0.dtype);
  const empty: Memory = { steps: rows, changes: rows, weights: full([memory], 0, x0.dtype) };
  const last = whileLoop(
    ({ k, gradient: g, going }) =>
      logicalAnd(logicalAnd(going, less(k, maxIterations)), greater(largestOf(g), tolerance)),
    ({ k, x, value: before, gradient: g, stored, past, evaluations }) => {
      const quasi = negative(inverseHessianTimes(past, g));
      const slope = vdot(quasi, g);
      // Rounding may have spoilt the memory.
      const uphill = logicalNot(less(slope, 0));
      const direction = where(uphill, negative(g), quasi);
      const start = { value: before, slope: where(uphill, negative(vdot(g, g)), slope), gradient: g };
      const length = vdot(direction, direction).sqrt();
      const one = scalarLike(x, 1);
      const first = where(greater(stored, 0), one, minimum(one, divide(one, length)));
      const step = lineSearch(
        t => {
          const [at, slopes] = evaluate(add(x, multiply(direction, t)));
          return { value: at, slope: vdot(slopes, direction), gradient: slopes };
        },
        start,
        first,
        wolfe,
      );
      const better = lessEqual(step.value, before);
      const moved = logicalAnd(better, greater(step.t, 0));
      const s = multiply(direction, step.t);
      const y = subtract(step.gradient, g);
      const sy = vdot(s, y);
      const useful = logicalAnd(moved, greater(sy, multiply(vdot(y, y), 2 ** -60)));
      const next: Memory = {
        steps: pushed(past.steps, s),
        changes: pushed(past.changes, y),
        weights: concat([slice(past.weights, [1], [memory]), divide(one, sy).reshape([1])], 0),
      };
      const keep = (fresh: Tensor, old: Tensor): Tensor =>
        where(useful, fresh, where(moved, old, zerosLike(old)));
      return {
        k: add(k, 1),
        x: where(moved, add(x, s), x),
        value: where(moved, step.value, before),
        gradient: where(moved, step.gradient, g),
        past: {
          steps: keep(next.steps, past.steps),
          changes: keep(next.changes, past.changes),
          weights: keep(next.weights, past.weights),
        },
        stored: where(useful, add(stored, 1), where(moved, stored, scalar('int32', 0))),
        evaluations: add(evaluations, step.evaluations),
        going: logicalOr(moved, greater(stored, 0)),
      };
    },
    {
      k: scalar('int32', 0),
      x: x0,
      value,
      gradient,
      past: empty,
      stored: scalar('int32', 0),
      evaluations: scalar('int32', 1),
      going: scalar('bool', 1),
    },
  );
  return minimumOf(last, tolerance);
}

/** What is reported of the last state of a descent. */
export function minimumOf(
  last: { readonly x: Tensor; readonly k: Tensor; readonly evaluations: Tensor; readonly gradient: Tensor },
  tolerance: number,
): Minimum {
  const residual = largestOf(last.gradient);
  return {
    x: last.x,
    iterations: last.k,
    evaluations: last.evaluations,
    residual,
    converged: lessEqual(residual, tolerance),
  };
}

/** H·g by the two loops over the memory; places not yet filled have weight 0 and change nothing. */
function inverseHessianTimes({ steps, changes, weights }: Memory, g: Tensor): Tensor {
  const pairs = { s: steps, y: changes, weight: weights };
  const [q, alphas] = scan(
    (q: Tensor, { s, y, weight }) => {
      const alpha = multiply(weight, vdot(s, q));
      return [subtract(q, multiply(y, alpha)), alpha];
    },
    g,
    pairs,
    { reverse: true },
  );
  const m = weights.size;
  const newest = slice(changes, [m - 1, 0], [m, g.size]);
  const weight = slice(weights, [m - 1], [m]).reshape([]);
  // sᵀy / yᵀy of the newest pair.
  const scale = where(
    greater(weight, 0),
    divide(1, multiply(weight, sum(multiply(newest, newest)))),
    scalarLike(g, 1),
  );
  const [r] = scan(
    (r: Tensor, { s, y, weight: w, alpha }) => [
      add(r, multiply(s, subtract(alpha, multiply(w, vdot(y, r))))),
      null,
    ],
    multiply(q, scale),
    { ...pairs, alpha: alphas },
  );
  return r;
}
