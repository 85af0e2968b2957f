// The control w of two charges with which a particle hits the origin: nested derivatives, the inner ones in a loop
// whose number of steps depends on values.
import { at, jit, stack, tensor, whileLoop } from '../../../dist/node/index.js';
import { argmin, modes } from '../descent.js';

const dt = 0.1;

/** The square of the place where the particle crosses the axis, by Euler's method with inner derivatives of the potential. */
function miss(gradientOf, w) {
  const charges = [stack([tensor(10, 'float64'), w.neg().add(10)]), tensor([10, 0], 'float64')];
  const potential = x =>
    charges.map(charge => x.sub(charge).square().sum().sqrt().reciprocal()).reduce((a, b) => a.add(b));
  const force = gradientOf(potential);
  const { x, v } = whileLoop(
    ({ x, v }) =>
      at(x.add(v.mul(dt)), 1)
        .get()
        .greater(0),
    ({ x, v }) => ({ x: x.add(v.mul(dt)), v: v.sub(force(x).mul(dt)) }),
    { x: tensor([0, 8], 'float64'), v: tensor([0.75, 0], 'float64') },
  );
  const [[x0, x1], [v0, v1]] = [x, v].map(p => [at(p, 0).get(), at(p, 1).get()]);
  return x0.sub(v0.mul(x1).div(v1)).square();
}

/** The first letter is the mode of the outer derivative, the second that of the inner one. */
const variant = ([outer, inner]) => ({
  prepare: ({ w }) => [tensor([w], 'float64')],
  evaluate: jit(w => argmin(modes[outer], w => miss(modes[inner], at(w, 0).get()), w)),
  output: w => w.item(),
});

export default { ff: variant('ff'), fr: variant('fr'), rf: variant('rf'), rr: variant('rr') };
