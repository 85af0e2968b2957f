/** Graphs whose edges carry coefficients, and their elimination, which writes straight-line code. */
import { CannotUnroll } from '../../core/errors.ts';
import type { CodeBuilder, Scalar } from './code.ts';
import type { ComputationalGraph, Edge } from './graph.ts';
import type { Form } from './nest.ts';

/** Straight-line code for more edges would be too long for an engine to compile in reasonable time. */
export const mostEdges = 20_000;

const isUnit = (coefficient: Scalar): boolean => coefficient === 1 || coefficient === -1;

/** The same for equal linear forms. */
const keyOf = (form: Form): string =>
  [...form]
    .map(([vertex, a]) => `${vertex}:${typeof a === 'number' ? a : `s${a.number}`}`)
    .sort()
    .join();

export class Accumulation {
  readonly code: CodeBuilder;
  /** Products that were written, other than with ±1. */
  multiplications = 0;
  readonly #into: Map<number, Scalar>[] = [];
  readonly #outOf: Map<number, Scalar>[] = [];
  readonly #known = new Map<string, number>();
  #edges = 0;

  constructor(code: CodeBuilder) {
    this.code = code;
  }

  get vertices(): number {
    return this.#into.length;
  }

  into(v: number): ReadonlyMap<number, Scalar> {
    return this.#into[v];
  }

  /** A vertex whose derivative is a linear form of earlier ones. */
  vertex(form: Form): number {
    const v = this.#into.length;
    this.#into.push(new Map());
    this.#outOf.push(new Map());
    for (const [from, coefficient] of form) this.#join(from, v, coefficient);
    return v;
  }

  /** The vertex of a linear form: one that is there already where the form is the same. */
  vertexOf(form: Form): number {
    const key = keyOf(form);
    let v = this.#known.get(key);
    if (v === undefined) {
      v = this.vertex(this.#doubled(form));
      this.#known.set(key, v);
    }
    return v;
  }

  /** 2·c·u, which x·x gives, as (c + c)·u: an addition. */
  #doubled(form: Form): Form {
    const [[v, factor]] = form;
    if (form.size > 1 || Math.abs(factor as number) !== 2 || this.#into[v].size !== 1) return form;
    const [[u, c]] = this.#into[v];
    const sum = this.code.add(c, c);
    return new Map([[u, factor === 2 ? sum : this.code.neg(sum)]]);
  }

  #join(from: number, to: number, coefficient: Scalar): void {
    const before = this.#outOf[from].get(to);
    if (before === undefined && ++this.#edges > mostEdges)
      throw new CannotUnroll({
        did: `unrolled a function whose graph of scalars has more than ${mostEdges} edges`,
        expected: 'a function of a few hundred numbers, for which straight-line code makes sense',
        remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' }), or another mode",
      });
    const sum = before === undefined ? coefficient : this.code.add(before, coefficient);
    this.#outOf[from].set(to, sum);
    this.#into[to].set(from, sum);
  }

  #cut(from: number, to: number): void {
    this.#edges--;
    this.#outOf[from].delete(to);
    this.#into[to].delete(from);
  }

  /** c_ik += c_jk · c_ij for every predecessor i and successor k of j. */
  eliminate(j: number): void {
    const before = [...this.#into[j]];
    const after = [...this.#outOf[j]];
    for (const [i] of before) this.#cut(i, j);
    for (const [k] of after) this.#cut(j, k);
    for (const [i, a] of before)
      for (const [k, b] of after) {
        if (!isUnit(a) && !isUnit(b)) this.multiplications++;
        this.#join(i, k, this.code.mul(b, a));
      }
  }

  /**
   * Removes what does not reach an output, and what costs nothing: vertices that are ± their only predecessor, or of
   * which ± goes into a single successor, and vertices that are equal to others. The result is never dearer to eliminate.
   */
  contract(inputs: number, outputs: ReadonlySet<number>): void {
    for (let v = this.vertices - 1; v >= inputs; v--)
      if (!outputs.has(v) && this.#outOf[v].size === 0) this.eliminate(v);
    do this.#contractUnits(inputs, outputs);
    while (this.#mergeEqual(inputs, outputs));
  }

  #contractUnits(inputs: number, outputs: ReadonlySet<number>): void {
    const isInner = (v: number): boolean => v >= inputs && !outputs.has(v) && this.#outOf[v].size > 0;
    const isSingle = (side: ReadonlyMap<number, Scalar>): boolean =>
      side.size === 1 && [...side.values()].every(isUnit);
    const open = new Set<number>();
    for (let v = inputs; v < this.vertices; v++) if (isInner(v)) open.add(v);
    for (const v of open) {
      open.delete(v);
      if (!isInner(v) || !(isSingle(this.#into[v]) || isSingle(this.#outOf[v]))) continue;
      const near = [...this.#into[v].keys(), ...this.#outOf[v].keys()];
      this.eliminate(v);
      for (const other of near) if (isInner(other)) open.add(other);
    }
  }

  /** Vertices with the same edges in become one. Gives whether there were any. */
  #mergeEqual(inputs: number, outputs: ReadonlySet<number>): boolean {
    const known = new Map<string, number>();
    let merged = false;
    for (let v = inputs; v < this.vertices; v++) {
      if (outputs.has(v) || this.#outOf[v].size === 0) continue;
      const key = keyOf(this.#into[v]);
      const first = known.get(key);
      if (first === undefined) {
        known.set(key, v);
        continue;
      }
      for (const [k, coefficient] of [...this.#outOf[v]]) {
        this.#cut(v, k);
        this.#join(first, k, coefficient);
      }
      for (const i of [...this.#into[v].keys()]) this.#cut(i, v);
      merged = true;
    }
    return merged;
  }

  /** What is left, and the vertex here of each vertex there. */
  graph(inputs: number, outputs: readonly number[]): { graph: ComputationalGraph; vertices: number[] } {
    const sinks = new Set(outputs);
    const vertices: number[] = [];
    const numbers = new Map<number, number>();
    for (let v = 0; v < this.vertices; v++)
      if (v < inputs || sinks.has(v) || this.#outOf[v].size > 0) numbers.set(v, vertices.push(v) - 1);
    const edges: Edge[] = [];
    for (const v of vertices)
      for (const [from, coefficient] of this.#into[v])
        edges.push({
          from: numbers.get(from) as number,
          to: numbers.get(v) as number,
          unit: isUnit(coefficient),
        });
    const graph = {
      vertices: vertices.length,
      inputs,
      outputs: [...sinks].map(v => numbers.get(v) as number),
      edges,
    };
    return { graph, vertices };
  }
}
