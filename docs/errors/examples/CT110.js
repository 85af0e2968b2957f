import { grad, tensor, zeros } from 'cotangent';

export const about =
  'Elements are float32, float64, int32, uint32, int8, uint8 or bool. There are no 64-bit integers: JavaScript numbers are exact up to 2⁵³ only, and a BigInt would lose digits without a word.';

export const wrongs = {
  'a type that does not exist': () => tensor([1, 2], 'float16'),
  "another library's word": () => zeros([2, 2], { dtype: 'double' }),
  astype: () => tensor([1, 2]).astype('int64'),
  'an array of BigInts': () => tensor(new BigInt64Array([1n, 2n])),
  'an array of BigInts as an argument': () => grad(x => x.sum())(new BigInt64Array([1n, 2n])),
};

export const right = () => [
  tensor([1, 2], 'float64'),
  zeros([2, 2], { dtype: 'float32' }),
  tensor(Float64Array.from(new BigInt64Array([1n, 2n]), Number)),
];
