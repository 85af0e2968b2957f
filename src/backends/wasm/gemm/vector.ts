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
import { at, depthBlock, type Format, gather, smaller, zeros } from './format.ts';
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

const step = (f: FunctionBuilder, pointer: Variable, by: Value): void =>
  f.emit(pointer.set(i32.add(pointer, by)));

/**
 * (matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k, workspace):
 * C[i] = Σ_p matrix[i, p]·vector[p].
 */
export function addMatrixVector(module: ModuleBuilder, format: Format): FunctionRef {
  const sideBySide = addSideBySide(module, format);
  const alongRows = addAlongRows(module, format);
  const byElement = addByElement(module, format);
  return module.function(new Array(10).fill('i32'), [], f => {
    const [, outputStride, depthStride, , , , , outputs] = f.params;
    const { size, lanes } = format;
    f.if(
      i32.eq(outputStride, i32.const(size)),
      () => f.run(sideBySide, ...f.params),
      () =>
        f.if(
          i32.and(i32.eq(depthStride, i32.const(size)), i32.ge_s(outputs, i32.const(groups * lanes))),
          () => f.run(alongRows, ...f.params),
          () => f.run(byElement, ...f.params),
        ),
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
        f.for(i32.const(0), width, lanes, j => f.emit(v128.store(at(workspace, j, i32.const(size)), zeros)));
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

/** Groups of outputs that are computed together: their chains of additions overlap. */
const groups = 4;

/** Bytes of a cache line. Each is used up while it is at hand, whatever lines its neighbours in a column displace. */
const line = 64;

/** The terms of an output are neighbours: squares of lanes × lanes are transposed in registers. */
function addAlongRows(module: ModuleBuilder, format: Format): FunctionRef {
  const { size, lanes, scalar, multiplyAdd, loadSplat } = format;
  return module.function(new Array(10).fill('i32'), [], f => {
    const { matrix, outputStride, vector, vectorStride, c, cStride, outputs, k, workspace } = operandsOf(f);
    const together = groups * lanes;
    const offsets = Array.from({ length: lanes }, (_, lane) => f.let(i32.mul(outputStride, i32.const(lane))));

    /** Adds `squares` squares of each group, or one column, to the sums in the workspace. */
    const addGroups = (corner: Variable, x: Variable, squares: number): void => {
      const pointer = f.let(corner);
      f.for(i32.const(0), i32.const(16 * groups), 16, group => {
        const place = f.let(i32.add(workspace, group));
        const sum = f.let(v128.load(place));
        const factor = f.let(x);
        const addColumn = (column: Value): void => {
          f.emit(sum.set(multiplyAdd(column, loadSplat(factor), sum)));
          step(f, factor, vectorStride);
        };
        const rows = offsets.map(offset => f.let(i32.add(pointer, offset)));
        if (squares === 0) addColumn(gather(format, rows));
        for (let q = 0; q < squares; q++)
          for (const column of transpose(
            f,
            format,
            rows.map(row => v128.load(row, 16 * q)),
          ))
            addColumn(column);
        f.emit(v128.store(place, sum));
        f.emit(pointer.set(at(pointer, i32.const(lanes), outputStride)));
      });
      const columns = squares === 0 ? 1 : squares * lanes;
      step(f, corner, i32.const(columns * size));
      f.emit(x.set(at(x, i32.const(columns), vectorStride)));
    };

    const i = f.local('i32');
    f.while(
      () => i32.lt_s(i, outputs),
      () => {
        // The last outputs are computed together with some that are done.
        f.emit(i.set(smaller(i, i32.sub(outputs, i32.const(together)))));
        const corner = f.let(at(matrix, i, outputStride));
        const x = f.let(vector);
        f.for(i32.const(0), k, depthBlock, start => {
          for (let group = 0; group < groups; group++) f.emit(v128.store(workspace, zeros, 16 * group));
          const depths = f.let(smaller(i32.sub(k, start), i32.const(depthBlock)));
          const whole = f.let(i32.and(depths, i32.const(-line / size)));
          f.for(i32.const(0), whole, line / size, () => addGroups(corner, x, line / 16));
          f.for(whole, depths, 1, () => addGroups(corner, x, 0));
          const to = f.let(at(c, i, cStride));
          f.for(i32.const(0), i32.const(together * size), size, place => {
            const sum = f.let(scalar.load(i32.add(workspace, place)));
            f.if(start, () => f.emit(sum.set(scalar.add(scalar.load(to), sum))));
            f.emit(scalar.store(to, sum));
            step(f, to, cStride);
          });
        });
        step(f, i, i32.const(together));
      },
    );
    return undefined;
  });
}

/** Any strides, any number of outputs. */
function addByElement(module: ModuleBuilder, format: Format): FunctionRef {
  const { lanes, add, multiplyAdd, loadSplat, storeLane } = format;
  return module.function(new Array(10).fill('i32'), [], f => {
    const { matrix, outputStride, depthStride, vector, vectorStride, c, cStride, outputs, k } = operandsOf(f);
    const last = f.let(i32.sub(outputs, i32.const(1)));
    f.for(i32.const(0), outputs, lanes, first => {
      // Lanes beyond the end repeat the last output.
      const pointers = Array.from({ length: lanes }, (_, lane) =>
        f.let(at(matrix, smaller(i32.add(first, i32.const(lane)), last), outputStride)),
      );
      const x = f.let(vector);
      const sum = f.local('v128');
      const total = f.local('v128');
      f.for(i32.const(0), k, depthBlock, start => {
        f.emit(sum.set(zeros));
        f.for(i32.const(0), smaller(i32.sub(k, start), i32.const(depthBlock)), 1, () => {
          f.emit(sum.set(multiplyAdd(gather(format, pointers), loadSplat(x), sum)));
          for (const pointer of pointers) step(f, pointer, depthStride);
          step(f, x, vectorStride);
        });
        f.if(
          start,
          () => f.emit(total.set(add(total, sum))),
          () => f.emit(total.set(sum)),
        );
      });
      const to = f.let(at(c, first, cStride));
      for (let lane = 0; lane < lanes; lane++)
        f.if(i32.le_s(i32.add(first, i32.const(lane)), last), () => {
          f.emit(storeLane(to, total, lane));
          step(f, to, cStride);
        });
    });
    return undefined;
  });
}
