/** Long sums of float32 are right to the last digits, and keep the meaning of infinities and NaN. */
import { tensor } from 'cotangent';
import { describe, expect, test } from 'vitest';

// Rows shorter than a block of the summation, whose sum passes 2²⁴ soon.
const rows = 1 << 17;
const values = Float32Array.from({ length: 28 * rows }, (_, i) => ((i * 7919) % 61) + 37);
const exact = values.reduce((a, b) => a + b, 0);

describe.each([[[28 * rows]], [[rows, 28]], [[rows / 8, 4, 56]]])('a sum over %j', shape => {
  const x = tensor(values, { shape });

  test('is the exact sum rounded', () => {
    expect(Math.abs(x.sum().item() - exact) / exact).toBeLessThan(2 ** -23);
    expect(Math.abs(x.mean().item() - exact / values.length) / (exact / values.length)).toBeLessThan(
      2 ** -22,
    );
  });

  test('of infinities and NaN', () => {
    const changed = (...places: [at: number, value: number][]): number => {
      const copy = values.slice();
      for (const [at, value] of places) copy[at] = value;
      return tensor(copy, { shape }).sum().item();
    };
    expect(changed([5, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(changed([values.length - 1, Number.NEGATIVE_INFINITY])).toBe(Number.NEGATIVE_INFINITY);
    expect(changed([5, Number.POSITIVE_INFINITY], [9000, Number.NEGATIVE_INFINITY])).toBeNaN();
    expect(changed([77_777, Number.NaN])).toBeNaN();
  });
});
