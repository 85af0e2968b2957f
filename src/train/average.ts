/** Averages of the loss and the metrics over batches, weighted by their examples. */

/** Numbers by name: `loss`, and each metric. */
export type Numbers = Readonly<Record<string, number>>;

/** Sums so far: plain JSON, so that a run can go on from it. */
export interface Sums {
  readonly examples: number;
  readonly batches: number;
  /** Weighted by examples. */
  readonly sums: Numbers;
}

export const noSums: Sums = { examples: 0, batches: 0, sums: {} };

export function addBatch({ examples, batches, sums }: Sums, count: number, values: Numbers): Sums {
  const next: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) next[name] = (sums[name] ?? 0) + value * count;
  return { examples: examples + count, batches: batches + 1, sums: next };
}

/** The mean of each number over the examples. */
export function means({ examples, sums }: Sums): Numbers {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / examples]));
}
