/**
 * Fusion. A map's expression replaces the loads of its result in later kernels, so that the result is never stored;
 * a reduction takes the maps that follow it into its results; maps over the same axes become one kernel of several
 * outputs. None of this changes what an element is computed from, nor the order of any sum.
 */
import { axis, type Expression, int, plus, times, visit } from '../kernel/expression.ts';
import { type BufferType, type MapNest, type Nest, type ReduceNest, rootsOf } from '../kernel/kernel.ts';
import { Interner, isPointwise, readsOwnIndex, rewrite } from '../kernel/rewrite.ts';
import { type Buffer, type Graph, type Node, readersOf } from './graph.ts';

/** The nest with every expression rewritten by one function. */
function mapExpressions(nest: Nest, change: (x: Expression) => Expression): Nest {
  switch (nest.form) {
    case 'map':
      return { ...nest, values: nest.values.map(change) };
    case 'reduce':
      return {
        ...nest,
        accumulators: nest.accumulators.map(one => ({ ...one, term: change(one.term) })),
        results: nest.results.map(change),
      };
    case 'scan':
      return {
        ...nest,
        initial: nest.initial.map(change),
        step: nest.step.map(change),
        results: nest.results.map(change),
      };
    case 'scatter':
      return { ...nest, base: change(nest.base), at: nest.at.map(change), value: change(nest.value) };
    case 'sort':
    case 'ordered':
      return nest;
  }
}

const dear = new Set([
  'exp',
  'expm1',
  'log',
  'log1p',
  'log2',
  'log10',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'cbrt',
  'pow',
  'atan2',
  'rem',
  'erf',
  'erfc',
  'erfinv',
  'lgamma',
  'digamma',
]);

/** What computing expressions costs, in simple operations; loads count. */
export function costOf(roots: readonly Expression[]): number {
  let cost = 0;
  visit(roots, x => {
    if (x.op === 'load' || x.op === 'select') cost += 1;
    else if ('args' in x && x.type !== 'int32')
      cost += dear.has(x.op) ? 20 : x.op === 'div' || x.op === 'sqrt' ? 4 : 1;
    else if ('args' in x) cost += 0.25;
  });
  return cost;
}

/** A nest that nothing moves into: its operands are read as they are in memory. */
const isClosed = (nest: Nest): boolean => nest.form === 'sort' || nest.form === 'ordered';

/** How often the nest evaluates an expression: once for each turn of the loops down to the innermost that it needs. */
function evaluations(nest: Nest, x: Expression): number {
  if (isClosed(nest)) return Number.POSITIVE_INFINITY;
  let innermost = -1;
  visit([x], node => {
    if (node.op === 'axis') innermost = Math.max(innermost, node.axis);
  });
  return nest.extents.slice(0, innermost + 1).reduce((a, b) => a * b, 1);
}

/** A product that the matrix kernels compute from packed operands: they read memory, not expressions. */
export function isProduct(nest: Nest): boolean {
  return nest.form === 'reduce' && nest.accumulators.length === 1 && nest.accumulators[0].fused === true;
}

/** The index in a result's own shape for an index in the shape under which it is read, or null. */
function reindex(
  at: readonly Expression[],
  read: readonly number[],
  own: readonly number[],
): Expression[] | null {
  const result: Expression[] = [];
  let i = 0;
  for (const extent of own) {
    if (extent === 1) {
      result.push(int(0));
      continue;
    }
    while (i < read.length && read[i] === 1) i++;
    if (i >= read.length) return null;
    let index = at[i];
    let size = read[i++];
    while (size < extent && i < read.length) {
      index = plus(times(index, int(read[i])), at[i]);
      size *= read[i++];
    }
    if (size !== extent) return null;
    result.push(index);
  }
  while (i < read.length) if (read[i++] !== 1) return null;
  return result;
}

interface Use {
  readonly node: Node;
  readonly source: number;
}

