/** Where elements come from: lists that can be read anywhere, and streams that are read from the start. */
import { BadArgument } from '../../core/errors.ts';
import { type Cursor, done, fieldsOf, type OrderOf, otherState, type Stage } from './cursor.ts';

/** Elements that can be read in any order. */
export interface Indexed<T> {
  readonly length: number;
  at(index: number): T | Promise<T>;
}

/** Elements that can be read several at once. */
export interface Stacked<T> extends Indexed<T> {
  /** The elements at these positions, joined along a new first axis. */
  stack?(positions: Int32Array): unknown;
}

/** A list, in its own order or in one for each epoch. */
export function listStage<T>(list: Stacked<T>, orderOf?: OrderOf): Stage<T> {
  const { length } = list;
  return {
    length,
    permuted: other =>
      listStage(list, orderOf === undefined ? other : epoch => composed(orderOf(epoch), other(epoch))),
    start(epoch, state): Cursor<T> {
      let position = 0;
      if (state !== undefined) {
        const at = fieldsOf('a list', state, ['position', 'length']);
        if (at.length !== length || at.position > length)
          throw otherState(`a list of ${length} elements`, state);
        position = at.position;
      }
      let order: Int32Array | undefined;
      const placeOf = (i: number): number => {
        if (orderOf === undefined) return i;
        order ??= orderOf(epoch);
        return order[i];
      };
      const { stack } = list;
      const cursor: Cursor<T> = {
        async next() {
          if (position >= length) return done;
          // Not counted before it is there.
          const value = await list.at(placeOf(position));
          position++;
          return { done: false, value };
        },
        state: () => ({ position, length }),
        close: () => Promise.resolve(),
      };
      if (stack !== undefined)
        cursor.chunk = async (size, dropLast) => {
          const count = Math.min(size, length - position);
          if (count === 0 || (count < size && dropLast)) {
            position = length;
            return done;
          }
          const from = position;
          const value = stack.call(
            list,
            Int32Array.from({ length: count }, (_, i) => placeOf(from + i)),
          );
          position += count;
          return { done: false, value };
        };
      return cursor;
    },
  };
}

const composed = (first: Int32Array, second: Int32Array): Int32Array => second.map(i => first[i]);

/** What an iteration can begin on again and again. */
export type Opener<T> = () => Iterable<T> | AsyncIterable<T>;

/** A stream, opened anew for each epoch. Resuming reads again, and drops, what had been read. */
export function streamStage<T>(open: Opener<T>): Stage<T> {
  return {
    length: undefined,
    start(_, state): Cursor<T> {
      let position = state === undefined ? 0 : fieldsOf('a stream', state, ['position']).position;
      if (state !== undefined && Object.hasOwn(state as object, 'length'))
        throw otherState('a stream', state);
      let iterator: Iterator<T> | AsyncIterator<T> | undefined;
      const skipTo = position;
      return {
        async next() {
          if (iterator === undefined) {
            iterator = iteratorOf(open());
            for (let i = 0; i < skipTo; i++)
              if ((await iterator.next()).done)
                throw otherState(`a stream of ${i} elements`, { position: skipTo });
          }
          const { done: ended, value } = await iterator.next();
          if (ended) return done;
          position++;
          return { done: false, value: value as T };
        },
        state: () => ({ position }),
        async close() {
          await iterator?.return?.();
        },
      };
    },
  };
}

function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new BadArgument({
    did: `from a function that returned ${source === null ? 'null' : typeof source}`,
    expected: 'an iterable or async iterable',
    remedy: 'from(async function* () { yield … })',
  });
}

/** Opens a generator the first time only: it cannot begin again. */
export function once<T>(generator: Iterable<T> | AsyncIterable<T>): Opener<T> {
  let opened = false;
  return () => {
    if (opened)
      throw new BadArgument({
        did: 'a second iteration over a generator, which can be run through once',
        expected: 'a source that can begin again',
        remedy: 'pass the generator function itself: from(async function* () { … })',
      });
    opened = true;
    return generator;
  };
}
