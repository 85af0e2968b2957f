/** What root finders and minimizers report, and the options that they have in common. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { InnerOptions } from '../linalg/iterative/linear-solve.ts';
import type { Outputs } from '../transforms/arguments.ts';

/** A solution and what the iteration has to say of itself. Only x has derivatives. */
export interface Solution<X> {
  readonly x: Outputs<X>;
  /** int32. */
  readonly iterations: Tensor;
  /** ‖f(x)‖, or what else must vanish at the solution. */
  readonly residual: Tensor;
  /** A bool: the tolerance was reached. */
  readonly converged: Tensor;
}

export interface SolutionOptions {
  /** How many steps at most. */
  readonly maxIterations?: number;
  /** How the linear systems of Newton's steps and of the derivatives are solved. */
  readonly linear?: InnerOptions;
}

/** Throws where an option is no number in its range. */
export function requireSteps(
  name: string,
  options: { readonly maxIterations?: number; readonly tolerance?: number; readonly memory?: number },
): void {
  const { maxIterations = 1, tolerance = 0, memory = 1 } = options;
  const wrong = !(Number.isInteger(maxIterations) && maxIterations >= 0)
    ? `maxIterations ${String(maxIterations)}`
    : !(tolerance >= 0)
      ? `tolerance ${String(tolerance)}`
      : !(Number.isInteger(memory) && memory >= 0)
        ? `memory ${String(memory)}`
        : undefined;
  if (wrong !== undefined)
    throw new BadArgument({
      did: `${name} with ${wrong}`,
      expected: 'a whole number of steps and a tolerance, neither of them negative',
      remedy: `${name}(f, x0, parameters, { maxIterations: 100, tolerance: 1e-8 })`,
    });
}

/** Throws where a choice is none of those there are. */
export function requireMethod(name: string, method: string, methods: readonly string[]): void {
  if (!methods.includes(method))
    throw new BadArgument({
      did: `${name} with method ${JSON.stringify(method)}`,
      expected: `one of ${methods.map(one => `'${one}'`).join(', ')}`,
      remedy: `${name}(f, x0, parameters, { method: '${methods[0]}' })`,
    });
}
