/** Reductions, with lanes along the last reduced axis or along the last kept one. */
import { axis, type Expression, int, plus, times } from '../../kernel/expression.ts';
import type { ReduceNest } from '../../kernel/kernel.ts';
import { type Code, i32, type Value, type Variable } from './encode.ts';
import { Running } from './running.ts';
import { loop, type NestWriter, type Piece, type Printed, rowMajor, squeezed } from './writer.ts';

/** Partial sums are closed after this many steps: the rounding error of a sum grows slowly with its length. */
const block = 128;

/** Vectors of neighbouring results accumulated at once: cache lines are used up while they are at hand. */
const abreast = 8;

/** The position of a term along the reduced axes. */
function positionOf(extents: readonly number[], kept: number): Expression {
  let position: Expression = int(0);
  for (let i = kept; i < extents.length; i++)
    position = plus(times(position, int(extents[i])), extents[i] === 1 ? int(0) : axis(i));
  return position;
}

export function writeReduce(w: NestWriter, nest: ReduceNest): void {
  const { extents } = nest;
  const keptCount = extents.length - nest.reduced;
  const kept = [...extents.keys()].filter(i => i < keptCount && extents[i] !== 1);
  const reduced = [...extents.keys()].filter(i => i >= keptCount && extents[i] !== 1);
  const empty = extents.some((n, i) => i >= keptCount && n === 0);
  // The choice depends on the shape alone, so that a fused kernel adds in the same order as a single one.
  const short = kept.length > 0 && reduced.length > 0 && extents[reduced[reduced.length - 1]] < w.lanes;
  const alongReduced = nest.lanes === 'reduced' && reduced.length > 0 && !short;
  const vectorAxis = alongReduced ? null : (kept.at(-1) ?? null);
  const counters = w.counters([...kept, ...reduced]);
  const terms = squeezed(
    nest.accumulators.map(one => one.term),
    extents,
  );
  const results = squeezed(nest.results, extents);
  const position = positionOf(extents, keptCount);
  const count = reduced.reduce((product, i) => product * extents[i], 1);
  const copies = Math.max(1, abreast >> (terms.length - 1));
  const code = w.loops(kept, counters, extents, vectorAxis, copies, piece => {
    const accumulators = Array.from({ length: piece.copies }, () =>
      nest.accumulators.map(
        (one, i) => new Running(w.f, w.lanes, { ...one, term: terms[i] }, position, count),
      ),
    );
    const inner = new Map(reduced.map(i => [i, counters.get(i) as Variable]));
    const sums = empty
      ? null
      : accumulate(
          w,
          piece,
          accumulators,
          inner,
          alongReduced ? (reduced.at(-1) as number) : null,
          vectorAxis,
          extents,
        );
    const start = w.f.collect(() => {
      for (const one of accumulators.flat()) one.start();
    });
    // Results have a printer of their own: their statements come after the loops.
    const level = piece.order.length;
    const after = w.printerOf(piece, vectorAxis, extents);
    after.prepare(results);
    const strides = rowMajor(extents.slice(0, keptCount));
    const finished = w.f.collect(() => {
      const values = accumulators.map(list => list.map(one => one.finish(alongReduced)));
      after.carries = { values, level };
      const stores = w.f.collect(() =>
        after.forCopies(() => {
          const made = results.map(result => w.f.let(after.vector(result, level)));
          for (const [k, x] of made.entries()) w.store(after, k, strides, x, piece.count);
        }),
      );
      w.f.emit([after.levels[level], stores]);
    });
    const levels = after.levels.slice(0, level).map((own, i): Code => [sums?.levels[i] ?? [], own]);
    levels.push(sums?.levels[level] ?? []);
    return { levels, code: [start, sums?.code ?? [], finished] };
  });
  w.f.emit(code);
}

/**
 * The loops over the reduced axes: their code, and the statements that belong into the loops around them. The lanes are
 * along `lanesAxis`, the last reduced one, or else along an outer axis.
 */
function accumulate(
  w: NestWriter,
  piece: Piece,
  accumulators: readonly (readonly Running[])[],
  counters: ReadonlyMap<number, Variable>,
  lanesAxis: number | null,
  outerAxis: number | null,
  extents: readonly number[],
): Printed {
  const around = piece.order.length;
  const reduced = [...counters.keys()];
  const rank = around + reduced.length;
  const roots = accumulators[0].flatMap(one => one.roots());
  const printer =
    lanesAxis === null
      ? w.printerOf(piece, outerAxis, extents, counters)
      : w.printer(
          { order: [...piece.order, ...reduced], vectorAxis: lanesAxis, extents, partial: false },
          new Map<number, Value>([...piece.counters, ...counters]),
        );
  printer.prepare(roots);
  const inner = w.f.collect(() =>
    printer.forCopies(copy => {
      for (const one of accumulators[copy]) one.take(printer, rank, null);
    }),
  );
  const blocked = accumulators.flat().filter(one => one.blocked);
  const close = (): Code => blocked.map(one => one.close());
  const levels: Code[] = [...printer.levels];
  let code: Code = [levels[rank], inner];
  if (reduced.length === 0) return { levels: [...levels.slice(0, rank), []], code: [code, close()] };
  for (let i = reduced.length - 1; i >= 0; i--) {
    const a = reduced[i];
    const counter = counters.get(a) as Variable;
    if (i < reduced.length - 1) {
      const looped = loop(counter, 0, extents[a], 1, code);
      code = i === 0 ? looped : [levels[around + i], looped];
      continue;
    }
    const step = a === lanesAxis ? w.lanes : 1;
    const whole = extents[a] - (extents[a] % step);
    const parts: Code[] = whole > 0 ? [blockedLoop(w, counter, whole, step, code, blocked)] : [];
    if (whole < extents[a]) {
      // The last elements of a row: a vector of which some lanes do not count.
      const fixed = new Map<number, Value>([...piece.counters, ...counters]).set(a, i32.const(whole));
      const order = [...piece.order, ...reduced.slice(0, -1)];
      const tail = w.printer({ order, vectorAxis: a, extents, partial: true }, fixed);
      tail.prepare(roots);
      const last = w.f.collect(() => {
        for (const one of accumulators[0]) one.take(tail, rank - 1, extents[a] - whole);
      });
      for (let level = 0; level < rank - 1; level++) levels[level] = [levels[level], tail.levels[level]];
      parts.push(tail.levels[rank - 1], last);
    }
    parts.push(close());
    code = i === 0 ? parts : [levels[around + i], parts];
  }
  return { levels, code };
}

/** A loop that closes partial sums after every block. */
function blockedLoop(
  w: NestWriter,
  counter: Variable,
  extent: number,
  step: number,
  body: Code,
  blocked: readonly Running[],
): Code {
  const span = block * step;
  if (blocked.length === 0 || extent <= span) return loop(counter, 0, extent, step, body);
  const end = w.f.local('i32');
  const next = i32.add(counter, i32.const(span));
  const limit = i32.select(i32.lt_s(next, i32.const(extent)), next, i32.const(extent));
  const inner: Code = [
    0x03,
    0x40,
    body,
    counter.set(i32.add(counter, i32.const(step))),
    i32.lt_s(counter, end).code,
    0x0d,
    0,
    0x0b,
  ];
  return [
    counter.set(i32.const(0)),
    0x03,
    0x40,
    end.set(limit),
    inner,
    blocked.map(one => one.close()),
    i32.lt_s(counter, i32.const(extent)).code,
    0x0d,
    0,
    0x0b,
  ];
}
