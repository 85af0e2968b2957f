/** Extents that are numbers, or known only when the graph runs: times·n + plus for a batch of n examples. */
import { BadArgument } from '../../core/errors.ts';

export interface Affine {
  readonly times: number;
  readonly plus: number;
}

export type Extent = number | Affine;

export const isStatic = (extent: Extent): extent is number => typeof extent === 'number';

export const areStatic = (extents: readonly Extent[]): extents is readonly number[] =>
  extents.every(isStatic);

export function sameExtent(a: Extent, b: Extent): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return a.times === b.times && a.plus === b.plus;
}

export const sameExtents = (a: readonly Extent[], b: readonly Extent[]): boolean =>
  a.length === b.length && a.every((extent, i) => sameExtent(extent, b[i]));

/** The product; null where it is no multiple of n plus a number. */
export function product(extents: readonly Extent[]): Extent | null {
  let factor = 1;
  let moving: Affine | null = null;
  for (const extent of extents)
    if (typeof extent === 'number') factor *= extent;
    else if (moving !== null) return null;
    else moving = extent;
  return moving === null ? factor : { times: moving.times * factor, plus: moving.plus * factor };
}

export function shifted(extent: Extent, by: number): Extent {
  return typeof extent === 'number' ? extent + by : { times: extent.times, plus: extent.plus + by };
}

/** The name of an extent in the types of inputs and outputs. */
export function showExtent(extent: Extent, batch: string): number | string {
  if (typeof extent === 'number') return extent;
  const { times, plus } = extent;
  const scaled = times === 1 ? batch : `${times}*${batch}`;
  return plus === 0 ? scaled : plus > 0 ? `${scaled} + ${plus}` : `${scaled} - ${-plus}`;
}

/** The same function was traced for two sizes of the batch: what differs is a function of the size. */
export interface Sizes {
  readonly first: number;
  readonly second: number;
}

/** The extent that is a in the first trace and b in the second. */
export function between(sizes: Sizes | null, a: number, b: number, place?: string): Extent {
  if (a === b || sizes === null) return a;
  const times = (b - a) / (sizes.second - sizes.first);
  if (!Number.isInteger(times) || times < 1)
    throw new BadArgument({
      did: `exported with dynamicBatch a function in which an extent is ${a} for ${sizes.first} examples and ${b} for ${sizes.second}`,
      expected: 'extents that are a multiple of the number of examples plus a constant',
      remedy: 'leave dynamicBatch out: the graph then takes batches of the size of the arguments',
      ...(place ? { place } : {}),
    });
  return { times, plus: a - times * sizes.first };
}
