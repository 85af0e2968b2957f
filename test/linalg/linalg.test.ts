/** Laws of linear algebra, on matrices of all sizes up to some blocks of the kernels. */
import {
  BadArgument,
  checkGrads,
  diagonal,
  eye,
  hvp,
  jit,
  NotDifferentiable,
  prod,
  ShapeMismatch,
  type Tensor,
  tensor,
  tril,
  triu,
  vjp,
  vmap,
} from 'cotangent';
import {
  cholesky,
  choSolve,
  det,
  inv,
  lu,
  luFactor,
  luSolve,
  qr,
  slogdet,
  solve,
  solveTriangular,
} from 'cotangent/linalg';
import { key, normal } from 'cotangent/random';
import { describe, expect, it, test } from 'vitest';

type Float = 'float32' | 'float64';

const random = (shape: readonly number[], dtype: Float, seed = 1): Tensor =>
  normal(key(seed), shape, { dtype });
const t = (x: Tensor): Tensor => x.swapaxes(-1, -2);
const sizeOf = (x: Tensor): number => Math.max(0, ...Array.from(x.abs().dataSync()));
const positive = (shape: readonly number[], dtype: Float): Tensor => {
  const x = random(shape, dtype);
  const n = shape[shape.length - 1];
  return x.matmul(t(x)).add(eye(n, { dtype }));
};

/** ‖a − b‖ ≤ c·ε·n·‖b‖ in the largest element: c counts the roundings of a backward stable method. */
function expectNear(a: Tensor, b: Tensor, c = 8): void {
  expect(a.shape).toEqual(b.shape);
  if (a.size === 0) return;
  const unit = a.dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  const n = a.shape[a.ndim - 1] ?? 1;
  expect(sizeOf(a.sub(b)) / (1 + sizeOf(b))).toBeLessThan(c * unit * Math.max(4, n));
}

const sizes = [0, 1, 2, 3, 4, 5, 8, 13, 37, 130];

