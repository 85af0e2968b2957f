import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  cond,
  forLoop,
  jacfwd,
  jit,
  ones,
  SparsityPattern,
  scan,
  sparseJacobian,
  sparsityPattern,
  stopGradient,
  type Tensor,
  tensor,
  where,
  whileLoop,
  zeros,
} from '../../../src/index.ts';
import { conv } from '../../../src/nn/index.ts';
import { primitivesByFamily } from '../../../src/primitives/index.ts';
import { bind } from '../../../src/primitives/primitive.ts';
import { isDifferentiableSample, numbers, operandsOf } from '../../laws/samples.ts';
import { brusselator } from './brusselator.ts';

const f64 = (values: number[]): Tensor => tensor(values, { dtype: 'float64' });
const positions = (n: number): Tensor => f64(Array.from({ length: n }, (_, i) => 0.3 + 0.2 * i));
/** The columns of each row. */
const rowsOf = (pattern: SparsityPattern): number[][] =>
  Array.from({ length: pattern.shape[0] }, (_, i) => [...pattern.row(i)]);
const find = (f: (x: Tensor) => Tensor, n: number): number[][] => rowsOf(sparsityPattern(f)(positions(n)));

describe('published patterns', () => {
  test('the Brusselator on a 6 × 6 grid', () => {
    const text = readFileSync(new URL('brusselator-n6-pattern.txt', import.meta.url), 'utf8');
    const expected = text
      .replace(/Bool\[|\]/g, '')
      .trim()
      .split(';')
      .map(line =>
        line
          .trim()
          .split(/\s+/)
          .flatMap((entry, j) => (entry === '1' ? [j] : [])),
      );
    expect(rowsOf(sparsityPattern(brusselator)(ones([2, 6, 6])))).toEqual(expected);
  });

  test('the Brusselator on a 48 × 48 grid: 4608 rows of 6 entries, in well under a second', () => {
    const u = ones([2, 48, 48], { dtype: 'float64' });
    const start = performance.now();
    const pattern = sparsityPattern(brusselator)(u);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(pattern.shape).toEqual([4608, 4608]);
    expect(pattern.count).toBe(6 * 4608);
  });
});

describe('the pattern covers the derivative', () => {
  const cases = Object.values(primitivesByFamily)
    .flat()
    .filter(primitive => primitive.kind !== 'structured')
    .flatMap(primitive =>
      primitive.samples
        .filter(sample => isDifferentiableSample(primitive, sample))
        .map((sample, i) => ({ primitive, sample, name: `${primitive.name} ${i}` })),
    );

  test('there are samples of many primitives', () => {
    expect(new Set(cases.map(one => one.primitive.name)).size).toBeGreaterThan(50);
  });

  /** Entries that differ from zero at a point, one list of columns for each row. */
  const nonzeros = (matrix: Tensor): Set<number>[] => {
    const [m, n] = matrix.shape;
    const values = numbers(matrix);
    return Array.from(
      { length: m },
      (_, i) => new Set(Array.from({ length: n }, (__, j) => j).filter(j => values[i * n + j] !== 0)),
    );
  };

  test.each(cases)('$name', ({ primitive, sample }) => {
    const operands = operandsOf(sample, 'float64');
    operands.forEach((operand, place) => {
      if (!operand.aval.isFloat || operand.size === 0) return;
      const f = (x: Tensor): Tensor =>
        bind(
          primitive,
          operands.map((other, i) => (i === place ? x : other)),
          sample.params,
        )[0];
      const out = f(operand);
      if (out.size === 0) return;
      const pattern = sparsityPattern(f)(operand);
      expect(pattern.shape).toEqual([out.size, operand.size]);
      const found = nonzeros((jacfwd(f)(operand) as Tensor).reshape([out.size, operand.size]));
      found.forEach((columns, i) => {
        const row = new Set(pattern.row(i));
        for (const column of columns) expect(row.has(column)).toBe(true);
      });
    });
  });
});

