/** Vectorization: a function of one example becomes a function of many, its operations running over a batch axis. */
import { Aval } from '../core/aval.ts';
import { AxisOutOfRange, BadArgument, BatchSizeMismatch } from '../core/errors.ts';
import { labelOf } from '../core/path.ts';
import { Tensor } from '../core/tensor.ts';
import {
  asRule,
  assertAlive,
  ConditionWatch,
  currentTrace,
  isEarly,
  markUsed,
  Trace,
  Tracer,
  withTrace,
} from '../core/trace.ts';
import type { Structure } from '../core/tree.ts';
import type { Primitive } from '../primitives/primitive.ts';
import { moveAxis, withBatchAxis } from '../primitives/vectorspace.ts';
import {
  type Arguments,
  callWithTree,
  flattenArguments,
  type Outputs,
  requireFunction,
} from './arguments.ts';

/** One example of a batch: the whole batch along a leading axis, seen without it. */
class BatchTracer extends Tracer {
  readonly batch: Tensor;

  constructor(trace: Trace, batch: Tensor) {
    super(trace, new Aval(batch.dtype, batch.shape.slice(1)));
    this.batch = batch;
  }
}

export class BatchTrace extends Trace {
  readonly name: string;
  readonly parent: Trace;
  readonly size: number;
  readonly watch: ConditionWatch | null;

  constructor(name: string, parent: Trace, size: number, watch = false) {
    super(watch && isEarly(name));
    this.name = name;
    this.parent = parent;
    this.sources = parent.sources;
    this.size = size;
    this.watch = watch ? new ConditionWatch() : null;
  }

  tracer(batch: Tensor): Tensor {
    return new BatchTracer(this, batch);
  }

  split(tensor: Tensor): { value: Tensor; batched: boolean } {
    if (tensor instanceof BatchTracer && tensor.owner === this) return { value: tensor.batch, batched: true };
    assertAlive(tensor);
    return { value: tensor, batched: false };
  }

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    markUsed(operands);
    const split = operands.map(operand => this.split(operand));
    const values = split.map(one => one.value);
    const batched = split.map(one => one.batched);
    const results = batched.includes(true)
      ? asRule(() => withTrace(this.parent, () => this.#apply(primitive, values, batched, params)))
      : this.parent.bind(primitive, values, params);
    if (primitive.kind !== 'structured') this.watch?.add(results);
    return results;
  }

  #apply(
    primitive: Primitive,
    values: readonly Tensor[],
    batched: readonly boolean[],
    params: object,
  ): readonly Tensor[] {
    if (primitive.kind === 'structured') {
      const out = primitive.batch(this.size, values, batched, params);
      return out.outputs.map((output, i) => (out.batched[i] ? this.tracer(output) : output));
    }
    if (primitive.batch === 'elementwise') {
      const full = values.map((value, i) => withBatchAxis(this.size, value, batched[i]));
      return this.parent.bind(primitive, full, params).map(result => this.tracer(result));
    }
    const made = primitive.batch(this.size, values, batched, params);
    return (made instanceof Tensor ? [made] : made).map(result => this.tracer(result));
  }
}

/** Runs `f` on examples; null marks an argument without a batch axis. */
export function runBatched(
  trace: BatchTrace,
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  batched: readonly boolean[],
): { outputs: Tensor[]; batched: boolean[] } {
  try {
    const results = withTrace(trace, () =>
      f(inputs.map((input, i) => (batched[i] ? trace.tracer(input) : input))),
    );
    const split = results.map(result => trace.split(result));
    trace.watch?.finish([...results, ...split.map(one => one.value)]);
    return { outputs: split.map(one => one.value), batched: split.map(one => one.batched) };
  } finally {
    trace.watch?.abandon();
    trace.alive = false;
  }
}

/** An axis for every leaf: a number or null holds for a whole subtree. */
export type Axes = number | null | readonly Axes[] | { readonly [key: string]: Axes };

export interface VmapOptions {
  /** The batch axis of each argument, null where all examples share it; or one for all. Default 0. */
  readonly inAxes?: Axes;
  /** Where the batch axis goes in the results. Default 0. */
  readonly outAxes?: Axes;
}

