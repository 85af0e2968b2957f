/** What operations on matrices share. A matrix has the last two axes; those before are of a batch. */
import { type Aval, range } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { Locals } from '../kernel/statement.ts';
import { mul } from './arithmetic.ts';
import { broadcast, constantLike, iota, zerosLike } from './broadcast.ts';
import { and, equal, less, select } from './compare.ts';
import { dot } from './dot.ts';
import { permute } from './layout.ts';
import { axes, requireKind } from './signature.ts';
import { takeAlong } from './sort.ts';

/** The batch's axes, rows and columns of a float matrix. @throws ShapeMismatch, DTypeMismatch */
export function requireMatrix(
  name: string,
  x: Aval,
): { lead: readonly number[]; rows: number; columns: number } {
  requireKind(name, x, 'float');
  if (x.ndim < 2)
    throw new ShapeMismatch({
      did: `${name} of ${x}`,
      expected: 'a matrix, or a batch of them: at least two axes',
      remedy: 'x.reshape([n, 1]) makes a matrix of a vector',
    });
  return { lead: x.shape.slice(0, -2), rows: x.shape[x.ndim - 2], columns: x.shape[x.ndim - 1] };
}

/** @throws ShapeMismatch where rows and columns differ */
export function requireSquare(name: string, x: Aval): { lead: readonly number[]; size: number } {
  const { lead, rows, columns } = requireMatrix(name, x);
  if (rows !== columns)
    throw new ShapeMismatch({
      did: `${name} of ${x}`,
      expected: `a square matrix, not ${rows} rows and ${columns} columns`,
      remedy: 'lu and qr take matrices of any shape; check which axes are the last two',
    });
  return { lead, size: rows };
}

/** Matrices with rows and columns exchanged. */
export function transposed(x: Tensor): Tensor {
  return permute(x, [...range(x.ndim - 2), x.ndim - 1, x.ndim - 2]);
}

/** x·y for batches of equal shape; 'T' takes an operand transposed. */
export function product(x: Tensor, y: Tensor, how: { readonly x?: 'T'; readonly y?: 'T' } = {}): Tensor {
  const n = x.ndim;
  return dot(x, y, {
    contract: [[how.x === 'T' ? n - 2 : n - 1], [how.y === 'T' ? n - 1 : n - 2]],
    batch: [range(n - 2), range(n - 2)],
  });
}

const rowsOf = (x: Tensor): Tensor => iota('int32', x.shape, x.ndim - 2);
const columnsOf = (x: Tensor): Tensor => iota('int32', x.shape, x.ndim - 1);

/** The elements below the diagonal, others 0. */
export function strictlyLower(x: Tensor): Tensor {
  return select(less(columnsOf(x), rowsOf(x)), x, zerosLike(x));
}

/** The elements above the diagonal, others 0. */
export function strictlyUpper(x: Tensor): Tensor {
  return select(less(rowsOf(x), columnsOf(x)), x, zerosLike(x));
}

/** The diagonal and what is below it, others 0. */
export function lower(x: Tensor): Tensor {
  return select(less(rowsOf(x), columnsOf(x)), zerosLike(x), x);
}

/** The diagonal and what is above it, others 0. */
export function upper(x: Tensor): Tensor {
  return select(less(columnsOf(x), rowsOf(x)), zerosLike(x), x);
}

/** Φ of Murray (2016): the lower triangle with half of the diagonal. */
export function halfLower(x: Tensor): Tensor {
  return select(equal(columnsOf(x), rowsOf(x)), mul(x, constantLike(x, 0.5)), strictlyLower(x));
}

/** The matrix with ones on its diagonal from row `from` on. */
export function withUnitDiagonal(x: Tensor, from = 0): Tensor {
  const here = equal(columnsOf(x), rowsOf(x));
  const rows = from === 0 ? here : and(here, less(constantLike(rowsOf(x), from - 1), rowsOf(x)));
  return select(rows, constantLike(x, 1), x);
}

/** The rows in the order of an int32 permutation, [..., rows]. */
export function permuteRows(x: Tensor, permutation: Tensor): Tensor {
  const indices = broadcast(permutation, x.shape, range(x.ndim - 1));
  return takeAlong(x, indices, x.ndim - 2);
}

/** Names for writing the kernels of matrices: their elements, axes of loops and locals. */
export class MatrixKernel {
  readonly type: k.Expression['type'];
  readonly locals: Locals = new Locals();
  readonly lead: readonly number[];
  #axes: number;

  constructor(type: k.Expression['type'], lead: readonly number[]) {
    this.type = type;
    this.lead = lead;
    this.#axes = lead.length;
  }

  /** A new axis for loops. */
  axis(): { readonly number: number; readonly value: k.Expression } {
    const number = this.#axes++;
    return { number, value: k.axis(number) };
  }

  local(type: k.Expression['type'] = this.type): { readonly number: number; readonly value: k.Expression } {
    return this.locals.add(type);
  }

  number(value: number): k.Expression {
    return k.constant(this.type, value);
  }

  /** The whole index of an element of a matrix or vector of this run's example. */
  at(...index: k.Expression[]): k.Expression[] {
    return [...axes(this.lead.length), ...index];
  }

  load(source: number, ...index: k.Expression[]): k.Expression {
    return k.load(source, this.type, this.at(...index));
  }
}
