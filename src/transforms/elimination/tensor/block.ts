/**
 * Jacobians between two tensors, their elements in a row, by what is known of their structure. Values are made only when
 * they are asked for: the costs of an order are found without them.
 */
import type { DType } from '../../../core/dtype.ts';
import type { Tensor } from '../../../core/tensor.ts';
import {
  add,
  broadcast,
  cast,
  constantLike,
  dot,
  equal,
  full,
  iota,
  moveAxis,
  mul,
  neg,
  select,
  zerosLike,
} from '../../../primitives/vectorspace.ts';

interface Sized {
  /** Elements of the successor. */
  readonly rows: number;
  /** Elements of the predecessor. */
  readonly columns: number;
}

/** Entries on the diagonal alone, as every elementwise operation has. */
export interface Diagonal extends Sized {
  readonly form: 'diagonal';
  /** The number that all entries are, if they are one. */
  readonly scale: number | null;
  /** [size]; only where `scale` is null. */
  readonly values: () => Tensor;
}

/** A matrix that is there, or costs nothing to have. */
export interface Dense extends Sized {
  readonly form: 'dense';
  readonly matrix: () => Matrix;
}

/** A linear map that can be applied: to columns by pushforwards, to rows by pullbacks. */
export interface LinearMap extends Sized {
  readonly form: 'map';
  /** Scalar operations of one application. */
  readonly work: number;
  /** False where a rule of reverse mode alone is in it. */
  readonly pushes: boolean;
  /** [k, columns] → [k, rows]. */
  readonly forward: (vectors: Tensor) => Tensor;
  /** [k, rows] → [k, columns]. */
  readonly backward: (vectors: Tensor) => Tensor;
}

export type Block = Diagonal | Dense | LinearMap;

/** [rows, columns], or by columns [columns, rows]. */
export interface Matrix {
  readonly tensor: Tensor;
  readonly byColumns: boolean;
}

/** The value of a thunk, made once. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

export function diagonal(size: number, values: () => Tensor): Diagonal {
  return { form: 'diagonal', rows: size, columns: size, scale: null, values: once(values) };
}

const none = (): never => {
  throw new Error('a constant diagonal has no values of its own');
};

/** scale · I. */
export function multiple(size: number, scale: number): Diagonal {
  return { form: 'diagonal', rows: size, columns: size, scale, values: none };
}

export function dense(rows: number, columns: number, matrix: () => Matrix): Dense {
  return { form: 'dense', rows, columns, matrix: once(matrix) };
}

export const isUnit = (block: Block): boolean =>
  block.form === 'diagonal' && block.scale !== null && Math.abs(block.scale) === 1;

/** The tensor in this type. */
export const inType = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : cast(x, dtype));

/** Both in the type of the wider. */
function alike(x: Tensor, y: Tensor): [Tensor, Tensor] {
  const dtype = x.dtype === 'float64' ? x.dtype : y.dtype;
  return [inType(x, dtype), inType(y, dtype)];
}

export function plus(x: Tensor, y: Tensor): Tensor {
  const [a, b] = alike(x, y);
  return add(a, b);
}

function scaled(x: Tensor, scale: number): Tensor {
  if (scale === 1) return x;
  return scale === -1 ? neg(x) : mul(x, constantLike(x, scale));
}

/** A matrix times the entries of a diagonal, along one of its axes. */
export function scaledAlong(x: Tensor, axis: 0 | 1, { scale, values }: Diagonal): Tensor {
  if (scale !== null) return scaled(x, scale);
  const [a, b] = alike(x, values());
  return mul(a, broadcast(b, a.shape, [axis]));
}

/** The values of a diagonal as a tensor, for sums and products with others. */
export function valuesOf({ scale, values, rows }: Diagonal, like: DType): Tensor {
  return scale === null ? values() : full([rows], scale, like);
}

/** Σ_k x[i, k]·y[j, k], where k is the given axis of each. */
export function contracted(x: Tensor, xAxis: number, y: Tensor, yAxis: number): Tensor {
  const [a, b] = alike(x, y);
  return dot(a, b, { contract: [[xAxis], [yAxis]], batch: [[], []] });
}

export const byRows = ({ tensor, byColumns }: Matrix): Tensor =>
  byColumns ? moveAxis(tensor, 0, 1) : tensor;
export const byColumns = (matrix: Matrix): Tensor =>
  matrix.byColumns ? matrix.tensor : moveAxis(matrix.tensor, 0, 1);

/** The block applied to vectors [k, columns]. */
export function pushed(block: Block, vectors: Tensor): Tensor {
  if (block.form === 'map') return block.forward(vectors);
  if (block.form === 'diagonal') return scaledAlong(vectors, 1, block);
  const { tensor, byColumns } = block.matrix();
  return contracted(vectors, 1, tensor, byColumns ? 0 : 1);
}

/** The transposed block applied to vectors [k, rows]. */
export function pulled(block: Block, vectors: Tensor): Tensor {
  if (block.form === 'map') return block.backward(vectors);
  if (block.form === 'diagonal') return scaledAlong(vectors, 1, block);
  const { tensor, byColumns } = block.matrix();
  return contracted(vectors, 1, tensor, byColumns ? 1 : 0);
}

const onDiagonal = (n: number): Tensor => equal(iota('int32', [n, n], 0), iota('int32', [n, n], 1));

/** The matrix of a block, by as few applications as possible. `dtype` is that of the result. */
export function matrixOf(block: Block, dtype: DType): Matrix {
  if (block.form === 'dense') return block.matrix();
  const unit = (n: number): Tensor => cast(onDiagonal(n), dtype);
  const { rows, columns } = block;
  if (rows === 0 || columns === 0) return { tensor: full([rows, columns], 0, dtype), byColumns: false };
  if (block.form === 'diagonal') {
    if (block.scale !== null) return { tensor: scaled(unit(rows), block.scale), byColumns: false };
    const values = broadcast(block.values(), [rows, rows], [0]);
    return { tensor: select(onDiagonal(rows), values, zerosLike(values)), byColumns: false };
  }
  return block.pushes && columns <= rows
    ? { tensor: block.forward(unit(columns)), byColumns: true }
    : { tensor: block.backward(unit(rows)), byColumns: false };
}
