/** Values written in docstrings. */
import { Tensor } from 'cotangent';
import { expect } from 'vitest';

const arrays = (x: unknown): unknown =>
  x instanceof Tensor ? x.arraySync() : Array.isArray(x) ? x.map(arrays) : x;

/** A result is the value that is written as JSON, numbers to as many decimals as are written down. */
export function expectWritten(result: unknown, written: string): void {
  const found = [arrays(result)].flat(9 as 1) as unknown[];
  const expected = [JSON.parse(written) as unknown].flat(9 as 1) as unknown[];
  expect(found.length, JSON.stringify(found)).toBe(expected.length);
  expected.forEach((x, i) => {
    if (typeof x === 'number') expect(found[i]).toBeCloseTo(x, String(x).split('.')[1]?.length ?? 5);
    else expect(found[i]).toBe(x);
  });
}
