/** All derivatives of a function of several numbers: one pushforward for each input, or one pullback for each output. */
import { range } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Structure, unflatten } from '../core/tree.ts';
import {
  add,
  cast,
  equal,
  full,
  iota,
  moveAxis,
  reshape,
  slice,
  zerosLike,
} from '../primitives/vectorspace.ts';
import type { Arguments, Gradient } from './arguments.ts';
import { type LinearizedTree, linearizeTree } from './linearize.ts';
import { replay } from './trace.ts';
import { transposeProgram } from './transpose.ts';
import { named, vmap } from './vmap.ts';

export interface JacobianOptions {
  /** The argument to differentiate, counted from 0. Default 0. */
  readonly argnums?: number;
}

/** The tree of the output whose leaves are trees like the input: each leaf has the output's shape, then the input's. */
export type Jacobian<X, Y> = Y extends Tensor | number ? Gradient<X> : { [K in keyof Y]: Jacobian<X, Y[K]> };

/** The unit vectors of all leaves together: for each leaf a tensor [n, …shape], n the total number of elements. */
function unitVectors(leaves: readonly Tensor[]): Tensor[] {
  const total = leaves.reduce((n, leaf) => n + leaf.size, 0);
  let start = 0;
  return leaves.map(leaf => {
    const rows = iota('int32', [total, leaf.size], 0);
    const columns = iota('int32', [total, leaf.size], 1);
    const place = add(columns, full(columns.shape, start, 'int32'));
    start += leaf.size;
    return reshape(cast(equal(rows, place), leaf.dtype), [total, ...leaf.shape]);
  });
}

/** Cuts a tensor along axis 0 into blocks with the leaves' sizes. */
function blocks(x: Tensor, leaves: readonly Tensor[]): Tensor[] {
  let start = 0;
  return leaves.map(leaf => {
    const rest = range(x.ndim - 1);
    const part = slice(x, [start, ...rest.map(() => 0)], [start + leaf.size, ...x.shape.slice(1)]);
    start += leaf.size;
    return part;
  });
}

function linearizeArgument(
  name: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  argnum: number,
): LinearizedTree {
  if (!(argnum in args))
    throw new BadArgument({
      did: `${name}: argument ${argnum} of ${args.length} is to be differentiated`,
      expected: 'an argument that was passed',
      remedy: 'set argnums to the number of an argument, counted from 0',
    });
  const one = (x: unknown): unknown => {
    const all = [...args];
    all[argnum] = x;
    return (f as (...all: unknown[]) => unknown)(...all);
  };
  return linearizeTree(name, named(one as (...args: never[]) => unknown, f), [args[argnum]], [argnum]);
}

/** The output tree with an input tree at each leaf. */
function assemble(outputs: Structure, inputs: Structure, leaves: readonly (readonly Tensor[])[]): unknown {
  return unflatten(
    outputs,
    leaves.map(row => (unflatten(inputs, row) as unknown[])[0]),
  );
}

/**
 * The Jacobian by forward mode: one pushforward for each element of the input, all in one batch. Best where the
 * output is larger than the input.
 *
 * @returns a function whose result is the output's tree; at each leaf an input tree of shape [...output, ...input]
 * @example jacfwd((x) => x.mul(x))(tensor([1, 2])) // [[2, 0], [0, 4]]
 */
export function jacfwd<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Jacobian<A[0], R> {
  const { argnums = 0 } = options;
  return named((...args: unknown[]) => {
    const { args: primals, call, at } = linearizeArgument('jacfwd', f, args, argnums);
    const columns = vmap((...tangents: Tensor[]) => replay(at.linear, tangents))(
      ...unitVectors(primals.leaves),
    ) as Tensor[];
    const rows = at.outputs.map((output, i) => {
      const place = at.places[i];
      if (place === null)
        return primals.leaves.map(leaf => full([...output.shape, ...leaf.shape], 0, output.dtype));
      return blocks(columns[place], primals.leaves).map((block, j) => {
        const last = moveAxis(block, 0, output.ndim);
        return reshape(last, [...output.shape, ...primals.leaves[j].shape]);
      });
    });
    return assemble(call.structure(), primals.structure, rows) as Jacobian<A[0], R>;
  }, f) as (...args: Arguments<A>) => Jacobian<A[0], R>;
}

