import { config, memory, tensor } from 'cotangent';

export const about =
  'Fast memory has a budget. Tensors that were not used for some time move out of it by themselves, but the operands, results and intermediates of one operation or compiled function must fit into it together.';

/** Runs with a budget of 4 MB and sets the old one again. */
function withSmallBudget(body) {
  const { budget } = memory();
  config({ memoryBudget: 2 ** 22 });
  try {
    return body();
  } finally {
    config({ memoryBudget: budget });
  }
}

export const wrongs = {
  'an operation larger than the budget': () =>
    withSmallBudget(() => {
      const x = tensor(new Float32Array(2 ** 20));
      return x.add(1);
    }),
};

export const right = () =>
  withSmallBudget(() => {
    const x = tensor(new Float32Array(2 ** 16));
    return x.add(1);
  });
