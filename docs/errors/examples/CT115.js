import { grad, jit, tensor } from 'cotangent';

export const about = `A transformation interprets what a function does from its start to its end. An async function returns at its first await, and what comes after would run when the transformation is over. Load the data first, then differentiate.`;

export const wrongs = {
  'grad of an async function': () => {
    const load = async () => tensor([1, 2]);
    const loss = async w => w.mul(await load()).sum();
    return grad(loss)(tensor([3, 4]));
  },
  'jit of an async function': () => {
    const step = jit(async x => x.add(1));
    return step(tensor([1, 2]));
  },
};

export async function right() {
  const load = async () => tensor([1, 2]);
  const loss = (w, x) => w.mul(x).sum();
  return grad(loss)(tensor([3, 4]), await load());
}
