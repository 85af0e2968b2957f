// The log posterior of a mixture of Gaussians with a Wishart prior, and its gradient.
import { grad, jit, stopGradient, zeros } from '../../../dist/node/index.js';
import { float64, matrix, nested, number, numbers } from '../convert.js';

/** log Γ(x) for the constant of the prior, where x is a multiple of ½. */
function logGamma(x) {
  if (x < 2) return x === 1 ? 0 : x === 0.5 ? 0.5 * Math.log(Math.PI) : Math.log(x - 1) + logGamma(x - 1);
  return Math.log(x - 1) + logGamma(x - 1);
}

/** log Γ_d(x), the multivariate gamma function. */
const logGammaOf = (x, d) =>
  Array.from({ length: d }, (_, i) => logGamma(x - i / 2)).reduce(
    (sum, term) => sum + term,
    0.25 * d * (d - 1) * Math.log(Math.PI),
  );

/** Row and column of the entries of a strictly lower triangle, column by column. */
const below = d =>
  Array.from({ length: d }, (_, column) => column).flatMap(column =>
    Array.from({ length: d - 1 - column }, (_, i) => [column + 1 + i, column]),
  );

const logsumexp = (x, axis) => {
  const a = stopGradient(x.max({ axis, keepdims: true }));
  return x.sub(a).exp().sum(axis).log().add(a.squeeze(axis));
};

/**
 * Σᵢ log Σₖ φₖ N(xᵢ; μₖ, (QₖᵀQₖ)⁻¹) + Σₖ log W(QₖᵀQₖ), where φ = softmax α and Q is lower triangular with diagonal
 * exp q and entries l below it.
 */
function objective({ alpha, mu, q, l }, x, { gamma, m }) {
  const [k, d] = mu.shape;
  const [n] = x.shape;
  const diagonal = q.exp();
  const triangle = below(d);
  const rows = triangle.map(([row]) => row);
  const columns = triangle.map(([, column]) => column);
  const range = Array.from({ length: d }, (_, i) => i);
  let factor = zeros([k, d, d], 'float64').at(':', range, range).set(diagonal);
  if (d > 1) factor = factor.at(':', rows, columns).set(l);

  // Q(x − μ) for every component and point, as one product of all Q with all x.
  const whitened = factor
    .reshape([k * d, d])
    .matmul(x.T)
    .reshape([k, d, n])
    .sub(factor.matmul(mu.expandDims(2)));
  const logDeterminant = q.sum(1);
  const terms = alpha.add(logDeterminant).expandDims(1).sub(whitened.square().sum(1).mul(0.5));
  const likelihood = logsumexp(terms, 0)
    .sum()
    .sub(logsumexp(alpha, 0).mul(n))
    .sub(n * d * 0.5 * Math.log(2 * Math.PI));

  const freedom = d + m + 1;
  const constant = freedom * d * (Math.log(gamma) - 0.5 * Math.log(2)) - logGammaOf(0.5 * freedom, d);
  const frobenius = diagonal.square().sum().add(l.square().sum());
  const prior = logDeterminant
    .sum()
    .mul(m)
    .sub(frobenius.mul(0.5 * gamma * gamma))
    .add(k * constant);
  return likelihood.add(prior);
}

const prepare = ({ d, alpha, mu, q, l, x, gamma, m }) => [
  { alpha: float64(alpha), mu: matrix(mu, d), q: matrix(q, d), l: matrix(l, (d * (d - 1)) / 2) },
  matrix(x, d),
  { gamma, m },
];
const fixed = { staticArgnums: [2] };
const trees = ({ alpha, mu, q, l }) => ({
  alpha: numbers(alpha),
  mu: nested(mu),
  q: nested(q),
  l: nested(l),
});

export default {
  objective: { prepare, evaluate: jit(objective, fixed), output: number },
  jacobian: { prepare, evaluate: jit(grad(objective), fixed), output: trees },
};
