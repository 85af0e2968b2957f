/** Small products, straight from the operands: packing would cost more than it saves. */
import { type FunctionRef, i32, type ModuleBuilder, type Value, type Variable, v128 } from '../encode.ts';
import { at, type Format, gather } from './format.ts';

/** Reads `vectors` vectors of B and says how many columns they are. */
interface Reader {
  readonly vectors: number;
  readonly columns: number;
  readonly read: (b: Variable, bColumn: Value, vector: number) => Value;
}

/** (a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k): C = A·B for k up to a depth block. */
export function addDirect(module: ModuleBuilder, format: Format): FunctionRef {
  const { size, lanes, multiplyAdd, loadSplat, loadSingle, storeLane } = format;
  const readers = {
    wide: { vectors: 2, columns: 2 * lanes, read: (b, _, vector) => v128.load(b, 16 * vector) },
    unit: { vectors: 1, columns: lanes, read: b => v128.load(b) },
    strided: {
      vectors: 1,
      columns: lanes,
      read: (b, bColumn) =>
        gather(
          format,
          Array.from({ length: lanes }, (_, lane) => at(b, i32.const(lane), bColumn)),
        ),
    },
    single: { vectors: 1, columns: 1, read: b => loadSingle(b) },
  } satisfies Record<string, Reader>;

  return module.function(new Array(11).fill('i32'), [], f => {
    const [a, aRow, aColumn, b, bRow, bColumn, c, cRow, m, n, k] = f.params;
    const j = f.local('i32');
    const i = f.local('i32');
    const unit = f.let(i32.eq(bColumn, i32.const(size)));

    /** All tiles of `rows` rows at i that the reader can read whole. */
    const sweep = (rows: number, { vectors, columns, read }: Reader): void =>
      f.while(
        () => i32.le_s(i32.add(j, i32.const(columns)), n),
        () => {
          const left = Array.from({ length: rows }, (_, r) => f.let(at(a, i32.add(i, i32.const(r)), aRow)));
          const right = f.let(at(b, j, bColumn));
          const sums = left.map(() =>
            Array.from({ length: vectors }, () => f.let(v128.const(new Array(16).fill(0)))),
          );
          f.for(i32.const(0), k, 1, () => {
            const row = Array.from({ length: vectors }, (_, v) => f.let(read(right, bColumn, v)));
            left.forEach((pointer, r) => {
              const x = f.let(loadSplat(pointer));
              for (let v = 0; v < vectors; v++) f.emit(sums[r][v].set(multiplyAdd(x, row[v], sums[r][v])));
              f.emit(pointer.set(i32.add(pointer, aColumn)));
            });
            f.emit(right.set(i32.add(right, bRow)));
          });
          sums.forEach((row, r) => {
            const to = f.let(at(at(c, i32.add(i, i32.const(r)), cRow), j, i32.const(size)));
            row.forEach((sum, v) => {
              f.emit(columns === 1 ? storeLane(to, sum, 0) : v128.store(to, sum, 16 * v));
            });
          });
          f.emit(j.set(i32.add(j, i32.const(columns))));
        },
      );

    for (const rows of [4, 1])
      f.while(
        () => i32.le_s(i32.add(i, i32.const(rows)), m),
        () => {
          f.emit(j.set(i32.const(0)));
          f.if(
            unit,
            () => {
              sweep(rows, readers.wide);
              sweep(rows, readers.unit);
            },
            () => sweep(rows, readers.strided),
          );
          sweep(rows, readers.single);
          f.emit(i.set(i32.add(i, i32.const(rows))));
        },
      );
    return undefined;
  });
}
