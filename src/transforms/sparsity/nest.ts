/** Dependence through one loop nest: its load indices say which operand elements each output element reads. */
import { sizeOf } from '../../core/aval.ts';
import type { Expression } from '../../kernel/expression.ts';
import type { Nest, ReduceNest, ScanNest, ScatterNest, SortNest } from '../../kernel/kernel.ts';
import { axesIn, type Evaluate, overAxes, Places, type Source } from './places.ts';
import { type CarryRead, type Guard, type Read, readsOf } from './reads.ts';
import type { IndexSets } from './sets.ts';

/** For each element the number of the set of inputs that it depends on; null where none does. */
export type Dependence = Int32Array | null;

export interface Operand extends Source {
  readonly sets: Dependence;
}

/** Sets over some of a nest's axes, row-major; they are the same along the others. */
interface Partly {
  readonly axes: readonly number[];
  readonly sets: Int32Array;
}

/** A condition on the indices, and which of them it looks at. */
interface Test {
  readonly axes: readonly number[];
  readonly holds: (axes: Int32Array) => boolean;
}

/** The dependence of each output of a nest, of those whose element type is a float. */
export function throughNest(
  sets: IndexSets,
  nest: Nest,
  operands: readonly Operand[],
  outputs: readonly { readonly shape: readonly number[] }[],
): Dependence[] {
  const through = new Through(sets, nest.extents, operands);
  switch (nest.form) {
    case 'map':
      return nest.values.map(value => through.combine(through.partsOf(value).loads, nest.extents));
    case 'reduce':
      return through.reduce(nest);
    case 'scan':
      return through.scan(nest);
    case 'scatter':
      return [through.scatter(nest, outputs[0].shape)];
    case 'sort':
      return [through.sort(nest)];
    default:
      // A form whose reads are not known here: every element may depend on everything.
      return outputs.map(({ shape }) => through.everything(shape));
  }
}

class Through {
  readonly #sets: IndexSets;
  readonly #extents: readonly number[];
  readonly #operands: readonly Operand[];
  readonly #places: Places;

  constructor(sets: IndexSets, extents: readonly number[], operands: readonly Operand[]) {
    this.#sets = sets;
    this.#extents = extents;
    this.#operands = operands;
    this.#places = new Places(operands);
  }

  /** What an expression takes from operands, and from running values. */
  partsOf(
    x: Expression,
    extents: readonly number[] = this.#extents,
  ): { loads: Partly[]; carries: readonly CarryRead[] } {
    const reads = readsOf(x, source => this.#operands[source].sets !== null, this.#places.isKnown);
    return { loads: reads.loads.map(read => this.#located(read, extents)), carries: reads.carries };
  }

  /** The conditions that have to be looked at, evaluated. */
  #tests(guards: readonly Guard[]): Test[] {
    return guards.flatMap(({ of, zero }) => {
      if (!zero && of.op === 'load' && this.#hasNoZero(of.source)) return [];
      const value = this.#places.evaluate(of);
      if (value === null) return [];
      return [{ axes: axesIn([of]), holds: at => (value(at) === 0) === zero }];
    });
  }

  #hasNoZero(source: number): boolean {
    const elements = this.#operands[source].known?.() ?? null;
    if (elements === null) return false;
    for (let i = 0; i < elements.length; i++) if (elements[i] === 0) return false;
    return true;
  }

  #located({ source, at, guards }: Read, extents: readonly number[]): Partly {
    const { shape, sets } = this.#operands[source];
    const own = sets as Int32Array;
    const tests = this.#tests(guards);
    if (tests.length === 0) {
      const axes = ownAxes(at, shape, extents);
      if (axes !== null) return { axes, sets: own };
    }
    const unknown = at.flatMap((index, d) => (this.#places.evaluate(index) === null ? [d] : []));
    const table = unknown.length === 0 ? own : this.#unionOver(own, shape, unknown);
    const kept = at.filter((_, d) => !unknown.includes(d));
    const axes = [...new Set([...axesIn(kept), ...tests.flatMap(test => test.axes)])].sort((a, b) => a - b);
    const offset = this.#places.offset(
      kept,
      shape.filter((_, d) => !unknown.includes(d)),
    ) as Evaluate;
    const found = new Int32Array(sizeOf(axes.map(axis => extents[axis])));
    this.#sets.spend(found.length);
    let next = 0;
    overAxes(extents, axes, index => {
      const place = tests.every(test => test.holds(index)) ? offset(index) : -1;
      found[next++] = place < 0 ? 0 : table[place];
    });
    return { axes, sets: found };
  }

  /** Unions along some axes of an operand. */
  #unionOver(own: Int32Array, shape: readonly number[], over: readonly number[]): Int32Array {
    const kept = shape.map((_, d) => d).filter(d => !over.includes(d));
    const found = new Int32Array(sizeOf(kept.map(d => shape[d])));
    let next = 0;
    overAxes(shape, kept, fixed => {
      const start = [...fixed];
      this.#sets.begin();
      overAxes(shape, over, index => {
        let place = 0;
        for (let d = 0; d < shape.length; d++) place = place * shape[d] + start[d] + index[d];
        this.#sets.add(own[place]);
      });
      found[next++] = this.#sets.end();
    });
    return found;
  }

  /** The union of parts, over all of the extents. */
  combine(parts: readonly Partly[], extents: readonly number[]): Dependence {
    let total: Dependence = null;
    for (const part of parts) {
      const full = spreadOver(part, extents);
      total = total === null ? full : this.#unionEach(total, full);
    }
    return total === null || total.every(set => set === 0) ? null : total;
  }

  #unionEach(a: Int32Array, b: Int32Array): Int32Array {
    if (a === b) return a;
    const found = new Int32Array(a.length);
    this.#sets.spend(a.length);
    for (let i = 0; i < a.length; i++) found[i] = this.#sets.union(a[i], b[i]);
    return found;
  }

