/** Iterative solvers agree with dense ones, and so do all their derivatives. */
import {
  BadArgument,
  checkGrads,
  grad,
  hvp,
  jit,
  jvp,
  NotLinear,
  pad,
  ShapeMismatch,
  scan,
  slice,
  stack,
  type Tensor,
  tensor,
  vmap,
  WrongTree,
} from 'cotangent';
import { bicgstab, cg, gmres, type LinearMethod, linearSolve, solve } from 'cotangent/linalg';
import { describe, expect, test } from 'vitest';

const f64 = (values: number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
function close(found: Tensor, expected: Tensor, tolerance = 1e-11): void {
  const right = numbers(expected);
  expect(found.shape).toEqual(expected.shape);
  numbers(found).forEach((value, i) => {
    expect(Math.abs(value - right[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(right[i])));
  });
}

/** A matrix that is neither symmetric nor dominated by its diagonal. */
const general = (n: number): Tensor =>
  f64(
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => Math.sin((i + 1) * (j + 2) * (i + 2 * j + 3)) + (i === j ? 3 : 0)),
    ),
  );
const definite = (n: number): Tensor => {
  const a = general(n);
  return a.transpose().matmul(a);
};
const vector = (n: number): Tensor => f64(Array.from({ length: n }, (_, i) => Math.cos(2 * i + 1)));
const exact = { tolerance: 1e-15 };
type System = (a: Tensor, b: Tensor) => Tensor;
const methods: LinearMethod[] = ['cg', 'gmres', 'bicgstab', 'dense'];
const matrixFor = (method: LinearMethod, n: number): Tensor => (method === 'cg' ? definite(n) : general(n));
const solverOf =
  (method: LinearMethod) =>
  (a: Tensor, b: Tensor): Tensor =>
    linearSolve((x: Tensor) => a.matmul(x), b, { method, ...exact }).x;

describe.each(methods)('%s', method => {
  const a = matrixFor(method, 6);
  const b = vector(6);
  const iterative = solverOf(method);
  const loss = (f: System) => (m: Tensor, c: Tensor) => {
    const x = f(m, c);
    return x.mul(x).sum();
  };

  test('solves, and reports it', () => {
    const { x, residual, converged, iterations } = linearSolve((v: Tensor) => a.matmul(v), b, { method });
    close(x, solve(a, b), 1e-8);
    expect(residual.item()).toBeLessThan(1e-8);
    expect(converged.dtype).toBe('bool');
    expect(converged.item()).toBe(1);
    expect(iterations.item()).toBeGreaterThan(0);
    expect(iterations.item()).toBeLessThanOrEqual(method === 'bicgstab' ? 24 : 6);
  });

  test('first and second derivatives in both modes', () => {
    const direction = general(6).sin();
    // Only symmetric changes of a matrix are seen by a solver for symmetric ones.
    const symmetric = (m: Tensor): Tensor => (method === 'cg' ? m.add(m.transpose()).mul(0.5) : m);
    const g = grad(loss(iterative))(a, b);
    close(symmetric(g), symmetric(grad(loss(solve))(a, b)), 1e-9);
    close(grad(loss(iterative), { argnums: 1 })(a, b), grad(loss(solve), { argnums: 1 })(a, b), 1e-9);
    const d = symmetric(direction);
    close(
      jvp((m: Tensor) => iterative(m, b), [a], [d])[1],
      jvp((m: Tensor) => solve(m, b), [a], [d])[1],
      1e-9,
    );
    close(
      symmetric(hvp((m: Tensor) => loss(iterative)(m, b), [a], [d])),
      symmetric(hvp((m: Tensor) => loss(solve)(m, b), [a], [d])),
      1e-8,
    );
    if (method !== 'cg') checkGrads(jit(iterative), [a, b]);
  });

  test('inside jit, vmap and scan', () => {
    const batch = stack([b, b.mul(-2).add(1), b.mul(0)]);
    const dense = vmap(solve, { inAxes: [null, 0] })(a, batch);
    close(jit(vmap(iterative, { inAxes: [null, 0] }))(a, batch), dense, 1e-10);
    const matrices = stack([a, a.mul(2), a.mul(0.3)]);
    const gradients = vmap(grad(loss(iterative), { argnums: 1 }))(matrices, batch);
    close(gradients, vmap(grad(loss(solve), { argnums: 1 }))(matrices, batch), 1e-9);
    const outside = (f: System) => (all: Tensor) =>
      vmap(f, { inAxes: [null, 0] })(a, all)
        .sin()
        .sum();
    close(grad(outside(iterative))(batch), grad(outside(solve))(batch), 1e-10);
    const repeated = (f: System) => (c: Tensor) =>
      scan((x: Tensor, s: Tensor) => [f(a, x).add(s), x.sum()], c, f64([0.1, 0.2, 0.3]))[0].sum();
    close(jit(grad(repeated(iterative)))(b), grad(repeated(solve))(b), 1e-9);
  });
});

