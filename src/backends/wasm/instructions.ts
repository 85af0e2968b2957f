/** WebAssembly instructions: each makes, of pieces of code, the code that leaves its result. */

export type WasmType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

export const typeCodes: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Bytes, nested so that composing costs nothing. */
export type Code = readonly (number | Code)[];

/** Code that leaves one value of a type on the stack. */
export interface Value {
  readonly type: WasmType;
  readonly code: Code;
}

export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

/** A signed 32-bit number. */
export function signed(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

function signedWide(n: bigint): number[] {
  const bytes: number[] = [];
  let rest = n;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function float32Bytes(x: number): number[] {
  scratch.setFloat32(0, x, true);
  return [0, 1, 2, 3].map(i => scratch.getUint8(i));
}

function float64Bytes(x: number): number[] {
  scratch.setFloat64(0, x, true);
  return [0, 1, 2, 3, 4, 5, 6, 7].map(i => scratch.getUint8(i));
}

const value = (type: WasmType, ...code: (number | Code)[]): Value => ({ type, code });
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];

type Unary = (a: Value) => Value;
type Binary = (a: Value, b: Value) => Value;

type Shift = (a: Value, by: Value | number) => Value;
type Extract = (a: Value, lane: number) => Value;
type Replace = (a: Value, lane: number, x: Value) => Value;
type Ternary = (a: Value, b: Value, c: Value) => Value;
type Load = (address: Value, offset?: number) => Value;
type Store = (address: Value, x: Value, offset?: number) => Code;

const unary =
  (type: WasmType, opcode: Code): Unary =>
  a =>
    value(type, a.code, opcode);
const binary =
  (type: WasmType, opcode: Code): Binary =>
  (a, b) =>
    value(type, a.code, b.code, opcode);
const ternary =
  (type: WasmType, opcode: Code) =>
  (a: Value, b: Value, c: Value): Value =>
    value(type, a.code, b.code, c.code, opcode);

const plain = (type: WasmType, opcode: number): Binary => binary(type, [opcode]);
const plain1 = (type: WasmType, opcode: number): Unary => unary(type, [opcode]);
const wide = (opcode: number): Binary => binary('v128', simd(opcode));
const wide1 = (opcode: number): Unary => unary('v128', simd(opcode));
const shift =
  (opcode: number) =>
  (a: Value, by: Value | number): Value =>
    value('v128', a.code, typeof by === 'number' ? i32.const(by).code : by.code, simd(opcode));
const extract =
  (type: WasmType, opcode: number) =>
  (a: Value, lane: number): Value =>
    value(type, a.code, simd(opcode), lane);
const replace =
  (opcode: number) =>
  (a: Value, lane: number, x: Value): Value =>
    value('v128', a.code, x.code, simd(opcode), lane);

/** Loads and stores take a byte address and a constant offset; alignment is a hint only. */
const loadOp =
  (type: WasmType, opcode: Code, align: number) =>
  (address: Value, offset = 0): Value =>
    value(type, address.code, opcode, align, unsigned(offset));
const storeOp =
  (opcode: Code, align: number) =>
  (address: Value, x: Value, offset = 0): Code => [address.code, x.code, opcode, align, unsigned(offset)];

export const i32 = {
  const: (n: number): Value => value('i32', 0x41, signed(n | 0)),
  eqz: plain1('i32', 0x45) as Unary,
  eq: plain('i32', 0x46) as Binary,
  ne: plain('i32', 0x47) as Binary,
  lt_s: plain('i32', 0x48) as Binary,
  lt_u: plain('i32', 0x49) as Binary,
  gt_s: plain('i32', 0x4a) as Binary,
  gt_u: plain('i32', 0x4b) as Binary,
  le_s: plain('i32', 0x4c) as Binary,
  le_u: plain('i32', 0x4d) as Binary,
  ge_s: plain('i32', 0x4e) as Binary,
  ge_u: plain('i32', 0x4f) as Binary,
  add: plain('i32', 0x6a) as Binary,
  sub: plain('i32', 0x6b) as Binary,
  mul: plain('i32', 0x6c) as Binary,
  div_s: plain('i32', 0x6d) as Binary,
  div_u: plain('i32', 0x6e) as Binary,
  rem_s: plain('i32', 0x6f) as Binary,
  rem_u: plain('i32', 0x70) as Binary,
  and: plain('i32', 0x71) as Binary,
  or: plain('i32', 0x72) as Binary,
  xor: plain('i32', 0x73) as Binary,
  shl: plain('i32', 0x74) as Binary,
  shr_s: plain('i32', 0x75) as Binary,
  shr_u: plain('i32', 0x76) as Binary,
  load: loadOp('i32', [0x28], 2) as Load,
  load8_s: loadOp('i32', [0x2c], 0) as Load,
  load8_u: loadOp('i32', [0x2d], 0) as Load,
  store: storeOp([0x36], 2) as Store,
  store8: storeOp([0x3a], 0) as Store,
  atomicLoad: loadOp('i32', [0xfe, 0x10], 2) as Load,
  atomicStore: storeOp([0xfe, 0x17], 2) as Store,
  /** Adds to memory and gives what was there. */
  atomicAdd: ((address, x) => value('i32', address.code, x.code, [0xfe, 0x1e], 2, 0)) as Binary,
  /** Wakes so many of those who wait at an address; gives how many. */
  notify: ((address, count) => value('i32', address.code, count.code, [0xfe, 0x00], 2, 0)) as Binary,
  trunc_sat_f32_s: unary('i32', [0xfc, 0]) as Unary,
  trunc_sat_f32_u: unary('i32', [0xfc, 1]) as Unary,
  trunc_sat_f64_s: unary('i32', [0xfc, 2]) as Unary,
  trunc_sat_f64_u: unary('i32', [0xfc, 3]) as Unary,
  reinterpret_f32: plain1('i32', 0xbc) as Unary,
  wrap_i64: plain1('i32', 0xa7) as Unary,
  /** condition ? a : b, both evaluated. */
  select: (condition: Value, a: Value, b: Value): Value =>
    value(a.type, a.code, b.code, condition.code, 0x1b),
} as const;

export const i64 = {
  const: (n: bigint | number): Value => value('i64', 0x42, signedWide(BigInt.asIntN(64, BigInt(n)))),
  add: plain('i64', 0x7c) as Binary,
  sub: plain('i64', 0x7d) as Binary,
  mul: plain('i64', 0x7e) as Binary,
  and: plain('i64', 0x83) as Binary,
  or: plain('i64', 0x84) as Binary,
  xor: plain('i64', 0x85) as Binary,
  shl: plain('i64', 0x86) as Binary,
  shr_s: plain('i64', 0x87) as Binary,
  shr_u: plain('i64', 0x88) as Binary,
  eq: plain('i32', 0x51) as Binary,
  gt_s: plain('i32', 0x55) as Binary,
  load: loadOp('i64', [0x29], 3) as Load,
  store: storeOp([0x37], 3) as Store,
  extend_i32_s: plain1('i64', 0xac) as Unary,
  extend_i32_u: plain1('i64', 0xad) as Unary,
  reinterpret_f64: plain1('i64', 0xbd) as Unary,
} as const;

export const f32 = {
  const: (x: number): Value => value('f32', 0x43, float32Bytes(x)),
  eq: plain('i32', 0x5b) as Binary,
  ne: plain('i32', 0x5c) as Binary,
  lt: plain('i32', 0x5d) as Binary,
  gt: plain('i32', 0x5e) as Binary,
  le: plain('i32', 0x5f) as Binary,
  ge: plain('i32', 0x60) as Binary,
  abs: plain1('f32', 0x8b) as Unary,
  neg: plain1('f32', 0x8c) as Unary,
  sqrt: plain1('f32', 0x91) as Unary,
  add: plain('f32', 0x92) as Binary,
  sub: plain('f32', 0x93) as Binary,
  mul: plain('f32', 0x94) as Binary,
  div: plain('f32', 0x95) as Binary,
  min: plain('f32', 0x96) as Binary,
  max: plain('f32', 0x97) as Binary,
  load: loadOp('f32', [0x2a], 2) as Load,
  store: storeOp([0x38], 2) as Store,
  demote_f64: plain1('f32', 0xb6) as Unary,
  convert_i32_s: plain1('f32', 0xb2) as Unary,
  convert_i32_u: plain1('f32', 0xb3) as Unary,
  reinterpret_i32: plain1('f32', 0xbe) as Unary,
} as const;

export const f64 = {
  const: (x: number): Value => value('f64', 0x44, float64Bytes(x)),
  eq: plain('i32', 0x61) as Binary,
  ne: plain('i32', 0x62) as Binary,
  lt: plain('i32', 0x63) as Binary,
  gt: plain('i32', 0x64) as Binary,
  le: plain('i32', 0x65) as Binary,
  ge: plain('i32', 0x66) as Binary,
  abs: plain1('f64', 0x99) as Unary,
  neg: plain1('f64', 0x9a) as Unary,
  sqrt: plain1('f64', 0x9f) as Unary,
  add: plain('f64', 0xa0) as Binary,
  sub: plain('f64', 0xa1) as Binary,
  mul: plain('f64', 0xa2) as Binary,
  div: plain('f64', 0xa3) as Binary,
  min: plain('f64', 0xa4) as Binary,
  max: plain('f64', 0xa5) as Binary,
  load: loadOp('f64', [0x2b], 3) as Load,
  store: storeOp([0x39], 3) as Store,
  promote_f32: plain1('f64', 0xbb) as Unary,
  convert_i32_s: plain1('f64', 0xb7) as Unary,
  convert_i32_u: plain1('f64', 0xb8) as Unary,
  reinterpret_i64: plain1('f64', 0xbf) as Unary,
} as const;

export const v128 = {
  /** From 16 bytes. */
  const: (bytes: readonly number[]): Value => value('v128', simd(12), bytes),
  load: loadOp('v128', simd(0), 4) as Load,
  load32_splat: loadOp('v128', simd(9), 2) as Load,
  load64_splat: loadOp('v128', simd(10), 3) as Load,
  load32_zero: loadOp('v128', simd(92), 2) as Load,
  load64_zero: loadOp('v128', simd(93), 3) as Load,
  store: storeOp(simd(11), 4) as Store,
  store32_lane: (address: Value, x: Value, lane: number, offset = 0): Code => [
    address.code,
    x.code,
    simd(90),
    2,
    unsigned(offset),
    lane,
  ],
  store64_lane: (address: Value, x: Value, lane: number, offset = 0): Code => [
    address.code,
    x.code,
    simd(91),
    3,
    unsigned(offset),
    lane,
  ],
  not: wide1(77) as Unary,
  and: wide(78) as Binary,
  /** a and not b */
  andnot: wide(79) as Binary,
  or: wide(80) as Binary,
  xor: wide(81) as Binary,
  /** Bits of a where the mask is 1, of b where it is 0. */
  bitselect: (mask: Value, a: Value, b: Value): Value => ternary('v128', simd(82))(a, b, mask),
  /** The same where each 32-bit lane of the mask is all ones or all zeros. */
  relaxed_laneselect: (mask: Value, a: Value, b: Value): Value => ternary('v128', simd(0x10b))(a, b, mask),
  any_true: unary('i32', simd(83)) as Unary,
  /** Bytes of a (0–15) and b (16–31) by number. */
  shuffle: (a: Value, b: Value, lanes: readonly number[]): Value =>
    value('v128', a.code, b.code, simd(13), lanes),
} as const;

export const i8x16 = {
  splat: wide1(15) as Unary,
  eq: wide(35) as Binary,
  extract_lane_u: extract('i32', 22) as Extract,
} as const;
export const i16x8 = {
  extend_low_i8x16_s: wide1(0x87) as Unary,
  extend_low_i8x16_u: wide1(0x89) as Unary,
} as const;

export const i32x4 = {
  splat: wide1(17) as Unary,
  const: (...lanes: readonly number[]): Value =>
    v128.const(lanes.flatMap(n => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255])),
  extract_lane: extract('i32', 27) as Extract,
  replace_lane: replace(28) as Replace,
  eq: wide(55) as Binary,
  ne: wide(56) as Binary,
  lt_s: wide(57) as Binary,
  lt_u: wide(58) as Binary,
  gt_s: wide(59) as Binary,
  gt_u: wide(60) as Binary,
  le_s: wide(61) as Binary,
  le_u: wide(62) as Binary,
  ge_s: wide(63) as Binary,
  ge_u: wide(64) as Binary,
  abs: wide1(0xa0) as Unary,
  neg: wide1(0xa1) as Unary,
  all_true: unary('i32', simd(0xa3)) as Unary,
  bitmask: unary('i32', simd(0xa4)) as Unary,
  extend_low_i16x8_s: wide1(0xa7) as Unary,
  extend_low_i16x8_u: wide1(0xa9) as Unary,
  shl: shift(0xab) as Shift,
  shr_s: shift(0xac) as Shift,
  shr_u: shift(0xad) as Shift,
  add: wide(0xae) as Binary,
  sub: wide(0xb1) as Binary,
  mul: wide(0xb5) as Binary,
  min_s: wide(0xb6) as Binary,
  min_u: wide(0xb7) as Binary,
  max_s: wide(0xb8) as Binary,
  max_u: wide(0xb9) as Binary,
  trunc_sat_f32x4_s: wide1(0xf8) as Unary,
  trunc_sat_f32x4_u: wide1(0xf9) as Unary,
  trunc_sat_f64x2_s_zero: wide1(0xfc) as Unary,
  trunc_sat_f64x2_u_zero: wide1(0xfd) as Unary,
} as const;

