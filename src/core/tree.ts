/**
 * Trees: nested arrays, plain objects, Maps and registered classes, with tensors and numbers as leaves.
 * null, undefined, strings, functions, symbols and bigints are part of a tree's structure, compared by identity.
 */
import { WrongTree } from './errors.ts';
import { Tensor } from './tensor.ts';

/** How a class gives its children and is made again from others; for `tree.register` or the {@link protocol}. */
export interface TreeNode<T> {
  /** The children by name, in any order; whatever else the instance holds must be in `fixed`. */
  children(instance: T): Record<string, unknown>;
  /** A new instance with these children; everything else is as in `like`. */
  rebuild(children: Record<string, unknown>, like: T): T;
  /** What belongs to the structure: compared element by element by identity. None if absent. */
  fixed?(instance: T): readonly unknown[];
}

/** A class whose static member of this name is a {@link TreeNode} is a tree, and so are its subclasses. */
export const protocol: unique symbol = Symbol.for('cotangent.tree') as never;

type Kind = 'leaf' | 'fixed' | 'array' | 'object' | 'map' | 'instance';

/** The shape of a tree without its leaves. */
export class Structure {
  readonly kind: Kind;
  readonly children: readonly Structure[];
  /** Keys of an object, a Map or an instance, in the order of the children. */
  readonly keys: readonly unknown[];
  /** The value itself (`fixed`), the instance that a rebuilt one resembles (`instance`), an object's prototype. */
  readonly value: unknown;
  readonly leafCount: number;

  constructor(
    kind: Kind,
    children: readonly Structure[] = [],
    keys: readonly unknown[] = [],
    value?: unknown,
  ) {
    this.kind = kind;
    this.children = children;
    this.keys = keys;
    this.value = value;
    let count = kind === 'leaf' ? 1 : 0;
    for (const child of children) count += child.leafCount;
    this.leafCount = count;
  }

  equals(other: Structure): boolean {
    if (this === other) return true;
    if (this.kind !== other.kind || this.children.length !== other.children.length) return false;
    if (this.kind === 'fixed' && !Object.is(this.value, other.value)) return false;
    if (this.kind === 'instance' && !sameInstanceKind(this.value as object, other.value as object))
      return false;
    for (let i = 0; i < this.keys.length; i++) if (!Object.is(this.keys[i], other.keys[i])) return false;
    for (let i = 0; i < this.children.length; i++)
      if (!this.children[i].equals(other.children[i])) return false;
    return true;
  }

  /**
   * Adds the leaves of a value of this structure to a list. False where its structure is another; some leaves may have
   * been added even so.
   */
  collect(value: unknown, leaves: unknown[]): boolean {
    const { kind, children, keys } = this;
    if (kind === 'leaf') {
      if (!isLeaf(value)) return false;
      leaves.push(value);
      return true;
    }
    if (kind === 'fixed') return Object.is(this.value, value);
    if (kind === 'array') {
      if (!Array.isArray(value) || value.length !== children.length) return false;
      for (let i = 0; i < children.length; i++) if (!children[i].collect(value[i], leaves)) return false;
      return true;
    }
    if (typeof value !== 'object' || value === null) return false;
    if (kind === 'map') {
      if (!(value instanceof Map) || value.size !== keys.length) return false;
      let next = 0;
      for (const [key, child] of value)
        if (!Object.is(key, keys[next]) || !children[next++].collect(child, leaves)) return false;
      return true;
    }
    let record = value as Record<string, unknown>;
    if (kind === 'instance') {
      if (!sameInstanceKind(this.value as object, value)) return false;
      record = (nodeOf(value) as TreeNode<object>).children(value);
    } else if (isLeaf(value) || !isPlain(value)) return false;
    if (Object.keys(record).length !== keys.length) return false;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (!isEnumerable.call(record, key) || !children[i].collect(record[key], leaves)) return false;
    }
    return true;
  }

  /** The tree of this structure with the leaves that `next` gives one after the other. */
  build(next: () => unknown): unknown {
    const { kind, children, keys } = this;
    if (kind === 'leaf') return next();
    if (kind === 'fixed') return this.value;
    if (kind === 'array') {
      const list = new Array<unknown>(children.length);
      for (let i = 0; i < children.length; i++) list[i] = children[i].build(next);
      return list;
    }
    if (kind === 'map') return new Map(children.map((child, i) => [keys[i], child.build(next)]));
    const record: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const child = children[i].build(next);
      if (key === '__proto__') Object.defineProperty(record, key, { ...asAssigned, value: child });
      else record[key] = child;
    }
    const instance = this.value as object;
    return kind === 'object' ? record : nodeOf(instance)?.rebuild(record, instance);
  }

  /** The paths of the leaves: `.weights[0]`. */
  paths(prefix = ''): string[] {
    if (this.kind === 'leaf') return [prefix];
    return this.children.flatMap((child, i) => {
      const step =
        this.kind === 'array'
          ? `[${i}]`
          : this.kind === 'map'
            ? `.get(${String(this.keys[i])})`
            : `.${String(this.keys[i])}`;
      return child.paths(prefix + step);
    });
  }

  toString(): string {
    const inner = (open: string, close: string): string =>
      open +
      this.children
        .map((child, i) => (this.keys.length > 0 ? `${String(this.keys[i])}: ${child}` : String(child)))
        .join(', ') +
      close;
    switch (this.kind) {
      case 'leaf':
        return '*';
      case 'fixed':
        return typeof this.value === 'function' ? this.value.name || 'function' : String(this.value);
      case 'array':
        return inner('[', ']');
      case 'object':
        return inner('{', '}');
      case 'map':
        return inner('Map{', '}');
      case 'instance':
        return inner(`${(this.value as object).constructor.name}{`, '}');
    }
  }
}

