/**
 * Arithmetic of one vector type inside a function: every operation is kept in a local, so that its result can be
 * used again, and numbers stand for constant vectors. Pairs of words carry a rounded result and its error.
 */
import {
  type Code,
  type FunctionBuilder,
  f32x4,
  f64x2,
  i32x4,
  i64x2,
  type Value,
  type Variable,
  v128,
} from '../encode.ts';

export type Float = 'float32' | 'float64';
export type Operand = Value | number;
/** A value and what rounding took from it. */
export type Pair = readonly [head: Value, tail: Value];

/** What differs between the formats: digits after the point, exponent bias, the half of the digits to split at. */
const formats = {
  float32: { digits: 23, width: 32, bias: 127, headMask: -0x1000n, rootHalf: 0x3f3504f3n, float: f32x4 },
  float64: {
    digits: 52,
    width: 64,
    bias: 1023,
    headMask: -0x8000000n,
    rootHalf: 0x3fe6a09e667f3bcdn,
    float: f64x2,
  },
} as const;

const swapped = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

export class Lanes {
  readonly f: FunctionBuilder;
  readonly type: Float;
  readonly single: boolean;
  readonly digits: number;
  readonly width: number;
  readonly bias: number;
  /** 1.5 · 2^digits: adding it rounds to an integer, which then stands in the low bits. */
  readonly magic: number;
  readonly minNormal: number;
  readonly epsilon: number;
  readonly #float: typeof f32x4 | typeof f64x2;
  readonly #integer: typeof i32x4 | typeof i64x2;
  readonly #relaxed: boolean;
  readonly #inLoop: boolean;

  constructor(f: FunctionBuilder, type: Float, relaxed: boolean, inLoop = false) {
    const { digits, width, bias, float } = formats[type];
    this.f = f;
    this.type = type;
    this.single = type === 'float32';
    this.digits = digits;
    this.width = width;
    this.bias = bias;
    this.magic = 1.5 * 2 ** digits;
    this.minNormal = 2 ** (1 - bias);
    this.epsilon = 2 ** -digits;
    this.#float = float;
    this.#integer = this.single ? i32x4 : i64x2;
    this.#relaxed = relaxed;
    this.#inLoop = inLoop;
  }

  /** The same in another function. */
  in(f: FunctionBuilder): Lanes {
    return new Lanes(f, this.type, this.#relaxed);
  }

  pick<T, U = T>(choices: { readonly float32: T; readonly float64: U }): T | U {
    return choices[this.type];
  }

  of(x: Operand): Value {
    return typeof x === 'number' ? this.#constant(this.#float.const(x)) : x;
  }

  /** A vector of one integer. */
  bits(n: bigint | number): Value {
    return this.#constant(this.single ? i32x4.const(...Array(4).fill(Number(n))) : i64x2.const(BigInt(n)));
  }

  #constant(x: Value): Value {
    return this.#inLoop ? this.f.constant(x) : x;
  }

  keep(x: Value): Variable {
    return this.f.let(x);
  }

  #binary(name: 'add' | 'sub' | 'mul' | 'div' | 'eq' | 'ne' | 'lt' | 'le', a: Operand, b: Operand): Variable {
    return this.keep(this.#float[name](this.of(a), this.of(b)));
  }

