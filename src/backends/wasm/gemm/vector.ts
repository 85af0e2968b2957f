/** Matrix times vector: each element of the matrix is read once, so it is not packed. */
import {
  type FunctionBuilder,
  type FunctionRef,
  i32,
  type ModuleBuilder,
  type Value,
  type Variable,
  v128,
} from '../encode.ts';
import { at, depthBlock, type Format, gather, smaller } from './format.ts';
import { transpose } from './pack.ts';

/** Outputs whose sums lie in the workspace at a time. */
export const outputBlock = 2048;

interface Operands {
  readonly matrix: Variable;
  readonly outputStride: Variable;
  readonly depthStride: Variable;
  readonly vector: Variable;
  readonly vectorStride: Variable;
  readonly c: Variable;
  readonly cStride: Variable;
  readonly outputs: Variable;
  readonly k: Variable;
  readonly workspace: Variable;
}

const nothing = (): Value => v128.const(new Array(16).fill(0));
const step = (f: FunctionBuilder, pointer: Variable, by: Value): void =>
  f.emit(pointer.set(i32.add(pointer, by)));

/**
 * (matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k, workspace):
 * C[i] = Σ_p matrix[i, p]·vector[p].
 */
export function addMatrixVector(module: ModuleBuilder, format: Format): FunctionRef {
  const parts = [addSideBySide(module, format), addAlongRows(module, format)];
  return module.function(new Array(10).fill('i32'), [], f => {
    const [, outputStride] = f.params;
    f.if(
      i32.eq(outputStride, i32.const(format.size)),
      () => f.run(parts[0], ...f.params),
      () => f.run(parts[1], ...f.params),
    );
    return undefined;
  });
}

function operandsOf(f: FunctionBuilder): Operands {
  const [matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k, workspace] =
    f.params;
  return { matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k, workspace };
}

/** Outputs are neighbours in the matrix: rows are added up, each times its factor. */
function addSideBySide(module: ModuleBuilder, format: Format): FunctionRef {
  const { size, lanes, scalar, multiplyAdd, loadSplat, loadSingle, storeLane } = format;
  return module.function(new Array(10).fill('i32'), [], f => {
    const { matrix, depthStride, vector, vectorStride, c, cStride, outputs, k, workspace } = operandsOf(f);

    /** Adds `count` rows, times their factors, to the sums. */
    const addRows = (count: number, rows: Variable, factors: Variable, width: Value): void => {
      const pointers = Array.from({ length: count }, (_, r) => f.let(at(rows, i32.const(r), depthStride)));
      const xs = Array.from({ length: count }, (_, r) =>
        f.let(loadSplat(at(factors, i32.const(r), vectorStride))),
      );
      const sums = f.let(workspace);
      const whole = f.let(i32.and(width, i32.const(-lanes)));
      f.for(i32.const(0), whole, lanes, () => {
        const sum = f.let(v128.load(sums));
        pointers.forEach((pointer, r) => {
          f.emit(sum.set(multiplyAdd(xs[r], v128.load(pointer), sum)));
          step(f, pointer, i32.const(16));
        });
        f.emit(v128.store(sums, sum));
        step(f, sums, i32.const(16));
      });
      f.for(whole, width, 1, () => {
        const sum = f.let(loadSingle(sums));
        pointers.forEach((pointer, r) => {
          f.emit(sum.set(multiplyAdd(xs[r], loadSingle(pointer), sum)));
          step(f, pointer, i32.const(size));
        });
        f.emit(storeLane(sums, sum, 0));
        step(f, sums, i32.const(size));
      });
      f.emit(rows.set(at(rows, i32.const(count), depthStride)));
      f.emit(factors.set(at(factors, i32.const(count), vectorStride)));
    };

    f.for(i32.const(0), outputs, outputBlock, first => {
      const width = f.let(smaller(i32.sub(outputs, first), i32.const(outputBlock)));
      const rows = f.let(at(matrix, first, i32.const(size)));
      const factors = f.let(vector);
      f.for(i32.const(0), k, depthBlock, start => {
        const depths = f.let(smaller(i32.sub(k, start), i32.const(depthBlock)));
        f.for(i32.const(0), width, lanes, j =>
          f.emit(v128.store(at(workspace, j, i32.const(size)), nothing())),
        );
        const p = f.local('i32');
        f.emit(p.set(i32.const(0)));
        for (const count of [8, 1])
          f.while(
            () => i32.le_s(i32.add(p, i32.const(count)), depths),
            () => {
              addRows(count, rows, factors, width);
              step(f, p, i32.const(count));
            },
          );
        const to = f.let(at(c, first, cStride));
        f.for(i32.const(0), width, 1, j => {
          const sum = f.let(scalar.load(at(workspace, j, i32.const(size))));
          f.if(start, () => f.emit(sum.set(scalar.add(scalar.load(to), sum))));
          f.emit(scalar.store(to, sum));
          step(f, to, cStride);
        });
      });
    });
    return undefined;
  });
}

