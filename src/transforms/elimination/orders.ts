/** Orders of elimination that are found directly. */
import { type ComputationalGraph, intermediates, Remaining } from './graph.ts';

/** From the inputs to the outputs: forward mode on scalars, which knows which derivatives are zero. */
export function forwardOrder(graph: ComputationalGraph): number[] {
  return intermediates(graph);
}

/** From the outputs to the inputs: reverse mode. */
export function reverseOrder(graph: ComputationalGraph): number[] {
  return intermediates(graph).reverse();
}

/** A pseudo-random number in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Which of the cheapest vertices Markowitz's rule takes: the first, the last, or one by a random number. */
export type TieRule = 'first' | 'last' | (() => number);

/** Markowitz's greedy rule: next the vertex whose elimination takes the fewest multiplications. */
export function markowitzOrder(graph: ComputationalGraph, ties: TieRule = 'first'): number[] {
  const remaining = new Remaining(graph);
  const left = new Map(intermediates(graph).map(v => [v, remaining.cost(v)]));
  const order: number[] = [];
  while (left.size > 0) {
    let least = Number.POSITIVE_INFINITY;
    let chosen = -1;
    let equal = 0;
    for (const [v, cost] of left) {
      if (cost > least) continue;
      equal = cost < least ? 1 : equal + 1;
      if (cost < least || ties === 'last' || (ties !== 'first' && ties() * equal < 1)) chosen = v;
      least = cost;
    }
    const touched = remaining.neighbours(chosen);
    remaining.eliminate(chosen);
    left.delete(chosen);
    order.push(chosen);
    for (const v of touched) if (left.has(v)) left.set(v, remaining.cost(v));
  }
  return order;
}
