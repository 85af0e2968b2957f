import { jit, tensor, vmap, where } from 'cotangent';

export const about = `jit and vmap run a function once, on tracers, for all the values that it will ever meet: a tracer has a shape and an element type but no value, so that JavaScript cannot decide anything with it. where(condition, a, b) puts the decision into the program. grad, jvp and vjp alone run on real values, and there ordinary if and loops over x.item() work.`;

export const wrongs = {
  'if on item()': () => {
    const relu = jit(x => {
      if (x.item() > 0) return x;
      return x.mul(0);
    });
    return relu(tensor(-2));
  },
  'a comparison x > 0': () => {
    const relu = jit(x => (x > 0 ? x : x.mul(0)));
    return relu(tensor(-2));
  },
  'a template string': () => {
    const logged = jit(x => {
      console.log(`x is ${x}`);
      return x.mul(2);
    });
    return logged(tensor([1, 2]));
  },
  'a loop under vmap': () => {
    const halve = x => {
      while (x.item() > 1) x = x.div(2);
      return x;
    };
    return vmap(halve)(tensor([3, 5, 7]));
  },
  'reading the elements': () => {
    return jit(x => tensor(x.dataSync().map(Math.sqrt)))(tensor([1, 4]));
  },
};

export function right() {
  const relu = jit(x => where(x.greater(0), x, 0));
  return relu(tensor(-2));
}
