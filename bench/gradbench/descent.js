// Gradient descent whose step doubles after ten successes and halves after a failure, as particle and saddle ask for.
import { at, cond, eye, grad, jvp, stack, tensor, whileLoop } from '../../dist/node/index.js';

/**
 * The gradient by pushing each unit vector through. Not by `jacfwd`, which runs the function once and keeps what the
 * directions need: through a loop whose number of steps is not known, that is the price of reverse mode.
 */
const forward = f => x => {
  const [size] = x.shape;
  const units = eye(size, { dtype: 'float64' });
  return stack(Array.from({ length: size }, (_, i) => jvp(f, [x], [at(units, i).get()])[1]));
};

/** The gradient of a scalar function by each mode, by the letter that GradBench gives it. */
export const modes = { f: forward, r: grad };

const norm = x => x.square().sum().sqrt();
const tolerance = 1e-5;

/**
 * argmin f, from x on.
 * @param {(f: any) => any} gradientOf The mode of differentiation.
 */
export function argmin(gradientOf, f, x) {
  const gradient = gradientOf(f);
  const moved = ({ x, g, eta }) => x.sub(g.mul(eta));
  const going = state => {
    const { x, g, successes } = state;
    const far = norm(x.sub(moved(state))).greater(tolerance);
    return norm(g).greater(tolerance).logicalAnd(successes.equal(10).logicalOr(far));
  };
  const quicken = state => ({ ...state, eta: state.eta.mul(2), successes: tensor(0, 'int32') });
  const attempt = state => {
    const x = moved(state);
    const value = f(x);
    return cond(
      value.less(state.value),
      () => ({ ...state, x, value, g: gradient(x), successes: state.successes.add(1) }),
      () => ({ ...state, eta: state.eta.div(2), successes: tensor(0, 'int32') }),
    );
  };
  const start = {
    x,
    value: f(x),
    g: gradient(x),
    eta: tensor(1e-5, 'float64'),
    successes: tensor(0, 'int32'),
  };
  return whileLoop(going, state => cond(state.successes.equal(10), quicken, attempt, state), start).x;
}

export const argmax = (gradientOf, f, x) => argmin(gradientOf, y => f(y).neg(), x);
export const maximum = (gradientOf, f, x) => f(argmax(gradientOf, f, x));
