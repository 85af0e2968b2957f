/** The oracle's calls of random functions, which follow JAX, as calls of the library. */
import { type Tensor, tensor } from 'cotangent';
import * as random from 'cotangent/random';

type Options = Record<string, unknown>;
type Draw = (...args: never[]) => unknown;

const shapeOf = (x: unknown): number[] => (Array.isArray(x) ? x : []);

export const draws: Record<string, Draw> = {
  split: (key: Tensor, n: number | number[]) =>
    typeof n === 'number' ? tensor(random.split(key, n)) : random.split(key, n),
  uniform: (key: Tensor, shape: number[], { minval, maxval, ...rest }: Options) =>
    random.uniform(key, shape, {
      ...rest,
      ...(minval === undefined ? {} : { min: minval as number, max: maxval as number }),
    }),
  randint: (key: Tensor, shape: number[], { minval, maxval, ...rest }: Options) =>
    random.randint(key, shape, minval as number, maxval as number, rest),
  truncatedNormal: (key: Tensor, shape: number[], { lower, upper, ...rest }: Options) =>
    random.truncatedNormal(key, lower as number, upper as number, shape, rest),
  bernoulli: (key: Tensor, operand: number[] | Tensor, options?: Options) =>
    Array.isArray(operand)
      ? random.bernoulli(key, options?.p as number, operand)
      : random.bernoulli(key, operand),
  choice: (key: Tensor, x: number | Tensor, shape: unknown, options?: Options) =>
    random.choice(key, x, { ...options, shape: shapeOf(shape) }),
};
