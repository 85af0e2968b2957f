/**
 * Linearized computational graphs: vertices are scalars, an edge from i to j carries the partial derivative ∂j/∂i.
 * Eliminating a vertex j joins every predecessor i with every successor k by c_ik += c_jk·c_ij; when only inputs and
 * outputs are left, the edges are the entries of the Jacobian. Every order of the vertices gives the same Jacobian,
 * but not the same number of multiplications.
 *
 * A. Griewank, S. Reese: On the calculation of Jacobian matrices by the Markowitz rule (1991);
 * U. Naumann: Optimal accumulation of Jacobian matrices by elimination methods on the dual computational graph,
 * Mathematical Programming 99 (2004).
 */

export interface Edge {
  readonly from: number;
  readonly to: number;
  /** The partial derivative is 1 or −1: products with it are not multiplications. */
  readonly unit?: boolean;
}

/**
 * Vertices are numbered from 0: first the inputs, then the others so that every edge goes from a lower to a higher
 * number. Nothing follows an output.
 */
export interface ComputationalGraph {
  readonly vertices: number;
  readonly inputs: number;
  readonly outputs: readonly number[];
  readonly edges: readonly Edge[];
  /** Elements of each vertex, where vertices are tensors. */
  readonly sizes?: readonly number[];
}

/** A function's derivative at a point as a graph: what its orders cost, and the Jacobian that each of them gives. */
export interface Elimination {
  readonly kind: 'scalar' | 'tensor';
  readonly graph: ComputationalGraph;
  /** The same for graphs whose orders cost the same. */
  readonly signature: string;
  readonly cost: (order: readonly number[]) => number;
  readonly markowitz: () => readonly number[];
  readonly search: (budget: number | undefined) => readonly number[];
  /** The tree that `jacfwd` gives. */
  readonly jacobian: (order: readonly number[]) => unknown;
}

/** The vertices that can be eliminated: neither inputs nor outputs, ascending. */
export function intermediates({ vertices, inputs, outputs }: ComputationalGraph): number[] {
  const kept = new Set(outputs);
  const list: number[] = [];
  for (let v = inputs; v < vertices; v++) if (!kept.has(v)) list.push(v);
  return list;
}

/** How many bits of a word are set. */
export function bits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * What is left of a graph while its vertices are eliminated. Four matrices of bits with a row for each vertex, one
 * after the other in `words`: successors, predecessors, and those of them whose edge is not a unit.
 *
 * The remaining graph depends on which vertices were eliminated, not on their order: an edge is there if a path
 * through eliminated vertices is, and it is a unit if there is one such path, whose edges are units.
 */
export class Remaining {
  readonly width: number;
  readonly words: Int32Array;
  readonly #pred: number;
  readonly #succCost: number;
  readonly #predCost: number;

  constructor(graph: ComputationalGraph) {
    this.width = (graph.vertices + 31) >>> 5;
    const matrix = graph.vertices * this.width;
    this.#pred = matrix;
    this.#succCost = 2 * matrix;
    this.#predCost = 3 * matrix;
    this.words = new Int32Array(4 * matrix);
    for (const { from, to, unit = false } of graph.edges) {
      const known = this.#has(from, to);
      this.#set(0, from, to);
      this.#set(this.#pred, to, from);
      if (unit && !known) continue;
      this.#set(this.#succCost, from, to);
      this.#set(this.#predCost, to, from);
    }
  }

  #set(matrix: number, row: number, column: number): void {
    this.words[matrix + row * this.width + (column >>> 5)] |= 1 << (column & 31);
  }

  #has(row: number, column: number): boolean {
    return (this.words[row * this.width + (column >>> 5)] & (1 << (column & 31))) !== 0;
  }

  #count(row: number): number {
    let n = 0;
    for (let w = 0; w < this.width; w++) n += bits(this.words[row + w]);
    return n;
  }

  /** The multiplications that eliminating v takes now: edges in × edges out, those that are not units. */
  cost(v: number): number {
    const row = v * this.width;
    return this.#count(this.#predCost + row) * this.#count(this.#succCost + row);
  }

  /** Edges in × edges out, units included: at least the edges that may be added. */
  degree(v: number): number {
    const row = v * this.width;
    return this.#count(this.#pred + row) * this.#count(row);
  }

  neighbours(v: number): number[] {
    const list: number[] = [];
    for (const matrix of [0, this.#pred])
      for (let w = 0; w < this.width; w++)
        for (let word = this.words[matrix + v * this.width + w]; word !== 0; word &= word - 1)
          list.push((w << 5) + 31 - Math.clz32(word & -word));
    return list;
  }

  /** Eliminates v and returns how many multiplications that takes. */
  eliminate(v: number): number {
    const { words, width } = this;
    const cost = this.cost(v);
    this.#spread(v, this.#pred, 0, this.#predCost, this.#succCost);
    this.#spread(v, 0, this.#pred, this.#succCost, this.#predCost);
    const row = v * width;
    for (let w = 0; w < width; w++) {
      words[row + w] = 0;
      words[this.#pred + row + w] = 0;
      words[this.#succCost + row + w] = 0;
      words[this.#predCost + row + w] = 0;
    }
    return cost;
  }

  /** Every neighbour of v on one side gets the neighbours on the other. An edge that was there before is no unit then. */
  #spread(v: number, near: number, far: number, nearCost: number, farCost: number): void {
    const { words, width } = this;
    const row = v * width;
    const clear = ~(1 << (v & 31));
    for (let w = 0; w < width; w++)
      for (let word = words[near + row + w]; word !== 0; word &= word - 1) {
        const low = word & -word;
        const other = ((w << 5) + 31 - Math.clz32(low)) * width;
        const costs = (words[nearCost + row + w] & low) !== 0;
        for (let x = 0; x < width; x++) {
          const added = words[far + row + x];
          const before = words[far + other + x];
          words[farCost + other + x] |= costs ? added : (added & before) | words[farCost + row + x];
          words[far + other + x] = before | added;
        }
        words[far + other + (v >>> 5)] &= clear;
        words[farCost + other + (v >>> 5)] &= clear;
      }
  }
}

/** The multiplications of each elimination in an order, added up. */
export function multiplications(graph: ComputationalGraph, order: readonly number[]): number {
  const remaining = new Remaining(graph);
  let total = 0;
  for (const v of order) total += remaining.eliminate(v);
  return total;
}
