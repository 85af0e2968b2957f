// y₀' = x₀, yᵢ' = xᵢ yᵢ₋₁, y(0) = 0, to t = 2 by s steps of Runge and Kutta's method.
import { at, concatenate, forLoop, grad, jit, slice, zerosLike } from '../../../dist/node/index.js';
import { float64, numbers } from '../convert.js';

const solve = (x, s) => {
  const h = 2 / s;
  const slope = y => x.mul(concatenate([[1], at(y, slice(0, -1)).get()]));
  const step = (_, y) => {
    const k1 = slope(y);
    const k2 = slope(y.add(k1.mul(h / 2)));
    const k3 = slope(y.add(k2.mul(h / 2)));
    const k4 = slope(y.add(k3.mul(h)));
    return y.add(
      k1
        .add(k2.mul(2))
        .add(k3.mul(2))
        .add(k4)
        .mul(h / 6),
    );
  };
  return forLoop(0, s, step, zerosLike(x));
};
const last = (x, s) => at(solve(x, s), -1).get();

const prepare = ({ x, s }) => [float64(x), s];
const fixed = { staticArgnums: [1] };

export default {
  primal: { prepare, evaluate: jit(solve, fixed), output: numbers },
  gradient: { prepare, evaluate: jit(grad(last), fixed), output: numbers },
};
