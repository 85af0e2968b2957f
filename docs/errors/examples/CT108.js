import { slice, take, tensor } from 'cotangent';

export const about =
  'An index counts from 0 to n − 1, or from −n to −1 backwards. A fixed index beyond that is a mistake in every run, so it is an error at once. Slices are clipped at the ends, as in Python.';

export const wrongs = {
  'one too many': () => tensor([1, 2, 3]).at(3).get(),
  'too far back': () => tensor([1, 2, 3]).at(-4).set(0),
  'in a list of indices': () => take(tensor([1, 2, 3]), [0, 5]),
  'more indices than axes': () => tensor([1, 2, 3]).at(0, 1).get(),
};

export const right = () => {
  const x = tensor([1, 2, 3]);
  return [x.at(-1).get(), x.at(slice(1, 10)).get(), take(x, [0, 5], { mode: 'clip' })];
};
