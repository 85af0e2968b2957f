/** An iteration over a data set, which can be stopped and gone on with. */
import type { Json } from '../io/json.ts';
import { type Cursor, done, fieldsOf, type Stage } from './stages/cursor.ts';

/** Where an iteration is: plain JSON. */
export interface DatasetState {
  readonly epoch: number;
  readonly at: Json;
}

export interface IterateOptions {
  /** Which epoch: shuffles have another order in each. Default 0. */
  readonly epoch?: number;
  /** Goes on where another iteration of the same data set was; the epoch is in it. With null, from the start. */
  readonly state?: DatasetState | Json | undefined;
  /** Ends the iteration with the signal's reason when it is aborted, also in the middle of an element. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What `for await` runs over. Stopping early (`break`, or an error in the loop) closes the files and generators that
 * are open.
 */
export class DatasetIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #cursor: Cursor<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #epoch: number;
  #at: Json;
  #finished = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stage: Stage<T>, { epoch = 0, state, signal }: IterateOptions) {
    const resumed =
      state === undefined || state === null ? undefined : fieldsOf('a data set', state as Json, ['epoch']);
    this.#epoch = resumed?.epoch ?? epoch;
    this.#cursor = stage.start(this.#epoch, resumed?.at);
    this.#at = this.#cursor.state();
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Where the iteration is, after the element last given: plain data for `dataset.iterate({ state })`, which gives
   * exactly the elements that would have followed. Elements are not in it: it is small whatever is in buffers.
   *
   * @example await saveCheckpoint(path, { model, data: iterator.state() })
   */
  state(): DatasetState {
    return { epoch: this.#epoch, at: this.#at };
  }

  /** Calls that do not wait for one another are answered in their order. */
  next(): Promise<IteratorResult<T, undefined>> {
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => {});
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#finished) {
      this.#finished = true;
      await this.#cursor.close();
    }
    return done;
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#finished) return done;
    try {
      const result = await this.#unlessAborted(() => this.#cursor.next());
      // Stopped meanwhile.
      if (this.#finished) return done;
      this.#at = this.#cursor.state();
      if (result.done) await this.return();
      return result;
    } catch (error) {
      this.#finished = true;
      // What was wrong first is told. An aborted iteration does not wait for what is under way.
      const closing = this.#cursor.close().catch(() => {});
      if (!this.#signal?.aborted) await closing;
      throw error;
    }
  }

  #unlessAborted<R>(work: () => Promise<R>): Promise<R> {
    const signal = this.#signal;
    if (signal === undefined) return work();
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const stop = (): void => signal.removeEventListener('abort', abort);
      work().then(
        value => {
          stop();
          resolve(value);
        },
        error => {
          stop();
          reject(error);
        },
      );
    });
  }
}
