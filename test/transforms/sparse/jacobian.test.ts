import { describe, expect, test } from 'vitest';
import {
  type CotangentError,
  concatenate,
  cond,
  explainJacobian,
  grad,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  linspace,
  outer,
  SparseMatrix,
  SparsityPattern,
  scan,
  sparseJacobian,
  stack,
  type Tensor,
  tensor,
  tree,
  vmap,
  where,
  zeros,
} from '../../../src/index.ts';
import { conv } from '../../../src/nn/index.ts';
import { numbers } from '../../laws/samples.ts';
import { brusselator } from './brusselator.ts';

const f64 = (values: number[]): Tensor => tensor(values, { dtype: 'float64' });
const waves = (...shape: number[]): Tensor =>
  f64(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1.2 + Math.sin(1.7 * i + 0.3)),
  ).reshape(shape);

function expectClose(found: unknown, expected: unknown, tolerance = 1e-12): void {
  const [a, b] = [tree.flatten(found), tree.flatten(expected)];
  expect(String(a.structure)).toBe(String(b.structure));
  a.leaves.forEach((leaf, i) => {
    const [x, y] = [leaf as Tensor, b.leaves[i] as Tensor];
    expect(x.shape).toEqual(y.shape);
    const [xs, ys] = [x.dataSync(), y.dataSync()];
    for (let k = 0; k < ys.length; k++)
      if (!(Math.abs(xs[k] - ys[k]) <= tolerance * Math.max(1, Math.abs(ys[k]))))
        expect.fail(`leaf ${i}, element ${k}: ${xs[k]}, expected ${ys[k]}`);
  });
}

const A = waves(12, 20);
const kernel = waves(3, 2, 3).mul(0.3);
const edges = tensor([0, 3, 3, 19, 7], { dtype: 'int32' });

const zoo: Record<string, { f: (x: Tensor) => Tensor; x: Tensor }> = {
  elementwise: { f: x => x.sin().mul(x).exp().div(x), x: waves(20) },
  product: { f: x => A.matmul(x.tanh()).square(), x: waves(20) },
  'product of two matrices': { f: x => x.matmul(x.transpose()), x: waves(4, 5) },
  reductions: { f: x => stack([x.sum(), x.square().mean(), x.max(), x.prod()]), x: waves(18) },
  'sums along an axis': { f: x => x.square().sum({ axis: 1 }), x: waves(6, 4) },
  stencil: { f: brusselator, x: waves(2, 4, 5) },
  convolution: { f: x => conv(x.reshape([1, 2, 10]), kernel, { padding: 'same' }), x: waves(20) },
  gather: { f: x => x.at(edges).get().square().sub(x.at(edges).get().mul(3)), x: waves(20) },
  scatter: { f: x => zeros([9], { dtype: 'float64' }).at(edges.remainder(9)).add(x.square()), x: waves(5) },
  'running sums': { f: x => x.square().cumsum().mul(x), x: waves(17) },
  'running products': { f: x => x.cumprod(), x: waves(17) },
  sorting: { f: x => x.sort().mul(x), x: waves(17) },
  choice: { f: x => where(x.greater(1), x.square(), x.flip()), x: waves(18) },
  branches: {
    f: x =>
      cond(
        x.sum().greater(0),
        (y: Tensor) => y.square(),
        (y: Tensor) => y.flip(),
        x,
      ) as Tensor,
    x: waves(18),
  },
  scan: {
    f: x =>
      scan(
        (s: Tensor, e: Tensor) => [s.mul(0.5).add(e.sin()), s.mul(e)],
        zeros([], { dtype: 'float64' }),
        x,
      )[1] as Tensor,
    x: waves(18),
  },
  compiled: { f: jit((x: Tensor) => x.square().sub(x.flip())) as (x: Tensor) => Tensor, x: waves(19) },
  constant: { f: () => waves(3), x: waves(18) },
  scalar: { f: x => x.square().sum(), x: waves(18) },
};

/** What these read depends on values. */
const byValue = new Set(['reductions', 'sorting', 'choice', 'branches']);

