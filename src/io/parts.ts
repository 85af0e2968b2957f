/** The parts of a tree by name: tensors, typed arrays, and plain data. */
import { UnknownDType, WrongTree } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { flatten, Structure } from '../core/tree.ts';
import { asTensor } from '../numpy/array.ts';
import type { Encoding } from './elements.ts';
import type { Json } from './json.ts';

export type Part =
  | { readonly kind: 'tensor'; readonly name: string; readonly value: Tensor }
  | { readonly kind: 'array'; readonly name: string; readonly value: TypedView; readonly encoding: Encoding }
  | { readonly kind: 'data'; readonly name: string; readonly value: Json };

/** A typed array of any element type, one of 64-bit integers included. */
export interface TypedView extends ArrayBufferView {
  readonly length: number;
  readonly constructor: new (buffer: ArrayBufferLike) => TypedView;
}

const encodings: Record<string, Encoding> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
};

/** The name of a tree that is a single part. */
export const whole = 'value';

/** A tree cut into its parts. */
export interface Parts {
  readonly parts: readonly Part[];
  /** The tree with other parts in their places. */
  rebuild(part: (name: string) => unknown): unknown;
}

/**
 * A subtree without tensors is one part, plain data: numbers, booleans, text, null, arrays and objects of these. What
 * is neither (undefined, functions, the fixed fields of classes) belongs to the structure.
 *
 * @param isCut tells of a subtree without tensors, by its name, that its children are parts all the same
 */
export function partsOf(tree: unknown, isCut: (name: string) => boolean = () => false): Parts {
  const { leaves, structure } = flatten(tree, 'tree');
  const parts: Part[] = [];
  let next = 0;

  const walk = (node: Structure, name: string): ((part: (name: string) => unknown) => unknown) => {
    const first = next;
    const last = first + node.leafCount;
    if (isPlain(node, leaves.slice(first, last)) && !(node.children.length > 0 && isCut(name))) {
      const value = node.build(() => leaves[next++]) as Json;
      parts.push({ kind: 'data', name: name || whole, value });
      return part => part(name || whole);
    }
    if (node.kind === 'leaf') {
      parts.push(leafPart(name || whole, leaves[next++]));
      return part => part(name || whole);
    }
    if (node.kind === 'fixed') return () => node.value;
    const children = node.children.map((child, i) => walk(child, `${name}${stepOf(node, i, name)}`));
    const shell = new Structure(
      node.kind,
      children.map(() => leaf),
      node.keys,
      node.value,
    );
    return part => {
      let i = 0;
      return shell.build(() => children[i++](part));
    };
  };

  const rebuild = walk(structure, '');
  return { parts, rebuild };
}

const leaf: Structure = /* @__PURE__ */ new Structure('leaf');

function isPlain(node: Structure, leaves: readonly unknown[]): boolean {
  const fits = ({ kind, value, children }: Structure): boolean =>
    kind === 'leaf' ||
    (kind === 'fixed' && (typeof value === 'string' || value === null)) ||
    ((kind === 'array' || kind === 'object') && children.every(fits));
  return leaves.every(one => typeof one === 'number' || typeof one === 'boolean') && fits(node);
}

function leafPart(name: string, value: unknown): Part {
  if (value instanceof Tensor) return { kind: 'tensor', name, value: asTensor(value) };
  const array = value as TypedView;
  const encoding = encodings[Object.prototype.toString.call(array).slice(8, -1)];
  if (encoding === undefined)
    throw new UnknownDType({
      did: `the tree holds a ${(array as object).constructor.name} at ${name}`,
      expected: 'tensors, typed arrays of integers, float32 or float64, and plain data',
      remedy: 'convert it to a tensor or to a Float32Array',
    });
  return { kind: 'array', name, value: array, encoding };
}

/** The step to a child: `.weight`, `[0]`, `["a.b"]` for keys that would be ambiguous, `.get("key")` of a Map. */
function stepOf(node: Structure, i: number, name: string): string {
  if (node.kind === 'array') return `[${i}]`;
  const key = node.keys[i];
  const dot = name === '' ? '' : '.';
  if (node.kind === 'map') {
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'boolean')
      throw new WrongTree({
        did: `the tree has a Map with a key that is ${key === null ? 'null' : `a ${typeof key}`}${name && ` at ${name}`}`,
        expected: 'keys that have a name in a file: text, numbers or booleans',
        remedy: 'use a Map with text for keys, or a plain object',
      });
    return `${dot}get(${JSON.stringify(key)})`;
  }
  return /^[^.[\]"()]+$/.test(key as string) ? `${dot}${key as string}` : `[${JSON.stringify(key)}]`;
}
