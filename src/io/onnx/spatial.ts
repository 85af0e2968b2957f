/** Convolution, padding, sliding windows and pooling. */
import { range, sizeOf } from '../../core/aval.ts';
import type { Variable } from '../../core/program.ts';
import type { ConvParams } from '../../primitives/conv.ts';
import type { Equation, Primitive } from '../../primitives/primitive.ts';
import { areStatic, type Extent, product, shifted } from './extent.ts';
import type { Graph, Value } from './graph.ts';
import type { Site } from './site.ts';

/** Elements put between neighbours, then around; what is negative is cut off at last. */
export function padded(
  g: Graph,
  x: Value,
  value: Value,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[],
): Value {
  const wide = dilated(g, x, value, interior);
  const rank = low.length;
  const before = low.map(n => Math.max(0, n));
  const after = high.map(n => Math.max(0, n));
  const shape = wide.shape.map((n, i) => shifted(n, before[i] + after[i]));
  const isPadded = [...before, ...after].some(n => n > 0);
  const whole = isPadded
    ? g.apply('Pad', [wide, g.list([...before, ...after]), value], { type: x.type, shape })
    : wide;
  const axes = range(rank).filter(i => low[i] < 0 || high[i] < 0);
  const of = <T>(list: readonly T[]): T[] => axes.map(i => list[i]);
  const starts = low.map(n => Math.max(0, -n));
  const ends = shape.map((n, i) => shifted(n, Math.min(0, high[i])));
  const cut = shape.map((n, i) => shifted(n, Math.min(0, low[i]) + Math.min(0, high[i])));
  return g.slice(
    whole,
    of(starts),
    of(ends),
    axes,
    axes.map(() => 1),
    cut,
  );
}

/** Every element becomes the first of a row filled up with the value; the last row is cut after its element. */
function dilated(g: Graph, x: Value, value: Value, interior: readonly number[]): Value {
  const axes = range(interior.length).filter(i => interior[i] > 0);
  if (axes.length === 0) return x;
  const rows = x.shape.flatMap((n, i) => (interior[i] > 0 ? [n, 1] : [n]));
  const after = x.shape.flatMap((_, i) => (interior[i] > 0 ? [0, interior[i]] : [0]));
  const longer = rows.map((n, i) => shifted(n, after[i]));
  const filled = g.apply('Pad', [g.reshape(x, rows), g.list([...after.map(() => 0), ...after]), value], {
    type: x.type,
    shape: longer,
  });
  const joined = x.shape.map((n, i) => product([n, interior[i] + 1]) as Extent);
  const shape = joined.map((n, i) => (n === 0 ? 0 : shifted(n, -interior[i])));
  const ends = axes.map(i => shape[i]);
  return g.slice(
    g.reshape(filled, joined),
    axes.map(() => 0),
    ends,
    axes,
    axes.map(() => 1),
    shape,
  );
}

/** x[g, n, c, …], w[g, o, c, …] as x[n, g·c, …], w[g·o, c, …]. Zeros between elements are put in before. */
export function convolution(site: Site): Value {
  const { g } = site;
  const { strides, padding, inputDilation, kernelDilation } = site.params<ConvParams>();
  const [x, w] = [site.whole(0), site.whole(1)];
  const spatial = strides.length;
  if (spatial > 3) site.refuse(`along ${spatial} axes: runtimes know convolution along 1, 2 and 3`);
  const swapped = [1, 0, ...range(spatial + 1).map(i => i + 2)];
  const [groups, , channels, ...extents] = x.shape;
  const join = (...factors: Extent[]): Extent => product(factors) ?? site.refuse('with two axes of examples');
  const images = g.reshape(g.transpose(x, swapped), [x.shape[1], join(groups, channels), ...extents]);
  const kernel = g.reshape(w, [join(groups, w.shape[1]), ...w.shape.slice(2)]);
  if (!areStatic([groups])) site.refuse('whose groups are examples');
  const flat = [[0, 0], [0, 0], ...padding];
  const cut = (side: 0 | 1): number[] => flat.map(pair => Math.min(0, pair[side]));
  const ready = padded(g, images, g.scalar(x.type, 0), cut(0), cut(1), [
    0,
    0,
    ...inputDilation.map(n => n - 1),
  ]);
  const [out] = site.outputExtents;
  const result = g.apply(
    'Conv',
    [ready, kernel],
    { type: x.type, shape: [out[1], join(out[0], out[2]), ...out.slice(3)] },
    {
      strides,
      pads: [0, 1].flatMap(side => padding.map(pair => Math.max(0, pair[side]))),
      dilations: kernelDilation,
      group: groups as number,
      kernel_shape: w.shape.slice(3) as number[],
    },
  );
  return g.transpose(g.reshape(result, [out[1], out[0], ...out.slice(2)]), swapped);
}

interface WindowParams {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
}

/** The places of an axis at which each of its windows' elements are. */
const placesOf = (count: number, { window, strides, dilation }: WindowParams, i: number): number[] =>
  range(count).flatMap(p => range(window[i]).map(q => p * strides[i] + q * dilation[i]));

