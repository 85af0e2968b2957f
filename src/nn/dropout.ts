/** Noise in training that keeps a network from relying on single values. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { multiply } from '../numpy/arithmetic.ts';
import { broadcastTo, positiveAxis, type TensorLike } from '../numpy/array.ts';
import { where } from '../numpy/logic.ts';
import { asFloat } from '../numpy/operands.ts';
import { bernoulli } from '../random/uniform.ts';
import { Module } from './module.ts';
import type { Pass } from './pass.ts';

export interface DropoutOptions {
  /** Axes along which elements are kept or dropped together, such as the spatial ones. Default none. */
  readonly shared?: readonly number[];
}

/**
 * x/(1 − rate) with probability 1 − rate, else 0: the expectation is x (Srivastava et al. 2014). The same key drops the
 * same elements.
 *
 * @param rate from 0 to 1, the probability of being dropped
 * @example dropout(key(0), hidden, 0.5)
 * @throws BadArgument, AxisOutOfRange
 */
export function dropout(key: Tensor, x: TensorLike, rate: number, options: DropoutOptions = {}): Tensor {
  requireRate('dropout', rate);
  const input = asFloat(x);
  const shared = (options.shared ?? []).map(axis => positiveAxis('dropout', axis, input.ndim));
  const shape = input.shape.map((extent, i) => (shared.includes(i) ? 1 : extent));
  const kept = broadcastTo(bernoulli(key, 1 - rate, shape), input.shape);
  return where(kept, rate === 1 ? input : multiply(input, 1 / (1 - rate)), 0);
}

function requireRate(name: string, rate: number): void {
  if (!(rate >= 0 && rate <= 1))
    throw new BadArgument({
      did: `${name} with rate ${String(rate)}`,
      expected: 'a probability from 0 to 1',
      remedy: 'new Dropout(0.5)',
    });
}

/** In a pass that trains {@link dropout} at this rate, otherwise x: for layers that have it inside. */
export function dropped(
  x: Tensor,
  rate: number,
  pass: Pass | undefined,
  options: DropoutOptions = {},
): Tensor {
  return rate === 0 || !pass?.training ? x : dropout(pass.key(), x, rate, options);
}

/**
 * The layer of {@link dropout}: in training it draws with a key of the pass; otherwise x stays as it is.
 *
 * @example const model = new Sequential(new Linear(a, 64, 64), relu, new Dropout(0.5), new Linear(b, 64, 10))
 * @example model.forward(x, training(model, { key })) // a new key for every step
 */
export class Dropout extends Module {
  readonly rate: number;
  readonly options: DropoutOptions;

  /** @param rate the probability of being dropped @throws BadArgument */
  constructor(rate = 0.5, options: DropoutOptions = {}) {
    super();
    requireRate('Dropout', rate);
    this.rate = rate;
    this.options = options;
  }

  /** @throws BadArgument in training, where the pass has no key */
  forward(x: TensorLike, pass?: Pass): Tensor {
    return dropped(asFloat(x), this.rate, pass, this.options);
  }
}
