import { customVjp, grad, jvp, tensor } from 'cotangent';

export const about =
  'A derivative is a limit of small steps, and integers and booleans have none. A gradient of zeros would be a silent mistake, so it is an error. Labels and counts are not to be differentiated: name the arguments that are.';

export const wrongs = {
  'an integer argument': () => grad(x => x.sum())(tensor([1, 2, 3], 'int32')),
  'an integer array': () => grad(x => x.sum())(new Int32Array([1, 2, 3])),
  'integers within parameters': () => {
    const parameters = { weights: tensor([0.5, 1]), steps: tensor([7], 'int32') };
    return grad(p => p.weights.sum())(parameters);
  },
  'an integer result': () => grad(x => x.argmax())(tensor([1, 3, 2])),
  'an integer tangent': () => jvp(x => x.sin(), [tensor([1, 2])], [tensor([1, 0], 'int32')]),
  'forward mode through a rule for reverse mode': () => {
    const identity = customVjp(
      x => x,
      x => [x, null],
      (_, ct) => [ct.clip(-1, 1)],
    );
    return jvp(identity, [tensor([1, 2])], [tensor([1, 0])]);
  },
  'a tensor that a function with a rule closes over': () =>
    grad(w => {
      const scale = customVjp(
        x => x.mul(w),
        x => [x.mul(w), null],
        (_, ct) => [ct.mul(w)],
      );
      return scale(tensor([1, 2])).sum();
    })(tensor(3)),
};

export const right = () => {
  const labels = tensor([1, 0, 1], 'int32');
  const loss = (w, y) => w.sub(y).square().sum();
  // Argument 0 alone is differentiated; the labels may stay integers.
  return [grad(loss)(tensor([0.5, 0.5, 0.5]), labels), grad(x => x.sum())(labels.astype('float32'))];
};
