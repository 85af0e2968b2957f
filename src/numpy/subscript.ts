/**
 * What an index such as x[1, ::-1, …, i] means, following NumPy: items are matched with axes here, and reading and
 * writing (indexing.ts) work on the result.
 */
import { range, showShape } from '../core/aval.ts';
import type { TypedArray } from '../core/dtype.ts';
import { BadArgument, IndexOutOfRange, ShapeMismatch } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { asTensor, broadcastShapes, broadcastTo, fromTyped, type TensorLike } from './array.ts';
import { decidingElements, integerTensor, positiveIndex, positiveIndices } from './positions.ts';

/** A part of an axis: start, start + step, … before stop; what is absent reaches to the end. */
export interface Slice {
  readonly start?: number | null | undefined;
  readonly stop?: number | null | undefined;
  readonly step?: number | null | undefined;
}

/**
 * One item of an index: an integer, a slice (or its NumPy spelling, '1:5:2'), null for a new axis, '...' for all axes
 * that are not named, integers (a tensor, or nested arrays), or a bool mask.
 */
export type IndexItem = number | Slice | string | null | Tensor | TypedArray | readonly TensorLike[];

/**
 * The slice from start up to stop, which is excluded, in steps. Negative numbers count from the end; absent ones
 * reach over the whole axis. Bounds beyond the axis are clipped.
 *
 * @example at(x, slice(1, 4)).get() // x[1:4]
 * @example at(x, slice(null, null, -1)).get() // x[::-1]
 */
export function slice(start?: number | null, stop?: number | null, step?: number | null): Slice {
  return { start: start ?? null, stop: stop ?? null, step: step ?? null };
}

/** A piece of one axis in increasing order, read backwards where `reversed`. */
export interface Piece {
  readonly start: number;
  readonly count: number;
  readonly stride: number;
  readonly reversed: boolean;
}

/** An axis of the result of slicing, before integer arrays are applied. */
export type ViewAxis = 'new' | 'kept' | 'indexed';

/** An index resolved against a shape. */
export interface Subscript {
  readonly shape: readonly number[];
  /** One for each axis of x. */
  readonly pieces: readonly Piece[];
  /** The extents that remain after slicing: without the axes of integers, with the new ones. */
  readonly view: readonly number[];
  /** The axes of the view that integer arrays index, and those arrays, of one shape. */
  readonly axes: readonly number[];
  readonly indices: readonly Tensor[];
  /** Where the axes of the integer arrays go: before this axis of those that are not indexed. */
  readonly place: number;
  readonly result: readonly number[];
}

type Item =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'slice'; readonly slice: Slice }
  | { readonly kind: 'new' }
  | { readonly kind: 'rest' }
  | { readonly kind: 'array'; readonly index: Tensor }
  | { readonly kind: 'mask'; readonly mask: Tensor };

const whole: Item = { kind: 'slice', slice: {} };

function parse(text: string): Item[] {
  return text.split(',').map(word => {
    const part = word.trim();
    if (part === '...' || part === '…') return { kind: 'rest' };
    if (part === 'null' || part === 'None') return { kind: 'new' };
    if (/^[+-]?\d+$/.test(part)) return { kind: 'integer', value: Number(part) };
    const bounds = part.split(':').map(bound => bound.trim());
    if (bounds.length < 2 || bounds.length > 3 || bounds.some(bound => !/^([+-]?\d+)?$/.test(bound)))
      throw new BadArgument({
        did: `index '${text}'`,
        expected: "integers, slices 'start:stop:step', '...' and 'null', separated by commas",
        remedy: "x.at('1:5, ::-1').get()",
      });
    const [start, stop, step] = bounds.map(bound => (bound === '' ? null : Number(bound)));
    return { kind: 'slice', slice: slice(start, stop, step) };
  });
}

function itemsOf(item: IndexItem): Item[] {
  if (item === null) return [{ kind: 'new' }];
  if (typeof item === 'number') return [{ kind: 'integer', value: item }];
  if (typeof item === 'string') return parse(item);
  if (item instanceof Tensor || ArrayBuffer.isView(item) || Array.isArray(item) || 'get' in Object(item)) {
    const tensor = asTensor(item as TensorLike);
    if (tensor.dtype === 'bool') return [{ kind: 'mask', mask: tensor }];
    // An empty list is a list of no indices.
    return [{ kind: 'array', index: integerTensor('at', item as TensorLike) }];
  }
  if (typeof item === 'object' && Object.keys(item).every(key => ['start', 'stop', 'step'].includes(key)))
    return [{ kind: 'slice', slice: item as Slice }];
  throw new BadArgument({
    did: `index with ${typeof item === 'object' ? `an object ${JSON.stringify(item)}` : `a ${typeof item}`}`,
    expected: "integers, slice(start, stop, step), '1:5:2', null, '...', integer tensors or bool masks",
    remedy: 'x.at(0, slice(1, 3)).get()',
  });
}

/** The indices, one tensor for each axis of the mask, of its true elements. Its values decide the shape. */
export function trueIndices(name: string, mask: Tensor): Tensor[] {
  const values = decidingElements(name, mask, 'write where(mask, a, b), which keeps the shape');
  const found: number[] = [];
  values.forEach((value, i) => {
    if (value !== 0) found.push(i);
  });
  let inner = mask.size;
  return mask.shape.map(extent => {
    inner /= extent;
    const step = inner;
    return fromTyped(
      Int32Array.from(found, i => Math.floor(i / step) % extent),
      [found.length],
      'int32',
    );
  });
}

