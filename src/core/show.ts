import { type DType, isFloat, type TypedArray } from './dtype.ts';

/** The shortest decimal that gives the same element back. */
export function showNumber(value: number, dtype: DType): string {
  if (dtype === 'bool') return value ? 'true' : 'false';
  if (Object.is(value, -0)) return '-0';
  if (dtype !== 'float32' || !Number.isFinite(value)) return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

function showElement(value: number, dtype: DType): string {
  if (!isFloat(dtype) || !Number.isFinite(value)) return showNumber(value, dtype);
  const exact = showNumber(value, dtype);
  return exact.length <= 10 ? exact : String(Number(value.toPrecision(7)));
}

const edge = 3;
const most = 1000;

/** Nested brackets with aligned columns; more than 1000 elements show three at each end of an axis. */
export function showArray(data: TypedArray, shape: readonly number[], dtype: DType, indent: string): string {
  if (shape.length === 0) return showNumber(data[0], dtype);
  const shorten = data.length > most;
  const indices = (n: number): (number | null)[] => {
    const all = Array.from({ length: Math.min(n, shorten ? 2 * edge + 1 : n) }, (_, i) => i);
    if (!shorten || n <= 2 * edge + 1) return all;
    return [0, 1, 2, null, n - 3, n - 2, n - 1];
  };
  let width = 0;
  const cells = (axis: number, offset: number): unknown[] => {
    const step = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    return indices(shape[axis]).map(i => {
      if (i === null) return null;
      if (axis < shape.length - 1) return cells(axis + 1, offset + i * step);
      const text = showElement(data[offset + i], dtype);
      width = Math.max(width, text.length);
      return text;
    });
  };
  const tree = cells(0, 0);
  const print = (node: unknown, depth: number): string => {
    if (node === null) return '…';
    if (typeof node === 'string') return node.padStart(shape.length > 1 ? width : 0);
    const parts = (node as unknown[]).map(child => print(child, depth + 1));
    const last = depth === shape.length - 1;
    const gap = last ? ', ' : `,\n${depth < shape.length - 2 ? '\n' : ''}${indent}${' '.repeat(depth + 1)}`;
    return `[${parts.join(gap)}]`;
  };
  return print(tree, 0);
}
