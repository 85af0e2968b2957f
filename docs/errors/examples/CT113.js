import { grad, jit, tensor, vmap, where } from 'cotangent';

export const about = `A tensor is an object, and JavaScript takes every object for true: \`if (x.greater(0))\` always runs its first branch, without a sign that anything is wrong. Inside a transformation the library therefore checks, when the function returns, that every single bool that it made was used, returned or read.`;

export const wrongs = {
  'if under grad': () => {
    const relu = x => {
      if (x.greater(0)) return x;
      return x.mul(0);
    };
    return grad(relu)(tensor(-2));
  },
  'a conditional expression under jit': () => {
    const relu = jit(x => (x.less(0) ? x.mul(0) : x));
    return relu(tensor(-2));
  },
  '&& under vmap': () => {
    const guarded = x => x.greater(0) && x.log();
    return vmap(guarded)(tensor([-2, 2]));
  },
};

export function right() {
  const relu = x => where(x.greater(0), x, 0);
  const branching = x => (x.item() > 0 ? x : x.mul(0));
  return [grad(relu)(tensor(-2)), jit(relu)(tensor(-2)), grad(branching)(tensor(-2))];
}
