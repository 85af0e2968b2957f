/** Different transformations for different parameters. */
import { BadArgument, WrongTree } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { flatten, isLeaf, type Structure } from '../../core/tree.ts';
import type { Gradient } from '../../transforms/arguments.ts';
import { type ByPath, type Parameters, parametersOf } from './leafwise.ts';
import type { GradientTransformation } from './transformation.ts';

/**
 * Which leaves are meant: a function of a leaf's path, as in `layers[0].weight`, and of the leaf, whose shape and type
 * are known also while tracing; or a tree of booleans like the parameters, in which one boolean may stand for a whole
 * subtree.
 */
export type Mask = boolean | object | ((path: string, leaf: Tensor) => boolean);

/** Whether each leaf is meant. */
export function chosen(name: string, mask: Mask, params: unknown): boolean[] {
  if (typeof mask === 'function') {
    const { tensors, paths } = parametersOf(params);
    return paths.map((path, i) => Boolean(mask(path, tensors[i])));
  }
  const answers: boolean[] = [];
  walk(name, flatten(params, 'params').structure, mask, '', answers);
  return answers;
}

function walk(name: string, node: Structure, mask: unknown, path: string, answers: boolean[]): void {
  if (typeof mask === 'boolean') {
    for (let i = 0; i < node.leafCount; i++) answers.push(mask);
    return;
  }
  if (node.leafCount === 0) return;
  if (node.kind === 'leaf' || typeof mask !== 'object' || mask === null || isLeaf(mask))
    throw new WrongTree({
      did: `${name}: the mask${path} is ${mask === null ? 'null' : typeof mask} where the parameters are ${node}`,
      expected: 'a boolean for each leaf, or one for a whole subtree',
      remedy: `${name} also takes a function: (path, leaf) => leaf.ndim > 1`,
    });
  node.children.forEach((child, i) => {
    const key = node.keys[i] ?? i;
    const part = mask instanceof Map ? mask.get(key) : (mask as Record<string, unknown>)[key as string];
    walk(name, child, part, node.kind === 'array' ? `${path}[${i}]` : `${path}.${String(key)}`, answers);
  });
}

/** The leaves of one part. */
const partOf = (paths: readonly string[], leaves: readonly Tensor[], of: (i: number) => boolean): ByPath =>
  Object.fromEntries(paths.flatMap((path, i) => (of(i) ? [[path, leaves[i]]] : [])));

/**
 * The transformation for the leaves of the mask only; the gradients of all others are passed on unchanged. The
 * transformation sees the leaves as a record by their paths.
 *
 * @example chain(masked(trace(), { encoder: false, decoder: true }), scaleByLearningRate(0.1))
 * @throws WrongTree where a mask does not fit the parameters
 */
export function masked<State>(
  transformation: GradientTransformation<State>,
  mask: Mask,
): GradientTransformation<State> {
  const inside = (params: unknown): ((path: string, i: number) => string | undefined) => {
    const meant = chosen('masked', mask, params);
    return (_, i) => (meant[i] ? 'inside' : undefined);
  };
  const whole = parts('masked', { inside: transformation }, inside);
  return {
    init: params => whole.init(params).inside,
    update: <P>(gradients: Gradient<P>, state: State, params: P) => {
      const [updates, next] = whole.update(gradients, { inside: state }, params);
      return [updates, next.inside];
    },
  };
}

/**
 * A transformation for each of several parts: a function of a leaf's path, as in `layers[0].weight`, and of the leaf
 * gives the name of its part. The state has the state of each part by its name, in which the leaves are by their paths.
 *
 * @example
 * partition((path, leaf) => (leaf.ndim === 2 ? 'matrix' : 'rest'), {
 *   matrix: sgd({ learningRate: 0.1, momentum: 0.9 }),
 *   rest: adam({ learningRate: 1e-3 }),
 * })
 * @throws BadArgument where a part has no transformation
 */
export function partition<States extends { readonly [part: string]: unknown }>(
  partOfLeaf: (path: string, leaf: Tensor) => keyof States & string,
  transformations: { readonly [Name in keyof States]: GradientTransformation<States[Name]> },
): GradientTransformation<States> {
  const names = Object.keys(transformations);
  return parts<States>('partition', transformations, params => {
    const { tensors } = parametersOf(params);
    return (path, i) => {
      const name = partOfLeaf(path, tensors[i]);
      if (!names.includes(name))
        throw new BadArgument({
          did: `partition: the part of ${path || 'the parameter'} is ${JSON.stringify(name)}`,
          expected: `one of ${names.map(one => `'${one}'`).join(', ')}`,
          remedy: `partition(partOfLeaf, { ${String(name)}: freeze(), … })`,
        });
      return name;
    };
  });
}

/** `nameOf` gives the part of each leaf, or undefined where a gradient is passed on. */
function parts<States extends { readonly [part: string]: unknown }>(
  what: string,
  transformations: { readonly [Name in keyof States]: GradientTransformation<States[Name]> },
  nameOf: (params: unknown) => (path: string, i: number) => string | undefined,
): GradientTransformation<States> {
  const all = Object.entries(transformations) as [keyof States & string, GradientTransformation][];
  const split = (params: unknown): { parameters: Parameters; paths: readonly string[]; names: unknown[] } => {
    const parameters = parametersOf(params);
    const { paths } = parameters;
    return { parameters, paths, names: paths.map(nameOf(params)) };
  };
  return {
    init(params) {
      const { parameters, paths, names } = split(params);
      const entries = all.map(([name, one]) => [
        name,
        one.init(partOf(paths, parameters.tensors, i => names[i] === name)),
      ]);
      return Object.fromEntries(entries) as States;
    },
    update: <P>(gradients: Gradient<P>, states: States, params: P) => {
      const { parameters, paths, names } = split(params);
      const updates = parameters.like(`${what}: gradients`, gradients);
      const entries = all.map(([name, one]) => {
        const mine = (i: number): boolean => names[i] === name;
        const [changed, state] = one.update<ByPath>(
          partOf(paths, updates, mine),
          states[name],
          partOf(paths, parameters.tensors, mine),
        );
        paths.forEach((path, i) => {
          if (mine(i)) updates[i] = changed[path];
        });
        return [name, state];
      });
      return [parameters.rebuild(updates) as Gradient<P>, Object.fromEntries(entries) as States];
    },
  };
}
