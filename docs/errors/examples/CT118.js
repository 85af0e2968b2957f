import { scan, take, tensor, whileLoop } from 'cotangent';

export const about =
  'The operation is not defined for elements of this type, or would lose something without a word: a fraction put into a tensor of integers, a fraction as an index. Convert with astype where that is what you mean.';

export const wrongs = {
  'fractions as indices': () => take(tensor([10, 20, 30]), tensor([0, 1.5])),
  'a fraction into integers': () => tensor([1, 2, 3], 'int32').at(0).set(0.5),
  'a quotient into integers': () => tensor([1, 2, 3], 'int32').at(0).divide(2),
  'a carry that changes its type': () =>
    scan((count, x) => [count.add(x), null], tensor(0, 'int32'), tensor([0.5, 1.5])),
  'a number as a condition': () =>
    whileLoop(
      n => n,
      n => n.sub(1),
      3,
    ),
};

export const right = () => [
  take(tensor([10, 20, 30]), tensor([0, 1.5]).astype('int32')),
  tensor([1, 2, 3], 'int32').astype('float32').at(0).set(0.5),
];
