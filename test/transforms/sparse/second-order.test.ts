import { describe, expect, test } from 'vitest';
import {
  type CotangentError,
  checkGrads,
  colourSymmetric,
  gnvp,
  grad,
  hessian,
  hvp,
  jacfwd,
  jit,
  sparseHessian,
  stopGradient,
  type Tensor,
  tensor,
} from '../../../src/index.ts';

const f64 = (values: number[]): Tensor => tensor(values, { dtype: 'float64' });
const waves = (n: number): Tensor => f64(Array.from({ length: n }, (_, i) => 1.2 + Math.sin(1.7 * i + 0.3)));

function expectClose(found: Tensor, expected: Tensor, tolerance = 1e-12): void {
  expect(found.shape).toEqual(expected.shape);
  const [xs, ys] = [found.dataSync(), expected.dataSync()];
  for (let k = 0; k < ys.length; k++)
    if (!(Math.abs(xs[k] - ys[k]) <= tolerance * Math.max(1, Math.abs(ys[k]))))
      expect.fail(`element ${k}: ${xs[k]}, expected ${ys[k]}`);
}

/** Neighbours meet: a tridiagonal Hessian. */
const rosenbrock = (x: Tensor): Tensor => {
  const [now, next] = [x.at(':-1').get(), x.at('1:').get()];
  return next.sub(now.square()).square().mul(100).add(now.sub(1).square()).sum();
};
/** Every variable meets the first one only: an arrow. */
const arrow = (x: Tensor): Tensor => x.at(0).get().mul(x.square().sum());
const separable = (x: Tensor): Tensor => x.sin().mul(x).sum();
/** Three in a row meet: half width 2. */
const triples = (x: Tensor): Tensor =>
  x.at(':-2').get().mul(x.at('1:-1').get()).mul(x.at('2:').get()).square().sum();
const quartic = (x: Tensor): Tensor => x.square().sum().square();
const linear = (x: Tensor): Tensor => x.mul(waves(x.size)).sum();

const functions = { rosenbrock, arrow, separable, triples, quartic, linear };

describe('sparseHessian', () => {
  test.each(Object.entries(functions))('%s: the entries of the dense Hessian', (_, f) => {
    const x = waves(14);
    expectClose(sparseHessian(f)(x).toDense(), hessian(f)(x));
    expectClose(jit((y: Tensor) => sparseHessian(f)(y).toDense())(x), hessian(f)(x));
  });

  test.each([
    { name: 'rosenbrock', entries: 3 * 40 - 2, colours: 3 },
    { name: 'arrow', entries: 3 * 40 - 2, colours: 2 },
    { name: 'separable', entries: 40, colours: 1 },
    { name: 'triples', entries: 5 * 40 - 6, colours: 5 },
    { name: 'linear', entries: 0, colours: 1 },
  ] as const)('$name: $entries entries by at most $colours products', ({ name, entries, colours }) => {
    const { pattern } = sparseHessian(functions[name])(waves(40));
    expect(pattern.count).toBe(entries);
    expect(colourSymmetric(pattern).count).toBeLessThanOrEqual(colours);
  });

  test('the pattern is found once, and the result has derivatives', () => {
    const H = sparseHessian(separable);
    H(waves(5));
    H(waves(5).mul(2));
    expect(H.detections).toBe(1);
    // The third derivative of x³ is 6.
    const cubic = (x: Tensor): Tensor => x.square().mul(x).sum();
    expectClose(
      jacfwd((x: Tensor) => sparseHessian(cubic)(x).values)(f64([1, 2])),
      f64([6, 0, 0, 6]).reshape([2, 2]),
    );
  });
});

