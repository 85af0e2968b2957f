/** Kernels rewritten without changing what they compute. */
import { axis, childrenOf, type Expression, int, visit } from './expression.ts';
import type { Kernel, MapNest } from './kernel.ts';

/** An expression with nodes replaced; `replace` gives null for a node to keep, whose children are then visited. */
export function rewrite(
  x: Expression,
  replace: (x: Expression) => Expression | null,
  done: Map<Expression, Expression> = new Map(),
): Expression {
  const before = done.get(x);
  if (before !== undefined) return before;
  let result = replace(x);
  if (result === null) {
    const children = childrenOf(x);
    const changed = children.map(child => rewrite(child, replace, done));
    result = changed.every((child, i) => child === children[i]) ? x : withChildren(x, changed);
  }
  done.set(x, result);
  return result;
}

export function withChildren(x: Expression, children: readonly Expression[]): Expression {
  return (x.op === 'load' ? { ...x, at: children } : { ...x, args: children }) as unknown as Expression;
}

/** A map in which every load is at the map's own indices, or of a single element, and no index is used otherwise. */
export function isPointwise(kernel: Kernel, nest: MapNest): boolean {
  const rank = nest.extents.length;
  let pointwise = true;
  visit(nest.values, x => {
    const own =
      x.op === 'load' && x.at.length === rank && x.at.every((at, i) => at.op === 'axis' && at.axis === i);
    if (own && kernel.inputs[x.source].shape.every((n, i) => n === nest.extents[i])) return;
    if ((x.op === 'load' && x.at.length > 0) || childrenOf(x).some(child => child.op === 'axis'))
      pointwise = false;
  });
  return pointwise && !nest.values.some(x => x.op === 'axis');
}

/** A pointwise map of several axes as one of a single axis; any other kernel as it is. */
export function flattened(kernel: Kernel): Kernel {
  const { nest } = kernel;
  if (nest.form !== 'map' || nest.extents.length < 2 || !isPointwise(kernel, nest)) return kernel;
  const size = nest.extents.reduce((a, b) => a * b, 1);
  const done = new Map<Expression, Expression>();
  const values = nest.values.map(value =>
    rewrite(value, x => (x.op === 'load' && x.at.length > 0 ? { ...x, at: [axis(0)] } : null), done),
  );
  const shape = [size];
  return {
    name: kernel.name,
    inputs: kernel.inputs.map(input => (input.shape.length === 0 ? input : { type: input.type, shape })),
    outputs: kernel.outputs.map(output => ({ type: output.type, shape })),
    nest: { form: 'map', extents: shape, values },
  };
}

/** Axes of a single element replaced by the index 0. */
export function withoutUnitAxes(
  x: Expression,
  extents: readonly number[],
  done: Map<Expression, Expression>,
): Expression {
  return rewrite(x, node => (node.op === 'axis' && extents[node.axis] === 1 ? int(0) : null), done);
}
