/**
 * Element types in vectors. A vector holds `lanes` elements: 4, or 2 where a kernel has float64. 32-bit and
 * narrower types always take 32-bit lanes (the low two of them where lanes is 2), float64 takes 64-bit ones. A bool
 * is a mask: all bits of its lane.
 */
import { bytesOf, isFloat, type ScalarType } from '../../kernel/expression.ts';
import { type Code, f32, f32x4, f64, f64x2, i16x8, i32, i32x4, type Value, v128 } from './encode.ts';

export type Lanes = 2 | 4;

export function constantVector(type: ScalarType, x: number): Value {
  if (type === 'float32') return f32x4.const(x);
  if (type === 'float64') return f64x2.const(x);
  const n = type === 'bool' ? (x ? -1 : 0) : x | 0;
  return i32x4.const(n, n, n, n);
}

/** All lanes the element at an address. */
export function loadSplat(type: ScalarType, address: Value, offset: number): Value {
  if (type === 'float64') return v128.load64_splat(address, offset);
  if (bytesOf[type] === 4) return v128.load32_splat(address, offset);
  const byte = type === 'int8' ? i32.load8_s(address, offset) : i32.load8_u(address, offset);
  return type === 'bool' ? i32x4.splat(i32.sub(i32.const(0), byte)) : i32x4.splat(byte);
}

/** Neighbouring elements. Narrow types may read a few bytes beyond. */
export function loadVector(type: ScalarType, lanes: Lanes, address: Value, offset: number): Value {
  if (type === 'float64') return v128.load(address, offset);
  if (bytesOf[type] === 4)
    return lanes === 4 ? v128.load(address, offset) : v128.load64_zero(address, offset);
  const bytes = v128.load32_zero(address, offset);
  if (type === 'int8') return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes));
  const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
  return type === 'bool' ? i32x4.neg(wide) : wide;
}

/** The vector with one lane replaced by the element at an address. */
export function loadLane(type: ScalarType, into: Value, lane: number, address: Value, offset: number): Value {
  if (type === 'float64') return f64x2.replace_lane(into, lane, f64.load(address, offset));
  if (type === 'float32') return f32x4.replace_lane(into, lane, f32.load(address, offset));
  if (bytesOf[type] === 4) return i32x4.replace_lane(into, lane, i32.load(address, offset));
  const byte = type === 'int8' ? i32.load8_s(address, offset) : i32.load8_u(address, offset);
  return i32x4.replace_lane(into, lane, type === 'bool' ? i32.sub(i32.const(0), byte) : byte);
}

const zero = i32x4.const(0, 0, 0, 0);
const lowBytes = [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12];

/** What memory holds of a vector of narrow elements: their low bytes side by side. */
function packed(type: ScalarType, x: Value): Value {
  const bits = type === 'bool' ? v128.and(x, i32x4.const(1, 1, 1, 1)) : x;
  return v128.shuffle(bits, zero, lowBytes);
}

/** Stores all lanes. `x` is used once, or twice for narrow types: it must be a local. */
export function storeVector(type: ScalarType, lanes: Lanes, address: Value, x: Value, offset: number): Code {
  if (type === 'float64') return v128.store(address, x, offset);
  if (bytesOf[type] === 4)
    return lanes === 4 ? v128.store(address, x, offset) : v128.store64_lane(address, x, 0, offset);
  if (lanes === 4) return v128.store32_lane(address, packed(type, x), 0, offset);
  return [0, 1].map(lane => storeLane(type, address, x, lane, offset + lane));
}

export function storeLane(type: ScalarType, address: Value, x: Value, lane: number, offset: number): Code {
  if (type === 'float64') return v128.store64_lane(address, x, lane, offset);
  if (bytesOf[type] === 4) return v128.store32_lane(address, x, lane, offset);
  const element = i32x4.extract_lane(x, lane);
  return i32.store8(address, type === 'bool' ? i32.and(element, i32.const(1)) : element, offset);
}

/** The mask of 64-bit lanes for a mask of 32-bit ones, and back. */
export const widenMask = (mask: Value): Value =>
  v128.shuffle(mask, zero, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]);
export const narrowMask = (mask: Value): Value =>
  v128.shuffle(mask, zero, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);

