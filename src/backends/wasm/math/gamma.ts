/** The logarithm of the gamma function, its derivative, and the inverse error function, by special.ts's methods. */
import type { Value } from '../encode.ts';
import * as coefficients from './coefficients.ts';
import { erfc } from './error.ts';
import { log2Head, log2Tail, logTerms, reduceLog } from './exponential.ts';
import type { VectorMath } from './index.ts';
import type { Lanes } from './words.ts';

const psiRoot = 0.46163214496836247;
const psiRootTail = -1.2654465062537432e-16;
const stirlingConstant = 0.4189385332046727;

function ratio(L: Lanes, [n, d]: readonly (readonly number[])[], t: Value): Value {
  return L.div(L.polynomial(n, t), L.polynomial(d, t));
}

const call = (L: Lanes, math: VectorMath, op: 'exp' | 'log' | 'sin', x: Value): Value =>
  L.keep(L.f.call(math.function(op, 'float64'), x));

/** y + y g(y²) to 0.6; beyond, a fit in √(−log(1 − |y|)) and one step of Halley's method on erfc. */
export function erfinv(L: Lanes, y: Value, math: VectorMath): Value {
  const a = L.abs(y);
  const near = L.madd(a, ratio(L, coefficients.erfinvNear, L.sub(L.mul(a, a), 0.375)), a);
  const far = L.lt(0.6, a);
  L.fix(near, far, () => {
    const q = L.sub(1, a);
    const s = L.sqrt(L.neg(call(L, math, 'log', q)));
    const x = L.add(s, ratio(L, coefficients.erfinvFar, s));
    const slope = L.mul(call(L, math, 'exp', L.mul(x, x)), Math.sqrt(Math.PI) / 2);
    const newton = L.mul(L.sub(erfc(L, x), q), slope);
    const root = L.add(x, L.div(newton, L.nmadd(x, newton, 1)));
    const ends = L.select(L.eq(a, 1), Infinity, Number.NaN);
    return L.select(L.lt(a, 1), root, ends);
  });
  return L.or(near, L.sign(y));
}

/** lgamma(1 + z) = z (z − 1) g(z) for −0.371 < z ≤ 1.5, the product as a head and a tail. */
function lgammaOnePlus(L: Lanes, z: Value): Value {
  const near = L.lt(z, 0.5);
  const c = L.select(near, 0.5625, 0.4375);
  const d = L.select(
    near,
    ratio(L, coefficients.lgammaNear, L.add(z, 0.375)),
    ratio(L, coefficients.lgammaMiddle, L.sub(z, 0.5)),
  );
  const zHead = L.head(z);
  const w = L.sub(z, 1);
  const wHead = L.head(w);
  const head = L.mul(zHead, wHead);
  const rest = L.add(L.sub(w, wHead), L.sub(z, L.add(w, 1)));
  const tail = L.add(L.mul(zHead, rest), L.mul(L.sub(z, zHead), w));
  const [p, e] = L.product(head, c);
  return L.add(p, L.add(e, L.add(L.mul(head, d), L.mul(tail, L.add(c, d)))));
}

/** Stirling's series (x − ½)(log x − 1) + ½ (log 2π − 1) + g(1/x²)/x from 2.5 on. */
function stirling(L: Lanes, x: Value): Value {
  const { k, f } = reduceLog(L, x);
  const { s, h, inner } = logTerms(L, f);
  const [high, error] = L.fastSum(L.sub(L.mul(k, L.pick(log2Head)), 1), f);
  const low = L.add(error, L.sub(L.mul(k, L.pick(log2Tail)), L.nmadd(s, inner, h)));
  const [log, logTail] = L.sum(high, low);
  const inverse = L.div(1, x);
  const series = L.mul(ratio(L, coefficients.lgammaFar, L.mul(inverse, inverse)), inverse);
  const half = L.sub(x, 0.5);
  const [p, e] = L.product(half, log);
  const y = L.add(p, L.add(e, L.add(L.mul(half, logTail), L.add(series, stirlingConstant))));
  return L.select(L.lt(2.56e305, x), Infinity, y);
}

/** log |Γ(x)|: Stirling's series, the recurrence Γ(x + 1) = x Γ(x) to −4, Γ(x) Γ(−x) = −π / (x sin πx) below. */
export function lgamma(L: Lanes, x: Value, math: VectorMath): Value {
  const a = L.abs(x);
  const y = L.keep(stirling(L, a));
  L.fix(y, L.lt(x, -4), () => {
    const r = L.sub(x, L.nearest(x));
    const sine = call(L, math, 'sin', L.mul(r, Math.PI));
    const log = call(L, math, 'log', L.div(Math.PI, L.abs(L.mul(x, sine))));
    return L.select(L.or(L.eq(r, 0), L.eq(a, Infinity)), Infinity, L.sub(log, y));
  });
  L.fix(y, L.and(L.lt(x, 2.5), L.le(-4, x)), () => {
    const above = L.le(0.63, x);
    let z = L.select(above, L.sub(x, 1), x);
    let product = L.select(above, 1, x);
    let tail = L.and(z, L.bits(0));
    for (let step = 0; step < 4; step++) {
      const below = L.lt(z, -0.37);
      z = L.add(z, L.and(below, L.of(1)));
      const factor = L.select(below, z, 1);
      const [next, error] = L.product(product, factor);
      tail = L.madd(tail, factor, error);
      product = next as typeof product;
    }
    const part = L.select(L.eq(tail, 0), 0, L.div(tail, product));
    return L.sub(L.sub(lgammaOnePlus(L, z), part), call(L, math, 'log', L.abs(product)));
  });
  return y;
}

/**
 * (x − root) g(x) on [¾, 2], log x − 1/(2x) − g(1/x²)/x² beyond, ψ(x + 1) − 1/x below, and ψ(1 − x) − π cot πx
 * for x < 0.
 */
export function digamma(L: Lanes, x: Value, math: VectorMath): Value {
  const negative = L.lt(x, 0);
  const w = L.select(negative, L.sub(1, x), x);
  const below = L.lt(w, 0.75);
  const z = L.select(below, w, L.sub(w, 1));
  const d = ratio(L, coefficients.digammaNear, L.add(z, 0.25));
  const distance = L.sub(z, psiRoot);
  const near = L.add(distance, L.sub(L.mul(distance, d), L.mul(L.add(d, 1), psiRootTail)));
  const inverse = L.div(1, w);
  const v = L.mul(inverse, inverse);
  const rest = L.madd(v, ratio(L, coefficients.digammaFar, v), L.mul(inverse, 0.5));
  const far = L.sub(call(L, math, 'log', w), rest);
  const y = L.select(L.lt(w, 2), L.select(below, L.sub(near, inverse), near), far);
  L.fix(y, negative, () => {
    const r = L.sub(x, L.nearest(x));
    const cot = L.mul(r, ratio(L, coefficients.cotTail, L.sub(L.mul(r, r), 0.25)));
    return L.select(L.eq(r, 0), Number.NaN, L.sub(L.add(y, cot), L.div(1, r)));
  });
  return y;
}