describe('what counts as dependence', () => {
  test('elementwise: the diagonal; sums: full rows; running sums: a triangle', () => {
    expect(find(x => x.sin().mul(x).exp(), 3)).toEqual([[0], [1], [2]]);
    expect(find(x => x.mul(x).sum(), 4)).toEqual([[0, 1, 2, 3]]);
    expect(find(x => x.cumsum(), 3)).toEqual([[0], [0, 1], [0, 1, 2]]);
    expect(find(x => x.cumprod(), 3)).toEqual([[0], [0, 1], [0, 1, 2]]);
  });

  test('an operation without derivative, a stopped value, an integer and a comparison count for nothing', () => {
    expect(find(x => x.floor().add(stopGradient(x)), 2)).toEqual([[], []]);
    expect(find(x => x.astype('int32').astype('float64'), 2)).toEqual([[], []]);
    expect(find(x => where(x.greater(0), 1, 2).mul(x.at([1, 0]).get()), 2)).toEqual([[1], [0]]);
  });

  test('both branches of a choice count, whatever the point is', () => {
    const f = (x: Tensor): Tensor => where(x.greater(10), x, x.at([1, 2, 0]).get());
    expect(find(f, 3)).toEqual([
      [0, 1],
      [1, 2],
      [0, 2],
    ]);
    const g = (x: Tensor): Tensor =>
      cond(
        x.at(0).get().greater(10),
        (y: Tensor) => y,
        (y: Tensor) => y.at([1, 0]).get(),
        x,
      );
    expect(find(g, 2)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test('constant places, masks and zeros are looked at', () => {
    expect(find(x => x.at(tensor([2, 2, 0], { dtype: 'int32' })).get(), 3)).toEqual([[2], [2], [0]]);
    expect(find(x => where(tensor([true, false, true]), x, x.sum()), 3)).toEqual([[0], [0, 1, 2], [2]]);
    const A = tensor(
      [
        [1, 0, 2],
        [0, 0, 3],
      ],
      { dtype: 'float64' },
    );
    expect(find(x => A.matmul(x.mul(x)), 3)).toEqual([[0, 2], [2]]);
    expect(find(x => x.mul(f64([0, Number.NaN, -0])), 3)).toEqual([[], [1], []]);
  });

  test('places that depend on the input count as all places along their axis', () => {
    const f = (x: Tensor): Tensor => {
      const rows = x.reshape([2, 3]);
      const place = rows.at(0).get().argmax();
      return rows.take(place, { axis: 1 });
    };
    expect(find(f, 6)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(find(x => x.sort(), 3)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  test('writing at constant places replaces what was there', () => {
    const f = (x: Tensor): Tensor => x.at(0).set(x.at(2).get());
    expect(find(f, 3)).toEqual([[2], [1], [2]]);
    expect(find(x => zeros([3], { dtype: 'float64' }).at([1, 1]).add(x), 2)).toEqual([[], [0, 1], []]);
  });

  test('loops go through their steps', () => {
    const running = (x: Tensor): Tensor =>
      scan((s: Tensor, e: Tensor) => [s.add(e), s.mul(2)], zeros([], { dtype: 'float64' }), x)[1] as Tensor;
    expect(find(running, 3)).toEqual([[], [0], [0, 1]]);
    // Every step reads at the place that it counts to.
    const counted = (x: Tensor): Tensor =>
      forLoop(0, 2, (i, s: Tensor) => s.add(x.take(i)), zeros([], { dtype: 'float64' })) as Tensor;
    expect(find(counted, 4)).toEqual([[0, 1]]);
    const shifted = (x: Tensor): Tensor =>
      whileLoop(
        (s: Tensor) => s.sum().less(1e9),
        (s: Tensor) => s.at([1, 2, 2, 3]).get().mul(2),
        x,
      ) as Tensor;
    expect(find(shifted, 4)).toEqual([[0, 1, 2], [1, 2], [2], [3]]);
  });

  test('a loop of very many steps is covered without going through them', () => {
    const f = (x: Tensor): Tensor =>
      scan((s: Tensor) => [s.mul(0.5).add(s.at([1, 2, 2]).get()), null], x, null, {
        length: 300_000,
      })[0] as Tensor;
    expect(find(f, 3)).toEqual([[0, 1, 2], [1, 2], [2]]);
  });

  test('calls, and functions of trees', () => {
    expect(find(jit((x: Tensor) => x.mul(x)) as (x: Tensor) => Tensor, 2)).toEqual([[0], [1]]);
    const pattern = sparsityPattern(({ a, b }: { a: Tensor; b: Tensor }) => [b.mul(2), a.sum(), a.floor()])({
      a: positions(2),
      b: positions(3),
    });
    expect(rowsOf(pattern)).toEqual([[2], [3], [4], [0, 1], [], []]);
  });

  test('in what a convolution pads with nothing is read', () => {
    const w = f64([1, 2, 3]).reshape([1, 1, 3]);
    const f = (x: Tensor): Tensor => conv(x.reshape([1, 1, 4]), w, { padding: 'same' }).reshape([4]);
    expect(find(f, 4)).toEqual([
      [0, 1],
      [0, 1, 2],
      [1, 2, 3],
      [2, 3],
    ]);
  });

  test('floats among the other arguments may have any value', () => {
    const f = (x: Tensor, w: Tensor): Tensor => x.mul(w);
    expect(rowsOf(sparsityPattern(f)(positions(2), f64([0, 1])))).toEqual([[0], [1]]);
    expect(rowsOf(sparsityPattern(f, { argnums: 1 })(positions(2), f64([0, 1])))).toEqual([[0], [1]]);
  });
});

describe('the pattern is found once', () => {
  test('for the same program', () => {
    const J = sparseJacobian((x: Tensor) => x.mul(x));
    J(f64([1, 2]));
    J(f64([3, 4]));
    expect(J.detections).toBe(1);
    J(f64([1, 2, 3]));
    expect(J.detections).toBe(2);
    J(f64([3, 4]));
    expect(J.detections).toBe(2);
    const pattern = sparsityPattern((x: Tensor) => x.mul(x));
    expect(pattern(f64([1, 2]))).toBe(pattern(f64([5, 6])));
  });

  test('and again where what the function takes from outside moves the entries', () => {
    let places = tensor([0, 1], { dtype: 'int32' });
    let scale = 2;
    const J = sparseJacobian((x: Tensor) => x.at(places).get().mul(scale));
    expect(
      J(f64([1, 2]))
        .toDense()
        .arraySync(),
    ).toEqual([
      [2, 0],
      [0, 2],
    ]);
    places = tensor([1, 0], { dtype: 'int32' });
    expect(
      J(f64([1, 2]))
        .toDense()
        .arraySync(),
    ).toEqual([
      [0, 2],
      [2, 0],
    ]);
    expect(J.detections).toBe(2);
    places = tensor([1, 0], { dtype: 'int32' });
    J(f64([1, 2]));
    expect(J.detections).toBe(2);
    scale = 3;
    expect(
      J(f64([1, 2]))
        .toDense()
        .arraySync(),
    ).toEqual([
      [0, 3],
      [3, 0],
    ]);
  });
});

describe('SparsityPattern', () => {
  const pattern = SparsityPattern.of([2, 3], [[0, 2], [1]]);

  test('rows, columns, transposition', () => {
    expect([...pattern.rows]).toEqual([0, 0, 1]);
    expect([...pattern.columns]).toEqual([0, 2, 1]);
    const { pattern: mirrored, order } = pattern.transposed();
    expect(rowsOf(mirrored)).toEqual([[0], [1], [0]]);
    expect([...order]).toEqual([0, 2, 1]);
    expect(mirrored.transposed().pattern).toBe(pattern);
  });

  test('is drawn, and cut where it is large', () => {
    expect(String(pattern)).toBe('● · ●\n· ● ·');
    const large = SparsityPattern.of([1, 100], [[99]]);
    expect(String(large)).toContain('1 × 100 with 1 entries');
  });

  test('a wrong number of row starts is an error', () => {
    expect(() => new SparsityPattern([2, 2], new Int32Array(2), new Int32Array(0))).toThrow('CT101');
  });

  test('the law of transposition holds for entries without values', () => {
    const dense = (p: SparsityPattern): number[][] =>
      rowsOf(p).map(row => Array.from({ length: p.shape[1] }, (_, j) => Number(row.includes(j))));
    const flipped = dense(pattern)[0].map((_, j) => dense(pattern).map(row => row[j]));
    expect(dense(pattern.transposed().pattern)).toEqual(flipped);
  });
});
