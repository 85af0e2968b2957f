/** Operands of linear algebra: float matrices, in batches that fit. */
import { range } from '../core/aval.ts';
import { promoteTypes } from '../core/dtype.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { broadcastShapes, broadcastTo, type TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { cast } from '../primitives/arithmetic.ts';
import { iota } from '../primitives/broadcast.ts';
import { equal } from '../primitives/compare.ts';
import { reshape } from '../primitives/layout.ts';
import { requireMatrix, requireSquare } from '../primitives/matrix.ts';

/** A float tensor of at least two axes. @throws ShapeMismatch */
export function asMatrix(name: string, a: TensorLike): Tensor {
  const x = asFloat(a);
  requireMatrix(name, x.aval);
  return x;
}

/** @throws ShapeMismatch */
export function asSquare(name: string, a: TensorLike): Tensor {
  const x = asFloat(a);
  requireSquare(name, x.aval);
  return x;
}

/** A system: the matrix and the right side as matrices of one type and equal batch axes, and what brings a solution back. */
export interface System {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly restore: (x: Tensor) => Tensor;
}

/** A right side of one axis is a vector, for every matrix of a batch (as in NumPy 2). @throws ShapeMismatch */
export function asSystem(name: string, left: TensorLike, right: TensorLike): System {
  const square = asSquare(name, left);
  const given = asFloat(right);
  const isVector = given.ndim === 1;
  const size = square.shape[square.ndim - 1];
  if (given.ndim === 0 || given.shape[isVector ? 0 : given.ndim - 2] !== size)
    throw new ShapeMismatch({
      did: `${name} with a matrix ${square.aval} and a right side ${given.aval}`,
      expected: `a right side of ${size} elements, or of ${size} rows: [..., ${size}, m]`,
      remedy: 'a batch of vectors needs an axis for their one column: b.expandDims(-1)',
    });
  const matrix = isVector ? reshape(given, [size, 1]) : given;
  const lead = broadcastShapes(name, [square.shape.slice(0, -2), matrix.shape.slice(0, -2)]);
  const dtype = promoteTypes(square.dtype, matrix.dtype);
  const [a, b] = [square, matrix].map(x => {
    const typed = x.dtype === dtype ? x : cast(x, dtype);
    return broadcastTo(typed, [...lead, ...x.shape.slice(-2)]);
  });
  return { a, b, restore: x => (isVector ? reshape(x, [...lead, size]) : x) };
}

/** Identity matrices of the shape and type of x. */
export function identityLike(x: Tensor): Tensor {
  const [row, column] = range(2).map(d => iota('int32', x.shape, x.ndim - 2 + d));
  return cast(equal(row, column), x.dtype);
}