test('conjugate gradients need as many steps as there are different eigenvalues', () => {
  const d = f64([1, 2, 2, 5, 5, 5, 9, 1]);
  const found = cg((x: Tensor) => x.mul(d), vector(8), { tolerance: 1e-12 });
  expect(found.iterations.item()).toBe(4);
  close(found.x, vector(8).div(d));
});

test('a Laplacian of 400 unknowns, never a matrix', () => {
  const n = 400;
  const laplace = (x: Tensor): Tensor => {
    const padded = pad(x, 1);
    const [left, right] = [slice(0, n), slice(2, n + 2)].map(part => padded.at(part).get());
    return x.mul(2).sub(left).sub(right);
  };
  const one = f64(Array.from({ length: n }, () => 1));
  const { x, converged, iterations } = cg(laplace, one);
  expect(converged.item()).toBe(1);
  expect(iterations.item()).toBeLessThanOrEqual(n);
  // −u″ = 1 with zeros at both ends: u_i = i·(n + 1 − i)/2.
  close(x, f64(Array.from({ length: n }, (_, i) => ((i + 1) * (n - i)) / 2)), 1e-9);
});

test('restarted GMRES goes on from where it was', () => {
  const a = general(30).add(
    f64(Array.from({ length: 30 }, (_, i) => Array.from({ length: 30 }, (_, j) => (i === j ? 6 : 0)))),
  );
  const found = gmres(a, vector(30), { restart: 5, maxIterations: 300 });
  expect(found.converged.item()).toBe(1);
  expect(found.iterations.item()).toBeGreaterThan(5);
  close(found.x, solve(a, vector(30)), 1e-8);
});

test('a preconditioner shortens the way and changes nothing else, also when its values are differentiated', () => {
  const n = 12;
  const scales = f64(Array.from({ length: n }, (_, i) => 10 ** (i % 5)));
  const a = general(n).mul(scales.reshape([n, 1]));
  for (const method of ['gmres', 'bicgstab'] as const) {
    const f = jit(
      (m: Tensor, b: Tensor, s: Tensor) =>
        linearSolve((x: Tensor) => m.matmul(x), b, {
          method,
          tolerance: 1e-13,
          maxIterations: 500,
          preconditioner: (r: Tensor) => r.div(s).mul(0.3),
        }).x,
    );
    const loss = (m: Tensor, b: Tensor, s: Tensor): Tensor => f(m, b, s).sin().sum();
    const [gm, gb, gs] = grad(loss, { argnums: [0, 1, 2] })(a, vector(n), scales) as unknown as Tensor[];
    const dense = (m: Tensor, b: Tensor): Tensor => solve(m, b).sin().sum();
    close(gb, grad(dense, { argnums: 1 })(a, vector(n)), 1e-8);
    close(gm, grad(dense)(a, vector(n)), 1e-8);
    expect(numbers(gs)).toEqual(numbers(gs).map(() => 0));
  }
  const spd = definite(n).add(
    f64(
      Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 10 ** (i / 2) : 0))),
    ),
  );
  const diagonal = f64(Array.from({ length: n }, (_, i) => numbers(spd)[i * n + i]));
  const plain = cg(spd, vector(n), { maxIterations: 200 });
  const helped = cg(spd, vector(n), { maxIterations: 200, preconditioner: (r: Tensor) => r.div(diagonal) });
  close(helped.x, solve(spd, vector(n)), 1e-8);
  expect(helped.iterations.item()).toBeLessThan(plain.iterations.item());
});

