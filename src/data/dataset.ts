/** Data sets as pipelines: where examples come from, and what happens to them on the way. */
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import * as tree from '../core/tree.ts';
import { fromTyped } from '../numpy/array.ts';
import { key as keyOf } from '../random/key.ts';
import { leafTensor, type Outputs } from '../transforms/arguments.ts';
import { countOf, pickAll } from './batches.ts';
import { DatasetIterator, type IterateOptions } from './iterator.ts';
import { prefetchStage } from './stages/ahead.ts';
import { type Batched, batchStage, rowOf } from './stages/batch.ts';
import { requireCount, type Stage } from './stages/cursor.ts';
import { filterStage, mapStage } from './stages/map.ts';
import { repeatStage, takeStage } from './stages/repeat.ts';
import { bufferStage, wholeOrder } from './stages/shuffle.ts';
import { type Indexed, listStage, type Opener, once, type Stacked, streamStage } from './stages/source.ts';

export interface MapOptions {
  /** How many elements an asynchronous function may work on at once. They keep their order. Default 1. */
  readonly concurrency?: number;
}

export interface ShuffleOptions {
  /** Where the order comes from: a key, or a seed for one (default 0). Every epoch has another order. */
  readonly key?: Tensor;
  readonly seed?: number;
  /**
   * How many elements to draw from at a time. Without it all orders are alike, which needs a source that can be read
   * anywhere: an array, tensors, a folder of images.
   */
  readonly buffer?: number;
}

export interface DatasetBatchOptions {
  /** Leaves out a last batch that is smaller, so that all have one shape. Default false. */
  readonly dropLast?: boolean;
}

export interface CollateOptions<T, U> extends DatasetBatchOptions {
  /** Joins elements in another way than by stacking them. */
  readonly collate: (elements: readonly T[]) => U | Promise<U>;
}

/**
 * Elements that come one after the other, again in every epoch; made by {@link from}. A data set is only a description:
 * each step gives a new one, and nothing is read before it is iterated over.
 *
 * An iteration can be stopped and gone on with at any element: {@link DatasetIterator.state} and
 * `iterate({ state })`.
 *
 * @example
 * const examples = from({ x: images, y: labels }).shuffle({ seed: 0 }).batch(64, { dropLast: true }).prefetch(2)
 * for (let epoch = 0; epoch < 5; epoch++) for await (const { x, y } of examples.iterate({ epoch })) step(x, y)
 */
export class Dataset<T> implements AsyncIterable<T> {
  readonly #stage: Stage<T>;

  constructor(stage: Stage<T>) {
    this.#stage = stage;
  }

  /** How many elements an epoch has; undefined where that shows only at its end. */
  get length(): number | undefined {
    return this.#stage.length;
  }

