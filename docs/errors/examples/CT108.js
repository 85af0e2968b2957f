import { tensor } from 'cotangent';

export const about = `An axis with n elements has the indices 0 to n − 1; −1 is the last, −n the first. An index that is a plain number is known when it is written, so that one outside this range is a mistake and not a value to be clamped. Ranges may reach over the end, as in NumPy.`;

export const wrongs = {
  'an element that is not there': () => {
    const x = tensor([1, 2, 3]);
    return x.at(5).get();
  },
  'too far from the end': () => {
    const x = tensor([1, 2, 3]);
    return x.at(-4).get();
  },
};

export function right() {
  const x = tensor([1, 2, 3]);
  return [x.at(2).get(), x.at(-1).get()];
}