/** Integers brought back into narrow types. */
export function wrapped(type: ScalarType, x: Value): Value {
  if (type === 'int8') return i32x4.shr_s(i32x4.shl(x, 24), 24);
  return type === 'uint8' ? v128.and(x, i32x4.const(255, 255, 255, 255)) : x;
}

/** From one type to another: `x` is used once. */
export function castVector(from: ScalarType, to: ScalarType, x: Value): Value {
  if (from === to) return x;
  if (to === 'bool') {
    if (from === 'float32') return f32x4.ne(x, f32x4.const(0));
    if (from === 'float64') return narrowMask(f64x2.ne(x, f64x2.const(0)));
    return i32x4.ne(x, i32x4.const(0, 0, 0, 0));
  }
  if (from === 'bool') {
    if (to === 'float32') return v128.and(x, f32x4.const(1));
    const ones = v128.and(x, i32x4.const(1, 1, 1, 1));
    return to === 'float64' ? f64x2.convert_low_i32x4_s(ones) : ones;
  }
  if (isFloat(from)) {
    if (to === 'float64') return f64x2.promote_low_f32x4(x);
    if (to === 'float32') return f32x4.demote_f64x2_zero(x);
    const signed = from === 'float32' ? i32x4.trunc_sat_f32x4_s : i32x4.trunc_sat_f64x2_s_zero;
    const unsigned = from === 'float32' ? i32x4.trunc_sat_f32x4_u : i32x4.trunc_sat_f64x2_u_zero;
    if (to === 'int32') return signed(x);
    if (to === 'uint32') return unsigned(x);
    const [low, high] = to === 'int8' ? [-128, 127] : [0, 255];
    return i32x4.max_s(
      i32x4.min_s(signed(x), i32x4.const(high, high, high, high)),
      i32x4.const(low, low, low, low),
    );
  }
  if (to === 'float32') return from === 'uint32' ? f32x4.convert_i32x4_u(x) : f32x4.convert_i32x4_s(x);
  if (to === 'float64')
    return from === 'uint32' ? f64x2.convert_low_i32x4_u(x) : f64x2.convert_low_i32x4_s(x);
  return wrapped(to, x);
}

/** mask ? a : b for values of a type; the mask has 32-bit lanes. */
export function chooseVector(type: ScalarType, mask: Value, a: Value, b: Value): Value {
  return v128.bitselect(type === 'float64' ? widenMask(mask) : mask, a, b);
}

const integerCompare = {
  eq: i32x4.eq,
  ne: i32x4.ne,
  lt: (type: ScalarType) => (type === 'uint32' ? i32x4.lt_u : i32x4.lt_s),
  le: (type: ScalarType) => (type === 'uint32' ? i32x4.le_u : i32x4.le_s),
};

/** A mask of 32-bit lanes. False is less than true, whose mask is −1. */
export function compareVector(op: 'eq' | 'ne' | 'lt' | 'le', type: ScalarType, a: Value, b: Value): Value {
  if (type === 'float32') return f32x4[op](a, b);
  if (type === 'float64') return narrowMask(f64x2[op](a, b));
  if (op === 'eq' || op === 'ne') return integerCompare[op](a, b);
  if (type === 'bool') return op === 'lt' ? i32x4.gt_s(a, b) : i32x4.ge_s(a, b);
  return integerCompare[op](type)(a, b);
}

export function extractLane(type: ScalarType, x: Value, lane: number): Value {
  if (type === 'float64') return f64x2.extract_lane(x, lane);
  return type === 'float32' ? f32x4.extract_lane(x, lane) : i32x4.extract_lane(x, lane);
}

/** The int32 that a lane of index arithmetic holds, times a stride, as a byte address to add to a base. */
export function laneOffset(index: Value, lane: number, stride: number): Value {
  const element = i32x4.extract_lane(index, lane);
  return stride === 1 ? element : i32.mul(element, i32.const(stride));
}

/** Lanes 0, 1, 2, 3 as int32. */
export const laneNumbers: Value = i32x4.const(0, 1, 2, 3);

/** Whether a kernel's expressions or buffers have float64 anywhere. */
export function lanesFor(types: readonly ScalarType[]): Lanes {
  return types.includes('float64') ? 2 : 4;
}
