/** Graphs whose edges carry coefficients, and their elimination, which writes straight-line code. */
import { CannotUnroll } from '../../core/errors.ts';
import type { CodeBuilder, Scalar } from './code.ts';
import type { ComputationalGraph, Edge } from './graph.ts';
import type { Form } from './nest.ts';

/** Straight-line code for more edges would be too long for an engine to compile in reasonable time. */
export const mostEdges = 20_000;

const isUnit = (coefficient: Scalar): boolean => coefficient === 1 || coefficient === -1;

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
    const key = [...form]
      .map(
        ([from, coefficient]) =>
          `${from}:${typeof coefficient === 'number' ? coefficient : `s${coefficient.number}`}`,
      )
      .sort()
      .join();
    let v = this.#known.get(key);
    if (v === undefined) {
      v = this.vertex(form);
      this.#known.set(key, v);
    }
    return v;
  }

  #join(from: number, to: number, coefficient: Scalar): void {
    const before = this.#outOf[from].get(to);
    if (before === undefined && ++this.#edges > mostEdges)
      throw new CannotUnroll({
        did: `unrolled a function whose graph of scalars has more than ${mostEdges} edges`,
        expected: 'a function of a few hundred numbers, for which straight-line code makes sense',
        remedy: "jacobian(f, { mode: 'forward' }), { mode: 'reverse' } or { mode: 'sparse' }",
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
   * which ± goes into a single successor. The result is never dearer to eliminate.
   */
  contract(inputs: number, outputs: ReadonlySet<number>): void {
    const open = new Set<number>();
    for (let v = this.vertices - 1; v >= inputs; v--) {
      if (outputs.has(v)) continue;
      if (this.#outOf[v].size === 0) this.eliminate(v);
      else open.add(v);
    }
    for (const v of open) {
      open.delete(v);
      const single = [this.#into[v], this.#outOf[v]].some(
        side => side.size === 1 && [...side.values()].every(isUnit),
      );
      if (!single) continue;
      const near = [...this.#into[v].keys(), ...this.#outOf[v].keys()];
      this.eliminate(v);
      for (const other of near)
        if (other >= inputs && !outputs.has(other) && this.#outOf[other].size > 0) open.add(other);
    }
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
