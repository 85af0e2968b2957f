/** Elements made before they are asked for. */
import type { Json } from '../../io/json.ts';
import { type Cursor, done, type Stage } from './cursor.ts';

interface Prepared<U> {
  readonly result: IteratorResult<U, undefined>;
  /** Of what follows this element. */
  readonly state: Json;
}

/**
 * A cursor that is up to `depth` elements ahead of the one last given. Elements are pulled one after the other; where
 * there is an `f`, it works on all of them at once. They are given in their order.
 */
export function ahead<T, U = T>(
  upstream: Cursor<T>,
  depth: number,
  f?: (element: T) => U | Promise<U>,
): Cursor<U> {
  let state = upstream.state();
  let closed = false;
  let ended = false;
  let pulled: Promise<unknown> = Promise.resolve();
  const queue: Promise<Prepared<U>>[] = [];

  const pull = (): Promise<Prepared<U>> => {
    const pulling = pulled.then(async (): Promise<Prepared<T>> => {
      if (closed || ended) return { result: done, state: upstream.state() };
      const result = await upstream.next();
      if (result.done) ended = true;
      return { result, state: upstream.state() };
    });
    // An error stops what would be pulled after it.
    pulled = pulling;
    const prepared = pulling.then(async ({ result, state }): Promise<Prepared<U>> => {
      if (result.done) return { result, state };
      const value = f === undefined ? (result.value as unknown as U) : await f(result.value);
      return { result: { done: false, value }, state };
    });
    // It is told when its turn comes, if it comes.
    prepared.catch(() => {});
    pulling.catch(() => {});
    return prepared;
  };

  return {
    async next() {
      const first = queue.shift() ?? pull();
      while (queue.length < depth && !ended && !closed) queue.push(pull());
      const prepared = await first;
      state = prepared.state;
      return prepared.result;
    },
    state: () => state,
    async close() {
      closed = true;
      queue.length = 0;
      await upstream.close();
    },
  };
}

export function prefetchStage<T>(upstream: Stage<T>, depth: number): Stage<T> {
  return {
    length: upstream.length,
    start: (epoch, state) => ahead(upstream.start(epoch, state), depth),
  };
}
