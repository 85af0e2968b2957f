import { grad, jit, scan, tensor, vmap } from 'cotangent';

export const about =
  'An argument is not of the kind or not in the range that the function takes. The message says what it was and what is allowed.';

export const wrongs = {
  'the result of a function in place of the function': () => {
    const loss = x => x.mul(x).sum();
    return grad(loss(tensor([1, 2])));
  },
  'item() of many elements': () => tensor([1, 2, 3]).item(),
  'a negative extent': () => tensor([1, 2], { shape: [-2] }),
  'nothing to map over': () => vmap(x => x.mul(2), { inAxes: null })(tensor([1, 2])),
  'a string as a tensor': () => tensor('1, 2, 3'),
  'no function': () => jit({ learningRate: 0.1 }),
  'a loop without a length': () => scan(x => [x.mul(2), null], 1, null),
};

export const right = () => {
  const loss = x => x.mul(x).sum();
  return [grad(loss)(tensor([1, 2])), tensor([1, 2, 3]).sum().item(), tensor([1, 2], { shape: [2] })];
};
