/** Linear layers, and networks of them. */
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add } from '../numpy/arithmetic.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { dot } from '../primitives/dot.ts';
import { split } from '../random/key.ts';
import type { FloatOptions } from '../random/uniform.ts';
import { relu } from './activations.ts';
import { type Layer, Sequential } from './containers.ts';
import { glorotUniform, heNormal, type Initializer, zeros } from './initializers.ts';
import { Module } from './module.ts';

export interface LinearOptions extends FloatOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Default glorotUniform. */
  readonly initializer?: Initializer;
}

/**
 * x·W + b.
 *
 * @example const layer = new Linear(key(0), 784, 10)
 * @example layer.forward(images) // [examples, 784] → [examples, 10]
 */
export class Linear extends Module {
  /** float[inputs, outputs] */
  readonly weight: Tensor;
  /** float[outputs] */
  readonly bias: Tensor | null;

  constructor(key: Tensor, inputs: number, outputs: number, options: LinearOptions = {}) {
    super();
    const { bias = true, initializer = glorotUniform, ...type } = options;
    this.weight = initializer(key, [inputs, outputs], type);
    this.bias = bias ? zeros(key, [outputs], type) : null;
  }

  /**
   * @param x float[…, inputs]
   * @returns float[…, outputs]
   * @throws ShapeMismatch
   */
  forward(x: TensorLike): Tensor {
    const input = asTensor(x);
    const [inputs] = this.weight.shape;
    if (input.ndim === 0 || input.shape[input.ndim - 1] !== inputs)
      throw new ShapeMismatch({
        did: `Linear with weight ${this.weight.aval} of an input ${input.aval}`,
        expected: `an input [..., ${inputs}]`,
        remedy: `flatten it first: x.reshape([-1, ${inputs}])`,
      });
    const product = dot(input, this.weight, { contract: [[input.ndim - 1], [0]], batch: [[], []] });
    return this.bias === null ? product : add(product, this.bias);
  }
}

export interface MlpOptions extends FloatOptions {
  /** Between the layers, not after the last. Default relu. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Default heNormal. */
  readonly initializer?: Initializer;
}

/**
 * A multilayer perceptron: linear layers of the given sizes with an activation between them.
 *
 * @example const model = mlp(key(0), [784, 128, 10])
 * @throws BadArgument for fewer than two sizes
 */
export function mlp(key: Tensor, sizes: readonly number[], options: MlpOptions = {}): Sequential {
  const { activation = relu, initializer = heNormal, ...type } = options;
  if (sizes.length < 2 || sizes.some(size => !Number.isInteger(size) || size < 1))
    throw new BadArgument({
      did: `mlp of sizes [${sizes.join(', ')}]`,
      expected: 'at least two positive integers: the inputs, hidden layers, and the outputs',
      remedy: 'mlp(key, [784, 128, 10])',
    });
  const keys = split(key, sizes.length - 1);
  return new Sequential(
    ...keys.flatMap((own, i): Layer[] => {
      const layer = new Linear(own, sizes[i], sizes[i + 1], { initializer, ...type });
      return i === 0 ? [layer] : [activation, layer];
    }),
  );
}
