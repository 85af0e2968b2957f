/** Results laid out as they are read: products are computed transposed where that is how they are used, and what then only copies goes away. */
import { axis, type Expression, visit } from '../kernel/expression.ts';
import type { MapNest, ReduceNest } from '../kernel/kernel.ts';
import { readsOwnIndex, rewrite } from '../kernel/rewrite.ts';
import { isProduct } from './fuse.ts';
import { type Buffer, type Graph, type Node, readersOf } from './graph.ts';

/** The order of dimensions in which a map reads an operand, outermost axis of the map first; null if it is none. */
function readingOrder(node: Node, buffer: Buffer, rank: number): number[] | null {
  const { nest } = node.kernel;
  if (nest.form !== 'map' || node.control !== undefined) return null;
  const orders = new Map<string, number[]>();
  let regular = true;
  visit(nest.values, x => {
    if (x.op !== 'load' || node.inputs[x.source] !== buffer) return;
    const axes = x.at.map(at => (at.op === 'axis' ? at.axis : -1));
    if (axes.length !== rank || axes.includes(-1) || new Set(axes).size !== rank) regular = false;
    const order = axes.map((_, d) => d).sort((a, b) => axes[a] - axes[b]);
    orders.set(order.join(), order);
  });
  return regular && orders.size === 1 ? [...orders.values()][0] : null;
}

/** Computes a product's result with its dimensions in another order, and lets the readers know. */
function turn(product: Node, readers: Iterable<Node>, order: readonly number[]): void {
  const nest = product.kernel.nest as ReduceNest;
  const kept = order.length;
  const [result] = product.outputs;
  const [output] = product.kernel.outputs;
  const shape = order.map(d => output.shape[d]);
  const [accumulator] = nest.accumulators;
  const term = rewrite(accumulator.term, x =>
    x.op === 'axis' && x.axis < kept ? axis(order.indexOf(x.axis)) : null,
  );
  product.kernel = {
    ...product.kernel,
    outputs: [{ ...output, shape }],
    nest: {
      ...nest,
      extents: [...order.map(d => nest.extents[d]), ...nest.extents.slice(kept)],
      accumulators: [{ ...accumulator, term }],
    },
  };
  for (const reader of readers) {
    const { kernel } = reader;
    const done = new Map<Expression, Expression>();
    const change = (x: Expression): Expression | null =>
      x.op === 'load' && reader.inputs[x.source] === result ? { ...x, at: order.map(d => x.at[d]) } : null;
    reader.kernel = {
      ...kernel,
      inputs: kernel.inputs.map((input, i) => (reader.inputs[i] === result ? { ...input, shape } : input)),
      nest: {
        ...(kernel.nest as MapNest),
        values: (kernel.nest as MapNest).values.map(value => rewrite(value, change, done)),
      },
    };
  }
}

function turnProducts(graph: Graph, readers: ReadonlyMap<Buffer, Set<Node>>): void {
  for (const product of graph.nodes) {
    const [result] = product.outputs;
    if (product.control !== undefined || !isProduct(product.kernel.nest)) continue;
    if (graph.outputs.includes(result)) continue;
    const [{ shape }] = product.kernel.outputs;
    const all = [...(readers.get(result) ?? [])];
    // A reader that sees it under another shape needs its elements in the order of the first one.
    const sameShape = all.every(node =>
      node.inputs.every(
        (input, i) => input !== result || node.kernel.inputs[i].shape.join() === shape.join(),
      ),
    );
    if (!sameShape || all.length === 0) continue;
    const orders = all.map(node => readingOrder(node, result, shape.length));
    const [order] = orders;
    if (order === null || orders.some(other => other?.join() !== order.join())) continue;
    if (order.some((d, i) => d !== i)) turn(product, all, order);
  }
}

/** Whether the node's only result is an operand as it is: which one, or null. */
function copied(node: Node): Buffer | null {
  const { nest, inputs } = node.kernel;
  if (node.control !== undefined || nest.form !== 'map' || nest.values.length !== 1) return null;
  const [value] = nest.values;
  if (value.op !== 'load' || inputs[value.source].type !== node.outputs[0].type) return null;
  return readsOwnIndex(value, node.kernel, nest) ? node.inputs[value.source] : null;
}

/** Lays results out as they are read, in place. */
export function arrange(graph: Graph): void {
  turnProducts(graph, readersOf(graph));
  const sources = new Map<Buffer, Buffer>();
  const made = new Set(graph.nodes.flatMap(node => node.outputs));
  graph.nodes = graph.nodes.filter(node => {
    node.inputs = node.inputs.map(buffer => sources.get(buffer) ?? buffer);
    const source = copied(node);
    // A copy of an input that leaves the program stays one: an output has memory of its own.
    if (source === null || (graph.outputs.includes(node.outputs[0]) && !made.has(source))) return true;
    sources.set(node.outputs[0], source);
    return false;
  });
  graph.outputs = graph.outputs.map(buffer => sources.get(buffer) ?? buffer);
}