const isEnumerable = Object.prototype.propertyIsEnumerable;
const asAssigned = { configurable: true, enumerable: true, writable: true };
const leaf = new Structure('leaf');
const registered = new Map<unknown, TreeNode<never>>();

/**
 * Makes every instance of a class a tree.
 * @example tree.register(Point, { children: (p) => ({ x: p.x }), rebuild: ({ x }) => new Point(x) })
 */
export function register<T>(constructor: abstract new (...args: never[]) => T, node: TreeNode<T>): void {
  registered.set(constructor, node as TreeNode<never>);
}

function nodeOf(value: object): TreeNode<object> | undefined {
  const constructor = value.constructor as { [protocol]?: TreeNode<object> } | undefined;
  return (
    constructor &&
    ((registered.get(constructor) ?? (constructor[protocol] as TreeNode<never> | undefined)) as
      | TreeNode<object>
      | undefined)
  );
}

/** An object literal or one without a prototype, of no registered class. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return (prototype === Object.prototype || prototype === null) && nodeOf(value) === undefined;
}

function sameInstanceKind(a: object, b: object): boolean {
  if (a.constructor !== b.constructor) return false;
  const node = nodeOf(a);
  const mine = node?.fixed?.(a) ?? [];
  const theirs = node?.fixed?.(b) ?? [];
  return mine.length === theirs.length && mine.every((value, i) => Object.is(value, theirs[i]));
}

export interface Flattened {
  readonly leaves: unknown[];
  readonly structure: Structure;
}

/** A leaf that is a value to compute with: tensors, numbers, booleans, typed arrays. */
export function isLeaf(value: unknown): boolean {
  return (
    value instanceof Tensor ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    ArrayBuffer.isView(value)
  );
}

/**
 * The leaves of a tree in order, and its structure.
 * @param what the value's name in messages
 * @throws WrongTree for objects that are neither plain nor registered
 */
export function flatten(value: unknown, what = ''): Flattened {
  const leaves: unknown[] = [];
  return { structure: walk(value, leaves, what), leaves };
}

function walk(value: unknown, leaves: unknown[], path: string): Structure {
  if (isLeaf(value)) {
    leaves.push(value);
    return leaf;
  }
  if (Array.isArray(value))
    return new Structure(
      'array',
      value.map((child, i) => walk(child, leaves, `${path}[${i}]`)),
    );
  if (typeof value !== 'object' || value === null) return new Structure('fixed', [], [], value);
  if (value instanceof Map) {
    const keys = [...value.keys()];
    return new Structure(
      'map',
      keys.map(key => walk(value.get(key), leaves, `${path}.get(${String(key)})`)),
      keys,
    );
  }
  const node = nodeOf(value);
  if (node === undefined && !isPlain(value)) throw notATree(value, path);
  const record = node === undefined ? (value as Record<string, unknown>) : node.children(value);
  const keys = Object.keys(record).sort();
  const children = keys.map(key => walk(record[key], leaves, `${path}.${key}`));
  return node === undefined
    ? new Structure('object', children, keys)
    : new Structure('instance', children, keys, value);
}

function notATree(value: object, path: string): WrongTree {
  const name = value.constructor?.name ?? 'object';
  if (name === 'Promise')
    return new WrongTree({
      did: `met a Promise${path && ` at ${path}`}`,
      expected: 'values that are known at once',
      remedy: 'await them before calling the transformed function, and keep the function itself synchronous',
    });
  const { get } = value as { get?: unknown };
  // A Map-like class has a `get` too, of a key.
  if (typeof get === 'function' && get.length === 0)
    return new WrongTree({
      did: `met an instance of ${name}${path && ` at ${path}`}, which stands for a value but is none`,
      expected: 'the value itself, a tensor',
      remedy: 'write .get(): x.at(0).get() in place of x.at(0)',
    });
  return new WrongTree({
    did: `met an instance of ${name}${path && ` at ${path}`}, which is not a tree`,
    expected:
      'tensors, numbers, typed arrays, and nested arrays, plain objects, Maps and registered classes of them',
    remedy: `tree.register(${name}, { children: (v) => ({ … }), rebuild: (children, like) => new ${name}(…) })`,
  });
}

/** The tree of this structure with these leaves. */
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  if (leaves.length !== structure.leafCount)
    throw new WrongTree({
      did: `unflatten got ${leaves.length} leaves`,
      expected: `${structure.leafCount} leaves for ${structure}`,
      remedy: 'pass the leaves that tree.flatten gave for the same structure',
    });
  let next = 0;
  return structure.build(() => leaves[next++]);
}

/**
 * A tree of the same structure with `f` of every leaf, and of the leaves of further trees of that structure.
 * @example tree.map((p, g) => p.sub(g.mul(0.1)), params, grads)
 * @throws WrongTree where the structures differ
 */
export function map(f: (...leaves: never[]) => unknown, first: unknown, ...rest: unknown[]): unknown {
  const { leaves, structure } = flatten(first);
  const others = rest.map((other, i) => flattenAs(structure, other, `tree.map: argument ${i + 2}`));
  return unflatten(
    structure,
    leaves.map((value, i) => (f as (...all: unknown[]) => unknown)(value, ...others.map(other => other[i]))),
  );
}

/** The leaves of `value`, which must have this structure. */
export function flattenAs(structure: Structure, value: unknown, what: string): unknown[] {
  const flat = flatten(value);
  if (!structure.equals(flat.structure))
    throw new WrongTree({
      did: `${what} is a tree ${flat.structure}`,
      expected: `a tree ${structure}`,
      remedy: 'give it the same keys and lengths; put null only where the other tree has null',
    });
  return flat.leaves;
}
