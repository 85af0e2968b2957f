import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as ct from '../../../src/index.ts';

const { tensor, roll, stack, sparsityPattern, sparseJacobian, colourColumns, colourRows, jacrev, jacfwd } =
  ct;

function brusselator(u: ct.Tensor): ct.Tensor {
  const [U, V] = [u.at(0).get(), u.at(1).get()];
  const lap = (w: ct.Tensor) =>
    roll(w, 1, { axis: 0 })
      .add(roll(w, -1, { axis: 0 }))
      .add(roll(w, 1, { axis: 1 }))
      .add(roll(w, -1, { axis: 1 }))
      .sub(w.mul(4));
  const r = U.mul(U).mul(V);
  return stack([lap(U).mul(10).add(1).add(r).sub(U.mul(4.4)), lap(V).mul(10).add(U.mul(3.4)).sub(r)]);
}
test('x', () => {
  const text = readFileSync('/work/shared/data/brusselator-n6-pattern.txt', 'utf8');
  const want = text
    .replace(/Bool\[|\]/g, '')
    .trim()
    .split(';')
    .map(l => l.trim().split(/\s+/).join(' '))
    .join('\n');
  const x6 = ct.ones([2, 6, 6], { dtype: 'float64' });
  const p = sparsityPattern(brusselator)(x6);
  let got = '';
  for (let i = 0; i < 72; i++) {
    const c = new Set(p.row(i));
    got += (i ? '\n' : '') + Array.from({ length: 72 }, (_, j) => (c.has(j) ? 1 : 0)).join(' ');
  }
  expect(got).toBe(want);
  for (const N of [6, 24, 48, 100]) {
    const x = tensor(
      Array.from({ length: 2 * N * N }, (_, i) => Math.sin(i) + 2),
      { dtype: 'float64' },
    ).reshape([2, N, N]);
    for (let k = 0; k < 2; k++) {
      let t = performance.now();
      const q = sparsityPattern(brusselator)(x);
      const t1 = performance.now() - t;
      t = performance.now();
      const c = colourColumns(q);
      const t2 = performance.now() - t;
      t = performance.now();
      const r = colourRows(q);
      const t3 = performance.now() - t;
      t = performance.now();
      const J = sparseJacobian(brusselator);
      const j = J(x);
      j.values.dataSync();
      const t4 = performance.now() - t;
      t = performance.now();
      J(x).values.dataSync();
      const t5 = performance.now() - t;
      t = performance.now();
      console.log(
        N,
        q.count,
        c.count,
        r.count,
        'detect',
        t1,
        'cols',
        t2,
        'rows',
        t3,
        'first',
        t4,
        'next',
        t5,
        J.detections,
      );
      if (N === 6) {
        const d = jacfwd(brusselator)(x).reshape([72, 72]);
        expect(j.toDense().arraySync()).toEqual(d.arraySync());
      }
    }
  }
  const n = 10000;
  const x = ct.linspace(0, 1, n, { dtype: 'float64' } as never) as ct.Tensor;
  const f = (y: ct.Tensor) => y.sin().mul(y).exp();
  for (let k = 0; k < 2; k++) {
    let t = performance.now();
    const q = sparsityPattern(f)(x);
    const t1 = performance.now() - t;
    t = performance.now();
    const J = sparseJacobian(f);
    J(x).values.dataSync();
    const t2 = performance.now() - t;
    t = performance.now();
    for (let k = 0; k < 5; k++) J(x).values.dataSync();
    const t3 = (performance.now() - t) / 5;
    console.log('diag', q.count, t1, t2, t3);
  }
});
