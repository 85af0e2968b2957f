/** Powers and roots. */
import type { Value } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import { expPair, log2Head, log2Tail, logCore, normalExp, reduceLog } from './exponential.ts';
import type { Lanes, Pair } from './words.ts';

/** 2/3 in two words. */
const twoThirds = [0.6666666666666666, 3.700743415417188e-17] as const;

/** log x for positive x to about 11 bits more than a word: k log 2 + 2 s + s u (2/3 + u g(u)). */
function logPair(L: Lanes, x: Value): Pair {
  const { k, f } = reduceLog(L, x);
  const s = L.over([f, L.of(0)], L.fastSum(2, f));
  const u = L.times(s, s);
  const [c, cTail] = twoThirds;
  const p = L.fastSum(c, L.madd(u[0], L.polynomial(coefficients.fineLogarithm, u[0]), cTail));
  const t = L.times(s, L.times(u, p));
  const [m, mTail] = L.fastSum(L.add(s[0], s[0]), t[0]);
  const tail = L.add(mTail, L.add(L.add(s[1], s[1]), t[1]));
  const [sum, error] = L.fastSum(L.mul(k, L.pick(log2Head)), m);
  return L.fastSum(sum, L.add(error, L.madd(k, L.pick(log2Tail), tail)));
}

/** exp(y log a) for finite a > 0. */
function positivePow(L: Lanes, a: Value, y: Value): Value {
  const [log, logTail] = logPair(L, a);
  const [h, hTail] = L.product(log, y);
  const inside = L.lt(L.abs(h), 1000);
  const { pair, shifted } = expPair(L, h, L.and(inside, L.madd(y, logTail, hTail)));
  return L.scale(L.add(...pair), shifted);
}

/** The same of float32, where one word of float64 is enough: quicker than two words of float32. */
function singlePow(L: Lanes, a: Value, y: Value): Value {
  return L.inDouble([a, y], (D, [b, z]) => {
    const h = D.mul(logCore(D, b), z);
    return normalExp(D, D.atLeast(D.atMost(h, 200), -200));
  });
}

/** exp(y log |x|), and in lanes with x ≤ 0, infinities or NaN what IEEE 754 says. */
export function pow(L: Lanes, x: Value, y: Value): Value {
  const a = L.abs(x);
  const result = L.keep((L.single ? singlePow : positivePow)(L, a, y));
  const usual = L.and(L.and(L.lt(0, x), L.lt(x, Infinity)), L.lt(L.abs(y), Infinity));
  L.fix(result, L.not(usual), () => {
    const zero = L.eq(a, 0);
    const infinite = L.eq(a, Infinity);
    const end = L.select(L.xor(zero, L.lt(y, 0)), 0, Infinity);
    const magnitude = L.select(L.or(zero, infinite), end, result);
    const integer = L.eq(L.nearest(y), y);
    const half = L.mul(y, 0.5);
    const odd = L.andnot(integer, L.eq(L.nearest(half), half));
    const negative = L.and(L.lt(x, 0), L.lt(a, Infinity));
    const real = L.select(L.andnot(negative, integer), Number.NaN, L.xor(magnitude, L.and(L.sign(x), odd)));
    // (−1)^±∞ is 1, and so is 1^NaN.
    const one = L.or(L.eq(x, 1), L.and(L.eq(a, 1), L.eq(L.abs(y), Infinity)));
    const nan = L.or(L.ne(x, x), L.ne(y, y));
    return L.select(L.or(L.eq(y, 0), one), 1, L.select(nan, Number.NaN, real));
  });
  return result;
}

/** |x| = 8^q m: a polynomial's ∛m and two of Halley's steps, the last from half a word, whose square is exact. */
export function cbrt(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const subnormal = L.lt(a, L.minNormal);
  const normal = L.select(subnormal, L.mul(a, 2 ** 54), a);
  const raised = L.or(L.shr(normal, L.digits), L.of(2 ** L.digits));
  const e = L.sub(raised, 2 ** L.digits + L.bias);
  const q = L.nearest(L.mul(L.sub(e, 1), 1 / 3));
  const fraction = L.and(normal, L.bits((1n << BigInt(L.digits)) - 1n));
  const m = L.or(fraction, L.powerOfTwo(L.add(L.nmadd(q, 3, e), L.magic)));
  const start = L.polynomial(coefficients.cubeRoot, m);
  const cube = L.mul(L.mul(start, start), start);
  const closer = L.mul(start, L.div(L.add(cube, L.add(m, m)), L.add(L.add(cube, cube), m)));
  const t = L.head(closer);
  const r = L.div(m, L.mul(t, t));
  const root = L.add(t, L.mul(t, L.div(L.sub(r, t), L.add(L.add(t, t), r))));
  const exponent = L.sub(L.add(q, L.magic), L.and(subnormal, L.of(18)));
  const y = L.or(L.mul(root, L.powerOfTwo(exponent)), L.sign(x));
  return L.select(L.and(L.lt(0, a), L.lt(a, Infinity)), y, x);
}
