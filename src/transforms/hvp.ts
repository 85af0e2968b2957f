import type { Tensor } from '../core/tensor.ts';
import type { Arguments, Gradient } from './arguments.ts';
import { grad } from './grad.ts';
import { jvp } from './jvp.ts';

/** One gradient for a function of one argument, a list of them for several. */
type OneOrMore<A extends readonly unknown[]> = A extends readonly [infer Only]
  ? Gradient<Only>
  : { [K in keyof A]: Gradient<A[K]> };

/**
 * The Hessian–vector product ∇²f(x)·v, forward over reverse: the derivative of the gradient along v. It costs a few
 * gradients, whatever the dimension.
 *
 * @param primals the arguments of f
 * @param tangents the vector, a tree of the same structure
 * @example hvp((x) => x.mul(x).mul(x).sum(), [tensor([1, 2])], [tensor([1, 0])]) // [6, 0]
 */
export function hvp<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
  primals: Arguments<A>,
  tangents: { [K in keyof A]: Gradient<A[K]> | Arguments<A>[K] },
): OneOrMore<A> {
  const list = primals as readonly unknown[];
  const gradient = grad(f as unknown as (...args: unknown[]) => Tensor, {
    argnums: list.map((_, i) => i),
  }) as unknown as (...args: unknown[]) => unknown[];
  const [, product] = jvp(gradient, list as unknown[], tangents as unknown as unknown[]);
  return (list.length === 1 ? (product as unknown[])[0] : product) as OneOrMore<A>;
}
