// Bundle adjustment: how far projected points are from their observations, and the sparse Jacobian of that.
import { at, grad, jit, stack, take, tensor, vmap, where } from '../../../dist/node/index.js';
import { float64 } from '../convert.js';

const dot = (a, b) => a.map((x, i) => x.mul(b[i])).reduce((x, y) => x.add(y));
const cross = ([a, b, c], [x, y, z]) => [
  b.mul(z).sub(c.mul(y)),
  c.mul(x).sub(a.mul(z)),
  a.mul(y).sub(b.mul(x)),
];

/** A point turned about an axis by the angle that is the axis's length: Rodrigues's formula. */
function rotate(axis, point) {
  const square = dot(axis, axis);
  const turned = square.greater(0);
  // Where the angle is 0 the root has no derivative; the other choice is made there.
  const angle = where(turned, square, 1).sqrt();
  const unit = axis.map(a => a.div(angle));
  const along = dot(unit, point).mul(angle.cos().neg().add(1));
  const across = cross(unit, point);
  const first = cross(axis, point);
  return point.map((p, i) =>
    where(
      turned,
      p.mul(angle.cos()).add(across[i].mul(angle.sin())).add(unit[i].mul(along)),
      p.add(first[i]),
    ),
  );
}

/**
 * The weighted error of one observation. A camera is [rotation 3, centre 3, focal length, principal point 2, radial
 * distortion 2]; all are lists of numbers.
 */
function reprojection({ camera, point, weight }, feature) {
  const [r1, r2, r3, c1, c2, c3, focal, u, v, k1, k2] = camera;
  const centred = point.map((x, i) => x.sub([c1, c2, c3][i]));
  const [x, y, z] = rotate([r1, r2, r3], centred);
  const plane = [x.div(z), y.div(z)];
  const square = dot(plane, plane);
  const distortion = k1.mul(square).add(k2.mul(square).mul(square)).add(1);
  return plane.map((at, i) => at.mul(distortion).mul(focal).add([u, v][i]).sub(feature[i]).mul(weight));
}

/** The error of a weight. */
const weightError = w => w.square().neg().add(1);

/** What each observation is of, number by number, each in a vector of all observations. */
const gathered = ({ cameras, points, weights, features, cameraOf, pointOf }) => [
  {
    camera: cameras.map(x => take(x, cameraOf)),
    point: points.map(x => take(x, pointOf)),
    weight: weights,
  },
  features,
];

const objective = problem => ({
  reprojection: stack(vmap(reprojection)(...gathered(problem)), 1),
  weights: weightError(problem.weights),
});

/**
 * For each observation its two rows, of 15 numbers each: all else in these rows is zero. Each of the 30 is a vector of
 * all observations.
 */
const jacobian = problem => {
  const row = i => grad((unknowns, feature) => reprojection(unknowns, feature)[i]);
  const rows = [0, 1].map(i => {
    const { camera, point, weight } = vmap(row(i))(...gathered(problem));
    return [...camera, ...point, weight];
  });
  return { blocks: rows.flat(), weights: vmap(grad(weightError))(problem.weights) };
};

const full = (count, value) => float64(new Float64Array(count).fill(value));
const modulo = (n, count) => tensor(Int32Array.from({ length: count }, (_, i) => i % n));

const prepare = ({ n, m, p, cam, x, w, feat }) => [
  {
    cameras: cam.map(value => full(n, value)),
    points: x.map(value => full(m, value)),
    weights: full(p, w),
    features: feat.map(value => full(p, value)),
    cameraOf: modulo(n, p),
    pointOf: modulo(m, p),
  },
];

// All observations are alike, so that GradBench looks at the first block and the last entry only.
const head = 2 * 15;

const errors = ({ reprojection, weights }, { p }) => {
  const all = reprojection.dataSync();
  return {
    reproj_error: { elements: [all[0], all[1]], repeated: p },
    w_err: { element: at(weights, 0).get().item(), repeated: p },
  };
};

/** Compressed rows: where each row begins, the columns (cameras, points, weights) and values of its entries. */
const sparse = ({ blocks, weights }, { n, m, p }) => {
  const columns = (i, entry) =>
    entry < 11 ? 11 * (i % n) + entry : entry < 14 ? 11 * n + 3 * (i % m) + entry - 11 : 11 * n + 3 * m + i;
  const entries = Array.from({ length: head }, (_, at) => at);
  // Two rows of 15 entries for each observation, then a row of one for each weight.
  const begins = entries.map(row => (row <= 2 * p ? 15 * row : head * p + row - 2 * p));
  return {
    rows: [...begins, head * p + p],
    cols: [...entries.map(at => columns(Math.floor(at / head), at % 15)), 11 * n + 3 * m + p - 1],
    vals: [...blocks.map(values => at(values, 0).get().item()), at(weights, -1).get().item()],
  };
};

export default {
  objective: { prepare, evaluate: jit(objective), output: errors },
  jacobian: { prepare, evaluate: jit(jacobian), output: sparse },
};
