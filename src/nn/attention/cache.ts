/** Keys and values of earlier positions, kept while a sequence is made step by step. */
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import { ConcreteTensor, type Tensor } from '../../core/tensor.ts';
import { add, subtract } from '../../numpy/arithmetic.ts';
import { greaterEqual, less, logicalAnd, where } from '../../numpy/logic.ts';
import { take } from '../../numpy/take.ts';
import { full, iota } from '../../primitives/broadcast.ts';
import { reshape } from '../../primitives/layout.ts';
import type { FloatType } from '../../random/uniform.ts';

/** What an attention remembers. A tree: it goes through `jit`, and its buffers may be donated. */
export type AttentionCache = {
  /** float[batch, heads, length, size] */
  readonly keys: Tensor;
  readonly values: Tensor;
  /** int32: how many positions are filled. */
  readonly position: Tensor;
};

export function emptyCache(shape: readonly number[], dtype: FloatType): AttentionCache {
  if (shape.some(n => !Number.isInteger(n) || n < 1))
    throw new BadArgument({
      did: `a cache of batch ${shape[0]} and length ${shape[2]}`,
      expected: 'positive integers',
      remedy: 'attention.cache(1, 256)',
    });
  return { keys: full(shape, 0, dtype), values: full(shape, 0, dtype), position: full([], 0, 'int32') };
}

/** The cache with the keys and values of the next positions, each float[batch, heads, steps, size], written after the others. */
export function extended(cache: AttentionCache, keys: Tensor, values: Tensor): AttentionCache {
  const { position } = cache;
  const [batch, heads, length, size] = cache.keys.shape;
  const steps = keys.shape[2];
  if (batch !== keys.shape[0] || heads !== keys.shape[1] || size !== keys.shape[3])
    throw new ShapeMismatch({
      did: `a step of keys ${keys.aval} with a cache of keys ${cache.keys.aval}`,
      expected: 'the same batch, and a cache of the same attention',
      remedy: `attention.cache(${keys.shape[0]}, ${length})`,
    });
  if (steps > length || (position instanceof ConcreteTensor && position.item() + steps > length))
    throw new BadArgument({
      did: `${steps} more positions in a cache of ${length}${position instanceof ConcreteTensor ? `, of which ${position.item()} are filled` : ''}`,
      expected: 'no more than fit',
      remedy: `attention.cache(${batch}, ${2 * length})`,
    });
  // Where a position is filled now, with the row of the step that it belongs to.
  const row = subtract(iota('int32', [length], 0), position);
  const here = reshape(logicalAnd(greaterEqual(row, 0), less(row, steps)), [length, 1]);
  const written = (old: Tensor, next: Tensor): Tensor =>
    where(here, steps === 1 ? next : take(next, row, { axis: 2, mode: 'clip' }), old);
  return {
    keys: written(cache.keys, keys),
    values: written(cache.values, values),
    position: add(position, steps),
  };
}