class Fusion {
  readonly #graph: Graph;
  /** Which nodes read a buffer, kept up to date. */
  readonly #readers: Map<Buffer, Set<Node>>;
  readonly #kept: Set<Buffer>;
  readonly #interner = new Interner();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#kept = new Set(graph.outputs);
    this.#readers = readersOf(graph);
  }

  run(): void {
    this.#inlineMaps();
    this.#absorbIntoReductions();
    this.#joinMaps();
  }

  /** Notes that a node reads other buffers than before. */
  #reads(node: Node, before: readonly Buffer[]): void {
    for (const buffer of before) if (!node.inputs.includes(buffer)) this.#readers.get(buffer)?.delete(node);
    for (const buffer of node.inputs) {
      const readers = this.#readers.get(buffer);
      if (readers === undefined) this.#readers.set(buffer, new Set([node]));
      else readers.add(node);
    }
  }

  #forget(node: Node): void {
    for (const buffer of node.inputs) this.#readers.get(buffer)?.delete(node);
  }

  #usesOf(buffer: Buffer): Use[] {
    return [...(this.#readers.get(buffer) ?? [])].flatMap(node =>
      node.inputs.flatMap((input, source) => (input === buffer ? [{ node, source }] : [])),
    );
  }

  /** Producers first: by the time a map is looked at, what it loads is stored for good. */
  #inlineMaps(): void {
    const gone = new Set<Node>();
    for (const producer of this.#graph.nodes) {
      const { nest } = producer.kernel;
      if (nest.form !== 'map' || producer.outputs.length !== 1) continue;
      const [result] = producer.outputs;
      const uses = this.#usesOf(result);
      if (uses.length === 0) continue;
      const plans = uses.map(use => this.#planInline(producer, use));
      const cost = costOf(nest.values);
      const loads = countLoads(nest);
      const cheap = cost <= 2 && loads <= 1;
      const total = plans.reduce<number>((sum, plan) => sum + (plan ?? Number.POSITIVE_INFINITY), 0);
      const worthwhile = cheap
        ? plans.some(plan => plan !== null)
        : plans.every(plan => plan !== null) && total <= result.size * (cost <= 6 ? 2 : 1);
      if (!worthwhile) continue;
      if (this.#kept.has(result) && !cheap) continue;
      const before = new Map(uses.map(use => [use.node, use.node.inputs]));
      uses.forEach((use, i) => {
        if (plans[i] !== null) this.#inline(producer, use);
      });
      for (const [node, inputs] of before) {
        dropUnread(node);
        this.#reads(node, inputs);
      }
      if (!this.#kept.has(result) && plans.every(plan => plan !== null)) {
        gone.add(producer);
        this.#forget(producer);
      }
    }
    this.#graph.nodes = this.#graph.nodes.filter(node => !gone.has(node));
  }

  /** How often the producer's element would be computed in this consumer, or null where it cannot move in. */
  #planInline(producer: Node, { node, source }: Use): number | null {
    const { nest } = node.kernel;
    if (isClosed(nest) || isProduct(nest)) return null;
    if (producer.region !== node.region && !isSmallView(producer)) return null;
    const read = node.kernel.inputs[source].shape;
    const [own] = producer.kernel.outputs;
    const pointwise = isPointwise(producer.kernel, producer.kernel.nest as MapNest);
    let count = 0;
    let possible = true;
    visit(rootsOf(nest), x => {
      if (x.op !== 'load' || x.source !== source) return;
      if (!pointwise && reindex(x.at, read, own.shape) === null) possible = false;
      count += evaluations(nest, x);
    });
    return possible ? count : null;
  }

  /** Moves the producer in; operands are only added, so that the sources of other uses stay what they are. */
  #inline(producer: Node, { node, source }: Use): void {
    const { kernel } = producer;
    const nest = kernel.nest as MapNest;
    const read = node.kernel.inputs[source].shape;
    const own = kernel.outputs[0].shape;
    const pointwise = isPointwise(kernel, nest);
    // The producer's operands join the consumer's; one that it reads already under the same shape is shared.
    const sources = kernel.inputs.map((input, i) => {
      const shape = pointwise && input.shape.length > 0 ? read : input.shape;
      return operand(node, producer.inputs[i], { type: input.type, shape });
    });
    const substituted = new Map<string, Expression>();
    const done = new Map<Expression, Expression>();
    const change = (x: Expression): Expression | null => {
      if (x.op !== 'load' || x.source !== source) return null;
      const at = x.at.map(index => rewrite(index, change, done));
      const index = pointwise ? at : (reindex(at, read, own) as Expression[]);
      const key = this.#interner.keyOf(index);
      let value = substituted.get(key);
      if (value === undefined) {
        value = this.#interner.of(substitute(nest.values[0], index, sources, pointwise));
        substituted.set(key, value);
      }
      return value;
    };
    node.kernel = {
      ...node.kernel,
      name: joinNames(kernel.name, node.kernel.name),
      nest: mapExpressions(node.kernel.nest, x => this.#interner.of(rewrite(x, change, done))),
    };
  }

  /** Maps over a reduction's kept axes become results of the reduction. */
  #absorbIntoReductions(): void {
    for (const reduction of [...this.#graph.nodes]) {
      for (;;) {
        const { nest } = reduction.kernel;
        if (nest.form !== 'reduce' || isProduct(nest) || reduction.outputs.length !== 1) break;
        const [result] = reduction.outputs;
        const readers = [...(this.#readers.get(result) ?? [])];
        if (readers.length !== 1 || this.#kept.has(result)) break;
        const before = reduction.inputs;
        if (!this.#absorb(reduction, nest, readers[0])) break;
        this.#forget(readers[0]);
        this.#reads(reduction, before);
      }
    }
  }

  #absorb(reduction: Node, nest: ReduceNest, consumer: Node): boolean {
    const after = consumer.kernel.nest;
    if (after.form !== 'map' || consumer.region !== reduction.region) return false;
    const kept = nest.extents.slice(0, nest.extents.length - nest.reduced);
    // The consumer's axes in terms of the kept ones: equal but for axes of one element.
    const places = alignAxes(after.extents, kept);
    if (places === null) return false;
    const [result] = reduction.outputs;
    let identity = true;
    visit(after.values, x => {
      if (x.op !== 'load' || consumer.inputs[x.source] !== result) return;
      const shape = consumer.kernel.inputs[x.source].shape;
      const own = reindex(x.at, shape, kept);
      const here = own?.every(
        (index, i) => kept[i] === 1 || (index.op === 'axis' && places[index.axis] === i),
      );
      if (here !== true) identity = false;
    });
    if (!identity) return false;
    const nodes = this.#graph.nodes;
    const sources = consumer.kernel.inputs.map((input, i) =>
      consumer.inputs[i] === result ? -1 : operand(reduction, consumer.inputs[i], input),
    );
    const done = new Map<Expression, Expression>();
    const change = (x: Expression): Expression | null => {
      if (x.op === 'axis') return places[x.axis] === null ? int(0) : axis(places[x.axis] as number);
      if (x.op !== 'load') return null;
      if (sources[x.source] < 0) return nest.results[0];
      return { ...x, source: sources[x.source], at: x.at.map(index => rewrite(index, change, done)) };
    };
    reduction.kernel = {
      ...reduction.kernel,
      name: joinNames(reduction.kernel.name, consumer.kernel.name),
      outputs: consumer.kernel.outputs.map(output => ({ ...output, shape: kept })),
      nest: {
        ...nest,
        results: after.values.map(value => this.#interner.of(rewrite(value, change, done))),
      },
    };
    reduction.outputs = consumer.outputs;
    dropUnread(reduction);
    // In the consumer's place, where all it reads is there.
    nodes.splice(nodes.indexOf(consumer), 1, reduction);
    nodes.splice(nodes.indexOf(reduction), 1);
    return true;
  }

  /** Maps over the same axes that share an operand, or of which one reads the other's result in place, become one. */
  #joinMaps(): void {
    const { nodes } = this.#graph;
    for (let i = 0; i < nodes.length; i++)
      for (let j = i + 1; j < nodes.length; j++) {
        if (!this.#canJoin(i, j)) continue;
        this.#join(nodes[i], nodes[j]);
        nodes.splice(j, 1);
        j = i;
      }
  }

  #canJoin(i: number, j: number): boolean {
    const { nodes } = this.#graph;
    const [a, b] = [nodes[i], nodes[j]];
    const [one, two] = [a.kernel.nest, b.kernel.nest];
    // What is computed again on purpose stays where it is needed.
    if (a.region !== b.region) return false;
    if (one.form !== 'map' || two.form !== 'map' || one.extents.join() !== two.extents.join()) return false;
    if (a.outputs.length + b.outputs.length > 8) return false;
    const produced = new Set(a.outputs);
    const related = b.inputs.some(
      buffer => buffer.size > 1 && (produced.has(buffer) || a.inputs.includes(buffer)),
    );
    if (!related) return false;
    // b moves up to a's place: nothing between may feed it, and what it reads of a must be read in place.
    for (let k = i + 1; k < j; k++)
      if (nodes[k].outputs.some(buffer => b.inputs.includes(buffer))) return false;
    let inPlace = true;
    visit(two.values, x => {
      if (x.op !== 'load' || !produced.has(b.inputs[x.source])) return;
      if (!readsOwnIndex(x, b.kernel, two)) inPlace = false;
    });
    return inPlace;
  }

  #join(a: Node, b: Node): void {
    const one = a.kernel.nest as MapNest;
    const two = b.kernel.nest as MapNest;
    const own = b.inputs.map(buffer => a.outputs.indexOf(buffer));
    const sources = b.kernel.inputs.map((input, i) => (own[i] >= 0 ? -1 : operand(a, b.inputs[i], input)));
    const done = new Map<Expression, Expression>();
    const change = (x: Expression): Expression | null => {
      if (x.op !== 'load') return null;
      if (own[x.source] >= 0) return one.values[own[x.source]];
      return { ...x, source: sources[x.source], at: x.at.map(index => rewrite(index, change, done)) };
    };
    a.kernel = {
      name: joinNames(a.kernel.name, b.kernel.name),
      inputs: a.kernel.inputs,
      outputs: [...a.kernel.outputs, ...b.kernel.outputs],
      nest: {
        form: 'map',
        extents: one.extents,
        values: [...one.values, ...two.values.map(value => this.#interner.of(rewrite(value, change, done)))],
      },
    };
    a.outputs = [...a.outputs, ...b.outputs];
    this.#dropUnused(a, b);
  }

  /** Results that only the joined map read need no memory. */
  #dropUnused(a: Node, b: Node): void {
    const others = new Set(
      this.#graph.nodes.filter(node => node !== a && node !== b).flatMap(node => node.inputs),
    );
    const keep = a.outputs.map(buffer => this.#kept.has(buffer) || others.has(buffer));
    if (keep.every(is => is)) return;
    const nest = a.kernel.nest as MapNest;
    a.kernel = {
      ...a.kernel,
      outputs: a.kernel.outputs.filter((_, i) => keep[i]),
      nest: { ...nest, values: nest.values.filter((_, i) => keep[i]) },
    };
    a.outputs = a.outputs.filter((_, i) => keep[i]);
    dropUnread(a);
  }
}

/** Whether the map reads one operand at most, and none that is larger than its result: then that may live on in its place. */
function isSmallView({ kernel, inputs, outputs }: Node): boolean {
  const { nest } = kernel;
  return nest.form === 'map' && countLoads(nest) <= 1 && inputs.every(({ size }) => size <= outputs[0].size);
}

function countLoads(nest: MapNest): number {
  let loads = 0;
  visit(nest.values, x => {
    if (x.op === 'load') loads++;
  });
  return loads;
}

/** For each axis of a map the kept axis that it is, null for one of a single element; null if they do not line up. */
function alignAxes(extents: readonly number[], kept: readonly number[]): (number | null)[] | null {
  const places: (number | null)[] = [];
  let next = 0;
  for (const extent of extents) {
    if (extent === 1) {
      places.push(null);
      continue;
    }
    while (next < kept.length && kept[next] === 1) next++;
    if (kept[next] !== extent) return null;
    places.push(next++);
  }
  while (next < kept.length) if (kept[next++] !== 1) return null;
  return places;
}

/** The number of an operand of the node: an old one if it reads the buffer under this shape already. */
function operand(node: Node, buffer: Buffer, type: BufferType): number {
  const known = node.inputs.findIndex(
    (input, i) => input === buffer && node.kernel.inputs[i].shape.join() === type.shape.join(),
  );
  if (known >= 0) return known;
  node.inputs = [...node.inputs, buffer];
  node.kernel = { ...node.kernel, inputs: [...node.kernel.inputs, type] };
  return node.inputs.length - 1;
}

/** Operands that no load reads any more. */
function dropUnread(node: Node): void {
  const { nest } = node.kernel;
  if (isClosed(nest)) return;
  const read = new Set<number>();
  visit(rootsOf(nest), x => {
    if (x.op === 'load') read.add(x.source);
  });
  if (read.size === node.inputs.length) return;
  const order = [...node.inputs.keys()].filter(i => read.has(i));
  const places = new Map(order.map((old, i) => [old, i]));
  const done = new Map<Expression, Expression>();
  const change = (x: Expression): Expression | null =>
    x.op === 'load'
      ? { ...x, source: places.get(x.source) as number, at: x.at.map(index => rewrite(index, change, done)) }
      : null;
  node.kernel = {
    ...node.kernel,
    inputs: order.map(i => node.kernel.inputs[i]),
    nest: mapExpressions(nest, x => rewrite(x, change, done)),
  };
  node.inputs = order.map(i => node.inputs[i]);
}

/** A map's value with its axes replaced by indices and its operands renumbered. */
function substitute(
  value: Expression,
  at: readonly Expression[],
  sources: readonly number[],
  pointwise: boolean,
): Expression {
  const done = new Map<Expression, Expression>();
  const change = (x: Expression): Expression | null => {
    if (x.op === 'axis') return at[x.axis];
    if (x.op !== 'load') return null;
    const index = pointwise && x.at.length > 0 ? at : x.at.map(one => rewrite(one, change, done));
    return { ...x, source: sources[x.source], at: index };
  };
  return rewrite(value, change, done);
}

function joinNames(first: string, second: string): string {
  const parts = [...first.split('·'), ...second.split('·')];
  return parts.length > 6 ? [...parts.slice(0, 5), '…'].join('·') : parts.join('·');
}

/** Fuses a graph's kernels in place. */
export function fuse(graph: Graph): void {
  new Fusion(graph).run();
}
