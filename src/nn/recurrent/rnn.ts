/** The simple recurrent net. */
import type { Tensor } from '../../core/tensor.ts';
import { add } from '../../numpy/arithmetic.ts';
import { tanh } from '../../numpy/elementary.ts';
import { matmul } from '../../numpy/products.ts';
import { tag } from '../../primitives/arithmetic.ts';
import type { FloatOptions } from '../../random/uniform.ts';
import { type CellOptions, RecurrentCell, zeroState } from './cell.ts';
import { Recurrent, type RecurrentOptions } from './net.ts';

export interface RNNCellOptions extends CellOptions {
  /** tanh, or relu, or another. Default tanh. */
  readonly activation?: (x: Tensor) => Tensor;
}

/**
 * One step of a simple recurrent net: h′ = tanh(x·W + b + h·U) (Elman 1990). The carry is h, float[batch, size].
 *
 * PyTorch's `weight_ih` and `weight_hh` are Wᵀ and Uᵀ, and b = `bias_ih` + `bias_hh`.
 *
 * @example const cell = new RNNCell(key(0), 3, 5)
 * @example const [h, output] = cell.step(cell.initialCarry(2), x) // x of [2, 3]; both of [2, 5]
 */
export class RNNCell extends RecurrentCell<Tensor> {
  readonly activation: (x: Tensor) => Tensor;

  constructor(key: Tensor, inputs: number, size: number, options: RNNCellOptions = {}) {
    super(key, inputs, size, [0], options);
    this.activation = options.activation ?? tanh;
  }

  initialCarry(batch: number, options?: FloatOptions): Tensor {
    return zeroState(this, batch, options);
  }

  advance(h: Tensor, z: Tensor): Tensor {
    return tag('h', this.activation(add(z, matmul(h, this.stateWeight))));
  }

  output(h: Tensor): Tensor {
    return h;
  }
}

/**
 * A simple recurrent net over sequences: hₜ = tanh(xₜ·W + b + hₜ₋₁·U), see {@link RNNCell} and {@link Recurrent}.
 *
 * @example const net = new RNN(key(0), 3, 5, { layers: 2, activation: relu })
 * @example net.forward(x) // [batch, time, 3] → [batch, time, 5]
 */
export class RNN extends Recurrent<Tensor> {
  constructor(key: Tensor, inputs: number, size: number, options: RNNCellOptions & RecurrentOptions = {}) {
    super(key, inputs, (own, width) => new RNNCell(own, width, size, options), options);
  }
}
