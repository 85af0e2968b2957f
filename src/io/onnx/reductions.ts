/** Reductions of whole axes, which vanish. */

import type { ScalarType } from '../../kernel/expression.ts';
import type { Reducer } from '../../kernel/kernel.ts';
import { startOf } from '../../kernel/kernel.ts';
import { type Graph, type Value, wide } from './graph.ts';
import { isFloating } from './scalars.ts';

const operators = {
  sum: 'ReduceSum',
  product: 'ReduceProd',
  min: 'ReduceMin',
  max: 'ReduceMax',
  and: 'ReduceMin',
  or: 'ReduceMax',
} as const;

export function reduce(g: Graph, reducer: Reducer, x: Value, axes: readonly number[]): Value {
  const shape = x.shape.filter((_, i) => !axes.includes(i));
  if (reducer === 'argmin' || reducer === 'argmax') return position(g, reducer, x, axes[0]);
  if (axes.length === 0) return x;
  if (axes.some(i => x.shape[i] === 0)) return g.scalar(x.type, startOf(reducer, x.type as ScalarType));
  const over = (values: Value): Value =>
    g.apply(operators[reducer], [values, g.list(axes)], { type: values.type, shape }, { keepdims: 0 });
  const total = g.cast(over(g.cast(x, wide(x.type))), x.type);
  return total;
}

/** The first of equal ones, and the first NaN where there is one. */
function position(g: Graph, reducer: 'argmin' | 'argmax', x: Value, axis: number): Value {
  const shape = x.shape.filter((_, i) => i !== axis);
  const first = (type: string, values: Value): Value =>
    g.apply(type, [values], { type: 'int64', shape }, { axis, keepdims: 0, select_last_index: 0 });
  const place = first(reducer === 'argmin' ? 'ArgMin' : 'ArgMax', g.cast(x, wide(x.type)));
  if (!isFloating(x.type)) return g.cast(place, 'int32');
  const isNaN = g.cast(g.elementwise('IsNaN', [x], 'bool'), 'int32');
  const any = g.cast(reduce(g, 'max', isNaN, [axis]), 'bool');
  return g.cast(g.where(any, first('ArgMax', isNaN), place), 'int32');
}
