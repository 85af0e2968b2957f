/** From feature maps to vectors. */
import { sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { reshape } from '../primitives/layout.ts';
import { Module } from './module.ts';

/**
 * All axes from one on become one.
 *
 * @example new Flatten().forward(images) // [examples, channels, height, width] → [examples, channels·height·width]
 */
export class Flatten extends Module {
  /** The first axis of those that become one. */
  readonly start: number;

  /** @param start default 1: the examples stay; 0 for a single example, as under `vmap` */
  constructor(start = 1) {
    super();
    if (!Number.isInteger(start) || start < 0)
      throw new BadArgument({
        did: `Flatten from axis ${String(start)}`,
        expected: 'an integer from 0 on',
        remedy: 'new Flatten() keeps the examples apart',
      });
    this.start = start;
  }

  /** @throws BadArgument where x has too few axes */
  forward(x: TensorLike): Tensor {
    const input = asTensor(x);
    if (input.ndim < this.start)
      throw new BadArgument({
        did: `Flatten from axis ${this.start} of ${input.aval}`,
        expected: `at least ${this.start} axes`,
        remedy: 'put in an axis for the examples: x.expandDims(0)',
      });
    const { shape } = input;
    return reshape(input, [...shape.slice(0, this.start), sizeOf(shape.slice(this.start))]);
  }
}
