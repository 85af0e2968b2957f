import type { Aval } from './aval.ts';
import type { Role } from './origin.ts';
import type { Tensor } from './tensor.ts';
import type { Operation, Params } from './trace.ts';

/** A variable of a program: an input, a constant, or a result of one equation. */
export class Variable {
  readonly aval: Aval;

  constructor(aval: Aval) {
    this.aval = aval;
  }
}

/** `outputs = operation[params](inputs)`. */
export interface Equation<P extends Operation = Operation> {
  readonly operation: P;
  readonly inputs: readonly Variable[];
  readonly params: Params;
  readonly outputs: readonly Variable[];
  /** The user's line that made it, where it was recorded. */
  readonly source?: string;
  /** What it does in a derivative, where that was noted. */
  readonly role?: Role | undefined;
  /** Set by the compiler: the number of the call that computes this again on purpose, to save memory. */
  readonly region?: number;
}

/**
 * A typed, side-effect-free list of equations. Every variable is assigned once, before it is used.
 * Constants are tensors met while tracing that were not inputs.
 */
export interface Program<P extends Operation = Operation> {
  readonly inputs: readonly Variable[];
  readonly constants: ReadonlyMap<Variable, Tensor>;
  readonly equations: readonly Equation<P>[];
  readonly outputs: readonly Variable[];
}

/** The equations that the outputs need, in order. */
export function withoutDeadCode<P extends Operation>(program: Program<P>): Program<P> {
  const needed = new Set<Variable>(program.outputs);
  const kept: Equation<P>[] = [];
  for (const equation of [...program.equations].reverse()) {
    if (!equation.outputs.some(output => needed.has(output))) continue;
    for (const input of equation.inputs) needed.add(input);
    kept.push(equation);
  }
  const constants = new Map([...program.constants].filter(([variable]) => needed.has(variable)));
  return { inputs: program.inputs, constants, equations: kept.reverse(), outputs: program.outputs };
}
