import { grad, jit, tensor } from 'cotangent';

export const about =
  'A transformation follows a function from its call to its return. An async function returns at its first await, and the rest runs later, when the transformation has ended. Wait for data before the call and pass them as arguments.';

export const wrongs = {
  'an async loss': () => {
    const load = async () => tensor([1, 2]);
    const loss = async w => w.mul(await load()).sum();
    return grad(loss)(tensor([3, 4]));
  },
  'a compiled async function': () => jit(async x => x.mul(2))(tensor([1, 2])),
};

export const right = async () => {
  const load = async () => tensor([1, 2]);
  const loss = (w, x) => w.mul(x).sum();
  const x = await load();
  return grad(loss)(tensor([3, 4]), x);
};
