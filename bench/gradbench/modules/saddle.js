// minₓ max_y (x₁² + x₂²) − (y₁² + y₂²): the derivatives of the minimisation go through the maximisation.
import { concatenate, jit } from '../../../dist/node/index.js';
import { float64, numbers } from '../convert.js';
import { argmax, argmin, maximum, modes } from '../descent.js';

const f = (x, y) => x.square().sum().sub(y.square().sum());

function saddle(outer, inner, start) {
  const x = argmin(outer, x => maximum(inner, y => f(x, y), start), start);
  const y = argmax(outer, y => f(x, y), start);
  return concatenate([x, y]);
}

/** The first letter is the mode of the outer derivative, the second that of the inner one. */
const variant = ([outer, inner]) => ({
  prepare: ({ start }) => [float64(start)],
  evaluate: jit(start => saddle(modes[outer], modes[inner], start)),
  output: numbers,
});

export default { ff: variant('ff'), fr: variant('fr'), rf: variant('rf'), rr: variant('rr') };
