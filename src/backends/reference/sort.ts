import type { SortNest } from '../../kernel/kernel.ts';
import type { Elements } from '../backend.ts';

/** Stable sort of every row along the axis; NaN last whichever the direction, −0 equal to 0. */
export function sortRows(
  input: Elements,
  output: Elements,
  nest: Pick<SortNest, 'extents' | 'along' | 'descending' | 'positions'>,
): void {
  const n = nest.extents[nest.along];
  const stride = nest.extents.slice(nest.along + 1).reduce((a, b) => a * b, 1);
  const outer = nest.extents.slice(0, nest.along).reduce((a, b) => a * b, 1);
  const order = new Int32Array(n);
  const row = new Float64Array(n);
  const up = nest.descending ? -1 : 1;
  const compare = (a: number, b: number): number => {
    const x = row[a];
    const y = row[b];
    if (x < y) return -up;
    if (x > y) return up;
    if (x === y) return a - b;
    const xNaN = Number(Number.isNaN(x));
    const yNaN = Number(Number.isNaN(y));
    return xNaN - yNaN || a - b;
  };
  for (let o = 0; o < outer; o++)
    for (let s = 0; s < stride; s++) {
      const start = o * n * stride + s;
      for (let i = 0; i < n; i++) {
        row[i] = input[start + i * stride];
        order[i] = i;
      }
      order.sort(compare);
      for (let i = 0; i < n; i++) output[start + i * stride] = nest.positions ? order[i] : row[order[i]];
    }
}
