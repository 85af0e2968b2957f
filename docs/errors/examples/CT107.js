import { grad, jit, tensor } from 'cotangent';

export const about = `grad(f) is a function of the same arguments as f. The differentiated ones, argument 0 or those of argnums, must be there: the gradient is a tree like them. The same holds for the static arguments of jit, which are part of a compiled function's signature.`;

export const wrongs = {
  'called without arguments': () => {
    const loss = w => w.mul(w).sum();
    return grad(loss)();
  },
  'argnums counts from 0': () => {
    const loss = (w, x) => w.mul(x).sum();
    return grad(loss, { argnums: 2 })(tensor([1, 2]), tensor([3, 4]));
  },
  'a static argument left away': () => {
    const power = jit((x, n) => x.pow(n), { staticArgnums: [1] });
    return power(tensor([1, 2]));
  },
};

export function right() {
  const loss = (w, x) => w.mul(x).sum();
  return grad(loss, { argnums: 1 })(tensor([1, 2]), tensor([3, 4]));
}
