/** Copies a block of an operand into panels that a micro-kernel reads from front to end. */
import {
  type FunctionBuilder,
  type FunctionRef,
  i32,
  type ModuleBuilder,
  type Value,
  v128,
} from '../encode.ts';
import { at, type Format } from './format.ts';

/**
 * Code for the element of an operand at (row, column), of the element type. `base` is the operand's address as the
 * caller of the product gave it, passed on unchanged; all three may be read again.
 */
export type Pack = (f: FunctionBuilder, base: Value, row: Value, column: Value) => Value;

/** One element at (index, depth): index counts rows of A or columns of B, depth the terms of the sum. */
export type Element = (f: FunctionBuilder, base: Value, index: Value, depth: Value) => Value;

/**
 * (base, indexStride, depthStride, index, depth, indices, depths, to): writes panels of `width` indices, each as
 * depths × width elements, zeros where the indices end.
 */
export function addPack(
  module: ModuleBuilder,
  format: Format,
  width: number,
  element: Element | undefined,
): FunctionRef {
  const { size, scalar } = format;
  const zero = scalar.const(0);
  return module.function(new Array(8).fill('i32'), [], f => {
    const [base, indexStride, depthStride, firstIndex, firstDepth, indices, depths, to] = f.params;
    const load: Element =
      element ?? ((_, __, index, depth) => scalar.load(at(at(base, index, indexStride), depth, depthStride)));

    /** Any strides, any number of indices: one element after the other, from depth `start`. */
    const byElement = (index: Value, count: Value, start: Value): void =>
      f.for(start, depths, 1, p => {
        const depth = f.let(i32.add(firstDepth, p));
        const row = f.let(at(to, p, i32.const(width * size)));
        f.for(i32.const(0), i32.const(width), 1, w => {
          f.if(
            i32.lt_s(w, count),
            () => {
              const own = f.let(i32.add(index, w));
              f.emit(scalar.store(row, load(f, base, own, depth)));
            },
            () => f.emit(scalar.store(row, zero)),
          );
          f.emit(row.set(i32.add(row, i32.const(size))));
        });
      });

    f.for(i32.const(0), indices, width, first => {
      const index = f.let(i32.add(firstIndex, first));
      const count = f.let(i32.sub(indices, first));
      const scalarPath = () => byElement(index, count, i32.const(0));
      if (element !== undefined) scalarPath();
      else {
        const from = f.let(at(at(base, index, indexStride), firstDepth, depthStride));
        f.if(
          i32.ge_s(count, i32.const(width)),
          () =>
            f.if(
              i32.eq(indexStride, i32.const(size)),
              () => copyPanel(f, format, width, from, depthStride, depths, to),
              () =>
                f.if(
                  i32.eq(depthStride, i32.const(size)),
                  () => {
                    transposePanel(f, format, width, from, indexStride, depths, to);
                    byElement(index, count, i32.and(depths, i32.const(-format.lanes)));
                  },
                  scalarPath,
                ),
            ),
          scalarPath,
        );
      }
      f.emit(to.set(at(to, depths, i32.const(width * size))));
    });
    return undefined;
  });
}

/** Indices lie side by side: each depth is `width` neighbours. */
function copyPanel(
  f: FunctionBuilder,
  { size }: Format,
  width: number,
  from: Value,
  stride: Value,
  depths: Value,
  to: Value,
): void {
  const source = f.let(from);
  const target = f.let(to);
  const bytes = width * size;
  f.for(i32.const(0), depths, 1, () => {
    let done = 0;
    for (; done + 16 <= bytes; done += 16) f.emit(v128.store(target, v128.load(source, done), done));
    if (done < bytes) f.emit(v128.store64_lane(target, v128.load64_zero(source, done), 0, done));
    f.emit(source.set(i32.add(source, stride)));
    f.emit(target.set(i32.add(target, i32.const(bytes))));
  });
}

/** Depths lie side by side: squares of lanes × lanes are transposed. Leaves out depths beyond a multiple of lanes. */
function transposePanel(
  f: FunctionBuilder,
  format: Format,
  width: number,
  from: Value,
  stride: Value,
  depths: Value,
  to: Value,
): void {
  const { lanes, size } = format;
  const whole = f.let(i32.and(depths, i32.const(-lanes)));
  const source = f.let(from);
  for (let w = 0; w < width; ) {
    const rows = width - w >= lanes ? lanes : 2;
    const pointers = Array.from({ length: rows }, (_, r) => f.let(at(source, i32.const(r), stride)));
    const target = f.let(i32.add(to, i32.const(w * size)));
    f.for(i32.const(0), whole, lanes, () => {
      const squares = transpose(
        f,
        format,
        pointers.map(pointer => v128.load(pointer)),
      );
      squares.forEach((x, p) => {
        const offset = p * width * size;
        f.emit(rows === lanes ? v128.store(target, x, offset) : v128.store64_lane(target, x, 0, offset));
      });
      for (const pointer of pointers) f.emit(pointer.set(i32.add(pointer, i32.const(16))));
      f.emit(target.set(i32.add(target, i32.const(lanes * width * size))));
    });
    f.emit(source.set(at(source, i32.const(rows), stride)));
    w += rows;
  }
}

/** Vector p holds lane p of each given vector. Of two float32 vectors only the lower halves of the results are used. */
export function transpose(f: FunctionBuilder, { lanes, shuffle }: Format, rows: readonly Value[]): Value[] {
  const kept = rows.map(row => f.let(row));
  if (lanes === 2) return [f.let(shuffle(kept[0], kept[1], 0, 2)), f.let(shuffle(kept[0], kept[1], 1, 3))];
  const low = (a: Value, b: Value) => f.let(shuffle(a, b, 0, 4, 1, 5));
  const high = (a: Value, b: Value) => f.let(shuffle(a, b, 2, 6, 3, 7));
  const first = (a: Value, b: Value) => f.let(shuffle(a, b, 0, 1, 4, 5));
  const second = (a: Value, b: Value) => f.let(shuffle(a, b, 2, 3, 6, 7));
  const [a, b, c, d] = kept;
  const [ab, AB] = [low(a, b), high(a, b)];
  if (rows.length === 2) return [ab, second(ab, ab), AB, second(AB, AB)];
  const [cd, CD] = [low(c, d), high(c, d)];
  return [first(ab, cd), second(ab, cd), first(AB, CD), second(AB, CD)];
}
