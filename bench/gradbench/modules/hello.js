// f(x) = x², and its derivative.
import { grad, jit } from '../../../dist/node/index.js';
import { float64, number } from '../convert.js';

const square = x => x.mul(x);
const prepare = x => [float64(x)];

export default {
  square: { prepare, evaluate: jit(square), output: number },
  double: { prepare, evaluate: jit(grad(square)), output: number },
};
