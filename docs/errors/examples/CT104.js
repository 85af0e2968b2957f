import { grad, jit, tensor, valueAndGrad, vmap } from 'cotangent';

export const about =
  'Inside a transformed function, values stand for something else than numbers: for a value with its derivative, for a whole batch, for a step of a program. They mean nothing once the function has returned. What is kept in an outer variable or an array must be returned instead.';

export const wrongs = {
  'kept from a gradient': () => {
    let hidden;
    grad(x => {
      hidden = x.sin();
      return hidden.mul(x);
    })(2);
    return hidden.add(1);
  },
  'kept from a compiled function': () => {
    const log = [];
    jit(x => {
      log.push(x.mul(2));
      return x;
    })(tensor([1, 2]));
    return log[0].sum();
  },
  'kept from a batch': () => {
    let example;
    vmap(x => {
      example = x;
      return x;
    })(tensor([1, 2, 3]));
    return example.mul(2);
  },
  'used in a later transformation': () => {
    let first;
    grad(x => {
      first = x;
      return x.mul(x);
    })(3);
    return grad(y => y.mul(first))(2);
  },
};

export const right = () => {
  const loss = x => {
    const hidden = x.sin();
    return [hidden.mul(x), hidden];
  };
  const [[value, hidden], gradient] = valueAndGrad(loss, { hasAux: true })(2);
  return [value, hidden.add(1), gradient];
};
