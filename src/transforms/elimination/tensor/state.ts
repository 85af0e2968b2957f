/** A graph of tensors while its vertices are eliminated. */
import { asDense, later, made, product, type Setting, sum } from './algebra.ts';
import { type Block, isUnit } from './block.ts';

/** What eliminating a vertex costs, and the edges that it gives. */
interface Plan {
  readonly cost: number;
  /** With what the new edges will cost later. */
  readonly total: number;
  readonly edges: readonly { readonly from: number; readonly to: number; readonly block: Block }[];
}

/**
 * Vertices are numbered: inputs first, then the intermediate ones, then the outputs, each of which is an end of its own.
 * Every edge goes from a lower to a higher number.
 */
export class State {
  vertices: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly setting: Setting;
  #into: Map<number, Block>[];
  #outOf: Map<number, Block>[];
  /** Scalar operations so far, without {@link remaining}. */
  spent = 0;
  /** How many products were considered so far: the effort of all this, not of the Jacobian. */
  considered = 0;

  constructor(vertices: number, inputs: number, outputs: number, setting: Setting) {
    this.vertices = vertices;
    this.inputs = inputs;
    this.outputs = outputs;
    this.setting = setting;
    this.#into = Array.from({ length: vertices }, () => new Map());
    this.#outOf = Array.from({ length: vertices }, () => new Map());
  }

  copy(): State {
    const other = new State(0, this.inputs, this.outputs, this.setting);
    other.vertices = this.vertices;
    other.#into = this.#into.map(edges => new Map(edges));
    other.#outOf = this.#outOf.map(edges => new Map(edges));
    other.spent = this.spent;
    other.considered = this.considered;
    return other;
  }

  /** The same graph without the vertices that are gone, and the number here of each vertex there. */
  compact(): { state: State; vertices: number[] } {
    const ends = this.vertices - this.outputs;
    const vertices = [...this.#into.keys()].filter(
      v => v < this.inputs || v >= ends || this.#into[v].size > 0 || this.#outOf[v].size > 0,
    );
    const numbers = new Map(vertices.map((v, i) => [v, i]));
    const state = new State(vertices.length, this.inputs, this.outputs, this.setting);
    vertices.forEach((v, to) => {
      for (const [from, block] of this.#into[v]) state.#set(numbers.get(from) as number, to, block);
    });
    state.spent = this.spent;
    return { state, vertices };
  }

  into(v: number): ReadonlyMap<number, Block> {
    return this.#into[v];
  }

  outOf(v: number): ReadonlyMap<number, Block> {
    return this.#outOf[v];
  }

  /** The vertices that can be eliminated. */
  inner(): number[] {
    const list: number[] = [];
    for (let v = this.inputs; v < this.vertices - this.outputs; v++)
      if (this.#into[v].size > 0 || this.#outOf[v].size > 0) list.push(v);
    return list;
  }

  #set(from: number, to: number, block: Block): void {
    this.#into[to].set(from, block);
    this.#outOf[from].set(to, block);
  }

  #last(from: number, to: number): boolean {
    return from < this.inputs && to >= this.vertices - this.outputs;
  }

  /** Adds a block to what is on an edge. */
  join(from: number, to: number, block: Block): void {
    const before = this.#into[to].get(from);
    if (before === undefined) this.#set(from, to, block);
    else {
      const both = sum(before, block, this.#last(from, to), this.setting);
      this.spent += both.cost;
      this.#set(from, to, both.block);
    }
  }

  /** Products of the blocks in with the blocks out, added to the edges that are there. */
  #plan(before: readonly (readonly [number, Block])[], after: readonly (readonly [number, Block])[]): Plan {
    const { setting } = this;
    const edges: { from: number; to: number; block: Block }[] = [];
    let cost = 0;
    let waits = 0;
    this.considered += before.length * after.length;
    for (const [from, A] of before)
      for (const [to, B] of after) {
        const last = this.#last(from, to);
        const there = this.#outOf[from].get(to);
        let made = product(B, A, last, setting);
        cost += made.cost;
        if (there !== undefined) {
          made = sum(there, made.block, last, setting);
          cost += made.cost;
          waits -= later(there, last, setting);
        }
        waits += later(made.block, last, setting);
        edges.push({ from, to, block: made.block });
      }
    return { cost, total: cost + waits, edges };
  }

  /**
   * The cheapest of four ways: the maps among the edges in made matrices first or not, and those among the edges out.
   * A map that many products share is made a matrix once.
   */
  #best(v: number): Plan {
    const before = [...this.#into[v]];
    const after = [...this.#outOf[v]];
    let best: Plan | undefined;
    for (const left of [false, true]) {
      if (left && !before.some(([, { form }]) => form === 'map')) continue;
      for (const right of [false, true]) {
        if (right && !after.some(([, { form }]) => form === 'map')) continue;
        const matrices = (edges: [number, Block][], are: boolean): [number, Block][] =>
          are
            ? edges.map(([u, block]) => [u, block.form === 'map' ? asDense(block, this.setting) : block])
            : edges;
        const { cost, total, edges } = this.#plan(matrices(before, left), matrices(after, right));
        let making = 0;
        if (left) for (const [, block] of before) making += made(block);
        if (right) for (const [, block] of after) making += made(block);
        if (best === undefined || total + making < best.total)
          best = { cost: cost + making, total: total + making, edges };
      }
    }
    return best as Plan;
  }

  /** By how much eliminating v raises what everything will have cost in the end, estimated. */
  price(v: number): number {
    let freed = 0;
    for (const [from, block] of this.#into[v]) freed += later(block, this.#last(from, v), this.setting);
    for (const [to, block] of this.#outOf[v]) freed += later(block, this.#last(v, to), this.setting);
    return this.#best(v).total - freed;
  }

  /** Joins every predecessor of v with every successor. */
  eliminate(v: number): void {
    const { cost, edges } = this.#best(v);
    this.#remove(v);
    this.spent += cost;
    for (const { from, to, block } of edges) this.#set(from, to, block);
  }

  #remove(v: number): void {
    for (const from of this.#into[v].keys()) this.#outOf[from].delete(v);
    for (const to of this.#outOf[v].keys()) this.#into[to].delete(v);
    this.#into[v].clear();
    this.#outOf[v].clear();
  }

  /** Removes what does not reach an output, and vertices that are ± their only predecessor, or go ± into one successor. */
  contract(): void {
    for (let v = this.vertices - this.outputs - 1; v >= this.inputs; v--)
      if (this.#outOf[v].size === 0) this.#remove(v);
    const isFree = (edges: ReadonlyMap<number, Block>): boolean =>
      edges.size === 1 && [...edges.values()].every(isUnit);
    const free = (): number | undefined =>
      this.inner().find(v => isFree(this.#into[v]) || isFree(this.#outOf[v]));
    for (let v = free(); v !== undefined; v = free()) this.eliminate(v);
  }

  /** What making matrices of the edges costs, when only inputs and outputs are left. */
  remaining(): number {
    let total = 0;
    for (let v = this.vertices - this.outputs; v < this.vertices; v++)
      for (const block of this.#into[v].values()) total += made(block);
    return total;
  }
}
