/** Least squares where the answer is known: lines, exact models, models with too many parameters. */
import { BadArgument, ConcreteValueNeeded, jit, type Tensor, tensor } from 'cotangent';
import { gaussNewton, levenbergMarquardt } from 'cotangent/optim';
import { describe, expect, test } from 'vitest';

const f64 = (values: number[]): Tensor => tensor(values, 'float64');
const x = f64([0, 1, 2, 3, 4]);
const y = f64([1.1, 2.9, 5.2, 6.8, 9.1]);

describe.each([
  ['levenbergMarquardt', levenbergMarquardt],
  ['gaussNewton', gaussNewton],
] as const)('%s', (_, method) => {
  test('a line: the textbook’s slope, intercept and standard errors', () => {
    const found = method(({ a, b }, data) => data.y.sub(a.add(data.x.mul(b))), { a: 0, b: 0 }, { x, y });
    // Sxx = 10, x̄ = 2, ȳ = 5.02, Sxy = 19.9.
    const b = 19.9 / 10;
    const a = 5.02 - 2 * b;
    const rss = [1.1, 2.9, 5.2, 6.8, 9.1].reduce((sum, value, i) => sum + (value - a - b * i) ** 2, 0);
    const s = Math.sqrt(rss / 3);
    expect(found.x.a.item()).toBeCloseTo(a, 13);
    expect(found.x.b.item()).toBeCloseTo(b, 13);
    expect(found.residualSum).toBeCloseTo(rss, 13);
    expect(found.degreesOfFreedom).toBe(3);
    expect(found.residualDeviation).toBeCloseTo(s, 13);
    expect(found.standardDeviations.b.item()).toBeCloseTo(s / Math.sqrt(10), 13);
    expect(found.standardDeviations.a.item()).toBeCloseTo(s * Math.sqrt(1 / 5 + 4 / 10), 13);
    expect(found.covariance.at(0, 1).get().item()).toBeCloseTo((-2 * s * s) / 10, 13);
    expect(found.residuals.shape).toEqual([5]);
    expect(found.x.a.dtype).toBe('float64');
    expect(found.converged).toBe(true);
    expect(found.iterations).toBeLessThanOrEqual(6);
  });

  test('data without errors are fitted to rounding', () => {
    const truth = x.mul(-0.7).exp().mul(3);
    const found = method(
      (p: Tensor) => truth.sub(x.mul(p.at(1).get()).exp().mul(p.at(0).get())),
      f64([1, 0]),
    );
    expect(found.converged).toBe(true);
    expect(Math.abs(found.x.at(0).get().item() - 3)).toBeLessThan(1e-14);
    expect(Math.abs(found.x.at(1).get().item() + 0.7)).toBeLessThan(1e-14);
    expect(found.residualSum).toBeLessThan(1e-29);
  });

  test('parameters that cannot be told apart: the sum is smallest, their deviations infinite', () => {
    const found = method(([a, b]) => y.sub(x.mul(a.add(b)).add(1)), [f64([0]), f64([0])]);
    // Σ x(y − 1) / Σ x²
    expect(found.x[0].add(found.x[1]).sum().item()).toBeCloseTo(60.1 / 30, 12);
    expect(Array.from(found.standardDeviations[0].dataSync())).toEqual([Number.POSITIVE_INFINITY]);
  });

  test('mistakes', () => {
    expect(() => method((p: Tensor) => p.sum(), f64([1, 2]))).toThrow(BadArgument);
    expect(() => method((p: Tensor) => p.log(), f64([-1]))).toThrow(BadArgument);
    expect(() => method((p: Tensor) => p, f64([1]), undefined, { maxIterations: 1.5 })).toThrow(BadArgument);
    expect(() => method('no' as never, f64([1]))).toThrow(BadArgument);
    expect(() => jit((p: Tensor) => method((q: Tensor) => q, p).x)(f64([1]))).toThrow(ConcreteValueNeeded);
  });
});

test('a limit of steps is kept and reported', () => {
  const rosenbrock = (p: Tensor): Tensor[] => {
    const [a, b] = [p.at(0).get(), p.at(1).get()];
    return [b.sub(a.square()).mul(10), a.mul(-1).add(1)];
  };
  const short = levenbergMarquardt(rosenbrock, f64([-1.2, 1]), undefined, { maxIterations: 3 });
  expect([short.reason, short.converged, short.iterations]).toEqual(['maxIterations', false, 3]);
  const whole = levenbergMarquardt(rosenbrock, f64([-1.2, 1]));
  expect(Array.from(whole.x.dataSync())).toEqual([1, 1]);
  expect(whole.evaluations).toBeLessThan(40);
});
