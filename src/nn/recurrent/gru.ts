/** The gated recurrent unit. */
import type { Tensor } from '../../core/tensor.ts';
import { add, multiply, subtract } from '../../numpy/arithmetic.ts';
import { sigmoid, tanh } from '../../numpy/elementary.ts';
import { matmul } from '../../numpy/products.ts';
import { tag } from '../../primitives/arithmetic.ts';
import type { FloatOptions } from '../../random/uniform.ts';
import { zeros } from '../initializers.ts';
import { type CellOptions, gatesOf, RecurrentCell, zeroState } from './cell.ts';
import { Recurrent, type RecurrentOptions } from './net.ts';

/**
 * One step of a gated recurrent unit (Cho et al. 2014), the reset after the product, as PyTorch and cuDNN have it:
 *
 *     r = σ(x·Wᵣ + bᵣ + h·Uᵣ)                 reset
 *     u = σ(x·Wᵤ + bᵤ + h·Uᵤ)                 update
 *     n = tanh(x·Wₙ + bₙ + r ⊙ (h·Uₙ + c))    candidate
 *     h′ = (1 − u) ⊙ n + u ⊙ h
 *
 * The carry is h, float[batch, size]. The gates stand in this order in `inputWeight`, `stateWeight` and `bias`; c is
 * `candidateBias`. PyTorch's `weight_ih` and `weight_hh` are Wᵀ and Uᵀ, b = `bias_ih` + `bias_hh` for r and u, bₙ and c
 * are the last thirds of the two.
 *
 * @example const cell = new GRUCell(key(0), 3, 5)
 * @example const [h, output] = cell.step(cell.initialCarry(2), x) // x of [2, 3]; both of [2, 5]
 */
export class GRUCell extends RecurrentCell<Tensor> {
  /** c, float[size] */
  readonly candidateBias: Tensor | null;

  constructor(key: Tensor, inputs: number, size: number, options: CellOptions = {}) {
    super(key, inputs, size, [0, 0, 0], options);
    const { bias = true, dtype = 'float32' } = options;
    this.candidateBias = bias ? zeros(key, [size], { dtype }) : null;
  }

  initialCarry(batch: number, options?: FloatOptions): Tensor {
    return zeroState(this, batch, options);
  }

  advance(h: Tensor, z: Tensor): Tensor {
    const [zr, zu, zn] = gatesOf(z, 3);
    const [hr, hu, hn] = gatesOf(matmul(h, this.stateWeight), 3);
    const reset = sigmoid(add(zr, hr));
    const update = sigmoid(add(zu, hu));
    const recalled = this.candidateBias === null ? hn : add(hn, this.candidateBias);
    const candidate = tanh(add(zn, multiply(reset, recalled)));
    return tag('h', add(candidate, multiply(update, subtract(h, candidate))));
  }

  output(h: Tensor): Tensor {
    return h;
  }
}

/**
 * A gated recurrent net over sequences, see {@link GRUCell} and {@link Recurrent}.
 *
 * @example const net = new GRU(key(0), 3, 5, { bidirectional: true })
 * @example net.forward(x) // [batch, time, 3] → [batch, time, 10]
 */
export class GRU extends Recurrent<Tensor> {
  constructor(key: Tensor, inputs: number, size: number, options: CellOptions & RecurrentOptions = {}) {
    super(key, inputs, (own, width) => new GRUCell(own, width, size, options), options);
  }
}
