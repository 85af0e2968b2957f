/** Exponentials and logarithms. */
import type { Value, Variable } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import type { VectorMath } from './index.ts';
import type { Lanes, Operand, Pair } from './words.ts';

/** log 2 as a head, whose products with exponents are exact, and a tail. */
export const log2Head = { float32: 0.693145751953125, float64: 0.6931471805598903 };
export const log2Tail = { float32: 1.4286068203094173e-6, float64: 5.497923018708371e-14 };

/** x = k log 2 + r + tail with |r| ≤ ½ log 2; `shifted` is k + magic. */
function reduce(L: Lanes, x: Value, xTail: Operand = 0) {
  const shifted = L.madd(x, Math.LOG2E, L.magic);
  const k = L.sub(shifted, L.magic);
  const high = L.nmadd(k, L.pick(log2Head), x);
  const low = xTail === 0 ? L.mul(k, L.pick(log2Tail)) : L.nmadd(k, -L.pick(log2Tail), L.neg(xTail as Value));
  const r = L.sub(high, low);
  const square = L.mul(r, r);
  return { shifted, k, high, low, r, square, tail: () => L.sub(L.sub(high, r), low) };
}

/** Beyond these exp overflows, or is less than half the smallest subnormal number. */
const range = { float32: [-105, 90], float64: [-747, 711] } as const;

function bounded(L: Lanes, x: Value): Value {
  const [low, high] = L.pick<readonly [number, number]>(range);
  return L.atLeast(L.atMost(x, high), low);
}

/** exp x = 2ᵏ (1 + r + r² g(r)), k in `shifted`. */
function expParts(L: Lanes, x: Value) {
  const { shifted, r, square } = reduce(L, x);
  const y = L.add(L.madd(square, L.polynomial(L.pick(coefficients.exponential), r, square), r), 1);
  return { y, shifted };
}

/** exp x where it is known to be normal: k goes into the exponent at once. */
export function normalExp(L: Lanes, x: Value): Variable {
  const { y, shifted } = expParts(L, x);
  return L.plus(y, L.shl(shifted, L.digits));
}

export function exp(L: Lanes, x: Value, math: VectorMath): Value {
  const result = normalExp(L, x);
  L.fix(result, L.beyond(x, L.single ? 87 : 708), () => {
    const anywhere = math.helper(`scaled exp ${L.type}`, ['v128'], ['v128'], f => {
      const own = L.in(f);
      const { y, shifted } = expParts(own, bounded(own, f.params[0]));
      return own.scale(y, shifted);
    });
    return L.f.call(anywhere, x);
  });
  return result;
}

/** exp(x + tail) = 2ᵏ (head + rest) within the range, k in `shifted`; to some bits more than one word. */
export function expPair(L: Lanes, x: Value, xTail: Operand): { pair: Pair; shifted: Variable; k: Variable } {
  const { shifted, k, r, square, tail } = reduce(L, bounded(L, x), xTail);
  const [head, error] = L.fastSum(1, r);
  const rest = L.madd(square, L.polynomial(L.pick(coefficients.exponential), r, square), tail());
  return { pair: [head, L.add(error, rest)], shifted, k };
}

/**
 * exp x − 1 = 2 ((t − ½) + t r + t (r² g(r) + tail)) with t = 2ᵏ⁻¹, so that t does not overflow before the
 * result does.
 */
export function expm1(L: Lanes, x: Value): Value {
  const [low, high] = L.pick<readonly [number, number]>({ float32: [-20, 89], float64: [-40, 710] });
  const { shifted, r, square, tail } = reduce(L, L.atLeast(L.atMost(x, high), low));
  const t = L.powerOfTwo(L.minus(shifted, L.bits(1)));
  const rest = L.madd(square, L.polynomial(L.pick(coefficients.exponential), r, square), tail());
  const [sum, error] = L.fastSum(L.sub(t, 0.5), L.mul(t, r));
  const y = L.add(sum, L.madd(t, rest, error));
  return L.select(L.lt(L.abs(x), L.epsilon / 4), x, L.add(y, y));
}

/** Positive x = 2ᵏ (1 + f), subnormal ones too. */
export function reduceLog(L: Lanes, x: Value): { k: Value; f: Value } {
  const subnormal = L.lt(x, L.minNormal);
  const more = L.digits + 1;
  const { k, m } = L.split(L.select(subnormal, L.mul(x, 2 ** more), x));
  return { k: L.sub(k, L.and(subnormal, L.of(more))), f: L.sub(m, 1) };
}

/** log(1 + f) − f = −h + s (h + u g(u)) with h = f² / 2, s = f / (2 + f), u = s². */
export function logTerms(L: Lanes, f: Value): { s: Value; h: Value; inner: Value } {
  const s = L.div(f, L.add(f, 2));
  const u = L.mul(s, s);
  const h = L.mul(L.mul(f, f), 0.5);
  const inner = L.madd(L.polynomial(L.pick(coefficients.logarithm), u), u, h);
  return { s, h, inner };
}

/** log of negative numbers, zeros and ∞, in the lanes that have them. */
function fixLog(L: Lanes, y: Variable, x: Value): void {
  const usual = L.and(L.lt(0, x), L.lt(x, Infinity));
  L.fix(y, L.not(usual), () => L.select(L.eq(x, 0), -Infinity, L.sqrt(x)));
}

/** log x = k log 2 + log(1 + f) */
export function logCore(L: Lanes, x: Value, correction?: Value): Variable {
  const { k, f } = reduceLog(L, x);
  const { s, h, inner } = logTerms(L, f);
  let low = L.mul(k, L.pick(log2Tail));
  if (correction) low = L.add(low, correction);
  return L.madd(k, L.pick(log2Head), L.sub(f, L.sub(h, L.madd(s, inner, low))));
}

export function log(L: Lanes, x: Value): Value {
  const y = logCore(L, x);
  fixLog(L, y, x);
  return y;
}

/** log(u + tail) for normal positive u or ∞ and a tail below its last digit. */
export function logOfPair(L: Lanes, u: Value, tail: Value): Value {
  const y = logCore(L, u, L.div(tail, u));
  fixLog(L, y, u);
  return y;
}

/** log of 1 + x in two words; x itself where that is closest. */
export function log1p(L: Lanes, x: Value): Value {
  const [u, tail] = L.sum(x, 1);
  return L.select(L.lt(L.abs(x), L.epsilon / 4), x, logOfPair(L, u, tail));
}

/** (log m + k log 2) / log base: the logarithm's head times the head of 1 / log base is exact. */
function logBase(L: Lanes, x: Value, [inverse, inverseTail]: number[], [unit, unitTail]: number[]): Value {
  const { k, f } = reduceLog(L, x);
  const { s, h, inner } = logTerms(L, f);
  const high = L.head(L.sub(f, h));
  const low = L.madd(s, inner, L.sub(L.sub(f, high), h));
  const tail = L.add(L.madd(k, unitTail, L.mul(L.add(high, low), inverseTail)), L.mul(low, inverse));
  const [sum, error] = L.fastSum(L.mul(k, unit), L.mul(high, inverse));
  const y = L.add(sum, L.add(error, tail));
  fixLog(L, y, x);
  return y;
}

export const log2 = (L: Lanes, x: Value): Value =>
  logBase(L, x, [1.4426950216293335, 1.9259629911266175e-8], [1, 0]);
export const log10 = (L: Lanes, x: Value): Value =>
  logBase(L, x, [0.4342944771051407, 4.798111141615973e-9], [0.30102999566395283, 2.8363394551044964e-14]);
