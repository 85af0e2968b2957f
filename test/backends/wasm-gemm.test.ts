import { describe, expect, test } from 'vitest';
import {
  enableRelaxedSimd,
  f32,
  f64,
  hasRelaxedSimd,
  i32,
  ModuleBuilder,
} from '../../src/backends/wasm/encode.ts';
import { depthBlock } from '../../src/backends/wasm/gemm/format.ts';
import {
  addGemm,
  type GemmOptions,
  gemmRowTile,
  gemmWorkspace,
  type Pack,
} from '../../src/backends/wasm/gemm.ts';

await enableRelaxedSimd();

type Matrix = { rows: number; columns: number; data: Float64Array };
type Layout = 'rows' | 'columns' | 'scattered';

const memory = new WebAssembly.Memory({ initial: 512, maximum: 512 });
const guard = 7;

function compile(options: GemmOptions): (...args: number[]) => void {
  const module = new ModuleBuilder({ shared: false, maximumPages: 512 });
  const gemm = addGemm(module, options);
  module.function(
    new Array(12).fill('i32'),
    [],
    f => {
      f.run(gemm, ...f.params);
      return undefined;
    },
    'gemm',
  );
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  return instance.exports.gemm as (...args: number[]) => void;
}

let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 0) / 2 ** 32;
}
const below = (n: number): number => Math.floor(random() * n);

const matrix = (rows: number, columns: number, entry = () => random() * 2 - 1): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, () => Math.fround(entry())),
});

/** Lays out the operands in memory, multiplies rows `splits[i]` to `splits[i + 1]` by themselves, checks the surroundings. */
function product(
  options: GemmOptions,
  a: Matrix,
  b: Matrix,
  {
    left = 'rows',
    right = 'rows',
    junk = 255,
    splits = [0, a.rows],
    gemm = compile(options),
  }: {
    left?: Layout;
    right?: Layout;
    junk?: number;
    splits?: number[];
    gemm?: (...args: number[]) => void;
  } = {},
): ArrayLike<number> {
  const single = options.type === 'float32';
  const size = single ? 4 : 8;
  const view = single ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
  let next = 16;
  const place = ({ rows, columns, data }: Matrix, layout: Layout): [number, number, number] => {
    const start = next;
    const [row, column] =
      layout === 'rows' ? [columns, 1] : layout === 'columns' ? [1, rows] : [2 * columns + 1, 2];
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) view[start + i * row + j * column] = data[i * columns + j];
    next += rows * (layout === 'scattered' ? row : columns) + 1;
    return [start * size, row * size, column * size];
  };
  const [aAt, aRow, aColumn] = place(a, left);
  const [bAt, bRow, bColumn] = place(b, right);
  const [m, n, k] = [a.rows, b.columns, a.columns];
  const c = next + 1;
  const cRow = n + 3;
  view.fill(guard, c - 1, c + m * cRow + 1);
  const workspace = (c + m * cRow + 1) * size;
  const bytes = new Uint8Array(memory.buffer);
  const length = gemmWorkspace(options.type, m, n, k);
  expect(workspace + length + 64).toBeLessThan(bytes.length);
  bytes.fill(junk, workspace, workspace + length + 64);
  splits.slice(1).forEach((end, i) => {
    const start = splits[i];
    const to = (c + start * cRow) * size;
    gemm(
      aAt + start * aRow,
      aRow,
      aColumn,
      bAt,
      bRow,
      bColumn,
      to,
      cRow * size,
      end - start,
      n,
      k,
      workspace,
    );
  });
  const after = bytes.subarray(workspace + length, workspace + length + 64);
  if (after.some(byte => byte !== junk)) throw new Error('wrote behind the workspace');
  const result = single ? new Float32Array(m * n) : new Float64Array(m * n);
  if (view[c - 1] !== guard || view[c + m * cRow] !== guard) throw new Error('wrote beside C');
  for (let i = 0; i < m; i++) {
    const row = view.subarray(c + i * cRow, c + (i + 1) * cRow);
    result.set(row.subarray(0, n), i * n);
    if (row.subarray(n).some(x => x !== guard)) throw new Error('wrote between the rows of C');
  }
  return result;
}

/** In float64, with Σ|a·b| for the bound of the error. */
function plainProduct(a: Matrix, b: Matrix): { sums: Float64Array; sizes: Float64Array } {
  const sums = new Float64Array(a.rows * b.columns);
  const sizes = new Float64Array(sums.length);
  for (let i = 0; i < a.rows; i++)
    for (let p = 0; p < a.columns; p++)
      for (let j = 0; j < b.columns; j++) {
        const term = a.data[i * a.columns + p] * b.data[p * b.columns + j];
        sums[i * b.columns + j] += term;
        sizes[i * b.columns + j] += Math.abs(term);
      }
  return { sums, sizes };
}