/** The mask's indices, after a check that it covers the axes it stands for. */
function maskItems(mask: Tensor, shape: readonly number[], axis: number): Item[] {
  if (mask.ndim === 0 || mask.shape.some((extent, i) => extent !== shape[axis + i]))
    throw new ShapeMismatch({
      did: `index with a mask ${mask.aval} at axis ${axis} of a tensor of shape ${showShape(shape)}`,
      expected: `a mask of shape ${showShape(shape.slice(axis, axis + Math.max(1, mask.ndim)))}`,
      remedy: 'compare the tensor itself: x.at(x.greater(0)).get()',
    });
  return trueIndices('at with a mask', mask).map(index => ({ kind: 'array', index }));
}

function pieceOf({ start, stop, step }: Slice, extent: number): Piece {
  const by = step ?? 1;
  for (const bound of [start ?? 0, stop ?? 0, by])
    if (!Number.isInteger(bound) || by === 0)
      throw new BadArgument({
        did: `slice(${start ?? 'null'}, ${stop ?? 'null'}, ${step ?? 'null'})`,
        expected: 'integers, and a step other than 0',
        remedy: 'slice(0, 10, 2); for computed places index with an integer tensor',
      });
  const lowest = by > 0 ? 0 : -1;
  const highest = by > 0 ? extent : extent - 1;
  const clip = (bound: number): number =>
    Math.min(Math.max(bound < 0 ? bound + extent : bound, lowest), highest);
  const first = start === null || start === undefined ? (by > 0 ? lowest : highest) : clip(start);
  const end = stop === null || stop === undefined ? (by > 0 ? highest : lowest) : clip(stop);
  const count = Math.max(0, Math.ceil((end - first) / by));
  if (count === 0) return { start: 0, count: 0, stride: 1, reversed: false };
  return {
    start: by > 0 ? first : first + (count - 1) * by,
    count,
    stride: Math.abs(by),
    reversed: by < 0,
  };
}

const consumed = (item: Item): number => {
  if (item.kind === 'mask') return item.mask.ndim;
  return item.kind === 'new' || item.kind === 'rest' ? 0 : 1;
};

/** Items for exactly the axes of a shape: '...' spelled out, masks turned into indices. */
function matched(given: readonly IndexItem[], shape: readonly number[]): Item[] {
  const items = given.flatMap(itemsOf);
  const named = items.reduce((all, item) => all + consumed(item), 0);
  if (named > shape.length)
    throw new IndexOutOfRange({
      did: `index with ${named} items that each take an axis, of a tensor of shape ${showShape(shape)}`,
      expected: `at most ${shape.length}`,
      remedy: 'null makes a new axis and takes none',
    });
  const rests = items.filter(item => item.kind === 'rest').length;
  if (rests > 1)
    throw new BadArgument({
      did: `index with '...' ${rests} times`,
      expected: 'at most one',
      remedy: "write ':' for single axes",
    });
  if (rests === 0) items.push({ kind: 'rest' });
  let axis = 0;
  return items.flatMap(item => {
    const before = axis;
    axis += item.kind === 'rest' ? shape.length - named : consumed(item);
    if (item.kind === 'rest') return new Array<Item>(shape.length - named).fill(whole);
    return item.kind === 'mask' ? maskItems(item.mask, shape, before) : [item];
  });
}

/** Resolves an index against a shape. @throws IndexOutOfRange, BadArgument, ShapeMismatch, DataDependentShape */
export function subscript(given: readonly IndexItem[], shape: readonly number[]): Subscript {
  const items = matched(given, shape);
  const arrays = items.some(item => item.kind === 'array');
  const pieces: Piece[] = [];
  const view: number[] = [];
  const axes: number[] = [];
  const indices: Tensor[] = [];
  const at: number[] = [];
  items.forEach((item, number) => {
    if (item.kind === 'new') {
      view.push(1);
      return;
    }
    const axis = pieces.length;
    const extent = shape[axis];
    if (item.kind === 'slice') {
      const piece = pieceOf(item.slice, extent);
      pieces.push(piece);
      view.push(piece.count);
      return;
    }
    if (item.kind === 'integer' && !arrays) {
      const start = positiveIndex('at', item.value, axis, extent);
      pieces.push({ start, count: 1, stride: 1, reversed: false });
      return;
    }
    // Beside integer arrays an integer is one of them.
    const index = item.kind === 'array' ? item.index : integerTensor('at', (item as { value: number }).value);
    pieces.push({ start: 0, count: extent, stride: 1, reversed: false });
    axes.push(view.length);
    indices.push(positiveIndices('at', index, axis, extent));
    at.push(number);
    view.push(extent);
  });
  const common = broadcastShapes(
    'at with integer tensors',
    indices.map(index => index.shape),
  );
  // Indexed axes that are not neighbours leave no place of their own: theirs go to the front.
  const together = at.every((number, i) => i === 0 || number === at[i - 1] + 1);
  const place = together ? (axes[0] ?? 0) : 0;
  const rest = range(view.length).filter(axis => !axes.includes(axis));
  const kept = rest.map(axis => view[axis]);
  return {
    shape,
    pieces,
    view,
    axes,
    indices: indices.map(index => broadcastTo(index, common)),
    place,
    result: axes.length === 0 ? kept : [...kept.slice(0, place), ...common, ...kept.slice(place)],
  };
}
