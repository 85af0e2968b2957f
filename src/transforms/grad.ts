/**
 * Backpropagation is the special case of reverse mode in which the function has one output, a scalar loss, and its
 * cotangent is 1.
 */
import { NonScalarOutput, WrongTree } from '../core/errors.ts';
import { labelOf } from '../core/path.ts';
import { Tensor } from '../core/tensor.ts';
import { onesLike, requireDifferentiable } from '../primitives/vectorspace.ts';
import {
  type Argument,
  type Gradient,
  type Outputs,
  requireArguments,
  requireFunction,
} from './arguments.ts';
import { vjpAs } from './vjp.ts';

export interface GradOptions<
  N extends number | readonly number[] = number | readonly number[],
  Aux extends boolean = boolean,
> {
  /** The arguments to differentiate, counted from 0; an array of them gives an array of gradients. Default 0. */
  readonly argnums?: N;
  /** The function returns [loss, anything else]; the else comes back undifferentiated. */
  readonly hasAux?: Aux;
}

type Inputs<A extends readonly unknown[]> = { [K in keyof A]: Argument<A[K]> };
type Gradients<A extends readonly unknown[], N> = N extends number
  ? Gradient<A[N]>
  : N extends readonly number[]
    ? { [K in keyof N]: Gradient<A[N[K] & number]> }
    : never;
type Scalar = Tensor | number;

/**
 * The value and the gradient of a scalar function, at the cost of about one forward and one backward pass.
 *
 * @returns a function of the same arguments that returns [f(x), ∇f(x)]; with `hasAux` it is [[f(x), aux], ∇f(x)]
 * @example const [loss, g] = valueAndGrad((w) => w.mul(w).sum())(tensor([1, 2])) // g = [2, 4]
 * @throws NonScalarOutput, NotDifferentiable, MissingArgument
 */
export function valueAndGrad<A extends readonly unknown[], R, const N extends number | readonly number[]>(
  f: (...args: A) => readonly [Scalar, R],
  options: { readonly argnums: N; readonly hasAux: true },
): (...args: Inputs<A>) => [[Tensor, Outputs<R>], Gradients<A, N>];
export function valueAndGrad<A extends readonly unknown[], R>(
  f: (...args: A) => readonly [Scalar, R],
  options: { readonly hasAux: true },
): (...args: Inputs<A>) => [[Tensor, Outputs<R>], Gradient<A[0]>];
export function valueAndGrad<A extends readonly unknown[], const N extends number | readonly number[]>(
  f: (...args: A) => Scalar,
  options: { readonly argnums: N; readonly hasAux?: false },
): (...args: Inputs<A>) => [Tensor, Gradients<A, N>];
export function valueAndGrad<A extends readonly unknown[]>(
  f: (...args: A) => Scalar,
  options?: { readonly hasAux?: false },
): (...args: Inputs<A>) => [Tensor, Gradient<A[0]>];
export function valueAndGrad(
  f: (...args: never[]) => unknown,
  options: GradOptions = {},
): (...args: never[]) => unknown {
  requireFunction('grad', f);
  const { argnums = 0, hasAux = false } = options;
  const numbers = typeof argnums === 'number' ? [argnums] : argnums;
  return (...args: unknown[]) => {
    requireArguments('grad', f, args, numbers);
    let aux: unknown;
    const ofChosen = (...chosen: unknown[]): unknown => {
      const all = [...args];
      numbers.forEach((number, i) => {
        all[number] = chosen[i];
      });
      const out = (f as (...all: unknown[]) => unknown)(...all);
      if (!hasAux) return out;
      if (!Array.isArray(out) || out.length !== 2)
        throw new WrongTree({
          did: `${labelOf('grad', f)} with hasAux got a result that is not a pair`,
          expected: 'a function that returns [loss, aux]',
          remedy: 'return [loss, aux], or leave hasAux away',
        });
      return out;
    };
    Object.defineProperty(ofChosen, 'name', { value: f.name });
    const [out, gradients] = backpropagate(
      ofChosen,
      numbers,
      numbers.map(number => args[number]),
      hasAux,
      rest => {
        aux = rest;
      },
    );
    return [hasAux ? [out, aux] : out, typeof argnums === 'number' ? gradients[0] : gradients];
  };
}

/** The gradient is the pullback of the cotangent 1. */
function backpropagate(
  f: (...args: unknown[]) => unknown,
  numbers: readonly number[],
  primals: unknown[],
  hasAux: boolean,
  keep: (aux: unknown) => void,
): [Tensor, unknown[]] {
  const [out, pullback] = vjpAs('grad', f, primals, numbers);
  const loss = hasAux ? (out as [unknown, unknown])[0] : out;
  if (!(loss instanceof Tensor) || loss.ndim !== 0)
    throw new NonScalarOutput({
      did: `${labelOf('grad', f)}: the function returned ${loss instanceof Tensor ? `a tensor ${loss.aval}` : 'a tree'}`,
      expected: 'one 0-dimensional float tensor',
      remedy:
        'sum or average it: loss.sum(), loss.mean(); for all derivatives of a vector use jacobian(f); for [loss, aux] pass { hasAux: true }',
    });
  requireDifferentiable(loss.aval, `${labelOf('grad', f)}: the value`);
  if (hasAux) keep((out as [unknown, unknown])[1]);
  return [loss, pullback(hasAux ? [onesLike(loss), null] : onesLike(loss))];
}

/**
 * The gradient of a scalar function: the vector–Jacobian product with cotangent 1.
 *
 * The function runs on real values, so that `if` and loops over `x.item()` work in it.
 *
 * @returns a function of the same arguments whose result is a tree like argument 0 (or those of `argnums`); with
 *   `hasAux` it is [gradient, aux]
 * @example grad((x) => x.mul(x).sum())(tensor([1, 2, 3])) // [2, 4, 6]
 * @throws NonScalarOutput, NotDifferentiable, MissingArgument
 */
export function grad<A extends readonly unknown[], R, const N extends number | readonly number[]>(
  f: (...args: A) => readonly [Scalar, R],
  options: { readonly argnums: N; readonly hasAux: true },
): (...args: Inputs<A>) => [Gradients<A, N>, Outputs<R>];
export function grad<A extends readonly unknown[], R>(
  f: (...args: A) => readonly [Scalar, R],
  options: { readonly hasAux: true },
): (...args: Inputs<A>) => [Gradient<A[0]>, Outputs<R>];
export function grad<A extends readonly unknown[], const N extends number | readonly number[]>(
  f: (...args: A) => Scalar,
  options: { readonly argnums: N; readonly hasAux?: false },
): (...args: Inputs<A>) => Gradients<A, N>;
export function grad<A extends readonly unknown[]>(
  f: (...args: A) => Scalar,
  options?: { readonly hasAux?: false },
): (...args: Inputs<A>) => Gradient<A[0]>;
export function grad(
  f: (...args: never[]) => unknown,
  options: GradOptions = {},
): (...args: never[]) => unknown {
  const both = valueAndGrad(f as (...args: never[]) => Scalar, options as { argnums: 0 }) as (
    ...args: unknown[]
  ) => [unknown, unknown];
  return (...args: unknown[]) => {
    const [out, gradient] = both(...args);
    return options.hasAux ? [gradient, (out as [unknown, unknown])[1]] : gradient;
  };
}
