// minₓ max_y (x₁² + x₂²) − (y₁² + y₂²): the derivatives of the minimisation go through the maximisation.
import { jit } from '../../../dist/index.js';
import { float64, number } from '../convert.js';
import { argmax, argmin, maximum, modes } from '../descent.js';

const square = point => point.map(x => x.square()).reduce((a, b) => a.add(b));
const f = (x, y) => square(x).sub(square(y));

function saddle(outer, inner, start) {
  const x = argmin(outer, x => maximum(inner, y => f(x, y), start), start);
  const y = argmax(outer, y => f(x, y), start);
  return [...x, ...y];
}

/** The first letter is the mode of the outer derivative, the second that of the inner one. */
const variant = ([outer, inner]) => ({
  prepare: ({ start }) => [start.map(float64)],
  evaluate: jit(start => saddle(modes[outer], modes[inner], start)),
  output: point => point.map(number),
});

export default { ff: variant('ff'), fr: variant('fr'), rf: variant('rf'), rr: variant('rr') };
