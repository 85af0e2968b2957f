import { describe, expect, test } from 'vitest';
import {
  type Colouring,
  colourColumns,
  colourRows,
  colourSymmetric,
  ones,
  SparsityPattern,
  sparsityPattern,
} from '../../../src/index.ts';
import { randomNumbers } from '../../laws/samples.ts';
import { brusselator } from './brusselator.ts';

function square(n: number, has: (i: number, j: number) => boolean): SparsityPattern {
  const all = Array.from({ length: n }, (_, j) => j);
  return SparsityPattern.of(
    [n, n],
    all.map(i => all.filter(j => has(i, j))),
  );
}

const banded = (n: number, width: number): SparsityPattern => square(n, (i, j) => Math.abs(i - j) <= width);
const arrow = (n: number): SparsityPattern => square(n, (i, j) => i === j || i === 0 || j === 0);
const lastArrow = (n: number): SparsityPattern => square(n, (i, j) => i === j || i === n - 1 || j === n - 1);

function randomPattern(m: number, n: number, density: number, seed: number): SparsityPattern {
  const random = randomNumbers(seed);
  return SparsityPattern.of(
    [m, n],
    Array.from({ length: m }, () => Array.from({ length: n }, (_, j) => j).filter(() => random() < density)),
  );
}

function randomSymmetric(n: number, density: number, seed: number): SparsityPattern {
  const random = randomNumbers(seed);
  const entries = new Set<number>();
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) if (i === j || random() < density) entries.add(i * n + j).add(j * n + i);
  return square(n, (i, j) => entries.has(i * n + j));
}

/** No row has two entries of one colour. */
function expectProper(pattern: SparsityPattern, { colours, count }: Colouring): void {
  expect(Math.max(-1, ...colours) + 1).toBe(count);
  for (let i = 0; i < pattern.shape[0]; i++) {
    const seen = [...pattern.row(i)].map(j => colours[j]);
    expect(new Set(seen).size).toBe(seen.length);
  }
}

/** Neighbours differ, and no path v – w – x – y has two colours only: by going through all such paths. */
function expectStar(pattern: SparsityPattern, { colours }: Colouring): void {
  const neighbours = (v: number): number[] => [...pattern.row(v)].filter(w => w !== v);
  for (let v = 0; v < pattern.shape[0]; v++)
    for (const w of neighbours(v)) {
      expect(colours[v]).not.toBe(colours[w]);
      for (const x of neighbours(w))
        if (x !== v && colours[x] === colours[v])
          for (const y of neighbours(x)) if (y !== w) expect(colours[y]).not.toBe(colours[w]);
    }
}

describe('columns and rows', () => {
  test('a diagonal takes 1 colour, a band of half width b takes 2b + 1, a full row takes all', () => {
    expect(colourColumns(square(50, (i, j) => i === j)).count).toBe(1);
    for (const b of [1, 2, 3]) expect(colourColumns(banded(40, b)).count).toBe(2 * b + 1);
    expect(colourColumns(arrow(12)).count).toBe(12);
  });

  test('a block with full rows is cheap by rows', () => {
    const pattern = SparsityPattern.of([2, 30], [Array.from({ length: 30 }, (_, j) => j), [3]]);
    expect(colourColumns(pattern).count).toBe(30);
    expect(colourRows(pattern).count).toBe(2);
  });

  test('the Brusselator with N = 48 takes at most 11 colours for 4608 columns', () => {
    const pattern = sparsityPattern(brusselator)(ones([2, 48, 48]));
    const colouring = colourColumns(pattern);
    expect(colouring.count).toBeLessThanOrEqual(11);
    expectProper(pattern, colouring);
  });

  test.each([1, 2, 3, 4, 5])('random pattern %d', seed => {
    const pattern = randomPattern(40, 30, 0.05 * seed, seed);
    expectProper(pattern, colourColumns(pattern));
    expectProper(pattern.transposed().pattern, colourRows(pattern));
  });

  test('nothing to colour', () => {
    expect(colourColumns(SparsityPattern.of([0, 0], [])).count).toBe(0);
    expect(colourColumns(SparsityPattern.of([2, 3], [[], []])).count).toBe(1);
  });
});

describe('symmetric matrices', () => {
  test('an arrow takes 2 colours, whichever way it points', () => {
    expect(colourSymmetric(arrow(50)).count).toBe(2);
    expect(colourSymmetric(lastArrow(50)).count).toBe(2);
    expect(colourColumns(arrow(50)).count).toBe(50);
  });

  test('a tridiagonal matrix takes 3 colours, a pentadiagonal one at most 5', () => {
    // The star chromatic number of a path of four or more vertices is 3.
    expect(colourSymmetric(banded(40, 1)).count).toBe(3);
    expect(colourSymmetric(banded(40, 2)).count).toBeLessThanOrEqual(5);
  });

  test.each([1, 2, 3, 4, 5, 6])('random symmetric pattern %d', seed => {
    const pattern = randomSymmetric(35, 0.04 * seed, seed);
    expectStar(pattern, colourSymmetric(pattern));
  });
});
