/** Positions in a sequence, told by waves of many lengths. */
import { range } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, multiply, subtract } from '../../numpy/arithmetic.ts';
import { asTensor, convert, fromTyped, type TensorLike } from '../../numpy/array.ts';
import { cos, sin } from '../../numpy/elementary.ts';
import { asFloat } from '../../numpy/operands.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { iota } from '../../primitives/broadcast.ts';
import { reshape } from '../../primitives/layout.ts';
import { concat, slice } from '../../primitives/slice.ts';
import { type FloatOptions, requireFloatType } from '../../random/uniform.ts';

/** base^(−2i/size) for i = 0 … size/2 − 1: radians per position. */
function frequencies(size: number, base: number): Float64Array {
  return Float64Array.from({ length: Math.floor(size / 2) }, (_, i) => base ** ((-2 * i) / size));
}

function requireEven(name: string, size: number): void {
  if (!Number.isInteger(size) || size < 2 || size % 2 !== 0)
    throw new BadArgument({
      did: `${name} of ${size} features`,
      expected: 'an even number: every wave takes two',
      remedy: `${name} of ${Math.max(2, 2 * Math.round(size / 2))} features`,
    });
}

export interface SinusoidalOptions extends FloatOptions {
  /** Default 10000. */
  readonly base?: number;
}

/**
 * Sinusoidal positions, to be added to the embeddings: the element at position p is sin(p·base^(−2i/size)) at feature 2i,
 * and the cosine of the same at 2i + 1 (Vaswani et al. 2017, section 3.5).
 *
 * @param length how many positions
 * @param size how many features, even
 * @returns float[length, size]
 * @example sinusoidal(2, 2) // [[0, 1], [0.841471, 0.540302]]
 * @example x.add(sinusoidal(x.shape[1], x.shape[2])) // x of [batch, time, size]
 * @throws BadArgument
 */
export function sinusoidal(length: number, size: number, options: SinusoidalOptions = {}): Tensor {
  const { base = 10000, dtype = 'float32' } = options;
  requireEven('sinusoidal', size);
  if (!Number.isInteger(length) || length < 0)
    throw new BadArgument({
      did: `sinusoidal of ${length} positions`,
      expected: 'a number of positions',
      remedy: 'sinusoidal(128, 64)',
    });
  const waves = frequencies(size, base);
  const table = new Float64Array(length * size);
  for (let p = 0; p < length; p++)
    for (let i = 0; i < size; i++)
      table[p * size + i] = i % 2 === 0 ? Math.sin(p * waves[i / 2]) : Math.cos(p * waves[(i - 1) / 2]);
  return convert(fromTyped(table, [length, size], 'float64'), requireFloatType('sinusoidal', dtype));
}

export interface RotaryOptions {
  /** int[time]: the positions; or one number, the first of them. Default 0. */
  readonly positions?: TensorLike;
  /** Default 10000. */
  readonly base?: number;
  /** Pairs of features 2i and 2i + 1, as in the paper, in place of i and i + size/2. Default false. */
  readonly interleaved?: boolean;
}

/**
 * Rotary positions (Su et al. 2021, eq. 34): pairs of features of queries and keys are turned by the angle
 * p·base^(−2i/size), so that the product of a query and a key depends on the distance of their positions only.
 *
 * @param x float[…, time, size], the size even
 * @returns the same shape
 * @example rotary(queries) // of [batch, heads, time, size]
 * @throws BadArgument, ShapeMismatch
 */
export function rotary(x: TensorLike, options: RotaryOptions = {}): Tensor {
  const input = asFloat(x);
  const { base = 10000, interleaved = false } = options;
  if (input.ndim < 2)
    throw new ShapeMismatch({
      did: `rotary of ${input.aval}`,
      expected: '[..., time, size]',
      remedy: 'put in an axis of extent 1 for a single time: x.expandDims(0)',
    });
  const [time, size] = input.shape.slice(-2);
  requireEven('rotary', size);
  const given = asTensor(options.positions ?? 0);
  if (given.ndim > 1 || (given.ndim === 1 && given.size !== time))
    throw new ShapeMismatch({
      did: `rotary of ${time} times with positions ${given.aval}`,
      expected: 'one position for each time, or the first of them',
      remedy: `positions: arange(${time})`,
    });
  // In float64, because a product of a large position and a wave must not be rounded before its sine is taken.
  const wide = cast(given, 'float64');
  const positions = given.ndim === 1 ? wide : add(iota('float64', [time], 0), wide);
  const waves = fromTyped(frequencies(size, base), [size / 2], 'float64');
  const angles = multiply(reshape(positions, [time, 1]), waves);
  const [cosine, sine] = [cos(angles), sin(angles)].map(wave => convert(wave, input.dtype));
  const half = size / 2;
  if (!interleaved) {
    const [a, b] = [part(input, 0, half, 1), part(input, half, size, 1)];
    const [first, second] = turned(a, b, cosine, sine);
    return concat([first, second], input.ndim - 1);
  }
  const [first, second] = turned(part(input, 0, size, 2), part(input, 1, size, 2), cosine, sine);
  const pairs = [first, second].map(one => reshape(one, [...one.shape, 1]));
  return reshape(concat(pairs, input.ndim), input.shape);
}

function turned(a: Tensor, b: Tensor, cosine: Tensor, sine: Tensor): [Tensor, Tensor] {
  return [subtract(multiply(a, cosine), multiply(b, sine)), add(multiply(b, cosine), multiply(a, sine))];
}

/** Elements along the last axis. */
function part(x: Tensor, from: number, to: number, stride: number): Tensor {
  const last = x.ndim - 1;
  const each = (inner: number, outer: (extent: number) => number): number[] =>
    range(x.ndim).map(i => (i === last ? inner : outer(x.shape[i])));
  return slice(
    x,
    each(from, () => 0),
    each(to, extent => extent),
    each(stride, () => 1),
  );
}
