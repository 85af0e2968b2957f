/** What a pipeline is made of: stages, which describe it, and cursors, which run through it once. */
import { BadArgument } from '../../core/errors.ts';
import type { Json } from '../../io/json.ts';

/** Runs through the elements of one epoch. Its methods are called one after the other, never two at once. */
export interface Cursor<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** From where another cursor goes on with the element after the last one; not while `next` is under way. */
  state(): Json;
  /** Closes what is open; also while `next` is under way, which then may or may not give an element. */
  close(): Promise<void>;
  /** The next elements joined to one, at most `size` of them, where that is quicker than one by one. */
  chunk?(size: number, dropLast: boolean): Promise<IteratorResult<unknown, undefined>>;
}

/** The order of the elements in an epoch: the position of each among all. */
export type OrderOf = (epoch: number) => Int32Array;

export interface Stage<T> {
  /** The number of elements in an epoch, where it is known before. */
  readonly length: number | undefined;
  start(epoch: number, state: Json | undefined): Cursor<T>;
  /** The same elements in another order, where the source can be read anywhere. */
  permuted?(order: OrderOf): Stage<T>;
}

export const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** A state as an object with numbers of these names. @throws BadArgument for a state of another pipeline */
export function fieldsOf<K extends string>(
  stage: string,
  state: Json,
  names: readonly K[],
): Record<K, number> & { readonly [key: string]: Json } {
  const record =
    typeof state === 'object' && state !== null ? (state as { readonly [key: string]: Json }) : {};
  for (const name of names)
    if (!(Number.isSafeInteger(record[name]) && (record[name] as number) >= 0))
      throw otherState(stage, state);
  return record as Record<K, number> & { readonly [key: string]: Json };
}

export function otherState(stage: string, state: Json | undefined): BadArgument {
  const text = JSON.stringify(state) ?? 'undefined';
  return new BadArgument({
    did: `resumed ${stage} from the state ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`,
    expected: 'a state that an iterator of the same data set gave',
    remedy: 'build the data set as before: from(…).shuffle(…).batch(…).iterate({ state })',
  });
}

/** @throws BadArgument where a number of elements is none */
export function requireCount(name: string, value: number, remedy: string): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new BadArgument({ did: `${name} ${String(value)}`, expected: 'a positive integer', remedy });
  return value;
}