  reduce(nest: ReduceNest): Dependence[] {
    const kept = nest.extents.length - nest.reduced;
    const outer = nest.extents.slice(0, kept);
    const isEmpty = nest.extents.slice(kept).includes(0);
    const accumulated = nest.accumulators.map(({ term }) =>
      isEmpty ? [] : this.partsOf(term).loads.map(part => this.#unionReduced(part, kept)),
    );
    return nest.results.map(result => {
      const { loads, carries } = this.partsOf(result, outer);
      return this.combine([...loads, ...carries.flatMap(({ index }) => accumulated[index])], outer);
    });
  }

  /** Reduced axes are the last ones, so that what is reduced lies together. */
  #unionReduced({ axes, sets }: Partly, kept: number): Partly {
    const outer = axes.filter(axis => axis < kept);
    if (outer.length === axes.length) return { axes, sets };
    const length = sizeOf(outer.map(axis => this.#extents[axis]));
    const run = sets.length / length;
    const found = new Int32Array(length);
    this.#sets.spend(sets.length);
    for (let i = 0; i < length; i++) {
      this.#sets.begin();
      for (let k = 0; k < run; k++) this.#sets.add(sets[i * run + k]);
      found[i] = this.#sets.end();
    }
    return { axes: outer, sets: found };
  }

  scan(nest: ScanNest): Dependence[] {
    const { extents, along } = nest;
    const size = sizeOf(extents);
    const steps = extents[along];
    const inner = sizeOf(extents.slice(along + 1));
    const lanes = size === 0 ? 0 : size / steps;
    const ready = (
      x: Expression,
    ): { loads: Dependence; carries: { index: number; passes: Dependence }[] } => {
      const { loads, carries } = this.partsOf(x);
      return {
        loads: this.combine(loads, extents),
        carries: carries.map(({ index, guards }) => ({ index, passes: this.#passing(guards) })),
      };
    };
    const initial = nest.initial.map(x => ready(x).loads);
    const step = nest.step.map(ready);
    const results = nest.results.map(ready);
    const found = results.map(() => new Int32Array(size));
    let running = new Int32Array(nest.initial.length);
    const take = ({ loads, carries }: ReturnType<typeof ready>, place: number): number =>
      carries.reduce(
        (set, { index, passes }) =>
          passes === null || passes[place] !== 0 ? this.#sets.union(set, running[index]) : set,
        loads?.[place] ?? 0,
      );
    for (let lane = 0; lane < lanes; lane++) {
      const first = Math.floor(lane / inner) * steps * inner + (lane % inner);
      running = Int32Array.from(initial, set => set?.[first] ?? 0);
      for (let k = 0; k < steps; k++) {
        const place = first + (nest.reverse ? steps - 1 - k : k) * inner;
        running = Int32Array.from(step, one => take(one, place));
        results.forEach((one, i) => {
          found[i][place] = take(one, place);
        });
      }
    }
    return found.map(one => (one.every(set => set === 0) ? null : one));
  }

  /** 1 where all guards hold, over all extents; null where there is nothing to look at. */
  #passing(guards: readonly Guard[]): Dependence {
    const tests = this.#tests(guards);
    if (tests.length === 0) return null;
    const found = new Int32Array(sizeOf(this.#extents));
    let next = 0;
    overAxes(
      this.#extents,
      this.#extents.map((_, i) => i),
      index => {
        found[next++] = Number(tests.every(test => test.holds(index)));
      },
    );
    return found;
  }

  scatter(nest: ScatterNest, shape: readonly number[]): Dependence {
    const before = this.combine(this.partsOf(nest.base, shape).loads, shape);
    const values = this.combine(this.partsOf(nest.value).loads, nest.extents);
    const found = before?.slice() ?? new Int32Array(sizeOf(shape));
    const unknown = nest.at.flatMap((index, d) => (this.#places.evaluate(index) === null ? [d] : []));
    const known = shape.map((_, d) => d).filter(d => !unknown.includes(d));
    const offset = this.#places.offset(
      known.map(d => nest.at[d]),
      known.map(d => shape[d]),
    ) as Evaluate;
    // A later update replaces an earlier one where it is known that both are of the same place.
    const replaces = nest.combine === 'set' && unknown.length === 0;
    if (values === null && !replaces) return before;
    const added = unknown.length === 0 ? found : new Int32Array(sizeOf(known.map(d => shape[d])));
    let next = 0;
    overAxes(
      nest.extents,
      nest.extents.map((_, i) => i),
      index => {
        const set = values?.[next++] ?? 0;
        const place = offset(index);
        if (place >= 0) added[place] = replaces ? set : this.#sets.union(added[place], set);
      },
    );
    if (unknown.length > 0)
      return this.combine(
        [
          { axes: shape.map((_, d) => d), sets: found },
          { axes: known, sets: added },
        ],
        shape,
      );
    return found.every(set => set === 0) ? null : found;
  }

  everything(shape: readonly number[]): Dependence {
    this.#sets.begin();
    for (const { sets } of this.#operands) for (const set of sets ?? []) this.#sets.add(set);
    const all = this.#sets.end();
    return all === 0 ? null : new Int32Array(sizeOf(shape)).fill(all);
  }

  sort({ extents, along }: SortNest): Dependence {
    const { sets } = this.#operands[0];
    if (sets === null) return null;
    const axes = extents.map((_, d) => d).filter(d => d !== along);
    return spreadOver({ axes, sets: this.#unionOver(sets, extents, [along]) }, extents);
  }
}

/** The axes along which a load goes through its whole operand in order; null where it does not. */
function ownAxes(
  at: readonly Expression[],
  shape: readonly number[],
  extents: readonly number[],
): number[] | null {
  const axes: number[] = [];
  for (let d = 0; d < at.length; d++) {
    const index = at[d];
    if (index.op !== 'axis' || shape[d] !== extents[index.axis]) return null;
    if (d > 0 && index.axis <= axes[d - 1]) return null;
    axes.push(index.axis);
  }
  return axes;
}

function spreadOver({ axes, sets }: Partly, extents: readonly number[]): Int32Array {
  if (axes.length === extents.length) return sets;
  const full = new Int32Array(sizeOf(extents));
  if (axes.length === 0) return full.fill(sets[0]);
  const strides = extents.map(() => 0);
  let stride = 1;
  for (let k = axes.length - 1; k >= 0; k--) {
    strides[axes[k]] = stride;
    stride *= extents[axes[k]];
  }
  let next = 0;
  overAxes(
    extents,
    extents.map((_, i) => i),
    index => {
      let place = 0;
      for (let d = 0; d < strides.length; d++) place += strides[d] * index[d];
      full[next++] = sets[place];
    },
  );
  return full;
}