/** The order of summation that is promised, rounded after each multiplication and each addition. */
function orderedProduct(a: Matrix, b: Matrix, round: (x: number) => number): Float64Array {
  const [n, k] = [b.columns, a.columns];
  const c = new Float64Array(a.rows * n);
  const sums = new Float64Array(n);
  for (let i = 0; i < a.rows; i++)
    for (let start = 0; start < k; start += depthBlock) {
      sums.fill(0);
      for (let p = start; p < Math.min(k, start + depthBlock); p++)
        for (let j = 0; j < n; j++) sums[j] = round(sums[j] + round(a.data[i * k + p] * b.data[p * n + j]));
      for (let j = 0; j < n; j++) c[i * n + j] = start === 0 ? sums[j] : round(c[i * n + j] + sums[j]);
    }
  return c;
}

const bits = (x: ArrayLike<number>): string =>
  Buffer.from((x as Float32Array).buffer as ArrayBuffer).toString('base64');

const layouts: readonly Layout[] = ['rows', 'columns', 'scattered'];
const transpositions = layouts
  .slice(0, 2)
  .flatMap(left => layouts.slice(0, 2).map(right => ({ left, right })));

const shapes: [m: number, n: number, k: number][] = [
  ...Array.from({ length: 200 }, (): [number, number, number] => [below(71), below(71), below(71)]),
  ...[127, 128, 129, 255, 257].map((n): [number, number, number] => [n, n, n]),
  [1, 129, 600],
  [129, 1, 600],
  [3, 2100, 30],
  [2100, 2, 30],
  [1, 1, 1000],
  [5, 40, 513],
  [33, 5, 700],
  [70, 1100, 20],
  [400, 70, 300],
  [129, 257, 255],
];

const cases = (['float32', 'float64'] as const).flatMap(type =>
  [true, false].flatMap(relaxed => [11, 13].map(v8Major => ({ type, relaxed, v8Major }))),
);

