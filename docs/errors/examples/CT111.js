import { sum, tensor, vmap } from 'cotangent';

export const about =
  'A tensor with n axes has the axes 0 to n − 1, or −n to −1 counted from the last. Each may be named once.';

export const wrongs = {
  'a second axis of a vector': () => tensor([1, 2, 3]).sum(1),
  'an axis named twice': () => sum(tensor([[1, 2]]), { axis: [0, -2] }),
  'a batch of numbers': () => vmap(x => x.mul(2))(5),
};

export const right = () => {
  const table = tensor([
    [1, 2],
    [3, 4],
  ]);
  return [table.sum(1), table.sum(-1), vmap((x, k) => x.mul(k), { inAxes: [0, null] })(table, 5)];
};
