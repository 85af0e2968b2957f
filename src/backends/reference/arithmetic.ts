/** Scalar arithmetic in JavaScript with the semantics of the kernel's expressions. */
import {
  type BinaryOp,
  type CompareOp,
  isFloat,
  type ScalarType,
  type UnaryOp,
} from '../../kernel/expression.ts';
import {
  acosh,
  cosh,
  digamma,
  erf,
  erfc,
  erfinv,
  lgamma,
  pow as power,
  roundHalfEven,
  sinh,
  tanh,
} from './special.ts';

export type Scalar1 = (x: number) => number;
export type Scalar2 = (x: number, y: number) => number;

/** Functions of one argument that generated code calls by name. */
export const functions: Record<Exclude<UnaryOp, 'neg' | 'not'>, Scalar1> = {
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  trunc: Math.trunc,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh,
  cosh,
  tanh,
  asinh: Math.asinh,
  acosh,
  atanh: Math.atanh,
  erf,
  erfc,
  erfinv,
  lgamma,
  digamma,
};

/** IEEE 754 power: 1 for x = 1 or y = 0 whatever the other, and for (−1)^±∞, where Math.pow gives NaN. */
export function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Number.POSITIVE_INFINITY || y === Number.NEGATIVE_INFINITY))) return 1;
  return power(x, y);
}

export function saturate(x: number, low: number, high: number): number {
  if (Number.isNaN(x)) return 0;
  return x < low ? low : x > high ? high : Math.trunc(x);
}

const words = new DataView(new ArrayBuffer(4));

export function bitsOfFloat(x: number): number {
  words.setFloat32(0, x);
  return words.getInt32(0);
}

export function floatOfBits(x: number): number {
  words.setInt32(0, x);
  return words.getFloat32(0);
}

export const integerRange: Record<'int32' | 'uint32' | 'int8' | 'uint8', readonly [number, number]> = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int8: [-128, 127],
  uint8: [0, 255],
};

/** A result brought back into its type: rounding of float32, wrapping of integers. */
export const wrap: Record<ScalarType, Scalar1> = {
  float64: x => x,
  float32: Math.fround,
  int32: x => x | 0,
  uint32: x => x >>> 0,
  int8: x => (x << 24) >> 24,
  uint8: x => x & 255,
  bool: x => (x ? 1 : 0),
};

/** Operations of two numbers before wrapping. Multiplication of integers keeps its low 32 bits. */
export const binaryFunctions: Record<BinaryOp | CompareOp, (type: ScalarType) => Scalar2> = {
  add: () => (x, y) => x + y,
  sub: () => (x, y) => x - y,
  mul: type => (isFloat(type) ? (x, y) => x * y : Math.imul),
  div: type => (isFloat(type) ? (x, y) => x / y : (x, y) => (y === 0 ? 0 : Math.trunc(x / y))),
  rem: () => (x, y) => x % y,
  pow: () => pow,
  atan2: () => Math.atan2,
  min: () => Math.min,
  max: () => Math.max,
  and: () => (x, y) => x & y,
  or: () => (x, y) => x | y,
  xor: () => (x, y) => x ^ y,
  shl: () => (x, y) => (y > 31 ? 0 : x << y),
  shr: type =>
    type === 'int32' || type === 'int8' ? (x, y) => x >> (y > 31 ? 31 : y) : (x, y) => (y > 31 ? 0 : x >>> y),
  eq: () => (x, y) => Number(x === y),
  ne: () => (x, y) => Number(x !== y),
  lt: () => (x, y) => Number(x < y),
  le: () => (x, y) => Number(x <= y),
};

/** From one type to another. */
export function castFunction(from: ScalarType, to: ScalarType): Scalar1 {
  if (to === 'bool') return x => (x !== 0 ? 1 : 0);
  if (isFloat(to) || !isFloat(from)) return wrap[to];
  const [low, high] = integerRange[to];
  return x => saturate(x, low, high);
}

export function bitcastFunction(from: ScalarType, to: ScalarType): Scalar1 {
  if (from === 'float32') return x => wrap[to](bitsOfFloat(x));
  return to === 'float32' ? floatOfBits : wrap[to];
}
