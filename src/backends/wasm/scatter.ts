/** Scatters: a map for the base, then the updates one after the other. */
import { bytesOf } from '../../kernel/expression.ts';
import type { ScatterNest } from '../../kernel/kernel.ts';
import { i32, type Value } from './encode.ts';
import { loadSplat, storeLane } from './lanes.ts';
import { writeMap } from './map.ts';
import { combineVectors } from './running.ts';
import { type NestWriter, squeezed } from './writer.ts';

export function writeScatter(w: NestWriter, nest: ScatterNest): void {
  const { inputs, outputs } = w.kernel;
  const [out] = outputs;
  writeMap(w, { extents: out.shape, values: [nest.base] });
  if (nest.extents.includes(0)) return;
  const { extents } = nest;
  const order = [...extents.keys()].filter(i => extents[i] !== 1);
  const counters = w.counters(order);
  const at = squeezed(nest.at, extents);
  const [update] = squeezed([nest.value], extents);
  const code = w.loops(order, counters, extents, null, 1, piece => {
    const printer = w.printerOf(piece, null, extents);
    printer.prepare([...at, update]);
    const inner = w.f.collect(() => {
      const indices = at.map(x => printer.scalar(x));
      const legal = indices
        .map((index, d) => i32.lt_u(index, i32.const(out.shape[d])))
        .reduce((a, b) => i32.and(a, b), i32.const(1));
      const x = w.f.let(printer.vector(update, order.length));
      w.f.if(legal, () => {
        let place: Value = i32.const(0);
        indices.forEach((index, d) => {
          place = i32.add(i32.mul(place, i32.const(out.shape[d])), index);
        });
        const address = w.f.let(
          i32.add(w.f.params[inputs.length], i32.mul(place, i32.const(bytesOf[out.type]))),
        );
        const value =
          nest.combine === 'set'
            ? x
            : w.f.let(combineVectors(nest.combine, out.type, loadSplat(out.type, address, 0), x));
        w.f.emit(storeLane(out.type, address, value, 0, 0));
      });
    });
    return { levels: printer.levels, code: inner };
  });
  w.f.emit(code);
}
