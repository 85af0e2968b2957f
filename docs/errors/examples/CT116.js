import { grad, tensor } from 'cotangent';
import { exp, sin } from '../../../src/primitives/elementary.ts';
import { op } from '../../../src/primitives/primitive.ts';

export const about = `The derivative at a point is a linear map, and reverse mode transposes it. A jvp rule must therefore be linear in the tangent: the tangent may be added, scaled by values that do not depend on it, and moved about, and nothing else. Only who declares a primitive can meet this error.`;

export const wrongs = {
  'a tangent goes through a function that is not linear': () => {
    const wave = op(
      { ...sin.primitive, name: 'wave', jvp: [dx => exp(dx)] },
      x => [x],
      () => ({}),
    );
    return grad(x => wave(x).sum())(tensor([1, 2]));
  },
  'a product of two tangents': () => {
    const wave = op(
      { ...sin.primitive, name: 'wave', jvp: [dx => dx.mul(dx)] },
      x => [x],
      () => ({}),
    );
    return grad(x => wave(x).sum())(tensor([1, 2]));
  },
};

export function right() {
  const wave = op(
    { ...sin.primitive, name: 'wave', jvp: [(dx, [x]) => dx.mul(x.cos())] },
    x => [x],
    () => ({}),
  );
  return grad(x => wave(x).sum())(tensor([1, 2]));
}
