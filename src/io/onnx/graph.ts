/** A graph under construction: nodes in order, constants by value, and the steps of which translations are made. */
import { range } from '../../core/aval.ts';
import { allocate, type DType, type TypedArray } from '../../core/dtype.ts';
import { areStatic, type Extent, isStatic, product, sameExtents } from './extent.ts';
import {
  type Attribute,
  dataTypes,
  type ElementType,
  type Initializer,
  type Node,
  type Subgraph,
  type Typed,
} from './proto.ts';

/**
 * A tensor of the graph. Its own shape may be smaller than what it stands for, by extents 1 and leading axes that are
 * not there: operators broadcast as NumPy does, so that copies are made only where an operator needs them.
 */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Extent[];
}

type Attributes = Readonly<Record<string, Attribute>>;

/** What all graphs of a model share. */
class Shared {
  readonly initializers = new Map<string, Initializer>();
  readonly names = new Set<string>();
  readonly counts = new Map<string, number>();

  /** A name that nothing has, made of a wish. */
  unique(wish: string): string {
    let name = wish;
    for (let i = this.counts.get(wish) ?? 1; this.names.has(name); i++) {
      name = `${wish}_${i}`;
      this.counts.set(wish, i + 1);
    }
    this.names.add(name);
    return name;
  }
}

export class Graph {
  readonly nodes: Node[] = [];
  readonly #shared: Shared;
  readonly #parent: Graph | null;
  /** Results of nodes by what they compute. */
  readonly #made = new Map<string, readonly string[]>();
  readonly #reshaped = new Map<string, Value>();
  /** The number of examples: the first extent of an input. */
  #batch: Value | null = null;

  constructor(parent: Graph | null = null) {
    this.#parent = parent;
    this.#shared = parent === null ? new Shared() : parent.#shared;
  }

