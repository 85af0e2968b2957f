/** The format of the oracle's cases, and how to read and compare them. */

export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'int8' | 'uint8' | 'bool';

/** What JSON cannot write as a number. */
export type OracleNumber = number | 'nan' | 'inf' | '-inf' | '-0';

/** A tensor, flat and row-major; bools are 0 and 1. */
export interface OracleValue {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly OracleNumber[];
}

/** An operand: a tensor, a plain JS number, anything else as it stands, or a JS array of tensors. */
export type OracleArg =
  | OracleValue
  | { readonly num: OracleNumber }
  | { readonly raw: unknown }
  | { readonly list: readonly OracleArg[] };

/** One item of the index that `index`, `indexSet`, … take as their second operand, in `raw`. */
export type OracleIndex =
  | number
  | null
  | '...'
  | { readonly slice: readonly [start: number | null, stop: number | null, step: number | null] }
  | { readonly ints: OracleValue }
  | { readonly mask: OracleValue };

/** Gradients stand in the order of `wrt`, which holds positions in `args`; a list has a list of them. */
export interface OracleVjp {
  readonly cotangent: OracleValue | readonly OracleValue[];
  readonly wrt: readonly number[];
  readonly grads: readonly OracleArg[];
}

export interface OracleCase {
  readonly id: string;
  readonly fn: string;
  readonly args: readonly OracleArg[];
  readonly opts?: Readonly<Record<string, unknown>>;
  /** An array where the function returns several tensors. */
  readonly out: OracleValue | readonly OracleValue[];
  readonly vjp?: OracleVjp;
  /** How far a result may lie from `out`; absent where the test decides. */
  readonly ulp?: number;
  readonly note?: string;
}

export interface Decoded {
  readonly dtype: DType;
  readonly shape: number[];
  readonly data: number[];
}

/** The JS number that the JSON stands for. */
export function decodeNumber(x: OracleNumber): number {
  if (typeof x === 'number') return x;
  switch (x) {
    case 'nan':
      return NaN;
    case 'inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    case '-0':
      return -0;
  }
}

/** A tensor with plain numbers. Float32 data are printed short and rounded to float32 here. */
export function decode(value: OracleValue): Decoded {
  const numbers = value.data.map(decodeNumber);
  const data = value.dtype === 'float32' ? numbers.map(Math.fround) : numbers;
  return { dtype: value.dtype, shape: [...value.shape], data };
}

const scratch = new DataView(new ArrayBuffer(8));

/** Floats as consecutive integers: −0 and 0 are both 0, the next float is one more. */
function position(x: number, dtype: 'float32' | 'float64'): bigint {
  if (dtype === 'float32') {
    scratch.setFloat32(0, x);
    const bits = BigInt(scratch.getInt32(0));
    return bits >= 0n ? bits : -(2n ** 31n) - bits;
  }
  scratch.setFloat64(0, x);
  const bits = scratch.getBigInt64(0);
  return bits >= 0n ? bits : -(2n ** 63n) - bits;
}

/**
 * How many steps from float to float lie between `a` and `b`: 0 for equal numbers and for
 * two NaN, infinite where only one is NaN. −0 and 0 are no step apart: compare signs with
 * `Object.is` where they matter. Exact up to 2^53.
 */
export function ulpDistance(a: number, b: number, dtype: 'float32' | 'float64'): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity;
  const steps = position(a, dtype) - position(b, dtype);
  return Number(steps < 0n ? -steps : steps);
}
