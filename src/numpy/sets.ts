/** Vectors as sets. The values decide the shapes of the results: outside jit and vmap only. */
import type { Tensor } from '../core/tensor.ts';
import { gather } from '../primitives/gather.ts';
import { reshape } from '../primitives/layout.ts';
import { concat } from '../primitives/slice.ts';
import { asTensor, fromTyped, promote, type TensorLike } from './array.ts';
import { decidingElements } from './positions.ts';

export interface UniqueOptions {
  /** Also where each value occurs first. */
  readonly returnIndex?: boolean;
  /** Also for each element the position of its value. */
  readonly returnInverse?: boolean;
  /** Also how often each value occurs. */
  readonly returnCounts?: boolean;
}

/** The different values of a vector in order: where each stands first, how often, and which one each element is. */
interface Groups {
  readonly first: number[];
  readonly counts: number[];
  readonly inverse: Int32Array;
}

const int32 = (values: ArrayLike<number>): Tensor =>
  fromTyped(Int32Array.from(values), [values.length], 'int32');

function groupsOf(name: string, x: Tensor): Groups {
  const values = decidingElements(name, x, 'sort(x) keeps the shape');
  // NaN goes last, and all of them are one value.
  const order = Array.from(values, (_, i) => i).sort((i, j) => {
    const [a, b] = [values[i], values[j]];
    if (a === b) return i - j;
    return Number.isNaN(a) ? (Number.isNaN(b) ? i - j : 1) : Number.isNaN(b) ? -1 : a - b;
  });
  const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
  const first: number[] = [];
  const counts: number[] = [];
  const inverse = new Int32Array(values.length);
  order.forEach((at, place) => {
    if (place === 0 || !same(values[at], values[order[place - 1]])) {
      first.push(at);
      counts.push(0);
    }
    counts[counts.length - 1]++;
    inverse[at] = counts.length - 1;
  });
  return { first, counts, inverse };
}

/** The elements at places of a vector. */
function at(x: Tensor, places: readonly number[]): Tensor {
  return gather(x, int32(places));
}

/**
 * The different values of x, flattened, in increasing order; NaN counts as one value and goes last. The cotangent of a
 * value goes to its first occurrence.
 *
 * @param options what else to return, in this order: `returnIndex`, `returnInverse` (of the shape of x),
 *   `returnCounts`; the result is then a list
 * @example unique([3, 1, 3]) // [1, 3]
 * @example const [values, counts] = unique(x, { returnCounts: true })
 * @throws DataDependentShape inside jit and vmap
 */
export function unique(x: TensorLike): Tensor;
export function unique(x: TensorLike, options: UniqueOptions): Tensor[];
export function unique(x: TensorLike, options?: UniqueOptions): Tensor | Tensor[] {
  const given = asTensor(x);
  const flat = reshape(given, [given.size]);
  const { first, counts, inverse } = groupsOf('unique', flat);
  const values = at(flat, first);
  const { returnIndex, returnInverse, returnCounts } = options ?? {};
  if (!(returnIndex || returnInverse || returnCounts)) return options === undefined ? values : [values];
  return [
    values,
    ...(returnIndex ? [int32(first)] : []),
    ...(returnInverse ? [fromTyped(inverse, given.shape, 'int32')] : []),
    ...(returnCounts ? [int32(counts)] : []),
  ];
}

/** The different values of two tensors, and in how many of them (1 and 2 in bits) each occurs. */
function merged(
  name: string,
  x: TensorLike,
  y: TensorLike,
  keep: (inX: boolean, inY: boolean) => boolean,
): Tensor {
  const [a, b] = promote(name, [x, y]).map(t => reshape(t, [t.size]));
  const both = concat([a, b], 0);
  const { first, inverse } = groupsOf(name, both);
  const sides = first.map(() => 0);
  inverse.forEach((group, i) => {
    sides[group] |= i < a.size ? 1 : 2;
  });
  return at(
    both,
    first.filter((_, group) => keep((sides[group] & 1) !== 0, (sides[group] & 2) !== 0)),
  );
}

/** The values that occur in x or in y, in increasing order. @throws DataDependentShape inside jit and vmap */
export function union1d(x: TensorLike, y: TensorLike): Tensor {
  return merged('union1d', x, y, () => true);
}

/** The values that occur in x and in y, in increasing order. @throws DataDependentShape inside jit and vmap */
export function intersect1d(x: TensorLike, y: TensorLike): Tensor {
  return merged('intersect1d', x, y, (inX, inY) => inX && inY);
}

/** The values of x that do not occur in y, in increasing order. @throws DataDependentShape inside jit and vmap */
export function setdiff1d(x: TensorLike, y: TensorLike): Tensor {
  return merged('setdiff1d', x, y, (inX, inY) => inX && !inY);
}

/** The values that occur in x or in y but not in both. @throws DataDependentShape inside jit and vmap */
export function setxor1d(x: TensorLike, y: TensorLike): Tensor {
  return merged('setxor1d', x, y, (inX, inY) => inX !== inY);
}