export function slidingWindows(site: Site): Value {
  const { g } = site;
  const params = site.params<WindowParams>();
  const spatial = params.window.length;
  const [out] = site.outputExtents;
  const lead = out.length - 2 * spatial;
  const counts = out.slice(lead, lead + spatial);
  if (!areStatic(counts)) return site.refuse('along an axis of examples');
  let x = site.whole(0);
  // Each windowed axis becomes two: which window, and where in it.
  for (let i = spatial - 1; i >= 0; i--) {
    const shape = [
      ...x.shape.slice(0, lead + i),
      counts[i],
      params.window[i],
      ...x.shape.slice(lead + i + 1),
    ];
    const places = g.constant('int64', [counts[i], params.window[i]], placesOf(counts[i], params, i));
    x = g.apply('Gather', [x, places], { type: x.type, shape }, { axis: lead + i });
  }
  const order = range(spatial).map(i => lead + 2 * i);
  return g.transpose(x, [...range(lead), ...order, ...order.map(i => i + 1)]);
}

/** The windows' elements are added at their places, all axes of windows being one. */
export function overlappingSum(site: Site): Value {
  const { g } = site;
  const params = site.params<WindowParams & { extents: readonly number[] }>();
  const { window, extents } = params;
  const spatial = window.length;
  const x = site.whole(0);
  const lead = x.shape.length - 2 * spatial;
  const counts = x.shape.slice(lead, lead + spatial);
  if (!areStatic(counts)) return site.refuse('along an axis of examples');
  const rest = x.shape.slice(0, lead);
  const rows = sizeOf([...counts, ...window]);
  const places = overlapPlaces(counts, params);
  const windowed = range(2 * spatial).map(i => lead + i);
  const updates = g.reshape(g.transpose(x, [...windowed, ...range(lead)]), [rows, ...rest]);
  const size = sizeOf(extents);
  const zeros = g.expand(g.scalar(x.type, 0), [size, ...rest]);
  const total = g.apply(
    'ScatterND',
    [zeros, g.constant('int64', [rows, 1], places), updates],
    { type: x.type, shape: zeros.shape },
    { reduction: 'add' },
  );
  const apart = g.reshape(total, [...extents, ...rest]);
  return g.transpose(apart, [...range(lead).map(i => i + spatial), ...range(spatial)]);
}

/** The place of every window's element, all axes together: of the first windows' first elements first. */
function overlapPlaces(
  counts: readonly number[],
  { window, strides, dilation, extents }: WindowParams & { readonly extents: readonly number[] },
): number[] {
  const joined = (
    places: readonly number[],
    lengths: readonly number[],
    steps: readonly number[],
  ): number[] =>
    lengths.reduce<readonly number[]>(
      (all, n, i) =>
        all.flatMap(place => range(n).map(p => place + p * steps[i] * sizeOf(extents.slice(i + 1)))),
      places,
    ) as number[];
  return joined(joined([0], counts, strides), window, dilation);
}

/**
 * The largest element or the sum of every window as MaxPool or AveragePool; null where this is no pooling. Where
 * `padWith` made the operand with −∞ around it, MaxPool does that, too.
 */
export function poolOf(site: Site, windowsOf: Primitive, padWith: Primitive | null): Value | null {
  const { g, scope } = site;
  const made = scope.makerOf(site.equation.inputs[0]);
  if (made === null || made.operation !== windowsOf) return null;
  const { window, strides, dilation } = made.params as WindowParams;
  const spatial = window.length;
  const out = site.outputExtents[0];
  const lead = out.length - spatial;
  const { axes } = site.params<{ axes: readonly number[] }>();
  const isWhole =
    axes.length === spatial && [...axes].sort((a, b) => a - b).every((axis, i) => axis === out.length + i);
  const isMax = padWith !== null;
  const { dtype } = made.inputs[0].aval;
  const isKnown = dtype === 'float32' || (isMax && dtype === 'float64');
  if (!isWhole || spatial > 3 || !isKnown || (!isMax && dilation.some(n => n !== 1))) return null;
  const around = padWith === null ? null : paddingOf(site, made.inputs[0], padWith, lead);
  const from = around?.from ?? made.inputs[0];
  const x = g.expand(scope.valueOf(from), scope.extentsOf(from));
  const joined = product(x.shape.slice(0, lead));
  if (joined === null) return null;
  const head = lead === 2 ? x.shape.slice(0, 2) : [joined, 1];
  const pooled = g.apply(
    isMax ? 'MaxPool' : 'AveragePool',
    [g.reshape(x, [...head, ...x.shape.slice(lead)])],
    { type: x.type, shape: [...head, ...out.slice(lead)] },
    {
      kernel_shape: window,
      strides,
      ...(isMax ? { dilations: dilation } : {}),
      ...(around === null ? {} : { pads: around.pads }),
    },
  );
  const result = g.reshape(pooled, out);
  const count = sizeOf(window);
  return isMax ? result : g.elementwise('Mul', [result, g.scalar(x.type, count)]);
}

/** Padding with −∞ of the windowed axes, less than a window. */
function paddingOf(
  site: Site,
  x: Variable,
  padWith: Primitive,
  lead: number,
): { from: Variable; pads: number[] } | null {
  const made: Equation | null = site.scope.makerOf(x);
  if (made === null || made.operation !== padWith) return null;
  const { low, high, interior } = made.params as Record<'low' | 'high' | 'interior', readonly number[]>;
  const isPlain =
    site.scope.numberOf(made.inputs[1]) === Number.NEGATIVE_INFINITY &&
    [...low, ...high].every(n => n >= 0) &&
    interior.every(n => n === 0) &&
    [...low.slice(0, lead), ...high.slice(0, lead)].every(n => n === 0);
  return isPlain ? { from: made.inputs[0], pads: [...low.slice(lead), ...high.slice(lead)] } : null;
}