  add = (a: Operand, b: Operand): Variable => this.#binary('add', a, b);
  sub = (a: Operand, b: Operand): Variable => this.#binary('sub', a, b);
  mul = (a: Operand, b: Operand): Variable => this.#binary('mul', a, b);
  div = (a: Operand, b: Operand): Variable => this.#binary('div', a, b);
  eq = (a: Operand, b: Operand): Variable => this.#binary('eq', a, b);
  ne = (a: Operand, b: Operand): Variable => this.#binary('ne', a, b);
  lt = (a: Operand, b: Operand): Variable => this.#binary('lt', a, b);
  le = (a: Operand, b: Operand): Variable => this.#binary('le', a, b);
  abs = (a: Value): Variable => this.and(a, this.bits((1n << BigInt(this.width - 1)) - 1n));
  neg = (a: Value): Variable => this.xor(a, this.signBit);
  sqrt = (a: Value): Variable => this.keep(this.#float.sqrt(a));
  nearest = (a: Value): Variable => this.keep(this.#float.nearest(a));

  /** a, or the bound if that is less; NaN stays. */
  atMost = (a: Value, bound: number): Variable => this.keep(this.#float.pmin(a, this.of(bound)));
  atLeast = (a: Value, bound: number): Variable => this.keep(this.#float.pmax(a, this.of(bound)));

  #madd(a: Value, b: Value, c: Value): Value {
    const float = this.#float;
    return this.#relaxed ? float.relaxed_madd(a, b, c) : float.add(float.mul(a, b), c);
  }

  /** a b + c, rounded once or twice. */
  madd(a: Operand, b: Operand, c: Operand): Variable {
    return this.keep(this.#madd(this.of(a), this.of(b), this.of(c)));
  }

  /** c − a b */
  nmadd(a: Operand, b: Operand, c: Operand): Variable {
    const float = this.#float;
    const [x, y, z] = [this.of(a), this.of(b), this.of(c)];
    return this.keep(this.#relaxed ? float.relaxed_nmadd(x, y, z) : float.sub(z, float.mul(x, y)));
  }

  /** A polynomial from the constant on, by Horner's rule, in two halves where that shortens the chain. */
  polynomial(coefficients: readonly number[], t: Value, square?: Value): Variable {
    const horner = (c: readonly number[], x: Value): Value =>
      c
        .slice(0, -1)
        .reduceRight((sum: Value, next) => this.#madd(sum, x, this.of(next)), this.of(c[c.length - 1]));
    if (coefficients.length < 4) return this.keep(horner(coefficients, t));
    const t2 = square ?? this.mul(t, t);
    const even = horner(
      coefficients.filter((_, i) => i % 2 === 0),
      t2,
    );
    const odd = horner(
      coefficients.filter((_, i) => i % 2 === 1),
      t2,
    );
    return this.keep(this.#madd(odd, t, even));
  }

  // Bits

  and = (a: Value, b: Value): Variable => this.keep(v128.and(a, b));
  andnot = (a: Value, b: Value): Variable => this.keep(v128.andnot(a, b));
  or = (a: Value, b: Value): Variable => this.keep(v128.or(a, b));
  xor = (a: Value, b: Value): Variable => this.keep(v128.xor(a, b));
  not = (a: Value): Variable => this.keep(v128.not(a));
  plus = (a: Value, b: Value): Variable => this.keep(this.#integer.add(a, b));
  minus = (a: Value, b: Value): Variable => this.keep(this.#integer.sub(a, b));
  same = (a: Value, b: Value): Variable => this.keep(this.#integer.eq(a, b));
  shl = (a: Value, by: number): Variable => this.keep(this.#integer.shl(a, by));
  shr = (a: Value, by: number): Variable => this.keep(this.#integer.shr_u(a, by));
  select = (mask: Value, a: Operand, b: Operand): Variable =>
    this.keep((this.#relaxed ? v128.relaxed_laneselect : v128.bitselect)(mask, this.of(a), this.of(b)));

  get signBit(): Value {
    return this.bits(-1n << BigInt(this.width - 1));
  }

  get one(): bigint {
    return BigInt(this.bias) << BigInt(this.digits);
  }

  /** All ones where the sign bit is set, also for −0. */
  signed(x: Value): Variable {
    return this.keep(this.#integer.lt_s(x, this.bits(0)));
  }

  /** Lanes with |x| > bound, or NaN: compared as integers. */
  beyond(x: Value, bound: number): Variable {
    return this.keep(this.#integer.gt_s(this.abs(x), this.of(bound)));
  }

  sign(x: Value): Variable {
    return this.and(x, this.signBit);
  }

  /** 1 with its exponent raised by the integer in the low bits: 2ⁿ. */
  powerOfTwo(n: Value): Variable {
    return this.plus(this.shl(n, this.digits), this.bits(this.one));
  }

  /** x · 2ⁿ for n in the low bits of a sum with `magic`, into the subnormal range. */
  scale(x: Value, n: Value): Variable {
    const half = this.shr(n, 1);
    return this.mul(this.mul(x, this.powerOfTwo(half)), this.powerOfTwo(this.minus(n, half)));
  }

  /** Positive normal x = 2ᵏ m with √½ ≤ m < √2. */
  split(x: Value): { k: Variable; m: Variable } {
    const { rootHalf } = formats[this.type];
    const raised = this.plus(x, this.bits(this.one - rootHalf));
    const integer = this.or(this.shr(raised, this.digits), this.of(2 ** this.digits));
    const fraction = this.and(raised, this.bits((1n << BigInt(this.digits)) - 1n));
    return {
      k: this.sub(integer, 2 ** this.digits + this.bias),
      m: this.plus(fraction, this.bits(rootHalf)),
    };
  }

  // Pairs of words

  /** The upper half of the digits; products of two heads are exact. */
  head(x: Value): Variable {
    return this.and(x, this.bits(formats[this.type].headMask));
  }

  /** a + b for |a| ≥ |b| or a = 0. */
  fastSum(a: Operand, b: Operand): Pair {
    const sum = this.add(a, b);
    return [sum, this.sub(b, this.sub(sum, a))];
  }

  sum(a: Operand, b: Operand): Pair {
    const sum = this.add(a, b);
    const right = this.sub(sum, a);
    return [sum, this.add(this.sub(a, this.sub(sum, right)), this.sub(b, right))];
  }

  product(a: Value, b: Value): Pair {
    const p = this.mul(a, b);
    const ah = this.head(a);
    const bh = this.head(b);
    const al = this.sub(a, ah);
    const bl = this.sub(b, bh);
    const rest = this.sub(this.sub(this.sub(p, this.mul(ah, bh)), this.mul(al, bh)), this.mul(ah, bl));
    return [p, this.sub(this.mul(al, bl), rest)];
  }

  /** The product of two pairs, its error some units of the second word. */
  times([a, aTail]: Pair, [b, bTail]: Pair): Pair {
    const [p, e] = this.product(a, b);
    return this.fastSum(p, this.add(e, this.add(this.mul(a, bTail), this.mul(aTail, b))));
  }

  over([a, aTail]: Pair, [b, bTail]: Pair): Pair {
    const q = this.div(a, b);
    const [p, e] = this.product(q, b);
    const rest = this.sub(this.add(this.sub(this.sub(a, p), e), aTail), this.mul(q, bTail));
    return [q, this.div(rest, b)];
  }

  // Branches

  /**
   * y, replaced in the lanes of the mask; the replacement is computed only if there are such. It is joined with y there
   * so that y is computed before the branch: only then does V8 keep y's constants from turn to turn of a loop.
   */
  fix(y: Variable, mask: Value, replacement: () => Operand): void {
    this.f.if(i32x4.bitmask(mask), () => {
      const other = this.of(replacement());
      this.f.emit(y.set(v128.bitselect(mask, other, y)));
    });
  }

  /** A result in float32 computed in float64, two lanes at a time. */
  inDouble(args: readonly Value[], compute: (D: Lanes, parts: readonly Variable[]) => Value): Variable {
    const D = new Lanes(this.f, 'float64', this.#relaxed, this.#inLoop);
    const half = (lanes: (x: Value) => Value): Variable =>
      this.keep(
        f32x4.demote_f64x2_zero(
          compute(
            D,
            args.map(x => this.keep(f64x2.promote_low_f32x4(lanes(x)))),
          ),
        ),
      );
    const low = half(x => x);
    const high = half(x => v128.shuffle(x, x, swapped));
    return this.keep(v128.shuffle(low, high, lowHalves));
  }

  emit(statement: Code): void {
    this.f.emit(statement);
  }
}
