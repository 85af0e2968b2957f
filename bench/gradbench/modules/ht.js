// Hand tracking: how far a posed hand is from measured points, and the Jacobian of that by pose and surface coordinates.
import {
  at,
  broadcastTo,
  concatenate,
  eye,
  jit,
  linearize,
  slice,
  stack,
  take,
  tensor,
  vmap,
  where,
  zeros,
  zerosLike,
} from '../../../dist/index.js';
import { float64, matrix, nested, numbers } from '../convert.js';

/** A matrix of tensors, or of numbers where they are constant. */
const matrixOf = rows => stack(rows.map(row => stack(row)));

/** The rotation about an axis by the angle that is the axis's length; none if that is small. */
function aboutAxis(axis) {
  const square = axis.square().sum();
  const small = square.less(1e-8);
  const angle = where(small, 1, square).sqrt();
  const [x, y, z] = [0, 1, 2].map(i => at(axis, i).get().div(angle));
  const c = angle.cos();
  const s = angle.sin();
  const t = c.neg().add(1);
  const diagonal = a => a.mul(a).mul(t).add(c);
  const plus = (a, b, n) => a.mul(b).mul(t).add(n.mul(s));
  const minus = (a, b, n) => a.mul(b).mul(t).sub(n.mul(s));
  const rotation = matrixOf([
    [diagonal(x), minus(x, y, z), plus(x, z, y)],
    [plus(x, y, z), diagonal(y), minus(y, z, x)],
    [minus(x, z, y), plus(y, z, x), diagonal(z)],
  ]);
  return where(small, eye(3, { dtype: 'float64' }), rotation);
}

/** Which entry of θ bends each bone, and which spreads it; 26, one behind the last, for none. */
function joints(bones) {
  const bend = Array(bones).fill(26);
  const spread = Array(bones).fill(26);
  for (let finger = 0; finger < 5; finger++) {
    const first = 4 * finger + 2;
    [bend[first], spread[first], bend[first + 1], bend[first + 2]] = [6, 7, 8, 9].map(i => i + 4 * finger);
  }
  return { bend, spread };
}

/** Rz(spread) Rx(bend) for all bones at once. */
function jointRotations(theta, bones) {
  const { bend, spread } = joints(bones);
  const angles = concatenate([theta, zeros([1], 'float64')]);
  const [x, z] = [bend, spread].map(index => take(angles, index));
  const [cx, sx, cz, sz] = [x.cos(), x.sin(), z.cos(), z.sin()];
  const zero = zerosLike(cx);
  const rows = [
    [cz, sz.mul(cx).neg(), sz.mul(sx)],
    [sz, cz.mul(cx), cz.mul(sx).neg()],
    [zero, sx, cx],
  ];
  return stack(rows.flat()).T.reshape([bones, 3, 3]);
}

/** Where each bone is: its parent's place times its own. Bones equally far from the root are done together. */
function places(relative, parents) {
  const depths = [];
  for (const parent of parents) depths.push(parent < 0 ? 0 : depths[parent] + 1);
  let [done, order] = [undefined, []];
  for (let depth = 0; depth <= Math.max(...depths); depth++) {
    const bones = parents.map((_, bone) => bone).filter(bone => depths[bone] === depth);
    const own = take(relative, bones, { axis: 0 });
    const placed =
      depth === 0
        ? own
        : take(
            done,
            bones.map(bone => order.indexOf(parents[bone])),
            { axis: 0 },
          ).matmul(own);
    done = depth === 0 ? placed : concatenate([done, placed]);
    order = [...order, ...bones];
  }
  return take(
    done,
    parents.map((_, bone) => order.indexOf(bone)),
    { axis: 0 },
  );
}

/** The positions, in rows x, y, z, of some vertices: each bone moves them, and their weights say how much. */
function vertices(theta, model, index, { parents, mirrored }) {
  const bones = parents.length;
  const rotation = jointRotations(theta, bones);
  const base = model.baseRelatives;
  const turned = at(base, ':', ':', slice(0, 3)).get().matmul(rotation);
  const relative = concatenate([turned, at(base, ':', ':', slice(3, 4)).get()], { axis: 2 });
  const transforms = at(places(relative, parents).matmul(model.inverseBaseAbsolutes), ':', slice(0, 3)).get();
  const weighted = take(model.weights, index, { axis: 1 })
    .expandDims(1)
    .mul(take(model.basePositions, index, { axis: 1 }));
  const posed = transforms
    .transpose([1, 0, 2])
    .reshape([3, 4 * bones])
    .matmul(weighted.reshape([4 * bones, index.shape[0]]));
  const sided = mirrored ? posed.mul([[-1], [1], [1]]) : posed;
  const [rotationAxis, translation] = [slice(0, 3), slice(3, 6)].map(part => at(theta, part).get());
  return aboutAxis(rotationAxis).matmul(sided).add(translation.expandDims(1));
}

/** Points minus vertices, or minus the points of triangles with coordinates u, as [coordinate, point]. */
function distances(theta, us, { model, points, index }, statics) {
  const positions = vertices(theta, model, index, statics);
  if (!statics.complicated) return points.sub(positions);
  const count = points.shape[1];
  const [a, b, c] = [0, 1, 2].map(i => at(positions, ':', slice(i * count, (i + 1) * count)).get());
  const [u, v] = [0, 1].map(i => at(us, i).get());
  const inside = a
    .mul(u)
    .add(b.mul(v))
    .add(c.mul(u.add(v).neg().add(1)));
  return points.sub(inside);
}

const objective = (theta, us, data, statics) => distances(theta, us, data, statics).T.ravel();

/**
 * The derivatives by θ are columns of 3 points' numbers each. Those by u are sparse: a point depends on its own two
 * alone, so that all points' can be had together, by one direction for each of the two.
 */
function jacobian(theta, us, data, statics) {
  const [, push] = linearize((theta, us) => objective(theta, us, data, statics), theta, us);
  const byTheta = vmap(direction => push(direction, zerosLike(us)))(
    eye(theta.shape[0], { dtype: 'float64' }),
  );
  if (!statics.complicated) return byTheta;
  const byU = vmap(direction => push(zerosLike(theta), broadcastTo(direction.expandDims(1), us.shape)));
  return concatenate([byU(eye(2, { dtype: 'float64' })), byTheta]);
}

const prepare = ({ theta, us, data: { model, correspondences, points } }) => {
  const complicated = us.length > 0;
  const index = complicated
    ? [0, 1, 2].flatMap(i => correspondences.map(triangle => model.triangles[triangle][i]))
    : correspondences;
  return [
    float64(theta),
    complicated ? matrix(us, 2).T : zeros([2, 0], 'float64'),
    {
      model: {
        baseRelatives: float64(model.base_relatives),
        inverseBaseAbsolutes: float64(model.inverse_base_absolutes),
        basePositions: matrix(model.base_positions, 4).T,
        weights: matrix(model.weights, model.parents.length).T,
      },
      points: matrix(points, 3).T,
      index: tensor(index, 'int32'),
    },
    { parents: model.parents, mirrored: model.is_mirrored, complicated },
  ];
};
const fixed = { staticArgnums: [3] };

export default {
  objective: { prepare, evaluate: jit(objective, fixed), output: numbers },
  jacobian: { prepare, evaluate: jit(jacobian, fixed), output: j => nested(j.T) },
};