describe.each<Float>(['float32', 'float64'])('%s', dtype => {
  test.each(sizes)('cholesky of %d rows: L·Lᵀ = A, L lower triangular', n => {
    const a = positive([n, n], dtype);
    const l = cholesky(a);
    expectNear(l.matmul(t(l)), a);
    expect(sizeOf(l.sub(tril(l)))).toBe(0);
    expectNear(cholesky(a, { upper: true }), t(l), 1);
  });

  test.each([...sizes.map(n => [n, n]), [5, 3], [3, 5], [40, 11], [11, 40]])(
    'lu of %d × %d: A = P·L·U',
    (m, n) => {
      const a = random([m, n], dtype);
      const [p, l, u] = lu(a);
      expectNear(p.matmul(l).matmul(u), a);
      expect(sizeOf(u.sub(triu(u)))).toBe(0);
      // No multiplier is larger than 1: the pivots are the largest.
      expect(sizeOf(l)).toBeLessThanOrEqual(1);
      if (m === 0) return;
      expect(p.sum(0).arraySync()).toEqual(new Array(m).fill(1));
    },
  );

  test.each([...sizes.map(n => [n, n]), [5, 3], [3, 5], [40, 11], [11, 40], [130, 2]])(
    'qr of %d × %d: A = Q·R, QᵀQ = I',
    (m, n) => {
      const a = random([m, n], dtype);
      for (const mode of ['reduced', 'complete'] as const) {
        const [q, r] = qr(a, { mode });
        expect(q.shape).toEqual([m, mode === 'complete' ? m : Math.min(m, n)]);
        expectNear(q.matmul(r), a);
        expectNear(t(q).matmul(q), eye(q.shape[1], { dtype }));
        expect(sizeOf(r.sub(triu(r)))).toBe(0);
        if (mode === 'reduced') expect(qr(a, { mode: 'r' }).arraySync()).toEqual(r.arraySync());
      }
    },
  );

  test.each(sizes)('systems of %d equations', n => {
    const a = random([n, n], dtype).add(eye(n, { dtype }).mul(n));
    for (const b of [random([n], dtype, 2), random([n, 1], dtype, 3), random([n, 21], dtype, 4)]) {
      expectNear(a.matmul(solve(a, b)), b);
      expectNear(a.matmul(luSolve(luFactor(a), b)), b);
      for (const lower of [true, false])
        for (const trans of [0, 1] as const) {
          const triangle = lower ? tril(a) : triu(a);
          const x = solveTriangular(a, b, { lower, trans });
          expectNear((trans ? t(triangle) : triangle).matmul(x), b);
        }
      const definite = positive([n, n], dtype).add(eye(n, { dtype }).mul(n));
      expectNear(definite.matmul(choSolve(cholesky(definite), b)), b);
    }
    expectNear(a.matmul(inv(a)), eye(n, { dtype }));
  });

  test.each([0, 1, 2, 3, 6, 9])('determinants of %d rows', n => {
    const [a, b] = [5, 6].map(seed => random([n, n], dtype, seed).mul(0.3).add(eye(n, { dtype })));
    expectNear(det(a.matmul(b)), det(a).mul(det(b)), 64);
    const { sign, logabsdet } = slogdet(a);
    expectNear(sign.mul(logabsdet.exp()), det(a), 64);
    expectNear(det(triu(a)), prod(diagonal(a)), 16);
    expect(det(a).dtype).toBe(dtype);
  });

  it('takes batches, and vmap and jit give the same bits', () => {
    const a = random([2, 3, 4, 4], dtype).add(eye(4, { dtype }).mul(4));
    const b = random([3, 4, 2], dtype, 2);
    const definite = a.matmul(t(a));
    const functions: readonly ((x: Tensor) => Tensor | readonly Tensor[])[] = [
      x => cholesky(x.matmul(t(x))),
      x => lu(x),
      x => qr(x),
      x => inv(x),
      x => det(x),
      x => slogdet(x).logabsdet,
      x => solveTriangular(x, x),
    ];
    const listed = (out: Tensor | readonly Tensor[]): unknown[] =>
      (Array.isArray(out) ? out : [out]).map((one: Tensor) => one.arraySync());
    for (const f of functions) {
      const whole = listed(f(a));
      expect(listed(jit(f as (x: Tensor) => Tensor)(a))).toEqual(whole);
      expect(listed(vmap(vmap(f as (x: Tensor) => Tensor))(a))).toEqual(whole);
    }
    const solved = solve(a, b);
    expect(solved.shape).toEqual([2, 3, 4, 2]);
    const one = solve(a.at(1, 2).get(), b.at(2).get());
    expectNear(solved.at(1, 2).get(), one, 1);
    expectNear(
      vmap((x: Tensor) => solve(definite.at(0, 0).get(), x))(b),
      solve(definite.at(0, 0).get(), b),
      1,
    );
    expectNear(
      vmap((x: Tensor) => solve(x, b.at(0).get()))(a.at(0).get()),
      solve(a.at(0).get(), b.at(0).get()),
      1,
    );
  });
});

