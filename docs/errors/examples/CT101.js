import { tensor, vjp } from 'cotangent';

export const about = `Two shapes fit together when, lined up at their last axes, their extents are equal or one of them is 1; an extent of 1 is repeated. Anything else has no agreed meaning, and guessing one would hide mistakes. A cotangent lives in the same space as the value that it belongs to, so that its shape must be exactly the value's.`;

export const wrongs = {
  'shapes that do not broadcast': () => {
    const rows = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const offsets = tensor([10, 20]);
    return rows.add(offsets);
  },
  'a shape for another number of values': () => {
    return tensor([1, 2, 3], { shape: [2, 2] });
  },
  'a cotangent of another shape than the output': () => {
    const [, pullback] = vjp(x => x.sin(), tensor([1, 2, 3]));
    return pullback(tensor([1, 1]));
  },
};

export function right() {
  const rows = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const offsets = tensor([10, 20]);
  return rows.add(offsets.reshape([2, 1]));
}
