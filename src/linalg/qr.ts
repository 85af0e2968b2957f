/** The QR decomposition. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from '../numpy/array.ts';
import { bind } from '../primitives/primitive.ts';
import { qrFactor } from '../primitives/qr.ts';
import { asMatrix } from './operands.ts';

export interface QrOptions {
  /** 'reduced' gives Q of [..., m, min(m, n)], 'complete' Q of [..., m, m], 'r' only R. Default 'reduced'. */
  readonly mode?: 'reduced' | 'complete' | 'r';
}

/**
 * [Q, R] with A = Q·R for A of [..., m, n]: the columns of Q are orthonormal, R is upper triangular; with the mode 'r'
 * only R. Signs are those of LAPACK: R may have negative elements on its diagonal. The derivative needs linearly
 * independent columns (of a wide matrix, its first m), and a complete Q of a tall matrix has none. As
 * jax.numpy.linalg.qr.
 *
 * @example const [q, r] = qr([[3, 0], [4, 5]]) // r is [[-5, -4], [0, 3]]
 * @throws ShapeMismatch, BadArgument for another mode, NotDifferentiable
 */
export function qr(
  a: TensorLike,
  options?: { readonly mode?: 'reduced' | 'complete' },
): [q: Tensor, r: Tensor];
export function qr(a: TensorLike, options: { readonly mode: 'r' }): Tensor;
export function qr(a: TensorLike, { mode = 'reduced' }: QrOptions = {}): [Tensor, Tensor] | Tensor {
  if (!['reduced', 'complete', 'r'].includes(mode))
    throw new BadArgument({
      did: `qr with mode ${JSON.stringify(mode)}`,
      expected: "'reduced', 'complete' or 'r'",
      remedy: "qr(x, { mode: 'complete' })",
    });
  const [q, r] = bind(qrFactor, [asMatrix('qr', a)], { complete: mode === 'complete' });
  return mode === 'r' ? r : [q, r];
}
