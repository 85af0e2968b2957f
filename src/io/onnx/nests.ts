/**
 * The loop nest of any primitive as nodes: every element of an axis is computed at once, loads become transpositions
 * or gathers, accumulators reductions. What operators say better is in `forms.ts`.
 */
import { range } from '../../core/aval.ts';
import { childrenOf, type Expression } from '../../kernel/expression.ts';
import {
  type Nest,
  type ReduceNest,
  rootsOf,
  type ScanNest,
  type ScatterNest,
  type SortNest,
} from '../../kernel/kernel.ts';
import type { Equation, Lowering } from '../../primitives/primitive.ts';
import { type Extent, sameExtent, sameExtents, shifted } from './extent.ts';
import { broadcastShape, type Value } from './graph.ts';
import { reduce } from './reductions.ts';
import { type Leaves, scalarWriter } from './scalars.ts';
import type { Site } from './site.ts';

/** The results of an equation of a primitive that is no control flow, from its lowering. */
export function translateNest(site: Site): readonly Value[] {
  const nest = loweringOf(site.equation);
  const twin = loweringOf(site.twin ?? site.equation);
  if (nest.form === 'alias') return [alias(site, nest.source)];
  if (twin.form === 'alias' || (site.twin !== null && !sameNest(nest, twin)))
    site.refuse('whose kernel depends on the number of examples');
  const extents = nest.extents.map((n, i) => site.between(n, twin.extents[i]));
  switch (nest.form) {
    case 'map':
      return nest.values.map(write(site, extents));
    case 'reduce':
      return translateReduce(site, nest, extents);
    case 'scan':
      return translateScan(site, nest, extents);
    case 'scatter':
      return [translateScatter(site, nest, extents)];
    case 'sort':
      return [translateSort(site, nest, extents)];
    case 'ordered':
      return site.refuse('an algorithm of steps that depend on each other');
  }
}

export function loweringOf({ operation, inputs, params, outputs }: Equation): Lowering {
  if (operation.kind === 'structured') throw new Error(`${operation.name} has no loop nest`);
  const avals = (list: Equation['inputs']) => list.map(one => one.aval);
  return operation.lower(avals(inputs), params, avals(outputs));
}

/** Whether two nests differ in nothing but extents. Expressions are graphs: each node is compared once. */
function sameNest(a: Nest, b: Nest): boolean {
  const pairs = new Map<Expression, Expression>();
  const same = (x: Expression, y: Expression): boolean => {
    if (pairs.get(x) === y) return true;
    const own = (e: Expression): string => JSON.stringify({ ...e, args: [], at: [] });
    const [ofX, ofY] = [childrenOf(x), childrenOf(y)];
    if (own(x) !== own(y) || ofX.length !== ofY.length || !ofX.every((child, i) => same(child, ofY[i])))
      return false;
    pairs.set(x, y);
    return true;
  };
  const others = rootsOf(b);
  return rootsOf(a).length === others.length && rootsOf(a).every((root, i) => same(root, others[i]));
}

/** The same elements in another shape; a copied scalar stays one. */
function alias(site: Site, source: number): Value {
  const { g } = site;
  const value = site.inputs[source];
  const [shape] = site.outputExtents;
  if (sameExtents(site.inputExtents[source], shape)) return value;
  if (value.shape.every(extent => extent === 1)) return g.reshape(value, []);
  return g.reshape(site.whole(source), shape);
}

type Load = Extract<Expression, { op: 'load' }>;

/** For each dimension of a load's operand the axis of the nest along which it is read; null where it is computed. */
function axesOf(site: Site, load: Load): (number | null)[] {
  return load.at.map((at, dimension) => {
    if (at.op === 'axis') return at.axis;
    const isOnly = at.op === 'constant' && at.value === 0 && site.inputExtents[load.source][dimension] === 1;
    return isOnly ? -1 : null;
  });
}

