/** Long short-term memory. */
import type { Tensor } from '../../core/tensor.ts';
import { add, multiply } from '../../numpy/arithmetic.ts';
import { sigmoid, tanh } from '../../numpy/elementary.ts';
import { matmul } from '../../numpy/products.ts';
import { tag } from '../../primitives/arithmetic.ts';
import type { FloatOptions } from '../../random/uniform.ts';
import { type CellOptions, gatesOf, RecurrentCell, zeroState } from './cell.ts';
import { Recurrent, type RecurrentOptions } from './net.ts';

/** What an LSTM carries: the output h and the cell's memory c, both float[batch, size]. */
export type LSTMCarry = { readonly h: Tensor; readonly c: Tensor };

export interface LSTMCellOptions extends CellOptions {
  /** What the bias of the forget gate is at first; 1 lets memories last (Jozefowicz et al. 2015). Default 1. */
  readonly forgetBias?: number;
}

/**
 * One step of a long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 *
 *     i = σ(x·Wᵢ + bᵢ + h·Uᵢ)       input
 *     f = σ(x·W_f + b_f + h·U_f)    forget
 *     g = tanh(x·W_g + b_g + h·U_g)
 *     o = σ(x·Wₒ + bₒ + h·Uₒ)       output
 *     c′ = f ⊙ c + i ⊙ g
 *     h′ = o ⊙ tanh(c′)
 *
 * The gates stand in this order in `inputWeight`, `stateWeight` and `bias`. PyTorch's `weight_ih` and `weight_hh` are Wᵀ
 * and Uᵀ, and b = `bias_ih` + `bias_hh`.
 *
 * @example const cell = new LSTMCell(key(0), 3, 5)
 * @example const [{ h, c }, output] = cell.step(cell.initialCarry(2), x) // x of [2, 3]; h, c and output of [2, 5]
 */
export class LSTMCell extends RecurrentCell<LSTMCarry> {
  constructor(key: Tensor, inputs: number, size: number, options: LSTMCellOptions = {}) {
    super(key, inputs, size, [0, options.forgetBias ?? 1, 0, 0], options);
  }

  initialCarry(batch: number, options?: FloatOptions): LSTMCarry {
    return { h: zeroState(this, batch, options), c: zeroState(this, batch, options) };
  }

  advance({ h, c }: LSTMCarry, z: Tensor): LSTMCarry {
    const [i, f, g, o] = gatesOf(add(z, matmul(h, this.stateWeight)), 4);
    const memory = tag('c', add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g))));
    return { h: tag('h', multiply(sigmoid(o), tanh(memory))), c: memory };
  }

  output({ h }: LSTMCarry): Tensor {
    return h;
  }
}

/**
 * A long short-term memory over sequences, see {@link LSTMCell} and {@link Recurrent}.
 *
 * @example const net = new LSTM(key(0), 3, 5, { layers: 2, dropout: 0.1 })
 * @example net.forward(x) // [batch, time, 3] → [batch, time, 5]
 */
export class LSTM extends Recurrent<LSTMCarry> {
  constructor(key: Tensor, inputs: number, size: number, options: LSTMCellOptions & RecurrentOptions = {}) {
    super(key, inputs, (own, width) => new LSTMCell(own, width, size, options), options);
  }
}
