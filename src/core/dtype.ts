/** Element types of tensors, and which type an operation on several of them has. */

export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'int8' | 'uint8' | 'bool';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Int8Array | Uint8Array;

/** How a JavaScript number joins an operation: it takes the type of the tensors it meets, within its kind. */
export type Weak = 'int' | 'float';

interface DTypeInfo {
  readonly kind: 'float' | 'int' | 'bool';
  readonly bytes: number;
  readonly array: new (data: number | ArrayLike<number> | ArrayBufferLike) => TypedArray;
  readonly min: number;
  readonly max: number;
}

const info: Record<DType, DTypeInfo> = {
  float32: { kind: 'float', bytes: 4, array: Float32Array, min: -Infinity, max: Infinity },
  float64: { kind: 'float', bytes: 8, array: Float64Array, min: -Infinity, max: Infinity },
  int32: { kind: 'int', bytes: 4, array: Int32Array, min: -2147483648, max: 2147483647 },
  uint32: { kind: 'int', bytes: 4, array: Uint32Array, min: 0, max: 4294967295 },
  int8: { kind: 'int', bytes: 1, array: Int8Array, min: -128, max: 127 },
  uint8: { kind: 'int', bytes: 1, array: Uint8Array, min: 0, max: 255 },
  bool: { kind: 'bool', bytes: 1, array: Uint8Array, min: 0, max: 1 },
};

export const dtypes: readonly DType[] = Object.keys(info) as DType[];

export function dtypeInfo(dtype: DType): DTypeInfo {
  return info[dtype];
}

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(info, value);
}

export function isFloat(dtype: DType): boolean {
  return info[dtype].kind === 'float';
}

/** A zeroed array of the element type; bool is stored one byte an element. */
export function allocate(dtype: DType, size: number): TypedArray {
  return new info[dtype].array(size);
}

/** The smallest and largest finite or integer value of the type (−∞ and ∞ for floats). */
export function limits(dtype: DType): { min: number; max: number } {
  return info[dtype];
}

/** The element type that a typed array's data take; undefined for arrays without one (BigInt64Array, DataView). */
export function dtypeOfArray(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array || array instanceof Int16Array || array instanceof Uint16Array)
    return 'int32';
  if (array instanceof Uint32Array) return 'uint32';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'uint8';
  return undefined;
}

/** The common type of two: the narrowest here that holds both kinds (there is no int16 and no int64). */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b || b === 'bool') return a;
  if (a === 'bool') return b;
  if (a === 'float64' || b === 'float64') return 'float64';
  if (a === 'float32' || b === 'float32') return 'float32';
  if (a === 'uint32' && b === 'uint8') return 'uint32';
  if (a === 'uint8' && b === 'uint32') return 'uint32';
  return 'int32';
}

/** The type a strong type and a JavaScript number make: int32 with 0.5 is float32, float64 with 2 is float64. */
export function promoteWeak(strong: DType, weak: Weak): DType {
  const kind = info[strong].kind;
  if (kind === 'float') return strong;
  if (weak === 'float') return 'float32';
  return kind === 'bool' ? 'int32' : strong;
}

/** The nearest value that the type can hold, as storing it in a typed array would give. */
export function roundTo(dtype: DType, value: number): number {
  switch (dtype) {
    case 'float64':
      return value;
    case 'float32':
      return Math.fround(value);
    case 'int32':
      return value | 0;
    case 'uint32':
      return value >>> 0;
    case 'int8':
      return (value << 24) >> 24;
    case 'uint8':
      return value & 255;
    case 'bool':
      return value !== 0 ? 1 : 0;
  }
}

/** The distance from 1 to the next larger number. */
export const epsilonOf = (dtype: DType): number => (dtype === 'float64' ? 2 ** -52 : 2 ** -23);
