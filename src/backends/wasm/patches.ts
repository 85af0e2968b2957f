/**
 * Products whose second operand is read at irregular places, as in a convolution: for each turn of the outer loops
 * that operand is laid out as a dense matrix by vector code, and multiplied. Where the matrix would have few columns, as
 * in a convolution's gradient by its kernel, turns of one loop become columns; their results are then copied apart.
 */
import { axis, bytesOf, constant, type Expression, int, plus, visit } from '../../kernel/expression.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { rewrite } from '../../kernel/rewrite.ts';
import { type FunctionBuilder, type FunctionRef, i32, type ModuleBuilder, type Value } from './encode.ts';
import type { Functions } from './functions.ts';
import { gemmWorkspace } from './gemm.ts';
import { affine } from './indices.ts';

import { addNest } from './nest.ts';

export interface Patches {
  readonly type: 'float32' | 'float64';
  readonly regular: number;
  readonly irregular: number;
  /** Extents and byte strides of the loops around: of the regular operand and of the result; the axis itself. */
  readonly loops: readonly {
    readonly axis: number;
    readonly extent: number;
    readonly regular: number;
    readonly c: number;
    /** How far its index goes in a turn. */
    readonly step: number;
  }[];
  readonly offset: number;
  readonly rows: number;
  readonly rowStride: number;
  readonly rowC: number;
  readonly depth: number;
  readonly columns: number;
  /** Turns of a loop that are columns too: how many, and the byte stride of the result between them. */
  readonly group: { readonly count: number; readonly c: number };
  /** Whether the dense matrix has the terms of a column side by side, or else the columns of a term. */
  readonly byColumn: boolean;
  /** Byte strides of the regular operand along the axes of depth, which must run as one. */
  readonly depthStride: number;
  /** The map that lays the irregular operand out over depth and column axes, with the loops' indices as scalars. */
  readonly layout: (at: ReadonlyMap<number, Expression>) => Kernel;
}

/** Axes as one: the stride of the joined axis, or null where they do not run on. */
function joinedStride(strides: readonly number[], extents: readonly number[]): number | null {
  let expected: number | null = null;
  for (let i = extents.length - 1; i >= 0; i--) {
    if (extents[i] === 1) continue;
    if (expected !== null && strides[i] !== expected) return null;
    expected = strides[i] * extents[i];
  }
  const last = extents.map(n => n !== 1).lastIndexOf(true);
  return last < 0 ? 0 : strides[last];
}

function uses(x: Expression): Set<number> {
  const axes = new Set<number>();
  visit([x], node => {
    if (node.op === 'axis') axes.add(node.axis);
  });
  return axes;
}

