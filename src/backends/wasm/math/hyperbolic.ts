/** Hyperbolic functions and their inverses. */
import type { Value } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import { expPair, log, logOfPair, normalExp } from './exponential.ts';
import type { Lanes, Pair } from './words.ts';

/** x + x u n(u) / d(u) with u = x² below 0.55, else 1 − 2 / (exp 2x + 1), by one division. */
export function tanh(L: Lanes, x: Value): Value {
  const a = L.atMost(L.abs(x), 20);
  const u = L.mul(a, a);
  const [n, d] = L.pick<readonly (readonly number[])[]>(coefficients.hyperbolicTangent);
  const near = L.lt(a, 0.55);
  const up = L.select(near, L.mul(L.mul(a, u), L.polynomial(n, u)), -2);
  const down = L.select(near, L.polynomial(d, u), L.add(normalExp(L, L.add(a, a)), 1));
  const y = L.add(L.select(near, a, 1), L.div(up, down));
  return L.or(y, L.sign(x));
}

/** ½ eᵃ and ½ e⁻ᵃ = w / 2, both over 2ᵏ. */
function halves(L: Lanes, a: Value) {
  const { pair: parts, shifted, k } = expPair(L, a, 0);
  const pair = L.fastSum(...parts);
  const inverse = L.powerOfTwo(L.sub(L.magic, L.atMost(k, 100)));
  const w = L.div(L.mul(inverse, inverse), pair[0]);
  return { pair, w, half: L.minus(shifted, L.bits(1)) };
}

export function cosh(L: Lanes, x: Value): Value {
  const { pair, w, half } = halves(L, L.abs(x));
  return L.scale(L.add(pair[0], L.add(pair[1], w)), half);
}

/** x + x u g(u) below 1. */
export function sinh(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const u = L.mul(x, x);
  const near = L.madd(L.mul(x, u), L.polynomial(coefficients.hyperbolicSine, u), x);
  const { pair, w, half } = halves(L, a);
  const [difference, error] = L.fastSum(pair[0], L.neg(w));
  const far = L.scale(L.add(difference, L.add(error, pair[1])), half);
  return L.select(L.lt(a, 1), near, L.or(far, L.sign(x)));
}

/** √(s + tail) in two words; 0 for 0. */
function root(L: Lanes, [s, tail]: Pair): Pair {
  const r = L.sqrt(s);
  const [p, e] = L.product(r, r);
  const rest = L.div(L.add(L.sub(L.sub(s, p), e), tail), L.add(r, r));
  return [r, L.select(L.eq(r, 0), 0, rest)];
}

/** log(a + √(a² + sign)), the square root and the sum in two words. */
function logOfSum(L: Lanes, a: Value, sign: number): Value {
  const [p, e] = L.product(a, a);
  const [s, sTail] = L.sum(p, sign);
  const [r, rTail] = root(L, [s, L.add(sTail, e)]);
  const [u, tail] = L.sum(a, r);
  return logOfPair(L, u, L.add(tail, rTail));
}

/** Where squares would overflow, log 2a; in two parts, since 2a may overflow too. */
const large = 2 ** 500;

export function asinh(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const y = L.keep(logOfSum(L, L.atMost(a, large), 1));
  L.fix(y, L.lt(large, a), () => L.add(log(L, a), Math.LN2));
  return L.select(L.lt(a, 2 ** -28), x, L.or(y, L.sign(x)));
}

/** NaN below 1. */
export function acosh(L: Lanes, x: Value): Value {
  const y = L.keep(logOfSum(L, L.atMost(x, large), -1));
  L.fix(y, L.lt(large, x), () => L.add(log(L, x), Math.LN2));
  return L.select(L.lt(x, 1), Number.NaN, y);
}

/** ½ log(1 + 2a / (1 − a)), the argument in two words. */
export function atanh(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const [q, qTail] = L.over([L.add(a, a), L.of(0)], L.sum(1, L.neg(a)));
  const [u, tail] = L.sum(q, 1);
  const y = L.mul(logOfPair(L, u, L.add(tail, qTail)), 0.5);
  const usual = L.or(L.select(L.eq(a, 1), Infinity, y), L.sign(x));
  return L.select(L.lt(a, 2 ** -28), x, L.select(L.lt(1, a), Number.NaN, usual));
}
