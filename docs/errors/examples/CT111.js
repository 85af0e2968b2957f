import { tensor, vmap } from 'cotangent';

export const about = `A tensor with n axes has the axes 0 to n − 1, or −n to −1 counted from the end. A 0-dimensional tensor has none, and so nothing to reduce along or to map over.`;

export const wrongs = {
  'an axis that is not there': () => {
    return tensor([1, 2, 3]).sum(1);
  },
  'one axis twice': () => {
    return tensor([
      [1, 2],
      [3, 4],
    ]).sum([0, -2]);
  },
  'vmap over a number': () => {
    return vmap((x, y) => x.mul(y))(tensor([1, 2]), 3);
  },
};

export function right() {
  const x = tensor([1, 2, 3]);
  return [x.sum(0), vmap((a, b) => a.mul(b), { inAxes: [0, null] })(x, 3)];
}