export function matchPatches(kernel: Kernel): Patches | null {
  const { nest } = kernel;
  if (
    nest.form !== 'reduce' ||
    nest.accumulators.length !== 1 ||
    nest.accumulators[0].fused !== true ||
    nest.results[0].op !== 'carry'
  )
    return null;
  const { term } = nest.accumulators[0];
  if (term.type !== 'float32' && term.type !== 'float64') return null;
  const guarded = term.op === 'select' && term.args[2].op === 'constant' && term.args[2].value === 0;
  const product = guarded ? (term as { args: readonly Expression[] }).args[1] : term;
  if (product.op !== 'mul') return null;
  const [x, w] = product.args;
  if (x.op !== 'load' || w.op !== 'load') return null;
  const { extents } = nest;
  const kept = extents.length - nest.reduced;
  const size = bytesOf[term.type];
  // The regular operand: byte strides along every axis.
  const strides = new Array<number>(extents.length).fill(0);
  let offset = 0;
  let stride = size;
  for (let d = w.at.length - 1; d >= 0; d--) {
    const form = affine(w.at[d]);
    if (form === null) return null;
    offset += form.constant * stride;
    for (const [i, c] of form.terms) strides[i] += c * stride;
    stride *= kernel.inputs[w.source].shape[d];
  }
  const value = guarded
    ? { ...term, args: [(term as { args: readonly Expression[] }).args[0], x, constant(term.type, 0)] }
    : x;
  const used = uses(value as Expression);
  const c = new Array<number>(kept).fill(0);
  for (let i = kept - 1, step = size; i >= 0; i--) {
    c[i] = step;
    step *= extents[i];
  }
  const real = (list: number[]): number[] => list.filter(i => extents[i] !== 1);
  const outer = real([...extents.keys()].slice(0, kept));
  const depthAxes = real([...extents.keys()].slice(kept));
  if (depthAxes.some(i => !used.has(i))) return null;
  // Columns: the last axes, of the irregular operand alone. The row: the axis before them, of the regular one alone.
  const columns: number[] = [];
  for (
    let next = outer.at(-1);
    next !== undefined && strides[next] === 0 && used.has(next);
    next = outer.at(-1)
  )
    columns.unshift(outer.pop() as number);
  if (columns.length === 0) return null;
  const row = outer.at(-1);
  const hasRow = row !== undefined && strides[row] !== 0 && !used.has(row);
  if (hasRow) outer.pop();
  const depthStride = joinedStride(
    depthAxes.map(i => strides[i]),
    depthAxes.map(i => extents[i]),
  );
  if (depthStride === null) return null;
  const count = (list: readonly number[]): number => list.reduce((n, i) => n * extents[i], 1);
  const joint =
    count(columns) < fewColumns ? outer.filter(i => strides[i] === 0 && used.has(i)).at(-1) : undefined;
  const turns = joint === undefined ? 1 : largestDivisor(extents[joint], manyColumns / count(columns));
  const columnAxes = turns === 1 ? columns : [joint as number, ...columns];
  const extentOf = (i: number): number => (i === joint ? turns : extents[i]);
  const lastColumn = columns[columns.length - 1];
  const byColumn =
    depthAxes.length > 0 && extents[lastColumn] < Math.min(16, extents[depthAxes.at(-1) as number]);
  const order = byColumn ? [...columnAxes, ...depthAxes] : [...depthAxes, ...columnAxes];
  const layout = (at: ReadonlyMap<number, Expression>): Kernel => {
    const done = new Map<Expression, Expression>();
    const places = new Map(order.map((i, k) => [i, k]));
    const replaced = rewrite(
      value as Expression,
      node => {
        if (node.op === 'load')
          return { ...node, source: 0, at: node.at.map(index => rewrite(index, inner, done)) };
        return inner(node);
      },
      done,
    );
    function inner(node: Expression): Expression | null {
      if (node.op !== 'axis') return null;
      const place = places.get(node.axis);
      const index = at.get(node.axis) ?? int(0);
      return place === undefined ? index : plus(index, axis(place));
    }
    const shape = order.map(extentOf);
    return {
      name: 'patches',
      inputs: [kernel.inputs[x.source]],
      outputs: [{ type: term.type, shape }],
      nest: { form: 'map', extents: shape, values: [replaced] },
    };
  };
  return {
    type: term.type,
    regular: w.source,
    irregular: x.source,
    loops: outer.map(i => {
      const step = i === joint ? turns : 1;
      return { axis: i, extent: extents[i] / step, regular: strides[i] * step, c: c[i] * step, step };
    }),
    offset,
    rows: hasRow ? extents[row] : 1,
    rowStride: hasRow ? strides[row] : 0,
    rowC: hasRow ? c[row] : size * count(columns),
    depth: count(depthAxes),
    columns: turns * count(columns),
    group: { count: turns, c: joint === undefined ? 0 : c[joint] },
    byColumn,
    depthStride,
    layout,
  };
}

/** With fewer columns than this turns of a loop are joined, up to `manyColumns`. */
const fewColumns = 32;
const manyColumns = 128;

function largestDivisor(n: number, most: number): number {
  let divisor = Math.max(1, Math.min(n, Math.floor(most)));
  while (n % divisor !== 0) divisor--;
  return divisor;
}

