/** Reverse mode: linearize, then transpose. */
import { promoteTypes } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { unflatten } from '../core/tree.ts';
import { cast, zerosLike } from '../primitives/vectorspace.ts';
import { type Arguments, type Gradient, matching, type Outputs } from './arguments.ts';
import { type LinearizedTree, linearizeTree } from './linearize.ts';
import { transposeProgram } from './transpose.ts';

/** The cotangents of all primal leaves for the cotangents of the outputs. */
export function pull({ args, at }: LinearizedTree, cotangents: readonly Tensor[]): Tensor[] {
  const moving: Tensor[] = [];
  at.places.forEach((place, i) => {
    if (place !== null) moving[place] = cotangents[i];
  });
  const results = transposeProgram(at.linear, moving);
  return args.leaves.map((leaf, i) => {
    const cotangent = results[i] ?? zerosLike(leaf);
    // A plain number had no type of its own: its derivative has the outputs'.
    return leaf.aval.weak === null ? cotangent : cast(cotangent, outputType(at.outputs));
  });
}

function outputType(outputs: readonly Tensor[]): 'float32' | 'float64' {
  const floats = outputs.filter(output => output.aval.isFloat).map(output => output.dtype);
  return floats.length === 0 ? 'float32' : (floats.reduce(promoteTypes) as 'float32' | 'float64');
}

/**
 * The vector–Jacobian product: [f(x), pullback]. The pullback maps a cotangent ȳ of the output to x̄ = ȳᵀ·∂f(x), one
 * cotangent for each primal, and may be called again and again. One call costs at most about four runs of f.
 *
 * @example const [y, pullback] = vjp((x) => sin(x), 1); const [dx] = pullback(1) // cos(1)
 * @throws NotDifferentiable for integer arguments, WrongTree or ShapeMismatch for a cotangent unlike the output
 */
export function vjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Arguments<A>
): [
  Outputs<R>,
  (cotangent: Outputs<R> | (R extends Tensor ? number : never)) => { [K in keyof A]: Gradient<A[K]> },
] {
  return vjpAs('vjp', f, primals as readonly unknown[]) as never;
}

/** The same under the name that the user called; `numbers` says which of the user's arguments the primals are. */
export function vjpAs(
  name: string,
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  numbers?: readonly number[],
): [out: unknown, pullback: (cotangent: unknown) => unknown[]] {
  const linearized = linearizeTree(name, f, primals, numbers);
  const { args, call, at } = linearized;
  const structure = call.structure();
  const pullback = (cotangent: unknown): unknown[] => {
    const cotangents = matching('pullback: the cotangent', structure, at.outputs, cotangent);
    return unflatten(args.structure, pull(linearized, cotangents)) as unknown[];
  };
  return [call.result(at.outputs), pullback];
}