/** The writer of expressions over axes of these extents. */
function write(
  site: Site,
  extents: readonly Extent[],
  leaves: Partial<Leaves> = {},
): (x: Expression) => Value {
  const { g } = site;
  return scalarWriter(g, {
    refuse: operation => site.refuse(`which needs ${operation}`),
    carry: () => site.refuse('whose kernel reads a running value'),
    axis: axis => alongAxis(site, extents, axis),
    load: (load, index) => read(site, extents, load, index),
    ...leaves,
  });
}

/** 0, 1, … along one axis. */
function alongAxis({ g }: Site, extents: readonly Extent[], axis: number): Value {
  const extent = extents[axis];
  const shape = [extent, ...range(extents.length - axis - 1).map(() => 1)];
  if (typeof extent === 'number') return g.constant('int32', shape as number[], range(extent));
  const number = (n: number): Value => g.scalar('int32', n);
  const limit = g.length(extent, 'int32');
  const places = g.apply('Range', [number(0), limit, number(1)], { type: 'int32', shape: [extent] });
  return g.reshape(places, shape);
}

function read(site: Site, extents: readonly Extent[], load: Load, index: (x: Expression) => Value): Value {
  const { g } = site;
  const rank = extents.length;
  if (load.source >= site.inputs.length) site.refuse('whose kernel reads its own results');
  const along = axesOf(site, load);
  const own = site.inputExtents[load.source];
  const moving = along.filter(axis => axis !== null && axis >= 0);
  const isPlain =
    along.every((axis, i) => axis === -1 || (axis !== null && sameExtent(own[i], extents[axis]))) &&
    new Set(moving).size === moving.length;
  if (isPlain) return lineUp(site, load.source, along as number[], rank);

  // The last dimensions may be read whole, along the last axes of the nest; the others are gathered.
  const positions = load.at.map(index);
  let whole = 0;
  while (
    whole < own.length &&
    along[own.length - 1 - whole] === rank - 1 - whole &&
    sameExtent(own[own.length - 1 - whole], extents[rank - 1 - whole])
  )
    whole++;
  const gathered = own.length - whole;
  const isFree = (place: Value): boolean =>
    place.shape.slice(Math.max(0, place.shape.length - whole)).every(n => n === 1);
  if (!positions.slice(0, gathered).every(isFree)) whole = 0;
  const places = positions.slice(0, own.length - whole).map((place, i) => {
    const legal = isClamped(load.at[i], own[i]) ? place : clamp(site, place, own[i]);
    // Without the axes along which everything is read.
    return g.reshape(legal, legal.shape.slice(0, Math.max(0, legal.shape.length - whole)));
  });
  return gather(site, site.whole(load.source), own, places);
}

/** The operand with its dimensions at these axes of the nest, and extent 1 at the others. */
function lineUp(site: Site, source: number, along: readonly number[], rank: number): Value {
  const { g } = site;
  const value = site.ranked(source);
  const dimensions = range(along.length).sort((a, b) => along[a] - along[b]);
  const moved = g.transpose(value, dimensions);
  const shape: Extent[] = range(rank).map(() => 1);
  along.forEach((axis, dimension) => {
    if (axis >= 0) shape[axis] = value.shape[dimension];
  });
  while (shape[0] === 1) shape.shift();
  return g.reshape(moved, shape);
}

/** x at the places, of which there is one for each of its first dimensions. */
function gather(site: Site, x: Value, extents: readonly Extent[], places: readonly Value[]): Value {
  const { g } = site;
  const rest = extents.slice(places.length);
  if (places.length === 0) return x;
  if (places.length === 1)
    return g.apply(
      'Gather',
      [x, places[0]],
      { type: x.type, shape: [...places[0].shape, ...rest] },
      { axis: 0 },
    );
  const shape = broadcastShape(places.map(place => place.shape));
  return g.apply('GatherND', [x, stack(site, places, shape)], { type: x.type, shape: [...shape, ...rest] });
}

/** Places as the last axis of one tensor of int64. */
function stack({ g }: Site, places: readonly Value[], shape: readonly Extent[]): Value {
  const columns = places.map(place => g.reshape(g.expand(g.cast(place, 'int64'), shape), [...shape, 1]));
  return g.concat(columns, shape.length, [...shape, places.length]);
}

