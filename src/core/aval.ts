import { type DType, isFloat, type Weak } from './dtype.ts';

/** An abstract value: what is known of a tensor before it is computed, its element type and shape. */
export class Aval {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Set on a JavaScript number that entered a transformation: it has not chosen its element type yet. */
  readonly weak: Weak | null;
  #key: string | undefined;

  constructor(dtype: DType, shape: readonly number[], weak: Weak | null = null) {
    this.dtype = dtype;
    this.shape = shape;
    this.weak = weak;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get ndim(): number {
    return this.shape.length;
  }

  get isFloat(): boolean {
    return isFloat(this.dtype);
  }

  /** `float32[2,3]`; a star marks a weak number. Two avals are equal exactly if their keys are. */
  get key(): string {
    this.#key ??= `${this.dtype}[${this.shape.join(',')}]${this.weak === null ? '' : this.weak === 'int' ? '*' : '~'}`;
    return this.#key;
  }

  equals(other: Aval): boolean {
    return this === other || this.key === other.key;
  }

  with(change: { dtype?: DType; shape?: readonly number[] }): Aval {
    return new Aval(change.dtype ?? this.dtype, change.shape ?? this.shape);
  }

  toString(): string {
    if (this.weak !== null) return 'number';
    return `${this.dtype}[${this.shape.join(',')}]`;
  }
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** 0, 1, … n−1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** The number of elements of all together. */
export const totalSize = (tensors: readonly { readonly aval: Aval }[]): number =>
  tensors.reduce((total, { aval }) => total + aval.size, 0);
