/** Nets of recurrent cells over sequences: layers above one another, in one direction or in both. */
import { sameShape } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { map } from '../../core/tree.ts';
import { commonType, convert, type TensorLike } from '../../numpy/array.ts';
import { where } from '../../numpy/logic.ts';
import { asFloat } from '../../numpy/operands.ts';
import { permute, reshape } from '../../primitives/layout.ts';
import { concat } from '../../primitives/slice.ts';
import { split } from '../../random/key.ts';
import type { FloatOptions, FloatType } from '../../random/uniform.ts';
import type { ScanCheckpoint } from '../../transforms/control/segments.ts';
import { dropped } from '../dropout.ts';
import { validSteps } from '../lengths.ts';
import { Module } from '../module.ts';
import type { Pass } from '../pass.ts';
import type { RecurrentCell } from './cell.ts';
import { overTime } from './loop.ts';

export interface RecurrentOptions {
  /** How many layers; each but the first reads the outputs of the one before. Default 1. */
  readonly layers?: number;
  /** A second cell in each layer that goes from the end to the start; outputs are side by side. Default false. */
  readonly bidirectional?: boolean;
  /** The rate of dropout between layers, in passes that train. Default 0. */
  readonly dropout?: number;
}

export interface RunOptions<C> {
  /** One for each cell, as a run returns them. Default zeros. */
  readonly carry?: readonly C[];
  /** int[batch]: how many steps each example has. */
  readonly lengths?: TensorLike;
  /** bool[batch, time], in place of lengths: false where an example has no step. */
  readonly mask?: TensorLike;
  /** Truncated backpropagation through time: no derivative goes through a carry between chunks of so many steps. */
  readonly truncate?: number;
  /** Which steps reverse mode computes again in place of keeping them, as in `scan`. */
  readonly checkpoint?: ScanCheckpoint;
}

/**
 * A recurrent net over sequences, batch first. `RNN`, `GRU` and `LSTM` are such nets; a cell of one's own makes another.
 *
 * The input's products of all times are one matrix product, and the rest of a layer is one `scan` per direction, so that
 * a program is as long for a thousand steps as for one. Reverse mode is backpropagation through time. The states are tagged
 * `h` (and `c`), so that `adjoints` and `stateAdjoints` show them: `scan.h`, of the next layer or direction `scan2.h`, ….
 *
 * @example const net = new Recurrent(key(0), 3, (key, inputs) => new LSTMCell(key, inputs, 5), { layers: 2 })
 */
export class Recurrent<C = unknown> extends Module {
  /** cells[layer][direction] */
  readonly cells: readonly (readonly RecurrentCell<C>[])[];
  readonly dropout: number;

  /**
   * @param cell makes a cell of a key and a number of inputs
   * @throws BadArgument for a number of layers or a rate that is none
   */
  constructor(
    key: Tensor,
    inputs: number,
    cell: (key: Tensor, inputs: number) => RecurrentCell<C>,
    options: RecurrentOptions = {},
  ) {
    super();
    const { layers = 1, bidirectional = false, dropout = 0 } = options;
    if (!Number.isInteger(layers) || layers < 1 || !(dropout >= 0 && dropout <= 1))
      throw new BadArgument({
        did: `${this.constructor.name} with ${layers} layers and dropout ${dropout}`,
        expected: 'a positive integer, and a rate from 0 to 1',
        remedy: `new ${this.constructor.name}(key, 8, 32, { layers: 2, dropout: 0.1 })`,
      });
    let width = inputs;
    this.cells = split(key, layers).map(own => {
      const directions = (bidirectional ? split(own) : [own]).map(one => cell(one, width));
      width = directions.reduce((sum, { size }) => sum + size, 0);
      return directions;
    });
    this.dropout = dropout;
  }

  get bidirectional(): boolean {
    return this.cells[0].length === 2;
  }

  /** What is carried before the first step, for every cell: layer by layer, in each the forward direction first. */
  initialCarry(batch: number, options?: FloatOptions): C[] {
    return this.cells.flat().map(cell => cell.initialCarry(batch, options));
  }

  /**
   * The last layer's outputs at all times; zeros are carried into the first step.
   *
   * @param x float[batch, time, inputs]
   * @returns float[batch, time, size], with both directions float[batch, time, 2·size]
   * @throws ShapeMismatch
   */
  forward(x: TensorLike, pass?: Pass): Tensor {
    return this.run(x, {}, pass)[0];
  }

