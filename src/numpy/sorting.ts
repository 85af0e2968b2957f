/** Sorting, and searching in what is sorted. NaN goes last everywhere. */
import { isFloat } from '../core/dtype.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, sub } from '../primitives/arithmetic.ts';
import { constantLike, full } from '../primitives/broadcast.ts';
import { and, less, lessEqual, not, or, isNaN as primitiveIsNaN, select } from '../primitives/compare.ts';
import { gather, scatterAdd } from '../primitives/gather.ts';
import { reshape, reverse } from '../primitives/layout.ts';
import * as sorts from '../primitives/sort.ts';
import { asTensor, positiveAxis, promote, type TensorLike } from './array.ts';
import { isOptions } from './options.ts';
import { decidingElements, integerTensor, knownElements, outOfRange } from './positions.ts';
import { between } from './repeat.ts';

export interface SortOptions {
  /** Default −1; null sorts the flattened tensor. */
  readonly axis?: number | null;
  /** Largest first; default false. */
  readonly descending?: boolean;
}

type SortArgument = number | null | SortOptions;

function sorting(
  name: string,
  x: TensorLike,
  argument: SortArgument,
  apply: (x: Tensor, axis: number, descending: boolean) => Tensor,
): Tensor {
  const { axis = -1, descending = false } =
    typeof argument === 'object' && argument !== null ? argument : { axis: argument };
  const given = asTensor(x);
  const operand = axis === null ? reshape(given, [given.size]) : given;
  return apply(operand, positiveAxis(name, axis ?? 0, operand.ndim), descending);
}

/**
 * Sorted along an axis. Equal elements keep their order; the cotangent of each sorted element goes back to where it
 * came from.
 *
 * @example sort([3, 1, 2]) // [1, 2, 3]
 * @example sort(x, { axis: 0, descending: true })
 * @throws AxisOutOfRange
 */
export function sort(x: TensorLike, options: SortArgument = {}): Tensor {
  return sorting('sort', x, options, sorts.sort);
}

/**
 * The int32 positions that sort along an axis: takeAlongAxis(x, argsort(x)) is sort(x). Equal elements keep their order.
 *
 * @example argsort([3, 1, 2]) // [1, 2, 0]
 * @throws AxisOutOfRange
 */
export function argsort(x: TensorLike, options: SortArgument = {}): Tensor {
  return sorting('argsort', x, options, sorts.argsort);
}

/**
 * The positions that sort by several keys, the last key first: rows of equal last keys are sorted by the one before,
 * and so on. Along the last axis.
 *
 * @example lexsort([[1, 0, 0], [1, 1, 0]]) // [2, 1, 0]
 */
export function lexsort(keys: TensorLike | readonly TensorLike[]): Tensor {
  const list = Array.isArray(keys)
    ? (keys as readonly TensorLike[]).map(asTensor)
    : rows(asTensor(keys as TensorLike));
  if (list.length === 0)
    throw new BadArgument({
      did: 'lexsort of no keys',
      expected: 'at least one key',
      remedy: 'lexsort([minor, major])',
    });
  const axis = positiveAxis('lexsort', -1, list[0].ndim);
  return list
    .slice(1)
    .reduce<Tensor>(
      (order, key) => sorts.takeAlong(order, sorts.argsort(sorts.takeAlong(key, order, axis), axis), axis),
      sorts.argsort(list[0], axis),
    );
}

function rows(x: Tensor): Tensor[] {
  return Array.from({ length: x.shape[0] }, (_, i) => reshape(between(x, 0, i, i + 1), x.shape.slice(1)));
}

/**
 * The k largest elements along an axis, largest first, and their positions.
 *
 * @param options `axis`, default −1
 * @returns [values, int32 positions]
 * @example const [values, positions] = topK([3, 1, 2], 2) // [3, 2], [0, 2]
 * @throws BadArgument where the axis has fewer than k elements
 */
export function topK(
  x: TensorLike,
  k: number,
  options: number | { readonly axis?: number } = {},
): [values: Tensor, positions: Tensor] {
  const operand = asTensor(x);
  const axis = positiveAxis(
    'topK',
    (typeof options === 'number' ? options : options.axis) ?? -1,
    operand.ndim,
  );
  if (!Number.isInteger(k) || k < 0 || k > operand.shape[axis])
    throw new BadArgument({
      did: `topK of ${operand.aval} with k = ${k} along axis ${axis}`,
      expected: `an integer from 0 to ${operand.shape[axis]}`,
      remedy: 'topK(x, Math.min(k, x.shape[axis]))',
    });
  const positions = between(sorts.argsort(operand, axis, true), axis, 0, k);
  return [sorts.takeAlong(operand, positions, axis), positions];
}

/** The kth smallest in its place, none larger before it and none smaller after it. Here the axis is sorted whole. */
export function partition(
  x: TensorLike,
  _kth: number | readonly number[],
  options: SortArgument = {},
): Tensor {
  return sort(x, options);
}

/** The positions that partition: see {@link partition}. */
export function argpartition(
  x: TensorLike,
  _kth: number | readonly number[],
  options: SortArgument = {},
): Tensor {
  return argsort(x, options);
}

