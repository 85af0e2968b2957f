/** The micro-kernel, which holds a tile of C in registers, and the loop over the tiles of a packed block. */
import { type FunctionRef, i32, type ModuleBuilder, v128 } from '../encode.ts';
import { at, type Format, type Tile } from './format.ts';

/**
 * (a, b, c, cRow, depths, accumulate): C = (accumulate ? C : 0) + A·B for one tile, from panels of A and B. The loop
 * is not unrolled: it is bound by its products, and V8 11 spills registers when it reorders the loads of two rounds.
 */
function addTile(module: ModuleBuilder, format: Format, { rows, vectors }: Tile): FunctionRef {
  const { size, multiplyAdd, loadSplat, add } = format;
  return module.function(new Array(6).fill('i32'), [], f => {
    const [a, b, c, cRow, depths, accumulate] = f.params;
    const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => f.local('v128')));
    f.for(i32.const(0), depths, 1, () => {
      const right = Array.from({ length: vectors }, (_, j) => f.let(v128.load(b, 16 * j)));
      sums.forEach((row, i) => {
        const left = f.let(loadSplat(a, i * size));
        row.forEach((sum, j) => {
          f.emit(sum.set(multiplyAdd(left, right[j], sum)));
        });
      });
      f.emit(a.set(i32.add(a, i32.const(rows * size))));
      f.emit(b.set(i32.add(b, i32.const(vectors * 16))));
    });
    for (const row of sums) {
      f.if(accumulate, () => {
        row.forEach((sum, j) => {
          f.emit(sum.set(add(v128.load(c, 16 * j), sum)));
        });
      });
      row.forEach((sum, j) => {
        f.emit(v128.store(c, sum, 16 * j));
      });
      f.emit(c.set(i32.add(c, cRow)));
    }
    return undefined;
  });
}

/** (a, b, c, cRow, rows, columns, depths, accumulate, spare): C = (accumulate ? C : 0) + A·B for packed A and B. */
export function addBlock(module: ModuleBuilder, format: Format, tile: Tile): FunctionRef {
  const { size, lanes, scalar } = format;
  const width = tile.vectors * lanes;
  const kernel = addTile(module, format, tile);
  return module.function(new Array(9).fill('i32'), [], f => {
    const [a, b, c, cRow, rows, columns, depths, accumulate, spare] = f.params;
    const aPanel = f.let(i32.mul(depths, i32.const(tile.rows * size)));
    const bPanel = f.let(i32.mul(depths, i32.const(width * size)));
    f.for(i32.const(0), columns, width, j => {
      const left = f.let(a);
      const target = f.let(at(c, j, i32.const(size)));
      const columnsHere = f.let(i32.sub(columns, j));
      f.for(i32.const(0), rows, tile.rows, i => {
        const rowsHere = f.let(i32.sub(rows, i));
        f.if(
          i32.and(i32.ge_s(rowsHere, i32.const(tile.rows)), i32.ge_s(columnsHere, i32.const(width))),
          () => f.run(kernel, left, b, target, cRow, depths, accumulate),
          () => {
            // The tile is computed whole beside C, and the part that C has is copied.
            f.run(kernel, left, b, spare, i32.const(width * size), depths, i32.const(0));
            const source = f.let(spare);
            const row = f.let(target);
            f.for(
              i32.const(0),
              i32.select(i32.lt_s(rowsHere, i32.const(tile.rows)), rowsHere, i32.const(tile.rows)),
              1,
              () => {
                f.for(
                  i32.const(0),
                  i32.select(i32.lt_s(columnsHere, i32.const(width)), columnsHere, i32.const(width)),
                  1,
                  column => {
                    const from = f.let(at(source, column, i32.const(size)));
                    const to = f.let(at(row, column, i32.const(size)));
                    const sum = f.let(scalar.load(from));
                    f.if(accumulate, () => f.emit(sum.set(scalar.add(scalar.load(to), sum))));
                    f.emit(scalar.store(to, sum));
                  },
                );
                f.emit(source.set(i32.add(source, i32.const(width * size))));
                f.emit(row.set(i32.add(row, cRow)));
              },
            );
          },
        );
        f.emit(left.set(i32.add(left, aPanel)));
        f.emit(target.set(at(target, i32.const(tile.rows), cRow)));
      });
      f.emit(b.set(i32.add(b, bPanel)));
    });
    return undefined;
  });
}
