/** Products with the Gauss–Newton matrix, the part of a Hessian that has no negative curvature. */
import type { Tensor } from '../core/tensor.ts';
import { unflatten } from '../core/tree.ts';
import { type Arguments, type Gradient, type Outputs, tangentArguments } from './arguments.ts';
import { hvp, type OneOrMore } from './hvp.ts';
import { linearizeTree } from './linearize.ts';
import { replay } from './trace.ts';
import { pull } from './vjp.ts';

/**
 * The Gauss–Newton product Jᵀ·H·J·v: J is the Jacobian of f at the primals and H the Hessian of the loss at f's value. It
 * is the Hessian of loss(f(x)) without the curvature of f; the two are equal where f is linear, or ∇loss is 0. If the
 * loss is convex, it is positive semidefinite, and with the loss a negative log-likelihood in its natural parameters it
 * is the Fisher matrix.
 *
 * One linearization of f serves for both J and Jᵀ; the matrix is never made.
 *
 * @param f a function to outputs, a tree
 * @param loss a scalar function of f's result
 * @param primals the arguments of f
 * @param tangents the vector v, a tree like the primals
 * @returns a tree like the primals; a list of them where f has several arguments
 * @example gnvp((w) => x.matmul(w), (y) => y.mul(y).sum(), [w], [v]) // 2·xᵀ·x·v
 * @throws NonScalarOutput, NotDifferentiable, WrongTree where tangents do not match primals
 * @see Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", Neural Computation 14 (2002)
 */
export function gnvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  loss: (outputs: Outputs<R>) => Tensor | number,
  primals: Arguments<A>,
  tangents: { [K in keyof A]: Gradient<A[K]> | Arguments<A>[K] },
): OneOrMore<A> {
  const list = primals as readonly unknown[];
  const linearized = linearizeTree('gnvp', f as (...args: never[]) => unknown, list);
  const { args, call, at } = linearized;
  const moved = replay(at.linear, tangentArguments('gnvp', args, tangents as readonly unknown[]));
  // Results without derivative are constants of the loss.
  const moving = at.places.flatMap((place, i) => (place === null ? [] : [i]));
  const lossOfMoving = (...values: Tensor[]): Tensor | number => {
    const all = [...at.outputs];
    moving.forEach((output, k) => {
      all[output] = values[k];
    });
    return loss(call.result(all) as Outputs<R>);
  };
  const product =
    moving.length === 0
      ? []
      : [hvp(lossOfMoving, moving.map(i => at.outputs[i]) as Tensor[], moved as Tensor[])].flat();
  const cotangents: Tensor[] = [];
  moving.forEach((output, k) => {
    cotangents[output] = (product as Tensor[])[k];
  });
  const results = unflatten(args.structure, pull(linearized, cotangents)) as unknown[];
  return (list.length === 1 ? results[0] : results) as OneOrMore<A>;
}