/** x < y where NaN is larger than all numbers. */
function before(x: Tensor, y: Tensor): Tensor {
  const smaller = less(x, y);
  return isFloat(x.dtype) ? or(smaller, and(primitiveIsNaN(y), not(primitiveIsNaN(x)))) : smaller;
}

/** By binary search, one comparison of all v at a time: how many leading elements come before each v. */
function search(sorted: Tensor, v: Tensor, right: boolean): Tensor {
  const n = sorted.shape[0];
  let found = full(v.shape, 0, 'int32');
  if (n === 0) return found;
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = add(found, constantLike(found, step));
    const element = gather(sorted, sub(next, constantLike(next, 1)));
    const goesOn = right ? not(before(v, element)) : before(element, v);
    const inside = lessEqual(next, constantLike(next, n));
    found = select(and(goesOn, inside), next, found);
  }
  return found;
}

export type Side = 'left' | 'right';

/**
 * Where values would be put into a sorted vector so that it stays sorted: before equal elements ('left') or after
 * them ('right').
 *
 * @returns int32 of the shape of v, from 0 to a.size
 * @example searchsorted([1, 2, 2, 3], 2) // 1; with { side: 'right' } it is 3
 * @throws ShapeMismatch where a is no vector
 */
export function searchsorted(
  a: TensorLike,
  v: TensorLike,
  options: Side | { readonly side?: Side } = {},
): Tensor {
  const { side = 'left' } = typeof options === 'string' ? { side: options } : options;
  const [sorted, values] = promote('searchsorted', [a, v]);
  if (sorted.ndim !== 1)
    throw new ShapeMismatch({
      did: `searchsorted in ${sorted.aval}`,
      expected: 'a sorted vector',
      remedy: 'vmap(searchsorted)(rows, values) searches in every row',
    });
  return search(sorted, values, side === 'right');
}

/**
 * The bin of each element: i with bins[i−1] ≤ x < bins[i], or with `right` bins[i−1] < x ≤ bins[i]. The bins increase,
 * or decrease where that is known (outside jit).
 *
 * @example digitize([0.5, 2.5], [0, 1, 2]) // [1, 3]
 */
export function digitize(
  x: TensorLike,
  bins: TensorLike,
  options: boolean | { readonly right?: boolean } = {},
): Tensor {
  const right = (typeof options === 'boolean' ? options : options.right) ?? false;
  const edges = asTensor(bins);
  const known = knownElements(edges);
  if (known !== null && known.length > 1 && known[0] > known[known.length - 1]) {
    const found = searchsorted(reverse(edges, [0]), x, right ? 'right' : 'left');
    return sub(constantLike(found, edges.size), found);
  }
  return searchsorted(edges, x, right ? 'left' : 'right');
}

export interface BincountOptions {
  /** The number of bins, for jit and vmap; larger integers are not counted. Default: the largest integer + 1. */
  readonly length?: number;
  /** At least so many bins. */
  readonly minlength?: number;
}

/**
 * How often each non-negative integer occurs, or the sum of the weights of its occurrences:
 * result[k] = Σ_i w_i·[x_i = k].
 *
 * Without `length` the values decide the shape: outside jit and vmap only.
 *
 * @returns int32 counts, or sums in the type of the weights
 * @example bincount([0, 1, 1, 3]) // [1, 2, 0, 1]
 * @throws DataDependentShape, IndexOutOfRange for a negative integer, ShapeMismatch
 */
export function bincount(
  x: TensorLike,
  weights?: TensorLike | BincountOptions | null,
  options: BincountOptions = {},
): Tensor {
  const { length, minlength = 0 } = isOptions(weights) ? (weights as BincountOptions) : options;
  const w =
    isOptions(weights) || weights === undefined || weights === null ? null : asTensor(weights as TensorLike);
  const values = integerTensor('bincount', x);
  const flat = reshape(values, [values.size]);
  if (w !== null && w.shape.join() !== values.shape.join())
    throw new ShapeMismatch({
      did: `bincount of ${values.aval} with weights ${w.aval}`,
      expected: 'a weight for every element',
      remedy: 'broadcastTo(weights, x.shape)',
    });
  const known =
    length === undefined
      ? decidingElements('bincount', flat, 'pass the number of bins: bincount(x, { length: n })')
      : knownElements(flat);
  known?.forEach(value => {
    if (value < 0) throw outOfRange('bincount', value, 0, length ?? 0);
  });
  const count =
    length ??
    (known as ArrayLike<number> & Int32Array).reduce((most, one) => Math.max(most, one + 1), minlength);
  const terms = w === null ? full([flat.size], 1, 'int32') : reshape(w, [flat.size]);
  return scatterAdd(full([count], 0, terms.dtype), terms, flat);
}

/** Whether each element of x is among those of a list. NaN is equal to nothing. */
export function isin(x: TensorLike, list: TensorLike): Tensor {
  const [operand, others] = promote('isin', [x, list]);
  if (others.size === 0) return full(operand.shape, 0, 'bool');
  const sorted = sorts.sort(reshape(others, [others.size]), 0);
  // The first element that is not before x is either equal to it or larger.
  const nearest = gather(sorted, search(sorted, operand, false));
  return and(lessEqual(nearest, operand), lessEqual(operand, nearest));
}
