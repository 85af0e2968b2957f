/** Products and sums of blocks, each at the estimated cost of the cheapest way. */
import type { DType } from '../../../core/dtype.ts';
import type { Tensor } from '../../../core/tensor.ts';
import {
  type Block,
  byColumns,
  byRows,
  contracted,
  type Dense,
  type Diagonal,
  dense,
  diagonal,
  isUnit,
  type LinearMap,
  type Matrix,
  matrixOf,
  multiple,
  plus,
  pulled,
  pushed,
  scaledAlong,
  valuesOf,
} from './block.ts';

/** What the blocks of one graph have in common. */
export interface Setting {
  /** At most so many vectors have to be sent through any block: all inputs forwards, or all outputs backwards. */
  readonly passes: number;
  /** The type of matrices that nothing else decides. */
  readonly dtype: DType;
}

/** Scalar operations to apply a block to one vector. */
export function applied(block: Block): number {
  switch (block.form) {
    case 'map':
      return block.work;
    case 'dense':
      return 2 * block.rows * block.columns;
    case 'diagonal':
      return isUnit(block) ? 0 : block.rows;
  }
}

/** Scalar operations to make a matrix of a block. */
export function made(block: Block): number {
  if (block.form !== 'map') return 0;
  return block.work * (block.pushes ? Math.min(block.rows, block.columns) : block.rows);
}

/**
 * What a block will still cost, at least about: it is wanted as a matrix where it lies between an input and an output,
 * elsewhere it must be applied in every pass.
 */
export function later(block: Block, last: boolean, { passes }: Setting): number {
  if (block.form !== 'map') return last ? 0 : passes * applied(block);
  if (last) return made(block);
  const asMatrix = made(block) + passes * 2 * block.rows * block.columns;
  return Math.min(passes * block.work, asMatrix);
}

/** A result and the scalar operations that it took. */
export interface Costed {
  readonly block: Block;
  readonly cost: number;
}

export function asDense(block: Block, { dtype }: Setting): Dense {
  if (block.form === 'dense') return block;
  return dense(block.rows, block.columns, () => matrixOf(block, dtype));
}

/** B·A as a map, which costs nothing now. */
function composed(B: Block, A: Block): LinearMap {
  return {
    form: 'map',
    rows: B.rows,
    columns: A.columns,
    work: applied(B) + applied(A),
    pushes: pushesOf(B) && pushesOf(A),
    forward: vectors => pushed(B, pushed(A, vectors)),
    backward: vectors => pulled(A, pulled(B, vectors)),
  };
}

const pushesOf = (block: Block): boolean => block.form !== 'map' || block.pushes;

function diagonalProduct(B: Diagonal, A: Diagonal): Costed {
  const size = B.rows;
  if (A.scale !== null && B.scale !== null) return { block: multiple(size, A.scale * B.scale), cost: 0 };
  if (A.scale === 1) return { block: B, cost: 0 };
  if (B.scale === 1) return { block: A, cost: 0 };
  const values = (): Tensor =>
    A.scale === null ? scaledAlong(A.values(), 0, B) : scaledAlong(B.values(), 0, A);
  return { block: diagonal(size, values), cost: isUnit(A) || isUnit(B) ? 0 : size };
}

/** B·A as a matrix; null where neither is one, or the only way is closed. */
function matrixProduct(B: Block, A: Block): Costed | null {
  const [rows, columns] = [B.rows, A.columns];
  const at = (cost: number, matrix: () => Matrix): Costed => ({ block: dense(rows, columns, matrix), cost });
  if (A.form === 'dense' && B.form === 'dense')
    return at(2 * rows * B.columns * columns, () => {
      const [b, a] = [B.matrix(), A.matrix()];
      const tensor = contracted(b.tensor, b.byColumns ? 0 : 1, a.tensor, a.byColumns ? 1 : 0);
      return { tensor, byColumns: false };
    });
  if (A.form === 'dense') {
    if (B.form === 'diagonal')
      return at(isUnit(B) ? 0 : rows * columns, () => {
        const { tensor, byColumns } = A.matrix();
        return { tensor: scaledAlong(tensor, byColumns ? 1 : 0, B), byColumns };
      });
    if (B.form === 'dense' || !B.pushes) return null;
    return at(columns * B.work, () => ({
      tensor: B.forward(byColumns(A.matrix())),
      byColumns: true,
    }));
  }
  if (B.form === 'dense') {
    if (A.form === 'diagonal')
      return at(isUnit(A) ? 0 : rows * columns, () => {
        const { tensor, byColumns } = B.matrix();
        return { tensor: scaledAlong(tensor, byColumns ? 0 : 1, A), byColumns };
      });
    return at(rows * A.work, () => ({ tensor: A.backward(byRows(B.matrix())), byColumns: false }));
  }
  return null;
}

/** B·A, as a matrix now or as a map, whichever is cheaper with what comes later. `last`: from an input to an output. */
export function product(B: Block, A: Block, last: boolean, setting: Setting): Costed {
  if (A.form === 'diagonal' && B.form === 'diagonal') return diagonalProduct(B, A);
  if (A.form === 'diagonal' && A.scale === 1) return { block: B, cost: 0 };
  if (B.form === 'diagonal' && B.scale === 1) return { block: A, cost: 0 };
  const lazy = composed(B, A);
  const now = matrixProduct(B, A);
  if (now === null) return { block: lazy, cost: 0 };
  const waits = later(lazy, last, setting);
  return waits < now.cost + later(now.block, last, setting) ? { block: lazy, cost: 0 } : now;
}

/** The two blocks added as maps. */
function together(a: Block, b: Block): LinearMap {
  return {
    form: 'map',
    rows: a.rows,
    columns: a.columns,
    work: applied(a) + applied(b) + a.rows,
    pushes: pushesOf(a) && pushesOf(b),
    forward: vectors => plus(pushed(a, vectors), pushed(b, vectors)),
    backward: vectors => plus(pulled(a, vectors), pulled(b, vectors)),
  };
}

/** The sum of two blocks of equal size. */
export function sum(a: Block, b: Block, last: boolean, setting: Setting): Costed {
  const { rows, columns } = a;
  if (a.form === 'diagonal' && b.form === 'diagonal') {
    if (a.scale !== null && b.scale !== null) return { block: multiple(rows, a.scale + b.scale), cost: 0 };
    const { dtype } = setting;
    return { block: diagonal(rows, () => plus(valuesOf(a, dtype), valuesOf(b, dtype))), cost: rows };
  }
  const [x, y] = [asDense(a, setting), asDense(b, setting)];
  const now: Costed = {
    block: dense(rows, columns, () => {
      const [p, q] = [x.matrix(), y.matrix()];
      const other = p.byColumns ? byColumns(q) : byRows(q);
      return { tensor: plus(p.tensor, other), byColumns: p.byColumns };
    }),
    cost: made(a) + made(b) + rows * columns,
  };
  const lazy = together(a, b);
  return later(lazy, last, setting) < now.cost + later(now.block, last, setting)
    ? { block: lazy, cost: 0 }
    : now;
}