test('trees, a start, a solver of one’s own', () => {
  const a = general(4);
  const whole = f64([1, 2, 3, 4]);
  const split = { u: f64([1]), v: f64([[2], [3], [4]]) };
  const joined = (t: { u: Tensor; v: Tensor }): Tensor =>
    stack([t.u.at(0).get(), ...[0, 1, 2].map(i => t.v.at(i, 0).get())]);
  const parted = (x: Tensor): { u: Tensor; v: Tensor } => ({
    u: x.at(slice(0, 1)).get(),
    v: x
      .at({ start: 1, stop: 4 } as never)
      .get()
      .reshape([3, 1]),
  });
  const { x } = linearSolve(t => parted(a.matmul(joined(t))), split, exact);
  close(joined(x), solve(a, whole));
  const near = solve(a, whole).add(1e-3);
  close(gmres(a, whole, { x0: near }).x, solve(a, whole), 1e-10);
  expect(cg(definite(4), whole, { x0: solve(definite(4), whole) }).residual.item()).toBeLessThan(1e-12);
  let asked = 0;
  const own = (m: Tensor, b: Tensor): Tensor =>
    linearSolve((v: Tensor) => m.matmul(v), b, {
      method: (matvec, right) => {
        asked++;
        return gmres(matvec, right, exact).x;
      },
      transposeSolve: (vecmat, right) => bicgstab(vecmat, right, exact).x,
    }).x;
  checkGrads(jit(own), [a, whole]);
  expect(asked).toBeGreaterThan(0);
});

test('float32, and what cannot be solved', () => {
  const { x, converged } = gmres(
    tensor([
      [2, 1],
      [1, 3],
    ]),
    tensor([3, 5]),
  );
  expect(x.dtype).toBe('float32');
  expect(converged.item()).toBe(1);
  close(x, tensor([0.8, 1.4]), 1e-6);
  const singular = gmres(
    f64([
      [1, 0],
      [0, 0],
    ]),
    f64([1, 1]),
  );
  expect(singular.converged.item()).toBe(0);
  expect(numbers(singular.x).every(Number.isFinite)).toBe(true);
  expect(cg(definite(6), vector(6), { maxIterations: 2 }).converged.item()).toBe(0);
  expect(numbers(gmres(general(3), f64([0, 0, 0])).x)).toEqual([0, 0, 0]);
});

test('mistakes', () => {
  const b = f64([1, 2]);
  expect(() => linearSolve((x: Tensor) => x.sum(), b)).toThrow(ShapeMismatch);
  expect(() => linearSolve((x: Tensor) => ({ x }) as never, b)).toThrow(WrongTree);
  expect(() => gmres(f64([[1, 2, 3]]), b)).toThrow(ShapeMismatch);
  expect(() => gmres(general(3), b)).toThrow(ShapeMismatch);
  expect(() => linearSolve((x: Tensor) => x, b, { method: 'magic' as never })).toThrow(BadArgument);
  expect(() => cg((x: Tensor) => x, b, { maxIterations: 0 })).toThrow(BadArgument);
  const crooked = (c: Tensor): Tensor => linearSolve((x: Tensor) => x.mul(x), c).x.sum();
  expect(() => grad(crooked)(b)).toThrow(NotLinear);
});
