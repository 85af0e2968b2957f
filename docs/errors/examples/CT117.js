import { tensor, vmap } from 'cotangent';

export const about =
  'vmap walks along the batch axes of its arguments together, so they must hold the same number of examples. An argument that all examples share, such as the weights of a model, is marked with null in inAxes.';

export const wrongs = {
  'two batches': () => {
    const product = (x, y) => x.mul(y);
    return vmap(product)(tensor([1, 2, 3]), tensor([1, 2]));
  },
  'weights that are no batch': () => {
    const images = tensor(new Float32Array(12), { shape: [4, 3] });
    const weights = tensor([1, 2, 3]);
    return vmap((x, w) => x.mul(w).sum())(images, weights);
  },
};

export const right = () => {
  const images = tensor(new Float32Array(12), { shape: [4, 3] });
  const weights = tensor([1, 2, 3]);
  return vmap((x, w) => x.mul(w).sum(), { inAxes: [0, null] })(images, weights);
};
