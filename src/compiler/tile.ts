/**
 * Tiling. Kernels that follow each other along the same rows run block by block: what one leaves for the next stays in
 * the cache, results that only the block needs have memory of a block's size, and blocks may run on several threads.
 * Every row is computed as before, so that no bit depends on the size of the blocks or on who computes them.
 */
import { bytesOf, type Expression, visit } from '../kernel/expression.ts';
import { type Kernel, type Nest, rootsOf } from '../kernel/kernel.ts';
import { ownExpressions, type Statement, statementsIn } from '../kernel/statement.ts';
import { costOf, isProduct } from './fuse.ts';
import { Buffer, type Graph, type Node, opaque, readersOf } from './graph.ts';

/** One operand of a block: elements between the blocks' rows, or null where every block reads all of it. */
export interface TileInput {
  readonly buffer: Buffer;
  readonly step: number | null;
}

/** A group of kernels over rows 0 … count − 1, cut into `turns` blocks; the last one may be smaller. */
export interface Tile {
  readonly turns: number;
  readonly rows: number;
  readonly inputs: readonly TileInput[];
  /** Elements of one row of each result. */
  readonly steps: readonly number[];
  readonly body: Graph;
  /** The last block where it is smaller than the others. */
  readonly last: Graph | null;
}

export interface TileOptions {
  /** How many threads may run blocks. Default 1. */
  readonly threads?: number | undefined;
  /** Without tiling every kernel runs as a whole. Default true. */
  readonly tiling?: boolean;
}

/** How a kernel divides along its first axis. */
interface Cut {
  readonly rows: number;
  /** For each operand the dimension that runs along the rows, or null where it is read whole. */
  readonly along: readonly (number | null)[];
}

/** Bytes of a group that are worth cutting for the cache's sake. */
const large = 2 ** 20;
/** Bytes that a block should keep in the cache. */
const cached = 2 ** 17;
/** Nanoseconds of work that are worth a second thread. */
const worthThread = 15_000;
/** Nanoseconds that a block should last at least. */
const grain = 6_000;

function usesRow(x: Expression): boolean {
  let uses = false;
  visit([x], node => {
    if (node.op === 'axis' && node.axis === 0) uses = true;
  });
  return uses;
}

/** How the kernel divides into rows, or null where it does not. */
function cutOf({ kernel }: Node): Cut | null {
  const { nest, inputs } = kernel;
  if (nest.form === 'scatter' || nest.extents.length === 0) return null;
  const [rows] = nest.extents;
  if (rows < 2 || nest.extents.includes(0)) return null;
  if (nest.form === 'reduce' && nest.reduced === nest.extents.length) return null;
  if ((nest.form === 'scan' || nest.form === 'sort') && nest.along === 0) return null;
  if (nest.form === 'sort') return { rows, along: [0] };
  if (nest.form === 'ordered') return cutOfRuns(kernel, nest.body, rows);
  const along: (number | null | undefined)[] = inputs.map(() => undefined);
  let possible = true;
  visit(rootsOf(nest), x => {
    if (x.op !== 'load') {
      // The row's number itself is not known inside a block, except as an index of a load.
      if ('args' in x && x.args.some(arg => arg.op === 'axis' && arg.axis === 0)) possible = false;
      return;
    }
    const places = x.at.flatMap((at, d) => (usesRow(at) ? [d] : []));
    const place = places.length === 0 ? null : places[0];
    if (places.length > 1 || (place !== null && x.at[place].op !== 'axis')) possible = false;
    if (along[x.source] !== undefined && along[x.source] !== place) possible = false;
    along[x.source] = place;
  });
  if (rootsOf(nest).some(root => root.op === 'axis' && root.axis === 0)) possible = false;
  return possible ? { rows, along: along.map(place => place ?? null) } : null;
}

/** How runs of statements divide: each has to stay within its own part, the first dimension, of what it writes. */
function cutOfRuns({ inputs }: Kernel, body: readonly Statement[], rows: number): Cut | null {
  const along: (number | null | undefined)[] = inputs.map(() => undefined);
  const isRow = (x: Expression): boolean => x.op === 'axis' && x.axis === 0;
  const isOwn = (at: readonly Expression[]): boolean =>
    at.length > 0 && isRow(at[0]) && !at.slice(1).some(usesRow);
  let possible = true;
  const check = (statement: Statement): void => {
    const roots = ownExpressions(statement);
    if (statement.form === 'store' && !isOwn(statement.at)) possible = false;
    visit(roots, x => {
      if (x.op !== 'load') {
        if ('args' in x && x.args.some(isRow)) possible = false;
      } else if (x.source >= inputs.length) {
        if (!isOwn(x.at)) possible = false;
      } else {
        const place = isOwn(x.at) ? 0 : null;
        if (place === null && x.at.some(usesRow)) possible = false;
        if (along[x.source] !== undefined && along[x.source] !== place) possible = false;
        along[x.source] = place;
      }
    });
    const values = statement.form === 'store' ? [statement.value] : roots;
    if (values.some(isRow)) possible = false;
    for (const inner of statementsIn(statement)) check(inner);
  };
  for (const statement of body) check(statement);
  return possible ? { rows, along: along.map(place => place ?? null) } : null;
}

