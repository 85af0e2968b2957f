/** Kernels rewritten without changing what they compute. */
import { axis, childrenOf, type Expression, visit } from './expression.ts';
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

/** Whether a load reads the very element that the map computes. */
export function readsOwnIndex(x: Expression & { op: 'load' }, kernel: Kernel, { extents }: MapNest): boolean {
  const { shape } = kernel.inputs[x.source];
  return (
    shape.length === extents.length &&
    shape.every((n, i) => n === extents[i]) &&
    x.at.every((at, i) => at.op === 'axis' && at.axis === i)
  );
}

/** A map in which every load is at the map's own indices, or of a single element, and no index is used otherwise. */
export function isPointwise(kernel: Kernel, nest: MapNest): boolean {
  let pointwise = true;
  visit(nest.values, x => {
    if (x.op === 'load' && readsOwnIndex(x, kernel, nest)) return;
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

/** What distinguishes a node besides its operation, type and children. */
function attribute(x: Expression): string {
  switch (x.op) {
    case 'constant':
      return Object.is(x.value, -0) ? '-0' : `${x.value}`;
    case 'axis':
      return `${x.axis}`;
    case 'load':
      return `${x.source}`;
    case 'carry':
      return `${x.index}`;
    default:
      return '';
  }
}

/** Makes equal expressions one node, so that what is computed twice is printed once. */
export class Interner {
  readonly #numbers = new Map<Expression, number>();
  readonly #nodes = new Map<string, Expression>();
  readonly #seen = new Map<Expression, Expression>();

  /** The one node for all expressions equal to x. */
  of(x: Expression): Expression {
    if (this.#numbers.has(x)) return x;
    let node = this.#seen.get(x);
    if (node !== undefined) return node;
    const children = childrenOf(x);
    const own = children.map(child => this.of(child));
    const key = `${x.op}:${x.type}:${attribute(x)}(${own.map(child => this.#numbers.get(child))})`;
    node = this.#nodes.get(key);
    if (node === undefined) {
      node = own.every((child, i) => child === children[i]) ? x : withChildren(x, own);
      this.#numbers.set(node, this.#numbers.size);
      this.#nodes.set(key, node);
    }
    this.#seen.set(x, node);
    return node;
  }

  /** A text that is the same for equal lists of expressions. */
  keyOf(list: readonly Expression[]): string {
    return list.map(x => this.#numbers.get(this.of(x))).join();
  }
}

/** A text that two kernels share exactly if they are the same function of their buffers, whatever their names. */
export function kernelKey(kernel: Kernel): string {
  const numbers = new Map<Expression, number>();
  const parts: string[] = [];
  const number = (x: Expression): number => {
    let known = numbers.get(x);
    if (known === undefined) {
      const children = childrenOf(x).map(number).join();
      known = numbers.size;
      numbers.set(x, known);
      parts.push(`${x.op}:${x.type}:${attribute(x)}(${children})`);
    }
    return known;
  };
  const shape = (buffer: { type: string; shape: readonly number[] }): string =>
    `${buffer.type}[${buffer.shape}]`;
  const nest = JSON.stringify(kernel.nest, (_, value) => (isExpression(value) ? number(value) : value));
  return `${kernel.inputs.map(shape)};${kernel.outputs.map(shape)};${nest};${parts.join(';')}`;
}

function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && 'op' in value && 'type' in value;
}
