/** Problems of least squares on the host: what is fitted, in vectors of doubles, and what a fit reports. */
import { BadArgument } from '../../core/errors.ts';
import { labelOf } from '../../core/path.ts';
import type { Tensor } from '../../core/tensor.ts';
import { flatten, unflatten } from '../../core/tree.ts';
import { ravelList } from '../../linalg/ravel.ts';
import { tensor } from '../../numpy/array.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { leafTensor, type Outputs, requireFunction } from '../../transforms/arguments.ts';
import { tensorTree } from '../../transforms/control/body.ts';
import { jacfwd } from '../../transforms/jacobian/dense.ts';
import { jit } from '../../transforms/jit.ts';
import { withParameters } from '../root.ts';
import { type Columns, length, PivotedQr } from './qr.ts';

/** r(x), and r with ∂r/∂x, compiled. */
export interface Problem<X> {
  readonly start: Float64Array;
  readonly count: number;
  readonly residuals: (x: Float64Array) => Float64Array;
  readonly jacobian: (x: Float64Array) => Columns;
  readonly rebuild: (x: Float64Array) => Outputs<X>;
}

export type StopReason =
  /** The residuals are orthogonal to all columns of the Jacobian, or zero. */
  | 'gradient'
  /** Steps have come down to the rounding of the parameters. */
  | 'step'
  /** The sum of squares falls no more. */
  | 'decrease'
  | 'maxIterations'
  /** No step makes the sum smaller, although the gradient says so. */
  | 'stuck';

/** A fit. Statistics are those of a linear model at the solution. */
export interface Fit<X> {
  /** The parameters, float64. */
  readonly x: Outputs<X>;
  /** Σ r². */
  readonly residualSum: number;
  /** How many residuals there are more than parameters. */
  readonly degreesOfFreedom: number;
  /** s = √(Σ r² / degreesOfFreedom). */
  readonly residualDeviation: number;
  /** s²·(JᵀJ)⁻¹ of the parameters one after the other, [n, n]; infinite on the diagonal where J has not full rank. */
  readonly covariance: Tensor;
  /** The roots of its diagonal, in a tree like the parameters. */
  readonly standardDeviations: Outputs<X>;
  /** The residuals at the solution, one after the other. */
  readonly residuals: Tensor;
  readonly iterations: number;
  /** How often the residuals were computed. */
  readonly evaluations: number;
  readonly reason: StopReason;
  readonly converged: boolean;
}

/**
 * @param r (x, parameters) → a tree of residuals
 * @throws BadArgument where there are fewer residuals than parameters or they are not finite at the start
 */
export function problemOf<X, P>(
  name: string,
  r: (x: Outputs<X>, parameters: P) => unknown,
  x0: X,
  parameters: P | undefined,
): Problem<X> {
  requireFunction(name, r);
  const label = labelOf(name, r);
  const { leaves, structure } = tensorTree(x0, 'x0');
  const wide = leaves.map(leaf => cast(leaf, 'float64'));
  const { vector, unravel } = ravelList(wide);
  const rebuild = (x: Tensor): Outputs<X> => unflatten(structure, unravel(x)) as Outputs<X>;
  const given = withParameters(r, parameters);
  const values = (x: Tensor): Tensor =>
    ravelList(flatten(given(rebuild(x)), 'residuals').leaves.map(one => cast(leafTensor(one), 'float64')))
      .vector;
  const compiled = jit(values);
  const derivative = jit(jacfwd(values));
  const read = (x: Tensor): Float64Array => x.dataSync() as Float64Array;
  const start = read(vector);
  const first = read(compiled(start));
  const [rows, count] = [first.length, start.length];
  if (rows < count)
    throw new BadArgument({
      did: `${label} with ${rows} residual${rows === 1 ? '' : 's'} and ${count} parameters`,
      expected: 'at least as many residuals as parameters',
      remedy: 'return one residual for each observation, not their sum; fix some parameters, or use minimize',
    });
  if (!first.every(Number.isFinite))
    throw new BadArgument({
      did: `${label}: ${first.filter(value => !Number.isFinite(value)).length} of ${rows} residuals are not finite at the start`,
      expected: 'a start where the model is defined',
      remedy:
        'choose another x0, or write the model so that it is defined for all parameters: exp(p) for p > 0',
    });
  return {
    start,
    count,
    rebuild: x => rebuild(tensor(x)),
    residuals: x => read(compiled(x)),
    jacobian: x => {
      const byRow = read(derivative(x) as Tensor);
      const data = new Float64Array(rows * count);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < count; j++) data[j * rows + i] = byRow[i * count + j];
      return { data, rows, count };
    },
  };
}

