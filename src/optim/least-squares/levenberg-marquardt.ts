/** The method of Levenberg and Marquardt, as a scaled trust region. */
import type { Outputs } from '../../transforms/arguments.ts';
import { requireSteps } from '../solution.ts';
import { type Ending, equilibrated, type Fit, fitOf, type Problem, polish, problemOf } from './problem.ts';
import { length, PivotedQr } from './qr.ts';

export interface LevenbergMarquardtOptions {
  /** How many steps are accepted at most. Default 1000. */
  readonly maxIterations?: number;
  /** Where the relative decrease of the sum or the relative size of steps ends the search. Default 1e-15. */
  readonly tolerance?: number;
  /** The first trust region, in multiples of the scaled length of x0. Default 1. */
  readonly factor?: number;
}

/**
 * The x that makes Σ r(x)² smallest, by the method of Levenberg (1944) and Marquardt (1963) in the form of Moré (1978), as
 * MINPACK's lmder: each step minimizes ‖r + J·p‖ in a region ‖D·p‖ ≤ Δ, whose size follows how well the linear model
 * predicted, D from the lengths of J's columns. Steps are computed by orthogonal decompositions of J, never from JᵀJ; J is
 * exact, by automatic differentiation. At the end, steps of Gauss and Newton go on until they are at rounding level.
 *
 * Runs on the host with compiled residuals and Jacobians, always in float64; it has no derivative: see {@link minimize}.
 *
 * @param residuals (x, parameters) → a tree of residuals, data − model, at least as many as there are numbers in x
 * @param x0 a tree of floats
 * @param parameters data, or whatever else the residuals depend on
 * @example
 * const fit = levenbergMarquardt(({ a, b }, { x, y }) => y.sub(a.mul(x.mul(b).exp())), { a: 1, b: 0 }, { x, y })
 * fit.x.a, fit.standardDeviations.a, fit.residualSum
 * @throws BadArgument where there are too few residuals or they are not finite at x0
 */
export function levenbergMarquardt<X, P = undefined>(
  residuals: (x: Outputs<X>, parameters: P) => unknown,
  x0: X,
  parameters?: P,
  options: LevenbergMarquardtOptions = {},
): Fit<X> {
  requireSteps('levenbergMarquardt', options);
  const problem = problemOf('levenbergMarquardt', residuals, x0, parameters);
  return fitOf(problem, polish(problem, search(problem, options)));
}

const weighted = (d: Float64Array, v: Float64Array): number => length(v.map((value, j) => value * d[j]));

function search<X>(problem: Problem<X>, options: LevenbergMarquardtOptions): Ending {
  const { maxIterations = 1000, tolerance = 1e-15, factor = 1 } = options;
  const { count } = problem;
  let x = problem.start;
  let r = problem.residuals(x);
  let size = length(r);
  let evaluations = 1;
  let iterations = 0;
  const d = new Float64Array(count);
  let delta = 0;
  let lambda = 0;
  const end = (reason: Ending['reason']): Ending => ({ x, iterations, evaluations, reason });
  while (iterations < maxIterations) {
    const columns = problem.jacobian(x);
    const { qr, scales } = equilibrated(columns);
    if (size === 0) return end('gradient');
    let cosine = 0;
    for (let j = 0; j < count; j++) {
      const column = columns.data.subarray(j * columns.rows, (j + 1) * columns.rows);
      const norm = length(column);
      if (!Number.isFinite(norm)) return end('stuck');
      d[j] = Math.max(d[j], norm);
      let dot = 0;
      for (let i = 0; i < r.length; i++) dot += (column[i] / (norm || 1)) * (r[i] / size);
      cosine = Math.max(cosine, Math.abs(dot));
    }
    if (cosine <= Number.EPSILON) return end('gradient');
    const metric = d.map(value => value || 1);
    if (iterations === 0) delta = factor * (weighted(metric, x) || 1);
    const rotated = qr.transposedTimes(r);
    // In the scaled and reordered variables q of the decomposition, p = −P·q / scales.
    const weights = qr.ordered(metric.map((value, j) => value / scales[j]));
    for (;;) {
      const found = dampedStep(qr, rotated, weights, delta, lambda);
      lambda = found.lambda;
      const p = qr.unordered(found.q).map((value, j) => -value / scales[j]);
      const reach = length(found.q.map((value, j) => value * weights[j]));
      if (iterations === 0) delta = Math.min(delta, reach);
      const next = x.map((value, j) => value + p[j]);
      const there = problem.residuals(next);
      evaluations++;
      const sizeThere = length(there);
      // NaN is no decrease.
      const actual = 0.1 * sizeThere < size ? 1 - (sizeThere / size) ** 2 : -1;
      const linear = length(product(qr, found.q)) / size;
      const damped = (Math.sqrt(lambda) * reach) / size;
      const predicted = linear ** 2 + 2 * damped ** 2;
      const slope = -(linear ** 2 + damped ** 2);
      const ratio = predicted === 0 ? 0 : actual / predicted;
      if (!(ratio > 0.25)) {
        const shrink = actual >= 0 ? 0.5 : (0.5 * slope) / (slope + 0.5 * actual);
        const by = !(0.1 * sizeThere < size) || !(shrink > 0.1) ? 0.1 : shrink;
        delta = by * Math.min(delta, reach * 10);
        lambda /= by;
      } else if (lambda === 0 || ratio >= 0.75) {
        delta = reach * 2;
        lambda *= 0.5;
      }
      const accepted = ratio >= 1e-4;
      if (accepted) {
        [x, r, size] = [next, there, sizeThere];
        iterations++;
      }
      if (Math.abs(actual) <= tolerance && predicted <= tolerance && ratio <= 2) return end('decrease');
      const far = weighted(metric, x);
      if (delta <= tolerance * far) return end('step');
      if (delta <= Number.MIN_VALUE * 2 ** 60) return end('stuck');
      if (accepted) break;
    }
  }
  return end('maxIterations');
}

