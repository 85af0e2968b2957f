/** Transformations that do the same with every leaf: its gradient, its parameter, and what its state keeps of it. */
import { sameShape } from '../../core/aval.ts';
import { ShapeMismatch, WrongTree } from '../../core/errors.ts';
import { scalar, type Tensor } from '../../core/tensor.ts';
import { flatten, flattenAs, unflatten } from '../../core/tree.ts';
import { add } from '../../numpy/arithmetic.ts';
import { asFloat } from '../../numpy/operands.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { zerosLike } from '../../primitives/broadcast.ts';
import { type Gradient, leafTensor } from '../../transforms/arguments.ts';
import type { GradientTransformation } from './transformation.ts';

/** A tensor for each parameter by its path, as in `layers[0].weight`. */
export type ByPath = { readonly [path: string]: Tensor };

/** What a state keeps of every parameter, such as a momentum. */
export type Slots<Slot extends string> = { readonly [S in Slot]: ByPath };

/** The same with a counter: how many updates were made, int32. */
export type CountedSlots<Slot extends string = never> = { readonly step: Tensor } & Slots<Slot>;

type LeafSlots<Slot extends string> = { readonly [S in Slot]: Tensor };

/** What becomes of one leaf: its update, and what its slots hold from now on. */
type LeafRule<Slot extends string> = (
  gradient: Tensor,
  slots: LeafSlots<Slot>,
  parameter: Tensor,
) => [update: Tensor, slots: LeafSlots<Slot>];

/** What a slot holds before the first step. */
type Begin<Slot extends string> = { readonly [S in Slot]: (parameter: Tensor) => Tensor };

export interface Parameters {
  readonly tensors: readonly Tensor[];
  /** Where each leaf is: `layers[0].weight`. */
  readonly paths: readonly string[];
  /** A tree like the parameters. */
  rebuild(leaves: readonly Tensor[]): unknown;
  /** The leaves of a tree with the structure of the parameters, and with their shapes. */
  like(what: string, value: unknown): Tensor[];
  byPath(leaves: readonly Tensor[]): ByPath;
  /** The leaves of a record by paths, in the order of the parameters. */
  ordered(what: string, value: ByPath): Tensor[];
}

/** The leaves of the parameters as floats. */
export function parametersOf(params: unknown): Parameters {
  const { leaves, structure } = flatten(params, 'params');
  const tensors = leaves.map(leaf => asFloat(leafTensor(leaf)));
  const paths = structure.paths().map(path => path.replace(/^\./, ''));
  if (new Set(paths).size < paths.length)
    throw new WrongTree({
      did: `an optimiser met two parameters at ${paths.find((path, i) => paths.indexOf(path) < i)}`,
      expected: 'a path for each parameter: keys without dots and brackets',
      remedy: 'rename one of them',
    });
  return {
    tensors,
    paths,
    rebuild: values => unflatten(structure, values),
    like(what, value) {
      const given = flattenAs(structure, value, what).map(leaf => asFloat(leafTensor(leaf)));
      given.forEach((leaf, i) => {
        if (!sameShape(leaf.shape, tensors[i].shape))
          throw new ShapeMismatch({
            did: `${what}${structure.paths()[i]} is ${leaf.aval} where the parameter is ${tensors[i].aval}`,
            expected: 'equal shapes',
            remedy: 'pass what grad gave for the same parameters',
          });
      });
      return given;
    },
    byPath: values => Object.fromEntries(values.map((value, i) => [paths[i], value])),
    ordered(what, value) {
      const names = Object.keys(value ?? {});
      if (names.length !== paths.length || !paths.every(path => Object.hasOwn(value, path)))
        throw new WrongTree({
          did: `${what} has values for ${names.join(', ') || 'nothing'}`,
          expected: `values for ${paths.join(', ') || 'nothing'}`,
          remedy:
            'pass the state that init or the last update of the same optimiser gave for these parameters',
        });
      return paths.map(path => value[path]);
    },
  };
}

export const zeros = (parameter: Tensor): Tensor => zerosLike(parameter);

/** A transformation that keeps nothing. */
export function stateless(
  name: string,
  rule: (gradient: Tensor, parameter: Tensor) => Tensor,
): GradientTransformation<null> {
  return {
    init: () => null,
    update: <P>(gradients: Gradient<P>, _: null, params: P) => {
      const { tensors, like, rebuild } = parametersOf(params);
      const given = like(`${name}: gradients`, gradients);
      return [rebuild(given.map((g, i) => rule(g, tensors[i]))) as Gradient<P>, null];
    },
  };
}

/**
 * u = g.
 *
 * @example chain(clipping ? clip(1) : identity(), adam({ learningRate: 1e-3 }))
 */
export function identity(): GradientTransformation<null> {
  return stateless('identity', g => g);
}

/** A transformation with slots. */
export function leafwise<Slot extends string>(
  name: string,
  begin: Begin<Slot>,
  rule: LeafRule<Slot>,
): GradientTransformation<Slots<Slot>> {
  return {
    init: params => begun(params, begin),
    update: <P>(gradients: Gradient<P>, state: Slots<Slot>, params: P) =>
      turned(name, begin, rule, gradients, state, params),
  };
}

/** A transformation with slots and a counter; its rule depends on the step, 1, 2, … */
export function counted<Slot extends string = never>(
  name: string,
  begin: Begin<Slot>,
  ruleAt: (step: Tensor) => LeafRule<Slot>,
): GradientTransformation<CountedSlots<Slot>> {
  return {
    init: params => ({ step: scalar('int32', 0), ...begun(params, begin) }),
    update: <P>(gradients: Gradient<P>, state: CountedSlots<Slot>, params: P) => {
      const step = add(state.step, 1);
      const [updates, slots] = turned(name, begin, ruleAt(step), gradients, state, params);
      return [updates, { step, ...slots }];
    },
  };
}

function begun<Slot extends string>(params: unknown, begin: Begin<Slot>): Slots<Slot> {
  const { tensors, byPath } = parametersOf(params);
  return bySlot(begin, slot => byPath(tensors.map(begin[slot])));
}

function turned<P, Slot extends string>(
  name: string,
  begin: Begin<Slot>,
  rule: LeafRule<Slot>,
  gradients: Gradient<P>,
  state: Slots<Slot>,
  params: P,
): [updates: Gradient<P>, slots: Slots<Slot>] {
  const { tensors, like, rebuild, byPath, ordered } = parametersOf(params);
  const given = like(`${name}: gradients`, gradients);
  const kept = bySlot(begin, slot => ordered(`${name}: state.${slot}`, state?.[slot]));
  const results = given.map((g, i) =>
    rule(
      g,
      bySlot(begin, slot => kept[slot][i]),
      tensors[i],
    ),
  );
  return [
    rebuild(results.map(([update], i) => cast(update, given[i].dtype))) as Gradient<P>,
    // A state keeps its types: otherwise the next step would be traced again.
    bySlot(begin, slot => byPath(results.map(([, next], i) => cast(next[slot], kept[slot][i].dtype)))),
  ];
}

function bySlot<Slot extends string, T>(
  begin: Begin<Slot>,
  f: (slot: Slot) => T,
): { readonly [S in Slot]: T } {
  const slots = Object.keys(begin) as Slot[];
  return Object.fromEntries(slots.map(slot => [slot, f(slot)])) as { [S in Slot]: T };
}