export const i64x2 = {
  splat: wide1(18) as Unary,
  const: (a: bigint, b: bigint = a): Value => {
    scratch.setBigInt64(0, BigInt.asIntN(64, a), true);
    const low = [0, 1, 2, 3, 4, 5, 6, 7].map(i => scratch.getUint8(i));
    scratch.setBigInt64(0, BigInt.asIntN(64, b), true);
    return v128.const([...low, ...[0, 1, 2, 3, 4, 5, 6, 7].map(i => scratch.getUint8(i))]);
  },
  extract_lane: extract('i64', 29) as Extract,
  shl: shift(0xcb) as Shift,
  shr_s: shift(0xcc) as Shift,
  shr_u: shift(0xcd) as Shift,
  add: wide(0xce) as Binary,
  sub: wide(0xd1) as Binary,
  mul: wide(0xd5) as Binary,
  eq: wide(0xd6) as Binary,
  ne: wide(0xd7) as Binary,
  lt_s: wide(0xd8) as Binary,
  gt_s: wide(0xd9) as Binary,
  extend_low_i32x4_s: wide1(0xc7) as Unary,
  extend_low_i32x4_u: wide1(0xc9) as Unary,
} as const;

export const f32x4 = {
  const: (x: number): Value => v128.const([0, 1, 2, 3].flatMap(() => float32Bytes(x))),
  splat: wide1(19) as Unary,
  extract_lane: extract('f32', 31) as Extract,
  replace_lane: replace(32) as Replace,
  eq: wide(65) as Binary,
  ne: wide(66) as Binary,
  lt: wide(67) as Binary,
  gt: wide(68) as Binary,
  le: wide(69) as Binary,
  ge: wide(70) as Binary,
  ceil: wide1(0x67) as Unary,
  floor: wide1(0x68) as Unary,
  trunc: wide1(0x69) as Unary,
  nearest: wide1(0x6a) as Unary,
  abs: wide1(0xe0) as Unary,
  neg: wide1(0xe1) as Unary,
  sqrt: wide1(0xe3) as Unary,
  add: wide(0xe4) as Binary,
  sub: wide(0xe5) as Binary,
  mul: wide(0xe6) as Binary,
  div: wide(0xe7) as Binary,
  min: wide(0xe8) as Binary,
  max: wide(0xe9) as Binary,
  /** b < a ? b : a, so a where they cannot be compared; pmax is a < b ? b : a. */
  pmin: wide(0xea) as Binary,
  pmax: wide(0xeb) as Binary,
  convert_i32x4_s: wide1(0xfa) as Unary,
  convert_i32x4_u: wide1(0xfb) as Unary,
  demote_f64x2_zero: wide1(94) as Unary,
  /** a·b + c, rounded once where the machine fuses. Needs relaxed SIMD. */
  relaxed_madd: ternary('v128', simd(0x105)) as Ternary,
  relaxed_nmadd: ternary('v128', simd(0x106)) as Ternary,
} as const;

