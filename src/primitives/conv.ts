/**
 * Convolution in any number of dimensions. Operands carry a leading group axis, so that grouped convolution, batching
 * over both operands and both transposes are the same primitive again.
 */
import { range, showShape } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { permute, reshape, reverse } from './layout.ts';
import { type Op, op } from './primitive.ts';
import { axes, floats, requireKind, requireSameType } from './signature.ts';

/** One entry for each spatial axis. */
export interface ConvParams {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [low: number, high: number])[];
  /** Distance of neighbouring elements of x (1 = dense): zeros lie between. */
  readonly inputDilation: readonly number[];
  /** Distance of neighbouring elements of w. */
  readonly kernelDilation: readonly number[];
}

const dilated = (extent: number, dilation: number): number =>
  extent === 0 ? 0 : (extent - 1) * dilation + 1;

/** x[G, N, C, spatial…] with the first axes' two swapped, and w likewise: the roles that the weight gradient needs. */
function swap(x: Tensor): Tensor {
  return permute(x, [0, 2, 1, ...range(x.ndim - 3).map(i => i + 3)]);
}

const spatialAxes = (x: { ndim: number }): number[] => range(x.ndim - 3).map(i => i + 3);

/**
 * result[g, n, o, p…] = Σ_{c, q…} x[g, n, c, p·stride + q·kernelDilation − low, …]·w[g, o, c, q, …],
 * x read as zero outside its (dilated) extent.
 */
