// Bundle adjustment: how far projected points are from their observations, and the sparse Jacobian of that.
import { at, jacrev, jit, stack, take, tensor, vmap, where } from '../../../dist/index.js';

const parts = x => Array.from({ length: x.shape[0] }, (_, i) => at(x, i).get());
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

/** The weighted error of one observation. A camera is [rotation 3, centre 3, focal length, principal point 2, radial distortion 2]. */
function reprojection(camera, point, weight, feature) {
  const [r1, r2, r3, c1, c2, c3, focal, u, v, k1, k2] = parts(camera);
  const centred = parts(point).map((x, i) => x.sub([c1, c2, c3][i]));
  const [x, y, z] = rotate([r1, r2, r3], centred);
  const plane = [x.div(z), y.div(z)];
  const square = dot(plane, plane);
  const distortion = k1.mul(square).add(k2.mul(square).mul(square)).add(1);
  const [f1, f2] = parts(feature);
  return stack([
    plane[0].mul(distortion).mul(focal).add(u).sub(f1).mul(weight),
    plane[1].mul(distortion).mul(focal).add(v).sub(f2).mul(weight),
  ]);
}

/** The error of a weight. */
const weightError = w => w.square().neg().add(1);

// Observations stand in the last axis, so that every number of one is a contiguous row of that number of all.
const inAxes = [1, 1, 0, 1];
const gathered = ({ cameras, points, weights, features, cameraOf, pointOf }) => [
  take(cameras, cameraOf, { axis: 1 }),
  take(points, pointOf, { axis: 1 }),
  weights,
  features,
];

const objective = problem => ({
  reprojection: vmap(reprojection, { inAxes })(...gathered(problem)),
  weights: weightError(problem.weights),
});

/** For each observation its two rows, of 15 numbers each: all else in these rows is zero. */
const jacobian = problem => {
  const perObservation = jacrev(reprojection, { argnums: [0, 1, 2] });
  const blocks = vmap(perObservation, { inAxes })(...gathered(problem));
  return { blocks, weights: problem.weights.mul(-2) };
};

const repeat = (values, count) =>
  tensor(
    Float64Array.from({ length: values.length * count }, (_, i) => values[Math.floor(i / count)]),
    { shape: [values.length, count] },
  );
const modulo = (n, count) => tensor(Int32Array.from({ length: count }, (_, i) => i % n));

const prepare = ({ n, m, p, cam, x, w, feat }) => [
  {
    cameras: repeat(cam, n),
    points: repeat(x, m),
    weights: repeat([w], p).reshape([p]),
    features: repeat(feat, p),
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
  const values = blocks.dataSync();
  const columns = (i, entry) =>
    entry < 11 ? 11 * (i % n) + entry : entry < 14 ? 11 * n + 3 * (i % m) + entry - 11 : 11 * n + 3 * m + i;
  const entries = Array.from({ length: head }, (_, at) => at);
  // Two rows of 15 entries for each observation, then a row of one for each weight.
  const begins = entries.map(row => (row <= 2 * p ? 15 * row : head * p + row - 2 * p));
  return {
    rows: [...begins, head * p + p],
    cols: [...entries.map(at => columns(Math.floor(at / head), at % 15)), 11 * n + 3 * m + p - 1],
    vals: [...values.slice(0, head), at(weights, -1).get().item()],
  };
};

export default {
  objective: { prepare, evaluate: jit(objective), output: errors },
  jacobian: { prepare, evaluate: jit(jacobian), output: sparse },
};
