import { debugNans, grad, jit, tensor, where } from 'cotangent';

export const about =
  'debugNans looks at every result. An operation gave NaN or an infinity although its operands had none: a logarithm or a root at the edge of its domain, a division by 0, a difference of infinities, an overflow. In a reverse pass the value itself may be finite; then the operation that is differentiated is named.';

export const wrongs = {
  'a logarithm of 0': () => debugNans(p => p.log().mul(p).sum())(tensor([0.5, 0])),
  'a derivative that is infinite': () => debugNans(grad(x => x.sqrt().sum()))(tensor([4, 0])),
  'inside of a compiled function': () => {
    const normalize = jit(x => x.div(x.sum()));
    return debugNans(normalize)(tensor([1, -1]));
  },
};

export const right = () => {
  const entropy = p => {
    const positive = p.greater(0);
    const safe = where(positive, p, 1);
    return where(positive, safe.log().mul(safe).neg(), 0).sum();
  };
  return debugNans(grad(entropy))(tensor([0.5, 0]));
};
