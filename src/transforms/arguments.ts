/** From the user's trees to lists of tensors and back, at the edge of every transformation. */
import { Aval, range, sameShape } from '../core/aval.ts';
import { allocate, type DType, dtypeOfArray, type TypedArray } from '../core/dtype.ts';
import {
  AsyncFunction,
  BadArgument,
  MissingArgument,
  NotDifferentiable,
  ShapeMismatch,
  UnknownDType,
  WrongTree,
} from '../core/errors.ts';
import { inScope, labelOf } from '../core/path.ts';
import { ConcreteTensor, HostStorage, scalar, Tensor } from '../core/tensor.ts';
import { flatten, flattenAs, isLeaf, Structure, unflatten } from '../core/tree.ts';
import { cast, requireDifferentiable, zerosLike } from '../primitives/vectorspace.ts';

/** Where a tensor is expected, a number or a typed array does as well. */
export type Argument<T> = [T] extends [Tensor] ? Tensor | number | TypedArray : T;
export type Arguments<A extends readonly unknown[]> = { [K in keyof A]: Argument<A[K]> };

/** Whether a tensor fits T, as in "a tensor, or numbers in nested arrays": T then stands for one tensor. */
type TakesTensor<T> = unknown extends T ? false : [Tensor] extends [T] ? true : false;

/** A tree with a tensor for every number, tensor or typed array of T. */
export type Gradient<T> = TakesTensor<T> extends true ? Tensor : GradientTree<T>;

type GradientTree<T> = T extends Tensor | number | TypedArray
  ? Tensor
  : T extends string | null | undefined | symbol | bigint | ((...args: never[]) => unknown)
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? Map<K, Gradient<V>>
      : { [K in keyof T]: Gradient<T[K]> };

/** What a transformed function returns: numbers and booleans have become tensors. */
export type Outputs<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor
  : T extends string | null | undefined | symbol | bigint | ((...args: never[]) => unknown)
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? Map<K, Outputs<V>>
      : { [K in keyof T]: Outputs<T[K]> };

const isWeakInt = (value: number): boolean =>
  Number.isInteger(value) && !Object.is(value, -0) && Math.abs(value) <= 2147483648;

/** A leaf of a tree as a tensor. A number has not chosen its type yet: it takes that of the tensors it meets. */
export function leafTensor(leaf: unknown): Tensor {
  if (leaf instanceof Tensor) return leaf;
  if (typeof leaf === 'number') return weakScalar(leaf);
  if (typeof leaf === 'boolean') return scalar('bool', leaf ? 1 : 0);
  const array = leaf as ArrayBufferView & TypedArray;
  const dtype = dtypeOfArray(array);
  if (dtype === undefined)
    throw new UnknownDType({
      did: `met a ${array.constructor.name}, which has no element type here`,
      expected:
        'Float32Array, Float64Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array or Uint8Array',
      remedy: 'convert it: Float64Array.from(values, Number)',
    });
  return hostTensor(array, dtype);
}

function hostTensor(array: TypedArray, dtype: DType): ConcreteTensor {
  const own = allocate(dtype, array.length);
  own.set(array);
  return new ConcreteTensor(new Aval(dtype, [array.length]), new HostStorage(own));
}

const weakInt = new Aval('float64', [], 'int');
const weakFloat = new Aval('float64', [], 'float');

export function weakScalar(value: number, as: 'float' | undefined = undefined): ConcreteTensor {
  const aval = as === undefined && isWeakInt(value) ? weakInt : weakFloat;
  return new ConcreteTensor(aval, new HostStorage(Float64Array.of(value)));
}

/** A number that reached the outside without meeting a tensor has the default type. */
export function settled(tensor: Tensor): Tensor {
  return tensor.aval.weak === null ? tensor : cast(tensor, 'float32');
}

/** Flattened arguments. */
export interface Leaves {
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
  /** The arguments again, with other tensors for leaves. */
  rebuild(leaves: readonly Tensor[]): unknown[];
  /** The path of each leaf: `argument 0.weights[1]`. */
  paths(): string[];
}

/** Where the arguments are not all of the function's, `numbers` says which. */
export function flattenArguments(args: readonly unknown[], numbers?: readonly number[]): Leaves {
  const nameOf = (i: number): string => `argument ${numbers?.[i] ?? i}`;
  const leaves: Tensor[] = [];
  const children = args.map((arg, i) => {
    const one = flatten(arg, isLeaf(arg) ? '' : nameOf(i));
    for (const leaf of one.leaves) leaves.push(leafTensor(leaf));
    return one.structure;
  });
  const structure = new Structure('array', children);
  return {
    leaves,
    structure,
    rebuild: values => unflatten(structure, values) as unknown[],
    paths: () => children.flatMap((one, i) => one.paths(nameOf(i))),
  };
}

/** Flattens arguments that are to be differentiated: numbers become weak floats, integers are an error. */
export function differentiableArguments(
  transformation: string,
  f: { name: string; length: number },
  args: readonly unknown[],
  numbers?: readonly number[],
): Leaves {
  if (!Array.isArray(args))
    throw new WrongTree({
      did: `${labelOf(transformation, f)} got primals that are not an array`,
      expected: 'an array with one entry for each argument of the function',
      remedy: `${transformation}(f, [x], …)`,
    });
  requireArguments(transformation, f, args, f.length > 0 ? [0] : []);
  const flat = flattenArguments(args, numbers);
  const leaves = flat.leaves.map((leaf, i) => {
    if (leaf.aval.weak === 'int')
      return leaf instanceof ConcreteTensor ? weakScalar(leaf.elements()[0], 'float') : cast(leaf, 'float32');
    if (!leaf.aval.isFloat)
      requireDifferentiable(leaf.aval, `${labelOf(transformation, f)}: ${flat.paths()[i]}`);
    return leaf;
  });
  return { ...flat, leaves };
}

