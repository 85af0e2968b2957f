// y(x) = ½ Σᵢ (sᵢ − Σⱼ xⱼ tᵢʲ)², tᵢ = −1 + 2i/(n − 1), sᵢ = sign tᵢ: a polynomial fitted to the sign.
import { grad, jit, linspace, scan, zerosLike } from '../../../dist/node/index.js';
import { float64, number, numbers } from '../convert.js';

/** Σⱼ xⱼ tʲ for all points t at once, by Horner's rule: from the last coefficient on, p ← p·t + xⱼ. */
const polynomial = (x, t) => scan((p, xj) => [p.mul(t).add(xj), null], zerosLike(t), x, { reverse: true })[0];

const objective = (x, n) => {
  const t = linspace(-1, 1, { num: n, dtype: 'float64' });
  return t.sign().sub(polynomial(x, t)).square().sum().mul(0.5);
};
const prepare = ({ x, n }) => [float64(x), n];
const fixed = { staticArgnums: [1] };

export default {
  primal: { prepare, evaluate: jit(objective, fixed), output: number },
  gradient: { prepare, evaluate: jit(grad(objective), fixed), output: numbers },
};
