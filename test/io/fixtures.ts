/** What NumPy, PyTorch and the safetensors package wrote: made by fixtures.py. */
import { readFileSync } from 'node:fs';
import type { Tensor } from 'cotangent';

export interface Values {
  readonly shape: readonly number[];
  /** Row-major; text where JSON has no number: nan, inf, -inf, -0.0. */
  readonly values: readonly (number | string | boolean)[];
}

interface Fixtures {
  readonly npy: readonly (Values & { name: string; file: string })[];
  readonly npyWritten: readonly (Values & { dtype: 'float32' | 'int32'; file: string })[];
  readonly npyRefused: Readonly<Record<string, string>>;
  readonly npyWide: string;
  readonly npz: readonly { name: string; file: string; arrays: Record<string, Values> }[];
  readonly safetensors: {
    readonly file: string;
    readonly metadata: Record<string, string>;
    readonly tensors: Record<string, Values & { dtype: string }>;
  };
}

export const fixtures: Fixtures = JSON.parse(
  readFileSync(new URL('fixtures.json', import.meta.url), 'utf8'),
) as Fixtures;

/** A Buffer, whose `slice` does not copy: nothing may depend on that. */
export const bytesIn = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

const special: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0.0': -0 };
export const numberOf = (value: number | string | boolean): number =>
  typeof value === 'string' ? special[value] : Number(value);

export const contentOf = (x: Tensor): { shape: readonly number[]; values: number[] } => ({
  shape: x.shape,
  values: [...x.dataSync()],
});
export const contentIn = ({ shape, values }: Values): { shape: readonly number[]; values: number[] } => ({
  shape,
  values: values.map(numberOf),
});
