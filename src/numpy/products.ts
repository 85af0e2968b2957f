/** Products of vectors, matrices and tensors. Integers stay in their type and wrap around. */
import { range, showShape } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { mul, sub } from '../primitives/arithmetic.ts';
import * as primitive from '../primitives/dot.ts';
import { moveAxis, permute, reshape } from '../primitives/layout.ts';
import { broadcastShapes, broadcastTo, positiveAxis, promote, type TensorLike, together } from './array.ts';
import { contract, inOrder, type Labelled } from './contraction.ts';
import { eye } from './creation.ts';
import { type AxisOption, axisFrom } from './options.ts';
import { roll } from './repeat.ts';

const batchNames = (count: number): string[] => range(count).map(i => `${count - 1 - i}`);

/** The product of two labelled tensors with its axes in a given order. */
function product(x: Labelled, y: Labelled, output: readonly string[]): Tensor {
  return inOrder(
    contract(x, y, label => output.includes(label)),
    output,
  );
}

function mismatch(name: string, x: Tensor, y: Tensor, expected: string): ShapeMismatch {
  return new ShapeMismatch({
    did: `${name} of ${x.aval} and ${y.aval}`,
    expected,
    remedy: 'transpose one of them (x.transpose()), or check which axes are meant',
  });
}

/**
 * The matrix product: result[…, i, k] = Σ_j x[…, i, j]·y[…, j, k]. Leading axes broadcast. A vector on the left is a
 * row, on the right a column, and its axis goes from the result.
 *
 * @example matmul([[1, 2], [3, 4]], [1, 1]) // [3, 7]
 * @throws ShapeMismatch, also where an operand is 0-dimensional
 */
export function matmul(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('matmul', [x, y]);
  if (a.ndim === 0 || b.ndim === 0)
    throw mismatch('matmul', a, b, 'at least one axis in each: multiply(x, y) multiplies by a number');
  if (a.shape[a.ndim - 1] !== b.shape[Math.max(0, b.ndim - 2)])
    throw mismatch(
      'matmul',
      a,
      b,
      `the last axis of the first to match the ${b.ndim > 1 ? 'second last' : 'only'} axis of the second, not ${a.shape[a.ndim - 1]} and ${b.shape[Math.max(0, b.ndim - 2)]}`,
    );
  const lead = broadcastShapes('matmul', [a.shape.slice(0, -2), b.shape.slice(0, -2)]).length;
  const [row, column] = [a.ndim > 1 ? ['row'] : [], b.ndim > 1 ? ['column'] : []];
  return product(
    { tensor: a, labels: [...batchNames(Math.max(0, a.ndim - 2)), ...row, 'summed'] },
    { tensor: b, labels: [...batchNames(Math.max(0, b.ndim - 2)), 'summed', ...column] },
    [...batchNames(lead), ...row, ...column],
  );
}

/** Σ over one axis of each, the other axes of x before those of y. */
function over(
  name: string,
  x: Tensor,
  y: Tensor,
  xAxes: readonly number[],
  yAxes: readonly number[],
): Tensor {
  if (xAxes.length !== yAxes.length || xAxes.some((axis, i) => x.shape[axis] !== y.shape[yAxes[i]]))
    throw mismatch(
      name,
      x,
      y,
      `axes ${showShape(xAxes)} of the first and ${showShape(yAxes)} of the second to have equal extents`,
    );
  return primitive.dot(x, y, { contract: [xAxes, yAxes], batch: [[], []] });
}

/**
 * Σ over the last axis of x and the second last of y (the only one of a vector), all other axes side by side:
 * dot(x, y)[i, j, k, m] = Σ_l x[i, j, l]·y[k, l, m]. A 0-dimensional operand multiplies. For batches of matrices
 * use {@link matmul}.
 *
 * @example dot([1, 2], [3, 4]) // 11
 * @throws ShapeMismatch
 */
export function dot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('dot', [x, y]);
  if (a.ndim === 0 || b.ndim === 0) return over('dot', a, b, [], []);
  return over('dot', a, b, [a.ndim - 1], [Math.max(0, b.ndim - 2)]);
}

