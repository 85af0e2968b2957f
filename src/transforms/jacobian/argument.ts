/** What all ways to a Jacobian share: the argument that is differentiated, and the tree of the result. */
import { BadArgument } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { type Structure, unflatten } from '../../core/tree.ts';
import { differentiableArguments, type Gradient, type Leaves } from '../arguments.ts';
import { type Linearized, linearizeTree } from '../linearize.ts';
import { named } from '../vmap.ts';

export interface JacobianOptions {
  /** The argument to differentiate, counted from 0. Default 0. */
  readonly argnums?: number;
}

/** The tree of the output whose leaves are trees like the input: each leaf has the output's shape, then the input's. */
export type Jacobian<X, Y> = Y extends Tensor | number ? Gradient<X> : { [K in keyof Y]: Jacobian<X, Y[K]> };

export type AnyFunction = (...args: never[]) => unknown;

/** f as a function of the one argument, the others as given. */
export function ofArgument(
  name: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnum: number,
): AnyFunction {
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
  return named(one as AnyFunction, f);
}

/** The differentiated argument's leaves, and f as a function of it. */
export function differentiated(
  name: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnum: number,
): { primals: Leaves; one: AnyFunction } {
  const one = ofArgument(name, f, args, argnum);
  return { primals: differentiableArguments(name, one, [args[argnum]], [argnum]), one };
}

/** The derivative of f by one argument, at a point. */
export interface LinearizedArgument {
  readonly primals: Leaves;
  readonly at: Linearized;
  /** The tree of f's result. */
  readonly structure: Structure;
}

export function linearizeArgument(
  name: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnum: number,
): LinearizedArgument {
  const one = ofArgument(name, f, args, argnum);
  const { args: primals, call, at } = linearizeTree(name, one, [args[argnum]], [argnum]);
  return { primals, at, structure: call.structure() };
}

/** The output tree with an input tree at each leaf. */
export function assemble(
  outputs: Structure,
  inputs: Structure,
  leaves: readonly (readonly Tensor[])[],
): unknown {
  return unflatten(
    outputs,
    leaves.map(row => (unflatten(inputs, row) as unknown[])[0]),
  );
}
