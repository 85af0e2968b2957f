/** How variables vary together. */
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { sqrt } from '../primitives/elementary.ts';
import { reshape } from '../primitives/layout.ts';
import { divide, subtract } from './arithmetic.ts';
import { promote, type TensorLike } from './array.ts';
import { diagonal } from './diagonals.ts';
import { concatenate } from './join.ts';
import { clip } from './logic.ts';
import { floating, isOptions } from './options.ts';
import { matmul } from './products.ts';
import { atleast2d, transpose } from './shape.ts';
import { mean } from './statistics.ts';

export interface CovOptions {
  /** Whether each row is a variable and each column an observation (default), or the other way round. */
  readonly rowvar?: boolean;
  /** Divides by n − ddof. Default 1. */
  readonly ddof?: number;
}

/** All variables as the rows of one matrix. */
function observations(
  name: string,
  x: TensorLike,
  y: TensorLike | CovOptions | null | undefined,
  rowvar: boolean,
): Tensor {
  const second = y === undefined || y === null || isOptions(y) ? [] : [y as TensorLike];
  const rows = promote(name, [x, ...second])
    .map(floating)
    .map(t => (rowvar || t.ndim < 2 ? atleast2d(t) : transpose(t)));
  if (rows.some(t => t.ndim > 2 || t.shape[1] !== rows[0].shape[1]))
    throw new ShapeMismatch({
      did: `${name} of ${rows.map(t => t.aval).join(' and ')}`,
      expected: 'matrices with as many observations of every variable',
      remedy: `${name}(x, { rowvar: false }) takes columns for variables`,
    });
  return concatenate(rows, 0);
}

/**
 * The covariance matrix: C_ij = Σ_t (x_it − x̄_i)(x_jt − x̄_j) / (n − ddof). Of one variable, its variance, a scalar.
 *
 * @param y further variables, in the same form
 * @example cov([[1, 2, 3], [3, 2, 1]]) // [[1, −1], [−1, 1]]
 * @throws ShapeMismatch
 */
export function cov(x: TensorLike, y?: TensorLike | CovOptions | null, options?: CovOptions): Tensor {
  const { rowvar = true, ddof = 1 }: CovOptions = isOptions(y) ? (y as CovOptions) : (options ?? {});
  const data = observations('cov', x, y, rowvar);
  const [count, n] = data.shape;
  const centred = subtract(data, mean(data, { axis: 1, keepdims: true }));
  const matrix = divide(matmul(centred, transpose(centred)), n - ddof);
  return count === 1 ? reshape(matrix, []) : matrix;
}

/**
 * Pearson's correlation matrix: R_ij = C_ij / √(C_ii·C_jj), between −1 and 1. Of one variable 1.
 *
 * @example corrcoef([1, 2, 3], [3, 2, 1]) // [[1, −1], [−1, 1]]
 * @throws ShapeMismatch
 */
export function corrcoef(x: TensorLike, y?: TensorLike | CovOptions | null, options?: CovOptions): Tensor {
  const matrix = cov(x, y, options);
  if (matrix.ndim === 0) return divide(matrix, matrix);
  const deviation = sqrt(diagonal(matrix));
  const n = deviation.size;
  return clip(divide(divide(matrix, reshape(deviation, [n, 1])), reshape(deviation, [1, n])), -1, 1);
}
