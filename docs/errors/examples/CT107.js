import { grad, jit, tensor } from 'cotangent';

export const about =
  'A transformed function is called with the arguments of the original. It was called without one that it differentiates or fixes. Arguments are counted from 0.';

export const wrongs = {
  'no argument at all': () => grad(x => x.mul(x))(),
  'an index beyond the arguments': () => {
    const loss = (w, x) => w.mul(x).sum();
    return grad(loss, { argnums: 2 })(tensor([1, 2]), tensor([3, 4]));
  },
  'a variable that was never set': () => {
    const settings = {};
    return grad(x => x.mul(x))(settings.start);
  },
  'a static argument': () => jit((x, n) => x.mul(n), { staticArgnums: [1] })(tensor([1, 2])),
};

export const right = () => {
  const loss = (w, x) => w.mul(x).sum();
  const [w, x] = [tensor([1, 2]), tensor([3, 4])];
  return [grad(loss)(w, x), grad(loss, { argnums: 1 })(w, x), grad(loss, { argnums: [0, 1] })(w, x)];
};
