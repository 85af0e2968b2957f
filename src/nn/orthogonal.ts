/** Initial weights that are orthogonal: products with them change no length, however often they are made. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { multiply } from '../numpy/arithmetic.ts';
import { less, where } from '../numpy/logic.ts';
import { diagonalOf } from '../primitives/factored.ts';
import { transposed } from '../primitives/matrix.ts';
import { bind } from '../primitives/primitive.ts';
import { qrFactor } from '../primitives/qr.ts';
import { normal } from '../random/normal.ts';
import type { FloatOptions } from '../random/uniform.ts';

/**
 * A matrix whose shorter side's vectors are orthonormal, evenly among all such: Q of the QR decomposition of a normal
 * matrix, with the signs that make the diagonal of R positive (Mezzadri 2007; for weights Saxe et al. 2014).
 *
 * @param key a random key
 * @param shape [rows, columns]
 * @returns float[rows, columns]
 * @example orthogonal(key(0), [64, 64])
 * @throws BadArgument for another number of axes
 */
export function orthogonal(key: Tensor, shape: readonly number[], options: FloatOptions = {}): Tensor {
  if (shape.length !== 2)
    throw new BadArgument({
      did: `orthogonal for the shape [${shape.join(', ')}]`,
      expected: 'two axes: [rows, columns]',
      remedy: 'use zeros for a bias',
    });
  const [rows, columns] = shape;
  const tall = rows >= columns;
  const [q, r] = bind(qrFactor, [normal(key, tall ? shape : [columns, rows], options)], { complete: false });
  const even = multiply(q, where(less(diagonalOf(r), 0), -1, 1));
  return tall ? even : transposed(even);
}
