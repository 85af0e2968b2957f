/**
 * C = A·B in packed, cache-blocked tiles.
 *
 * An element is Σ over blocks of `depthBlock` terms, the terms of a block added one after the other from zero, the
 * blocks' sums likewise. All paths keep this order, so that the bits of a result do not depend on strides, on the
 * place of an element in a tile, or on how rows are divided among threads.
 *
 * The loops are those of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * Transactions on Mathematical Software 34 (2008): a block of B stays in the outer caches, one of A in the second,
 * a panel of B in the first, a tile of C in registers.
 */
import { type FunctionBuilder, type FunctionRef, i32, type ModuleBuilder, type Value } from './encode.ts';
import { addDirect } from './gemm/direct.ts';
import {
  at,
  columnBlock,
  depthBlock,
  type ElementType,
  type Format,
  formatOf,
  largestTile,
  rowBlock,
  smaller,
  type Tile,
  tileOf,
} from './gemm/format.ts';
import { addPack, type Pack } from './gemm/pack.ts';
import { addBlock } from './gemm/tile.ts';
import { addMatrixVector, outputBlock } from './gemm/vector.ts';

export type { Pack } from './gemm/pack.ts';

export interface GemmOptions {
  readonly type: ElementType;
  /** Multiply and add in one instruction, rounded once where the machine fuses them. */
  readonly relaxed: boolean;
  /** The major version of V8 that will run the module; by default this process's, or a recent one. */
  readonly v8Major?: number;
  /** Read the elements of A or B by code of the caller instead of by strides. */
  readonly packA?: Pack;
  readonly packB?: Pack;
}

const alignment = 64;
const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

function v8Major(): number {
  const versions = (globalThis as { process?: { versions?: { v8?: string } } }).process?.versions;
  return Number.parseInt(versions?.v8 ?? '', 10) || Number.POSITIVE_INFINITY;
}

/** Rows of a tile of C. Threads divide the rows by multiples of it, or waste the rest of a tile. */
export function gemmRowTile(options: Pick<GemmOptions, 'relaxed' | 'v8Major'>): number {
  return tileOf(options.relaxed, options.v8Major ?? v8Major()).rows;
}

/** Bytes of workspace that a product of these extents needs, at any address, on every engine. */
export function gemmWorkspace(type: ElementType, m: number, n: number, k: number): number {
  const size = type === 'float32' ? 4 : 8;
  const width = (largestTile.vectors * 16) / size;
  const depths = Math.min(k, depthBlock);
  const rows = Math.min(m + largestTile.rows, rowBlock(size));
  const columns = Math.min(n + width, columnBlock(size));
  const packed = spareBytes + align(rows * depths * size) + align(columns * depths * size);
  const vector = align((Math.min(Math.max(m, n), outputBlock) + width) * size);
  return alignment + Math.max(packed, vector);
}

const spareBytes = align(largestTile.rows * largestTile.vectors * 16);

/**
 * Adds (a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, workspace), all i32: C[i, j] = Σ_p A[i, p]·B[p, j] for
 * i < m, j < n, p < k. Addresses and strides are in bytes; C's columns are neighbours, and it overlaps no operand.
 */