/** Simple operations of one run, taking every loop for half as long as the longest dimension of a result. */
function operationsOf(statements: readonly Statement[], length: number): number {
  return statements.reduce((total, one) => {
    const turns = one.form === 'loop' || one.form === 'sum' ? length / 2 : 1;
    return total + turns * (costOf(ownExpressions(one)) + operationsOf(statementsIn(one), length));
  }, 0);
}

/** Elements from one index to the next along a dimension. */
const strideOf = (shape: readonly number[], dimension: number): number =>
  shape.slice(dimension + 1).reduce((a, b) => a * b, 1);

/** About how many nanoseconds a kernel takes on one thread. */
function timeOf({ nest, inputs, outputs }: Kernel): number {
  const turns = nest.extents.reduce((a, b) => a * b, 1);
  if (nest.form === 'sort') return turns * 40;
  if (nest.form === 'ordered') {
    const length = Math.max(1, ...outputs.flatMap(({ shape }) => shape.slice(nest.extents.length)));
    return turns * 0.2 * operationsOf(nest.body, length);
  }
  const wide = [...inputs, ...outputs].some(buffer => buffer.type === 'float64') ? 2 : 1;
  if (nest.form === 'reduce' && nest.accumulators[0].fused === true) return turns * 0.04 * wide;
  return turns * (0.1 + 0.07 * costOf(rootsOf(nest))) * wide;
}

/** Kernels over the same rows in which none needs another's rows but its own. */
class Group {
  readonly rows: number;
  readonly nodes: Node[] = [];
  readonly cuts: Cut[] = [];
  readonly made = new Set<Buffer>();

  constructor(rows: number) {
    this.rows = rows;
  }

  /** Whether the node may run in this group's blocks, and has to do with it. */
  accepts(node: Node, cut: Cut): boolean {
    if (cut.rows !== this.rows) return false;
    const fits = node.inputs.every((buffer, i) => {
      if (!this.made.has(buffer)) return true;
      const place = cut.along[i];
      return place !== null && strideOf(node.kernel.inputs[i].shape, place) * this.rows === buffer.size;
    });
    const related =
      node.inputs.some(buffer => buffer.size > 1 && this.made.has(buffer)) ||
      node.inputs.some(
        (buffer, i) => cut.along[i] !== null && this.nodes.some(other => other.inputs.includes(buffer)),
      );
    return fits && related;
  }

  add(node: Node, cut: Cut): void {
    this.nodes.push(node);
    this.cuts.push(cut);
    for (const output of node.outputs) this.made.add(output);
  }
}

/** How many rows a block has, or null where the group is better left whole. */
function blockOf(group: Group, threads: number): number | null {
  const { rows, nodes, cuts } = group;
  const rowBytes = new Map<Buffer, number>();
  nodes.forEach((node, n) => {
    node.inputs.forEach((buffer, i) => {
      if (cuts[n].along[i] !== null) rowBytes.set(buffer, (buffer.size / rows) * bytesOf[buffer.type]);
    });
    for (const buffer of node.outputs) rowBytes.set(buffer, (buffer.size / rows) * bytesOf[buffer.type]);
  });
  const bytes = [...rowBytes.values()].reduce((a, b) => a + b, 0);
  const time = nodes.reduce((sum, node) => sum + timeOf(node.kernel), 0);
  const forCache = nodes.length > 1 && bytes * rows > large;
  const forThreads = threads > 1 && time > worthThread;
  if (!forCache && !forThreads) return null;
  // A product packs its second operand in every block: few and large blocks.
  const product = nodes.some(({ kernel }) => isProduct(kernel.nest));
  const share = Math.ceil(rows / threads);
  if (product) {
    if (!forThreads) return null;
    const block = share > 512 ? Math.ceil(share / Math.ceil(share / 512)) : share;
    return rounded(block, rows < 64 ? 1 : 8, rows);
  }
  const least = Math.ceil((grain / time) * rows);
  const fitting = forCache ? Math.ceil(cached / bytes) : Math.ceil(share / 4);
  return rounded(Math.max(least, fitting, 1), bytes < 64 ? 64 : 1, rows);
}

