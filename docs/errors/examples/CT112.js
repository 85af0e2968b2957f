import { checkGrads, grad, jacobian, tensor, vmap, zeros } from 'cotangent';

export const about = `An argument has a type or a value that the function cannot work with. TypeScript finds most of these before the program runs; the message says what is accepted.`;

export const wrongs = {
  'a result in place of a function': () => {
    const loss = x => x.mul(x).sum();
    const x = tensor([1, 2]);
    return grad(loss(x));
  },
  'a string in place of numbers': () => {
    return tensor('1, 2, 3');
  },
  'item() of several elements': () => {
    return tensor([1, 2, 3]).item();
  },
  'a negative extent': () => {
    return zeros([2, -1]);
  },
  'nothing to map over': () => {
    return vmap(x => x.sin(), { inAxes: null })(tensor([1, 2]));
  },
  'inAxes unlike the arguments': () => {
    return vmap((x, y) => x.add(y), { inAxes: [0] })(tensor([1, 2]), tensor([3, 4]));
  },
  'an unknown mode': () => {
    return jacobian(x => x.sin(), { mode: 'backward' });
  },
  'order zero': () => {
    return checkGrads(x => x.sin(), [1], { order: 0 });
  },
};

export function right() {
  const loss = x => x.mul(x).sum();
  return grad(loss)(tensor([1, 2]));
}