/** Σ over the last axes: inner(x, y)[i…, j…] = Σ_l x[i…, l]·y[j…, l]. A 0-dimensional operand multiplies. */
export function inner(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('inner', [x, y]);
  if (a.ndim === 0 || b.ndim === 0) return over('inner', a, b, [], []);
  return over('inner', a, b, [a.ndim - 1], [b.ndim - 1]);
}

const flat = (x: Tensor): Tensor => reshape(x, [x.size]);

/** Σ_i x_i·y_i of the flattened tensors. @throws ShapeMismatch where they differ in size */
export function vdot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('vdot', [x, y]).map(flat);
  return over('vdot', a, b, [0], [0]);
}

/** x_i·y_j of the flattened tensors. */
export function outer(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('outer', [x, y]).map(flat);
  return over('outer', a, b, [], []);
}

/**
 * Σ over an axis of x·y, the other axes broadcast.
 *
 * @param axis default −1
 * @example vecdot([[1, 2], [3, 4]], [1, 1]) // [3, 7]
 */
export function vecdot(x: TensorLike, y: TensorLike, axis?: AxisOption): Tensor {
  const [a, b] = promote('vecdot', [x, y]);
  const named = axisFrom(axis, -1) ?? -1;
  const last = (t: Tensor): Tensor => moveAxis(t, positiveAxis('vecdot', named, t.ndim), t.ndim - 1);
  const [left, right] = [last(a), last(b)];
  if (left.shape[left.ndim - 1] !== right.shape[right.ndim - 1])
    throw mismatch('vecdot', a, b, 'equal extents along the axis that is summed over');
  const lead = broadcastShapes('vecdot', [left.shape.slice(0, -1), right.shape.slice(0, -1)]).length;
  return product(
    { tensor: left, labels: [...batchNames(left.ndim - 1), 'summed'] },
    { tensor: right, labels: [...batchNames(right.ndim - 1), 'summed'] },
    batchNames(lead),
  );
}

/** How many of the last axes of x and first of y are summed over, or which: [axes of x, axes of y]. */
export type TensordotAxes = number | readonly [number | readonly number[], number | readonly number[]];

/**
 * Σ over paired axes, the other axes of x before those of y.
 *
 * @param axes a number n: the last n axes of x with the first n of y (default 2); or [axes of x, axes of y]
 * @example tensordot(x, y, 1) // of matrices: their product
 * @example tensordot(x, y, { axes: [[0, 1], [1, 0]] })
 * @throws ShapeMismatch, AxisOutOfRange
 */
export function tensordot(
  x: TensorLike,
  y: TensorLike,
  axes: TensordotAxes | { readonly axes?: TensordotAxes } = 2,
): Tensor {
  const [a, b] = promote('tensordot', [x, y]);
  const given = typeof axes === 'object' && 'axes' in axes ? (axes.axes ?? 2) : (axes as TensordotAxes);
  if (typeof given === 'number') {
    if (!Number.isInteger(given) || given < 0 || given > Math.min(a.ndim, b.ndim))
      throw mismatch('tensordot', a, b, `a number of axes that both have, not ${given}`);
    return over(
      'tensordot',
      a,
      b,
      range(given).map(i => a.ndim - given + i),
      range(given),
    );
  }
  const list = (t: Tensor, side: number | readonly number[]): number[] =>
    (typeof side === 'number' ? [side] : side).map(axis => positiveAxis('tensordot', axis, t.ndim));
  return over('tensordot', a, b, list(a, given[0]), list(b, given[1]));
}

/**
 * The Kronecker product: blocks x_ij·y. result[i·p + k, j·q + l] = x[i, j]·y[k, l] for y of shape [p, q]; likewise
 * for any number of axes, missing ones leading with extent 1.
 *
 * @example kron([1, 2], [1, 1]) // [1, 1, 2, 2]
 */
