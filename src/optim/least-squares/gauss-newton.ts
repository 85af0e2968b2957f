/** The method of Gauss and Newton with a line search. */
import type { Outputs } from '../../transforms/arguments.ts';
import { requireSteps } from '../solution.ts';
import { type Ending, type Fit, fitOf, gaussNewtonStep, type Problem, polish, problemOf } from './problem.ts';
import { length } from './qr.ts';

export interface GaussNewtonOptions {
  /** Default 200. */
  readonly maxIterations?: number;
  /** Where the relative decrease of the sum ends the search. Default 1e-15. */
  readonly tolerance?: number;
}

/**
 * The x that makes Σ r(x)² smallest, by steps −J⁺·r, halved until the sum falls enough (Nocedal and Wright 2006, section
 * 10.3; Armijo's rule). Quick where residuals are small or the model is nearly linear; `levenbergMarquardt` is safer from
 * a bad start. J is exact, steps are by QR with column pivoting.
 *
 * @param residuals (x, parameters) → a tree of residuals
 * @example gaussNewton(({ a, b }, { x, y }) => y.sub(x.mul(b).add(a)), { a: 0, b: 0 }, { x, y }).x // a line
 * @throws BadArgument where there are too few residuals or they are not finite at x0
 */
export function gaussNewton<X, P = undefined>(
  residuals: (x: Outputs<X>, parameters: P) => unknown,
  x0: X,
  parameters?: P,
  options: GaussNewtonOptions = {},
): Fit<X> {
  requireSteps('gaussNewton', options);
  const problem = problemOf('gaussNewton', residuals, x0, parameters);
  return fitOf(problem, polish(problem, search(problem, options)));
}

function search<X>(problem: Problem<X>, options: GaussNewtonOptions): Ending {
  const { maxIterations = 200, tolerance = 1e-15 } = options;
  let x = problem.start;
  let r = problem.residuals(x);
  let sum = length(r) ** 2;
  let evaluations = 1;
  for (let iterations = 0; iterations < maxIterations; iterations++) {
    const end = (reason: Ending['reason']): Ending => ({ x, iterations, evaluations, reason });
    const columns = problem.jacobian(x);
    const step = gaussNewtonStep(columns, r);
    // The linear model's decrease ‖J·p‖² is minus half the slope of the sum along p.
    let decrease = 0;
    for (let i = 0; i < columns.rows; i++) {
      let image = 0;
      for (let j = 0; j < columns.count; j++) image += columns.data[j * columns.rows + i] * step[j];
      decrease += image * image;
    }
    if (!(decrease > tolerance * sum)) return end(Number.isFinite(decrease) ? 'decrease' : 'stuck');
    let t = 1;
    let next = x;
    let there = r;
    let sumThere = Number.NaN;
    for (; t > 1e-15; t /= 2) {
      next = x.map((value, j) => value + t * step[j]);
      there = problem.residuals(next);
      evaluations++;
      sumThere = length(there) ** 2;
      if (sumThere <= sum - 2e-4 * t * decrease) break;
    }
    if (!(sumThere < sum)) return end(decrease <= 1e-10 * sum ? 'decrease' : 'stuck');
    [x, r, sum] = [next, there, sumThere];
  }
  return { x, iterations: maxIterations, evaluations, reason: 'maxIterations' };
}
