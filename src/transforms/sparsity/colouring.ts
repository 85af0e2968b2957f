/**
 * Colouring: columns that share no row get one colour, and one derivative along the sum of their unit vectors gives
 * all their entries. Curtis, Powell and Reid 1974; Coleman and Moré 1983; Gebremedhin, Manne and Pothen, "What color is
 * your Jacobian?", SIAM Review 47 (2005).
 */
import type { SparsityPattern } from './pattern.ts';

export interface Colouring {
  /** The colour of each column (or row, or of both of a symmetric matrix), counted from 0. */
  readonly colours: Int32Array;
  readonly count: number;
}

/** Beyond this many steps only the cheapest order is tried. */
const patience = 50_000_000;

/**
 * Colours the columns so that no row has two entries of one colour: greedily, in the order of the matrix, by falling
 * number of neighbours (largest first) and by neighbours coloured already (incidence degree); the best of them.
 *
 * @example colourColumns(sparsityPattern((x) => x.mul(x))(tensor([1, 2, 3]))).count // 1
 */
export function colourColumns(pattern: SparsityPattern): Colouring {
  const [m, n] = pattern.shape;
  const columns = pattern.transposed().pattern;
  const least = pattern.widestRow;
  // A full row makes all columns differ.
  if (least === n) return { colours: Int32Array.from({ length: n }, (_, j) => j), count: n };
  let steps = 0;
  for (let i = 0; i < m; i++) steps += pattern.row(i).length ** 2;
  const natural = Int32Array.from({ length: n }, (_, j) => j);
  let best = greedy(pattern, columns, natural);
  if (steps > patience) return best;
  const orders = [
    () => byDegree(degrees(pattern, columns)),
    () => byIncidence(n, visit => (j: number) => neighbours(pattern, columns, j, visit)),
  ];
  for (const order of orders) {
    if (best.count === least) break;
    const found = greedy(pattern, columns, order());
    if (found.count < best.count) best = found;
  }
  return best;
}

/** Colours the rows so that no column has two entries of one colour: see {@link colourColumns}. */
export function colourRows(pattern: SparsityPattern): Colouring {
  return colourColumns(pattern.transposed().pattern);
}

/** Calls `visit` for the columns that share a row with column j, some more than once, and for j. */
function neighbours(
  pattern: SparsityPattern,
  columns: SparsityPattern,
  j: number,
  visit: (column: number) => void,
): void {
  for (let e = columns.rowStarts[j]; e < columns.rowStarts[j + 1]; e++) {
    const row = columns.columns[e];
    for (let k = pattern.rowStarts[row]; k < pattern.rowStarts[row + 1]; k++) visit(pattern.columns[k]);
  }
}

function greedy(pattern: SparsityPattern, columns: SparsityPattern, order: Int32Array): Colouring {
  const n = order.length;
  const colours = new Int32Array(n).fill(-1);
  const forbidden = new Int32Array(n + 1).fill(-1);
  let count = 0;
  for (const j of order) {
    neighbours(pattern, columns, j, other => {
      if (colours[other] >= 0) forbidden[colours[other]] = j;
    });
    let colour = 0;
    while (forbidden[colour] === j) colour++;
    colours[j] = colour;
    count = Math.max(count, colour + 1);
  }
  return { colours, count };
}

function degrees(pattern: SparsityPattern, columns: SparsityPattern): Int32Array {
  const n = columns.shape[0];
  const met = new Int32Array(n).fill(-1);
  return Int32Array.from({ length: n }, (_, j) => {
    let degree = 0;
    neighbours(pattern, columns, j, other => {
      if (met[other] === j) return;
      met[other] = j;
      degree++;
    });
    return degree;
  });
}

/** By falling degree; equal ones stay in order. */
function byDegree(degree: Int32Array): Int32Array {
  return Int32Array.from(degree.keys()).sort((a, b) => degree[b] - degree[a] || a - b);
}

