import { jit, tensor, tidy } from 'cotangent';

export const about =
  'Memory is given back by itself; dispose(), `using` and tidy() give it back sooner, and a donated argument is given back after the call. Afterwards the tensor has no elements any more.';

export const wrongs = {
  'after dispose': () => {
    const x = tensor([1, 2, 3]);
    x.dispose();
    return x.add(1);
  },
  'kept from a tidy block': () => {
    let kept;
    tidy(() => {
      kept = tensor([1, 2, 3]).mul(2);
    });
    return kept.sum();
  },
  'after donating it': () => {
    const step = jit(w => w.mul(0.9), { donate: [0] });
    const w = tensor([1, 2, 3]);
    step(w);
    return w.sum();
  },
};

export const right = () => tidy(() => tensor([1, 2, 3]).mul(2).sum());