/** Whether the expression is in the range of places already. */
function isClamped(at: Expression, extent: Extent): boolean {
  if (at.op === 'axis') return true;
  if (at.op === 'constant') return at.value >= 0 && typeof extent === 'number' && at.value < extent;
  const [inner, low] = 'args' in at && at.op === 'max' ? at.args : [];
  if (inner === undefined || inner.op !== 'min' || low?.op !== 'constant' || low.value !== 0) return false;
  const [, high] = inner.args;
  return high.op === 'constant' && typeof extent === 'number' && high.value === extent - 1;
}

function clamp({ g }: Site, place: Value, extent: Extent): Value {
  const last = g.length(shifted(extent, -1), place.type);
  return g.elementwise('Max', [g.elementwise('Min', [place, last]), g.scalar(place.type, 0)]);
}

function translateReduce(site: Site, nest: ReduceNest, extents: readonly Extent[]): Value[] {
  const { g } = site;
  const kept = extents.slice(0, extents.length - nest.reduced);
  const writeTerm = write(site, extents);
  const totals = nest.accumulators.map(({ reducer, term }) => {
    if (term.op === 'load') {
      // Reduced where it stands, if what is kept is in order.
      const along = axesOf(site, term);
      const stays = along.filter(axis => axis !== null && axis < kept.length) as number[];
      const all = new Set(along);
      const isDirect =
        along.length === extents.length &&
        all.size === extents.length &&
        !all.has(null) &&
        !all.has(-1) &&
        stays.every((axis, i) => i === 0 || stays[i - 1] < axis) &&
        (nest.reduced === 1 || !reducer.startsWith('arg'));
      if (isDirect) {
        const axes = range(along.length).filter(i => (along[i] as number) >= kept.length);
        return reduce(g, reducer, site.whole(term.source), axes);
      }
    }
    const terms = g.expand(writeTerm(term), extents);
    const axes = range(nest.reduced).map(i => kept.length + i);
    if (nest.reduced < 2 || !reducer.startsWith('arg')) return reduce(g, reducer, terms, axes);
    return site.refuse('a position along several axes');
  });
  return nest.results.map(write(site, kept, { carry: i => totals[i] }));
}

/** A running value: ONNX's Scan, whose step sees all other axes at once. */
function translateScan(site: Site, nest: ScanNest, extents: readonly Extent[]): Value[] {
  const { g } = site;
  const { along } = nest;
  const others = extents.filter((_, i) => i !== along);
  const initial = nest.initial.map(x => g.expand(write(site, others)(x), others));
  const body = g.inner();
  const states = initial.map(state => body.input('state', state.type, others));
  const rows = site.inputs.map(input => body.input('row', input.type, others));
  const at = (axis: number): never =>
    site.refuse(`whose running value depends on the place along axis ${axis}`);
  const leaves: Leaves = {
    refuse: operation => site.refuse(`which needs ${operation}`),
    axis: at,
    carry: i => states[i],
    load: load => {
      const isOwn =
        load.at.length === extents.length && load.at.every((x, i) => x.op === 'axis' && x.axis === i);
      return isOwn ? rows[load.source] : site.refuse('whose running value reads other places');
    },
  };
  const step = scalarWriter(body, leaves);
  const next = nest.step.map(x => body.expand(step(x), others));
  const result = scalarWriter(body, { ...leaves, carry: i => next[i] });
  const stacked = nest.results.map(x => body.expand(result(x), others));
  const typed = ({ name, type }: Value) => ({
    name,
    type,
    shape: others.map(n => (typeof n === 'number' ? n : 'n')),
  });
  const outputs = [...next, ...stacked].map(value => ({ ...value, name: body.unique('step') }));
  const graph = body.finish([...states, ...rows].map(typed), [...next, ...stacked], outputs.map(typed));
  const direction = nest.reverse ? 1 : 0;
  const results = g.node(
    'Scan',
    [...initial, ...site.inputs.map((_, i) => site.whole(i))].map(value => value.name),
    {
      body: graph,
      num_scan_inputs: rows.length,
      scan_input_axes: rows.map(() => along),
      scan_output_axes: stacked.map(() => along),
      scan_input_directions: rows.map(() => direction),
      scan_output_directions: stacked.map(() => direction),
    },
    outputs.length,
  );
  return stacked.map(({ type }, i) => ({ name: results[initial.length + i], type, shape: extents }));
}