describe.each(cases)('product of $type, relaxed $relaxed, for V8 $v8Major', options => {
  const skipped = options.relaxed && !hasRelaxedSimd();
  const { type, relaxed } = options;
  const unit = type === 'float32' ? 2 ** -24 : 2 ** -53;
  const round = type === 'float32' ? Math.fround : (x: number) => x;

  test.skipIf(skipped)('equals the sums of products, for all shapes and transpositions', () => {
    const gemm = compile(options);
    for (const [m, n, k] of shapes) {
      const [a, b] = [matrix(m, k), matrix(k, n)];
      const { sums, sizes } = plainProduct(a, b);
      const first = product(options, a, b, { gemm });
      // The bound of recursive summation, for both sides.
      for (let i = 0; i < m * n; i++) {
        const error = Math.abs(first[i] - sums[i]);
        if (!(error <= 2 * (k + 1) * unit * sizes[i]))
          throw new Error(`${m}×${n}×${k} at ${i}: off by ${error}`);
      }
      if (!relaxed) {
        const ordered = orderedProduct(a, b, round);
        for (let i = 0; i < m * n; i++)
          if (!Object.is(first[i], ordered[i])) throw new Error(`${m}×${n}×${k} at ${i}: another order`);
      }
      for (const layout of transpositions) {
        const other = product(options, a, b, { ...layout, gemm });
        if (bits(other) !== bits(first)) throw new Error(`${m}×${n}×${k}: ${Object.values(layout)} differs`);
      }
    }
  });

  test.skipIf(skipped)('has the same bits for all strides, workspaces and divisions of the rows', () => {
    const gemm = compile(options);
    const tile = gemmRowTile(options);
    for (const [m, n, k] of [
      [12, 9, 5],
      [50, 40, 30],
      [97, 33, 300],
      [131, 1, 257],
      [131, 130, 258],
      [40, 64, 1024],
    ]) {
      const [a, b] = [matrix(m, k), matrix(k, n)];
      const first = bits(product(options, a, b, { gemm }));
      for (const left of layouts)
        for (const right of layouts)
          for (const splits of [
            [0, m],
            [0, tile, m],
            [0, 4 * tile < m ? 4 * tile : tile, m],
            [0, 1, m],
          ])
            expect(bits(product(options, a, b, { left, right, splits, junk: below(256), gemm }))).toBe(first);
    }
  });

  test.skipIf(skipped)('keeps NaN and infinity to their rows and columns', () => {
    const gemm = compile(options);
    for (const [m, n, k] of [
      [5, 7, 9],
      [70, 70, 70],
      [131, 133, 70],
      [1, 80, 70],
      [80, 1, 70],
    ]) {
      for (const { left, right } of transpositions) {
        const [a, b] = [matrix(m, k, () => 1 + below(3)), matrix(k, n, () => 1 + below(3))];
        const row = m - 1;
        const column = n - 1;
        a.data[row * k + 2] = Number.NaN;
        b.data[3 * n + column] = Number.POSITIVE_INFINITY;
        const c = product(options, a, b, { left, right, gemm });
        const { sums } = plainProduct(a, b);
        expect(Array.from(c)).toEqual(Array.from(sums));
        expect(c[m * n - 1]).toBeNaN();
        if (m > 1) expect(c[column]).toBe(Number.POSITIVE_INFINITY);
      }
    }
    const opposite = product(
      options,
      { rows: 1, columns: 2, data: Float64Array.of(Number.POSITIVE_INFINITY, 1) },
      { rows: 2, columns: 1, data: Float64Array.of(0, 1) },
      { gemm },
    );
    expect(opposite[0]).toBeNaN();
  });

  test.skipIf(skipped)('gives zeros without terms, and nothing without rows or columns', () => {
    const gemm = compile(options);
    expect(Array.from(product(options, matrix(9, 0), matrix(0, 5), { gemm }))).toEqual(new Array(45).fill(0));
    for (const [m, n] of [
      [0, 5],
      [5, 0],
      [0, 0],
      [0, 300],
      [300, 0],
    ])
      for (const k of [0, 3, 100])
        expect(product(options, matrix(m, k), matrix(k, n), { gemm }).length).toBe(0);
  });

  test.skipIf(skipped)('reads operands by code of the caller', () => {
    const size = type === 'float32' ? 4 : 8;
    const { length, pad } = { length: 90, pad: 2 };
    // Element (row, column) is x[row + column − pad], zero outside of x: the patches of a convolution.
    const patches: Pack = (f, base, row, column) => {
      const index = f.let(i32.sub(i32.add(row, column), i32.const(pad)));
      const element = f.local(size === 4 ? 'f32' : 'f64');
      const { load, zero } = packing[type];
      f.if(
        i32.lt_u(index, i32.const(length)),
        () => f.emit(element.set(load(i32.add(base, i32.mul(index, i32.const(size)))))),
        () => f.emit(element.set(zero)),
      );
      return element;
    };
    const x = matrix(1, length);
    const patch = (rows: number, columns: number): Matrix => ({
      rows,
      columns,
      data: Float64Array.from({ length: rows * columns }, (_, e) => {
        const index = Math.floor(e / columns) + (e % columns) - pad;
        return index >= 0 && index < length ? x.data[index] : 0;
      }),
    });
    const byRight = compile({ ...options, packB: patches });
    const byLeft = compile({ ...options, packA: patches });
    for (const [m, n, k] of [
      [1, 1, 1],
      [13, 29, 7],
      [70, 92, 5],
      [4, 3, 300],
    ]) {
      const weights = matrix(m, k);
      expect(bits(callWith(byRight, options, weights, x, [m, n, k], 'right'))).toBe(
        bits(product(options, weights, patch(k, n))),
      );
      const others = matrix(k, n);
      expect(bits(callWith(byLeft, options, x, others, [m, n, k], 'left'))).toBe(
        bits(product(options, patch(m, k), others)),
      );
    }
  });
});

/** As `product`, where one operand is a vector that the caller's code reads. */
function callWith(
  gemm: (...args: number[]) => void,
  options: GemmOptions,
  a: Matrix,
  b: Matrix,
  [m, n, k]: readonly [m: number, n: number, k: number],
  side: 'left' | 'right',
): ArrayLike<number> {
  const read = side === 'left' ? a : b;
  const other = side === 'left' ? b : a;
  const single = options.type === 'float32';
  const size = single ? 4 : 8;
  const view = single ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
  const readAt = 2;
  const otherAt = readAt + read.data.length;
  const c = otherAt + other.data.length;
  view.set(read.data, readAt);
  view.set(other.data, otherAt);
  const [x, y] = [readAt * size, otherAt * size];
  const row = other.columns * size;
  const operands = side === 'left' ? [x, 0, 0, y, row, size] : [y, row, size, x, 0, 0];
  gemm(...operands, c * size, n * size, m, n, k, (c + m * n) * size);
  return view.slice(c, c + m * n);
}

const packing = {
  float32: { load: f32.load, zero: f32.const(0) },
  float64: { load: f64.load, zero: f64.const(0) },
} as const;

test('the workspace stays within the blocks', () => {
  for (const type of ['float32', 'float64'] as const)
    expect(gemmWorkspace(type, 1e6, 1e6, 1e6)).toBeLessThan(2 ** 20);
});
