/** Integer indices: checked where their values are known, and counted from the front. */
import { range } from '../core/aval.ts';
import { allocate, type TypedArray } from '../core/dtype.ts';
import {
  BadArgument,
  ConcreteValueNeeded,
  DataDependentShape,
  DTypeMismatch,
  IndexOutOfRange,
} from '../core/errors.ts';
import { ConcreteTensor, Tensor } from '../core/tensor.ts';
import { add, cast, max, min, rem } from '../primitives/arithmetic.ts';
import { constantLike } from '../primitives/broadcast.ts';
import { less, select } from '../primitives/compare.ts';
import { gather } from '../primitives/gather.ts';
import { permute } from '../primitives/layout.ts';
import { asTensor, fromTyped, type TensorLike } from './array.ts';

/**
 * What becomes of an index out of range. 'raise' throws where the values are known; while tracing they are not, and
 * it then reads the nearest element and drops what would be written. 'clip' takes the nearest index, 'wrap' counts on
 * from the other end.
 */
export type IndexMode = 'raise' | 'clip' | 'wrap';

/** The elements where they are known now, null inside jit and vmap. */
export function knownElements(x: Tensor): TypedArray | null {
  return x instanceof ConcreteTensor ? x.storage.read() : null;
}

/** The elements of a tensor that decide a shape. @throws DataDependentShape where they are not known */
export function decidingElements(name: string, x: Tensor, remedy: string): TypedArray {
  try {
    return x.concrete(name).elements();
  } catch (error) {
    if (!(error instanceof ConcreteValueNeeded)) throw error;
    throw new DataDependentShape({
      did: `${name} of a tensor ${x.aval} whose values are not known while tracing`,
      expected:
        'a result whose shape follows from the shapes of the operands: jit and vmap run the function once for all values',
      remedy: `${remedy}; or call ${name} outside jit and vmap`,
    });
  }
}

/** Integers as an int32 tensor. @throws DTypeMismatch for floats, BadArgument for fractions */
export function integerTensor(name: string, value: TensorLike): Tensor {
  const wrong = (what: string): DTypeMismatch =>
    new DTypeMismatch({
      did: `${name} with an index ${what}`,
      expected: 'integers',
      remedy: "convert it: i.astype('int32')",
    });
  const given = asTensor(value);
  if (value instanceof Tensor || ArrayBuffer.isView(value) || 'get' in Object(value)) {
    if (given.aval.isFloat || given.dtype === 'bool') throw wrong(String(given.aval));
    return cast32(given);
  }
  // Nested arrays of JavaScript numbers are float32 by default, indices all the same.
  const known = knownElements(given);
  if (known !== null && (given.dtype === 'bool' || known.some(x => !Number.isInteger(x))))
    throw wrong('with fractions or booleans');
  if (known === null && given.aval.isFloat) throw wrong(String(given.aval));
  return known === null ? cast32(given) : fromTyped(Int32Array.from(known), given.shape, 'int32');
}

function cast32(x: Tensor): Tensor {
  return x.dtype === 'int32' ? x : cast(x, 'int32');
}

export function outOfRange(name: string, index: number, axis: number, extent: number): IndexOutOfRange {
  return new IndexOutOfRange({
    did: `${name}: index ${index} along axis ${axis}, which has ${extent} element${extent === 1 ? '' : 's'}`,
    expected: extent === 0 ? 'no index: the axis is empty' : `an integer from ${-extent} to ${extent - 1}`,
    remedy:
      "count from 0, or from −1 for the last; slices such as slice(0, n) and take(x, i, { mode: 'clip' }) may reach over the end",
  });
}

/** A JavaScript integer counted from the front. @throws IndexOutOfRange */
export function positiveIndex(name: string, index: number, axis: number, extent: number): number {
  if (!Number.isInteger(index))
    throw new BadArgument({
      did: `${name} with the index ${index}`,
      expected: 'an integer',
      remedy: 'round it first: Math.floor(i)',
    });
  if (index < -extent || index >= extent) throw outOfRange(name, index, axis, extent);
  return index < 0 ? index + extent : index;
}

/** Indices along an axis, counted from the front. @throws IndexOutOfRange where the values are known */
export function positiveIndices(
  name: string,
  index: Tensor,
  axis: number,
  extent: number,
  mode: IndexMode = 'raise',
): Tensor {
  if (extent === 0 && index.size > 0) throw outOfRange(name, 0, axis, 0);
  const known = knownElements(index);
  if (known !== null) {
    const at = Int32Array.from(known, i => {
      if (mode === 'wrap') return ((i % extent) + extent) % extent;
      if (mode === 'clip') return Math.min(Math.max(i, 0), extent - 1);
      return positiveIndex(name, i, axis, extent);
    });
    return fromTyped(at, index.shape, 'int32');
  }
  const n = constantLike(index, extent);
  const zero = constantLike(index, 0);
  if (mode === 'wrap') return rem(add(rem(index, n), n), n);
  if (mode === 'clip') return max(min(index, constantLike(index, extent - 1)), zero);
  return select(less(index, zero), add(index, n), index);
}

/** result[a…, s…, b…] = x[a…, index[s…], b…], the index standing in place of the axis. */
export function gatherAlong(x: Tensor, axis: number, index: Tensor): Tensor {
  const rest = range(x.ndim).filter(i => i !== axis);
  const found = gather(axis === 0 ? x : permute(x, [axis, ...rest]), index);
  if (axis === 0) return found;
  const order = range(axis).map(i => index.ndim + i);
  return permute(found, [
    ...order,
    ...range(index.ndim),
    ...range(x.ndim - axis - 1).map(i => index.ndim + axis + i),
  ]);
}

/** The elements of x at places known beforehand along an axis. */
export function pick(x: Tensor, axis: number, at: readonly number[]): Tensor {
  const index = allocate('int32', at.length);
  index.set(at);
  return gatherAlong(x, axis, fromTyped(index, [at.length], 'int32'));
}
