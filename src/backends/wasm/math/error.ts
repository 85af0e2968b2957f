/** The error function and its complement. */
import type { Value } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import { expPair, normalExp } from './exponential.ts';
import type { Lanes } from './words.ts';

/** x + x g(x²) below 0.85, else 1 − exp(−x²) n(x) / d(x). */
export function erf(L: Lanes, x: Value): Value {
  const a = L.abs(x);
  const u = L.mul(a, a);
  const near = L.madd(a, L.polynomial(L.pick(coefficients.erfNear), u), a);
  const b = L.atMost(a, L.single ? 4 : 6);
  const [n, d] = L.pick<readonly (readonly number[])[]>(coefficients.erfFar);
  const e = normalExp(L, L.neg(L.mul(b, b)));
  const square = L.mul(b, b);
  const ratio = L.div(L.polynomial(n, b, square), L.polynomial(d, b, square));
  const far = L.sub(1, L.mul(e, ratio));
  return L.or(L.select(L.lt(a, 0.85), near, far), L.sign(x));
}

/**
 * exp(−x²) f(x) / x from 0.47 on, with f = c + n(t) / d(t) in t = x − ½, or from 2.2 on t = 1 / x²; 1 − erf x
 * below. Heads and tails as in the reference backend's special.ts.
 */
export function erfc(L: Lanes, x: Value): Value {
  const a = L.atMost(x, 28);
  const middle = L.lt(a, 2.2);
  const t = L.select(middle, L.sub(a, 0.5), L.div(1, L.mul(a, a)));
  const [n, d] = [0, 1].map(part => {
    const [near, far] = [coefficients.erfcMiddle[part], coefficients.erfcFar[part]];
    let sum = L.of(0);
    for (let i = far.length; i--; ) sum = L.madd(sum, t, L.select(middle, near[i] ?? 0, far[i]));
    return sum;
  });
  const [f, error] = L.fastSum(L.select(middle, 0.40625, 0.5625), L.div(n, d));
  const [q, qTail] = L.over([f, error], [a, L.of(0)]);
  const [square, squareTail] = L.product(a, a);
  const { pair, shifted } = expPair(L, L.neg(square), L.neg(squareTail));
  const [p, pTail] = L.product(pair[0], q);
  const rest = L.madd(pair[0], qTail, L.madd(pair[1], q, pTail));
  const far = L.scale(L.add(p, rest), shifted);
  return L.select(L.lt(x, 0.47), L.sub(1, erf(L, x)), far);
}
