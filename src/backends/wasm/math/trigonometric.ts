/** Sines, cosines, tangents and their inverses. */
import { f64, f64x2, i32x4, type Value, v128 } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import type { VectorMath } from './index.ts';
import { addReduction } from './reduction.ts';
import type { Lanes, Pair } from './words.ts';

/** π / 2 in four words, of which the products of the first three with k ≤ 2¹² or 2²⁰ are exact. */
const halfPi = {
  float32: [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.563344151594519e-12],
  float64: [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32],
};
export const halfPiTail = 6.123233995736766e-17;

/** Up to where the four words are enough. */
export const limit = { float32: 6000, float64: 1.6e6 };

/** |x| = k π / 2 + r + tail with |r| ≤ π / 4, k in the low bits of `quadrant`. */
function reduce(L: Lanes, a: Value, math: VectorMath) {
  const [p1, p2, p3, p4] = L.pick(halfPi);
  const shifted = L.madd(a, 2 / Math.PI, L.magic);
  const k = L.sub(shifted, L.magic);
  const first = L.nmadd(k, p1, a);
  const w2 = L.mul(k, p2);
  const second = L.sub(first, w2);
  const w3 = L.mul(k, p3);
  const third = L.sub(second, w3);
  const lost = L.add(L.sub(L.sub(first, second), w2), L.sub(L.sub(second, third), w3));
  const [r, tail] = L.fastSum(third, L.nmadd(k, p4, lost)).map(v => L.keep(v));
  if (!L.single) {
    const far = L.beyond(a, limit.float64);
    L.f.if(i32x4.bitmask(far), () => {
      const huge = math.helper('reduction', ['f64'], ['f64', 'f64', 'i64'], addReduction);
      const parts = [f64x2.splat(f64.const(Number.NaN)), f64x2.splat(f64.const(0))].map(x => L.keep(x));
      for (const lane of [0, 1]) {
        const x = L.f.let(f64x2.extract_lane(a, lane));
        L.f.if(f64.gt(x, f64.const(limit.float64)), () => {
          const results = [L.f.local('f64'), L.f.local('f64'), L.f.local('i64')];
          const [high, low, n] = results;
          L.emit([L.f.call(huge, x).code, ...results.map(v => [0x21, v.code[1]]).reverse()]);
          L.emit(parts[0].set(f64x2.replace_lane(parts[0], lane, high)));
          L.emit(parts[1].set(f64x2.replace_lane(parts[1], lane, low)));
          const bits: Value = { type: 'f64', code: [n.code, 0xbf] };
          L.emit(shifted.set(f64x2.replace_lane(shifted, lane, bits)));
        });
      }
      const finite = L.lt(a, Infinity);
      const turns: Pair = [parts[0], parts[1]];
      const [high, low] = L.times(turns, [L.of(Math.PI / 2), L.of(halfPiTail)]);
      L.emit(r.set(v128.bitselect(far, v128.bitselect(finite, high, f64x2.const(Number.NaN)), r)));
      L.emit(tail.set(v128.bitselect(far, low, tail)));
    });
  }
  return { r, tail, quadrant: shifted };
}

/** sin r = r + (r u g(u) + tail) and cos r = 1 − u / 2 + (u² g(u) − r tail), each as a pair. */
function sineAndCosine(L: Lanes, r: Value, tail: Value): { sine: Pair; cosine: Pair } {
  const u = L.mul(r, r);
  const sine = L.madd(L.mul(r, u), L.polynomial(L.pick(coefficients.sine), u), tail);
  const [head, error] = L.fastSum(1, L.mul(u, -0.5));
  const rest = L.madd(L.mul(u, u), L.polynomial(L.pick(coefficients.cosine), u), L.nmadd(r, tail, error));
  return { sine: [r, sine], cosine: [head, rest] };
}

/** The sine of x + turns π / 2. */
function shiftedSine(L: Lanes, x: Value, math: VectorMath, turns: 0 | 1): Value {
  const a = L.abs(x);
  const { r, tail, quadrant } = reduce(L, a, math);
  const { sine, cosine } = sineAndCosine(L, r, tail);
  const n = turns === 0 ? quadrant : L.plus(quadrant, L.bits(turns));
  const even = L.same(L.and(n, L.bits(1)), L.bits(0));
  const flip = L.sign(L.shl(n, L.width - 2));
  const y = L.xor(L.select(even, L.add(...sine), L.add(...cosine)), flip);
  const result = turns === 0 ? L.xor(y, L.sign(x)) : y;
  if (L.single)
    L.fix(result, L.beyond(a, limit.float32), () => math.throughDouble(L, turns === 0 ? 'sin' : 'cos', [x]));
  return result;
}

export const sin = (L: Lanes, x: Value, math: VectorMath): Value => shiftedSine(L, x, math, 0);
export const cos = (L: Lanes, x: Value, math: VectorMath): Value => shiftedSine(L, x, math, 1);

