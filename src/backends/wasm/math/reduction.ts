/** Payne and Hanek's reduction of huge numbers by π / 2, one at a time. */
import { type FunctionBuilder, f64, i32, i64, type Value } from '../encode.ts';

const words = 21;

/** 2 / π in words of 64 bits after the point, the first of them 0, by Machin's formula. */
function twoOverPi(): bigint[] {
  const bits = 64n * BigInt(words);
  const one = 1n << (bits + 64n);
  const arctangentOfInverse = (n: bigint): bigint => {
    let sum = 0n;
    for (let term = one / n, k = 1n; term !== 0n; term /= -n * n, k += 2n) sum += term / k;
    return sum;
  };
  const pi = 4n * (4n * arctangentOfInverse(5n) - arctangentOfInverse(239n));
  const value = (one << (bits - 64n + 1n)) / pi;
  return Array.from({ length: words }, (_, i) => BigInt.asUintN(64, value >> (bits - 64n * BigInt(i + 1))));
}

const low32 = (x: Value): Value => i64.and(x, i64.const(0xffffffff));
const high32 = (x: Value): Value => i64.shr_u(x, i64.const(32));

/** The upper half of a 128-bit product, for a < 2⁵³. */
function upper(f: FunctionBuilder, a: Value, b: Value): Value {
  const [al, ah, bl, bh] = [low32(a), high32(a), low32(b), high32(b)].map(x => f.let(x));
  const middle = f.let(i64.add(i64.mul(ah, bl), high32(i64.mul(al, bl))));
  const other = f.let(i64.add(i64.mul(al, bh), low32(middle)));
  return f.let(i64.add(i64.mul(ah, bh), i64.add(high32(middle), high32(other))));
}

/** An unsigned 32-bit integer as a float. */
const float = (x: Value): Value => f64.convert_i32_u(i32.wrap_i64(x));

/**
 * x · 2 / π for x ≥ 2²⁰ as the nearest integer, of which the low bits count, and the rest in two words: the
 * mantissa times those 192 bits of 2 / π that decide the product's remainder modulo 4.
 */
export function addReduction(f: FunctionBuilder): Value {
  const table = twoOverPi();
  const bits = f.let(i64.reinterpret_f64(f.params[0]));
  const exponent = i32.wrap_i64(i64.shr_u(bits, i64.const(52)));
  const mantissa = f.let(i64.or(i64.and(bits, i64.const(2n ** 52n - 1n)), i64.const(2n ** 52n)));
  // The bit of the table that weighs 2 after multiplication.
  const start = f.let(i32.add(exponent, i32.const(-1023 - 52 - 2 + 64)));
  const index = f.let(i32.shr_u(start, i32.const(6)));
  const shift = f.let(i64.extend_i32_u(i32.and(start, i32.const(63))));
  const window = [0, 1, 2, 3].map(offset => {
    const word = f.local('i64');
    table.forEach((content, i) => {
      f.emit(word.set(i32.select(i32.eq(index, i32.const(i - offset)), i64.const(content), word)));
    });
    return word;
  });
  const [w0, w1, w2] = [0, 1, 2].map(i => {
    // Shifted right by 64 − shift in two steps, since shifts count modulo 64.
    const rest = i64.shr_u(i64.shr_u(window[i + 1], i64.const(1)), i64.sub(i64.const(63), shift));
    return f.let(i64.or(i64.shl(window[i], shift), rest));
  });
  const carry = upper(f, mantissa, w2);
  const lowProduct = f.let(i64.mul(mantissa, w1));
  const low = f.let(i64.add(lowProduct, carry));
  const overflow = i64.extend_i32_u(f.let({ type: 'i32', code: [low.code, lowProduct.code, 0x54] }));
  const high = f.let(i64.add(i64.add(i64.mul(mantissa, w0), upper(f, mantissa, w1)), overflow));
  // A signed fraction of 128 bits, and the integer nearest to it.
  const top = f.let(i64.or(i64.shl(high, i64.const(2)), i64.shr_u(low, i64.const(62))));
  const bottom = f.let(i64.shl(low, i64.const(2)));
  const n = i64.add(i64.shr_u(high, i64.const(62)), i64.shr_u(top, i64.const(63)));
  const first = f64.convert_i32_s(i32.wrap_i64(i64.shr_s(top, i64.const(32))));
  const a = f.let(f64.mul(first, f64.const(2 ** -32)));
  const b = f.let(f64.mul(float(low32(top)), f64.const(2 ** -64)));
  const c = f64.mul(float(high32(bottom)), f64.const(2 ** -96));
  const d = f64.mul(float(low32(bottom)), f64.const(2 ** -128));
  const sum = f.let(f64.add(a, b));
  const rest = f.let(f64.add(f64.add(f64.sub(a, sum), b), f64.add(c, d)));
  const head = f.let(f64.add(sum, rest));
  const tail = f64.add(f64.sub(sum, head), rest);
  return { type: 'f64', code: [head.code, tail.code, n.code] };
}
