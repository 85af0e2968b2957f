// The control w of two charges with which a particle hits the origin: nested derivatives, the inner ones in a loop
// whose number of steps depends on values.
import { jit, tensor, whileLoop } from '../../../dist/index.js';
import { number } from '../convert.js';
import { argmin, modes } from '../descent.js';

const dt = 0.1;
const scalar = value => tensor(value, 'float64');

/** The square of the place where the particle crosses the axis, by Euler's method with inner derivatives of the potential. */
function miss(gradientOf, w) {
  const charges = [w.neg().add(10), 0];
  const potential = ([x, y]) =>
    charges
      .map(charge => x.sub(10).square().add(y.sub(charge).square()).sqrt().reciprocal())
      .reduce((a, b) => a.add(b));
  const force = gradientOf(potential);
  const moved = (point, by, time) => point.map((x, i) => x.add(by[i].mul(time)));
  const { x, v } = whileLoop(
    ({ x, v }) => moved(x, v, dt)[1].greater(0),
    ({ x, v }) => ({ x: moved(x, v, dt), v: moved(v, force(x), -dt) }),
    { x: [scalar(0), scalar(8)], v: [scalar(0.75), scalar(0)] },
  );
  return x[0].sub(v[0].mul(x[1]).div(v[1])).square();
}

/** The first letter is the mode of the outer derivative, the second that of the inner one. */
const variant = ([outer, inner]) => ({
  prepare: ({ w }) => [scalar(w)],
  evaluate: jit(w => argmin(modes[outer], ([w]) => miss(modes[inner], w), [w])[0]),
  output: number,
});

export default { ff: variant('ff'), fr: variant('fr'), rf: variant('rf'), rr: variant('rr') };
