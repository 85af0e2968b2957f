import { jit, nonzero, tensor, unique, where } from 'cotangent';

export const about =
  'A compiled function and a batch know the shape of every value before they know any value. How many elements a mask picks or how many different ones there are depends on the values, so these operations work outside jit and vmap only.';

export const wrongs = {
  'a boolean mask': () => jit(x => x.at(x.greater(0)).get().sum())(tensor([1, -2, 3])),
  'different elements': () => jit(x => unique(x))(tensor([1, 2, 1])),
  'places that are not zero': () => jit(x => nonzero(x)[0])(tensor([0, 1, 2])),
};

export const right = () => {
  const positiveSum = jit(x => where(x.greater(0), x, 0).sum());
  const x = tensor([1, -2, 3]);
  return [positiveSum(x), x.at(x.greater(0)).get(), unique(tensor([1, 2, 1]))];
};
