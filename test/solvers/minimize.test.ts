/** Optimisers on the field's test problems, with the counts that SciPy needs. */
import { jit, type Tensor, tensor, vmap } from 'cotangent';
import { lbfgs, newtonCG } from 'cotangent/optim';
import { describe, expect, test } from 'vitest';

const f64 = (values: number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
const parts = (x: Tensor): Tensor[] => Array.from({ length: x.size }, (_, i) => x.at(i).get());
const total = (...terms: Tensor[]): Tensor => terms.reduce((a, b) => a.add(b));

const rosenbrock = (x: Tensor): Tensor => {
  const at = parts(x);
  return total(
    ...at.slice(1).map((next, i) => next.sub(at[i].square()).square().mul(100).add(at[i].sub(1).square())),
  );
};
const beale = (x: Tensor): Tensor => {
  const [a, b] = parts(x);
  return total(
    ...[1.5, 2.25, 2.625].map((c, i) =>
      a
        .mul(b.pow(i + 1))
        .sub(a)
        .add(c)
        .square(),
    ),
  );
};
const wood = (x: Tensor): Tensor => {
  const [a, b, c, d] = parts(x);
  return total(
    b.sub(a.square()).square().mul(100),
    a.sub(1).square(),
    d.sub(c.square()).square().mul(90),
    c.sub(1).square(),
    b.add(d).sub(2).square().mul(10),
    b.sub(d).square().mul(0.1),
  );
};
const powell = (x: Tensor): Tensor => {
  const [a, b, c, d] = parts(x);
  return total(
    a.add(b.mul(10)).square(),
    c.sub(d).square().mul(5),
    b.sub(c.mul(2)).pow(4),
    a.sub(d).pow(4).mul(10),
  );
};

/**
 * Steps and evaluations of SciPy 1.17.1 with exact derivatives: L-BFGS-B with maxcor 10, gtol 1e-8, ftol 0, whose line
 * search is the same; trust-ncg with gtol 1e-8.
 */
const problems = [
  { name: 'Rosenbrock', f: rosenbrock, start: [-1.2, 1], at: [1, 1], bfgs: [38, 46], newton: 30 },
  {
    name: 'Rosenbrock in 10 dimensions',
    f: rosenbrock,
    start: [-1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1],
    at: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    bfgs: [78, 96],
    newton: 86,
  },
  { name: 'Beale', f: beale, start: [1, 1], at: [3, 0.5], bfgs: [16, 17], newton: 12 },
  { name: 'Wood', f: wood, start: [-3, -1, -3, -1], at: [1, 1, 1, 1], bfgs: [90, 116], newton: 108 },
  // Its Hessian is singular at the minimum: x is found to fewer digits.
  {
    name: 'Powell’s singular function',
    f: powell,
    start: [3, -1, 0, 1],
    at: [0, 0, 0, 0],
    bfgs: [54, 61],
    newton: 26,
  },
];

describe.each(problems)('$name', ({ f, start, at, bfgs, newton }) => {
  const tolerance = f === powell ? 2e-3 : 1e-7;
  const arrives = (x: Tensor): void =>
    numbers(x).forEach((value, i) => {
      expect(Math.abs(value - at[i])).toBeLessThan(tolerance);
    });

  test('L-BFGS takes the steps that L-BFGS-B takes', () => {
    const found = lbfgs(f, f64(start));
    expect(found.converged.item()).toBe(1);
    arrives(found.x);
    // Rounding differs: a step or two.
    expect(Math.abs(found.iterations.item() - bfgs[0])).toBeLessThanOrEqual(0.1 * bfgs[0]);
    expect(Math.abs(found.evaluations.item() - bfgs[1])).toBeLessThanOrEqual(0.1 * bfgs[1]);
  });

  test('Newton–CG about those of trust-ncg', () => {
    const found = newtonCG(f, f64(start));
    expect(found.converged.item()).toBe(1);
    arrives(found.x);
    expect(found.iterations.item()).toBeLessThanOrEqual(1.2 * newton);
  });
});

test('many starts at once, compiled', () => {
  const starts = f64([
    [-1.2, 1],
    [2, 2],
    [0, 0],
  ]);
  for (const method of [lbfgs, newtonCG]) {
    const solved = jit(vmap((x0: Tensor) => method(rosenbrock, x0).x))(starts);
    const alone = [0, 1, 2].flatMap(i => numbers(method(rosenbrock, starts.at(i).get()).x));
    numbers(solved).forEach((value, i) => {
      expect(Math.abs(value - alone[i])).toBeLessThan(1e-9);
    });
  }
});

test('negative curvature, a region where f is not defined, float32', () => {
  // A saddle at 0; minima at (0, ±1).
  const saddle = (x: Tensor): Tensor => {
    const [a, b] = parts(x);
    return a.square().add(b.square().square().div(4)).sub(b.square().div(2));
  };
  const left = newtonCG(saddle, f64([1, 1e-3]));
  expect(numbers(left.x).map(value => Math.round(Math.abs(value) * 1e6) / 1e6)).toEqual([0, 1]);
  const barrier = (x: Tensor): Tensor => x.sub(x.log()).sum();
  for (const method of [lbfgs, newtonCG]) {
    const found = method(barrier, f64([20, 0.01]));
    numbers(found.x).forEach(value => {
      expect(Math.abs(value - 1)).toBeLessThan(1e-6);
    });
  }
  const small = lbfgs(rosenbrock, tensor([-1.2, 1]));
  expect(small.x.dtype).toBe('float32');
  numbers(small.x).forEach(value => {
    expect(Math.abs(value - 1)).toBeLessThan(1e-2);
  });
  const unbounded = lbfgs((x: Tensor) => x.sum(), f64([1]), undefined, { maxIterations: 5 });
  expect(unbounded.converged.item()).toBe(0);
});
