import { concatenate, tensor } from 'cotangent';

export const about = `A tensor is a box: at every level all arrays have the same length. Rows of different lengths have no shape; pad them to one length and keep a mask, or keep a list of tensors.`;

export const wrongs = {
  'rows of different lengths': () => {
    return tensor([
      [1, 2, 3],
      [4, 5],
    ]);
  },
  'a number beside an array': () => {
    return tensor([[1, 2], 3]);
  },
  'a missing value': () => {
    return tensor([1, null, 3]);
  },
  'tensors of different shapes': () => {
    return tensor([tensor([1, 2]), tensor([3])]);
  },
};

export function right() {
  const padded = tensor([
    [1, 2, 3],
    [4, 5, Number.NaN],
  ]);
  const joined = concatenate([tensor([1, 2]), tensor([3])]);
  return [padded, joined];
}