/** A size near the wanted one that divides the rows if there is one, else a multiple of `unit`. */
function rounded(wanted: number, unit: number, rows: number): number | null {
  if (wanted >= rows) return null;
  for (let size = wanted; size >= Math.max(1, 0.7 * wanted); size--)
    if (rows % size === 0 && size % unit === 0) return size;
  for (let size = wanted; size <= 1.4 * wanted && size < rows; size++)
    if (rows % size === 0 && size % unit === 0) return size;
  const size = Math.ceil(wanted / unit) * unit;
  return size < rows ? size : null;
}

/** The group's kernels for a block of so many rows. */
function blockGraph(
  group: Group,
  rows: number,
  inputs: readonly TileInput[],
  results: readonly Buffer[],
): Graph {
  const within = (shape: readonly number[], dimension: number): readonly number[] =>
    shape.map((n, d) => (d === dimension ? rows : n));
  const outer = inputs.map(
    ({ buffer, step }, i) =>
      new Buffer(buffer.type, [buffer.size - (step === null ? 0 : (group.rows - rows) * step)], i),
  );
  const inner = new Map<Buffer, Buffer>();
  const nodes = group.nodes.map((node, n): Node => {
    const cut = group.cuts[n];
    const { kernel } = node;
    const read = node.inputs.map((buffer, i) => {
      const made = inner.get(buffer);
      if (made !== undefined) return made;
      const step = stepOf(node, cut, i);
      return outer[inputs.findIndex(input => input.buffer === buffer && input.step === step)];
    });
    const written = node.outputs.map(buffer => {
      const block = new Buffer(buffer.type, [rows, buffer.size / group.rows]);
      inner.set(buffer, block);
      return block;
    });
    const extents = within(kernel.nest.extents, 0);
    return {
      kernel: {
        ...kernel,
        inputs: kernel.inputs.map((input, i) => {
          const place = cut.along[i];
          // A dimension with others before it keeps its extent, on which their strides depend.
          return place !== null && strideOf(input.shape, place) * group.rows === node.inputs[i].size
            ? { ...input, shape: within(input.shape, place) }
            : input;
        }),
        outputs: kernel.outputs.map(output => ({ ...output, shape: within(output.shape, 0) })),
        nest: { ...kernel.nest, extents } as Nest,
      },
      inputs: read,
      outputs: written,
    };
  });
  return { nodes, inputs: outer, outputs: results.map(buffer => inner.get(buffer) as Buffer) };
}

const stepOf = (node: Node, cut: Cut, i: number): number | null => {
  const place = cut.along[i];
  return place === null ? null : strideOf(node.kernel.inputs[i].shape, place);
};

/** The group as one node, which runs it block by block. */
function tiled(group: Group, rows: number, needed: (buffer: Buffer) => boolean): Node {
  const inputs: TileInput[] = [];
  group.nodes.forEach((node, n) => {
    node.inputs.forEach((buffer, i) => {
      const step = stepOf(node, group.cuts[n], i);
      if (group.made.has(buffer)) return;
      if (!inputs.some(input => input.buffer === buffer && input.step === step))
        inputs.push({ buffer, step });
    });
  });
  const results = [...group.made].filter(needed);
  const turns = Math.ceil(group.rows / rows);
  const rest = group.rows - (turns - 1) * rows;
  const tile: Tile = {
    turns,
    rows,
    inputs,
    steps: results.map(buffer => buffer.size / group.rows),
    body: blockGraph(group, rows, inputs, results),
    last: rest === rows ? null : blockGraph(group, rest, inputs, results),
  };
  const name = group.nodes.map(node => node.kernel.name).join(' → ');
  const typed = (buffer: Buffer) => ({ type: buffer.type, shape: buffer.shape });
  const read = inputs.map(input => input.buffer);
  return {
    kernel: { name, inputs: read.map(typed), outputs: results.map(typed), nest: opaque },
    inputs: read,
    outputs: results,
    control: { form: 'tile', tile },
  };
}

/** Cuts what is worth cutting, in place. */
export function tile(graph: Graph, { threads = 1, tiling = true }: TileOptions): void {
  if (!tiling) return;
  const groups: (Node | Group)[] = [];
  let current: Group | null = null;
  for (const node of graph.nodes) {
    const cut = node.control === undefined ? cutOf(node) : null;
    if (cut === null) {
      groups.push(node);
      // What does not divide stands between: a group goes on only with what it does not touch.
      current = null;
      continue;
    }
    if (current === null || !current.accepts(node, cut)) {
      current = new Group(cut.rows);
      groups.push(current);
    }
    current.add(node, cut);
  }
  const readers = readersOf(graph);
  graph.nodes = groups.flatMap(group => {
    if (!(group instanceof Group)) return [group];
    const rows = blockOf(group, threads);
    if (rows === null) return group.nodes;
    const own = new Set(group.nodes);
    return [
      tiled(
        group,
        rows,
        buffer =>
          graph.outputs.includes(buffer) || [...(readers.get(buffer) ?? [])].some(node => !own.has(node)),
      ),
    ];
  });
}
