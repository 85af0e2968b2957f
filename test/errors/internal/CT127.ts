import type { Tensor } from '../../../src/core/tensor.ts';
import { checkPrimitive } from '../../../src/primitive/laws.ts';
import { mul, neg } from '../../../src/primitives/arithmetic.ts';
import type { Unary } from '../../../src/primitives/compare.ts';
import { cos, sin } from '../../../src/primitives/elementary.ts';
import { op, type Smooth } from '../../../src/primitives/primitive.ts';

export const about =
  'Every primitive obeys laws: its derivative is that of its values, a batch is a loop, jit gives the same bits. `checkPrimitive` runs them on the samples of a declaration, and one did not hold. It is for those who declare primitives.';

/** The sine, with a derivative of our own. */
const sineWith = (derivative: (x: Tensor) => Tensor): Unary =>
  op<Unary>(
    {
      ...(sin.primitive as Smooth<Record<string, never>>),
      jvp: [(dx, [x]) => mul(dx, derivative(x))],
      samples: [{ operands: [{ shape: [2] }], params: {} }],
    },
    x => [x],
    () => ({}),
  );

export const wrongs = {
  'a derivative with the wrong sign': () => checkPrimitive(sineWith(x => neg(cos(x)))),
};

export const right = (): Unary => {
  const sine = sineWith(cos);
  checkPrimitive(sine);
  return sine;
};
