/**
 * Primitives that an operator of ONNX says better than their loop nest would. A foreign format needs such a table; it is
 * the only place in the library that asks which primitive one is.
 */
import { range } from '../../core/aval.ts';
import { sum } from '../../primitives/broadcast.ts';
import { isNaN } from '../../primitives/compare.ts';
import { conv } from '../../primitives/conv.ts';
import { cumsum } from '../../primitives/cumulative.ts';
import { type DotParams, dot } from '../../primitives/dot.ts';
import { sigmoid } from '../../primitives/elementary.ts';
import { reverse } from '../../primitives/layout.ts';
import type { Primitive } from '../../primitives/primitive.ts';
import { reduceMax } from '../../primitives/reduce.ts';
import { otherAxes } from '../../primitives/signature.ts';
import { concat, pad, slice } from '../../primitives/slice.ts';
import { overlapAdd, windows } from '../../primitives/window.ts';
import { type Extent, product, sameExtent } from './extent.ts';
import { type Value, wide } from './graph.ts';
import { translateNest } from './nests.ts';
import type { Site } from './site.ts';
import * as spatial from './spatial.ts';
import { padded, poolOf } from './spatial.ts';

export type Form = (site: Site) => Value;

/** The forms by primitive. */
export function forms(): ReadonlyMap<Primitive, Form> {
  const direct =
    (type: string, result?: 'bool'): Form =>
    ({ g, inputs }) =>
      g.elementwise(type, inputs, result);
  return new Map<Primitive, Form>([
    [sigmoid.primitive, direct('Sigmoid')],
    [isNaN.primitive, direct('IsNaN', 'bool')],
    [dot.primitive, matrixProduct],
    [conv.primitive, spatial.convolution],
    [windows.primitive, spatial.slidingWindows],
    [overlapAdd.primitive, spatial.overlappingSum],
    [reduceMax.primitive, site => poolOf(site, windows.primitive, pad.primitive) ?? translateNest(site)[0]],
    [sum.primitive, site => poolOf(site, windows.primitive, null) ?? translateNest(site)[0]],
    [slice.primitive, part],
    [pad.primitive, padding],
    [concat.primitive, joined],
    [reverse.primitive, backwards],
    [cumsum.primitive, runningSum],
  ]);
}

/** Both operands as matrices, or rows of matrices, for MatMul. */
function matrixProduct(site: Site): Value {
  const { g } = site;
  const { contract, batch } = site.params<DotParams>();
  const [x, y] = [site.whole(0), site.whole(1)];
  const free = ([x, y] as const).map((operand, side) =>
    otherAxes(operand.shape.length, [...contract[side], ...batch[side]]),
  );
  const extents = (operand: Value, axes: readonly number[]): Extent[] => axes.map(i => operand.shape[i]);
  const flat = (operand: Value, axes: readonly number[]): Extent =>
    product(extents(operand, axes)) ??
    site.refuse('in which the number of examples occurs twice among axes to be joined');
  const groups = extents(x, batch[0]);
  const length = flat(x, contract[0]);
  const rows = batch[0].length === 0 && free[0].length > 0 ? extents(x, free[0]) : [flat(x, free[0])];
  const columns = flat(y, free[1]);
  const left = g.reshape(g.transpose(x, [...batch[0], ...free[0], ...contract[0]]), [
    ...groups,
    ...rows,
    length,
  ]);
  const right = g.reshape(g.transpose(y, [...batch[1], ...contract[1], ...free[1]]), [
    ...groups,
    length,
    columns,
  ]);
  const type = wide(x.type);
  const result = g.apply('MatMul', [g.cast(left, type), g.cast(right, type)], {
    type,
    shape: [...groups, ...rows, columns],
  });
  return g.reshape(g.cast(result, x.type), site.outputExtents[0]);
}

interface SliceParams {
  readonly start: readonly number[];
  readonly limit: readonly number[];
  readonly stride: readonly number[];
}

function part(site: Site): Value {
  const paramsOf = (equation: Site['equation']): SliceParams => equation.params as SliceParams;
  const { stride } = paramsOf(site.equation);
  const [extents] = site.inputExtents;
  const starts = stride.map((_, i) => site.extent(equation => paramsOf(equation).start[i]));
  const ends = stride.map((_, i) => site.extent(equation => paramsOf(equation).limit[i]));
  const axes = range(stride.length).filter(
    i => starts[i] !== 0 || !sameExtent(ends[i], extents[i]) || stride[i] !== 1,
  );
  const of = <T>(list: readonly T[]): T[] => axes.map(i => list[i]);
  return site.g.slice(site.whole(0), of(starts), of(ends), axes, of(stride), site.outputExtents[0]);
}

interface PadParams {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

function padding(site: Site): Value {
  const { low, high, interior } = site.params<PadParams>();
  return padded(site.g, site.whole(0), site.whole(1), low, high, interior);
}

function joined(site: Site): Value {
  const { axis } = site.params<{ axis: number }>();
  return site.g.concat(
    site.inputs.map((_, i) => site.whole(i)),
    axis,
    site.outputExtents[0],
  );
}

function backwards(site: Site): Value {
  const { axes } = site.params<{ axes: readonly number[] }>();
  const x = site.whole(0);
  const all = (value: number): number[] => axes.map(() => value);
  // An end before the start of every axis.
  return site.g.slice(x, all(-1), all(-(2 ** 31)), axes, all(-1), x.shape);
}

function runningSum(site: Site): Value {
  const { g } = site;
  const { axis, reverse } = site.params<{ axis: number; reverse: boolean }>();
  const x = g.cast(site.whole(0), wide(site.inputs[0].type));
  const total = g.apply('CumSum', [x, g.scalar('int64', axis)], x, reverse ? { reverse: 1 } : {});
  return g.cast(total, site.inputs[0].type);
}
