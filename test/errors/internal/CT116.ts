import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { mul } from '../../../src/primitives/arithmetic.ts';
import type { Unary } from '../../../src/primitives/compare.ts';
import { cos, sin } from '../../../src/primitives/elementary.ts';
import { op, type Smooth } from '../../../src/primitives/primitive.ts';
import { grad } from '../../../src/transforms/grad.ts';

export const about =
  'A derivative is a linear map, and reverse mode runs it backwards. A tangent went through an operation that is not linear, so the jvp rule of a primitive is wrong. Functions made of the library’s own operations never meet this error; it is for those who declare primitives.';

/** The sine, with a rule of our own for its tangent. */
const sineWith = (rule: (dx: Tensor, x: Tensor) => Tensor): Unary =>
  op<Unary>(
    { ...(sin.primitive as Smooth<Record<string, never>>), jvp: [(dx, [x]) => rule(dx, x)] },
    x => [x],
    () => ({}),
  );

export const wrongs = {
  'a tangent squared': () => {
    const sine = sineWith((dx, x) => mul(cos(x), mul(dx, dx)));
    return grad(sine)(tensor(3));
  },
};

export const right = (): Tensor => {
  const sine = sineWith((dx, x) => mul(cos(x), dx));
  return grad(sine)(tensor(3));
};
