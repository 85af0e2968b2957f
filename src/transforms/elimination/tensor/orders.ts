/** Orders of elimination on graphs of tensors. */
import { randomNumbers } from '../orders.ts';
import type { Block } from './block.ts';
import type { State } from './state.ts';

/** Scalar operations of the Jacobian in this order, given up over the limit. */
export function operations(
  start: State,
  order: readonly number[],
  limit: number = Number.POSITIVE_INFINITY,
): number {
  const state = start.copy();
  for (const v of order) {
    state.eliminate(v);
    if (state.spent > limit) return Number.POSITIVE_INFINITY;
  }
  return state.spent + state.remaining();
}

export const forwardOrder = (state: State): number[] => state.inner();
export const reverseOrder = (state: State): number[] => state.inner().reverse();

/** Next always the vertex that makes the whole dearer by the least: Markowitz's rule with costs for degrees. */
export function markowitzOrder(start: State): number[] {
  const state = start.copy();
  const prices = new Map(state.inner().map(v => [v, state.price(v)]));
  const order: number[] = [];
  while (prices.size > 0) {
    let chosen = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [v, price] of prices)
      if (chosen < 0 || price < least) {
        chosen = v;
        least = price;
      }
    const near = [...state.into(chosen).keys(), ...state.outOf(chosen).keys()];
    state.eliminate(chosen);
    prices.delete(chosen);
    order.push(chosen);
    for (const v of near) if (prices.has(v)) prices.set(v, state.price(v));
  }
  return order;
}

export interface SearchOptions {
  /** Milliseconds after which the search stops; what it finds then depends on the machine's speed. */
  readonly budget?: number | undefined;
  readonly seed?: number;
}

/** Some tenths of a second. */
const mostConsidered = 200_000;

/** An order with the state before some of its positions. */
class Walk {
  readonly order: number[];
  cost: number;
  /** Products considered by all runs. */
  considered = 0;
  readonly #stride: number;
  readonly #before: State[];

  constructor(start: State, order: readonly number[]) {
    this.order = [...order];
    this.#stride = Math.max(1, Math.ceil(order.length / 16));
    this.#before = [start];
    this.cost = this.#run(this.order, 0, Number.POSITIVE_INFINITY, true);
  }

  /** The cost of an order that is the present one before a position, given up over the limit. */
  #run(order: readonly number[], position: number, limit: number, keep: boolean): number {
    const first = Math.floor(position / this.#stride);
    const state = this.#before[first].copy();
    if (keep) this.#before.length = first + 1;
    for (let k = first * this.#stride; k < order.length; k++) {
      if (keep && k > first * this.#stride && k % this.#stride === 0) this.#before.push(state.copy());
      state.eliminate(order[k]);
      if (state.spent > limit) break;
    }
    this.considered += state.considered - this.#before[first].considered;
    return state.spent + (state.spent > limit ? 0 : state.remaining());
  }

  /** Moves a vertex from one position to another if that makes the order dearer by at most `allowed`. */
  move(from: number, to: number, allowed: number): void {
    const order = [...this.order];
    const [moved] = order.splice(from, 1);
    order.splice(to, 0, moved);
    const limit = this.cost + allowed;
    const first = Math.min(from, to);
    const cost = this.#run(order, first, limit, false);
    if (cost > limit) return;
    this.#run(order, first, limit, true);
    this.order.splice(0, order.length, ...order);
    this.cost = cost;
  }
}

/** Eliminates what lies between two elementwise operations and touches nothing else: no order does better than that first. */
function joinDiagonals(state: State): number[] {
  const order: number[] = [];
  const isDiagonal = (edges: ReadonlyMap<number, Block>): boolean =>
    edges.size === 1 && [...edges.values()].every(block => block.form === 'diagonal');
  for (const v of state.inner())
    if (isDiagonal(state.into(v)) && isDiagonal(state.outOf(v))) {
      state.eliminate(v);
      order.push(v);
    }
  return order;
}

/**
 * The cheapest of the direct orders, improved by simulated annealing. Temperatures fall from a tenth of an order's cost for
 * each vertex to a hundredth of that. The same options give the same order, unless a budget ends the search.
 *
 * S. Kirkpatrick, C. Gelatt, M. Vecchi: Optimization by simulated annealing, Science 220 (1983).
 */
export function searchOrder(start: State, options: SearchOptions = {}): number[] {
  const { seed = 1, budget = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + budget;
  const timed = budget < Number.POSITIVE_INFINITY;
  const joined = start.copy();
  const before = joinDiagonals(joined);
  let found = cheapest(joined);
  const n = found.order.length;
  if (n < 2) return [...before, ...found.order];
  const random = randomNumbers(seed);
  const walk = new Walk(joined, found.order);
  const moves = timed ? Number.POSITIVE_INFINITY : 50 * n;
  const hot = (found.cost - joined.spent) / n / 10;
  let progress = 0;
  for (let move = 0; progress < 1; move++) {
    progress = timed
      ? 1 - (end - performance.now()) / budget
      : Math.max(move / moves, walk.considered / mostConsidered);
    const from = Math.floor(random() * n);
    const reach = 1 + Math.floor(n * random() ** 3);
    const to = Math.max(0, Math.min(n - 1, random() < 0.5 ? from - reach : from + reach));
    const allowed = -Math.log(1 - random()) * hot * 100 ** -progress;
    if (to === from) continue;
    walk.move(from, to, allowed);
    if (walk.cost < found.cost) found = { order: [...walk.order], cost: walk.cost };
  }
  return [...before, ...found.order];
}

/** The cheapest of the direct orders. */
function cheapest(start: State): { order: number[]; cost: number } {
  let best = { order: markowitzOrder(start), cost: 0 };
  best.cost = operations(start, best.order);
  for (const order of [reverseOrder(start), forwardOrder(start)]) {
    const cost = operations(start, order, best.cost);
    if (cost < best.cost) best = { order, cost };
  }
  return best;
}