/** Updates out of range go to a row of its own, which is cut off. */
function translateScatter(site: Site, nest: ScatterNest, extents: readonly Extent[]): Value {
  const { g } = site;
  const [shape] = site.outputExtents;
  const base = g.expand(write(site, shape)(nest.base), shape);
  const writeUpdate = write(site, extents);
  const updates = writeUpdate(nest.value);
  if (shape.length === 0) return site.refuse('into a tensor without axes');
  // The last dimensions may be written whole.
  let whole = 0;
  const isWhole = (i: number): boolean => {
    const at = nest.at[shape.length - 1 - i];
    const axis = extents.length - 1 - i;
    return (
      axis >= 0 &&
      at.op === 'axis' &&
      at.axis === axis &&
      sameExtent(shape[shape.length - 1 - i], extents[axis])
    );
  };
  while (whole < shape.length - 1 && isWhole(whole)) whole++;
  const batch = extents.slice(0, extents.length - whole);
  const places = nest.at.slice(0, shape.length - whole).map(at => {
    const place = g.cast(writeUpdate(at), 'int64');
    return g.reshape(place, place.shape.slice(0, Math.max(0, place.shape.length - whole)));
  });
  const legal = places
    .map((place, i) =>
      g.elementwise('And', [
        g.elementwise('GreaterOrEqual', [place, g.scalar('int64', 0)], 'bool'),
        g.elementwise('Less', [place, g.length(shape[i], 'int64')], 'bool'),
      ]),
    )
    .reduce((all, one) => g.elementwise('And', [all, one]));
  const outside = g.length(shape[0], 'int64');
  const indices = places.map((place, i) => g.where(legal, place, i === 0 ? outside : g.scalar('int64', 0)));
  const row = g.expand(g.scalar(base.type, 0), [1, ...shape.slice(1)]);
  const longer = [shifted(shape[0], 1), ...shape.slice(1)];
  const data = g.concat([base, row], 0, longer);
  const written = g.apply(
    'ScatterND',
    [data, stack(site, indices, batch), g.expand(updates, extents)],
    { type: base.type, shape: longer },
    nest.combine === 'set' ? {} : { reduction: nest.combine },
  );
  return g.slice(written, [0], [shape[0]], [0], [1], shape);
}

/** TopK of all elements keeps the order of equal ones. NaN is sorted as the last value and then moved behind. */
function translateSort(site: Site, nest: SortNest, extents: readonly Extent[]): Value {
  const { g } = site;
  const x = site.whole(0);
  const { along: axis, descending } = nest;
  const positions = (keys: Value, largest: number): Value => {
    const [, places] = g.node(
      'TopK',
      [keys.name, g.lengths([extents[axis]]).name],
      { axis, largest, sorted: 1 },
      2,
    );
    return { name: places, type: 'int64', shape: extents };
  };
  const along = (values: Value, places: Value): Value =>
    g.apply('GatherElements', [values, places], { type: values.type, shape: extents }, { axis });
  let order: Value;
  if (x.type === 'float32' || x.type === 'float64') {
    const isNaN = g.elementwise('IsNaN', [x], 'bool');
    const last = g.scalar(x.type, descending ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    const byValue = positions(g.where(isNaN, last, x), descending ? 1 : 0);
    const behind = positions(along(g.cast(isNaN, 'int32'), byValue), 0);
    order = along(byValue, behind);
  } else {
    const wider = x.type === 'uint32' ? 'int64' : 'int32';
    order = positions(g.cast(x, wider), descending ? 1 : 0);
  }
  return nest.positions ? g.cast(order, 'int32') : along(x, order);
}
