/** What a recurrent net does at one time: the next carry from the carry and the input. */
import { range } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add } from '../../numpy/arithmetic.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { asFloat } from '../../numpy/operands.ts';
import { matmul } from '../../numpy/products.ts';
import { full } from '../../primitives/broadcast.ts';
import { concat, slice } from '../../primitives/slice.ts';
import { split } from '../../random/key.ts';
import type { FloatOptions, FloatType } from '../../random/uniform.ts';
import { glorotUniform, type Initializer, orthogonal } from '../initializers.ts';
import { Module } from '../module.ts';

export interface CellOptions extends FloatOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Of each gate's weights of the input. Default glorotUniform. */
  readonly initializer?: Initializer;
  /** Of each gate's weights of the state. Default orthogonal(). */
  readonly stateInitializer?: Initializer;
}

/**
 * The base of cells. A cell has a number of gates, vectors of `size` elements side by side that are all made of one
 * product with the input and one with the state: z = x·W + b does not depend on the state, so that a net computes it for
 * all times at once; `advance` does the rest, time by time.
 *
 * A cell of one's own extends it: `initialCarry`, `advance` and `output` are what it must have.
 *
 * @example class Leaky extends RecurrentCell { constructor(key) { super(key, 3, 5, [0]) } … }
 */
export abstract class RecurrentCell<C = unknown> extends Module {
  readonly inputs: number;
  readonly size: number;
  /** W, float[inputs, gates·size] */
  readonly inputWeight: Tensor;
  /** U, float[size, gates·size] */
  readonly stateWeight: Tensor;
  /** b, float[gates·size] */
  readonly bias: Tensor | null;

  /**
   * @param gates the first biases of the gates, one number for each gate
   * @throws BadArgument where inputs or size are no positive integers
   */
  constructor(
    key: Tensor,
    inputs: number,
    size: number,
    gates: readonly number[],
    options: CellOptions = {},
  ) {
    super();
    if (![inputs, size].every(n => Number.isInteger(n) && n > 0))
      throw new BadArgument({
        did: `${this.constructor.name} of ${inputs} inputs and size ${size}`,
        expected: 'positive integers',
        remedy: `new ${this.constructor.name}(key, 8, 32)`,
      });
    const {
      bias = true,
      initializer = glorotUniform,
      stateInitializer = orthogonal(),
      dtype = 'float32',
    } = options;
    const [forInput, forState] = split(key);
    const joined = (from: Tensor, make: Initializer, rows: number): Tensor =>
      concat(
        split(from, gates.length).map(own => make(own, [rows, size], { dtype })),
        1,
      );
    this.inputs = inputs;
    this.size = size;
    this.inputWeight = joined(forInput, initializer, inputs);
    this.stateWeight = joined(forState, stateInitializer, size);
    const biasOf = (gate: number): Tensor => full([size], gate, dtype);
    this.bias = bias ? concat(gates.map(biasOf), 0) : null;
  }

  /** What is carried before the first step: zeros. */
  abstract initialCarry(batch: number, options?: FloatOptions): C;

  /** The next carry, from the carry and z = `project(x)`. What it names with `tag`, `stateAdjoints` shows. */
  abstract advance(carry: C, z: Tensor): C;

  /** What the net gives at that time, float[batch, size]. */
  abstract output(carry: C): Tensor;

  /**
   * The input's part of all gates, x·W + b.
   *
   * @param x float[…, inputs]
   * @returns float[…, gates·size]
   */
  project(x: TensorLike): Tensor {
    const input = asFloat(x);
    if (input.shape.at(-1) !== this.inputs)
      throw new ShapeMismatch({
        did: `${this.constructor.name} of ${this.inputs} inputs with ${input.aval}`,
        expected: `an input [..., ${this.inputs}]`,
        remedy: `new ${this.constructor.name}(key, ${input.shape.at(-1) ?? 1}, ${this.size}), or another input`,
      });
    const product = matmul(input, this.inputWeight);
    return this.bias === null ? product : add(product, this.bias);
  }

  /**
   * One time step.
   *
   * @param carry from `initialCarry(batch)` or the step before
   * @param x float[batch, inputs]
   * @returns the next carry, and the output float[batch, size]
   * @throws ShapeMismatch
   */
  step(carry: C, x: TensorLike): [carry: C, output: Tensor] {
    const next = this.advance(carry, this.project(x));
    return [next, this.output(next)];
  }
}

/** Zeros for a state of a cell, float[batch, size], by default of the type of its weights. */
export function zeroState<C>(cell: RecurrentCell<C>, batch: number, options: FloatOptions = {}): Tensor {
  return full([batch, cell.size], 0, options.dtype ?? (cell.stateWeight.dtype as FloatType));
}

/** n equal parts along the last axis. */
export function gatesOf(x: Tensor, n: number): Tensor[] {
  const last = x.ndim - 1;
  const size = x.shape[last] / n;
  return range(n).map(i =>
    slice(
      x,
      x.shape.map((_, axis) => (axis === last ? i * size : 0)),
      x.shape.map((extent, axis) => (axis === last ? (i + 1) * size : extent)),
    ),
  );
}
