// Gradient descent whose step doubles after ten successes and halves after a failure, as particle and saddle ask for.
import { cond, grad, jvp, tensor, whileLoop } from '../../dist/index.js';

/** The partial derivatives by pushing each unit vector through; x is a list of numbers. */
const forward = f => x =>
  x.map((_, i) => {
    const unit = x.map((_, j) => tensor(i === j ? 1 : 0, 'float64'));
    return jvp(f, [x], [unit])[1];
  });

/** The gradient of a scalar function by each mode, by the letter that GradBench gives it. */
export const modes = { f: forward, r: grad };

const norm = x =>
  x
    .map(x => x.square())
    .reduce((a, b) => a.add(b))
    .sqrt();
const tolerance = 1e-5;

/**
 * argmin f, from the point x on, a list of numbers: apart, they are computed with in one kernel.
 * @param {(f: any) => any} gradientOf The mode of differentiation.
 */
export function argmin(gradientOf, f, x) {
  const gradient = gradientOf(f);
  const moved = ({ x, g, eta }) => x.map((x, i) => x.sub(g[i].mul(eta)));
  const going = state => {
    const { x, g, successes } = state;
    const next = moved(state);
    const far = norm(x.map((x, i) => x.sub(next[i]))).greater(tolerance);
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
