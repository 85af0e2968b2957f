/** Momentum: gradients that decay. */
import type { Tensor } from '../../core/tensor.ts';
import { add, multiply } from '../../numpy/arithmetic.ts';
import { leafwise, type Slots, zeros } from './leafwise.ts';
import { requireBetween } from './options.ts';
import type { GradientTransformation } from './transformation.ts';

export interface TraceOptions {
  /** How much of the last direction is kept, in [0, 1). Default 0.9. */
  readonly decay?: number;
  /** Looks one step ahead along the momentum. Default false. */
  readonly nesterov?: boolean;
}

export type TraceState = Slots<'momentum'>;

/**
 * m ← g + μ·m and u = m (Polyak 1964), or u = g + μ·m after Nesterov (1983; Sutskever et al. 2013).
 *
 * @example chain(trace({ decay: 0.9, nesterov: true }), scaleByLearningRate(0.1)) // sgd with momentum
 * @throws BadArgument
 */
export function trace(options: TraceOptions = {}): GradientTransformation<TraceState> {
  const { decay = 0.9, nesterov = false } = options;
  requireBetween('trace', 'decay', decay, 1);
  const follow = (g: Tensor, m: Tensor): Tensor => add(g, multiply(m, decay));
  return leafwise('trace', { momentum: zeros }, (g, { momentum }) => {
    const next = follow(g, momentum);
    return [nesterov ? follow(g, next) : next, { momentum: next }];
  });
}
