/** The models of NIST's sets, as functions of b and the columns after the response. */
import { type Tensor, tensor } from 'cotangent';

export type Model = (b: Tensor[], x: Tensor, second: Tensor) => Tensor;

const one = tensor(1, 'float64');
const decay = (x: Tensor, rate: Tensor): Tensor => x.mul(rate).neg().exp();
const bump = (x: Tensor, center: Tensor, width: Tensor): Tensor =>
  x.sub(center).square().div(width.square()).neg().exp();
/** b₀ + b₁x + b₂x² + … */
const polynomial = (x: Tensor, ...b: Tensor[]): Tensor =>
  b.slice(0, -1).reduceRight((sum, coefficient) => sum.mul(x).add(coefficient), b[b.length - 1].mul(one));
const gauss: Model = ([b1, b2, b3, b4, b5, b6, b7, b8], x) =>
  b1
    .mul(decay(x, b2))
    .add(b3.mul(bump(x, b4, b5)))
    .add(b6.mul(bump(x, b7, b8)));
const lanczos: Model = ([b1, b2, b3, b4, b5, b6], x) =>
  b1
    .mul(decay(x, b2))
    .add(b3.mul(decay(x, b4)))
    .add(b5.mul(decay(x, b6)));
const chwirut: Model = ([b1, b2, b3], x) => decay(x, b1).div(b2.add(b3.mul(x)));
const cubics: Model = ([b1, b2, b3, b4, b5, b6, b7], x) =>
  polynomial(x, b1, b2, b3, b4).div(polynomial(x, one, b5, b6, b7));
const saturation: Model = ([b1, b2], x) => b1.mul(one.sub(decay(x, b2)));
const wave = (x: Tensor, cosine: Tensor, sine: Tensor, period: Tensor): Tensor => {
  const angle = x.mul(2 * Math.PI).div(period);
  return cosine.mul(angle.cos()).add(sine.mul(angle.sin()));
};

export const models: { readonly [name: string]: Model } = {
  Bennett5: ([b1, b2, b3], x) => b1.mul(b2.add(x).pow(one.neg().div(b3))),
  BoxBOD: saturation,
  Chwirut1: chwirut,
  Chwirut2: chwirut,
  DanWood: ([b1, b2], x) => b1.mul(x.pow(b2)),
  ENSO: ([b1, b2, b3, b4, b5, b6, b7, b8, b9], x) =>
    b1
      .add(wave(x, b2, b3, tensor(12, 'float64')))
      .add(wave(x, b5, b6, b4))
      .add(wave(x, b8, b9, b7)),
  Eckerle4: ([b1, b2, b3], x) => b1.div(b2).mul(x.sub(b3).div(b2).square().mul(-0.5).exp()),
  Gauss1: gauss,
  Gauss2: gauss,
  Gauss3: gauss,
  Hahn1: cubics,
  Kirby2: ([b1, b2, b3, b4, b5], x) => polynomial(x, b1, b2, b3).div(polynomial(x, one, b4, b5)),
  Lanczos1: lanczos,
  Lanczos2: lanczos,
  Lanczos3: lanczos,
  MGH09: ([b1, b2, b3, b4], x) => b1.mul(x.square().add(x.mul(b2))).div(x.square().add(x.mul(b3)).add(b4)),
  MGH10: ([b1, b2, b3], x) => b1.mul(b2.div(x.add(b3)).exp()),
  MGH17: ([b1, b2, b3, b4, b5], x) => b1.add(b2.mul(decay(x, b4))).add(b3.mul(decay(x, b5))),
  Misra1a: saturation,
  Misra1b: ([b1, b2], x) => b1.mul(one.sub(one.add(b2.mul(x).div(2)).pow(-2))),
  Misra1c: ([b1, b2], x) => b1.mul(one.sub(one.add(b2.mul(x).mul(2)).pow(-0.5))),
  Misra1d: ([b1, b2], x) =>
    b1
      .mul(b2)
      .mul(x)
      .div(one.add(b2.mul(x))),
  Nelson: ([b1, b2, b3], x1, x2) => b1.sub(b2.mul(x1).mul(decay(x2, b3))),
  Rat42: ([b1, b2, b3], x) => b1.div(one.add(b2.sub(b3.mul(x)).exp())),
  Rat43: ([b1, b2, b3, b4], x) => b1.div(one.add(b2.sub(b3.mul(x)).exp()).pow(one.div(b4))),
  Roszman1: ([b1, b2, b3, b4], x) => b1.sub(b2.mul(x)).sub(b3.div(x.sub(b4)).atan().div(Math.PI)),
  Thurber: cubics,
};
