/** The program of a function, to be read. */
import { checkProgram } from '../core/check.ts';
import { labelOf } from '../core/path.ts';
import { printProgram } from '../core/print.ts';
import type { Program } from '../primitives/primitive.ts';
import { type Arguments, callWithTree, flattenArguments, requireFunction } from './arguments.ts';
import { traceProgram } from './trace.ts';

/** A checked program; `String(program)` prints it, one equation a line. */
export type PrintableProgram = Program & { toString(): string };

/**
 * Traces a function and returns its program: what it computes, as a list of equations over primitives.
 *
 * @example String(program((x) => x.mul(x).sum())(tensor([1, 2])))
 * @throws ConcreteValueNeeded where the function asks for a value
 */
export function program<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
): (...args: Arguments<A>) => PrintableProgram {
  requireFunction('program', f);
  return (...args) => {
    const call = callWithTree('program', f);
    const { leaves, rebuild } = flattenArguments(args as readonly unknown[]);
    const made = traceProgram(
      inputs => call.run(rebuild(inputs)),
      leaves.map(leaf => leaf.aval),
      { name: labelOf('program', f), sources: true, watch: true },
    );
    checkProgram(made);
    return Object.defineProperty({ ...made }, 'toString', {
      value: () => printProgram(made),
    }) as PrintableProgram;
  };
}
