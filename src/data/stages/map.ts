/** Functions of elements. */

import { ahead } from './ahead.ts';
import type { Cursor, Stage } from './cursor.ts';

export function mapStage<T, U>(
  upstream: Stage<T>,
  f: (element: T) => U | Promise<U>,
  concurrency: number,
): Stage<U> {
  const stage: Stage<U> = {
    length: upstream.length,
    start(epoch, state): Cursor<U> {
      const cursor = upstream.start(epoch, state);
      if (concurrency > 1) return ahead(cursor, concurrency - 1, f);
      return {
        async next() {
          const result = await cursor.next();
          return result.done ? result : { done: false, value: await f(result.value) };
        },
        state: () => cursor.state(),
        close: () => cursor.close(),
      };
    },
  };
  const { permuted } = upstream;
  // The order is decided below, so that f may run ahead.
  if (permuted !== undefined) stage.permuted = order => mapStage(permuted(order), f, concurrency);
  return stage;
}

export function filterStage<T>(
  upstream: Stage<T>,
  keeps: (element: T) => boolean | Promise<boolean>,
): Stage<T> {
  return {
    length: undefined,
    start(epoch, state): Cursor<T> {
      const cursor = upstream.start(epoch, state);
      return {
        async next() {
          for (;;) {
            const result = await cursor.next();
            if (result.done || (await keeps(result.value))) return result;
          }
        },
        state: () => cursor.state(),
        close: () => cursor.close(),
      };
    },
  };
}