/** sin / cos, or −cos / sin in odd quadrants, with the errors of both and of the quotient. */
export function tan(L: Lanes, x: Value, math: VectorMath): Value {
  const { r, tail, quadrant } = reduce(L, L.abs(x), math);
  const { sine, cosine } = sineAndCosine(L, r, tail);
  const [s, sTail] = L.fastSum(...sine);
  const [c, cTail] = L.fastSum(...cosine);
  const even = L.same(L.and(quadrant, L.bits(1)), L.bits(0));
  const up: Pair = [L.select(even, s, c), L.select(even, sTail, cTail)];
  const down: Pair = [L.select(even, c, s), L.select(even, cTail, sTail)];
  const y = L.add(...L.over(up, down));
  // 0 / 1 has a tail of no meaning only where s is subnormal
  const small = L.lt(L.abs(x), 2 ** -27);
  const flip = L.sign(L.shl(quadrant, L.width - 1));
  return L.select(small, x, L.xor(L.xor(y, flip), L.sign(x)));
}

/** asin s + c for 0 ≤ s ≤ ½: (s, s u g(u)) with u = s². */
function arcsineTerms(L: Lanes, s: Value, u: Value): Value {
  return L.mul(L.mul(s, u), L.polynomial(coefficients.arcsine, u));
}

/** √((1 − a) / 2) in two words; asin a = π / 2 − 2 asin of it. */
function halfAngle(L: Lanes, a: Value) {
  const z = L.mul(L.sub(1, a), 0.5);
  const s = L.sqrt(z);
  const head = L.head(s);
  const tail = L.div(L.nmadd(head, head, z), L.add(s, head));
  return { z, s, head, tail: L.select(L.eq(z, 0), 0, tail) };
}

export function asin(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const near = L.add(x, arcsineTerms(L, x, L.mul(x, x)));
  const { z, s, head, tail } = halfAngle(L, a);
  const terms = L.madd(arcsineTerms(L, s, z), 2, L.sub(L.add(tail, tail), halfPiTail));
  const far = L.sub(Math.PI / 4, L.sub(terms, L.sub(Math.PI / 4, L.add(head, head))));
  return L.select(L.lt(a, 0.5), near, L.or(far, L.sign(x)));
}

export function acos(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const near = L.sub(Math.PI / 2, L.sub(x, L.sub(halfPiTail, arcsineTerms(L, x, L.mul(x, x)))));
  const { z, s, head, tail } = halfAngle(L, a);
  const rest = L.add(arcsineTerms(L, s, z), tail);
  const right = L.add(head, rest);
  const left = L.sub(Math.PI / 2, L.add(head, L.sub(rest, halfPiTail)));
  const far = L.select(L.signed(x), left, right);
  return L.select(L.lt(a, 0.5), near, L.add(far, far));
}

/**
 * The angle of (x, y) for x, y ≥ 0, and of (−x, y) where `left` is set: m π / 4 ± atan q, where q is min / max or,
 * above tan π / 8, (min − max) / (min + max).
 */
function angle(L: Lanes, y: Value, x: Value, left?: Value): Value {
  const steep = L.lt(x, y);
  const max = L.select(steep, y, x);
  const min = L.select(steep, x, y);
  const middle = L.lt(L.mul(max, Math.SQRT2 - 1), min);
  const [up, upTail] = L.sum(min, L.neg(max));
  const [down, downTail] = L.sum(min, max);
  const [q, qTail] = L.over(
    [L.select(middle, up, min), L.and(middle, upTail)],
    [L.select(middle, down, max), L.and(middle, downTail)],
  );
  const u = L.mul(q, q);
  const terms = L.madd(L.mul(q, u), L.polynomial(coefficients.arctangent, u), qTail);
  const rest = L.select(L.lt(L.abs(q), 2 ** -200), 0, terms);
  // The angle is m π / 4 + (or −) the arc tangent: reflect at π / 4 where steep, at π / 2 where left.
  const one = L.and(middle, L.of(1));
  const turned = L.select(steep, L.sub(2, one), one);
  const m = left === undefined ? turned : L.select(left, L.sub(4, turned), turned);
  const flip = L.sign(left === undefined ? steep : L.xor(steep, left));
  const [sum, error] = L.fastSum(L.mul(m, Math.PI / 4), L.xor(q, flip));
  return L.add(sum, L.add(error, L.madd(m, halfPiTail / 2, L.xor(rest, flip))));
}

export function atan(L: Lanes, x: Value): Value {
  const a = L.atMost(L.abs(x), 2 ** 60);
  return L.or(angle(L, a, L.of(1)), L.sign(x));
}

export function atan2(L: Lanes, y: Value, x: Value): Value {
  // Far from the ends of the range, with the same ratio; infinities become 1 and 0.
  let a = L.abs(y);
  let b = L.abs(x);
  const infinite = L.or(L.eq(a, Infinity), L.eq(b, Infinity));
  const finite = (v: Value) => L.select(infinite, L.and(L.eq(v, Infinity), L.of(1)), v);
  a = finite(a);
  b = finite(b);
  const large = L.or(L.lt(2 ** 900, a), L.lt(2 ** 900, b));
  const small = L.and(L.lt(a, 2 ** -900), L.lt(b, 2 ** -900));
  const factor = L.select(large, 2 ** -100, L.select(small, 2 ** 100, 1));
  // 0 / 0 as 0 / 1
  const zero = L.and(L.eq(a, 0), L.eq(b, 0));
  b = L.select(zero, 1, L.mul(b, factor));
  a = L.mul(a, factor);
  const t = L.or(angle(L, a, b, L.signed(x)), L.sign(y));
  return L.select(L.or(L.ne(x, x), L.ne(y, y)), Number.NaN, t);
}
