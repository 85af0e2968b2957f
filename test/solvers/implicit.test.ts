/** Solutions as functions of parameters: their derivatives are those of closed forms and of unrolled iterations. */
import {
  BadArgument,
  checkGrads,
  DTypeMismatch,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  NonScalarOutput,
  roll,
  ShapeMismatch,
  scan,
  stack,
  type Tensor,
  tensor,
  vmap,
  WrongTree,
} from 'cotangent';
import { solve } from 'cotangent/linalg';
import { fixedPoint, minimize, root } from 'cotangent/optim';
import { describe, expect, test } from 'vitest';

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
function close(found: Tensor, expected: Tensor | number[], tolerance = 1e-11): void {
  const right = Array.isArray(expected) ? expected : numbers(expected);
  expect(found.size).toBe(right.length);
  numbers(found).forEach((value, i) => {
    expect(Math.abs(value - right[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(right[i])));
  });
}

describe('root', () => {
  const sqrt = (a: Tensor): Tensor => root((x, p: Tensor) => x.mul(x).sub(p), 1, a).x;
  const closedOver = (a: Tensor): Tensor => root(x => x.mul(x).sub(a), 1).x;

  test.each([
    ['a parameter', sqrt],
    ['a value closed over', closedOver],
  ])('√a of %s has the derivatives of √a', (_, f) => {
    const a = f64(2);
    const d = [Math.SQRT2, 1 / (2 * Math.SQRT2), -1 / (8 * Math.SQRT2), 3 / (32 * Math.SQRT2)];
    let derivative = f as (a: Tensor) => Tensor;
    for (const expected of f === sqrt ? d : d.slice(0, 2)) {
      close(derivative(a), [expected]);
      derivative = grad(derivative) as (a: Tensor) => Tensor;
    }
    close(jvp(f, [a], [f64(1)])[1], [d[1]]);
    const all = f64([1, 4, 9]);
    close(vmap(grad(f))(all), [1 / 2, 1 / 4, 1 / 6]);
    close(grad((x: Tensor) => vmap(f)(x).sum())(all), [1 / 2, 1 / 4, 1 / 6]);
    close(jit(vmap(grad(grad(f))))(all), [-1 / 4, -1 / 32, -1 / 108]);
    close(jit(grad(f))(a), [d[1]]);
    // c ← √(c + s): the gradient goes through all steps.
    const nested = (c: Tensor): Tensor =>
      scan((at: Tensor, s: Tensor) => [f(at.add(s)), at], c, f64([1, 2, 3]))[0];
    const direct = (c: Tensor): Tensor => c.add(1).sqrt().add(2).sqrt().add(3).sqrt();
    close(grad(nested)(a), grad(direct)(a));
    close(jit(grad(grad(nested)))(a), grad(grad(direct))(a));
  });

  test('systems of trees with whatever parameters', () => {
    const f = (p: { a: Tensor; b: Tensor }): Tensor => {
      const { x } = root(
        ({ u, v }, { a, b }) => ({
          u: u.mul(3).add(v.sum().sin()).sub(a),
          v: v.exp().add(u.mul(0.2)).sub(b),
        }),
        { u: f64(0), v: f64([0, 0]) },
        p,
      );
      return x.u.mul(x.v.square().sum());
    };
    const p = { a: f64(0.7), b: f64([1.5, 2]) };
    checkGrads(
      jit((a: Tensor, b: Tensor) => f({ a, b })),
      [p.a, p.b],
      { order: 2 },
    );
    close(grad(f)(p).b, jit(grad(f))(p).b, 1e-13);
  });

  test.each(['dense', 'gmres'] as const)('steps and derivatives by %s', method => {
    const f = (a: Tensor): Tensor =>
      root((x: Tensor) => x.pow(3).add(roll(x, 1)).sub(a), f64([1, 1, 1, 1]), undefined, {
        linear: { method, tolerance: 1e-14, maxIterations: 50 },
      }).x;
    checkGrads(jit(f), [f64([1, 2, 3, 4])]);
    close(jacfwd(f)(f64([1, 2, 3, 4])), jacrev(f)(f64([1, 2, 3, 4])), 1e-10);
  });

  test('reports, in float32 and float64, and where there is no root', () => {
    const found = root(x => x.exp().sub(3), 0);
    expect([found.x.dtype, found.converged.item()]).toEqual(['float32', 1]);
    close(found.x, [Math.log(3)], 1e-6);
    const none = root((x: Tensor) => x.mul(x).add(1), f64(0.7));
    expect(none.converged.item()).toBe(0);
    // A far start: Newton's step alone would diverge.
    const far = root((x: Tensor) => x.atan(), f64(5));
    expect(far.converged.item()).toBe(1);
    close(far.x, [0]);
  });

  test('mistakes', () => {
    expect(() => root((x: Tensor) => stack([x, x]), f64(1))).toThrow(ShapeMismatch);
    expect(() => root((x: Tensor) => ({ x }) as never, f64(1))).toThrow(WrongTree);
    expect(() => root((x: Tensor) => x.greater(0) as never, f64(1))).toThrow(DTypeMismatch);
    expect(() => root(x => x, 1, undefined, { maxIterations: -1 })).toThrow(BadArgument);
    expect(() => fixedPoint(x => x, 1, undefined, { method: 'no' as never })).toThrow(BadArgument);
    expect(() => minimize((x: Tensor) => x.mul(2), f64([1, 2]))).toThrow(NonScalarOutput);
    expect(() => minimize(3 as never, f64(1))).toThrow(BadArgument);
  });
});

describe('fixedPoint', () => {
  const w = f64([
    [0.3, -0.4, 0.1],
    [0.2, 0.1, -0.3],
    [-0.1, 0.5, 0.2],
  ]);
  /** A deep equilibrium: x = tanh(W·x + b). */
  const layer = (x: Tensor, b: Tensor): Tensor => w.matmul(x).add(b).tanh();
  const b = f64([0.5, -0.2, 0.8]);

  test.each(['iterate', 'anderson'] as const)('%s: gradients are those of the unrolled iteration', method => {
    const implicit = (c: Tensor): Tensor =>
      fixedPoint(layer, f64([0, 0, 0]), c, { method, tolerance: 1e-15 }).x;
    const unrolled = (c: Tensor): Tensor =>
      scan((x: Tensor) => [layer(x, c), null], f64([0, 0, 0]), null, { length: 80 })[0];
    const loss = (f: (c: Tensor) => Tensor) => (c: Tensor) =>
      f(c)
        .mul(f64([1, 2, 3]))
        .sum();
    close(implicit(b), unrolled(b), 1e-13);
    close(grad(loss(implicit))(b), grad(loss(unrolled))(b), 1e-12);
    close(jacfwd(implicit)(b), jacfwd(unrolled)(b), 1e-12);
    close(hessian(loss(implicit))(b), hessian(loss(unrolled))(b), 1e-11);
    const batch = stack([b, b.mul(-1), b.mul(0.3)]);
    close(jit(vmap(grad(loss(implicit))))(batch), vmap(grad(loss(unrolled)))(batch), 1e-12);
  });

  test('Anderson needs fewer steps', () => {
    const slow = (x: Tensor): Tensor => x.mul(f64([0.95, -0.9, 0.5])).add(f64([1, 2, 3]));
    const [plain, mixed] = (['iterate', 'anderson'] as const).map(method =>
      fixedPoint(slow, f64([0, 0, 0]), undefined, { method }),
    );
    for (const found of [plain, mixed]) {
      expect(found.converged.item()).toBe(1);
      close(found.x, [20, 2 / 1.9, 6], 1e-8);
    }
    expect(mixed.iterations.item()).toBeLessThan(plain.iterations.item() / 10);
  });

  test('what diverges does not converge', () => {
    expect(fixedPoint((x: Tensor) => x.mul(2).add(1), f64(1)).converged.item()).toBe(0);
  });
});

describe('minimize', () => {
  const x = f64([
    [1, 0.5, -0.3],
    [0.2, -1, 0.8],
    [0.4, 0.9, 1.5],
    [-0.7, 0.1, 0.6],
    [1.1, -0.2, 0.3],
  ]);
  const y = f64([1, -0.5, 2, 0.3, 0.7]);
  const ridgeLoss = (w: Tensor, lambda: Tensor): Tensor =>
    x.matmul(w).sub(y).square().sum().add(w.square().sum().mul(lambda));
  const eye = f64([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  /** (XᵀX + λI)⁻¹Xᵀy. */
  const closed = (lambda: Tensor): Tensor =>
    solve(x.transpose().matmul(x).add(eye.mul(lambda)), x.transpose().matmul(y));

  test.each(['lbfgs', 'newtonCG'] as const)('%s: ridge regression in λ, as its closed form', method => {
    const best = (lambda: Tensor): Tensor =>
      minimize(ridgeLoss, f64([0, 0, 0]), lambda, { method, tolerance: 1e-12 }).x;
    const loss = (f: (lambda: Tensor) => Tensor) => (lambda: Tensor) => f(lambda).sin().sum();
    const lambda = f64(0.7);
    close(best(lambda), closed(lambda), 1e-11);
    close(grad(loss(best))(lambda), grad(loss(closed))(lambda), 1e-10);
    close(grad(grad(loss(best)))(lambda), grad(grad(loss(closed)))(lambda), 1e-10);
    close(jacfwd(best)(lambda), jacfwd(closed)(lambda), 1e-10);
    const all = f64([0.1, 1, 10]);
    close(jit(vmap(grad(loss(best))))(all), vmap(grad(loss(closed)))(all), 1e-9);
  });

  test('the value’s derivative is that of f alone, since ∇f vanishes', () => {
    const value = (lambda: Tensor): Tensor => minimize(ridgeLoss, f64([0, 0, 0]), lambda).value;
    const lambda = f64(0.7);
    close(grad(value)(lambda), closed(lambda).square().sum(), 1e-8);
  });

  test('the Hessian’s systems by conjugate gradients', () => {
    const best = (lambda: Tensor): Tensor =>
      minimize(ridgeLoss, f64([0, 0, 0]), lambda, {
        tolerance: 1e-12,
        linear: { method: 'cg', tolerance: 1e-14 },
      }).x;
    close(jacrev(best)(f64(0.7)), jacrev(closed)(f64(0.7)), 1e-10);
  });
});
