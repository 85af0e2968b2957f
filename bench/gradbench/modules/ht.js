// Hand tracking: how far a posed hand is from measured points, and the Jacobian of that by pose and surface coordinates.
import {
  at,
  concatenate,
  eye,
  jit,
  jvp,
  linearize,
  onesLike,
  slice,
  stack,
  take,
  tensor,
  vmap,
  where,
  zerosLike,
} from '../../../dist/node/index.js';
import { float64, matrix } from '../convert.js';

const identity = n => eye(n, { dtype: 'float64' });
const part = (x, from, to) => at(x, slice(from, to)).get();
const element = (x, i) => at(x, i).get();
/** A matrix of single numbers. */
const matrixOf = rows => stack(rows.map(row => stack(row)));

/** The rotation about an axis by the angle that is the axis's length; none if that is small. */
function aboutAxis(axis) {
  const square = axis.square().sum();
  const small = square.less(1e-8);
  const angle = where(small, 1, square).sqrt();
  const [x, y, z] = [0, 1, 2].map(i => element(axis, i).div(angle));
  const [c, s] = [angle.cos(), angle.sin()];
  const t = c.neg().add(1);
  const diagonal = a => a.mul(a).mul(t).add(c);
  const plus = (a, b, n) => a.mul(b).mul(t).add(n.mul(s));
  const minus = (a, b, n) => a.mul(b).mul(t).sub(n.mul(s));
  const rotation = matrixOf([
    [diagonal(x), minus(x, y, z), plus(x, z, y)],
    [plus(x, y, z), diagonal(y), minus(y, z, x)],
    [minus(x, z, y), plus(y, z, x), diagonal(z)],
  ]);
  return where(small, identity(3), rotation);
}

/** Rz(spread) Rx(bend), as a transformation of homogeneous coordinates. */
function joint(bend, spread) {
  const [cx, sx, cz, sz] = [bend.cos(), bend.sin(), spread.cos(), spread.sin()];
  const zero = zerosLike(cx);
  return matrixOf([
    [cz, sz.mul(cx).neg(), sz.mul(sx), zero],
    [sz, cz.mul(cx), cz.mul(sx).neg(), zero],
    [zero, sx, cx, zero],
    [zero, zero, zero, onesLike(cx)],
  ]);
}

/** What some bones add to the positions of all vertices: each moves them, and their weights say how much. */
function skinned(places, { inverses, weighted }) {
  const transforms = at(places.matmul(inverses), ':', slice(0, 3)).get();
  const [bones, , vertices] = weighted.shape;
  const flat = transforms.transpose([1, 0, 2]).reshape([3, 4 * bones]);
  return flat.matmul(weighted.reshape([4 * bones, vertices]));
}

/** A finger's part: a chain of four bones from the wrist on, of which the second bends and spreads and the others bend. */
function finger(angles, bones, wrist) {
  const [bend, spread, next, last] = [0, 1, 2, 3].map(i => element(angles, i));
  const none = zerosLike(bend);
  const joints = [null, joint(bend, spread), joint(next, none), joint(last, none)];
  const places = [];
  joints.forEach((turn, i) => {
    const own = element(bones.relatives, i);
    places.push((places[i - 1] ?? wrist).matmul(turn === null ? own : own.matmul(turn)));
  });
  return skinned(stack(places), bones);
}

/** Fingers in an axis of their own, and the rest, wrist and forearm, which θ does not bend. */
function boneGroups({ relatives, inverses, weights, positions }) {
  const weighted = weights.expandDims(1).mul(positions);
  const all = { relatives, inverses, weighted };
  const chosen = choose => Object.fromEntries(Object.entries(all).map(([name, x]) => [name, choose(x)]));
  return {
    fingers: chosen(x => part(x, 1, 21).reshape([5, 4, ...x.shape.slice(1)])),
    rest: chosen(x => stack([element(x, 0), element(x, 21)])),
  };
}

const overFingers = { inAxes: [0, 0, null] };

/** Positions before the hand as a whole is turned: of its fingers, bent by angles [5, 4], and the rest. */
function posed(angles, model) {
  const { fingers, rest } = boneGroups(model);
  const wrist = element(rest.relatives, 0);
  const forearm = wrist.matmul(element(rest.relatives, 1));
  return vmap(finger, overFingers)(angles, fingers, wrist)
    .sum(0)
    .add(skinned(stack([wrist, forearm]), rest));
}