  /**
   * f of every element, in their order. f may be asynchronous; what it throws reaches the consumer.
   * @example from(paths).map(readImage, { concurrency: 8 })
   */
  map<U>(f: (element: T) => U | Promise<U>, options: MapOptions = {}): Dataset<U> {
    const { concurrency = 1 } = options;
    requireFunction('map', f);
    requireCount('map with concurrency', concurrency, 'map(f, { concurrency: 4 })');
    return new Dataset(mapStage(this.#stage, f, concurrency));
  }

  /** The elements for which the function gives true. @example from(rows).filter(row => row.age >= 18) */
  filter(keeps: (element: T) => boolean | Promise<boolean>): Dataset<T> {
    requireFunction('filter', keeps);
    return new Dataset(filterStage(this.#stage, keeps));
  }

  /**
   * The elements in a random order, which the key and the epoch decide.
   *
   * With a `buffer`, each element is drawn from that many, and the next one takes its place; going on from a state
   * reads again what is in the buffer, and no further back than its oldest element. Put it before `batch`.
   *
   * @example from(rows).shuffle({ seed: 1, buffer: 10000 })
   * @throws BadArgument without a buffer where the source is a stream
   */
  shuffle(options: ShuffleOptions = {}): Dataset<T> {
    const { key = keyOf(options.seed ?? 0), buffer } = options;
    const { length, permuted } = this.#stage;
    if (buffer !== undefined) {
      requireCount('shuffle with a buffer of', buffer, 'shuffle({ buffer: 1000 })');
      return new Dataset(bufferStage(this.#stage, buffer, key));
    }
    if (permuted === undefined || length === undefined)
      throw new BadArgument({
        did: 'shuffle without a buffer of elements that can be read in one order only',
        expected: 'a buffer to draw from, or shuffle directly after a list (and its maps)',
        remedy: 'shuffle({ seed: 0, buffer: 1000 })',
      });
    return new Dataset(permuted(wholeOrder(key, length)));
  }

  /**
   * Elements joined by `size`. Trees of one structure are stacked: tensors, typed arrays and numbers (as float32) to
   * tensors with a new axis 0, text to lists. Of tensors that are directly before (also shuffled), a batch is made at
   * once; give `map` batches rather than elements where that is possible.
   *
   * @example from({ x, y }).shuffle().batch(32)
   * @example from(sentences).batch(32, { collate: pad })
   */
  batch(size: number, options?: DatasetBatchOptions): Dataset<Batched<T>>;
  batch<U>(size: number, options: CollateOptions<T, U>): Dataset<U>;
  batch(
    size: number,
    options: DatasetBatchOptions & Partial<CollateOptions<T, unknown>> = {},
  ): Dataset<unknown> {
    const { dropLast = false, collate } = options;
    requireCount('batch of size', size, 'batch(64)');
    return new Dataset(batchStage(this.#stage, size, dropLast, collate));
  }

  /**
   * Works ahead: up to n elements are being made while the consumer works on one. It gains time where the work before
   * it waits for something, such as files.
   * @example from(paths).map(readImage).batch(64).prefetch(2)
   */
  prefetch(n = 1): Dataset<T> {
    requireCount('prefetch of', n, 'prefetch(2)');
    return new Dataset(prefetchStage(this.#stage, n));
  }

  /** All elements, several epochs one after the other; without a number, for ever. @example data.repeat(3) */
  repeat(epochs: number = Infinity): Dataset<T> {
    if (epochs !== Infinity) requireCount('repeat', epochs, 'repeat(3), or repeat() for ever');
    return new Dataset(repeatStage(this.#stage, epochs));
  }

  /** The first elements of an epoch. @example data.take(100) */
  take(count: number): Dataset<T> {
    requireCount('take', count, 'take(100)');
    return new Dataset(takeStage(this.#stage, count));
  }

  /**
   * Runs through an epoch.
   *
   * @example
   * const iterator = data.iterate({ epoch: 3 })
   * for await (const batch of iterator) { …; if (full) break }
   * const rest = data.iterate({ state: iterator.state() })
   * @throws BadArgument for a state of another data set
   */
  iterate(options: IterateOptions = {}): DatasetIterator<T> {
    const { epoch = 0 } = options;
    if (!Number.isSafeInteger(epoch) || epoch < 0)
      throw new BadArgument({
        did: `iterate over epoch ${String(epoch)}`,
        expected: 'a number of epochs, from 0 on',
        remedy: 'data.iterate({ epoch: 0 })',
      });
    return new DatasetIterator(this.#stage, options);
  }

  [Symbol.asyncIterator](): DatasetIterator<T> {
    return this.iterate();
  }

  /** All elements of an epoch. @example const [first] = await data.take(1).toArray() */
  async toArray(options: IterateOptions = {}): Promise<T[]> {
    const all: T[] = [];
    for await (const element of this.iterate(options)) all.push(element);
    return all;
  }
}

function requireFunction(name: string, f: unknown): void {
  if (typeof f !== 'function')
    throw new BadArgument({
      did: `${name} of ${f === null ? 'null' : typeof f}`,
      expected: 'a function of an element',
      remedy: `data.${name}(element => …)`,
    });
}

/**
 * A data set of what there is.
 *
 * - an array: its elements
 * - a tensor, or a plain object (or other tree) of tensors: one element for each place along axis 0, a tree like it
 * - `{ length, at(i) }`: the elements that `at` gives, perhaps later; they can be read in any order
 * - a function: what it returns, an iterable or async iterable, is opened anew in every epoch
 * - an iterable or async iterable; a generator, which cannot begin again, gives one epoch
 *
 * @example from({ x: images, y: labels })
 * @example from([1, 2, 3]).map(x => x * x)
 * @example from(async function* () { for await (const line of file.readLines()) yield JSON.parse(line) })
 * @throws BadArgument, ShapeMismatch where tensors have unequally many examples, WrongTree
 */
export function from<T>(source: Dataset<T> | readonly T[]): Dataset<T>;
export function from<T>(source: Opener<T> | AsyncIterable<T> | Indexed<T>): Dataset<T>;
export function from<T extends Tensor | object>(
  source: T,
): Dataset<T extends Iterable<infer E> ? E : Outputs<T>>;
export function from(source: unknown): Dataset<unknown> {
  if (source instanceof Dataset) return source;
  if (Array.isArray(source))
    return new Dataset(listStage({ length: source.length, at: i => source[i] as unknown }));
  if (typeof source === 'function') return new Dataset(streamStage(source as Opener<unknown>));
  if (typeof source !== 'object' || source === null)
    throw new BadArgument({
      did: `from of ${source === null ? 'null' : typeof source}`,
      expected: 'an array, tensors, a function that opens a stream, or an iterable',
      remedy: 'from([1, 2, 3]), or from({ x, y })',
    });
  if (source instanceof Tensor || ArrayBuffer.isView(source)) return new Dataset(listStage(rowsOf(source)));
  const iterable = source as Iterable<unknown> & AsyncIterable<unknown>;
  if (Symbol.asyncIterator in source || (Symbol.iterator in source && !(source instanceof Map))) {
    const iteratorSymbol = Symbol.asyncIterator in source ? Symbol.asyncIterator : Symbol.iterator;
    const startsOnce = iteratorSymbol in source && 'next' in source;
    return new Dataset(streamStage(startsOnce ? once(iterable) : () => iterable));
  }
  const list = source as Partial<Indexed<unknown>>;
  if (typeof list.length === 'number' && typeof list.at === 'function')
    return new Dataset(listStage(source as Indexed<unknown>));
  return new Dataset(listStage(rowsOf(source)));
}

/** The examples of a tree of tensors. */
function rowsOf(data: unknown): Stacked<unknown> {
  const tensors = tree.map((leaf: unknown) => leafTensor(leaf), data);
  return {
    length: countOf('from', tensors),
    at: i => tree.map((x: Tensor) => rowOf(x, i), tensors),
    stack: positions => pickAll(tensors, fromTyped(positions, [positions.length], 'int32')),
  };
}