/** The terms of an output are neighbours: squares of lanes × lanes are transposed in registers. Or nothing is. */
function addAlongRows(module: ModuleBuilder, format: Format): FunctionRef {
  const { size, lanes, add, multiplyAdd, loadSplat, storeLane } = format;
  return module.function(new Array(10).fill('i32'), [], f => {
    const { matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k } = operandsOf(f);
    const i = f.local('i32');

    /** Adds up depth blocks: `body` computes the sums of one, from `depths` terms. */
    const blocks = (sums: readonly Variable[], body: (depths: Variable) => void): Variable[] => {
      const totals = sums.map(() => f.let(nothing()));
      f.for(i32.const(0), k, depthBlock, start => {
        const depths = f.let(smaller(i32.sub(k, start), i32.const(depthBlock)));
        for (const sum of sums) f.emit(sum.set(nothing()));
        body(depths);
        f.if(
          start,
          () => totals.forEach((total, g) => f.emit(total.set(add(total, sums[g])))),
          () => totals.forEach((total, g) => f.emit(total.set(sums[g]))),
        );
      });
      return totals;
    };

    const groups = 4;
    f.if(i32.eq(depthStride, i32.const(size)), () =>
      f.while(
        () => i32.le_s(i32.add(i, i32.const(groups * lanes)), outputs),
        () => {
          const pointers = Array.from({ length: groups }, (_, g) =>
            f.let(at(matrix, i32.add(i, i32.const(g * lanes)), outputStride)),
          );
          const offsets = Array.from({ length: lanes }, (_, lane) =>
            f.let(i32.mul(outputStride, i32.const(lane))),
          );
          const x = f.let(vector);
          const sums = pointers.map(() => f.local('v128'));
          const totals = blocks(sums, depths => {
            f.for(i32.const(0), i32.and(depths, i32.const(-lanes)), lanes, () => {
              const xs = Array.from({ length: lanes }, (_, p) =>
                f.let(loadSplat(at(x, i32.const(p), vectorStride))),
              );
              pointers.forEach((pointer, g) => {
                const square = transpose(
                  f,
                  format,
                  offsets.map(offset => v128.load(i32.add(pointer, offset))),
                );
                square.forEach((column, p) => f.emit(sums[g].set(multiplyAdd(column, xs[p], sums[g]))));
                step(f, pointer, i32.const(16));
              });
              f.emit(x.set(at(x, i32.const(lanes), vectorStride)));
            });
            f.for(i32.and(depths, i32.const(-lanes)), depths, 1, () => {
              const factor = f.let(loadSplat(x));
              pointers.forEach((pointer, g) => {
                const column = gather(
                  format,
                  offsets.map(offset => i32.add(pointer, offset)),
                );
                f.emit(sums[g].set(multiplyAdd(column, factor, sums[g])));
                step(f, pointer, i32.const(size));
              });
              step(f, x, vectorStride);
            });
          });
          const to = f.let(at(c, i, cStride));
          for (const total of totals)
            for (let lane = 0; lane < lanes; lane++) {
              f.emit(storeLane(to, total, lane));
              step(f, to, cStride);
            }
          step(f, i, i32.const(groups * lanes));
        },
      ),
    );

    // The last outputs, and any strides. Pointers beyond the end repeat the last output.
    f.for(i, outputs, lanes, first => {
      const last = f.let(i32.sub(outputs, i32.const(1)));
      const pointers = Array.from({ length: lanes }, (_, lane) =>
        f.let(at(matrix, smaller(i32.add(first, i32.const(lane)), last), outputStride)),
      );
      const x = f.let(vector);
      const sums = [f.local('v128')];
      const [total] = blocks(sums, depths =>
        f.for(i32.const(0), depths, 1, () => {
          f.emit(sums[0].set(multiplyAdd(gather(format, pointers), loadSplat(x), sums[0])));
          for (const pointer of pointers) step(f, pointer, depthStride);
          step(f, x, vectorStride);
        }),
      );
      const to = f.let(at(c, first, cStride));
      for (let lane = 0; lane < lanes; lane++) {
        const store = () => f.emit(storeLane(to, total, lane));
        if (lane === 0) store();
        else f.if(i32.lt_s(i32.add(first, i32.const(lane)), outputs), store);
        step(f, to, cStride);
      }
    });
    return undefined;
  });
}
