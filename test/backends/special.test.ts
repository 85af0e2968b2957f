import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as special from '../../src/backends/reference/special.ts';

const functions = new Map(Object.entries(special) as [string, (...x: number[]) => number][]);

/** Rows of arguments and the float64 nearest to the result, by mpmath (tools/coefficients/measure.py --oracle). */
const oracle: Record<string, number[][]> = JSON.parse(
  readFileSync(new URL('../oracle/special-functions.json', import.meta.url), 'utf8'),
);

const buffer = new DataView(new ArrayBuffer(8));

/** The position of x among all floats in order, so that neighbours differ by one. */
function position(x: number): bigint {
  buffer.setFloat64(0, x);
  const word = buffer.getBigInt64(0);
  return word < 0n ? -(word & 0x7fffffffffffffffn) : word;
}

function floatsApart(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Infinity;
  const distance = position(a) - position(b);
  return Number(distance < 0n ? -distance : distance);
}

function call(name: string, x: number[]): number {
  return functions.get(name)?.(...x) ?? Number.NaN;
}

describe('within 2 units in the last place of mpmath', () => {
  it.each(Object.keys(oracle))('%s', name => {
    for (const row of oracle[name]) {
      const x = row.slice(0, -1);
      const expected = row[row.length - 1];
      const y = call(name, x);
      const message = `${name}(${x.join(', ')}) = ${y}, expected ${expected}`;
      expect(floatsApart(y, expected), message).toBeLessThanOrEqual(2);
    }
  });

  it('lgamma and digamma of negative numbers, at their zeros in absolute terms', () => {
    expect(special.lgamma(-2.5)).toBeCloseTo(-0.056243716497674054, 15);
    expect(special.lgamma(-2.457024738220801)).toBeCloseTo(-6.168712140884665e-16, 15);
    expect(special.lgamma(-2.7476826467274127)).toBeCloseTo(1.733509244024501e-16, 15);
    expect(special.digamma(-0.504083008264455)).toBeCloseTo(4.042965717222496e-15, 14);
    expect(special.digamma(-1.573498473162391)).toBeCloseTo(-6.4658805047957276e-15, 14);
    expect(floatsApart(special.lgamma(-5.25), -3.7283005108608567)).toBeLessThanOrEqual(2);
    expect(floatsApart(special.lgamma(-100.3), -363.7662061826763)).toBeLessThanOrEqual(2);
    expect(floatsApart(special.digamma(-2.25), 4.158583564657972)).toBeLessThanOrEqual(2);
    expect(floatsApart(special.digamma(-100.3), 6.895643124860435)).toBeLessThanOrEqual(2);
  });
});

