/** Dropout for layers that have it inside. */
import type { Tensor } from '../core/tensor.ts';
import { dropout } from './dropout.ts';
import type { Pass } from './pass.ts';

/** In a pass that trains {@link dropout} at this rate, otherwise x. */
export function dropped(x: Tensor, rate: number, pass: Pass | undefined): Tensor {
  return rate === 0 || !pass?.training ? x : dropout(pass.key(), x, rate);
}
