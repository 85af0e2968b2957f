/**
 * The cheap gradient principle: value and gradient take at most a few times the operations of the value, and as many
 * kernels, whatever the number of variables (Baur and Strassen 1983; Griewank and Walther 2008, §3.4).
 */
import * as ct from 'cotangent';
import { grad, jacfwd, jacrev, jit, program, scan, type Tensor, valueAndGrad } from 'cotangent';
import * as nn from 'cotangent/nn';
import { describe, expect, test } from 'vitest';
import type { Program } from '../../src/primitives/primitive.ts';
import { operationsOf } from './counting.ts';

type Scalar = (x: Tensor) => Tensor;

const weights = ct
  .arange(0, 1, 1 / 256, { dtype: 'float64' })
  .sin()
  .reshape([16, 16]);

const functions: Record<string, Scalar> = {
  'product of Speelpenning': x => ct.prod(x),
  Rosenbrock: x => {
    const n = x.shape[0];
    const [left, right] = [ct.at(x, { stop: n - 1 }).get(), ct.at(x, { start: 1 }).get()];
    return right.sub(left.square()).square().mul(100).add(ct.subtract(1, left).square()).sum();
  },
  logsumexp: x => ct.logsumexp(x),
  'elementary functions': x => x.sin().mul(x.exp()).add(x.square().log1p()).sum(),
  'quadratic form': x =>
    x
      .mul(x)
      .sum()
      .mul(0.5)
      .add(x.mul(ct.roll(x, 1)).sum()),
  network: x => x.reshape([-1, 16]).matmul(weights).tanh().matmul(weights).tanh().square().mean(),
  softmax: x => nn.softmax(x).square().sum(),
  cumsum: x => x.cumsum(0).sin().sum(),
  scan: x => {
    const step = (h: Tensor, u: Tensor): [Tensor, null] => [h.mul(0.5).add(u).tanh(), null];
    const rows = x.reshape([16, -1]);
    return scan(step, ct.at(rows, 0).get(), rows)[0].sum();
  },
};

const count = (f: Scalar, n: number): number =>
  operationsOf(
    (program as unknown as (f: unknown) => (x: Tensor) => Program)((x: Tensor) => f(x))(
      ct.zeros([n], { dtype: 'float64' }),
    ),
  );

const both: (f: Scalar) => Scalar = f => valueAndGrad(f) as unknown as Scalar;

describe.each(Object.entries(functions))('%s', (_, f) => {
  test('value and gradient take at most five times the operations, for every n alike', () => {
    const ratios = [256, 4096, 65536].map(n => count(both(f), n) / count(f, n));
    for (const ratio of ratios) {
      expect(ratio).toBeGreaterThan(1);
      expect(ratio).toBeLessThanOrEqual(5);
    }
    expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.05);
  });

  test('kernels do not depend on n, and temporaries grow no faster than the gradient', () => {
    const plans = [1024, 65536].map(n => {
      const x = ct.zeros([n], { dtype: 'float64' });
      return { value: jit(f).plan(x), gradient: jit(grad(f)).plan(x) };
    });
    const [small, large] = plans;
    expect(large.gradient.kernels).toBe(small.gradient.kernels);
    expect(large.gradient.kernels).toBeLessThanOrEqual(5 * large.value.kernels + 3);
    const { temporaries, results, blocks } = large.gradient.bytes;
    expect(results).toBe(65536 * 8);
    expect(temporaries + blocks).toBeLessThanOrEqual(4 * results + large.value.bytes.temporaries);
  });
});

describe('Jacobians of m×n', () => {
  const cost = (J: typeof jacfwd, m: number, n: number): number => {
    const a = ct.ones([m, n], { dtype: 'float64' });
    return count(J((x: Tensor) => a.matmul(x.sin()).tanh()) as unknown as Scalar, n);
  };

  test('forward mode takes fewer operations where n < m, reverse mode where m < n', () => {
    for (const [m, n] of [
      [4, 64],
      [16, 32],
      [32, 48],
    ]) {
      expect(cost(jacrev as typeof jacfwd, m, n)).toBeLessThan(cost(jacfwd, m, n));
      expect(cost(jacfwd, n, m)).toBeLessThan(cost(jacrev as typeof jacfwd, n, m));
    }
  });
});
