import { jit, nonzero, sum, tensor, unique, where } from 'cotangent';

export const about = `A program is traced once and its shapes are fixed then. How many elements pass a mask, how many differ, or where the nonzero ones are is known only from the values, so that these functions have no shape while tracing. Most uses of a mask need none: where(mask, a, b) keeps the shape.`;

export const wrongs = {
  'a boolean mask under jit': () => {
    const positives = jit(x => x.at(x.greater(0)).get().sum());
    return positives(tensor([1, -2, 3]));
  },
  'unique under jit': () => {
    return jit(x => unique(x))(tensor([1, 1, 2]));
  },
  'nonzero under jit': () => {
    return jit(x => nonzero(x))(tensor([0, 1, 2]));
  },
};

export function right() {
  const positives = jit(x => sum(where(x.greater(0), x, 0)));
  return [positives(tensor([1, -2, 3])), unique(tensor([1, 1, 2]))];
}
