/** Epochs one after the other, and the first elements of one. */
import type { Json } from '../../io/json.ts';
import { type Cursor, done, fieldsOf, type Stage } from './cursor.ts';

export function repeatStage<T>(upstream: Stage<T>, epochs: number): Stage<T> {
  return {
    length: upstream.length === undefined || epochs === Infinity ? undefined : upstream.length * epochs,
    start(outer, state): Cursor<T> {
      let round = 0;
      let within: Json | undefined;
      if (state !== undefined) {
        const at = fieldsOf('a repetition', state, ['repeated']);
        round = at.repeated;
        within = at.upstream;
      }
      const begin = (from: Json | undefined): Cursor<T> =>
        upstream.start((Number.isFinite(epochs) ? outer * epochs : 0) + round, from);
      let cursor = begin(within);
      let some = state !== undefined;
      return {
        async next() {
          for (;;) {
            const result = await cursor.next();
            if (!result.done) {
              some = true;
              return result;
            }
            // Nothing for ever would never end.
            if (round + 1 >= epochs || !some) return done;
            await cursor.close();
            round++;
            some = false;
            cursor = begin(undefined);
          }
        },
        state: () => ({ repeated: round, upstream: cursor.state() }),
        close: () => cursor.close(),
      };
    },
  };
}

export function takeStage<T>(upstream: Stage<T>, count: number): Stage<T> {
  return {
    length: upstream.length === undefined ? undefined : Math.min(count, upstream.length),
    start(epoch, state): Cursor<T> {
      const at = state === undefined ? undefined : fieldsOf('take', state, ['taken']);
      let taken = at?.taken ?? 0;
      const cursor = upstream.start(epoch, at?.upstream);
      return {
        async next() {
          if (taken >= count) return done;
          const result = await cursor.next();
          if (!result.done) taken++;
          return result;
        },
        state: () => ({ taken, upstream: cursor.state() }),
        close: () => cursor.close(),
      };
    },
  };
}
