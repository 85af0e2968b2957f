import { grad, tensor, zeros } from 'cotangent';

export const about = `The element types are float32, float64, int32, uint32, int8, uint8 and bool. There are no 64-bit integers: JavaScript numbers hold integers exactly only up to 2⁵³, and most devices compute with 32 bits. Arrays of another type must be converted on purpose, so that nothing is rounded in silence.`;

export const wrongs = {
  'a name that is no element type': () => {
    return tensor([1, 2, 3], 'float16');
  },
  'a class in place of a name': () => {
    return zeros([2], { dtype: Float32Array });
  },
  'a BigInt64Array': () => {
    return tensor(new BigInt64Array([1n, 2n, 3n]));
  },
  'a BigInt64Array among the arguments': () => {
    return grad(p => p.w.sum())({ w: tensor([1, 2]), ids: new BigInt64Array(2) });
  },
};

export function right() {
  return tensor(Array.from(new BigInt64Array([1n, 2n, 3n]), Number), 'int32');
}
