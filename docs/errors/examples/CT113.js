import { grad, jit, tensor, vmap, where } from 'cotangent';

export const about =
  'A tensor is an object, and in JavaScript every object counts as true: `if (x.greater(0))` always takes the first branch, whatever the value. Inside a transformation a comparison that nothing uses is therefore an error.';

export const wrongs = {
  'if under grad': () =>
    grad(x => {
      if (x.greater(0)) return x.mul(x);
      return x.neg();
    })(-2),
  'if under jit': () => {
    const relu = jit(x => {
      if (x.less(0)) return x.mul(0);
      return x;
    });
    return relu(2);
  },
  'a conditional expression under vmap': () => vmap(x => (x.greater(0) ? x : x.neg()))(tensor([-1, 2])),
  'negation of a tensor': () => jit(x => (!x.equal(0) ? x.div(x) : x))(tensor(2)),
};

export const right = () => {
  const relu = x => where(x.greater(0), x, 0);
  // Under grad alone the value is known and may be read.
  const branching = x => (x.item() > 0 ? x.mul(x) : x.neg());
  return [jit(relu)(2), vmap(relu)(tensor([-1, 2])), grad(branching)(-2)];
};
