/** Lists of tensors as one vector, on which algorithms with inner products work. */
import { promoteTypes } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { cast } from '../primitives/arithmetic.ts';
import { reshape } from '../primitives/layout.ts';
import { concat, slice } from '../primitives/slice.ts';
import type { ListFunction } from '../transforms/implicit/linear.ts';

export interface Raveled {
  readonly vector: Tensor;
  /** The list of a vector like this one, in its own shapes and element types. */
  readonly unravel: (vector: Tensor) => Tensor[];
}

/** All elements one after the other, in the widest of the element types. */
export function ravelList(leaves: readonly Tensor[]): Raveled {
  const dtype = leaves.map(leaf => leaf.dtype).reduce(promoteTypes);
  const flat = leaves.map(leaf => reshape(cast(leaf, dtype), [leaf.size]));
  const unravel = (vector: Tensor): Tensor[] => {
    let from = 0;
    return leaves.map(leaf => {
      const to = from + leaf.size;
      const part = leaves.length === 1 ? vector : slice(vector, [from], [to]);
      from = to;
      return cast(reshape(part, leaf.shape), leaf.dtype);
    });
  };
  return { vector: flat.length === 1 ? flat[0] : concat(flat, 0), unravel };
}

/** A function of lists as one of vectors. */
export const onVectors =
  (f: ListFunction, unravel: (vector: Tensor) => Tensor[]) =>
  (x: Tensor): Tensor =>
    ravelList(f(unravel(x))).vector;
