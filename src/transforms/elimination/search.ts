/** Orders of elimination found by search. */
import { type ComputationalGraph, Remaining } from './graph.ts';
import { forwardOrder, markowitzOrder, randomNumbers, reverseOrder } from './orders.ts';

export interface SearchOptions {
  /** How many changes of an order to try. */
  readonly moves?: number;
  /** Milliseconds after which the search stops. What it finds then depends on the machine's speed. */
  readonly budget?: number;
  readonly seed?: number;
}

export interface Found {
  readonly order: readonly number[];
  readonly multiplications: number;
}

/**
 * An order with the remaining graph before each of its positions. Moving a vertex changes costs only between the
 * place it leaves and the place it takes, since the remaining graph depends on the set of eliminated vertices.
 */
class Walk {
  readonly order: number[];
  readonly costs: Int32Array;
  total = 0;
  readonly #before: Int32Array[];
  readonly #scratch: Remaining;

  constructor(graph: ComputationalGraph, order: readonly number[]) {
    this.order = [...order];
    this.costs = new Int32Array(order.length);
    this.#scratch = new Remaining(graph);
    this.#before = order.map(() => new Int32Array(this.#scratch.words.length));
    if (order.length > 0) this.#before[0].set(this.#scratch.words);
    this.#redo(0, order.length);
  }

  /** Eliminates again from one position to before another. */
  #redo(from: number, to: number): void {
    const scratch = this.#scratch;
    scratch.words.set(this.#before[from]);
    for (let k = from; k < to; k++) {
      if (k > from) this.#before[k].set(scratch.words);
      this.total -= this.costs[k];
      this.costs[k] = scratch.eliminate(this.order[k]);
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
    const scratch = this.#scratch;
    scratch.words.set(this.#before[first]);
    const moved = order[from];
    let spent = 0;
    for (let k = first; k <= last; k++) {
      const v = k === to ? moved : from < to ? order[k + 1] : order[k - 1];
      spent += scratch.eliminate(v);
      if (spent > limit) return false;
    }
    order.splice(from, 1);
    order.splice(to, 0, moved);
    this.#redo(first, last + 1);
    return true;
  }
}

/** The best of several orders. */
function bestOf(graph: ComputationalGraph, orders: readonly (readonly number[])[]): Walk[] {
  return orders.map(order => new Walk(graph, order)).sort((a, b) => a.total - b.total);
}

/** Simulated annealing. */
export function searchOrder(graph: ComputationalGraph, options: SearchOptions = {}): Found {
  const { seed = 0, budget = Number.POSITIVE_INFINITY } = options;
  const moves = options.moves ?? (options.budget === undefined ? 100_000 : Number.POSITIVE_INFINITY);
  const random = randomNumbers(seed);
  const start = bestOf(graph, [
    forwardOrder(graph),
    reverseOrder(graph),
    markowitzOrder(graph),
    markowitzOrder(graph, 'last'),
    markowitzOrder(graph, random),
  ])[0];
  const n = start.order.length;
  let best: Found = { order: [...start.order], multiplications: start.total };
  if (n < 2) return best;
  const end = performance.now() + budget;
  let hot = 3;
  const cold = 0.15;
  for (let move = 0; move < moves; move++) {
    const t = move / moves;
    const temperature = hot * (cold / hot) ** t;
    const from = Math.floor(random() * n);
    const reach = 1 + Math.floor(n * random() ** 3);
    let to = random() < 0.5 ? from - reach : from + reach;
    to = Math.max(0, Math.min(n - 1, to));
    if (to === from) continue;
    start.move(from, to, Math.floor(-Math.log(1 - random()) * temperature));
    if (start.total < best.multiplications) best = { order: [...start.order], multiplications: start.total };
    if ((move & 255) === 0 && performance.now() > end) break;
  }
  hot = 1;
  return best;
}