/** Throws where an argument that a transformation needs was not given. */
export function requireArguments(
  transformation: string,
  f: { name: string },
  args: readonly unknown[],
  needed: readonly number[],
): void {
  for (const i of needed)
    if (!Number.isInteger(i) || i < 0 || i >= args.length || args[i] === undefined)
      throw new MissingArgument({
        did: `${labelOf(transformation, f)} was called with ${args.length} argument${args.length === 1 ? '' : 's'}, but ${i in args ? `argument ${i} has no value` : `needs argument ${i}`}`,
        expected: `a value for each differentiated argument, counted from 0`,
        remedy: `${transformation}(f)(x, …); other arguments are named by ${transformation}(f, { argnums: [1] })`,
      });
}

/** Tangents (or cotangents) that match tensors: their structure, shapes and element types. */
export function matching(
  what: string,
  structure: Structure,
  like: readonly Tensor[],
  value: unknown,
): Tensor[] {
  const { leaves, structure: given } = flatten(value);
  const filled = given.equals(structure)
    ? leaves
    : fillEmpty(structure, value, what, i => zerosLike(like[i]));
  return filled.map((leaf, i) => {
    const tensor = leafTensor(leaf);
    const { aval } = like[i];
    if (!sameShape(tensor.shape, aval.shape))
      throw new ShapeMismatch({
        did: `${what}${structure.paths()[i]} is ${tensor.aval} where the value is ${aval}`,
        expected: 'equal shapes',
        remedy: `make it of shape [${aval.shape.join(', ')}]`,
      });
    if (!tensor.aval.isFloat && tensor.aval.dtype !== aval.dtype)
      throw new NotDifferentiable({
        did: `${what}${structure.paths()[i]} is ${tensor.aval}`,
        expected: `a float, as the value ${aval}`,
        remedy: `convert it: x.astype('${aval.dtype}')`,
      });
    return tensor.aval.dtype === aval.dtype && tensor.aval.weak === null ? tensor : cast(tensor, aval.dtype);
  });
}

/** The leaves of a tree in which null may stand in place of a whole subtree: each of its leaves is then `empty`. */
export function fillEmpty(
  structure: Structure,
  value: unknown,
  what: string,
  empty: (leaf: number) => unknown,
): unknown[] {
  let next = 0;
  const fill = (node: Structure, part: unknown, at: string): unknown[] => {
    if (part === null || part === undefined) {
      const first = next;
      next += node.leafCount;
      return range(node.leafCount).map(i => empty(first + i));
    }
    if (node.kind === 'array' && Array.isArray(part) && part.length === node.children.length)
      return node.children.flatMap((child, i) => fill(child, part[i], `${at}[${i}]`));
    if (
      node.kind === 'object' &&
      typeof part === 'object' &&
      node.keys.every(key => (key as string) in (part as object))
    )
      return node.children.flatMap((child, i) =>
        fill(child, (part as Record<string, unknown>)[node.keys[i] as string], `${at}.${node.keys[i]}`),
      );
    next += node.leafCount;
    return flattenAs(node, part, at);
  };
  return fill(structure, value, what);
}

export function tangentArguments(
  transformation: string,
  args: Leaves,
  tangents: readonly unknown[],
): Tensor[] {
  return matching(`${transformation}: tangents`, args.structure, args.leaves, tangents);
}

/** A user's function from trees to trees, as one from tensors to tensors whose result tree is kept. */
export interface TreeCall {
  run(args: readonly unknown[]): Tensor[];
  /** The tree that the last run returned, with other leaves. */
  result(leaves: readonly Tensor[]): unknown;
  structure(): Structure;
}

/** Throws where a transformation was given something else than a function. */
export function requireFunction(transformation: string, f: unknown): void {
  if (typeof f !== 'function')
    throw new BadArgument({
      did: `${transformation} got ${f instanceof Tensor ? `a tensor ${f.aval}` : f === null ? 'null' : typeof f} in place of a function`,
      expected: 'a function of tensors',
      remedy: `${transformation}((x) => …)`,
    });
}

/** `finish` is applied to every leaf that the function returns: numbers get the default type unless told otherwise. */
export function callWithTree(
  transformation: string,
  f: (...args: never[]) => unknown,
  finish: (leaf: Tensor) => Tensor = settled,
): TreeCall {
  requireFunction(transformation, f);
  const label = labelOf(transformation, f);
  let structure: Structure | undefined;
  return {
    run(args) {
      return inScope(label, () => {
        const out = (f as (...all: unknown[]) => unknown)(...args);
        if (out instanceof Promise) {
          out.catch(() => {});
          throw new AsyncFunction({
            did: 'the function returned a Promise',
            expected: 'a synchronous function: after an await it would run outside the transformation',
            remedy: 'await data before the call and pass it as an argument',
          });
        }
        const flat = flatten(out, 'result');
        structure = flat.structure;
        return flat.leaves.map(leaf => finish(leafTensor(leaf)));
      });
    },
    result: leaves => unflatten(structure as Structure, leaves),
    structure: () => structure as Structure,
  };
}
