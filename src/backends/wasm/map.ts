/** Maps. */
import type { MapNest } from '../../kernel/kernel.ts';
import { type NestWriter, rowMajor, squeezed } from './writer.ts';

export function writeMap(w: NestWriter, nest: Pick<MapNest, 'extents' | 'values'>): void {
  const { extents } = nest;
  const order = extents.flatMap((n, i) => (n === 1 ? [] : [i]));
  const vectorAxis = order.at(-1) ?? null;
  const values = squeezed(nest.values, extents);
  const strides = rowMajor(extents);
  const code = w.loops(order, w.counters(order), extents, vectorAxis, 1, piece => {
    const printer = w.printerOf(piece, vectorAxis, extents);
    printer.prepare(values);
    const level = piece.order.length;
    const inner = w.f.collect(() =>
      printer.forCopies(() => {
        // All values first: an output may lie where an operand does.
        const made = values.map(value => w.f.let(printer.vector(value, level)));
        for (const [k, x] of made.entries()) w.store(printer, k, strides, x, piece.count);
      }),
    );
    return { levels: printer.levels, code: inner };
  });
  w.f.emit(code);
}