describe('derivatives', () => {
  const a = random([3, 3], 'float64').add(eye(3, { dtype: 'float64' }).mul(2));
  const b = random([3, 2], 'float64', 2);
  const definite = positive([3, 3], 'float64');

  test.each<[string, (...args: Tensor[]) => Tensor, Tensor[]]>([
    ['solve', (x, y) => solve(x, y), [a, b]],
    [
      'solve of a vector, batched',
      (x, y) => solve(x, y),
      [random([2, 3, 3], 'float64', 7), random([3], 'float64', 8)],
    ],
    ['inv', x => inv(x), [a]],
    ['det', x => det(x), [a]],
    ['slogdet', x => slogdet(x).logabsdet, [a]],
    ['choSolve', (x, y) => choSolve(cholesky(x), y), [definite, b]],
    ['luSolve', (x, y) => luSolve(luFactor(x), y), [a, b]],
    ['solveTriangular', (x, y) => solveTriangular(x, y, { trans: 'T', unitDiagonal: true }), [a, b]],
    ['cholesky, symmetrized', x => cholesky(x), [definite]],
    ['qr of a wide matrix', x => qr(x)[1], [random([2, 4], 'float64', 9)]],
  ])('%s, of both orders in both modes', (_, f, args) => {
    checkGrads(f as never, args as never, { order: 2 });
  });

  it('the derivative of log det is the transposed inverse', () => {
    const [, pull] = vjp((x: Tensor) => slogdet(x).logabsdet, a);
    expectNear(pull(tensor(1, { dtype: 'float64' }))[0], t(inv(a)));
  });

  it('the derivative of a determinant is the matrix of cofactors, whatever the rank', () => {
    const cofactors = (x: number[][]): number[][] =>
      x.map((row, i) =>
        row.map((_, j) => {
          const [p, q] = [0, 1, 2].filter(k => k !== i);
          const [r, s] = [0, 1, 2].filter(k => k !== j);
          return (i + j) % 2 === 0
            ? x[p][r] * x[q][s] - x[p][s] * x[q][r]
            : x[p][s] * x[q][r] - x[p][r] * x[q][s];
        }),
      );
    for (const rows of [
      [
        [1, 2, 3],
        [2, 4, 7],
        [3, 6, 1],
      ],
      [
        [1, 2, 3],
        [4, 5, 6],
        [5, 7, 9],
      ],
      [
        [0, 0, 1],
        [0, 0, 2],
        [0, 5, 3],
      ],
      [
        [1, 2, 3],
        [2, 4, 6],
        [3, 6, 9],
      ],
      [
        [0, 0, 0],
        [0, 2, 1],
        [0, 1, 3],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]) {
      const x = tensor(rows, 'float64');
      const [, pull] = vjp((y: Tensor) => det(y), x);
      const found = pull(tensor(1, { dtype: 'float64' }))[0];
      // Relative to products of two elements.
      const scale = 1 / Math.max(1, ...rows.flat().map(value => value * value));
      expectNear(found.mul(scale), tensor(cofactors(rows), 'float64').mul(scale), 16);
    }
  });

  it('second derivatives of a Gaussian log density agree in both ways', () => {
    const density = (s: Tensor): Tensor => {
      const l = cholesky(s);
      const z = solveTriangular(l, b, { lower: true });
      return z.square().sum().mul(-0.5).sub(diagonal(l).log().sum());
    };
    const direct = (s: Tensor): Tensor =>
      b.mul(solve(s, b)).sum().mul(-0.5).sub(slogdet(s).logabsdet.mul(0.5));
    const direction = definite.matmul(definite);
    const [one, other] = [density, direct].map(f => hvp(f, [definite], [direction]) as unknown as Tensor);
    const symmetric = other.add(t(other)).mul(0.5);
    expectNear(one, symmetric, 200);
  });
});

describe('what has no answer', () => {
  it('is NaN where a matrix is not positive definite, for that matrix alone', () => {
    const l = cholesky([
      [
        [4, 0],
        [0, 9],
      ],
      [
        [1, 2],
        [2, 1],
      ],
      [
        [0, 0],
        [0, 1],
      ],
    ]);
    expect(l.arraySync()).toEqual([
      [
        [2, 0],
        [0, 3],
      ],
      [
        [NaN, 0],
        [NaN, NaN],
      ],
      [
        [NaN, 0],
        [NaN, NaN],
      ],
    ]);
  });

  it('integers become float32', () => {
    const x = solve(
      tensor(
        [
          [2, 0],
          [0, 4],
        ],
        'int32',
      ),
      tensor([1, 1], 'int32'),
    );
    expect([x.dtype, x.arraySync()]).toEqual(['float32', [0.5, 0.25]]);
  });

  it('shapes that do not fit are named', () => {
    const wide = random([2, 3], 'float32');
    for (const f of [cholesky, det, inv, slogdet]) expect(() => f(wide)).toThrow(ShapeMismatch);
    expect(() => cholesky(wide)).toThrow(/a square matrix, not 2 rows and 3 columns/);
    expect(() => lu([1, 2])).toThrow(ShapeMismatch);
    expect(() => qr([1, 2])).toThrow(/at least two axes/);
    expect(() => solve(eye(3), [1, 2])).toThrow(/a right side of 3 elements/);
    expect(() => solve(eye(3), 1)).toThrow(ShapeMismatch);
    expect(() => luSolve([eye(3), [0, 1]], [1, 2, 3])).toThrow(/the pivots that luFactor gave/);
    expect(() => solveTriangular(eye(2), [1, 2], { trans: 'C' as 'T' })).toThrow(BadArgument);
    expect(() => qr(eye(2), { mode: 'full' as 'r' })).toThrow(BadArgument);
  });

  it('a complete Q of a tall matrix has no derivative', () => {
    const tall = random([3, 2], 'float32');
    expect(() => vjp((x: Tensor) => qr(x, { mode: 'complete' })[0].sum(), tall)).toThrow(NotDifferentiable);
    expect(qr(tall, { mode: 'complete' })[0].shape).toEqual([3, 3]);
  });
});
