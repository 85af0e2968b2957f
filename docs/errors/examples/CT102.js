import { adjoints, grad, jacobian, tensor, valueAndGrad } from 'cotangent';

export const about = `A gradient is the derivative of one number. A function with several outputs has a matrix of derivatives, the Jacobian, and which combination of its rows is meant must be said: sum the outputs, or ask for the Jacobian or for a vector–Jacobian product.`;

export const wrongs = {
  'the function returns a vector': () => {
    const squares = x => x.mul(x);
    return grad(squares)(tensor([1, 2, 3]));
  },
  'an axis of extent 1 is left': () => {
    const loss = x => x.mul(x).sum({ axis: 0, keepdims: true });
    return grad(loss)(tensor([1, 2, 3]));
  },
  'the function returns a loss and something else': () => {
    const loss = x => [x.mul(x).sum(), x];
    return valueAndGrad(loss)(tensor([1, 2, 3]));
  },
  'adjoints of a vector': () => {
    return adjoints(x => x.sin())(tensor([1, 2]));
  },
};

export function right() {
  const squares = x => x.mul(x);
  const gradient = grad(x => squares(x).sum())(tensor([1, 2, 3]));
  const matrix = jacobian(squares)(tensor([1, 2, 3]));
  return [gradient, matrix];
}
