// f(P, C) = Σᵢ minⱼ |Cⱼ − Pᵢ|², and the step of Newton's method for C.
import { grad, jit, jvp, onesLike } from '../../../dist/node/index.js';
import { matrix, nested, number } from '../convert.js';

/** |p − c|² = |p|² + |c|² − 2 p·c for every centroid, in rows, and every point. */
const cost = (points, centroids) => {
  const squares = x => x.square().sum(-1);
  const distances = squares(centroids)
    .expandDims(1)
    .sub(centroids.matmul(points.T).mul(2))
    .add(squares(points));
  return distances.min(0).sum();
};

/** The Hessian is diagonal, so that its product with a vector of ones is its diagonal: forward over reverse. */
const direction = (points, centroids) => {
  const gradient = grad(c => cost(points, c));
  const [g, diagonal] = jvp(gradient, [centroids], [onesLike(centroids)]);
  return g.div(diagonal);
};

const prepare = ({ points, centroids }) => {
  const columns = points[0].length;
  return [matrix(points, columns), matrix(centroids, columns)];
};

export default {
  cost: { prepare, evaluate: jit(cost), output: number },
  dir: { prepare, evaluate: jit(direction), output: nested },
};
