/** Orders of elimination found by search. */
import { type ComputationalGraph, multiplications, Remaining } from './graph.ts';
import { forwardOrder, markowitzOrder, randomNumbers, reverseOrder } from './orders.ts';

export interface SearchOptions {
  /** How many changes of an order to try. Default: what takes about half a second, 60 000 at most. */
  readonly moves?: number;
  /** Milliseconds after which the search stops; what it finds then depends on the machine's speed. */
  readonly budget?: number | undefined;
  readonly seed?: number;
}

export interface Found {
  readonly order: readonly number[];
  readonly multiplications: number;
}

/** Words of memory for remaining graphs kept along an order. */
const mostWords = 1 << 23;

/**
 * An order with the remaining graph before some of its positions. Moving a vertex changes costs only between the
 * place it leaves and the place it takes, since the remaining graph depends on the set of eliminated vertices.
 */
class Walk {
  readonly order: number[];
  readonly costs: Int32Array;
  total = 0;
  /** The remaining graph is kept before every position that is a multiple of this. */
  readonly #stride: number;
  readonly #before: Int32Array[] = [];
  readonly #scratch: Remaining;

  constructor(graph: ComputationalGraph, order: readonly number[]) {
    this.order = [...order];
    this.costs = new Int32Array(order.length);
    this.#scratch = new Remaining(graph);
    const { length } = this.#scratch.words;
    this.#stride = Math.max(1, Math.ceil((order.length * length) / mostWords));
    for (let k = 0; k < order.length; k += this.#stride) this.#before.push(new Int32Array(length));
    this.#before[0]?.set(this.#scratch.words);
    this.#redo(0, order.length);
  }

  /** Makes the scratch graph that before a position; nothing after the position may have changed before it. */
  #goTo(position: number): void {
    const kept = Math.floor(position / this.#stride);
    this.#scratch.words.set(this.#before[kept]);
    for (let k = kept * this.#stride; k < position; k++) this.#scratch.eliminate(this.order[k]);
  }

  /** Eliminates again from one position to before another. */
  #redo(from: number, to: number): void {
    this.#goTo(from);
    for (let k = from; k < to; k++) {
      if (k > from && k % this.#stride === 0) this.#before[k / this.#stride].set(this.#scratch.words);
      this.total -= this.costs[k];
      this.costs[k] = this.#scratch.eliminate(this.order[k]);
      this.total += this.costs[k];
    }
  }

  /** Moves the vertex at one position to another if that makes the order dearer by at most `allowed`. */
  move(from: number, to: number, allowed: number): boolean {
    const { order, costs } = this;
    const first = Math.min(from, to);
    const last = Math.max(from, to);
    let limit = allowed;
    for (let k = first; k <= last; k++) limit += costs[k];
    this.#goTo(first);
    const moved = order[from];
    let spent = 0;
    for (let k = first; k <= last; k++) {
      const v = k === to ? moved : from < to ? order[k + 1] : order[k - 1];
      spent += this.#scratch.eliminate(v);
      if (spent > limit) return false;
    }
    order.splice(from, 1);
    order.splice(to, 0, moved);
    this.#redo(first, last + 1);
    return true;
  }
}

/**
 * The cheapest of the direct orders, improved by simulated annealing: a vertex is moved to another position, mostly a
 * near one; a dearer order is accepted with probability exp(−increase/temperature). The temperature falls from the
 * mean cost of a vertex to a fifteenth of it. The same options give the same order, unless a budget ends the search.
 *
 * S. Kirkpatrick, C. Gelatt, M. Vecchi: Optimization by simulated annealing, Science 220 (1983).
 */
export function searchOrder(graph: ComputationalGraph, options: SearchOptions = {}): Found {
  const { seed = 1, budget = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + budget;
  const random = randomNumbers(seed);
  const starts = [
    forwardOrder,
    reverseOrder,
    markowitzOrder,
    (one: ComputationalGraph) => markowitzOrder(one, 'last'),
  ];
  let best: Found | undefined;
  for (const start of starts) {
    const order = start(graph);
    const cost = multiplications(graph, order);
    if (best === undefined || cost < best.multiplications) best = { order, multiplications: cost };
  }
  let found = best as Found;
  const n = found.order.length;
  const words = 4 * graph.vertices * ((graph.vertices + 31) >>> 5);
  const timed = budget < Number.POSITIVE_INFINITY;
  const moves = options.moves ?? (timed ? Number.POSITIVE_INFINITY : Math.min(60_000, 600 * n, 2e8 / words));
  if (n < 2 || found.multiplications === 0 || words > mostWords) return found;
  const walk = new Walk(graph, found.order);
  const hot = Math.max(0.5, walk.total / n);
  let progress = 0;
  for (let move = 0; progress < 1; move++) {
    if (!timed || move % 16 === 0)
      progress = Math.max(move / moves, timed ? 1 - (end - performance.now()) / budget : 0);
    const from = Math.floor(random() * n);
    const reach = 1 + Math.floor(n * random() ** 3);
    const to = Math.max(0, Math.min(n - 1, random() < 0.5 ? from - reach : from + reach));
    const temperature = hot * 15 ** -progress;
    if (to === from) continue;
    walk.move(from, to, Math.floor(-Math.log(1 - random()) * temperature));
    if (walk.total < found.multiplications) found = { order: [...walk.order], multiplications: walk.total };
  }
  return found;
}
