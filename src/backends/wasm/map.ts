/** Maps. Operands whose neighbours lie along another axis than the result's are read in squares. */
import { bytesOf, visit } from '../../kernel/expression.ts';
import type { MapNest } from '../../kernel/kernel.ts';
import { i32, type Variable } from './encode.ts';
import { offsetOf, type Ranges } from './indices.ts';
import { segmentsOf } from './segments.ts';

import type { VectorPrinter } from './vectors.ts';
import { loop, type NestWriter, type Piece, type Printed, rowMajor, squeezed } from './writer.ts';

type Elements = Pick<MapNest, 'extents' | 'values'>;

export function writeMap(w: NestWriter, { extents, values: given }: Elements): void {
  const nest = { extents, values: squeezed(given, extents) };
  const order = extents.flatMap((n, i) => (n === 1 ? [] : [i]));
  const across = crossAxis(w, nest, order);
  if (across !== null) writeSquares(w, nest, order, across);
  else
    for (const { values, ranges } of segmentsOf(nest.values, extents))
      writePart(w, { extents, values }, order, ranges);
}

/** The part of a map within ranges of its axes. */
function writePart(w: NestWriter, nest: Elements, order: readonly number[], ranges?: Ranges): void {
  const vectorAxis = order.at(-1) ?? null;
  const print = (piece: Piece): Printed => {
    const printer = w.printerOf(piece, vectorAxis, nest.extents, undefined, ranges);
    return printElements(w, nest, printer, piece.order.length, piece.count);
  };
  w.f.emit(w.loops(order, w.counters(order), nest.extents, vectorAxis, 1, print, ranges));
}

function printElements(
  w: NestWriter,
  { extents, values }: Elements,
  printer: VectorPrinter,
  level: number,
  count: number | null,
): Printed {
  printer.prepare(values);
  const strides = rowMajor(extents);
  const code = w.f.collect(() =>
    printer.forCopies(() => {
      // All values first: an output may lie where an operand does.
      const made = values.map(value => w.f.let(printer.vector(value, level)));
      for (const [k, x] of made.entries()) w.store(printer, k, strides, x, count);
    }),
  );
  return { levels: printer.levels, code };
}

/** An axis along which the neighbours of some operand lie that has a stride along the last axis. */
function crossAxis({ kernel, lanes }: NestWriter, nest: Elements, order: readonly number[]): number | null {
  const last = order.at(-1) as number;
  let across: number | null = null;
  visit(nest.values, x => {
    if (x.op !== 'load' || bytesOf[x.type] * lanes !== 16) return;
    const strides = offsetOf(x, kernel.inputs[x.source])?.terms;
    if (strides === undefined || [0, bytesOf[x.type]].includes(strides.get(last) ?? 0)) return;
    const near = order.find(i => strides.get(i) === bytesOf[x.type]);
    if (near !== undefined && nest.extents[near] >= lanes && nest.extents[last] >= lanes) across = near;
  });
  return across;
}

/** Elements of a cache line: rows of the result written side by side, so that a line is read at once. */
const lineBytes = 64;

/** Squares of lanes × lanes over axis `across` and the last one; what they leave is done by rows. */
function writeSquares(w: NestWriter, nest: Elements, order: readonly number[], across: number): void {
  const { lanes } = w;
  const { extents } = nest;
  const last = order.at(-1) as number;
  const outer = order.filter(i => i !== across && i !== last);
  const counters = w.counters(order);
  const whole = (i: number): number => extents[i] - (extents[i] % lanes);
  const block = w.f.local('i32');
  const end = w.f.local('i32');
  const side = (lineBytes / 16) * lanes;
  const squares = w.loops(outer, counters, extents, null, 1, () => {
    const printer = w.printer(
      { order: [...outer, last, across], vectorAxis: last, extents, partial: false },
      counters,
      { axis: across, step: 1, count: lanes },
    );
    const { levels, code } = printElements(w, nest, printer, order.length, null);
    const [v, a] = [last, across].map(i => counters.get(i) as Variable);
    const next = i32.add(block, i32.const(side));
    const turn = [
      a.set(block),
      0x03,
      0x40,
      [levels[order.length], code],
      a.set(i32.add(a, i32.const(lanes))),
      i32.lt_s(a, end).code,
      0x0d,
      0,
      0x0b,
    ];
    const rows = [levels[order.length - 1], turn];
    const blocks = [
      end.set(i32.select(i32.lt_s(next, i32.const(whole(across))), next, i32.const(whole(across)))),
      loop(v, 0, whole(last), lanes, rows),
    ];
    return { levels, code: loop(block, 0, whole(across), side, blocks) };
  });
  w.f.emit(squares);
  if (whole(last) < extents[last])
    writePart(
      w,
      nest,
      order,
      new Map([
        [last, [whole(last), extents[last]]],
        [across, [0, whole(across)]],
      ]),
    );
  if (whole(across) < extents[across])
    writePart(w, nest, order, new Map([[across, [whole(across), extents[across]]]]));
}
