/** Keys: where random numbers come from. A key is a uint32 tensor of two words; the same key gives the same numbers. */
import { range, sizeOf } from '../core/aval.ts';
import { BadArgument, DTypeMismatch, ShapeMismatch } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { fromTyped, requireShape } from '../numpy/array.ts';
import { type DTypeOption, dtypeFrom } from '../numpy/options.ts';
import { cast } from '../primitives/arithmetic.ts';
import { broadcast, full, iota } from '../primitives/broadcast.ts';
import { xor } from '../primitives/compare.ts';
import { reshape } from '../primitives/layout.ts';
import { concat, slice } from '../primitives/slice.ts';
import { threefry } from '../primitives/threefry.ts';

/**
 * A key from a seed: the words [⌊seed / 2³²⌋, seed mod 2³²].
 *
 * @param seed an integer from −2³¹ to 2⁵³ − 1 (a negative one is taken modulo 2³²), or a 0-dimensional integer tensor
 * @returns uint32[2]
 * @example const [a, b] = split(key(0))
 * @example normal(a, [3])
 * @throws BadArgument for another seed
 */
export function key(seed: number | Tensor): Tensor {
  if (seed instanceof Tensor) {
    const word = integerScalar(seed, 'key: the seed', 'key(tensor(0, "uint32"))');
    return concat([full([1], 0, 'uint32'), reshape(word, [1])], 0);
  }
  if (!Number.isSafeInteger(seed) || seed < -2147483648)
    throw new BadArgument({
      did: `key(${String(seed)})`,
      expected: 'an integer from −2³¹ to 2⁵³ − 1',
      remedy: 'key(0)',
    });
  const high = seed < 0 ? 0 : Math.floor(seed / 4294967296);
  return fromTyped(Uint32Array.of(high, seed >>> 0), [2], 'uint32');
}

/** The two words of a key, each 0-dimensional. @throws BadArgument, DTypeMismatch, ShapeMismatch */
function wordsOf(name: string, from: Tensor): [Tensor, Tensor] {
  if (!(from instanceof Tensor))
    throw new BadArgument({
      did: `random.${name} got ${typeof from === 'number' ? `the number ${from}` : typeof from} in place of a key`,
      expected: 'a key: a uint32 tensor of two words',
      remedy: `random.${name}(random.key(0), …)`,
    });
  if (from.dtype !== 'uint32')
    throw new DTypeMismatch({
      did: `random.${name} with a key ${from.aval}`,
      expected: 'a uint32 tensor of two words',
      remedy: 'make keys with random.key(seed), random.split(key) and random.foldIn(key, number)',
    });
  if (from.ndim !== 1 || from.shape[0] !== 2)
    throw new ShapeMismatch({
      did: `random.${name} with a key ${from.aval}`,
      expected: 'one key, uint32[2]',
      remedy:
        from.shape.at(-1) === 2
          ? `draw for many keys with vmap(key => random.${name}(key, …))(keys)`
          : 'make keys with random.key(seed)',
    });
  const word = (i: number): Tensor => reshape(slice(from, [i], [i + 1]), []);
  return [word(0), word(1)];
}

/** Threefry at the counters 0 … n−1: two tensors of n words. */
function blocks(name: string, from: Tensor, n: number): readonly Tensor[] {
  const [first, second] = wordsOf(name, from);
  const every = (word: Tensor): Tensor => broadcast(word, [n], []);
  return threefry(every(first), every(second), full([n], 0, 'uint32'), iota('uint32', [n], 0));
}

const column = (x: Tensor): Tensor => reshape(x, [...x.shape, 1]);

/**
 * New keys from one, independent of each other. The old key should not be used again.
 *
 * @param n how many (default 2), as an array of keys; or a shape, as one tensor of keys to map over with `vmap`
 * @returns n tensors uint32[2]; for a shape, one tensor uint32[…shape, 2]
 * @example const [weights, noise] = split(key(0))
 * @example const keys = split(key(0), [100]) // vmap(key => normal(key, [3]))(keys)
 */
export function split(from: Tensor): [Tensor, Tensor];
export function split(from: Tensor, n: number): Tensor[];
export function split(from: Tensor, shape: readonly number[]): Tensor;
export function split(from: Tensor, n: number | readonly number[] = 2): Tensor | Tensor[] {
  if (typeof n !== 'number') {
    const [first, second] = blocks('split', from, sizeOf(requireShape(n, 'split')));
    return reshape(concat([column(first), column(second)], 1), [...n, 2]);
  }
  const keys = split(from, requireShape([n], 'split'));
  return range(n).map(i => reshape(slice(keys, [i, 0], [i + 1, 2]), [2]));
}

/**
 * A new key from a key and a number, such as an epoch or a step: another one for each number.
 *
 * @param data an integer from −2³¹ to 2³² − 1, or a 0-dimensional integer tensor
 * @returns uint32[2]
 * @example const shuffle = permutation(foldIn(key(0), epoch), n)
 */
export function foldIn(from: Tensor, data: number | Tensor): Tensor {
  const [first, second] = wordsOf('foldIn', from);
  let word: Tensor;
  if (data instanceof Tensor) word = integerScalar(data, 'foldIn: the number', 'foldIn(key, epoch)');
  else if (Number.isInteger(data) && data >= -2147483648 && data <= 4294967295)
    word = full([], data >>> 0, 'uint32');
  else
    throw new BadArgument({
      did: `foldIn of the number ${String(data)}`,
      expected: 'an integer from −2³¹ to 2³² − 1',
      remedy: 'foldIn(key, epoch)',
    });
  const [x, y] = threefry(first, second, full([], 0, 'uint32'), word);
  return concat([column(x), column(y)], 0);
}

/**
 * Uniformly random bits.
 *
 * Threefry-2x32 of the key at the element's position, its two words joined by exclusive or (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011); the same bits as JAX's.
 *
 * @param option the element type, bare or as `{ dtype }`: 'uint32' (default) or 'uint8'
 * @example bits(key(0), [4])
 */
export function bits(from: Tensor, shape: readonly number[] = [], option?: DTypeOption): Tensor {
  const dtype = dtypeFrom(option) ?? 'uint32';
  if (dtype !== 'uint32' && dtype !== 'uint8')
    throw new DTypeMismatch({
      did: `random bits of ${dtype}`,
      expected: "'uint32' or 'uint8'",
      remedy: "bits(key, shape, 'uint32')",
    });
  const [high, low] = blocks('bits', from, sizeOf(requireShape(shape, 'bits')));
  return reshape(cast(xor(high, low), dtype), shape);
}

/** 64 random bits for each element, as two uint32 words. */
export function bitPairs(from: Tensor, shape: readonly number[]): readonly [high: Tensor, low: Tensor] {
  const [high, low] = blocks('bits', from, sizeOf(shape));
  return [reshape(high, shape), reshape(low, shape)];
}

function integerScalar(x: Tensor, what: string, remedy: string): Tensor {
  if (x.ndim !== 0 || x.aval.isFloat || x.dtype === 'bool')
    throw new DTypeMismatch({ did: `${what} is ${x.aval}`, expected: 'a 0-dimensional integer', remedy });
  return cast(x, 'uint32');
}
