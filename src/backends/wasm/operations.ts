/** Scalar operations on vectors. */
import { type Expression, isFloat, type ScalarType } from '../../kernel/expression.ts';
import { type FunctionBuilder, f32x4, f64x2, i32x4, type Value, v128 } from './encode.ts';
import type { Functions } from './functions.ts';
import { boundsOf } from './indices.ts';
import { byLane, divideByConstant } from './integers.ts';
import { constantVector, type Lanes, wrapped } from './lanes.ts';

/** What operations are written into. */
export interface Target {
  readonly f: FunctionBuilder;
  readonly lanes: Lanes;
  readonly math: Functions;
  /** Of the axes, which bound indices. */
  readonly extents: readonly number[];
}

/** An operation of one vector. */
export function unaryVector({ f, math }: Target, op: string, type: ScalarType, a: Value): Value {
  if (op === 'not') return type === 'bool' ? v128.not(a) : wrapped(type, v128.not(a));
  if (type !== 'float32' && type !== 'float64') {
    if (op === 'neg') return wrapped(type, i32x4.neg(a));
    if (op === 'abs') return type === 'uint32' || type === 'uint8' ? a : wrapped(type, i32x4.abs(a));
    // The sign of an integer: (x > 0) − (x < 0), masks being −1.
    const kept = f.let(a);
    const zero = constantVector('int32', 0);
    if (type === 'uint32' || type === 'uint8') return i32x4.neg(i32x4.ne(kept, zero));
    return i32x4.sub(i32x4.lt_s(kept, zero), i32x4.gt_s(kept, zero));
  }
  const simd = type === 'float32' ? f32x4 : f64x2;
  const direct = {
    neg: simd.neg,
    abs: simd.abs,
    sqrt: simd.sqrt,
    floor: simd.floor,
    ceil: simd.ceil,
    trunc: simd.trunc,
    round: simd.nearest,
  }[op as 'neg'];
  if (direct !== undefined) return direct(a);
  if (op === 'sign') {
    const kept = f.let(a);
    const one = v128.or(v128.and(kept, simd.const(-0)), simd.const(1));
    return v128.bitselect(v128.or(simd.lt(kept, simd.const(0)), simd.gt(kept, simd.const(0))), one, kept);
  }
  return math.apply(f, op, type, a);
}

/** An operation of two vectors, whose expressions are `args`. */
export function binaryVector(
  { f, lanes, math, extents }: Target,
  op: string,
  type: ScalarType,
  a: Value,
  b: Value,
  args: readonly Expression[],
): Value {
  const second = args[1];
  if (isFloat(type)) {
    const simd = type === 'float32' ? f32x4 : f64x2;
    const direct = {
      add: simd.add,
      sub: simd.sub,
      mul: simd.mul,
      div: simd.div,
      min: simd.min,
      max: simd.max,
    }[op as 'add'];
    if (direct !== undefined) return direct(a, b);
    return math.apply(f, op, type, a, b);
  }
  if (op === 'and') return v128.and(a, b);
  if (op === 'or') return v128.or(a, b);
  if (op === 'xor') return v128.xor(a, b);
  if (type === 'bool') return op === 'min' ? v128.and(a, b) : v128.or(a, b);
  if (op === 'add') return wrapped(type, i32x4.add(a, b));
  if (op === 'sub') return wrapped(type, i32x4.sub(a, b));
  if (op === 'mul') return wrapped(type, i32x4.mul(a, b));
  const isUnsigned = type === 'uint32' || type === 'uint8';
  if (op === 'min') return (isUnsigned ? i32x4.min_u : i32x4.min_s)(a, b);
  if (op === 'max') return (isUnsigned ? i32x4.max_u : i32x4.max_s)(a, b);
  if ((op === 'shl' || op === 'shr') && second.op === 'constant' && second.value >= 0 && second.value < 32) {
    if (op === 'shl') return wrapped(type, i32x4.shl(a, second.value));
    return wrapped(type, (isUnsigned ? i32x4.shr_u : i32x4.shr_s)(a, second.value));
  }
  if ((op === 'div' || op === 'rem') && second.op === 'constant' && second.value > 0) {
    const divided = divideByConstant(f, op, a, second.value, boundsOf(args[0], extents));
    if (divided !== null) return divided;
  }
  return wrapped(type, byLane(f, lanes, op, isUnsigned, a, b));
}