/** Columns of length 1, and what they were divided by: decompositions then do not depend on the units of parameters. */
export function equilibrated(columns: Columns): { qr: PivotedQr; scales: Float64Array } {
  const { data, rows, count } = columns;
  const scaled = data.slice();
  const scales = new Float64Array(count);
  for (let j = 0; j < count; j++) {
    const size = length(data, j * rows, (j + 1) * rows);
    // A power of 2, so that nothing is rounded.
    scales[j] = size > 0 && Number.isFinite(size) ? 2 ** Math.round(Math.log2(size)) : 1;
    for (let i = 0; i < rows; i++) scaled[j * rows + i] /= scales[j];
  }
  return { qr: new PivotedQr({ data: scaled, rows, count }), scales };
}

/** −J⁺·r, the step of Gauss and Newton. */
export function gaussNewtonStep(columns: Columns, residuals: Float64Array): Float64Array {
  const { qr, scales } = equilibrated(columns);
  return qr.solve(residuals).map((value, j) => -value / scales[j]);
}

export interface Ending {
  readonly x: Float64Array;
  readonly iterations: number;
  readonly evaluations: number;
  readonly reason: StopReason;
}

/**
 * Steps of Gauss and Newton as long as they shrink: near the solution the sum of squares no longer tells one point from
 * another, since it is flat there, but steps do. This gives the digits that a test of the sum leaves out.
 */
export function polish<X>(problem: Problem<X>, ending: Ending): Ending {
  const { count } = problem;
  let { x, iterations, evaluations, reason } = ending;
  if (reason === 'maxIterations' || reason === 'stuck') return ending;
  const size = (step: Float64Array): number => {
    let largest = 0;
    for (let j = 0; j < count; j++) largest = Math.max(largest, Math.abs(step[j]) / (Math.abs(x[j]) || 1));
    return largest;
  };
  let residuals = problem.residuals(x);
  let sum = length(residuals);
  let step = gaussNewtonStep(problem.jacobian(x), residuals);
  for (let turn = 0; turn < 50 && size(step) > Number.EPSILON / 2; turn++) {
    const next = x.map((value, j) => value + step[j]);
    const there = problem.residuals(next);
    const sumThere = length(there);
    if (!(sumThere <= sum * (1 + 1e-9))) break;
    const following = gaussNewtonStep(problem.jacobian(next), there);
    evaluations++;
    if (!(size(following) < size(step))) break;
    iterations++;
    [x, residuals, sum, step, reason] = [next, there, sumThere, following, 'step'];
  }
  return { x, iterations, evaluations, reason };
}

export function fitOf<X>(problem: Problem<X>, ending: Ending): Fit<X> {
  const { x, reason, iterations, evaluations } = ending;
  const residuals = problem.residuals(x);
  const { count } = problem;
  const residualSum = length(residuals) ** 2;
  const degreesOfFreedom = residuals.length - count;
  const deviation = Math.sqrt(residualSum / degreesOfFreedom);
  const { qr, scales } = equilibrated(problem.jacobian(x));
  const covariance = new Float64Array(count * count);
  if (qr.rank < count) {
    covariance.fill(Number.NaN);
    for (let j = 0; j < count; j++) covariance[j * count + j] = Number.POSITIVE_INFINITY;
  } else {
    // Row i of R⁻¹, in the order of the parameters: (JᵀJ)⁻¹ = P·R⁻¹·R⁻ᵀ·Pᵀ.
    const inverse = Array.from({ length: count }, (_, k) =>
      qr.unordered(qr.backward(Float64Array.from({ length: count }, (_, i) => (i === k ? 1 : 0)))),
    );
    for (let i = 0; i < count; i++)
      for (let j = 0; j < count; j++) {
        let sum = 0;
        for (const column of inverse) sum += column[i] * column[j];
        covariance[i * count + j] = (sum / scales[i] / scales[j]) * deviation ** 2;
      }
  }
  const deviations = Float64Array.from({ length: count }, (_, j) => Math.sqrt(covariance[j * count + j]));
  return {
    x: problem.rebuild(x),
    residualSum,
    degreesOfFreedom,
    residualDeviation: deviation,
    covariance: tensor(covariance, { shape: [count, count] }),
    standardDeviations: problem.rebuild(deviations),
    residuals: tensor(residuals),
    iterations,
    evaluations,
    reason,
    converged: reason !== 'maxIterations' && reason !== 'stuck',
  };
}