/**
 * The derivatives of positions by the angles, [20, 3, vertices]. An angle moves its own finger only, so that these are
 * the Jacobians of the fingers, each by its four.
 */
function posedByAngles(angles, model) {
  const { fingers, rest } = boneGroups(model);
  const byAngles = (angles, bones, wrist) =>
    vmap(direction => jvp(angles => finger(angles, bones, wrist), [angles], [direction])[1])(identity(4));
  const made = vmap(byAngles, overFingers)(angles, fingers, element(rest.relatives, 0));
  return made.reshape([20, ...made.shape.slice(2)]);
}

/** The hand turned and moved as a whole. */
const placed = (whole, positions) =>
  aboutAxis(part(whole, 0, 3))
    .matmul(positions)
    .add(part(whole, 3, 6).expandDims(1));

/** The vertices, or points of triangles with coordinates u and v, that were measured: [3, points]. */
function measured(positions, us, index) {
  if (us === null) return take(positions, index, { axis: 1 });
  const [a, b, c] = [0, 1, 2].map(i => take(positions, element(index, i), { axis: 1 }));
  const [u, v] = [element(us, 0), element(us, 1)];
  return a
    .mul(u)
    .add(b.mul(v))
    .add(c.mul(u.add(v).neg().add(1)));
}

const split = theta => [part(theta, 0, 6), part(theta, 6, 26).reshape([5, 4])];

const objective = (theta, us, { model, points, index }) => {
  const [whole, angles] = split(theta);
  return points.sub(measured(placed(whole, posed(angles, model)), us, index));
};

/** The columns of the Jacobian, [columns, 3, points]: by u and v where there are, then by θ. */
function jacobian(theta, us, { model, points, index }) {
  const [whole, angles] = split(theta);
  const positions = posed(angles, model);
  const distance = positions => points.sub(measured(positions, us, index));
  const along = (f, x, directions) => {
    const [, push] = linearize(f, x);
    return vmap(push)(directions);
  };
  const byWhole = along(whole => distance(placed(whole, positions)), whole, identity(6));
  const byAngles = along(
    positions => distance(placed(whole, positions)),
    positions,
    posedByAngles(angles, model),
  );
  if (us === null) return concatenate([byWhole, byAngles]);
  // A point depends on its own u and v alone, so that one direction gives the derivatives of all points by u.
  const turned = placed(whole, positions);
  const ones = onesLike(element(us, 0));
  const directions = stack([stack([ones, zerosLike(ones)]), stack([zerosLike(ones), ones])]);
  const bySurface = along(us => points.sub(measured(turned, us, index)), us, directions);
  return concatenate([bySurface, byWhole, byAngles]);
}

/** Throws unless the bones are a wrist, five chains of four from it, and a forearm. */
function requireHand(parents) {
  const expected = bone => (bone === 0 ? -1 : bone % 4 === 1 ? 0 : bone - 1);
  if (parents.length !== 22 || !parents.every((parent, bone) => parent === expected(bone)))
    throw new Error(
      `bones with parents ${parents}; known are a wrist, five fingers of four bones, a forearm`,
    );
}

const prepare = ({ theta, us, data: { model, correspondences, points } }) => {
  requireHand(model.parents);
  const complicated = us.length > 0;
  const vertices = complicated
    ? [0, 1, 2].map(i => correspondences.map(triangle => model.triangles[triangle][i]))
    : correspondences;
  const mirrored = x => (model.is_mirrored ? x.mul([[-1], [1], [1], [1]]) : x);
  return [
    float64(theta),
    complicated ? matrix(us, 2).T : null,
    {
      model: {
        relatives: float64(model.base_relatives),
        inverses: float64(model.inverse_base_absolutes),
        positions: mirrored(matrix(model.base_positions, 4).T),
        weights: matrix(model.weights, model.parents.length).T,
      },
      points: matrix(points, 3).T,
      index: tensor(vertices, 'int32'),
    },
  ];
};

/** Point by point, from rows of coordinates. */
const byPoint = x => x.T.ravel().arraySync();

export default {
  objective: { prepare, evaluate: jit(objective), output: byPoint },
  jacobian: {
    prepare,
    evaluate: jit(jacobian),
    output: j => j.transpose([2, 1, 0]).reshape([-1, j.shape[0]]).arraySync(),
  },
};