export const f64x2 = {
  const: (x: number): Value => v128.const([...float64Bytes(x), ...float64Bytes(x)]),
  splat: wide1(20) as Unary,
  extract_lane: extract('f64', 33) as Extract,
  replace_lane: replace(34) as Replace,
  eq: wide(71) as Binary,
  ne: wide(72) as Binary,
  lt: wide(73) as Binary,
  gt: wide(74) as Binary,
  le: wide(75) as Binary,
  ge: wide(76) as Binary,
  ceil: wide1(0x74) as Unary,
  floor: wide1(0x75) as Unary,
  trunc: wide1(0x7a) as Unary,
  nearest: wide1(0x94) as Unary,
  abs: wide1(0xec) as Unary,
  neg: wide1(0xed) as Unary,
  sqrt: wide1(0xef) as Unary,
  add: wide(0xf0) as Binary,
  sub: wide(0xf1) as Binary,
  mul: wide(0xf2) as Binary,
  div: wide(0xf3) as Binary,
  min: wide(0xf4) as Binary,
  max: wide(0xf5) as Binary,
  pmin: wide(0xf6) as Binary,
  pmax: wide(0xf7) as Binary,
  promote_low_f32x4: wide1(95) as Unary,
  convert_low_i32x4_s: wide1(0xfe) as Unary,
  convert_low_i32x4_u: wide1(0xff) as Unary,
  relaxed_madd: ternary('v128', simd(0x107)) as Ternary,
  relaxed_nmadd: ternary('v128', simd(0x108)) as Ternary,
} as const;