/** Next is always the vertex with the most neighbours in the order already; of several the first that came so far. */
function byIncidence(
  n: number,
  through: (visit: (other: number) => void) => (vertex: number) => void,
): Int32Array {
  const degree = new Int32Array(n);
  const done = new Uint8Array(n);
  const met = new Int32Array(n).fill(-1);
  const buckets: number[][] = [Array.from({ length: n }, (_, i) => n - 1 - i)];
  const order = new Int32Array(n);
  let highest = 0;
  let current = 0;
  const visit = through(other => {
    if (done[other] === 1 || met[other] === current) return;
    met[other] = current;
    const now = ++degree[other];
    buckets[now] ??= [];
    buckets[now].push(other);
    highest = Math.max(highest, now);
  });
  for (let place = 0; place < n; ) {
    const vertex = buckets[highest].pop();
    if (vertex === undefined) {
      highest--;
      continue;
    }
    // A vertex stays behind in the buckets that it has left.
    if (done[vertex] === 1 || degree[vertex] !== highest) continue;
    done[vertex] = 1;
    order[place++] = vertex;
    current = vertex;
    visit(vertex);
  }
  return order;
}

/**
 * Colours the rows and columns of a symmetric matrix so that each entry, or its mirror image, is alone with its colour
 * in its row: neighbours differ, and no path of four vertices has only two colours (star colouring). Far fewer colours
 * than {@link colourColumns} where some rows are full: an arrow takes 2.
 *
 * Greedy, in the orders of {@link colourColumns}. Gebremedhin, Tarafdar, Manne and Pothen, "New acyclic and star
 * coloring algorithms with application to computing Hessians", SIAM J. Sci. Comput. 29 (2007), algorithm 4.1.
 */
export function colourSymmetric(pattern: SparsityPattern): Colouring {
  const n = pattern.shape[0];
  const degree = Int32Array.from({ length: n }, (_, i) => pattern.row(i).length);
  let best = greedyStar(pattern, byDegree(degree));
  if (degree.reduce((steps, d) => steps + d * d, 0) > patience) return best;
  const orders = [
    () => Int32Array.from(degree.keys()),
    () => byIncidence(n, visit => i => pattern.row(i).forEach(visit)),
  ];
  for (const order of orders) {
    const found = greedyStar(pattern, order());
    if (found.count < best.count) best = found;
  }
  return best;
}

function greedyStar(pattern: SparsityPattern, order: Int32Array): Colouring {
  const { rowStarts, columns } = pattern;
  const n = order.length;
  const colours = new Int32Array(n).fill(-1);
  const forbidden = new Int32Array(n + 1).fill(-1);
  let count = 0;
  for (const v of order) {
    for (let e = rowStarts[v]; e < rowStarts[v + 1]; e++) {
      const w = columns[e];
      if (w === v) continue;
      if (colours[w] >= 0) forbidden[colours[w]] = v;
      // Were v coloured like x, then v – w – x – y or u – v – w – x could be a path of two colours.
      const repeated = colours[w] < 0 || hasOther(pattern, colours, v, w);
      for (let f = rowStarts[w]; f < rowStarts[w + 1]; f++) {
        const x = columns[f];
        if (x === v || x === w || colours[x] < 0 || forbidden[colours[x]] === v) continue;
        if (repeated || hasOther(pattern, colours, x, w)) forbidden[colours[x]] = v;
      }
    }
    let colour = 0;
    while (forbidden[colour] === v) colour++;
    colours[v] = colour;
    count = Math.max(count, colour + 1);
  }
  return { colours, count };
}

/** Whether a vertex x has another neighbour of w's colour. */
function hasOther(
  { rowStarts, columns }: SparsityPattern,
  colours: Int32Array,
  x: number,
  w: number,
): boolean {
  for (let e = rowStarts[x]; e < rowStarts[x + 1]; e++) {
    const y = columns[e];
    if (y !== w && y !== x && colours[y] === colours[w]) return true;
  }
  return false;
}
