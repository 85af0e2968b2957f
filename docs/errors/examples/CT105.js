import { cond, grad, jit, scan, tensor, vmap, where } from 'cotangent';

export const about =
  'jit runs the function once and records its operations, and vmap runs it once for all examples. While they do, a tensor has a shape and an element type but no one value: nothing in JavaScript can look at it. The steps and branches of scan, whileLoop, forLoop and cond are run once too, wherever they stand. Under grad and jvp alone values are known.';

export const wrongs = {
  'item()': () => jit(x => (x.item() > 0 ? x : x.mul(0)))(2),
  'a comparison operator': () => {
    const relu = jit(x => (x > 0 ? x : x.mul(0)));
    return relu(2);
  },
  'a template string': () =>
    jit(x => {
      console.log(`x is ${x}`);
      return x.mul(2);
    })(2),
  'a loop until convergence': () => {
    const halve = x => {
      let y = x;
      while (y.item() > 1) y = y.div(2);
      return y;
    };
    return vmap(halve)(tensor([5, 9]));
  },
  'arraySync()': () => jit(x => tensor(x.arraySync()))(tensor([1, 2])),
  'a gradient inside jit': () => jit(grad(x => (x.item() > 0 ? x.mul(x) : x)))(2),
  'a step of a loop': () => scan((sum, x) => [x.item() > 0 ? sum.add(x) : sum, sum], 0, tensor([1, -2, 3])),
};

export const right = () => {
  const relu = jit(x => where(x.greater(0), x, 0));
  const power = jit(
    (x, n) => {
      let y = x;
      for (let i = 1; i < n; i++) y = y.mul(x);
      return y;
    },
    { staticArgnums: [1] },
  );
  const branching = grad(x => (x.item() > 0 ? x.mul(x) : x));
  const sum = (total, x) => [
    cond(
      x.greater(0),
      () => total.add(x),
      () => total,
    ),
    total,
  ];
  return [relu(2), power(2, 5), branching(3), scan(sum, 0, tensor([1, -2, 3]))[0]];
};
