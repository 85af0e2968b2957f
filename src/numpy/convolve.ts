/** One-dimensional convolution and correlation. For many channels see nn. */
import { isFloat } from '../core/dtype.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { full } from '../primitives/broadcast.ts';
import { conv } from '../primitives/conv.ts';
import { dot } from '../primitives/dot.ts';
import { reshape, reverse } from '../primitives/layout.ts';
import { pad } from '../primitives/slice.ts';
import { windows } from '../primitives/window.ts';
import { promote, type TensorLike } from './array.ts';

/** How much of the result: all of it, its middle of the longer operand's length, or where both overlap completely. */
export type ConvolveMode = 'full' | 'same' | 'valid';

type ModeOption = ConvolveMode | { readonly mode?: ConvolveMode };

const modeFrom = (option: ModeOption | undefined, fallback: ConvolveMode): ConvolveMode =>
  (typeof option === 'object' ? option.mode : option) ?? fallback;

function vectors(name: string, x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  const [a, b] = promote(name, [x, y]);
  if (a.ndim !== 1 || b.ndim !== 1 || a.size === 0 || b.size === 0)
    throw new ShapeMismatch({
      did: `${name} of ${a.aval} and ${b.aval}`,
      expected: 'two vectors with at least one element each',
      remedy: `vmap(${name}) works on every row; nn has convolutions of images`,
    });
  return [a, b];
}

/** Σ_j x[k + j − low]·w[j], x being zero beyond its ends; w is not longer than x. */
function slide(x: Tensor, w: Tensor, mode: ConvolveMode): Tensor {
  const m = w.size;
  const all: Readonly<Record<ConvolveMode, readonly [number, number]>> = {
    full: [m - 1, m - 1],
    same: [Math.floor(m / 2), m - 1 - Math.floor(m / 2)],
    valid: [0, 0],
  };
  const [low, high] = all[mode];
  if (isFloat(x.dtype)) {
    const out = conv(reshape(x, [1, 1, 1, x.size]), reshape(w, [1, 1, 1, m]), {
      strides: [1],
      padding: [[low, high]],
      inputDilation: [1],
      kernelDilation: [1],
    });
    return reshape(out, [out.size]);
  }
  const rows = windows(pad(x, full([], 0, x.dtype), [low], [high]), {
    window: [m],
    strides: [1],
    dilation: [1],
  });
  return dot(rows, w, { contract: [[1], [0]], batch: [[], []] });
}

/**
 * The convolution of two vectors: (x ∗ y)_k = Σ_j x_{k−j}·y_j, the product of polynomials with these coefficients.
 *
 * @param mode 'full' (default): n + m − 1 elements; 'same': the middle max(n, m); 'valid': |n − m| + 1
 * @example convolve([1, 2], [1, 3]) // [1, 5, 6]
 * @throws ShapeMismatch where an operand is no vector or empty
 */
export function convolve(x: TensorLike, y: TensorLike, mode?: ModeOption): Tensor {
  const [a, b] = vectors('convolve', x, y);
  const [long, short] = a.size < b.size ? [b, a] : [a, b];
  return slide(long, reverse(short, [0]), modeFrom(mode, 'full'));
}

/**
 * The correlation of two vectors: c_k = Σ_j x_{k+j}·y_j.
 *
 * @param mode 'valid' (default), 'same' or 'full', as for {@link convolve}
 * @example correlate([1, 2, 3], [0, 1, 0.5], 'same') // [2, 3.5, 3]
 * @throws ShapeMismatch where an operand is no vector or empty
 */
export function correlate(x: TensorLike, y: TensorLike, mode?: ModeOption): Tensor {
  const [a, b] = vectors('correlate', x, y);
  const how = modeFrom(mode, 'valid');
  return a.size < b.size ? reverse(slide(b, a, how), [0]) : slide(a, b, how);
}
