/** Counting in bins, and covariance. */
import { range } from '../core/aval.ts';
import { isFloat } from '../core/dtype.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { stop } from '../primitives/arithmetic.ts';
import { full } from '../primitives/broadcast.ts';
import { scatterAdd } from '../primitives/gather.ts';
import { reshape } from '../primitives/layout.ts';
import { reduceMax, reduceMin } from '../primitives/reduce.ts';
import { divide, multiply, subtract } from './arithmetic.ts';
import { asTensor, convert, type TensorLike, tensor } from './array.ts';
import { diff } from './calculus.ts';
import { linspace } from './creation.ts';
import { equal, where } from './logic.ts';
import { floating } from './options.ts';
import { sum } from './reduce.ts';
import { between } from './repeat.ts';
import { searchsorted } from './sorting.ts';

export interface HistogramOptions {
  /** How many bins of equal width, or their edges, increasing. Default 10. */
  readonly bins?: number | TensorLike;
  /** From where to where the bins reach; default from the smallest to the largest element. */
  readonly range?: readonly [number, number];
  /** A weight for every element, summed in place of counting. */
  readonly weights?: TensorLike;
  /** Whether to give the density, whose integral over the bins is 1. Default false. */
  readonly density?: boolean;
}

/** Nested arrays of JavaScript numbers take the type of the data. */
function like(x: Tensor, values: TensorLike): Tensor {
  return values instanceof Tensor || ArrayBuffer.isView(values) ? asTensor(values) : tensor(values, x.dtype);
}

/** The edges of bins. */
export function histogramBinEdges(x: TensorLike, options: number | HistogramOptions = {}): Tensor {
  const { bins = 10, range: reach }: HistogramOptions =
    typeof options === 'number' ? { bins: options } : options;
  const data = floating(asTensor(x));
  if (typeof bins !== 'number') return like(data, bins);
  if (!Number.isInteger(bins) || bins < 1)
    throw new BadArgument({
      did: `histogram with ${bins} bins`,
      expected: 'a positive integer, or the edges of the bins',
      remedy: 'histogram(x, { bins: 10 })',
    });
  if (reach !== undefined || data.size === 0) {
    const [low, high] = reach ?? [0, 1];
    return low === high
      ? linspace(low - 0.5, high + 0.5, { num: bins + 1, dtype: data.dtype })
      : linspace(low, high, { num: bins + 1, dtype: data.dtype });
  }
  const [low, high] = [reduceMin(data, range(data.ndim)), reduceMax(data, range(data.ndim))].map(stop);
  const half = where(equal(low, high), 0.5, 0);
  const ends = convert(half, data.dtype);
  return linspace(subtract(low, ends), multiply(subtract(multiply(high, -1), ends), -1), { num: bins + 1 });
}

/**
 * How many elements fall into each bin: counts_i = Σ_j w_j·[edges_i ≤ x_j < edges_{i+1}], the last bin being closed.
 * Elements outside and NaN are not counted.
 *
 * The counts are int32, sums of weights in the type of the weights, densities floats. Derivatives go to the weights.
 *
 * @returns [counts, edges], of n and n + 1 elements
 * @example const [counts, edges] = histogram(x, { bins: 4, range: [0, 1] })
 * @throws BadArgument, ShapeMismatch
 */
export function histogram(
  x: TensorLike,
  options: number | HistogramOptions = {},
): [counts: Tensor, edges: Tensor] {
  const { weights, density = false }: HistogramOptions = typeof options === 'number' ? {} : options;
  const given = floating(asTensor(x));
  const edges = histogramBinEdges(given, options);
  if (edges.ndim !== 1 || edges.size < 2)
    throw new ShapeMismatch({
      did: `histogram with edges ${edges.aval}`,
      expected: 'a vector of at least two edges',
      remedy: 'histogram(x, { bins: [0, 1, 2] })',
    });
  const data = reshape(given, [given.size]);
  const w = weights === undefined ? null : like(given, weights);
  if (w !== null && w.size !== data.size)
    throw new ShapeMismatch({
      did: `histogram of ${given.aval} with weights ${w.aval}`,
      expected: 'a weight for every element',
      remedy: 'broadcastTo(weights, x.shape)',
    });
  const n = edges.size - 1;
  const last = equal(data, between(edges, 0, n, n + 1));
  const bin = subtract(where(last, full(data.shape, n, 'int32'), searchsorted(edges, data, 'right')), 1);
  const terms = w === null ? full(data.shape, 1, 'int32') : reshape(w, data.shape);
  const counts = scatterAdd(full([n], 0, terms.dtype), terms, bin);
  if (!density) return [counts, edges];
  const sums = isFloat(counts.dtype) ? counts : convert(counts, given.dtype);
  return [divide(divide(sums, sum(sums)), diff(edges)), edges];
}