  /**
   * The last layer's outputs at all times and what every cell carries after its last step.
   *
   * Of an example of length n the outputs from time n on are 0, and its carry is that after step n − 1. The other direction
   * starts at n − 1, as it does for PyTorch's packed sequences. What x has after its end changes nothing, not even NaN.
   * A mask leaves out any steps in the same way.
   *
   * With `truncate: k` the values are the same, but the derivative of what is computed at times [n·k, (n + 1)·k) treats
   * the carry that arrives there as a constant (Williams and Peng 1990). To go on with a later batch, give `run` the carry
   * of the last as an argument of the loss that is not differentiated, or `stopGradient(carry)`.
   *
   * @param x float[batch, time, inputs]
   * @example const [outputs, carry] = net.run(x, { lengths: [5, 3] })
   * @example const [more] = net.run(next, { carry: stopGradient(carry) })
   * @throws ShapeMismatch, DTypeMismatch; BadArgument for options that contradict each other or x
   */
  run(x: TensorLike, options: RunOptions<C> = {}, pass?: Pass): [outputs: Tensor, carry: C[]] {
    const input = sequences(this, x);
    const [batch, time] = input.shape;
    const name = this.constructor.name;
    const steps = validSteps(`${name}.run`, options, batch, time);
    const valid = steps === null ? null : reshape(permute(steps, [1, 0]), [time, batch, 1]);
    const carry = carriesOf(this, options.carry, batch, input.dtype as FloatType);
    const truncate = requireChunk(name, options.truncate);
    const inTime = permute(input, [1, 0, 2]);
    let values = valid === null ? inTime : where(valid, inTime, 0);
    const last: C[] = [];
    this.cells.forEach((directions, layer) => {
      const from = layer === 0 ? values : dropped(values, this.dropout, pass);
      const outputs = directions.map((cell, direction) => {
        const [ys, after] = overTime(cell, cell.project(from), carry[last.length], {
          reverse: direction === 1,
          valid,
          truncate,
          checkpoint: options.checkpoint,
        });
        last.push(after);
        return ys;
      });
      values = outputs.length === 1 ? outputs[0] : concat(outputs, 2);
    });
    return [permute(values, [1, 0, 2]), last];
  }

  /**
   * One time step of all layers, in evaluation: for what comes in time by time.
   *
   * @param carry from `initialCarry(batch)`, a run or the step before
   * @param x float[batch, inputs]
   * @returns the next carry, and the output float[batch, size]
   * @example let carry = net.initialCarry(1)
   * @example [carry, y] = net.step(carry, x)
   * @throws BadArgument for a net of both directions, ShapeMismatch
   */
  step(carry: readonly C[], x: TensorLike): [carry: C[], output: Tensor] {
    if (this.bidirectional)
      throw new BadArgument({
        did: `step of a bidirectional ${this.constructor.name}`,
        expected: 'a net of one direction: the other one starts at the end',
        remedy: 'net.forward(x) with the whole sequence',
      });
    requireCarries(this, carry);
    let value = asFloat(x);
    const after = this.cells.map(([cell], layer) => {
      const [next, output] = cell.step(carry[layer], value);
      value = output;
      return next;
    });
    return [after, value];
  }
}

/** x as float[batch, time, inputs] of the type in which the net computes. */
function sequences<C>(net: Recurrent<C>, x: TensorLike): Tensor {
  const input = asFloat(x);
  const [[cell]] = net.cells;
  if (input.ndim !== 3 || input.shape[2] !== cell.inputs)
    throw new ShapeMismatch({
      did: `${net.constructor.name} of ${cell.inputs} inputs with ${input.aval}`,
      expected: `sequences [batch, time, ${cell.inputs}]`,
      remedy:
        input.ndim === 2
          ? 'one sequence is a batch of one: x.expandDims(0)'
          : 'put the features last: x.moveaxis(1, 2)',
    });
  return convert(input, commonType([input, cell.inputWeight]));
}

function requireCarries<C>(net: Recurrent<C>, carry: readonly unknown[]): void {
  const cells = net.cells.flat().length;
  if (!Array.isArray(carry) || carry.length !== cells)
    throw new BadArgument({
      did: `${net.constructor.name} of ${cells} cells with a carry of ${Array.isArray(carry) ? carry.length : 'no array'}`,
      expected: 'an array with what each cell carries, layer by layer',
      remedy: 'net.initialCarry(batch), or the carry that net.run or net.step returned',
    });
}

function carriesOf<C>(
  net: Recurrent<C>,
  given: readonly C[] | undefined,
  batch: number,
  dtype: FloatType,
): C[] {
  const zeros = net.initialCarry(batch, { dtype });
  if (given === undefined) return zeros;
  requireCarries(net, given);
  const checked = (leaf: Tensor, zero: Tensor): Tensor => {
    if (!sameShape(leaf.shape, zero.shape))
      throw new ShapeMismatch({
        did: `${net.constructor.name}.run of a batch of ${batch} with a carry ${leaf.aval}`,
        expected: `${zero.aval}`,
        remedy: `net.initialCarry(${batch}), or the carry of a run with this batch`,
      });
    return convert(leaf, dtype);
  };
  return given.map((carry, i) => map(checked as never, carry, zeros[i]) as C);
}

function requireChunk(name: string, truncate: number | undefined): number | null {
  if (truncate === undefined) return null;
  if (!Number.isInteger(truncate) || truncate < 1)
    throw new BadArgument({
      did: `${name}.run with truncate ${String(truncate)}`,
      expected: 'a positive number of steps',
      remedy: `net.run(x, { truncate: 20 })`,
    });
  return truncate;
}