  get #root(): Graph {
    return this.#parent === null ? this : this.#parent.#root;
  }

  /** The initializers that a finished graph reads. */
  usedIn({ nodes }: Subgraph): readonly Initializer[] {
    const read = new Set(nodes.flatMap(readBy));
    return [...this.#shared.initializers.values()].filter(({ name }) => read.has(name));
  }

  /** The graph of a loop's step or of a branch; it sees the values of this one. */
  inner(): Graph {
    return new Graph(this);
  }

  unique(wish: string): string {
    return this.#shared.unique(wish);
  }

  input(name: string, type: ElementType, shape: readonly Extent[]): Value {
    return { name: this.unique(name), type, shape };
  }

  /** Says whose first extent the number of examples is. */
  countExamplesOf(input: Value): void {
    this.#root.#batch = input;
  }

  /** Adds a node, unless there is an equal one. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}, count = 1): readonly string[] {
    const isPlain = Object.values(attributes).every(
      value => typeof value !== 'object' || !('nodes' in value),
    );
    const key = isPlain ? JSON.stringify([type, inputs, attributes, count]) : null;
    if (key !== null)
      for (let graph: Graph | null = this; graph !== null; graph = graph.#parent) {
        const made = graph.#made.get(key);
        if (made !== undefined) return made;
      }
    const outputs = range(count).map(() => this.unique(type.toLowerCase()));
    this.nodes.push({ type, inputs, outputs, attributes });
    if (key !== null) this.#made.set(key, outputs);
    return outputs;
  }

  /** A node of one result. */
  apply(
    type: string,
    inputs: readonly (Value | string)[],
    result: { readonly type: ElementType; readonly shape: readonly Extent[] },
    attributes: Attributes = {},
  ): Value {
    const names = inputs.map(input => (typeof input === 'string' ? input : input.name));
    const [name] = this.node(type, names, attributes);
    return { name, type: result.type, shape: result.shape };
  }

  /** An operator that broadcasts its operands against each other. */
  elementwise(
    type: string,
    operands: readonly Value[],
    result?: ElementType,
    attributes?: Attributes,
  ): Value {
    const shape = broadcastShape(operands.map(operand => operand.shape));
    const [first] = operands;
    return this.apply(type, operands, { type: result ?? first.type, shape }, attributes);
  }

  parameter(wish: string, type: DType, shape: readonly number[], data: TypedArray): Value {
    const name = this.unique(wish);
    this.#shared.initializers.set(name, { name, type, shape, data });
    return { name, type, shape };
  }

  /** Equal constants are one. */
  constant(type: ElementType, shape: readonly number[], values: ArrayLike<number>): Value {
    const list = Array.from(values);
    const key = `${type}[${shape}]${list.map(value => (Object.is(value, -0) ? '-0' : value)).join()}`;
    const made = this.#root.#made.get(key);
    if (made !== undefined) return { name: made[0], type, shape };
    let data: Initializer['data'];
    if (type === 'int64') data = BigInt64Array.from(list.map(value => BigInt(value)));
    else {
      data = allocate(type, list.length);
      data.set(list);
    }
    const name = this.unique('constant');
    this.#shared.initializers.set(name, { name, type, shape, data });
    this.#root.#made.set(key, [name]);
    return { name, type, shape };
  }

  scalar(type: ElementType, value: number): Value {
    return this.constant(type, [], [value]);
  }

  /** A list of axes, extents or places. */
  list(values: readonly number[]): Value {
    return this.constant('int64', [values.length], values);
  }

  /** Extents as a list, computed where they depend on the number of examples. */
  lengths(extents: readonly Extent[]): Value {
    if (areStatic(extents)) return this.list(extents);
    const one = { type: 'int64', shape: [1] } as const;
    const pieces = extents.map(extent => {
      if (isStatic(extent)) return this.list([extent]);
      const root = this.#root;
      let length = root.apply('Shape', [root.#batch as Value], one, { start: 0, end: 1 });
      if (extent.times !== 1) length = this.apply('Mul', [length, this.list([extent.times])], one);
      return extent.plus === 0 ? length : this.apply('Add', [length, this.list([extent.plus])], one);
    });
    return pieces.length === 1
      ? pieces[0]
      : this.apply('Concat', pieces, { type: 'int64', shape: [pieces.length] }, { axis: 0 });
  }

  /** An extent as a 0-dimensional number. */
  length(extent: Extent, type: ElementType): Value {
    if (isStatic(extent)) return this.scalar(type, extent);
    return this.cast(this.reshape(this.lengths([extent]), []), type);
  }

  cast(x: Value, type: ElementType): Value {
    return x.type === type ? x : this.apply('Cast', [x], { type, shape: x.shape }, { to: dataTypes[type] });
  }

  reshape(x: Value, shape: readonly Extent[]): Value {
    if (sameExtents(x.shape, shape)) return x;
    const from = this.#reshaped.get(x.name) ?? x;
    if (sameExtents(from.shape, shape)) return from;
    const moving = shape.filter(extent => !isStatic(extent));
    const target =
      moving.length === 1 && !shape.includes(0)
        ? this.list(shape.map(extent => (isStatic(extent) ? extent : -1)))
        : this.lengths(shape);
    const result = this.apply(
      'Reshape',
      [from, target],
      { type: x.type, shape },
      shape.includes(0) ? { allowzero: 1 } : {},
    );
    this.#reshaped.set(result.name, from);
    return result;
  }

  /** With leading axes of extent 1 up to this number of axes. */
  ranked(x: Value, rank: number): Value {
    return this.reshape(x, [...range(rank - x.shape.length).map(() => 1), ...x.shape]);
  }

  transpose(x: Value, order: readonly number[]): Value {
    if (order.every((from, to) => from === to)) return x;
    const shape = order.map(i => x.shape[i]);
    // Axes of extent 1 move for nothing.
    const moved = order.filter(i => x.shape[i] !== 1);
    if (moved.every((axis, i) => i === 0 || moved[i - 1] < axis)) return this.reshape(x, shape);
    return this.apply('Transpose', [x], { type: x.type, shape }, { perm: order });
  }

  /** All the copies that the value stands for. */
  expand(x: Value, shape: readonly Extent[]): Value {
    if (sameExtents(x.shape, shape)) return x;
    if (!shape.includes(0) && areStatic(x.shape) && areStatic(shape) && product(x.shape) === product(shape))
      return this.reshape(x, shape);
    return this.apply('Expand', [x, this.lengths(shape)], { type: x.type, shape });
  }

  slice(
    x: Value,
    starts: readonly Extent[],
    ends: readonly Extent[],
    axes: readonly number[],
    steps: readonly number[],
    shape: readonly Extent[],
  ): Value {
    if (axes.length === 0) return x;
    return this.apply(
      'Slice',
      [x, this.lengths(starts), this.lengths(ends), this.list(axes), this.list(steps)],
      {
        type: x.type,
        shape,
      },
    );
  }

  concat(operands: readonly Value[], axis: number, shape: readonly Extent[]): Value {
    if (operands.length === 1) return operands[0];
    return this.apply('Concat', operands, { type: operands[0].type, shape }, { axis });
  }

  where(test: Value, yes: Value, no: Value): Value {
    const type = wide(yes.type);
    return this.cast(
      this.elementwise('Where', [test, this.cast(yes, type), this.cast(no, type)], type),
      yes.type,
    );
  }

  /** The graph of what its results need. */
  finish(inputs: readonly Typed[], results: readonly Value[], outputs: readonly Typed[]): Subgraph {
    results.forEach((result, i) => {
      this.nodes.push({
        type: 'Identity',
        inputs: [result.name],
        outputs: [outputs[i].name],
        attributes: {},
      });
    });
    const needed = new Set(outputs.map(output => output.name));
    const kept: Node[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some(output => needed.has(output))) continue;
      for (const name of readBy(node)) needed.add(name);
      kept.push(node);
    }
    return { nodes: kept.reverse(), inputs, outputs };
  }
}

/** The names that a node reads, those inside its subgraphs included. */
export function readBy(node: Node): string[] {
  const inner = Object.values(node.attributes).flatMap(value =>
    typeof value === 'object' && 'nodes' in value ? value.nodes.flatMap(readBy) : [],
  );
  return [...node.inputs, ...inner];
}

/** The type in which numbers of a type are added, compared and so on. */
export function wide(type: ElementType): ElementType {
  if (type === 'uint32') return 'int64';
  return type === 'int8' || type === 'uint8' || type === 'bool' ? 'int32' : type;
}

/** The shape that shapes give together, lined up at their last axes. */
export function broadcastShape(shapes: readonly (readonly Extent[])[]): Extent[] {
  const rank = Math.max(0, ...shapes.map(shape => shape.length));
  return range(rank).map(i => {
    const extents = shapes.map(shape => shape[i - rank + shape.length] ?? 1);
    return extents.find(extent => extent !== 1) ?? 1;
  });
}
