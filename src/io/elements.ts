/** How numbers lie in files, and what element type they get here. */
import { allocate, type DType, dtypeInfo, type TypedArray } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';

/** The element types of files: those that there are here, and some that become another when they are read. */
export type Encoding = DType | 'float16' | 'bfloat16' | 'int16' | 'uint16' | 'int64' | 'uint64';

export interface WideIntegers {
  /**
   * What 64-bit integers become: 'int32' (uint32 for unsigned ones, the default) or 'float64'. A number that does not
   * fit is an error.
   */
  readonly int64?: 'int32' | 'float64';
}

export interface DecodeOptions extends WideIntegers {
  readonly bigEndian?: boolean;
  /** The bytes belong to nobody else, so that they may become the tensor's own. */
  readonly owned?: boolean;
  /** What reads, for messages. */
  readonly what: string;
}

export const widthOf = (encoding: Encoding): number =>
  encoding === 'int64' || encoding === 'uint64'
    ? 8
    : encoding === 'float16' || encoding === 'bfloat16' || encoding === 'int16' || encoding === 'uint16'
      ? 2
      : dtypeInfo(encoding).bytes;

/** The element type that numbers of an encoding have after they are read. */
export function decodedType(encoding: Encoding, { int64 = 'int32' }: WideIntegers = {}): DType {
  switch (encoding) {
    case 'float16':
    case 'bfloat16':
      return 'float32';
    case 'int16':
    case 'uint16':
      return 'int32';
    case 'int64':
      return int64;
    case 'uint64':
      return int64 === 'float64' ? 'float64' : 'uint32';
    default:
      return encoding;
  }
}

/** The numbers in bytes, in memory of their own. Halves become float32, 16-bit integers int32. */
export function decode(encoding: Encoding, bytes: Uint8Array, options: DecodeOptions): TypedArray {
  const width = widthOf(encoding);
  if (options.owned && encoding === 'uint8') return bytes;
  const own = new Uint8Array(bytes);
  if (options.bigEndian) swap(own, width);
  const { buffer } = own;
  switch (encoding) {
    case 'float16':
      return fromHalves(new Uint16Array(buffer));
    case 'bfloat16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), bits => bits << 16).buffer);
    case 'int16':
      return Int32Array.from(new Int16Array(buffer));
    case 'uint16':
      return Int32Array.from(new Uint16Array(buffer));
    case 'int64':
    case 'uint64':
      return narrowed(encoding, new Int32Array(buffer), options);
    case 'bool':
      for (let i = 0; i < own.length; i++) own[i] = own[i] === 0 ? 0 : 1;
      return own;
    default:
      return new (dtypeInfo(encoding).array)(buffer);
  }
}

function swap(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width)
    for (let i = at, j = at + width - 1; i < j; i++, j--) [bytes[i], bytes[j]] = [bytes[j], bytes[i]];
}

/** IEEE 754 binary16 to binary32; the bits of a NaN are kept. */
function fromHalves(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) values[i] = (sign === 0 ? fraction : -fraction) * 2 ** -24;
    else bits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return values;
}

/** 64-bit integers, given as pairs of words, in a type that there is here. */
function narrowed(encoding: 'int64' | 'uint64', words: Int32Array, options: DecodeOptions): TypedArray {
  const dtype = decodedType(encoding, options);
  const values = allocate(dtype, words.length / 2);
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i];
    const high = words[2 * i + 1];
    const value = (encoding === 'int64' ? high : high >>> 0) * 4294967296 + (low >>> 0);
    values[i] = value;
    if (values[i] !== value || !Number.isSafeInteger(value))
      throw new BadArgument({
        did: `${options.what}: ${encoding} element ${i} is ${pairToBigInt(encoding, high, low)}`,
        expected: dtype === 'float64' ? 'integers below 2⁵³ in magnitude' : `integers that ${dtype} can hold`,
        remedy:
          dtype === 'float64' ? 'store such numbers in two parts' : "pass { int64: 'float64' } to read them",
      });
  }
  return values;
}

const pairToBigInt = (encoding: 'int64' | 'uint64', high: number, low: number): bigint =>
  BigInt.asUintN(32, BigInt(low)) + (BigInt(encoding === 'int64' ? high : high >>> 0) << 32n);

/** The bytes of a typed array's elements: the same memory. */
export const rawBytes = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