export function kron(x: TensorLike, y: TensorLike): Tensor {
  const operands = promote('kron', [x, y]);
  const ndim = Math.max(...operands.map(t => t.ndim));
  const [a, b] = operands.map(t => reshape(t, [...new Array<number>(ndim - t.ndim).fill(1), ...t.shape]));
  const blocks = permute(
    over('kron', a, b, [], []),
    range(ndim).flatMap(i => [i, ndim + i]),
  );
  return reshape(
    blocks,
    a.shape.map((extent, i) => extent * b.shape[i]),
  );
}

/**
 * The vector product in three dimensions: (x₂y₃ − x₃y₂, x₃y₁ − x₁y₃, x₁y₂ − x₂y₁) along an axis; the others broadcast.
 *
 * @param axis default −1
 * @example cross([1, 0, 0], [0, 1, 0]) // [0, 0, 1]
 * @throws ShapeMismatch where the axis has not three elements
 */
export function cross(x: TensorLike, y: TensorLike, axis?: AxisOption): Tensor {
  const named = axisFrom(axis, -1) ?? -1;
  const [a, b] = together('cross', [x, y]);
  const along = positiveAxis('cross', named, a.ndim);
  if (a.shape[along] !== 3)
    throw mismatch('cross', a, b, `three elements along axis ${named}; in the plane write x₁y₂ − x₂y₁ out`);
  const next = (t: Tensor): Tensor => roll(t, -1, along);
  return next(sub(mul(a, next(b)), mul(next(a), b)));
}

/**
 * A square matrix multiplied by itself, n times in all; the identity for n = 0. Leading axes are a batch.
 *
 * @example matrixPower([[1, 1], [1, 0]], 5) // Fibonacci numbers
 * @throws BadArgument for a negative n, ShapeMismatch where it is not square
 */
export function matrixPower(x: TensorLike, n: number): Tensor {
  const [a] = promote('matrixPower', [x]);
  if (a.ndim < 2 || a.shape[a.ndim - 1] !== a.shape[a.ndim - 2])
    throw mismatch('matrixPower', a, a, 'square matrices along the last two axes');
  if (!Number.isInteger(n) || n < 0)
    throw new BadArgument({
      did: `matrixPower with exponent ${n}`,
      expected: 'a non-negative integer',
      remedy: 'invert the matrix first for negative powers',
    });
  if (n === 0) return broadcastTo(eye(a.shape[a.ndim - 1], a.dtype), a.shape);
  let result: Tensor | undefined;
  let square = a;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === undefined ? square : matmul(result, square);
    if (rest > 1) square = matmul(square, square);
  }
  return result as Tensor;
}

/**
 * The product of a chain of matrices in the order that needs the fewest multiplications. The first may be a row
 * vector, the last a column vector.
 *
 * @example multiDot([a, b, c])
 * @throws ShapeMismatch, BadArgument for fewer than two
 */
export function multiDot(xs: readonly TensorLike[]): Tensor {
  if (xs.length < 2)
    throw new BadArgument({
      did: `multiDot of ${xs.length} tensors`,
      expected: 'at least two',
      remedy: 'multiDot([a, b, c])',
    });
  const chain = promote('multiDot', xs);
  const n = chain.length;
  const rows = chain.map((x, i) => (i === 0 && x.ndim === 1 ? 1 : x.shape[0]));
  const extents = [...rows, chain[n - 1].shape[1] ?? 1];
  // cost[i][j]: multiplications for the product of factors i … j; split[i][j]: the last factor of its left half.
  const cost = chain.map(() => new Array<number>(n).fill(0));
  const split = chain.map(() => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++)
    for (let i = 0; i + length < n; i++) {
      const j = i + length;
      cost[i][j] = Infinity;
      for (let k = i; k < j; k++) {
        const total = cost[i][k] + cost[k + 1][j] + extents[i] * extents[k + 1] * extents[j + 1];
        if (total < cost[i][j]) {
          cost[i][j] = total;
          split[i][j] = k;
        }
      }
    }
  const multiply = (i: number, j: number): Tensor =>
    i === j ? chain[i] : matmul(multiply(i, split[i][j]), multiply(split[i][j] + 1, j));
  return multiply(0, n - 1);
}
