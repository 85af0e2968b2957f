/** Writes WebAssembly modules: values are pieces of code that leave one result, functions are lists of statements. */

export type WasmType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const typeCodes: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Bytes, nested so that composing costs nothing. */
export type Code = readonly (number | Code)[];

/** Code that leaves one value of a type on the stack. */
export interface Value {
  readonly type: WasmType;
  readonly code: Code;
}

export function unsigned(n: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(n);
  do {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? byte : byte | 0x80);
  } while (rest !== 0n);
  return bytes;
}

export function signed(n: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(n);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

function flattenInto(code: Code, out: number[]): void {
  for (const part of code) {
    if (typeof part === 'number') out.push(part);
    else flattenInto(part, out);
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
  eqz: plain1('i32', 0x45),
  eq: plain('i32', 0x46),
  ne: plain('i32', 0x47),
  lt_s: plain('i32', 0x48),
  lt_u: plain('i32', 0x49),
  gt_s: plain('i32', 0x4a),
  gt_u: plain('i32', 0x4b),
  le_s: plain('i32', 0x4c),
  le_u: plain('i32', 0x4d),
  ge_s: plain('i32', 0x4e),
  ge_u: plain('i32', 0x4f),
  add: plain('i32', 0x6a),
  sub: plain('i32', 0x6b),
  mul: plain('i32', 0x6c),
  div_s: plain('i32', 0x6d),
  div_u: plain('i32', 0x6e),
  rem_s: plain('i32', 0x6f),
  rem_u: plain('i32', 0x70),
  and: plain('i32', 0x71),
  or: plain('i32', 0x72),
  xor: plain('i32', 0x73),
  shl: plain('i32', 0x74),
  shr_s: plain('i32', 0x75),
  shr_u: plain('i32', 0x76),
  load: loadOp('i32', [0x28], 2),
  load8_s: loadOp('i32', [0x2c], 0),
  load8_u: loadOp('i32', [0x2d], 0),
  store: storeOp([0x36], 2),
  store8: storeOp([0x3a], 0),
  trunc_sat_f32_s: unary('i32', [0xfc, 0]),
  trunc_sat_f32_u: unary('i32', [0xfc, 1]),
  trunc_sat_f64_s: unary('i32', [0xfc, 2]),
  trunc_sat_f64_u: unary('i32', [0xfc, 3]),
  reinterpret_f32: plain1('i32', 0xbc),
  wrap_i64: plain1('i32', 0xa7),
  /** condition ? a : b, both evaluated. */
  select: (condition: Value, a: Value, b: Value): Value =>
    value(a.type, a.code, b.code, condition.code, 0x1b),
} as const;

export const i64 = {
  const: (n: bigint | number): Value => value('i64', 0x42, signed(BigInt.asIntN(64, BigInt(n)))),
  add: plain('i64', 0x7c),
  sub: plain('i64', 0x7d),
  mul: plain('i64', 0x7e),
  and: plain('i64', 0x83),
  or: plain('i64', 0x84),
  xor: plain('i64', 0x85),
  shl: plain('i64', 0x86),
  shr_s: plain('i64', 0x87),
  shr_u: plain('i64', 0x88),
  eq: plain('i32', 0x51),
  load: loadOp('i64', [0x29], 3),
  store: storeOp([0x37], 3),
  extend_i32_s: plain1('i64', 0xac),
  extend_i32_u: plain1('i64', 0xad),
  reinterpret_f64: plain1('i64', 0xbd),
} as const;

export const f32 = {
  const: (x: number): Value => value('f32', 0x43, float32Bytes(x)),
  eq: plain('i32', 0x5b),
  ne: plain('i32', 0x5c),
  lt: plain('i32', 0x5d),
  gt: plain('i32', 0x5e),
  le: plain('i32', 0x5f),
  ge: plain('i32', 0x60),
  abs: plain1('f32', 0x8b),
  neg: plain1('f32', 0x8c),
  sqrt: plain1('f32', 0x91),
  add: plain('f32', 0x92),
  sub: plain('f32', 0x93),
  mul: plain('f32', 0x94),
  div: plain('f32', 0x95),
  min: plain('f32', 0x96),
  max: plain('f32', 0x97),
  load: loadOp('f32', [0x2a], 2),
  store: storeOp([0x38], 2),
  demote_f64: plain1('f32', 0xb6),
  convert_i32_s: plain1('f32', 0xb2),
  convert_i32_u: plain1('f32', 0xb3),
  reinterpret_i32: plain1('f32', 0xbe),
} as const;

export const f64 = {
  const: (x: number): Value => value('f64', 0x44, float64Bytes(x)),
  eq: plain('i32', 0x61),
  ne: plain('i32', 0x62),
  lt: plain('i32', 0x63),
  gt: plain('i32', 0x64),
  le: plain('i32', 0x65),
  ge: plain('i32', 0x66),
  abs: plain1('f64', 0x99),
  neg: plain1('f64', 0x9a),
  sqrt: plain1('f64', 0x9f),
  add: plain('f64', 0xa0),
  sub: plain('f64', 0xa1),
  mul: plain('f64', 0xa2),
  div: plain('f64', 0xa3),
  min: plain('f64', 0xa4),
  max: plain('f64', 0xa5),
  load: loadOp('f64', [0x2b], 3),
  store: storeOp([0x39], 3),
  promote_f32: plain1('f64', 0xbb),
  convert_i32_s: plain1('f64', 0xb7),
  convert_i32_u: plain1('f64', 0xb8),
  reinterpret_i64: plain1('f64', 0xbf),
} as const;

export const v128 = {
  /** From 16 bytes. */
  const: (bytes: readonly number[]): Value => value('v128', simd(12), bytes),
  load: loadOp('v128', simd(0), 4),
  load32_splat: loadOp('v128', simd(9), 2),
  load64_splat: loadOp('v128', simd(10), 3),
  load32_zero: loadOp('v128', simd(92), 2),
  load64_zero: loadOp('v128', simd(93), 3),
  store: storeOp(simd(11), 4),
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
  not: wide1(77),
  and: wide(78),
  /** a and not b */
  andnot: wide(79),
  or: wide(80),
  xor: wide(81),
  /** Bits of a where the mask is 1, of b where it is 0. */
  bitselect: (mask: Value, a: Value, b: Value): Value => ternary('v128', simd(82))(a, b, mask),
  any_true: unary('i32', simd(83)),
  /** Bytes of a (0–15) and b (16–31) by number. */
  shuffle: (a: Value, b: Value, lanes: readonly number[]): Value =>
    value('v128', a.code, b.code, simd(13), lanes),
} as const;

export const i8x16 = { splat: wide1(15), eq: wide(35), extract_lane_u: extract('i32', 22) } as const;
export const i16x8 = { extend_low_i8x16_s: wide1(0x87), extend_low_i8x16_u: wide1(0x89) } as const;

export const i32x4 = {
  splat: wide1(17),
  const: (...lanes: readonly number[]): Value =>
    v128.const(lanes.flatMap(n => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255])),
  extract_lane: extract('i32', 27),
  replace_lane: replace(28),
  eq: wide(55),
  ne: wide(56),
  lt_s: wide(57),
  lt_u: wide(58),
  gt_s: wide(59),
  gt_u: wide(60),
  le_s: wide(61),
  le_u: wide(62),
  ge_s: wide(63),
  ge_u: wide(64),
  abs: wide1(0xa0),
  neg: wide1(0xa1),
  all_true: unary('i32', simd(0xa3)),
  bitmask: unary('i32', simd(0xa4)),
  extend_low_i16x8_s: wide1(0xa7),
  extend_low_i16x8_u: wide1(0xa9),
  shl: shift(0xab),
  shr_s: shift(0xac),
  shr_u: shift(0xad),
  add: wide(0xae),
  sub: wide(0xb1),
  mul: wide(0xb5),
  min_s: wide(0xb6),
  min_u: wide(0xb7),
  max_s: wide(0xb8),
  max_u: wide(0xb9),
  trunc_sat_f32x4_s: wide1(0xf8),
  trunc_sat_f32x4_u: wide1(0xf9),
  trunc_sat_f64x2_s_zero: wide1(0xfc),
  trunc_sat_f64x2_u_zero: wide1(0xfd),
} as const;

export const i64x2 = {
  splat: wide1(18),
  const: (a: bigint, b: bigint = a): Value => {
    scratch.setBigInt64(0, BigInt.asIntN(64, a), true);
    const low = [0, 1, 2, 3, 4, 5, 6, 7].map(i => scratch.getUint8(i));
    scratch.setBigInt64(0, BigInt.asIntN(64, b), true);
    return v128.const([...low, ...[0, 1, 2, 3, 4, 5, 6, 7].map(i => scratch.getUint8(i))]);
  },
  extract_lane: extract('i64', 29),
  shl: shift(0xcb),
  shr_s: shift(0xcc),
  shr_u: shift(0xcd),
  add: wide(0xce),
  sub: wide(0xd1),
  mul: wide(0xd5),
  eq: wide(0xd6),
  ne: wide(0xd7),
  lt_s: wide(0xd8),
  gt_s: wide(0xd9),
  extend_low_i32x4_s: wide1(0xc7),
  extend_low_i32x4_u: wide1(0xc9),
} as const;

export const f32x4 = {
  const: (x: number): Value => v128.const([0, 1, 2, 3].flatMap(() => float32Bytes(x))),
  splat: wide1(19),
  extract_lane: extract('f32', 31),
  replace_lane: replace(32),
  eq: wide(65),
  ne: wide(66),
  lt: wide(67),
  gt: wide(68),
  le: wide(69),
  ge: wide(70),
  ceil: wide1(0x67),
  floor: wide1(0x68),
  trunc: wide1(0x69),
  nearest: wide1(0x6a),
  abs: wide1(0xe0),
  neg: wide1(0xe1),
  sqrt: wide1(0xe3),
  add: wide(0xe4),
  sub: wide(0xe5),
  mul: wide(0xe6),
  div: wide(0xe7),
  min: wide(0xe8),
  max: wide(0xe9),
  convert_i32x4_s: wide1(0xfa),
  convert_i32x4_u: wide1(0xfb),
  demote_f64x2_zero: wide1(94),
  /** a·b + c, rounded once where the machine fuses. Needs relaxed SIMD. */
  relaxed_madd: ternary('v128', simd(0x105)),
  relaxed_nmadd: ternary('v128', simd(0x106)),
} as const;

export const f64x2 = {
  const: (x: number): Value => v128.const([...float64Bytes(x), ...float64Bytes(x)]),
  splat: wide1(20),
  extract_lane: extract('f64', 33),
  replace_lane: replace(34),
  eq: wide(71),
  ne: wide(72),
  lt: wide(73),
  gt: wide(74),
  le: wide(75),
  ge: wide(76),
  ceil: wide1(0x74),
  floor: wide1(0x75),
  trunc: wide1(0x7a),
  nearest: wide1(0x94),
  abs: wide1(0xec),
  neg: wide1(0xed),
  sqrt: wide1(0xef),
  add: wide(0xf0),
  sub: wide(0xf1),
  mul: wide(0xf2),
  div: wide(0xf3),
  min: wide(0xf4),
  max: wide(0xf5),
  promote_low_f32x4: wide1(95),
  convert_low_i32x4_s: wide1(0xfe),
  convert_low_i32x4_u: wide1(0xff),
  relaxed_madd: ternary('v128', simd(0x107)),
  relaxed_nmadd: ternary('v128', simd(0x108)),
} as const;

/** A local variable that can be assigned. */
export interface Variable extends Value {
  set(x: Value): Code;
}

/** A function of a module, to be called by others. */
export interface FunctionRef {
  readonly index: number;
  readonly results: readonly WasmType[];
}

/** Builds one function's body. Statements are emitted in order; values are used at most once unless kept by `let`. */
export class FunctionBuilder {
  readonly params: readonly Variable[];
  readonly #types: WasmType[];
  readonly #localTypes: WasmType[] = [];
  #body: Code[] = [];

  constructor(params: readonly WasmType[]) {
    this.#types = [...params];
    this.params = params.map((type, index) => this.#variable(type, index));
  }

  #variable(type: WasmType, index: number): Variable {
    return { type, code: [0x20, unsigned(index)], set: x => [x.code, 0x21, unsigned(index)] };
  }

  emit(statement: Code): void {
    this.#body.push(statement);
  }

  /** A new local, zero at first. */
  local(type: WasmType): Variable {
    this.#localTypes.push(type);
    this.#types.push(type);
    return this.#variable(type, this.#types.length - 1);
  }

  /** Computes a value now and keeps it, so that it can be used again. */
  let(x: Value): Variable {
    const variable = this.local(x.type);
    this.emit(variable.set(x));
    return variable;
  }

  /** Runs `body` and gives what it emitted, without emitting it. */
  collect(body: () => void): Code {
    const before = this.#body;
    this.#body = [];
    body();
    const collected = this.#body;
    this.#body = before;
    return collected;
  }

  if(condition: Value, then: () => void, otherwise?: () => void): void {
    const yes = this.collect(then);
    const no = otherwise === undefined ? [] : [0x05, this.collect(otherwise)];
    this.emit([condition.code, 0x04, 0x40, yes, no, 0x0b]);
  }

  /** Repeats the body while the condition, computed before each round, is not zero. */
  while(condition: () => Value, body: () => void): void {
    const test = this.collect(() => {
      const holds = condition();
      this.emit([i32.eqz(holds).code, 0x0d, 1]);
    });
    this.emit([0x02, 0x40, 0x03, 0x40, test, this.collect(body), 0x0c, 0, 0x0b, 0x0b]);
  }

  /** for (i = from; i < to; i += step), counting signed 32-bit; `to` must be cheap to compute again. */
  for(from: Value, to: Value, step: number, body: (i: Variable) => void): void {
    const i = this.let(from);
    const run = this.collect(() => {
      body(i);
      this.emit(i.set(i32.add(i, i32.const(step))));
      this.emit([i32.lt_s(i, to).code, 0x0d, 0]);
    });
    this.emit([i32.lt_s(i, to).code, 0x04, 0x40, 0x03, 0x40, run, 0x0b, 0x0b]);
  }

  call(f: FunctionRef, ...args: readonly Value[]): Value {
    return value(f.results[0] ?? 'i32', ...args.map(arg => arg.code), 0x10, unsigned(f.index));
  }

  /** A call without a result, as a statement. */
  run(f: FunctionRef, ...args: readonly Value[]): void {
    this.emit([...args.map(arg => arg.code), 0x10, unsigned(f.index)]);
  }

  /** The body's bytes, ending with the result if there is one. */
  finish(result?: Value): number[] {
    const locals = this.#localTypes.map(type => [1, typeCodes[type]]);
    const bytes: number[] = [];
    flattenInto([unsigned(locals.length), locals, this.#body, result?.code ?? [], 0x0b], bytes);
    return [...unsigned(bytes.length), ...bytes];
  }
}

const name = (text: string): number[] => {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
};

export interface MemoryImport {
  readonly shared: boolean;
  readonly maximumPages: number;
}

/** A module that imports its memory as `env.memory` and exports functions. */
export class ModuleBuilder {
  readonly #signatures: string[] = [];
  readonly #types: number[][] = [];
  readonly #functions: { type: number; body: number[] | null; exported: string | null }[] = [];
  readonly #memory: MemoryImport;

  constructor(memory: MemoryImport) {
    this.#memory = memory;
  }

  #type(params: readonly WasmType[], results: readonly WasmType[]): number {
    const key = `${params}:${results}`;
    let index = this.#signatures.indexOf(key);
    if (index < 0) {
      index = this.#signatures.push(key) - 1;
      this.#types.push([
        0x60,
        params.length,
        ...params.map(type => typeCodes[type]),
        results.length,
        ...results.map(type => typeCodes[type]),
      ]);
    }
    return index;
  }

  /** Adds a function; its body may call itself and functions added before. `build` returns the result, if any. */
  function(
    params: readonly WasmType[],
    results: readonly WasmType[],
    build: (f: FunctionBuilder, self: FunctionRef) => Value | undefined,
    exported: string | null = null,
  ): FunctionRef {
    const self: FunctionRef = { index: this.#functions.length, results };
    const entry: { type: number; body: number[] | null; exported: string | null } = {
      type: this.#type(params, results),
      body: null,
      exported,
    };
    this.#functions.push(entry);
    const builder = new FunctionBuilder(params);
    const result = build(builder, self);
    entry.body = builder.finish(result);
    return self;
  }

  export(f: FunctionRef, as: string): void {
    this.#functions[f.index].exported = as;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: readonly number[]): number[] => [
      id,
      ...unsigned(content.length),
      ...content,
    ];
    const list = (items: readonly (readonly number[])[]): number[] => {
      const all = unsigned(items.length);
      for (const item of items) for (const byte of item) all.push(byte);
      return all;
    };
    const { shared, maximumPages } = this.#memory;
    const limits = [shared ? 3 : 1, ...unsigned(1), ...unsigned(maximumPages)];
    const exported = this.#functions.flatMap((f, index) =>
      f.exported === null ? [] : [[...name(f.exported), 0, ...unsigned(index)]],
    );
    const parts = [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, list(this.#types)),
      section(2, list([[...name('env'), ...name('memory'), 2, ...limits]])),
      section(3, list(this.#functions.map(f => unsigned(f.type)))),
      section(7, list(exported)),
      section(10, list(this.#functions.map(f => f.body as number[]))),
    ];
    const total = parts.reduce((n, part) => n + part.length, 0);
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** Whether the engine has relaxed SIMD; on V8 11 (Node 20) its flag is set at run time. */
let relaxed: boolean | undefined;

export async function enableRelaxedSimd(): Promise<void> {
  const versions = (globalThis as { process?: { versions?: { v8?: string } } }).process?.versions;
  if (versions?.v8?.startsWith('11.')) {
    const v8 = await import('node:v8');
    v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  }
  relaxed = undefined;
}

export function hasRelaxedSimd(): boolean {
  if (relaxed === undefined) {
    const module = new ModuleBuilder({ shared: false, maximumPages: 1 });
    module.function(['v128', 'v128'], ['v128'], f =>
      f32x4.relaxed_madd(f.params[0], f.params[1], f.params[0]),
    );
    relaxed = WebAssembly.validate(module.finish());
  }
  return relaxed;
}
