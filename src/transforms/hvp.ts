/** Products with second derivatives, without the matrix. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Arguments, Gradient } from './arguments.ts';
import { grad } from './grad.ts';
import { jvp } from './jvp.ts';
import { vjpAs } from './vjp.ts';

/** One gradient for a function of one argument, a list of them for several. */
export type OneOrMore<A extends readonly unknown[]> = A extends readonly [infer Only]
  ? Gradient<Only>
  : { [K in keyof A]: Gradient<A[K]> };

export interface HvpOptions {
  /**
   * - `forward-over-reverse`: the derivative of the gradient along v, one pushforward of it. The cheaper one.
   * - `reverse-over-reverse`: the gradient of ⟨∇f(x), v⟩, one pullback of it. Needs no forward rules above the first
   *   order, and keeps what both reverse passes need.
   */
  readonly mode?: 'forward-over-reverse' | 'reverse-over-reverse';
}

/**
 * The Hessian–vector product ∇²f(x)·v, at the cost of a few gradients, whatever the dimension. By default the derivative
 * of the gradient along v; or the pullback of v through the gradient, which is ∇(⟨∇f(x), v⟩) with v held fixed, since the
 * Hessian is symmetric.
 *
 * v is a constant here, even if it was computed from x. Who writes grad((x) => grad(f)(x).mul(v).sum()) by hand
 * and computes v from x inside must write stopGradient(v): otherwise the product rule adds (∂v/∂x)ᵀ·∇f(x).
 *
 * @param primals the arguments of f
 * @param tangents the vector, a tree of the same structure
 * @example hvp((x) => x.mul(x).mul(x).sum(), [tensor([1, 2])], [tensor([1, 0])]) // [6, 0]
 * @throws NonScalarOutput, NotDifferentiable, WrongTree where tangents do not match primals
 * @see Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994)
 */
export function hvp<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
  primals: Arguments<A>,
  tangents: { [K in keyof A]: Gradient<A[K]> | Arguments<A>[K] },
  options: HvpOptions = {},
): OneOrMore<A> {
  const { mode = 'forward-over-reverse' } = options;
  if (mode !== 'forward-over-reverse' && mode !== 'reverse-over-reverse')
    throw new BadArgument({
      did: `hvp with mode ${JSON.stringify(mode)}`,
      expected: "'forward-over-reverse' or 'reverse-over-reverse'",
      remedy: "hvp(f, [x], [v], { mode: 'reverse-over-reverse' })",
    });
  const list = primals as readonly unknown[];
  const gradient = grad(f as unknown as (...args: unknown[]) => Tensor, {
    argnums: list.map((_, i) => i),
  }) as unknown as (...args: unknown[]) => unknown[];
  const product =
    mode === 'forward-over-reverse'
      ? (jvp(gradient, list as unknown[], tangents as unknown as unknown[])[1] as unknown[])
      : vjpAs('hvp', gradient as (...args: never[]) => unknown, list)[1](tangents);
  return (list.length === 1 ? product[0] : product) as OneOrMore<A>;
}