describe('all modes agree', () => {
  test.each(Object.entries(zoo))('%s', (name, { f, x }) => {
    const expected = jacfwd(f)(x);
    expectClose(jacrev(f)(x), expected);
    for (const mode of ['auto', 'forward', 'reverse', 'sparse'] as const)
      expectClose(jacobian(f, { mode })(x), expected);
    const [m, n] = [f(x).size, x.size];
    for (const direction of ['auto', 'forward', 'reverse'] as const)
      expectClose(sparseJacobian(f, { direction })(x).toDense(), (expected as Tensor).reshape([m, n]));
    expectClose(jit(jacobian(f, { mode: 'sparse' }))(x), expected);
    // Where nothing is chosen by values, each entry of the pattern is one at almost every point.
    const nonzero = numbers(expected as Tensor).filter(value => value !== 0).length;
    const { pattern } = sparseJacobian(f)(x);
    if (byValue.has(name)) expect(pattern.count).toBeGreaterThan(nonzero);
    else expect(pattern.count).toBe(nonzero);
  });

  test('over trees', () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }, s: number) => ({
      sum: a.mul(b).mul(s).sum(),
      rows: [outer(a, b), b.square()],
      none: a.argmax(),
    });
    const p = { a: waves(3), b: waves(3).flip() };
    const expected = jacfwd(f)(p, 2);
    expectClose(jacobian(f, { mode: 'sparse' })(p, 2), expected);
    expectClose(jacobian(f)(p, 2), expected);
  });

  test('with respect to another argument, and to a number', () => {
    const f = (s: Tensor, x: Tensor): Tensor => x.square().mul(s);
    expectClose(
      jacobian(f, { mode: 'sparse', argnums: 1 })(f64([2]), waves(3)),
      jacfwd(f, { argnums: 1 })(f64([2]), waves(3)),
    );
    const g = (x: Tensor): Tensor => x.mul(f64([1, 2]));
    expectClose(jacobian(g, { mode: 'sparse' })(3), jacfwd(g)(3));
  });
});

describe('SparseMatrix', () => {
  const x = waves(2, 3, 3);
  const J = sparseJacobian(brusselator)(x);
  const dense = (jacfwd(brusselator)(x) as Tensor).reshape([18, 18]);

  test('entries, product, transposition', () => {
    const v = waves(18);
    expectClose(J.toDense(), dense);
    expectClose(J.matvec(v), dense.matmul(v));
    expectClose(J.transpose().toDense(), dense.transpose());
    expectClose(J.transpose().matvec(v), v.matmul(dense));
    const [values, all] = [J.values.dataSync(), dense.dataSync()];
    J.rows.forEach((row, e) => {
      expect(values[e]).toBeCloseTo(all[18 * row + J.columns[e]], 12);
    });
    expect(J.shape).toEqual([18, 18]);
    expect(J.rowStarts.at(-1)).toBe(J.values.size);
  });

  test('is a tree: it goes through jit, grad and vmap', () => {
    const f = (u: Tensor): Tensor => u.square().mul(u);
    const norm = (u: Tensor): Tensor => sparseJacobian(f)(u).values.square().sum();
    // Σ (3x²)²: its derivative is 36x³.
    expectClose(grad(norm)(f64([1, 2])), f64([36, 288]));
    expectClose(jit(grad(norm))(f64([1, 2])), f64([36, 288]));
    const compiled = jit(sparseJacobian(f))(f64([1, 2]));
    expect(compiled).toBeInstanceOf(SparseMatrix);
    expectClose((compiled as unknown as SparseMatrix).toDense(), f64([3, 0, 0, 12]).reshape([2, 2]));
    const apply = jit((M: SparseMatrix, v: Tensor) => M.matvec(v));
    expectClose(apply(J, waves(18)), dense.matmul(waves(18)));
    const batch = vmap((u: Tensor) => sparseJacobian(f)(u).values)(f64([1, 2, 3, 4]).reshape([2, 2]));
    expectClose(batch, f64([3, 12, 27, 48]).reshape([2, 2]));
  });

  test('mistakes are named', () => {
    const pattern = SparsityPattern.of([2, 2], [[0], [1]]);
    expect(() => new SparseMatrix(pattern, f64([1]))).toThrow('CT101');
    expect(() => new SparseMatrix(pattern, f64([1, 2])).matvec(f64([1, 2, 3]))).toThrow('CT101');
    const wrong = (options: object): string => {
      try {
        jacobian((x: Tensor) => x, options)(f64([1]));
      } catch (error) {
        return (error as CotangentError).id;
      }
      return '';
    };
    expect(wrong({ mode: 'sideways' })).toBe('CT112');
    expect(wrong({ mode: 'sparse', output: 'coo' })).toBe('CT112');
    expect(wrong({ mode: 'forward', output: 'sparse' })).toBe('CT112');
    expect(() => sparseJacobian((x: Tensor) => x, { direction: 'up' as never })).toThrow('CT112');
    expect(() => sparseJacobian((x: Tensor) => (x.item() > 0 ? x : x.mul(2)))(f64([1]))).toThrow('CT105');
    expect(() => sparseJacobian((x: Tensor) => x, { argnums: 1 })(f64([1]))).toThrow('CT112');
  });
});