const padded = (elements: number, type: Patches['type']): number =>
  Math.ceil((elements * bytesOf[type] + 128) / 64) * 64;
const patchBytes = ({ type, depth, columns }: Patches): number => padded(depth * columns, type);
const resultBytes = ({ type, rows, columns, group }: Patches): number =>
  group.count === 1 ? 0 : padded(rows * columns, type);

export function patchWorkspace(patches: Patches): number {
  return (
    patchBytes(patches) +
    resultBytes(patches) +
    gemmWorkspace(patches.type, patches.rows, patches.columns, patches.depth)
  );
}

/** The kernel's function: (addresses of inputs and the output, workspace) → nothing. */
export function addPatches(
  module: ModuleBuilder,
  functions: Functions,
  gemm: FunctionRef,
  kernel: Kernel,
  patches: Patches,
): FunctionRef {
  const { loops } = patches;
  // The layout reads the loops' indices from a small table of int32 that the caller fills: operand 1.
  const table = { type: 'int32' as const, shape: [Math.max(1, loops.length)] };
  const at = new Map(
    loops.map(({ axis: i }, k): [number, Expression] => [
      i,
      { op: 'load', type: 'int32', source: 1, at: [int(k)] },
    ]),
  );
  const made = patches.layout(at);
  const layout = addNest(module, functions, { ...made, inputs: [...made.inputs, table] });
  const count = kernel.inputs.length + 1;
  return module.function(new Array<'i32'>(count + 1).fill('i32'), [], f => {
    const n = i32.const;
    const indices = f.params[count];
    const dense = i32.add(indices, n(64));
    const together = i32.add(indices, n(64 + patchBytes(patches)));
    const workspace = i32.add(indices, n(64 + patchBytes(patches) + resultBytes(patches)));
    const regular = f.params[patches.regular];
    const nested = (level: number, w: Value, c: Value): void => {
      if (level === loops.length) {
        f.run(layout, f.params[patches.irregular], indices, dense, workspace);
        const size = bytesOf[patches.type];
        const { rows, columns, depth, byColumn, group } = patches;
        const apart = group.count > 1;
        f.run(
          gemm,
          w,
          n(patches.rowStride),
          n(patches.depthStride),
          dense,
          n(byColumn ? size : columns * size),
          n(byColumn ? depth * size : size),
          apart ? together : c,
          n(apart ? columns * size : patches.rowC),
          n(rows),
          n(columns),
          n(depth),
          workspace,
        );
        if (apart) copyApart(f, patches, together, c);
        return;
      }
      const loop = loops[level];
      const [lw, lc] = [f.let(w), f.let(c)];
      f.for(n(0), n(loop.extent), 1, i => {
        f.emit(i32.store(indices, loop.step === 1 ? i : i32.mul(i, n(loop.step)), 4 * level));
        nested(level + 1, lw, lc);
        f.emit(lw.set(i32.add(lw, n(loop.regular))));
        f.emit(lc.set(i32.add(lc, n(loop.c))));
      });
    };
    nested(0, patches.offset === 0 ? regular : i32.add(regular, n(patches.offset)), f.params[count - 1]);
    return undefined;
  });
}

/** Takes the results of a group's turns apart: a piece of each row of the matrix belongs to each turn. */
function copyApart(f: FunctionBuilder, patches: Patches, from: Value, to: Value): void {
  const { rows, columns, rowC, group } = patches;
  const n = i32.const;
  const piece = (columns / group.count) * bytesOf[patches.type];
  const source = f.let(from);
  f.for(n(0), n(rows), 1, row => {
    const target = f.let(i32.add(to, i32.mul(row, n(rowC))));
    f.for(n(0), n(group.count), 1, () => {
      f.for(n(0), n(piece), 4, at => {
        f.emit(i32.store(i32.add(target, at), i32.load(i32.add(source, at))));
      });
      f.emit(source.set(i32.add(source, n(piece))));
      f.emit(target.set(i32.add(target, n(group.c))));
    });
  });
}