function axesOfLeaves(what: string, structure: Structure, axes: Axes): (number | null)[] {
  if (axes === null || typeof axes === 'number')
    return new Array<number | null>(structure.leafCount).fill(axes);
  const fits = Array.isArray(axes)
    ? structure.kind === 'array' && axes.length === structure.children.length
    : structure.keys.length > 0 && structure.keys.every(key => Object.hasOwn(axes as object, key as string));
  if (!fits)
    throw new BadArgument({
      did: `vmap: ${what} ${JSON.stringify(axes)} for a tree ${structure}`,
      expected: 'an axis, null, or a tree of them shaped like the value or its upper part',
      remedy: 'inAxes: [0, null] maps over the first argument and shares the second',
    });
  return structure.children.flatMap((child, i) =>
    axesOfLeaves(
      what,
      child,
      Array.isArray(axes) ? axes[i] : (axes as Record<string, Axes>)[structure.keys[i] as string],
    ),
  );
}

function positive(axis: number, ndim: number, what: string): number {
  const result = axis < 0 ? axis + ndim : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= ndim)
    throw new AxisOutOfRange({
      did: `vmap: axis ${axis} of ${what}`,
      expected:
        ndim === 0
          ? 'a tensor with at least one axis; a 0-dimensional one has none to map over'
          : `an axis from ${-ndim} to ${ndim - 1}`,
      remedy: 'share it between all examples with null in inAxes, or give it a batch axis',
    });
  return result;
}

/**
 * The function of a whole batch: f applied to every example along the batch axes, without a loop.
 *
 * @example vmap((x, w) => x.mul(w).sum(), { inAxes: [0, null] })(batch, weights)
 * @throws BatchSizeMismatch where batch axes differ in length, AxisOutOfRange
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: VmapOptions = {},
): (...args: Arguments<A>) => Outputs<R> {
  requireFunction('vmap', f);
  const { inAxes = 0, outAxes = 0 } = options;
  const mapped = (...args: unknown[]): Outputs<R> => {
    const call = callWithTree('vmap', f);
    const label = labelOf('vmap', f);
    const flat = flattenArguments(args);
    const axes = axesOfLeaves('inAxes', flat.structure, inAxes);
    const places = flat.leaves.map((leaf, i) =>
      axes[i] === null ? null : positive(axes[i], leaf.ndim, `${flat.paths()[i]}, ${leaf.aval}`),
    );
    const sizes = flat.leaves.map((leaf, i) => (places[i] === null ? null : leaf.shape[places[i]]));
    const size = sizes.find(n => n !== null);
    if (size === undefined)
      throw new BadArgument({
        did: `${label}: no argument has a batch axis`,
        expected: 'at least one argument to map over',
        remedy: 'set one of inAxes to 0',
      });
    if (sizes.some(n => n !== null && n !== size))
      throw new BatchSizeMismatch({
        did: `${label}: ${flat.leaves.flatMap((leaf, i) => (sizes[i] === null ? [] : [`${flat.paths()[i]} is ${leaf.aval} with ${sizes[i]} examples along axis ${places[i]}`])).join(', ')}`,
        expected: 'the same number of examples in every mapped argument',
        remedy: 'check inAxes; share an argument between all examples with null',
      });
    const leading = flat.leaves.map((leaf, i) => (places[i] === null ? leaf : moveAxis(leaf, places[i], 0)));
    const trace = new BatchTrace(label, currentTrace(), size, true);
    const out = runBatched(
      trace,
      inputs => call.run(flat.rebuild(inputs)),
      leading,
      places.map(place => place !== null),
    );
    const to = axesOfLeaves('outAxes', call.structure(), outAxes);
    const results = out.outputs.map((output, i) => {
      const axis = to[i];
      if (axis === null) {
        if (!out.batched[i]) return output;
        throw new BadArgument({
          did: `${label}: outAxes is null for a result that differs between examples`,
          expected: 'an axis for every result that depends on a mapped argument',
          remedy: 'set outAxes to 0 there',
        });
      }
      const full = withBatchAxis(size, output, out.batched[i]);
      return moveAxis(full, 0, positive(axis, full.ndim, `a result ${full.aval}`));
    });
    return call.result(results) as Outputs<R>;
  };
  return named(mapped, f) as (...args: Arguments<A>) => Outputs<R>;
}

/** Gives a transformed function the name of the original, for messages. */
export function named<F extends (...args: never[]) => unknown>(transformed: F, f: { name: string }): F {
  return Object.defineProperty(transformed, 'name', { value: f?.name ?? '', configurable: true });
}
