/**
 * Random numbers from explicit keys: Threefry, as in JAX, so that the same key gives the same numbers everywhere.
 * Nothing here has a hidden state; split a key for every use.
 */
import '../setup.ts';
import '../numpy/methods.ts';

export * from './choice.ts';
export { cauchy, exponential, gumbel, laplace, logistic } from './distributions.ts';
export { bits, foldIn, key, split } from './key.ts';
export { normal, truncatedNormal } from './normal.ts';
export {
  bernoulli,
  type FloatOptions,
  type FloatType,
  type IntegerOptions,
  rademacher,
  randint,
  type UniformOptions,
  uniform,
} from './uniform.ts';
