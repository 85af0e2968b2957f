/** Scans: a loop along one axis that carries values from step to step, side by side for the elements of the other axes. */
import type { ScanNest } from '../../kernel/kernel.ts';
import type { Variable } from './encode.ts';
import { loop, type NestWriter, rowMajor, squeezed } from './writer.ts';

/** Vectors of neighbouring rows scanned at once: a cache line is used up while it is at hand. */
const abreast = 4;

export function writeScan(w: NestWriter, nest: ScanNest): void {
  const { extents, along } = nest;
  const others = [...extents.keys()].filter(i => i !== along && extents[i] !== 1);
  const last = others.at(-1);
  const vectorAxis = last !== undefined && last > along ? last : null;
  const counters = w.counters([...others, along]);
  const [initial, step, results] = [nest.initial, nest.step, nest.results].map(list =>
    squeezed(list, extents, along),
  );
  const strides = rowMajor(extents);
  const counter = counters.get(along) as Variable;
  const code = w.loops(others, counters, extents, vectorAxis, abreast, piece => {
    const rank = piece.order.length;
    const inner = new Map([[along, counter]]);
    const carries = Array.from({ length: piece.copies }, () => step.map(() => w.f.local('v128')));
    const printer = w.printerOf(piece, vectorAxis, extents, inner);
    printer.carries = { values: carries, level: rank + 1 };
    printer.prepare([...step, ...initial]);
    const start = w.f.collect(() =>
      printer.forCopies(copy => {
        initial.forEach((x, i) => w.f.emit(carries[copy][i].set(printer.vector(x, rank))));
      }),
    );
    const stepping = w.f.collect(() =>
      printer.forCopies(copy => {
        const next = step.map(x => w.f.let(printer.vector(x, rank + 1)));
        next.forEach((x, i) => w.f.emit(carries[copy][i].set(x)));
      }),
    );
    const after = w.printerOf(piece, vectorAxis, extents, inner);
    after.carries = { values: carries, level: rank + 1 };
    after.prepare(results);
    const stores = w.f.collect(() =>
      after.forCopies(() => {
        for (const [k, result] of results.entries())
          w.store(after, k, strides, w.f.let(after.vector(result, rank + 1)), piece.count);
      }),
    );
    const turn = [printer.levels[rank + 1], stepping, after.levels[rank + 1], stores];
    const levels = printer.levels.slice(0, rank + 1).map((own, i) => [own, after.levels[i]]);
    const scanned = nest.reverse
      ? loop(counter, extents[along] - 1, 0, -1, turn)
      : loop(counter, 0, extents[along], 1, turn);
    return { levels, code: [start, scanned] };
  });
  w.f.emit(code);
}