describe('hvp', () => {
  const modes = ['forward-over-reverse', 'reverse-over-reverse'] as const;

  test.each(modes)('%s is the Hessian times the vector', mode => {
    const [x, v] = [waves(9), waves(9).flip()];
    for (const f of Object.values(functions))
      expectClose(hvp(f, [x], [v], { mode }), hessian(f)(x).matmul(v), 1e-11);
    expectClose(
      jit((y: Tensor) => hvp(rosenbrock, [y], [v], { mode }))(x),
      hessian(rosenbrock)(x).matmul(v),
      1e-11,
    );
  });

  test.each(modes)('%s over trees and several arguments', mode => {
    const f = ({ a }: { a: Tensor }, b: Tensor): Tensor => a.square().mul(b).sum();
    const [a, b, va, vb] = [waves(3), waves(3).flip(), f64([1, 0, 2]), f64([0, 3, 1])];
    const [first, second] = hvp(f, [{ a }, b], [{ a: va }, vb], { mode });
    // ∂²/∂a² = 2b, ∂²/∂a∂b = 2a.
    expectClose(first.a, b.mul(va).add(a.mul(vb)).mul(2));
    expectClose(second, a.mul(va).mul(2));
  });

  test('an unknown mode is named', () => {
    try {
      hvp(quartic, [waves(2)], [waves(2)], { mode: 'reverse' as never });
      expect.fail('no error');
    } catch (error) {
      expect((error as CotangentError).id).toBe('CT112');
    }
  });

  test('∇⟨∇f, v⟩ is Hv only if v is held fixed: a v computed from x must be stopped', () => {
    const x = waves(5);
    const direction = (y: Tensor): Tensor => y.square();
    const v = direction(x);
    const H = hessian(quartic)(x);
    const inner = (hold: (v: Tensor) => Tensor) =>
      grad((y: Tensor) =>
        grad(quartic)(y)
          .mul(hold(direction(y)))
          .sum(),
      )(x);
    expectClose(inner(stopGradient), H.matmul(v));
    expectClose(inner(stopGradient), hvp(quartic, [x], [v], { mode: 'reverse-over-reverse' }));
    // What is too much is (∂v/∂x)ᵀ·∇f, with ∂v/∂x = diag(2x).
    const extra = grad(quartic)(x).mul(x).mul(2);
    expectClose(inner(u => u).sub(H.matmul(v)), extra);
    expect(Math.min(...extra.dataSync())).toBeGreaterThan(1);
    // hvp itself takes v as a constant, whatever it was made of.
    expectClose(hvp(quartic, [x], [direction(x)]), H.matmul(v));
  });
});

describe('gnvp', () => {
  const data = f64([0.3, 1.1, 0.7, 1.9, 0.2, 1.4]).reshape([3, 2]);
  const model = (w: Tensor): Tensor => data.matmul(w.square()).exp();
  const loss = (y: Tensor): Tensor => y.square().mul(y).sum();

  test('is Jᵀ·H·J·v', () => {
    const [w, v] = [f64([0.4, -0.3]), f64([1, 2])];
    const J = jacfwd(model)(w);
    const H = hessian(loss)(model(w));
    expectClose(gnvp(model, loss, [w], [v]), J.transpose().matmul(H).matmul(J).matmul(v), 1e-11);
    expectClose(
      jit((u: Tensor) => gnvp(model, loss, [u], [v]))(w),
      J.transpose().matmul(H).matmul(J).matmul(v),
      1e-11,
    );
  });

  test('is the Hessian where the model is linear, and not where it is curved', () => {
    const [w, v] = [f64([0.4, -0.3]), f64([1, 2])];
    const straight = (u: Tensor): Tensor => data.matmul(u);
    expectClose(
      gnvp(straight, loss, [w], [v]),
      hvp((u: Tensor) => loss(straight(u)), [w], [v]),
      1e-11,
    );
    const curved = hvp((u: Tensor) => loss(model(u)), [w], [v]).sub(gnvp(model, loss, [w], [v]));
    expect(Math.abs(curved.sum().item())).toBeGreaterThan(1);
  });

  test('over trees, and with derivatives of its own', () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }) => ({ p: a.mul(b), q: b.sin(), n: a.argmax() });
    const target = ({ p, q }: { p: Tensor; q: Tensor }): Tensor => p.square().add(q.square()).sum();
    const [a, b] = [waves(3), waves(3).flip()];
    const [va, vb] = [f64([1, 0, 2]), f64([0, 3, 1])];
    const product = gnvp(f, target, [{ a, b }], [{ a: va, b: vb }]);
    // J·v = (b·va + a·vb, cos(b)·vb), H = 2.
    const along = b.mul(va).add(a.mul(vb)).mul(2);
    expectClose(product.a, along.mul(b));
    expectClose(product.b, along.mul(a).add(b.cos().square().mul(vb).mul(2)));
    checkGrads((w: Tensor) => gnvp(model, loss, [w], [f64([1, 2])]).sum(), [f64([0.4, -0.3])]);
  });
});
