/** Where batches come from: trees of tensors, pipelines, and functions of the epoch. */
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { flatten } from '../core/tree.ts';
import { batches } from '../data/batches.ts';
import { foldIn } from '../random/key.ts';

/** An iterator that tells where it is, so that another can go on from there. */
export interface ResumableIterator<B> extends AsyncIterator<B> {
  /** Plain JSON. */
  state(): unknown;
}

/** A pipeline such as `cotangent/data` makes: every run through it is an epoch. */
export interface Pipeline<B> {
  iterate(options?: {
    /** Counted from 0. */
    readonly epoch?: number;
    readonly state?: unknown;
    readonly signal?: AbortSignal;
  }): ResumableIterator<B>;
}

/**
 * A tree of tensors whose first axis counts the examples; a pipeline; something that can be iterated again for each
 * epoch; or a function of the epoch, counted from 1, that gives its batches.
 */
export type Batches<B> =
  | B
  | Pipeline<B>
  | Iterable<B>
  | AsyncIterable<B>
  | ((epoch: number) => Iterable<B> | AsyncIterable<B>);

export interface SourceOptions {
  /** Examples in a batch of a tree of tensors. */
  readonly batchSize: number;
  /** Null: in their own order. */
  readonly shuffle: Tensor | null;
  readonly signal?: AbortSignal | undefined;
}

/** The batches of one epoch. */
export interface Epoch<B> {
  next(): Promise<B | null> | B | null;
  /** What a later run needs to go on behind the batches that were taken: plain JSON. */
  state(): unknown;
  /** Ends it early. */
  close(): Promise<void>;
  /** How many batches there are, where that is known. */
  readonly length: number | null;
}

const isIterable = (value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  (Symbol.iterator in value || Symbol.asyncIterator in value) &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !(value instanceof Tensor) &&
  !(value instanceof Map);

const isPipeline = (value: unknown): value is Pipeline<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Pipeline<unknown>).iterate === 'function';

/** The number of examples in a batch: the extent of the first axis of its first tensor that has one; 1 if none has. */
export function examplesIn(batch: unknown): number {
  for (const leaf of flatten(batch).leaves) if (leaf instanceof Tensor && leaf.ndim > 0) return leaf.shape[0];
  return 1;
}

/** An iterator's batches; `taken` counts them for sources that cannot tell themselves where they are. */
function batchesOf<B>(
  iterator: Iterator<B> | AsyncIterator<B>,
  length: number | null,
  state: (taken: number) => unknown,
): Epoch<B> {
  let taken = 0;
  return {
    length,
    state: () => state(taken),
    close: async () => {
      await iterator.return?.();
    },
    next: async () => {
      const { value, done } = await iterator.next();
      if (done) return null;
      taken++;
      return value;
    },
  };
}

/** The batches behind the first `skip`. */
async function* behind<B>(source: Iterable<B> | AsyncIterable<B>, skip: number): AsyncGenerator<B> {
  let left = skip;
  for await (const batch of source) if (left-- <= 0) yield batch;
}

function iterated<B>(source: Iterable<B> | AsyncIterable<B>, skip: number, length: number | null): Epoch<B> {
  return batchesOf(behind(source, skip), length, taken => skip + taken);
}

/** The batches of an epoch, counted from 1, from the beginning or behind those that a state says were taken. */
export function openEpoch<B>(
  name: string,
  data: Batches<B>,
  epoch: number,
  { batchSize, shuffle, signal }: SourceOptions,
  state?: unknown,
): Epoch<B> {
  const skip = typeof state === 'number' ? state : 0;
  if (isPipeline(data)) {
    const options = {
      epoch: epoch - 1,
      ...(state === undefined ? {} : { state }),
      ...(signal === undefined ? {} : { signal }),
    };
    const iterator = data.iterate(options) as ResumableIterator<B>;
    return batchesOf(iterator, null, () => iterator.state());
  }
  if (typeof data === 'function') {
    const made = (data as (epoch: number) => Iterable<B> | AsyncIterable<B>)(epoch);
    if (isIterable(made) || Array.isArray(made)) return iterated(made, skip, null);
    throw new BadArgument({
      did: `${name}: the data's function of the epoch returned no batches`,
      expected: 'something that can be iterated',
      remedy: `${name}(model, epoch => batches(data, { size: 32, seed: epoch }), …)`,
    });
  }
  if (isIterable(data)) return iterated(data as Iterable<B> | AsyncIterable<B>, skip, null);
  const leaves = flatten(data).leaves;
  if (leaves.length === 0 || !leaves.every(leaf => leaf instanceof Tensor))
    throw new BadArgument({
      did: `${name} with data that are ${leaves.length === 0 ? 'empty' : 'not all tensors'}`,
      expected: 'a tree of tensors, a pipeline, something to iterate, or a function of the epoch',
      remedy: `${name}(model, { x: images, y: labels }, …)`,
    });
  const order = shuffle === null ? { shuffle: false } : { key: foldIn(shuffle, epoch) };
  const source = batches(data as B, { size: batchSize, ...order }) as Iterable<B>;
  return iterated(source, skip, Math.ceil(examplesIn(data) / batchSize));
}