describe('auto', () => {
  const why = (f: (x: Tensor) => Tensor, n: number) => explainJacobian(f)(waves(n));

  test('takes the smaller side, and says so', () => {
    expect(why(x => A.matmul(x), 20).mode).toBe('reverse');
    expect(why(x => waves(90, 20).matmul(x), 20).mode).toBe('forward');
    expect(why(x => x.square().sum(), 1000).mode).toBe('reverse');
    const dense = why(x => waves(40, 40).matmul(x.sin()), 40);
    expect(dense).toMatchObject({ mode: 'forward', inputs: 40, outputs: 40 });
    expect(dense.passes).toEqual({ forward: 40, reverse: 40, sparse: null });
    expect(String(dense)).toContain('40 × 40, forward: forward takes 40 pushforwards');
  });

  test.each([
    { n: 20, m: 240, mode: 'forward' },
    { n: 240, m: 20, mode: 'reverse' },
  ])('with $n inputs and $m outputs $mode is the faster one, and chosen', ({ n, m, mode }) => {
    const [left, right, x] = [waves(m, 40), waves(40, n).mul(0.1), waves(n)];
    const f = (y: Tensor): Tensor => left.matmul(right.matmul(y).tanh()).sin();
    expect(explainJacobian(f)(x).mode).toBe(mode);
    const least = (ways: (x: Tensor) => Tensor): number =>
      Math.min(
        ...Array.from({ length: 7 }, () => {
          const start = performance.now();
          ways(x).dataSync();
          return performance.now() - start;
        }),
      );
    const [forward, reverse] = [least(jacfwd(f) as never), least(jacrev(f) as never)];
    expect(forward < reverse ? 'forward' : 'reverse').toBe(mode);
  });

  test('takes the sparse way where few colours do', () => {
    const choice = why(x => x.sin().mul(x), 1000);
    expect(choice).toMatchObject({
      mode: 'sparse',
      passes: { forward: 1000, reverse: 1000, sparse: 1 },
      pattern: { entries: 1000, direction: 'forward' },
    });
    expect(choice.operations?.sparse).toBeLessThan((choice.operations?.forward ?? 0) / 100);
    expect(String(choice)).toContain('only 1000 of 1000000 entries can differ from zero');
    // A full row makes every column differ from the others, but not every row.
    const rows = why(x => concatenate([x.sum().reshape([1]), x.square()]), 30);
    expect(rows).toMatchObject({
      mode: 'sparse',
      passes: { sparse: 2 },
      pattern: { entries: 60, direction: 'reverse' },
    });
  });

  test('works where the function asks for values', () => {
    const f = (x: Tensor): Tensor => (x.sum().item() > 0 ? x.square() : x);
    expectClose(jacobian(f)(waves(18)), jacfwd(f)(waves(18)));
    expect(String(explainJacobian(f)(waves(18)))).toContain('cannot be traced');
  });

  test('runs the function once a call', () => {
    let runs = 0;
    const f = (x: Tensor): Tensor => {
      runs++;
      return waves(20, 20).matmul(x);
    };
    const J = jacobian(f);
    J(waves(20));
    expect(runs).toBe(1);
    jacobian(f, { mode: 'sparse' })(waves(20));
    expect(runs).toBe(2);
  });

  test('follows values from outside that change between calls', () => {
    let scale = f64([0, 1]);
    const f = (x: Tensor): Tensor => x.reshape([20, 2]).mul(scale).reshape([40]);
    const J = jacobian(f);
    expectClose(J(waves(40)), jacfwd(f)(waves(40)));
    scale = f64([2, 3]);
    expectClose(J(waves(40)), jacfwd(f)(waves(40)));
  });

  test('a pattern that is not worth finding is given up', () => {
    const f = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 3; i++) y = waves(300, 300).matmul(y.sin());
      return y;
    };
    const choice = explainJacobian(f)(waves(300));
    expect(choice.mode).toBe('forward');
    expect(choice.passes.sparse).toBeNull();
  });
});

test('a diagonal Jacobian takes one pushforward, far less time than its dense rows', () => {
  const n = 800;
  const f = (x: Tensor): Tensor => x.sin().mul(x).exp();
  const x = linspace(0, 1, { num: n, dtype: 'float64' });
  const sparse = sparseJacobian(f);
  const rows = jacrev(f);
  const seconds = (run: () => Tensor): number => {
    const start = performance.now();
    run().dataSync();
    return performance.now() - start;
  };
  seconds(() => sparse(x).values);
  const least = (run: () => Tensor): number => Math.min(...[1, 2, 3].map(() => seconds(run)));
  const ratio = least(() => rows(x)) / least(() => sparse(x).values);
  expect(ratio).toBeGreaterThan(5);
  const many = linspace(0, 1, { num: 10_000, dtype: 'float64' });
  expect(explainJacobian(f)(many).passes.sparse).toBe(1);
  expectClose(sparse(many).values, grad((y: Tensor) => f(y).sum())(many));
});
