/** Laws of sampled functions, polynomials and statistics, and their derivatives. */
import {
  bincount,
  checkGrads,
  convolve,
  corrcoef,
  correlate,
  cov,
  cross,
  DataDependentShape,
  diff,
  gradient,
  histogram,
  inner,
  interp,
  isin,
  jit,
  kron,
  lexsort,
  linspace,
  matmul,
  matrixPower,
  multiDot,
  outer,
  polyder,
  polyint,
  polymul,
  polyval,
  ShapeMismatch,
  searchsorted,
  sort,
  type Tensor,
  tensor,
  topK,
  trapezoid,
  unique,
  unwrap,
  vander,
} from 'cotangent';
import { describe, expect, it } from 'vitest';
import { product, random } from './sampling.ts';

function sample(seed: number, ...shape: number[]): Tensor {
  const r = random(seed);
  return tensor(
    Float64Array.from({ length: product(shape) }, () => r.real()),
    { shape },
  );
}

function expectClose(got: Tensor, wanted: Tensor, tolerance = 1e-12): void {
  expect(got.shape).toEqual(wanted.shape);
  const [a, b] = [got.dataSync(), wanted.dataSync()];
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(b[i])));
  });
}

const xs = tensor([0, 0.5, 2, 3, 5], 'float64');

describe('differences and integrals', () => {
  it('gradient with coordinates is exact for parabolas inside, and for lines everywhere', () => {
    const parabola = xs.mul(xs).mul(3).sub(xs);
    const slopes = (gradient(parabola, xs) as Tensor).dataSync();
    expect(slopes[1]).toBeCloseTo(2, 12);
    expect(slopes[2]).toBeCloseTo(11, 12);
    expect(slopes[3]).toBeCloseTo(17, 12);
    expectClose(gradient(xs.mul(2), xs) as Tensor, tensor([2, 2, 2, 2, 2], 'float64'));
  });

  it('gradient of several axes is one tensor for each', () => {
    const f = sample(1, 3, 4);
    const both = gradient(f, [2, 0.5]) as Tensor[];
    expectClose(both[0], gradient(f, 2, { axis: 0 }) as Tensor);
    expectClose(both[1], gradient(f, 0.5, { axis: 1 }) as Tensor);
    expect(() => gradient(tensor([1]))).toThrow(ShapeMismatch);
  });

  it('trapezoid is exact for lines, and sums what diff has taken apart', () => {
    expect(trapezoid(xs.mul(2).add(1), xs).item()).toBeCloseTo(30, 12);
    expect(trapezoid(diff(xs).mul(0).add(1)).item()).toBeCloseTo(3, 12);
  });

  it('interp passes through its points and is constant outside', () => {
    const f = sample(2, 5);
    expectClose(interp(xs, xs, f), f);
    expectClose(interp([-1, 9], xs, f), tensor([f.dataSync()[0], f.dataSync()[4]], 'float64'));
    expect(interp(1, [0, 2], [10, 20]).item()).toBe(15);
    expect(interp(3, [1], [7]).item()).toBe(7);
  });

  it('unwrap undoes taking a phase modulo 2π', () => {
    const phase = linspace(0, 20, { num: 30, dtype: 'float64' });
    expectClose(unwrap(phase.mod(2 * Math.PI)), phase);
  });

  it('has derivatives', () => {
    checkGrads((f: Tensor, x: Tensor) => gradient(f, x) as Tensor, [sample(3, 5), xs], { order: 2 });
    checkGrads((y: Tensor, x: Tensor) => trapezoid(y, x), [sample(4, 5), xs], { order: 2 });
    checkGrads(interp, [tensor([0.2, 1.3, 4.4], 'float64'), xs, sample(5, 5)], { order: 2 });
  });
});

describe('polynomials and convolution', () => {
  it('differentiation undoes integration', () => {
    const p = sample(6, 4);
    expectClose(polyder(polyint(p, { m: 2, k: [1, 2] }), 2), p);
    expect(polyval(polyint([2], { k: 3 }), 0).item()).toBe(3);
  });

  it('a product of polynomials has the product of their values', () => {
    const [p, q, x] = [sample(7, 3), sample(8, 4), sample(9, 5)];
    expectClose(polyval(polymul(p, q), x), polyval(p, x).mul(polyval(q, x)));
    expectClose(matmul(vander(x, 3), p), polyval(p, x));
  });

  it('correlation is convolution with one operand turned round', () => {
    const [a, b] = [sample(10, 6), sample(11, 3)];
    const turned = tensor(Array.from(b.dataSync()).reverse(), 'float64');
    for (const mode of ['full', 'same', 'valid'] as const)
      expectClose(correlate(a, b, mode), convolve(a, turned, mode));
  });

  it('has derivatives', () => {
    checkGrads(polyval, [sample(12, 4), sample(13, 3)], { order: 2 });
    checkGrads((x: Tensor) => vander(x, 4), [tensor([0, 0.5, -1], 'float64')], { order: 2 });
    checkGrads((a: Tensor, b: Tensor) => convolve(a, b, 'same'), [sample(14, 5), sample(15, 3)], {
      order: 2,
    });
  });
});

