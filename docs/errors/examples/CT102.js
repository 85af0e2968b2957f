import { grad, jacobian, tensor } from 'cotangent';

export const about =
  'A gradient is the derivative of one number. A function that returns a vector has a Jacobian instead, a matrix with one gradient in each row. Usually the sum or the mean over the examples was forgotten at the end of a loss.';

export const wrongs = {
  'a vector': () => {
    const loss = x => x.mul(x);
    return grad(loss)(tensor([1, 2, 3]));
  },
  'one element, but an axis': () => grad(x => x.mul(x))(tensor([3])),
  'a loss with further results': () => {
    const loss = x => ({ value: x.mul(x).sum(), doubled: x.mul(2) });
    return grad(loss)(tensor([1, 2]));
  },
};

export const right = () => {
  const x = tensor([1, 2, 3]);
  const gradient = grad(x => x.mul(x).sum())(x);
  const matrix = jacobian(x => x.mul(x))(x);
  const [another, doubled] = grad(x => [x.mul(x).sum(), x.mul(2)], { hasAux: true })(x);
  return [gradient, matrix, another, doubled];
};
