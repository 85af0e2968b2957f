import { grad, jit, tensor, valueAndGrad } from 'cotangent';

export const about = `Inside a transformation a tracer stands for a tensor, and it means something only there: its tangent, its batch or its place in the program belong to that one call. Kept in a variable and used after the call, it would give silently wrong numbers. What a function computes leaves it by being returned.`;

export const wrongs = {
  'kept in a variable': () => {
    let hidden;
    const loss = x => {
      hidden = x.tanh();
      return hidden.sum();
    };
    grad(loss)(tensor([1, 2]));
    return hidden.mul(2);
  },
  'kept by a compiled function': () => {
    const seen = [];
    const step = jit(x => {
      seen.push(x.mul(2));
      return x.add(1);
    });
    step(tensor([1, 2]));
    return seen[0].dataSync();
  },
  'used by another transformation': () => {
    let hidden;
    const loss = x => {
      hidden = x.tanh();
      return hidden.sum();
    };
    grad(loss)(tensor([1, 2]));
    return grad(y => y.mul(hidden).sum())(tensor([3, 4]));
  },
};

export function right() {
  const loss = x => {
    const hidden = x.tanh();
    return [hidden.sum(), hidden];
  };
  const [[value, hidden]] = valueAndGrad(loss, { hasAux: true })(tensor([1, 2]));
  return [value, hidden.mul(2)];
}