/**
 * The Jacobian by reverse mode: one pullback for each element of the output, all in one batch. Best where the input
 * is larger than the output.
 *
 * @returns as {@link jacfwd}
 */
export function jacrev<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Jacobian<A[0], R> {
  const { argnums = 0 } = options;
  return named((...args: unknown[]) => {
    const { args: primals, call, at } = linearizeArgument('jacrev', f, args, argnums);
    const moving = at.outputs.filter((_, i) => at.places[i] !== null);
    const pulled =
      moving.length === 0
        ? []
        : (vmap((...cotangents: Tensor[]) =>
            transposeProgram(at.linear, cotangents).map((ct, i) => ct ?? zerosLike(primals.leaves[i])),
          )(...unitVectors(moving)) as Tensor[]);
    const byLeaf = pulled.map(leaf => blocks(leaf, moving));
    const rows = at.outputs.map((output, i) => {
      const place = at.places[i];
      return primals.leaves.map((leaf, j) => {
        const shape = [...output.shape, ...leaf.shape];
        return place === null ? full(shape, 0, leaf.dtype) : reshape(byLeaf[j][place], shape);
      });
    });
    return assemble(call.structure(), primals.structure, rows) as Jacobian<A[0], R>;
  }, f) as (...args: Arguments<A>) => Jacobian<A[0], R>;
}

export interface ModeOptions extends JacobianOptions {
  /** `auto`: forward where the input is not larger than the output, else reverse. */
  readonly mode?: 'auto' | 'forward' | 'reverse';
}

/**
 * The Jacobian, by the cheaper mode.
 *
 * @example jacobian((x) => A.matmul(x))(x) // A
 */
export function jacobian<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: ModeOptions = {},
): (...args: Arguments<A>) => Jacobian<A[0], R> {
  const { mode = 'auto', argnums = 0 } = options;
  if (mode !== 'auto' && mode !== 'forward' && mode !== 'reverse')
    throw new BadArgument({
      did: `jacobian with mode ${JSON.stringify(mode)}`,
      expected: "'auto', 'forward' or 'reverse'",
      remedy: "jacobian(f, { mode: 'auto' })",
    });
  if (mode === 'forward') return jacfwd(f, options);
  if (mode === 'reverse') return jacrev(f, options);
  return named((...args: unknown[]) => {
    const { args: primals, at } = linearizeArgument('jacobian', f, args, argnums);
    const size = (tensors: readonly Tensor[]): number => tensors.reduce((n, tensor) => n + tensor.size, 0);
    const chosen = size(primals.leaves) <= size(at.outputs) ? jacfwd : jacrev;
    return (chosen(f, options) as (...args: unknown[]) => Jacobian<A[0], R>)(...args);
  }, f) as (...args: Arguments<A>) => Jacobian<A[0], R>;
}

/** The matrix of second derivatives, forward over reverse: a tree of trees like the input. */
export type Hessian<X> = Jacobian<X, Gradient<X>>;

/**
 * The Hessian of a scalar function: the forward Jacobian of its gradient.
 *
 * @example hessian((x) => x.mul(x).mul(x).sum())(tensor([1, 2])) // [[6, 0], [0, 12]]
 */
export function hessian<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Hessian<A[0]> {
  const reverse = jacrev(f, options) as unknown as (...args: A) => unknown;
  return jacfwd(
    named(reverse as (...args: never[]) => unknown, f) as (...args: A) => unknown,
    options,
  ) as unknown as (...args: Arguments<A>) => Hessian<A[0]>;
}
