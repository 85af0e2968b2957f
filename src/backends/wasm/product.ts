/**
 * Products: a reduction whose term is the product of two operands is a matrix product where its axes divide into
 * rows (first operand only), columns (second only), depth (summed over) and batches (both). Operands must be
 * read at regular strides; patches.ts has those that are not, as in a convolution.
 */
import { bytesOf } from '../../kernel/expression.ts';
import type { Kernel, ReduceNest } from '../../kernel/kernel.ts';
import { type FunctionRef, i32, type ModuleBuilder, type Value } from './encode.ts';
import { addGemm, gemmWorkspace } from './gemm.ts';
import { type Affine, offsetOf } from './indices.ts';

/** A product kernel as loops around matrix products. */
export interface Product {
  readonly type: 'float32' | 'float64';
  readonly a: number;
  readonly b: number;
  readonly offsetA: number;
  readonly offsetB: number;
  readonly rows: Side;
  readonly columns: Side;
  readonly depth: Side;
  /** Loops around: extent and byte strides of a, b and the result. */
  readonly loops: readonly {
    readonly extent: number;
    readonly a: number;
    readonly b: number;
    readonly c: number;
  }[];
  /** Byte stride between the result's rows. */
  readonly row: number;
}

/** One direction of the matrix product: its extent, and the byte strides of the operands along it. */
interface Side {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
}

interface Axis extends Side {
  readonly c: number;
}

/** Adjacent axes that run through memory as one axis would, joined. */
function joined(axes: readonly Axis[]): Axis[] {
  const result: Axis[] = [];
  for (const axis of axes) {
    const before = result.at(-1);
    const fits =
      before !== undefined &&
      before.a === axis.a * axis.extent &&
      before.b === axis.b * axis.extent &&
      before.c === axis.c * axis.extent;
    if (fits) result[result.length - 1] = { ...axis, extent: before.extent * axis.extent };
    else result.push(axis);
  }
  return result;
}

const none: Axis = { extent: 1, a: 0, b: 0, c: 0 };

/** Whether the result's columns, its last axis, are the first operand's: the operands then change places. */
function isTurned(nest: ReduceNest, a: Affine, b: Affine): boolean {
  const kept = [...nest.extents.keys()].filter(
    i => i < nest.extents.length - nest.reduced && nest.extents[i] !== 1,
  );
  const last = kept.at(-1);
  const isOf = (form: Affine, axis: number): boolean => (form.terms.get(axis) ?? 0) !== 0;
  return (
    last !== undefined &&
    isOf(a, last) &&
    !isOf(b, last) &&
    kept.some(axis => isOf(b, axis) && !isOf(a, axis))
  );
}

/** The kernel as a matrix product, or null where it is none. */
export function matchProduct(kernel: Kernel): Product | null {
  const { nest } = kernel;
  if (nest.form !== 'reduce' || nest.accumulators.length !== 1 || nest.accumulators[0].fused !== true)
    return null;
  const { term } = nest.accumulators[0];
  const [result] = nest.results;
  if (result.op !== 'carry' || term.op !== 'mul' || (term.type !== 'float32' && term.type !== 'float64'))
    return null;
  let [x, y] = term.args;
  if (x.op !== 'load' || y.op !== 'load') return null;
  let a = offsetOf(x, kernel.inputs[x.source]);
  let b = offsetOf(y, kernel.inputs[y.source]);
  if (a === null || b === null) return null;
  if (isTurned(nest, a, b)) {
    [x, y] = [y, x];
    [a, b] = [b, a];
  }
  const size = bytesOf[term.type];
  const kept = nest.extents.length - nest.reduced;
  let stride = size;
  const axes: Axis[] = new Array<Axis>(nest.extents.length);
  for (let i = nest.extents.length - 1; i >= 0; i--) {
    const c = i < kept ? stride : 0;
    axes[i] = { extent: nest.extents[i], a: a.terms.get(i) ?? 0, b: b.terms.get(i) ?? 0, c };
    if (i < kept) stride *= nest.extents[i];
  }
  const real = (list: readonly Axis[]): Axis[] => joined(list.filter(axis => axis.extent !== 1));
  const depth = real(axes.slice(kept));
  if (depth.length > 1 || depth.some(axis => axis.a === 0 && axis.b === 0)) return null;
  const outer = axes.slice(0, kept).filter(axis => axis.extent !== 1);
  const rows = joined(outer.filter(axis => axis.a !== 0 && axis.b === 0));
  const columns = joined(outer.filter(axis => axis.a === 0 && axis.b !== 0));
  const batches = outer.filter(axis => (axis.a !== 0) === (axis.b !== 0));
  // Columns of the result must be neighbours; the longest groups go into the product, the rest into loops.
  const column = columns.at(-1)?.c === size ? (columns.pop() as Axis) : none;
  if (column === none && outer.length > 0 && outer.at(-1)?.c === size && rows.at(-1)?.c !== size) return null;
  const row = rows.pop() ?? none;
  return {
    type: term.type,
    a: x.source,
    b: y.source,
    offsetA: a.constant,
    offsetB: b.constant,
    rows: row,
    columns: column,
    depth: depth[0] ?? none,
    loops: [...batches, ...rows, ...columns],
    row: row.c === 0 ? size : row.c,
  };
}

export function workspaceOf(product: Product): number {
  return gemmWorkspace(product.type, product.rows.extent, product.columns.extent, product.depth.extent);
}

/** The kernel's function: (addresses of inputs and the output, workspace) → nothing. */
export function addProduct(
  module: ModuleBuilder,
  gemm: FunctionRef,
  kernel: Kernel,
  product: Product,
): FunctionRef {
  const count = kernel.inputs.length + 1;
  return module.function(new Array<'i32'>(count + 1).fill('i32'), [], f => {
    const { rows, columns, depth } = product;
    const n = i32.const;
    const nested = (level: number, a: Value, b: Value, c: Value): void => {
      if (level === product.loops.length) {
        f.run(
          gemm,
          a,
          n(rows.a),
          n(depth.a),
          b,
          n(depth.b),
          n(columns.b),
          c,
          n(product.row),
          n(rows.extent),
          n(columns.extent),
          n(depth.extent),
          f.params[count],
        );
        return;
      }
      const loop = product.loops[level];
      const [la, lb, lc] = [f.let(a), f.let(b), f.let(c)];
      f.for(n(0), n(loop.extent), 1, () => {
        nested(level + 1, la, lb, lc);
        f.emit(la.set(i32.add(la, n(loop.a))));
        f.emit(lb.set(i32.add(lb, n(loop.b))));
        f.emit(lc.set(i32.add(lc, n(loop.c))));
      });
    };
    const at = (source: number, offset: number): Value =>
      offset === 0 ? f.params[source] : i32.add(f.params[source], n(offset));
    nested(0, at(product.a, product.offsetA), at(product.b, product.offsetB), f.params[count - 1]);
    return undefined;
  });
}

/** The packed matrix product of one element type in a module, added once. */
export class Gemms {
  readonly #module: ModuleBuilder;
  readonly #relaxed: boolean;
  readonly #made = new Map<string, FunctionRef>();

  constructor(module: ModuleBuilder, relaxed: boolean) {
    this.#module = module;
    this.#relaxed = relaxed;
  }

  of(type: 'float32' | 'float64'): FunctionRef {
    let gemm = this.#made.get(type);
    if (gemm === undefined) {
      gemm = addGemm(this.#module, { type, relaxed: this.#relaxed });
      this.#made.set(type, gemm);
    }
    return gemm;
  }
}