describe('covariance and histograms', () => {
  it('cov is bilinear, corrcoef free of scale', () => {
    const x = sample(16, 3, 6);
    const scale = tensor([[2], [3], [5]], 'float64');
    expectClose(cov(x.mul(scale)), cov(x).mul(outer(scale, scale)));
    expectClose(corrcoef(x.mul(scale)), corrcoef(x));
    expectClose(cov(x, { rowvar: true, ddof: 0 }), cov(x).mul(5 / 6));
    expect(cov([1, 2, 3, 4]).item()).toBeCloseTo(5 / 3, 6);
    expect(corrcoef([1, 2, 3], [3, 2, 1]).arraySync()).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    checkGrads((a: Tensor) => corrcoef(a), [x], { order: 2 });
  });

  it('a histogram counts every element once, also when compiled', () => {
    const x = sample(17, 50);
    const count = (t: Tensor): Tensor => histogram(t, { bins: 7 })[0];
    expect(count(x).sum().item()).toBe(50);
    expect(jit(count)(x).arraySync()).toEqual(count(x).arraySync());
    const [density, edges] = histogram(x, { bins: 4, density: true });
    expect(density.mul(diff(edges)).sum().item()).toBeCloseTo(1, 12);
    expect(histogram([2, 2], { bins: 2 })[1].arraySync()).toEqual([1.5, 2, 2.5]);
    const weighted = (w: Tensor): Tensor => histogram(x, { bins: [-1, 0, 1], weights: w })[0];
    checkGrads(weighted, [sample(18, 50)]);
  });
});

describe('order', () => {
  it('topK is the beginning of the descending sort', () => {
    const x = sample(19, 3, 5);
    const [values, positions] = topK(x, 2);
    expect(values.shape).toEqual([3, 2]);
    expect(positions.dtype).toBe('int32');
    const sorted = sort(x, { descending: true }).arraySync() as number[][];
    expect(values.arraySync()).toEqual(sorted.map(row => row.slice(0, 2)));
    checkGrads((a: Tensor) => topK(a, 2)[0], [x]);
    checkGrads((a: Tensor) => sort(a, 0), [x]);
  });

  it('searchsorted counts the smaller elements', () => {
    const a = sort(sample(20, 13));
    const v = sample(21, 40);
    const wanted = Array.from(v.dataSync(), value => a.dataSync().filter(one => one < value).length);
    expect(Array.from(searchsorted(a, v).dataSync())).toEqual(wanted);
    expect(isin(a, a).all().item()).toBe(1);
    expect(isin([1, Number.NaN], [Number.NaN, 2]).arraySync()).toEqual([false, false]);
  });

  it('lexsort sorts by the last key first', () => {
    expect(
      lexsort([
        [1, 0, 0],
        [1, 1, 0],
      ]).arraySync(),
    ).toEqual([2, 1, 0]);
  });

  it('bincount has a static length for tracing', () => {
    const x = tensor([0, 1, 1, 3], 'int32');
    expect(bincount(x).arraySync()).toEqual([1, 2, 0, 1]);
    expect(jit((t: Tensor) => bincount(t, { length: 3 }))(x).arraySync()).toEqual([1, 2, 0]);
    expect(() => jit((t: Tensor) => bincount(t))(x)).toThrow(DataDependentShape);
    expect(() => jit((t: Tensor) => unique(t))(x)).toThrow(DataDependentShape);
  });

  it('unique makes NaN one value and sends cotangents to first occurrences', () => {
    const [values, counts] = unique([2, Number.NaN, 1, Number.NaN, 2], { returnCounts: true });
    expect(values.arraySync()).toEqual([1, 2, Number.NaN]);
    expect(counts.arraySync()).toEqual([1, 2, 2]);
    checkGrads((x: Tensor) => unique(x), [tensor([3, 1, 2], 'float64')]);
  });
});

describe('products', () => {
  it('cross is orthogonal to both', () => {
    const [a, b] = [sample(22, 4, 3), sample(23, 3)];
    const c = cross(a, b);
    expectClose(c.mul(a).sum(-1), tensor([0, 0, 0, 0], 'float64'));
    expectClose(inner(c, b), tensor([0, 0, 0, 0], 'float64'));
  });

  it('kron is multiplicative', () => {
    const [a, b, c, d] = [sample(24, 2, 3), sample(25, 2, 2), sample(26, 3, 2), sample(27, 2, 2)];
    expectClose(matmul(kron(a, b), kron(c, d)), kron(matmul(a, c), matmul(b, d)));
  });

  it('powers and chains are repeated products', () => {
    const [a, b, v] = [sample(28, 3, 3), sample(29, 3, 5), sample(30, 5)];
    expectClose(matrixPower(a, 3), matmul(a, matmul(a, a)));
    expectClose(matmul(matrixPower(a, 0), b), b);
    expectClose(multiDot([a, b, v]), matmul(a, matmul(b, v)));
    checkGrads((x: Tensor) => matrixPower(x, 3), [a], { order: 2 });
    checkGrads((x: Tensor, y: Tensor) => matmul(x, y), [sample(31, 2, 1, 2, 3), sample(32, 3, 3, 2)], {
      order: 2,
    });
  });

  it('says which axes do not fit', () => {
    expect(() => matmul(sample(1, 2, 3), sample(1, 2, 3))).toThrow(/not 3 and 2/);
    expect(() => matmul(2, sample(1, 2, 3))).toThrow(ShapeMismatch);
    expect(() => cross([1, 2], [3, 4])).toThrow(ShapeMismatch);
  });
});