export const conv: Op<[x: Tensor, w: Tensor, params: ConvParams], ConvParams> = op(
  {
    name: 'conv',
    kind: 'multilinear',
    contraction: true,
    abstract: ([x, w], { strides, padding, inputDilation, kernelDilation }) => {
      requireKind('conv', x, 'float');
      requireSameType('conv', [x, w]);
      if (
        x.ndim !== w.ndim ||
        x.ndim !== strides.length + 3 ||
        x.shape[0] !== w.shape[0] ||
        x.shape[2] !== w.shape[2]
      )
        throw new ShapeMismatch({
          did: `convolution of ${x} with ${w} (axes: group, example or output channel, input channel, ${strides.length} spatial)`,
          expected: 'equal groups and equal input channels, and one stride for each spatial axis',
          remedy:
            'conv(x, w) takes x as [examples, channels, …spatial] and w as [outputs, channels / groups, …kernel]',
        });
      const spatial = strides.map((stride, i) => {
        const room =
          dilated(x.shape[i + 3], inputDilation[i]) +
          padding[i][0] +
          padding[i][1] -
          dilated(w.shape[i + 3], kernelDilation[i]);
        return room < 0 ? 0 : Math.floor(room / stride) + 1;
      });
      return x.with({ shape: [x.shape[0], x.shape[1], w.shape[1], ...spatial] });
    },
    transpose: [
      (ct, [x, w], { strides, padding, inputDilation, kernelDilation }) =>
        conv(ct, reverse(swap(w), spatialAxes(w)), {
          strides: inputDilation,
          inputDilation: strides,
          kernelDilation,
          padding: padding.map(([low], i) => {
            const size = dilated(w.shape[i + 3], kernelDilation[i]);
            const before = size - 1 - low;
            return [
              before,
              dilated(x.shape[i + 3], inputDilation[i]) +
                size -
                1 -
                dilated(ct.shape[i + 3], strides[i]) -
                before,
            ];
          }),
        }),
      (ct, [x, w], { strides, padding, inputDilation, kernelDilation }) =>
        swap(
          conv(swap(x), swap(ct), {
            strides: kernelDilation,
            inputDilation,
            kernelDilation: strides,
            padding: padding.map(([low], i) => [
              low,
              dilated(w.shape[i + 3], kernelDilation[i]) +
                dilated(ct.shape[i + 3], strides[i]) -
                1 -
                dilated(x.shape[i + 3], inputDilation[i]) -
                low,
            ]),
          }),
        ),
    ],
    batch: (size, [x, w], [xBatched, wBatched], params) => {
      if (xBatched && wBatched) {
        const merge = (t: Tensor): Tensor => reshape(t, [size * t.shape[1], ...t.shape.slice(2)]);
        const out = conv(merge(x), merge(w), params);
        return reshape(out, [size, x.shape[1], ...out.shape.slice(1)]);
      }
      // The batch joins the examples of x, or the output channels of w, and is split off again.
      const moved = (t: Tensor): Tensor => permute(t, [1, 0, ...range(t.ndim - 2).map(i => i + 2)]);
      const merge = (t: Tensor): Tensor =>
        reshape(moved(t), [t.shape[1], size * t.shape[2], ...t.shape.slice(3)]);
      const out = xBatched ? conv(merge(x), w, params) : conv(x, merge(w), params);
      const place = xBatched ? 1 : 2;
      const split = reshape(out, [
        ...out.shape.slice(0, place),
        size,
        out.shape[place] / size,
        ...out.shape.slice(place + 1),
      ]);
      return permute(split, [place, ...range(split.ndim).filter(i => i !== place)]);
    },
    lower: ([x, w], { strides, padding, inputDilation, kernelDilation }, [out]) => {
      const spatial = strides.length;
      const at = axes(out.ndim + 1 + spatial);
      const [g, n, o] = at;
      const channel = at[out.ndim];
      let inside = k.yes;
      const place = strides.map((stride, i) => {
        const moved = k.plus(
          k.times(at[3 + i], k.int(stride)),
          k.times(at[out.ndim + 1 + i], k.int(kernelDilation[i])),
        );
        const from = k.minus(moved, k.int(padding[i][0]));
        const extent = dilated(x.shape[3 + i], inputDilation[i]);
        const reach =
          (out.shape[3 + i] - 1) * stride + (w.shape[3 + i] - 1) * kernelDilation[i] - padding[i][0];
        if (padding[i][0] > 0 || reach >= extent) inside = k.and(inside, k.within(from, 0, extent));
        inside = k.and(inside, k.divides(inputDilation[i], from));
        return k.quotient(from, inputDilation[i]);
      });
      const product = k.binary(
        'mul',
        k.load(0, x.dtype, [g, n, channel, ...place]),
        k.load(1, w.dtype, [g, o, channel, ...at.slice(out.ndim + 1)]),
      );
      return {
        form: 'reduce',
        extents: [...out.shape, ...w.shape.slice(2)],
        reduced: 1 + spatial,
        lanes: 'kept',
        accumulators: [
          {
            reducer: 'sum',
            term: inside === k.yes ? product : k.select(inside, product, k.constant(x.dtype, 0)),
            fused: true,
          },
        ],
        results: [k.carry(x.dtype)],
      };
    },
    samples: [
      {
        operands: [floats([1, 2, 2, 5]), floats([1, 3, 2, 3])],
        params: { strides: [1], padding: [[0, 0]], inputDilation: [1], kernelDilation: [1] },
      },
      {
        operands: [floats([2, 1, 2, 6]), floats([2, 1, 2, 2])],
        params: { strides: [2], padding: [[1, 2]], inputDilation: [1], kernelDilation: [2] },
      },
      {
        operands: [floats([1, 1, 2, 4, 5]), floats([1, 2, 2, 2, 3])],
        params: {
          strides: [1, 2],
          padding: [
            [1, 0],
            [0, 1],
          ],
          inputDilation: [2, 1],
          kernelDilation: [1, 1],
        },
      },
      {
        operands: [floats([1, 2, 1, 4]), floats([1, 1, 1, 2])],
        params: { strides: [3], padding: [[0, 0]], inputDilation: [1], kernelDilation: [1] },
      },
    ],
  },
  (x, w) => [x, w],
  (_, __, params) => params,
);

/** Low and high padding for which the output has ⌈extent / stride⌉ elements. */
export function samePadding(
  extents: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  kernelDilation: readonly number[],
): [number, number][] {
  if (extents.length !== kernel.length)
    throw new ShapeMismatch({
      did: `'same' padding of ${showShape(extents)} for a kernel ${showShape(kernel)}`,
      expected: 'as many kernel extents as spatial axes',
      remedy: 'check the number of axes',
    });
  return extents.map((extent, i) => {
    const out = Math.ceil(extent / strides[i]);
    const total = Math.max(0, (out - 1) * strides[i] + dilated(kernel[i], kernelDilation[i]) - extent);
    return [total >> 1, total - (total >> 1)];
  });
}