export function addGemm(module: ModuleBuilder, options: GemmOptions): FunctionRef {
  const format = formatOf(options.type, options.relaxed);
  const tile = tileOf(options.relaxed, options.v8Major ?? v8Major());
  const { packA, packB } = options;
  const blocked = addBlocked(module, format, tile, packA, packB);
  const plain = packA === undefined && packB === undefined;
  const direct = plain ? addDirect(module, format) : undefined;
  const matrixVector = plain ? addMatrixVector(module, format) : undefined;
  const { size } = format;
  return module.function(new Array(12).fill('i32'), [], f => {
    const [a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, workspace] = f.params;
    const elements = i32.const(size);
    const general = () => f.run(blocked, ...f.params);
    const unpacked = () => direct && f.run(direct, ...f.params.slice(0, 11));
    const empty = () =>
      f.for(i32.const(0), m, 1, i =>
        f.for(i32.const(0), n, 1, j =>
          f.emit(format.scalar.store(at(at(c, i, cRow), j, elements), format.scalar.const(0))),
        ),
      );
    const small = all(
      few(m, 64),
      few(n, 64),
      few(k, 64),
      i32.or(i32.eq(bColumn, elements), few(i32.mul(i32.mul(m, n), k), smallProduct)),
    );
    // Rows of B at such strides displace one another from the first cache.
    const crowded = i32.and(i32.eqz(i32.and(bRow, i32.const(2047))), i32.gt_s(k, i32.const(64)));
    const compact = i32.or(few(m, 32), i32.or(few(n, 64), all(few(m, 128), few(n, 128), few(k, 128))));
    const readable = all(
      i32.eq(bColumn, elements),
      i32.or(few(k, 8), i32.or(few(m, 4), i32.and(i32.eqz(crowded), compact))),
    );
    const shaped: readonly Path[] =
      matrixVector === undefined
        ? []
        : [
            [small, unpacked],
            [
              few(n, 3),
              () =>
                f.for(i32.const(0), n, 1, j => {
                  const [x, y] = [at(b, j, bColumn), at(c, j, elements)];
                  f.run(matrixVector, a, aRow, aColumn, x, bRow, y, cRow, m, k, workspace);
                }),
            ],
            [
              few(m, 3),
              () =>
                f.for(i32.const(0), m, 1, i => {
                  const [x, y] = [at(a, i, aRow), at(c, i, cRow)];
                  f.run(matrixVector, b, bColumn, bRow, x, aColumn, y, elements, n, k, workspace);
                }),
            ],
            [readable, unpacked],
          ];
    choose(f, [[few(k, 0), empty], ...shaped], general);
    return undefined;
  });
}

/** Up to so many multiplications packing costs more than it saves, even where B's elements are read one by one. */
const smallProduct = 16 * 16 * 16;

type Path = readonly [condition: Value, body: () => void];

/** Runs the first path whose condition holds, or else the last. */
function choose(f: FunctionBuilder, [path, ...others]: readonly Path[], last: () => void): void {
  if (path === undefined) last();
  else f.if(path[0], path[1], () => choose(f, others, last));
}

const few = (count: Value, limit: number): Value => i32.le_s(count, i32.const(limit));
const all = (...conditions: readonly Value[]): Value => conditions.reduce(i32.and);

function addBlocked(
  module: ModuleBuilder,
  format: Format,
  tile: Tile,
  packA: Pack | undefined,
  packB: Pack | undefined,
): FunctionRef {
  const { size, lanes } = format;
  const left = addPack(module, format, tile.rows, packA);
  const right = addPack(
    module,
    format,
    tile.vectors * lanes,
    packB && ((f, base, index, depth) => packB(f, base, depth, index)),
  );
  const block = addBlock(module, format, tile);
  const rowsAtOnce = rowBlock(size);
  const columnsAtOnce = columnBlock(size);
  return module.function(new Array(12).fill('i32'), [], f => {
    const [a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k, workspace] = f.params;
    const spare = f.let(i32.and(i32.add(workspace, i32.const(alignment - 1)), i32.const(-alignment)));
    const aPacked = f.let(i32.add(spare, i32.const(spareBytes)));
    const tileRows = i32.const(tile.rows);
    const rowsPadded = i32.mul(
      i32.div_u(i32.add(smaller(m, i32.const(rowsAtOnce)), i32.sub(tileRows, i32.const(1))), tileRows),
      tileRows,
    );
    const aBytes = i32.mul(i32.mul(rowsPadded, smaller(k, i32.const(depthBlock))), i32.const(size));
    const bPacked = f.let(
      i32.and(i32.add(i32.add(aPacked, aBytes), i32.const(alignment - 1)), i32.const(-alignment)),
    );
    f.for(i32.const(0), n, columnsAtOnce, j => {
      const columns = f.let(smaller(i32.sub(n, j), i32.const(columnsAtOnce)));
      f.for(i32.const(0), k, depthBlock, p => {
        const depths = f.let(smaller(i32.sub(k, p), i32.const(depthBlock)));
        f.run(right, b, bColumn, bRow, j, p, columns, depths, bPacked);
        f.for(i32.const(0), m, rowsAtOnce, i => {
          const rows = f.let(smaller(i32.sub(m, i), i32.const(rowsAtOnce)));
          f.run(left, a, aRow, aColumn, i, p, rows, depths, aPacked);
          const target = at(at(c, i, cRow), j, i32.const(size));
          f.run(block, aPacked, bPacked, target, cRow, rows, columns, depths, p, spare);
        });
      });
    });
    return undefined;
  });
}