describe('special values', () => {
  const values: [string, number[], number][] = [
    ['erf', [0], 0],
    ['erf', [-0], -0],
    ['erf', [Infinity], 1],
    ['erf', [-Infinity], -1],
    ['erf', [NaN], NaN],
    ['erf', [5e-324], 5e-324],
    ['erfc', [0], 1],
    ['erfc', [-0], 1],
    ['erfc', [Infinity], 0],
    ['erfc', [-Infinity], 2],
    ['erfc', [27.226], 5e-324],
    ['erfc', [28], 0],
    ['erfc', [NaN], NaN],
    ['erfinv', [0], 0],
    ['erfinv', [-0], -0],
    ['erfinv', [1], Infinity],
    ['erfinv', [-1], -Infinity],
    ['erfinv', [1.0000000000000002], NaN],
    ['erfinv', [-Infinity], NaN],
    ['erfinv', [NaN], NaN],
    ['lgamma', [1], 0],
    ['lgamma', [2], 0],
    ['lgamma', [0], Infinity],
    ['lgamma', [-0], Infinity],
    ['lgamma', [-1], Infinity],
    ['lgamma', [-3], Infinity],
    ['lgamma', [-170], Infinity],
    ['lgamma', [-1e300], Infinity],
    ['lgamma', [1e306], Infinity],
    ['lgamma', [Infinity], Infinity],
    ['lgamma', [-Infinity], Infinity],
    ['lgamma', [NaN], NaN],
    ['digamma', [0], -Infinity],
    ['digamma', [-0], Infinity],
    ['digamma', [-1], NaN],
    ['digamma', [-1e300], NaN],
    ['digamma', [Infinity], Infinity],
    ['digamma', [-Infinity], NaN],
    ['digamma', [NaN], NaN],
    ['sinh', [-0], -0],
    ['sinh', [710.4758600739439], 1.7976931348621744e308],
    ['sinh', [-710.48], -Infinity],
    ['sinh', [NaN], NaN],
    ['cosh', [0], 1],
    ['cosh', [-710.48], Infinity],
    ['cosh', [-Infinity], Infinity],
    ['tanh', [-0], -0],
    ['tanh', [Infinity], 1],
    ['tanh', [-Infinity], -1],
    ['tanh', [NaN], NaN],
    ['acosh', [1], 0],
    ['acosh', [0.9], NaN],
    ['acosh', [Infinity], Infinity],
    ['acosh', [NaN], NaN],
    ['pow', [0, 0], 1],
    ['pow', [NaN, 0], 1],
    ['pow', [-1, 4294967297], -1],
    ['pow', [-1, 4294967296.5], NaN],
    ['pow', [-1, 1e300], 1],
    ['pow', [1.0000001, Infinity], Infinity],
    ['pow', [1.0000001, -Infinity], 0],
    ['pow', [1, 1e300], 1],
    ['pow', [1.0000001, 1e12], Infinity],
    ['pow', [-0.9999999, 4294967296.5], NaN],
    ['pow', [-2, 3], -8],
  ];
  it.each(values)('%s(%j) is %d', (name, x, expected) => {
    expect(call(name, x)).toBe(expected);
  });

  it('pow keeps the sign of an odd power near 1', () => {
    expect(special.pow(-0.9999999, 4294967297)).toBe(-special.pow(0.9999999, 4294967297));
    expect(special.pow(-0.9999999, 4294967296)).toBe(special.pow(0.9999999, 4294967296));
  });
});

describe('laws', () => {
  it('erf and erfinv are odd and inverse to each other', () => {
    for (let y = 0.001; y < 1; y += 0.0173) {
      expect(special.erfinv(-y)).toBe(-special.erfinv(y));
      expect(special.erf(special.erfinv(y))).toBeCloseTo(y, 14);
    }
  });

  it('lgamma(n + 1) is the logarithm of n!', () => {
    let factorial = 1;
    for (let n = 2; n <= 22; n++) {
      factorial *= n;
      expect(floatsApart(special.lgamma(n + 1), Math.log(factorial))).toBeLessThanOrEqual(2);
    }
  });

  it('digamma(x + 1) = digamma(x) + 1 / x', () => {
    for (let x = 0.125; x < 40; x += 0.375) {
      expect(special.digamma(x + 1)).toBeCloseTo(special.digamma(x) + 1 / x, 13);
    }
  });
});

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0],
    [-0.5, -0],
    [1.5, 2],
    [2.5, 2],
    [-2.5, -2],
    [-3.5, -4],
    [0.49999999999999994, 0],
    [0.50000000000000011, 1],
    [-0.2, -0],
    [-0, -0],
    [0, 0],
    [5e-324, 0],
    [2251799813685249.5, 2251799813685250],
    [2251799813685248.5, 2251799813685248],
    [4503599627370495.5, 4503599627370496],
    [4503599627370497, 4503599627370497],
    [-9007199254740991, -9007199254740991],
    [1e300, 1e300],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [NaN, NaN],
  ])('%d to %d', (x, expected) => {
    expect(special.roundHalfEven(x)).toBe(expected);
  });
});
