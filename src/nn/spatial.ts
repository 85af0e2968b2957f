/** Strides, windows and paddings of the spatial axes, as convolution and pooling take them. */
import { range } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import { samePadding } from '../primitives/conv.ts';

/**
 * 'valid': nothing is added. 'same': zeros on both sides, so that ⌈extent / stride⌉ places come out. A number: so many
 * on both sides of every spatial axis. A list: for each spatial axis the number on both sides, or those before and
 * after; negative ones cut off.
 */
export type Padding = 'valid' | 'same' | number | readonly (number | readonly [low: number, high: number])[];

/** A number holds for every spatial axis. */
export type PerAxis = number | readonly number[];

/** As a list, checked. @throws BadArgument */
export function perAxis(
  name: string,
  what: string,
  value: PerAxis,
  spatial: number,
  least = 1,
): readonly number[] {
  const list = typeof value === 'number' ? range(spatial).map(() => value) : value;
  if (!Array.isArray(list) || list.length !== spatial || list.some(n => !Number.isInteger(n) || n < least))
    throw new BadArgument({
      did: `${name} with ${what} ${JSON.stringify(value)}`,
      expected: `${least === 1 ? 'a positive integer' : 'an integer that is not negative'}, or one for each of the ${spatial} spatial axes`,
      remedy: `${what}: ${
        spatial === 1
          ? '[2]'
          : `[${range(spatial)
              .map(() => 2)
              .join(', ')}]`
      }`,
    });
  return list;
}

/** A window's extents and how it moves, one for each spatial axis. */
export interface Sliding {
  readonly extents: readonly number[];
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
}

/** Elements before and after each axis. @throws BadArgument */
export function pairs(
  name: string,
  padding: Padding,
  { extents, window, strides, dilation }: Sliding,
): readonly (readonly [low: number, high: number])[] {
  if (padding === 'valid') return extents.map(() => [0, 0] as const);
  if (padding === 'same') return samePadding(extents, window, strides, dilation);
  const list: readonly unknown[] = typeof padding === 'number' ? extents.map(() => padding) : padding;
  const isPair = (pair: unknown): pair is readonly [number, number] =>
    Array.isArray(pair) && pair.length === 2 && pair.every(Number.isInteger);
  const pairs = Array.isArray(list) ? list.map(n => (Number.isInteger(n) ? [n, n] : n) as unknown) : [];
  if (pairs.length !== extents.length || !pairs.every(isPair))
    throw new BadArgument({
      did: `${name} with padding ${JSON.stringify(padding)}`,
      expected: `'valid', 'same', a number, or [before, after] for each of the ${extents.length} spatial axes`,
      remedy: `padding: [${extents.map(() => '[1, 1]').join(', ')}]`,
    });
  return pairs;
}
