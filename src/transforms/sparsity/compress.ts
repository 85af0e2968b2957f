/** The entries of a sparse Jacobian from few derivatives: one for each colour. */
import { promoteTypes } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  add,
  broadcast,
  cast,
  concat,
  equal,
  full,
  gather,
  iota,
  reshape,
  zerosLike,
} from '../../primitives/vectorspace.ts';
import type { Linearized } from '../linearize.ts';
import { replay } from '../trace.ts';
import { transposeProgram } from '../transpose.ts';
import { vmap } from '../vmap.ts';
import { type Colouring, colourColumns, colourRows, colourSymmetric } from './colouring.ts';
import { indexTensor } from './matrix.ts';
import type { SparsityPattern } from './pattern.ts';

/** How the entries of a pattern are found: along which directions, and where each one is then. */
export interface Compression {
  readonly pattern: SparsityPattern;
  /** `forward`: a colour is a sum of input directions; `reverse`: of output directions. */
  readonly direction: 'forward' | 'reverse';
  readonly colouring: Colouring;
  /** For each entry the colour, and the place in the derivative along it. */
  readonly colours: Int32Array;
  readonly places: Int32Array;
}

export function forwardCompression(pattern: SparsityPattern): Compression {
  const colouring = colourColumns(pattern);
  const colours = pattern.columns.map(column => colouring.colours[column]);
  return { pattern, direction: 'forward', colouring, colours, places: pattern.rows };
}

export function reverseCompression(pattern: SparsityPattern): Compression {
  const colouring = colourRows(pattern);
  const colours = pattern.rows.map(row => colouring.colours[row]);
  return { pattern, direction: 'reverse', colouring, colours, places: pattern.columns };
}

/** The direction with fewer colours, forward if they are as many. */
export function fewestColours(pattern: SparsityPattern): Compression {
  const forward = forwardCompression(pattern);
  // No fewer row colours do than there are entries in the fullest column.
  if (pattern.transposed().pattern.widestRow >= forward.colouring.count) return forward;
  const reverse = reverseCompression(pattern);
  return reverse.colouring.count < forward.colouring.count ? reverse : forward;
}

/** A symmetric matrix from products with it: each entry or its mirror image is alone with its colour in its row. */
export function symmetricCompression(pattern: SparsityPattern): Compression {
  const colouring = colourSymmetric(pattern);
  const n = pattern.shape[0];
  const times = new Int32Array(colouring.count);
  const colours = new Int32Array(pattern.count);
  const places = new Int32Array(pattern.count);
  for (let i = 0; i < n; i++) {
    const row = pattern.row(i);
    for (const j of row) times[colouring.colours[j]]++;
    row.forEach((j, k) => {
      const alone = times[colouring.colours[j]] === 1;
      const entry = pattern.rowStarts[i] + k;
      colours[entry] = colouring.colours[alone ? j : i];
      places[entry] = alone ? i : j;
    });
    for (const j of row) times[colouring.colours[j]] = 0;
  }
  return { pattern, direction: 'forward', colouring, colours, places };
}

/** Elements of the directions and results of one batch. */
const batchSize = 1 << 22;

/** The values of the pattern's entries for a linear program from `primals` to the outputs that it has. */
export function entries(
  { pattern, direction, colouring, colours, places }: Compression,
  primals: readonly Tensor[],
  at: Linearized,
): Tensor {
  const floats = at.outputs.filter(output => output.aval.isFloat).map(output => output.dtype);
  const dtype = floats.length === 0 ? 'float32' : floats.reduce(promoteTypes);
  if (pattern.count === 0) return full([0], 0, dtype);
  const derivatives =
    direction === 'forward'
      ? (first: number, count: number) => pushed(primals, at, colouring, first, count)
      : (first: number, count: number) => pulled(primals, at, colouring, first, count);
  const atOnce = Math.max(1, Math.floor(batchSize / Math.max(...pattern.shape)));
  const batches: Tensor[] = [];
  for (let first = 0; first < colouring.count; first += atOnce) {
    const parts = derivatives(first, Math.min(atOnce, colouring.count - first));
    batches.push(joined(parts, dtype));
  }
  const all = batches.length === 1 ? batches[0] : concat(batches, 0);
  return gather(all, indexTensor(colours), indexTensor(places));
}

/** [count, n] from blocks [count, …], side by side. */
function joined(parts: readonly Tensor[], dtype: Tensor['dtype']): Tensor {
  const rows = parts.map(part => {
    const flat = reshape(part, [part.shape[0], part.size / part.shape[0]]);
    return flat.dtype === dtype ? flat : cast(flat, dtype);
  });
  return rows.length === 1 ? rows[0] : concat(rows, 1);
}

/** For each tensor, [count, …shape]: direction k is 1 at the elements of colour first + k. */
function directions(like: readonly Tensor[], { colours }: Colouring, first: number, count: number): Tensor[] {
  const all = indexTensor(colours);
  let start = 0;
  return like.map(leaf => {
    const shape = [count, leaf.size];
    const own =
      leaf.size === all.size
        ? all
        : gather(all, add(iota('int32', [leaf.size], 0), full([leaf.size], start, 'int32')));
    start += leaf.size;
    const wanted = add(iota('int32', shape, 0), full(shape, first, 'int32'));
    const hit = equal(wanted, broadcast(own, shape, [1]));
    return reshape(cast(hit, leaf.dtype), [count, ...leaf.shape]);
  });
}

function pushed(
  primals: readonly Tensor[],
  at: Linearized,
  colouring: Colouring,
  first: number,
  count: number,
): Tensor[] {
  const moved = vmap((...tangents: Tensor[]) => replay(at.linear, tangents))(
    ...directions(primals, colouring, first, count),
  ) as Tensor[];
  return at.outputs.map((output, i) => {
    const place = at.places[i];
    return place === null ? full([count, ...output.shape], 0, 'float32') : moved[place];
  });
}

function pulled(
  primals: readonly Tensor[],
  at: Linearized,
  colouring: Colouring,
  first: number,
  count: number,
): Tensor[] {
  // A result without derivative has no entry, but it has rows.
  const floats = at.outputs.map(output => (output.aval.isFloat ? output : zerosLike(output)));
  const all = directions(floats, colouring, first, count);
  const moving = all.filter((_, i) => at.places[i] !== null);
  return vmap((...cotangents: Tensor[]) =>
    transposeProgram(at.linear, cotangents).map((ct, i) => ct ?? zerosLike(primals[i])),
  )(...moving) as Tensor[];
}
