// A recurrent network whose weights are diagonal, as in ADBench: the mean log loss of the next character, and its gradient.
import { at, grad, jit, scan, slice } from '../../../dist/node/index.js';
import { float64, number, numbers } from '../convert.js';

const sigmoid = x => x.neg().exp().add(1).reciprocal();

/** One layer: what it forgets and lets out depends on its input, what it takes in on its own last output. */
function layer({ weight, bias }, { hidden, cell }, input) {
  const [forget, takeIn, letOut, change] = [input, hidden, input, hidden].map((x, i) =>
    x.mul(at(weight, i).get()).add(at(bias, i).get()),
  );
  const next = cell.mul(sigmoid(forget)).add(sigmoid(takeIn).mul(change.tanh()));
  return { hidden: sigmoid(letOut).mul(next.tanh()), cell: next };
}

function objective({ main, extra }, state, sequence) {
  const [characters, bits] = sequence.shape;
  const [inWeight, outWeight, outBias] = [0, 1, 2].map(i => at(extra, i).get());
  const count = state.shape[0] / 2;
  const parameters = main.reshape([count, 2, 4, bits]);
  const layers = Array.from({ length: count }, (_, i) => ({
    weight: at(parameters, i, 0).get(),
    bias: at(parameters, i, 1).get(),
  }));
  const start = layers.map((_, i) => ({ hidden: at(state, 2 * i).get(), cell: at(state, 2 * i + 1).get() }));
  const step = (states, x) => {
    let input = x.mul(inWeight);
    const next = layers.map((one, i) => {
      const made = layer(one, states[i], input);
      input = made.hidden;
      return made;
    });
    return [next, input];
  };
  const [, outputs] = scan(step, start, at(sequence, slice(0, -1)).get());
  const predicted = outputs.mul(outWeight).add(outBias);
  const logNorm = predicted.exp().sum(1).add(2).log();
  const gold = at(sequence, slice(1)).get();
  return predicted
    .sub(logNorm.expandDims(1))
    .mul(gold)
    .sum()
    .div(-(characters - 1) * bits);
}

const prepare = ({ main_params, extra_params, state, sequence }) => [
  { main: float64(main_params), extra: float64(extra_params) },
  float64(state),
  float64(sequence),
];

export default {
  objective: { prepare, evaluate: jit(objective), output: number },
  jacobian: {
    prepare,
    evaluate: jit(grad(objective)),
    output: ({ main, extra }) => [...numbers(main), ...numbers(extra)],
  },
};
