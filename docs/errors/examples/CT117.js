import { tensor, vmap } from 'cotangent';

export const about = `vmap applies a function to example 0 of every argument, then to example 1, and so on, so that all mapped arguments must have equally many. An argument that is the same for all examples has no batch axis: say so with null.`;

export const wrongs = {
  'a different number of examples': () => {
    const distance = (x, y) => x.sub(y).abs().sum();
    const xs = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const ys = tensor([
      [0, 0],
      [1, 1],
    ]);
    return vmap(distance)(xs, ys);
  },
  'a shared argument that is not marked': () => {
    const predict = (w, x) => w.mul(x).sum();
    const w = tensor([1, 2]);
    const batch = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    return vmap(predict)(w, batch);
  },
};

export function right() {
  const predict = (w, x) => w.mul(x).sum();
  const w = tensor([1, 2]);
  const batch = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  return vmap(predict, { inAxes: [null, 0] })(w, batch);
}
