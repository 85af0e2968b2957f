/** A sparse matrix: a pattern, which is structure, and values, which are a tensor. */
import { Aval } from '../../core/aval.ts';
import { ShapeMismatch } from '../../core/errors.ts';
import { outlive } from '../../core/scope.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../../core/tensor.ts';
import { protocol, type TreeNode } from '../../core/tree.ts';
import { cast, full, gather, mul, scatterAdd } from '../../primitives/vectorspace.ts';
import { type Argument, leafTensor } from '../arguments.ts';
import type { SparsityPattern } from './pattern.ts';

const ints = new WeakMap<Int32Array, Tensor>();

/** Indices as a tensor, the same one at every call. */
export function indexTensor(indices: Int32Array): Tensor {
  let made = ints.get(indices);
  if (made === undefined) {
    const tensor = new ConcreteTensor(new Aval('int32', [indices.length]), new HostStorage(indices));
    outlive(tensor);
    ints.set(indices, tensor);
    made = tensor;
  }
  return made;
}

/**
 * A matrix of shape [m, n] whose entry number e is `values[e]` at (`rows[e]`, `columns[e]`), row by row, the columns of
 * each row increasing; all others are zero. An entry of the pattern may be zero too.
 *
 * It is a tree whose one leaf is `values`: `jit`, `grad`, `vmap` and the others take and return it. The pattern is part
 * of the structure, compared by identity.
 *
 * @example
 * const J = sparseJacobian((x) => x.mul(x))(tensor([1, 2])) // values [2, 4] at (0, 0), (1, 1)
 * J.matvec(tensor([1, 1])) // [2, 4]
 */
export class SparseMatrix {
  readonly pattern: SparsityPattern;
  /** One for each entry of the pattern. */
  readonly values: Tensor;

  static {
    const node: TreeNode<SparseMatrix> = {
      children: ({ values }) => ({ values }),
      rebuild: ({ values }, { pattern }) =>
        Object.assign(Object.create(SparseMatrix.prototype), { pattern, values }) as SparseMatrix,
      fixed: ({ pattern }) => [pattern],
    };
    Object.defineProperty(SparseMatrix, protocol, { value: node });
  }

  /** @throws ShapeMismatch where there is not one value for each entry */
  constructor(pattern: SparsityPattern, values: Tensor) {
    if (values.ndim !== 1 || values.size !== pattern.count)
      throw new ShapeMismatch({
        did: `made a sparse matrix of ${pattern.count} entries from values ${values.aval}`,
        expected: `values of shape [${pattern.count}]`,
        remedy: 'give the values in the order of pattern.rows and pattern.columns',
      });
    this.pattern = pattern;
    this.values = values;
  }

  get shape(): readonly [rows: number, columns: number] {
    return this.pattern.shape;
  }

  /** The row of each entry. */
  get rows(): Int32Array {
    return this.pattern.rows;
  }

  /** The column of each entry. */
  get columns(): Int32Array {
    return this.pattern.columns;
  }

  /** Where each row starts among the entries; one more than there are rows. */
  get rowStarts(): Int32Array {
    return this.pattern.rowStarts;
  }

  /** The matrix with its zeros, a tensor [m, n]. */
  toDense(): Tensor {
    return scatterAdd(
      full(this.shape, 0, this.values.dtype),
      this.values,
      indexTensor(this.rows),
      indexTensor(this.columns),
    );
  }

  /**
   * The product with a vector, A·x.
   * @param vector a tensor [n] or a typed array
   * @throws ShapeMismatch
   */
  matvec(vector: Argument<Tensor>): Tensor {
    const [m, n] = this.shape;
    const x = leafTensor(vector);
    if (x.ndim !== 1 || x.size !== n)
      throw new ShapeMismatch({
        did: `multiplied a sparse matrix of shape [${m}, ${n}] with ${x.aval}`,
        expected: `a vector of shape [${n}]`,
        remedy: 'flatten it: x.reshape([-1]); for the transposed product write A.transpose().matvec(x)',
      });
    const { dtype } = this.values;
    const factors = gather(x.dtype === dtype ? x : cast(x, dtype), indexTensor(this.columns));
    return scatterAdd(full([m], 0, dtype), mul(this.values, factors), indexTensor(this.rows));
  }

  /** Aᵀ. */
  transpose(): SparseMatrix {
    const { pattern, order } = this.pattern.transposed();
    return new SparseMatrix(pattern, gather(this.values, indexTensor(order)));
  }

  toString(): string {
    return `SparseMatrix(${this.shape.join(' × ')}, ${this.pattern.count} entries, ${this.values.toString()})`;
  }
}
