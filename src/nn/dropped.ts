/** Dropout as a function, for layers that have it inside. */
import type { Tensor } from '../core/tensor.ts';
import { divide } from '../numpy/arithmetic.ts';
import { where } from '../numpy/logic.ts';
import { bernoulli } from '../random/uniform.ts';
import type { Pass } from './pass.ts';

/** In a pass that trains: x with elements 0 at this rate, the others divided by 1 − rate (Srivastava et al. 2014). */
export function dropped(x: Tensor, rate: number, pass: Pass | undefined): Tensor {
  if (rate === 0 || !pass?.training) return x;
  return where(bernoulli(pass.key(), rate, x.shape), 0, divide(x, 1 - rate));
}
