/** Diagonals and triangles of matrices. */
import { range } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { full, sum, zerosLike } from '../primitives/broadcast.ts';
import { select } from '../primitives/compare.ts';
import { permute, reshape } from '../primitives/layout.ts';
import { pad, slice } from '../primitives/slice.ts';
import { asTensor, broadcastTo, positiveAxis, type TensorLike } from './array.ts';
import { tri } from './creation.ts';

export interface DiagonalOptions {
  /** 0 the main diagonal, positive ones above it. */
  readonly offset?: number;
  /** The axis of the rows. Default 0. */
  readonly axis1?: number;
  /** The axis of the columns. Default 1. */
  readonly axis2?: number;
}

/** A diagonal, bare or as `{ k }`. */
export type KOption = number | { readonly k?: number };

const kFrom = (option: KOption | undefined): number => (typeof option === 'object' ? option.k : option) ?? 0;

/**
 * The elements x[…, i, i + offset, …] of two axes, along a new last axis.
 *
 * @example diagonal([[1, 2], [3, 4]]) // [1, 4]
 * @example diagonal(x, { offset: 1, axis1: -2, axis2: -1 }) // of every matrix of a batch
 * @throws ShapeMismatch, AxisOutOfRange
 */
export function diagonal(x: TensorLike, options: DiagonalOptions = {}): Tensor {
  const operand = asTensor(x);
  const { offset = 0 } = options;
  const [row, column] = matrixAxes('diagonal', operand, options);
  const lead = range(operand.ndim).filter(i => i !== row && i !== column);
  const shape = lead.map(i => operand.shape[i]);
  const [rows, columns] = [operand.shape[row], operand.shape[column]];
  const count = Math.max(0, Math.min(rows - Math.max(-offset, 0), columns - Math.max(offset, 0)));
  // In row-major order the diagonal is every (columns + 1)-th element.
  const flat = reshape(permute(operand, [...lead, row, column]), [...shape, rows * columns]);
  const start = count === 0 ? 0 : offset >= 0 ? offset : -offset * columns;
  return slice(
    flat,
    [...shape.map(() => 0), start],
    [...shape, count === 0 ? 0 : start + (count - 1) * (columns + 1) + 1],
    [...shape.map(() => 1), columns + 1],
  );
}

function matrixAxes(
  name: string,
  x: Tensor,
  { axis1 = 0, axis2 = 1 }: DiagonalOptions,
): [row: number, column: number] {
  if (x.ndim < 2)
    throw new ShapeMismatch({
      did: `${name} of ${x.aval}`,
      expected: 'at least two axes',
      remedy: 'diag(v) makes a diagonal matrix of a vector',
    });
  const row = positiveAxis(name, axis1, x.ndim);
  const column = positiveAxis(name, axis2, x.ndim);
  if (row === column)
    throw new ShapeMismatch({
      did: `${name} over axes ${axis1} and ${axis2} of ${x.aval}`,
      expected: 'two different axes',
      remedy: `${name}(x, { axis1: -2, axis2: -1 })`,
    });
  return [row, column];
}

/**
 * Σ_i x[…, i, i + offset, …] over two axes.
 *
 * @example trace([[1, 2], [3, 4]]) // 5
 * @throws ShapeMismatch, AxisOutOfRange
 */
export function trace(x: TensorLike, options: DiagonalOptions = {}): Tensor {
  const elements = diagonal(x, options);
  return sum(elements, [elements.ndim - 1]);
}

/**
 * The matrix with a vector on diagonal k and zeros elsewhere; of a matrix, its diagonal k.
 *
 * @example diag([1, 2]) // [[1, 0], [0, 2]]
 * @example diag(m, { k: 1 })
 * @throws ShapeMismatch where x has neither one axis nor two
 */
export function diag(x: TensorLike, k?: KOption): Tensor {
  const operand = asTensor(x);
  const offset = kFrom(k);
  if (operand.ndim === 2) return diagonal(operand, { offset });
  if (operand.ndim !== 1)
    throw new ShapeMismatch({
      did: `diag of ${operand.aval}`,
      expected: 'a vector or a matrix',
      remedy:
        'use diagonal(x, { axis1: -2, axis2: -1 }) for a batch of matrices, diagflat(x) for all elements',
    });
  const n = operand.size + Math.abs(offset);
  if (operand.size === 0) return full([n, n], 0, operand.dtype);
  const start = offset >= 0 ? offset : -offset * n;
  const rest = n * n - start - ((operand.size - 1) * (n + 1) + 1);
  return reshape(pad(operand, full([], 0, operand.dtype), [start], [rest], [n]), [n, n]);
}

/** The matrix with all elements of x, in row-major order, on diagonal k. */
export function diagflat(x: TensorLike, k?: KOption): Tensor {
  const operand = asTensor(x);
  return diag(reshape(operand, [operand.size]), k);
}

function triangle(name: string, x: TensorLike, k: number, lower: boolean): Tensor {
  const operand = asTensor(x);
  if (operand.ndim < 2)
    throw new ShapeMismatch({
      did: `${name} of ${operand.aval}`,
      expected: 'at least two axes: the triangle is of the last two',
      remedy: `${name}(x.reshape([n, n]))`,
    });
  const [n, m] = operand.shape.slice(-2);
  const kept = broadcastTo(tri(n, { m, k: lower ? k : k - 1, dtype: 'bool' }), operand.shape);
  const zero = zerosLike(operand);
  return lower ? select(kept, operand, zero) : select(kept, zero, operand);
}

/**
 * The lower triangle of the last two axes: x_ij where j − i ≤ k, else 0.
 *
 * @example tril([[1, 2], [3, 4]]) // [[1, 0], [3, 4]]
 * @throws ShapeMismatch where x has fewer than two axes
 */
export function tril(x: TensorLike, k?: KOption): Tensor {
  return triangle('tril', x, kFrom(k), true);
}

/**
 * The upper triangle of the last two axes: x_ij where j − i ≥ k, else 0.
 *
 * @example triu([[1, 2], [3, 4]]) // [[1, 2], [0, 4]]
 * @throws ShapeMismatch where x has fewer than two axes
 */
export function triu(x: TensorLike, k?: KOption): Tensor {
  return triangle('triu', x, kFrom(k), false);
}
