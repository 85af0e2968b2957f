import { grad, jvp, tensor } from 'cotangent';

export const about = `A derivative is a limit of differences, and there is no small step from one integer or boolean to the next. Integers are labels, indices and counts; what is to be differentiated must be float32 or float64. A plain JavaScript number has no element type yet, so that grad(f)(3) is fine.`;

export const wrongs = {
  'an integer argument': () => {
    const loss = x => x.mul(x).sum();
    return grad(loss)(tensor([1, 2, 3], 'int32'));
  },
  'an integer result': () => {
    const correct = x => x.greater(0).sum();
    return grad(correct)(tensor([0.5, -1]));
  },
  'an integer tangent': () => {
    return jvp(x => x.sin(), [tensor([1, 2])], [tensor([1, 0], 'int32')]);
  },
};

export function right() {
  const loss = x => x.mul(x).sum();
  return grad(loss)(tensor([1, 2, 3], 'int32').astype('float32'));
}
