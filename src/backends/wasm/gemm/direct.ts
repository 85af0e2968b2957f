/** Small and narrow products, straight from the operands: packing would cost more than it saves. */
import { type FunctionRef, i32, type ModuleBuilder, type Value, type Variable, v128 } from '../encode.ts';
import { at, depthBlock, type Format, gather, smaller, zeros } from './format.ts';

/** Reads `vectors` vectors of B, which are so many columns. */
interface Reader {
  readonly vectors: number;
  readonly columns: number;
  readonly read: (b: Variable, bColumn: Value, vector: number) => Value;
}

/** (a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k): C = A·B. */
export function addDirect(module: ModuleBuilder, format: Format): FunctionRef {
  const { size, lanes, add, multiplyAdd, loadSplat, loadSingle, storeLane } = format;
  const wide: Reader = {
    vectors: 2,
    columns: 2 * lanes,
    read: (b, _, vector) => v128.load(b, 16 * vector),
  };
  const unit: Reader = { vectors: 1, columns: lanes, read: b => v128.load(b) };
  const strided: Reader = {
    vectors: 1,
    columns: lanes,
    read: (b, bColumn) =>
      gather(
        format,
        Array.from({ length: lanes }, (_, lane) => at(b, i32.const(lane), bColumn)),
      ),
  };
  const single: Reader = { vectors: 1, columns: 1, read: b => loadSingle(b) };

  return module.function(new Array(11).fill('i32'), [], f => {
    const [a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k] = f.params;
    const i = f.local('i32');
    const j = f.local('i32');

    /** The tile at (i, j), one depth block after the other. */
    const tile = (rows: number, { vectors, columns, read }: Reader): void => {
      const left = Array.from({ length: rows }, (_, r) => f.let(at(a, i32.add(i, i32.const(r)), aRow)));
      const right = f.let(at(b, j, bColumn));
      const corner = f.let(at(at(c, i, cRow), j, i32.const(size)));
      const sums = left.map(() => Array.from({ length: vectors }, () => f.local('v128')));
      f.for(i32.const(0), k, depthBlock, start => {
        for (const sum of sums.flat()) f.emit(sum.set(zeros));
        f.for(i32.const(0), smaller(i32.sub(k, start), i32.const(depthBlock)), 1, () => {
          const row = Array.from({ length: vectors }, (_, v) => f.let(read(right, bColumn, v)));
          left.forEach((pointer, r) => {
            const x = f.let(loadSplat(pointer));
            for (let v = 0; v < vectors; v++) f.emit(sums[r][v].set(multiplyAdd(x, row[v], sums[r][v])));
            f.emit(pointer.set(i32.add(pointer, aColumn)));
          });
          f.emit(right.set(i32.add(right, bRow)));
        });
        const to = f.let(corner);
        for (const row of sums) {
          row.forEach((sum, v) => {
            const load = columns === 1 ? loadSingle(to) : v128.load(to, 16 * v);
            f.if(start, () => f.emit(sum.set(add(load, sum))));
            f.emit(columns === 1 ? storeLane(to, sum, 0) : v128.store(to, sum, 16 * v));
          });
          f.emit(to.set(i32.add(to, cRow)));
        }
      });
    };

    /**
     * Steps of `step` from 0 until all `count` are covered: the last one is moved back to end with them, so that it
     * computes some elements again, to the same bits.
     */
    const cover = (index: Variable, count: Value, step: number, body: () => void): void => {
      f.emit(index.set(i32.const(0)));
      f.while(
        () => i32.lt_s(index, count),
        () => {
          f.emit(index.set(smaller(index, i32.sub(count, i32.const(step)))));
          body();
          f.emit(index.set(i32.add(index, i32.const(step))));
        },
      );
    };

    const rowsOf = (rows: number): void => {
      const sweep = (reader: Reader) => cover(j, n, reader.columns, () => tile(rows, reader));
      cover(i, m, rows, () =>
        f.if(
          i32.lt_s(n, i32.const(lanes)),
          () => sweep(single),
          () =>
            f.if(
              i32.ne(bColumn, i32.const(size)),
              () => sweep(strided),
              () =>
                f.if(
                  i32.lt_s(n, i32.const(2 * lanes)),
                  () => sweep(unit),
                  () => sweep(wide),
                ),
            ),
        ),
      );
    };
    f.if(
      i32.ge_s(m, i32.const(4)),
      () => rowsOf(4),
      () =>
        f.if(
          i32.ge_s(m, i32.const(2)),
          () => rowsOf(2),
          () => rowsOf(1),
        ),
    );
    return undefined;
  });
}
