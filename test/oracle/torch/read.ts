/** Reads PyTorch's values and gradients, written by `../generate/torch_sequences.py`. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'cotangent';
import { expect } from 'vitest';

export interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as T;
}

export function f64({ shape, data }: Value): Tensor {
  return tensor(Float64Array.from(data), { shape });
}

/** Equal in shape, and to rounding in every element. */
export function expectClose(found: Tensor, expected: Value, what: string, tolerance = 1e-12): void {
  expect(found.dtype, what).toBe('float64');
  expect(found.shape, what).toEqual(expected.shape);
  const scale = Math.max(1, ...expected.data.map(Math.abs));
  const error = Math.max(0, ...Array.from(found.dataSync(), (x, i) => Math.abs(x - expected.data[i])));
  expect(error / scale, what).toBeLessThan(tolerance);
}
