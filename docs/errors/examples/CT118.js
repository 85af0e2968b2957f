import { bitwiseAnd, take, tensor, where } from 'cotangent';

export const about = `Operations of arithmetic convert by themselves, as in NumPy. Where a type says what an operand is for, nothing is converted: indices are integers, conditions are bools, and bits are those of integers. A float there is nearly always a mistake.`;

export const wrongs = {
  'bits of a float': () => {
    return bitwiseAnd(tensor([1, 2, 3]), 1);
  },
  'a fraction for an index': () => {
    return take(tensor([1, 2, 3]), tensor([0.5, 1.5]));
  },
};

export function right() {
  const x = tensor([1, 2, 3]);
  return [bitwiseAnd(x.astype('int32'), 1), take(x, tensor([0, 1], 'int32')), where(x.greater(1), x, 0)];
}
