/** Sliding windows and their transpose, which adds overlapping windows: pooling is a reduction over windows. */
import { range } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { type Op, op } from './primitive.ts';
import { axes, floats } from './signature.ts';

/** One entry for each of the last axes of x. */
interface WindowParams {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
}

interface OverlapParams extends WindowParams {
  readonly extents: readonly number[];
}

const params: WindowParams = { window: [2, 3], strides: [1, 2], dilation: [2, 1] };

/** result[…, p…, q…] = x[…, p·stride + q·dilation, …]: the windows' own axes come last. */
export const windows: Op<[x: Tensor, params: WindowParams], WindowParams> = op(
  {
    name: 'windows',
    kind: 'linear',
    abstract: ([x], { window, strides, dilation }) => {
      const lead = x.ndim - window.length;
      const counts = window.map(
        (size, i) => Math.floor((x.shape[lead + i] - (size - 1) * dilation[i] - 1) / strides[i]) + 1,
      );
      if (lead < 0 || counts.some(count => count < 1))
        throw new ShapeMismatch({
          did: `windows of ${window.join('×')} in ${x}`,
          expected: 'an extent of at least the window in each windowed axis',
          remedy: "pad the input, or use padding: 'same'",
        });
      return x.with({ shape: [...x.shape.slice(0, lead), ...counts, ...window] });
    },
    transpose: [
      (ct, [x], given) => overlapAdd(ct, { ...given, extents: x.shape.slice(x.ndim - given.window.length) }),
    ],
    batch: (_, [x], __, given) => windows(x, given),
    lower: ([x], { window, strides, dilation }, [out]) => {
      const lead = x.ndim - window.length;
      const at = axes(out.ndim);
      const place = window.map((_, i) =>
        k.plus(
          k.times(at[lead + i], k.int(strides[i])),
          k.times(at[lead + window.length + i], k.int(dilation[i])),
        ),
      );
      return {
        form: 'map',
        extents: out.shape,
        values: [k.load(0, x.dtype, [...at.slice(0, lead), ...place])],
      };
    },
    samples: [
      { operands: [floats([6])], params: { window: [3], strides: [2], dilation: [1] } },
      { operands: [floats([2, 5, 7])], params },
    ],
  },
  x => [x],
  (_, given) => given,
);

/** The sum at each place of all window elements that came from it. */
export const overlapAdd: Op<[x: Tensor, params: OverlapParams], OverlapParams> = op(
  {
    name: 'overlapAdd',
    kind: 'linear',
    abstract: ([x], { window, extents }) =>
      x.with({ shape: [...x.shape.slice(0, x.ndim - 2 * window.length), ...extents] }),
    transpose: [
      (ct, _, given) =>
        windows(ct, { window: given.window, strides: given.strides, dilation: given.dilation }),
    ],
    batch: (_, [x], __, given) => overlapAdd(x, given),
    lower: ([x], { window, strides, dilation }, [out]) => {
      const spatial = window.length;
      const lead = out.ndim - spatial;
      let inside = k.yes;
      // Where windows do not overlap, no element is a sum.
      if (window.every((size, i) => (size - 1) * dilation[i] < strides[i])) {
        const place = axes(out.ndim).slice(lead);
        const which = place.map((at, i) => k.quotient(at, strides[i]));
        const within = place.map((at, i) => {
          const from = k.minus(at, k.times(which[i], k.int(strides[i])));
          const reach = (window[i] - 1) * dilation[i] + 1;
          // Only what need not hold is asked.
          if (out.shape[lead + i] > x.shape[lead + i] * strides[i])
            inside = k.and(inside, k.less(which[i], k.int(x.shape[lead + i])));
          if (reach < strides[i]) inside = k.and(inside, k.less(from, k.int(reach)));
          inside = k.and(inside, k.divides(dilation[i], from));
          return k.quotient(from, dilation[i]);
        });
        const only = k.load(0, x.dtype, [...axes(lead), ...which, ...within]);
        return {
          form: 'map',
          extents: out.shape,
          values: [k.select(inside, only, k.constant(x.dtype, 0))],
        };
      }
      const at = axes(out.ndim + spatial);
      const place = range(spatial).map(i => {
        const from = k.minus(at[lead + i], k.times(at[out.ndim + i], k.int(dilation[i])));
        inside = k.and(inside, k.within(from, 0, (x.shape[lead + i] - 1) * strides[i] + 1));
        inside = k.and(inside, k.divides(strides[i], from));
        return k.quotient(from, strides[i]);
      });
      const element = k.load(0, x.dtype, [...at.slice(0, lead), ...place, ...at.slice(out.ndim)]);
      return {
        form: 'reduce',
        extents: [...out.shape, ...window],
        reduced: spatial,
        lanes: 'kept',
        accumulators: [{ reducer: 'sum', term: k.select(inside, element, k.constant(x.dtype, 0)) }],
        results: [k.carry(x.dtype)],
      };
    },
    samples: [
      { operands: [floats([2, 3])], params: { window: [3], strides: [2], dilation: [1], extents: [6] } },
      { operands: [floats([2, 3, 3, 2, 3])], params: { ...params, extents: [5, 7] } },
      { operands: [floats([2, 3, 2])], params: { window: [2], strides: [2], dilation: [1], extents: [6] } },
      {
        operands: [floats([2, 2, 2, 3])],
        params: { window: [2, 3], strides: [4, 3], dilation: [2, 1], extents: [9, 7] },
      },
    ],
  },
  x => [x],
  (_, given) => given,
);
