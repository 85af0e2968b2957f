/** Several elements joined to one. */
import { Aval } from '../../core/aval.ts';
import { allocate, type TypedArray } from '../../core/dtype.ts';
import { ShapeMismatch, WrongTree } from '../../core/errors.ts';
import { ConcreteTensor, Tensor } from '../../core/tensor.ts';
import { flatten, isLeaf, Structure } from '../../core/tree.ts';
import { fromTyped, tensor } from '../../numpy/array.ts';
import { leafTensor, settled } from '../../transforms/arguments.ts';
import { type Cursor, done, type Stage } from './cursor.ts';

/** What elements of type T become together: a tensor for each tensor or number, a list for each text. */
export type Batched<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor
  : T extends string | null | undefined | symbol | bigint | ((...args: never[]) => unknown)
    ? T[]
    : { [K in keyof T]: Batched<T[K]> };

export type Collate<T, U> = (elements: readonly T[]) => U | Promise<U>;

export function batchStage<T, U>(
  upstream: Stage<T>,
  size: number,
  dropLast: boolean,
  collate: Collate<T, U> | undefined,
): Stage<U> {
  const { length } = upstream;
  const join = collate ?? (stackElements as unknown as Collate<T, U>);
  return {
    length:
      length === undefined ? undefined : dropLast ? Math.floor(length / size) : Math.ceil(length / size),
    start(epoch, state): Cursor<U> {
      const cursor = upstream.start(epoch, state);
      return {
        async next() {
          if (cursor.chunk !== undefined && collate === undefined)
            return cursor.chunk(size, dropLast) as Promise<IteratorResult<U, undefined>>;
          const elements: T[] = [];
          while (elements.length < size) {
            const result = await cursor.next();
            if (result.done) break;
            elements.push(result.value);
          }
          if (elements.length === 0 || (elements.length < size && dropLast)) return done;
          return { done: false, value: await join(elements) };
        },
        state: () => cursor.state(),
        close: () => cursor.close(),
      };
    },
  };
}

const leaf: Structure = /* @__PURE__ */ new Structure('leaf');

/**
 * Trees of one structure as one: their tensors, numbers and typed arrays stacked along a new first axis, what is no leaf
 * (text, null) in lists. @throws WrongTree, ShapeMismatch where the elements differ
 */
export function stackElements(elements: readonly unknown[]): unknown {
  const [first] = elements;
  if (isLeaf(first)) return stackLeaves(elements);
  const { structure } = flatten(first);
  if (structure.kind === 'fixed') return [...elements];
  const all = elements.map(element => {
    const children = childrenOf(element);
    if (children === undefined || children.keys.join() !== childrenOf(first)?.keys.join())
      throw new WrongTree({
        did: `batch of elements ${structure} and ${flatten(element).structure}`,
        expected: 'elements with the same keys and lengths',
        remedy: 'map them to one form before batch: .map(x => …).batch(…)',
      });
    return children.values;
  });
  const joined = all[0].map((_, i) => stackElements(all.map(values => values[i])));
  let next = 0;
  return new Structure(
    structure.kind,
    joined.map(() => leaf),
    structure.keys,
    structure.value,
  ).build(() => joined[next++]);
}

/** The children of a tree by their keys, in order. Undefined where there are none. */
function childrenOf(value: unknown): { keys: readonly unknown[]; values: readonly unknown[] } | undefined {
  if (isLeaf(value)) return undefined;
  const { structure, leaves } = flatten(value);
  if (structure.kind === 'fixed') return undefined;
  let next = 0;
  return {
    keys: structure.keys.length > 0 ? structure.keys : [`${structure.children.length} elements`],
    values: structure.children.map(child => child.build(() => leaves[next++])),
  };
}

/** Numbers become float32, as everywhere; typed arrays and tensors keep their element type. */
function stackLeaves(values: readonly unknown[]): Tensor {
  if (!values.every(isLeaf)) throw mixed(values);
  const tensors = values.map(value => settled(leafTensor(value)));
  const [{ aval }] = tensors;
  const other = tensors.find(one => !one.aval.equals(aval));
  if (other !== undefined)
    throw new ShapeMismatch({
      did: `batch of elements ${aval} and ${other.aval}`,
      expected: 'elements of one shape and one element type',
      remedy: 'map them to one shape before batch, or pass { collate: elements => … }',
    });
  if (!tensors.every(one => one instanceof ConcreteTensor)) return tensor(tensors);
  const joined = allocate(aval.dtype, aval.size * tensors.length);
  tensors.forEach((one, i) => joined.set((one as ConcreteTensor).elements(), i * aval.size));
  return fromTyped(joined, [tensors.length, ...aval.shape], aval.dtype);
}

const mixed = (values: readonly unknown[]): WrongTree =>
  new WrongTree({
    did: `batch of a ${values[0] instanceof Tensor ? 'tensor' : typeof values[0]} and a ${typeof values.find(value => !isLeaf(value))}`,
    expected: 'elements of one kind at each place',
    remedy: 'map them to one form before batch: .map(x => …).batch(…)',
  });

/** The elements of a tree of tensors along axis 0, one by one. */
export function rowOf(x: Tensor, index: number): Tensor {
  const shape = x.shape.slice(1);
  const { size } = new Aval(x.dtype, shape);
  const elements = x.concrete('a data set').elements();
  return fromTyped(elements.slice(index * size, (index + 1) * size), shape, x.dtype);
}