/** R·q. */
function product(qr: PivotedQr, q: Float64Array): Float64Array {
  const result = new Float64Array(qr.count);
  for (let i = 0; i < qr.count; i++) for (let j = i; j < qr.count; j++) result[i] += qr.at(i, j) * q[j];
  return result;
}

/**
 * λ and the q that minimizes ‖R·q − Qᵀr‖² + λ‖D·q‖², where λ = 0, or ‖D·q‖ is within a tenth of Δ: Newton's method on
 * 1/Δ − 1/‖D·q(λ)‖ between bounds (Moré 1978, section 5).
 */
function dampedStep(
  qr: PivotedQr,
  rotated: Float64Array,
  d: Float64Array,
  delta: number,
  before: number,
): { lambda: number; q: Float64Array } {
  const { count, rank } = qr;
  const reachOf = (q: Float64Array): number => length(q.map((value, j) => value * d[j]));
  let q = qr.backward(rotated, rank);
  let reach = reachOf(q);
  let excess = reach - delta;
  if (excess <= 0.1 * delta) return { lambda: 0, q };
  /** The relative excess over minus its derivative, Newton's step for λ, from R⁻ᵀ of what is in R's order. */
  const correction = (factor: PivotedQr, order: (v: Float64Array) => Float64Array): number => {
    const w = order(q.map((value, j) => (d[j] * d[j] * value) / reach));
    return excess / delta / length(factor.forward(w)) ** 2;
  };
  let low = rank === count ? correction(qr, w => w) : 0;
  const gradient = new Float64Array(count);
  for (let j = 0; j < count; j++) {
    for (let i = 0; i <= j; i++) gradient[j] += qr.at(i, j) * rotated[i];
    gradient[j] /= d[j];
  }
  const steepness = length(gradient);
  let high = steepness / delta || Number.MIN_VALUE / Math.min(delta, 0.1);
  let lambda = Math.min(Math.max(before, low), high) || steepness / reach;
  for (let turn = 1; ; turn++) {
    if (lambda === 0) lambda = Math.max(Number.MIN_VALUE, 0.001 * high);
    const factor = augmented(qr, d, Math.sqrt(lambda));
    const right = new Float64Array(2 * count);
    right.set(rotated.subarray(0, count));
    q = factor.solve(right);
    reach = reachOf(q);
    const previous = excess;
    excess = reach - delta;
    if (Math.abs(excess) <= 0.1 * delta || (low === 0 && excess <= previous && previous < 0) || turn === 10)
      return { lambda, q };
    const change = correction(factor, w => factor.ordered(w));
    if (excess > 0) low = Math.max(low, lambda);
    else high = Math.min(high, lambda);
    lambda = Math.max(low, lambda + change);
  }
}

/** The decomposition of R over √λ·D. */
function augmented(qr: PivotedQr, d: Float64Array, root: number): PivotedQr {
  const { count } = qr;
  const data = new Float64Array(2 * count * count);
  for (let j = 0; j < count; j++) {
    for (let i = 0; i <= j; i++) data[j * 2 * count + i] = qr.at(i, j);
    data[j * 2 * count + count + j] = root * d[j];
  }
  return new PivotedQr({ data, rows: 2 * count, count });
}
