/** The two functions that the published orders are for, from their mathematics. */
import type { Tensor } from '../../../src/core/tensor.ts';
import { abs, add, div, mul, neg, sub } from '../../../src/primitives/arithmetic.ts';
import { constantLike } from '../../../src/primitives/broadcast.ts';
import { atan2, cos, sin, sqrt } from '../../../src/primitives/elementary.ts';
import { reshape } from '../../../src/primitives/layout.ts';
import { concat, slice } from '../../../src/primitives/slice.ts';

export const element = (x: Tensor, i: number): Tensor => reshape(slice(x, [i], [i + 1]), []);
export const elements = (x: Tensor): Tensor[] => Array.from({ length: x.size }, (_, i) => element(x, i));
export const vector = (xs: readonly Tensor[]): Tensor =>
  concat(
    xs.map(x => reshape(x, [1])),
    0,
  );
const times = (x: Tensor, c: number): Tensor => mul(x, constantLike(x, c));
const plus = (x: Tensor, c: number): Tensor => add(x, constantLike(x, c));
const total = (...xs: Tensor[]): Tensor => xs.reduce(add);
const product = (...xs: Tensor[]): Tensor => xs.reduce(mul);

const gamma = 1.4;

/**
 * The flux of the one-dimensional Euler equations between two states (density, momentum, energy), by the approximate
 * Riemann solver of P. L. Roe, Journal of Computational Physics 43 (1981), its eigenvalues taken as graphax does.
 */
export function roeFlux(states: Tensor): Tensor {
  const [rhoL, mL, eL, rhoR, mR, eR] = elements(states);
  const pressure = (rho: Tensor, m: Tensor, e: Tensor): Tensor =>
    times(sub(e, div(times(mul(m, m), 0.5), rho)), gamma - 1);
  const flux = (rho: Tensor, m: Tensor, e: Tensor, p: Tensor): Tensor[] => {
    const v = div(m, rho);
    return [m, add(p, mul(m, v)), mul(v, add(p, e))];
  };
  const dRho = sub(rhoR, rhoL);
  const rho = sqrt(mul(rhoL, rhoR));
  const weight = add(sqrt(rhoL), sqrt(rhoR));
  const [vL, vR] = [div(mL, rhoL), div(mR, rhoR)];
  const [pL, pR] = [pressure(rhoL, mL, eL), pressure(rhoR, mR, eR)];
  const [hL, hR] = [div(add(eL, pL), rhoL), div(add(eR, pR), rhoR)];
  const [dp, dv] = [sub(pR, pL), sub(vR, vL)];
  const average = (l: Tensor, r: Tensor): Tensor => div(add(mul(sqrt(rhoL), l), mul(sqrt(rhoR), r)), weight);
  const u = average(vL, vR);
  const h = average(hL, hR);
  const q2 = mul(u, u);
  const a2 = times(sub(h, times(q2, 0.5)), gamma - 1);
  const a = sqrt(a2);
  const n = mul(a, rho);
  const c0 = mul(sub(dRho, div(dp, a2)), abs(u));
  const c1 = mul(add(dv, div(dp, n)), abs(add(u, a)));
  const c2 = mul(sub(dv, div(dp, n)), abs(u));
  const left = flux(rhoL, mL, eL, pL);
  const right = flux(rhoR, mR, eR, pR);
  const c = div(times(rho, 0.5), a);
  const wave = (zero: Tensor, plusSpeed: Tensor, minusSpeed: Tensor): Tensor =>
    sub(add(zero, product(c, c1, plusSpeed)), product(c, c2, minusSpeed));
  const waves = [
    sub(add(c0, mul(c, c1)), mul(c, c2)),
    wave(mul(c0, u), add(u, a), sub(u, a)),
    wave(mul(times(c0, 0.5), q2), add(h, mul(u, a)), sub(h, mul(u, a))),
  ];
  return vector(waves.map((dF, i) => times(sub(add(left[i], right[i]), dF), 0.5)));
}

/** Position and orientation of the hand of a robot arm with six joints, of their angles (the 6DOF arm of graphax). */
export function robotArm(angles: Tensor): Tensor {
  const [t1, t2, t3, t4, t5, t6] = elements(angles);
  const [a1, a2, a3, d1, d4, d6] = [175, 890, 50, 575, 1035, 185];
  const [c1, c2, c4, c5, c6] = [t1, t2, t4, t5, t6].map(cos);
  const [s1, s2, s4, s5, s6] = [t1, t2, t4, t5, t6].map(sin);
  const c23 = sub(mul(cos(t2), cos(t3)), mul(sin(t2), sin(t3)));
  const s23 = add(mul(cos(t2), sin(t3)), mul(sin(t2), cos(t3)));
  const ax = add(mul(s5, add(product(c1, c23, c4), mul(s1, s4))), product(c1, s23, c5));
  const ay = add(mul(s5, sub(product(s1, c23, c4), mul(c1, s4))), product(s1, s23, c5));
  const az = sub(product(s23, c4, s5), mul(c23, c5));
  const inner = add(mul(c23, s5), product(s23, c4, c5));
  const nz = sub(mul(c6, inner), product(s23, s4, s6));
  const oz = sub(mul(neg(s6), inner), product(s23, s4, c6));
  const reach = total(plus(times(c2, a2), a1), times(c23, a3), times(s23, d4));
  const y = add(mul(s5, add(product(s1, c23, c4), mul(c1, s4))), product(s1, s23, c5));
  return vector([
    add(times(ax, d6), mul(c1, reach)),
    add(times(y, d6), mul(s1, reach)),
    total(plus(times(s2, a2), d1), times(s23, a3), times(c23, -d4), times(az, d6)),
    atan2(ay, ax),
    atan2(sqrt(plus(neg(mul(az, az)), 1)), az),
    atan2(oz, neg(nz)),
  ]);
}
