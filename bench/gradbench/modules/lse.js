// LSE(x) = a + log Σᵢ exp(xᵢ − a) with a = max x.
import { grad, jit, stopGradient } from '../../../dist/node/index.js';
import { float64, number, numbers } from '../convert.js';

// LSE does not depend on a, whatever a is: no derivative needs to go through the maximum.
const lse = x => {
  const a = stopGradient(x.max());
  return x.sub(a).exp().sum().log().add(a);
};
const prepare = ({ x }) => [float64(x)];

export default {
  primal: { prepare, evaluate: jit(lse), output: number },
  gradient: { prepare, evaluate: jit(grad(lse)), output: numbers },
};
