import type { Tensor } from '../../../src/core/tensor.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { mul } from '../../../src/primitives/arithmetic.ts';
import { constantLike } from '../../../src/primitives/broadcast.ts';
import type { Unary } from '../../../src/primitives/compare.ts';
import { op } from '../../../src/primitives/primitive.ts';
import { elementwiseRule } from '../../../src/primitives/signature.ts';
import { grad } from '../../../src/transforms/grad.ts';
import { linearize } from '../../../src/transforms/linearize.ts';

export const about =
  'A derivative is a linear map, and reverse mode runs it backwards. A tangent went through an operation that is not linear, so the jvp rule of a primitive is wrong. Functions made of the library’s own operations never meet this error; it is for those who declare primitives.';

/** x², with a rule for its tangent. */
const squareWith = (rule: (dx: Tensor, x: Tensor) => Tensor): Unary =>
  op<Unary>(
    {
      name: 'square',
      kind: 'smooth',
      abstract: elementwiseRule('square', 'float'),
      jvp: [(dx, [x]) => rule(dx, x)],
      batch: 'elementwise',
      lower: (operands, _, [out]) => {
        const lowered = mul.primitive.lower;
        if (lowered === 'inline') throw new Error('mul has a kernel');
        return lowered([operands[0], operands[0]], {}, [out]);
      },
      samples: [],
    },
    x => [x],
    () => ({}),
  );

export const wrongs = {
  'a tangent squared': () => {
    const square = squareWith(dx => mul(dx, dx));
    return grad(square)(tensor(3));
  },
};

export const right = (): Tensor => {
  const square = squareWith((dx, x) => mul(mul(constantLike(x, 2), x), dx));
  return linearize(square, tensor(3))[1](1);
};
