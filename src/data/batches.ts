/** Examples in portions and in two parts. Data are trees of tensors whose first axis counts the examples. */
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as tree from '../core/tree.ts';
import { iota } from '../primitives/broadcast.ts';
import { gather } from '../primitives/gather.ts';
import { slice } from '../primitives/slice.ts';
import { permutation } from '../random/choice.ts';
import { key as keyOf } from '../random/key.ts';
import { leafTensor, type Outputs } from '../transforms/arguments.ts';

/** The number of examples, equal in every tensor of the tree. */
export function countOf(name: string, data: unknown): number {
  const tensors = tree.flatten(data).leaves.map(leafTensor);
  const counts = tensors.map(({ shape }) => shape[0]);
  if (counts.length === 0 || counts.some(count => count === undefined || count !== counts[0]))
    throw new ShapeMismatch({
      did: `${name} of ${tensors.map(tensor => tensor.aval).join(', ') || 'no tensor'}`,
      expected: 'tensors with equally many examples along axis 0',
      remedy: `${name}({ x: images, y: labels }, …)`,
    });
  return counts[0];
}

function orderOf(n: number, { key, seed, shuffle = true }: OrderOptions): Tensor {
  return shuffle ? permutation(key ?? keyOf(seed ?? 0), n) : iota('int32', [n], 0);
}

function pick<T>(data: T, order: Tensor, from: number, to: number): Outputs<T> {
  return pickAll(data, slice(order, [from], [to]));
}

/** The examples at the indices, in their order. */
export function pickAll<T>(data: T, indices: Tensor): Outputs<T> {
  return tree.map((leaf: unknown) => gather(leafTensor(leaf), indices), data) as Outputs<T>;
}

interface OrderOptions {
  /** Where the order comes from: a key, or a seed for one (default 0). The same key gives the same order. */
  readonly key?: Tensor;
  readonly seed?: number;
  /** Default true. */
  readonly shuffle?: boolean;
}

export interface BatchOptions extends OrderOptions {
  /** Examples in a batch. */
  readonly size: number;
  /** Leaves out a last batch that is smaller, so that all have one shape. Default false. */
  readonly dropLast?: boolean;
}

/**
 * All examples once, in batches, in a random order.
 *
 * @param data a tree of tensors with one example for each place along axis 0
 * @returns an iterator of trees like `data`
 * @example for (const { x, y } of batches({ x: images, y: labels }, { size: 64, seed: epoch })) step(x, y)
 * @throws ShapeMismatch where the tensors have unequally many examples, BadArgument
 */
export function batches<T>(data: T, options: BatchOptions): Generator<Outputs<T>, void, undefined> {
  const { size, dropLast = false } = options;
  if (!Number.isInteger(size) || size < 1)
    throw new BadArgument({
      did: `batches of size ${String(size)}`,
      expected: 'a positive integer',
      remedy: 'batches(data, { size: 64 })',
    });
  const n = countOf('batches', data);
  const order = orderOf(n, options);
  const end = dropLast ? n - (n % size) : n;
  return (function* () {
    for (let from = 0; from < end; from += size) yield pick(data, order, from, Math.min(n, from + size));
  })();
}

export interface SplitOptions extends OrderOptions {
  /** How many examples to hold out: a number of them, or below 1 a fraction, rounded. */
  readonly test: number;
}

/**
 * The examples in two parts, in a random order: one to train with, one to test with.
 *
 * @returns [train, test], trees like `data`
 * @example const [train, test] = trainTestSplit({ x: images, y: labels }, { test: 0.2, seed: 0 })
 * @throws ShapeMismatch where the tensors have unequally many examples, BadArgument
 */
export function trainTestSplit<T>(data: T, options: SplitOptions): [train: Outputs<T>, test: Outputs<T>] {
  const n = countOf('trainTestSplit', data);
  const { test } = options;
  const held = test < 1 ? Math.round(test * n) : test;
  if (!(Number.isInteger(held) && held >= 0 && held <= n))
    throw new BadArgument({
      did: `trainTestSplit of ${n} examples with test: ${String(test)}`,
      expected: `an integer from 1 to ${n}, or a fraction from 0 to below 1`,
      remedy: 'trainTestSplit(data, { test: 0.2 })',
    });
  const order = orderOf(n, options);
  return [pick(data, order, 0, n - held), pick(data, order, n - held, n)];
}
