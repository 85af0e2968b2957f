/** Graphs, the cost of their elimination, and orders: published counts, and laws on random graphs. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type ComputationalGraph,
  type Edge,
  intermediates,
  multiplications,
} from '../../../src/transforms/elimination/graph.ts';
import {
  forwardOrder,
  markowitzOrder,
  randomNumbers,
  reverseOrder,
} from '../../../src/transforms/elimination/orders.ts';
import { searchOrder } from '../../../src/transforms/elimination/search.ts';

interface Published {
  readonly inputs: number;
  readonly vertices: number;
  readonly outputs: readonly number[];
  readonly edges: readonly (readonly [from: number, to: number, unit: number])[];
  readonly alphagrad_order: readonly number[];
  readonly alphagrad_markowitz_order: readonly number[];
}

// graphs.json: jamielohoff/graphax and jamielohoff/alphagrad, MIT. Vertices there are numbered from 1.
const published = JSON.parse(readFileSync(new URL('graphs.json', import.meta.url), 'utf8')) as Record<
  'RoeFlux_1d' | 'RobotArm_6DOF',
  Published
>;

function graphOf({ inputs, vertices, outputs, edges }: Published, units: boolean): ComputationalGraph {
  return {
    inputs,
    vertices: inputs + vertices,
    outputs: outputs.map(v => v - 1),
    edges: edges.map(([from, to, unit]) => ({ from: from - 1, to: to - 1, unit: units && unit === 1 })),
  };
}

const orderOf = ({ inputs }: Published, order: readonly number[]): number[] => order.map(k => inputs + k - 1);

/** Elimination as it is defined, on paths with the number of products written down for each new edge. */
function counted(graph: ComputationalGraph, order: readonly number[]): number {
  const edges = new Map<string, boolean>();
  for (const { from, to, unit = false } of graph.edges) edges.set(`${from},${to}`, unit);
  let count = 0;
  for (const j of order) {
    const ends = [...edges].map(([key, unit]) => [...key.split(',').map(Number), unit] as const);
    for (const [i, to, a] of ends)
      for (const [from, k, b] of ends) {
        if (to !== j || from !== j) continue;
        if (!a && !b) count++;
        const key = `${i},${k}`;
        edges.set(key, !edges.has(key) && (a as boolean) && (b as boolean));
      }
    for (const [i, k] of ends) if (i === j || k === j) edges.delete(`${i},${k}`);
  }
  return count;
}

function randomGraph(seed: number, inputs: number, inner: number, outputs: number): ComputationalGraph {
  const random = randomNumbers(seed);
  const vertices = inputs + inner + outputs;
  const edges: Edge[] = [];
  for (let to = inputs; to < vertices; to++) {
    const before = Math.min(to, inputs + inner);
    const from = new Set([0, 1, 2].map(() => Math.floor(random() * before)));
    for (const one of from) edges.push({ from: one, to, unit: random() < 0.3 });
  }
  return { inputs, vertices, outputs: Array.from({ length: outputs }, (_, i) => inputs + inner + i), edges };
}

function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = randomNumbers(seed);
  return list
    .map(one => [random(), one] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, one]) => one);
}

describe('published graphs', () => {
  test.each([
    ['RoeFlux_1d', 620, 364, 407, 320],
    ['RobotArm_6DOF', 397, 301, 288, 231],
  ] as const)('%s: forward %i, reverse %i, Markowitz %i, reinforcement learning %i', (name, ...expected) => {
    const given = published[name];
    const graph = graphOf(given, false);
    const orders = [
      forwardOrder(graph),
      reverseOrder(graph),
      markowitzOrder(graph),
      orderOf(given, given.alphagrad_order),
    ];
    expect(orders.map(order => multiplications(graph, order))).toEqual(expected);
    expect(multiplications(graph, orderOf(given, given.alphagrad_markowitz_order))).toBe(expected[2]);
  });

  // 320 and 231 are the best published, by AlphaGrad.
  test.each([
    ['RoeFlux_1d', 295],
    ['RobotArm_6DOF', 221],
  ] as const)('search finds an order of %s with at most %i', (name, most) => {
    const graph = graphOf(published[name], false);
    const { order, multiplications: found } = searchOrder(graph, { moves: 60_000, seed: 1 });
    expect([...order].sort((a, b) => a - b)).toEqual(intermediates(graph));
    expect(found).toBe(multiplications(graph, order));
    expect(found).toBeLessThanOrEqual(most);
  });

  test('products with ±1 are not multiplications', () => {
    for (const given of Object.values(published)) {
      const graph = graphOf(given, true);
      const plain = graphOf(given, false);
      for (const order of [forwardOrder(graph), reverseOrder(graph), orderOf(given, given.alphagrad_order)]) {
        expect(multiplications(graph, order)).toBe(counted(graph, order));
        expect(multiplications(graph, order)).toBeLessThan(multiplications(plain, order));
      }
    }
  });
});

describe('random graphs', () => {
  test.each([1, 2, 3, 4, 5, 6])('counts are those of the definition, seed %i', seed => {
    const graph = randomGraph(seed, 4, 45, 3);
    for (let k = 0; k < 4; k++) {
      const order = shuffled(intermediates(graph), 10 * seed + k);
      expect(multiplications(graph, order)).toBe(counted(graph, order));
    }
    expect(multiplications(graph, markowitzOrder(graph, 'last'))).toBe(
      counted(graph, markowitzOrder(graph, 'last')),
    );
  });

  test.each([1, 2, 3])(
    'search is never worse than the direct orders, and the same every time, seed %i',
    seed => {
      const graph = randomGraph(seed, 5, 60, 4);
      const found = searchOrder(graph, { moves: 3000, seed });
      expect(searchOrder(graph, { moves: 3000, seed })).toEqual(found);
      for (const order of [forwardOrder, reverseOrder, markowitzOrder])
        expect(found.multiplications).toBeLessThanOrEqual(multiplications(graph, order(graph)));
      expect(found.multiplications).toBe(counted(graph, found.order));
    },
  );

  // The optimum of a small graph by trying all orders.
  test.each([1, 2, 3, 4])('search finds the optimum of a small graph, seed %i', seed => {
    const graph = randomGraph(seed, 3, 7, 3);
    let least = Number.POSITIVE_INFINITY;
    const all = (done: readonly number[], left: readonly number[]): void => {
      if (left.length === 0) least = Math.min(least, multiplications(graph, done));
      left.forEach((v, i) =>
        all(
          [...done, v],
          left.filter((_, j) => j !== i),
        ),
      );
    };
    all([], intermediates(graph));
    expect(searchOrder(graph, { moves: 2000, seed }).multiplications).toBe(least);
  });

  test('a search in a graph too long for a graph at every position, and within a budget of time', () => {
    const graph = randomGraph(9, 8, 700, 8);
    const found = searchOrder(graph, { moves: 300, seed: 2 });
    expect(found.multiplications).toBe(multiplications(graph, found.order));
    const start = performance.now();
    const timed = searchOrder(graph, { budget: 100 });
    expect(performance.now() - start).toBeLessThan(3000);
    expect(timed.multiplications).toBeLessThanOrEqual(multiplications(graph, markowitzOrder(graph)));
  });
});
