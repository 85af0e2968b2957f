/** Tracing: runs a function on tracers and records its operations as a program. */
import type { Aval } from '../core/aval.ts';
import { currentOrigin, withOrigin } from '../core/origin.ts';
import { Variable, withoutDeadCode } from '../core/program.ts';
import { outlive } from '../core/scope.ts';
import type { Tensor } from '../core/tensor.ts';
import {
  assertAlive,
  ConditionWatch,
  currentTrace,
  markUsed,
  Trace,
  Tracer,
  withTrace,
} from '../core/trace.ts';
import { bind, type Equation, type Primitive, type Program } from '../primitives/primitive.ts';
import { abstractOutputs } from './evaluate.ts';

class ProgramTracer extends Tracer {
  readonly variable: Variable;

  constructor(trace: ProgramTrace, variable: Variable) {
    super(trace, variable.aval);
    this.variable = variable;
  }
}

export interface TraceOptions {
  /** The transformation's name, for messages. */
  readonly name: string;
  /** Note where every equation comes from. Default: what the trace around it does. */
  readonly sources?: boolean;
  /** Check that every condition made is used: for functions that a user wrote. */
  readonly watch?: boolean;
}

class ProgramTrace extends Trace {
  readonly name: string;
  readonly equations: Equation[] = [];
  readonly constants = new Map<Tensor, Variable>();
  readonly watch: ConditionWatch | null;

  constructor(options: TraceOptions) {
    super(options.watch);
    this.name = options.name;
    this.watch = options.watch ? new ConditionWatch() : null;
    this.sources = options.sources ?? currentTrace().sources;
  }

  /** The variable of a tensor: its own, or a constant's where the tensor comes from outside. */
  variableOf(tensor: Tensor): Variable {
    if (tensor instanceof ProgramTracer && tensor.owner === this) return tensor.variable;
    assertAlive(tensor);
    let variable = this.constants.get(tensor);
    if (variable === undefined) {
      variable = new Variable(tensor.aval);
      this.constants.set(tensor, variable);
      outlive(tensor);
    }
    return variable;
  }

  bind(operation: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    markUsed(operands);
    const inputs = operands.map(operand => this.variableOf(operand));
    const outputs = abstractOutputs(
      operation,
      inputs.map(input => input.aval),
      params,
    ).map(aval => new Variable(aval));
    const equation = { operation, inputs, params, outputs };
    this.equations.push(this.sources ? { ...equation, ...currentOrigin() } : equation);
    const results = outputs.map(output => new ProgramTracer(this, output));
    if (operation.kind !== 'structured') this.watch?.add(results);
    return results;
  }
}

/**
 * The program of `f`, which maps tensors to tensors. Tracers of enclosing transformations that f meets become
 * constants of the program.
 */
export function traceProgram(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  avals: readonly Aval[],
  options: TraceOptions,
): Program {
  const trace = new ProgramTrace(options);
  const inputs = avals.map(aval => new Variable(aval));
  try {
    const results = withTrace(trace, () => f(inputs.map(input => new ProgramTracer(trace, input))));
    trace.watch?.finish(results);
    const outputs = results.map(result => trace.variableOf(result));
    const constants = new Map([...trace.constants].map(([tensor, variable]) => [variable, tensor]));
    return withoutDeadCode({ inputs, constants, equations: trace.equations, outputs });
  } finally {
    trace.watch?.abandon();
    trace.alive = false;
  }
}

/** Runs what applies a recorded equation, so that new records keep where it came from. */
export function fromItsLine<T>({ source, role }: Equation, apply: () => T): T {
  return source === undefined ? apply() : withOrigin({ source, role }, apply);
}

/** Applies a program's operations one by one under the current interpretation. */
export function replay(program: Program, inputs: readonly Tensor[]): Tensor[] {
  const values = new Map<Variable, Tensor>(program.constants);
  program.inputs.forEach((variable, i) => values.set(variable, inputs[i]));
  for (const equation of program.equations) {
    const operands = equation.inputs.map(input => values.get(input) as Tensor);
    const results = fromItsLine(equation, () => bind(equation.operation, operands, equation.params));
    equation.outputs.forEach((output, i) => values.set(output, results[i]));
  }
  return program.outputs.map(output => values.get(output) as Tensor);
}

/** The program with the constants that belong to running transformations made inputs, before the others. */
export function hoistTracers(program: Program): { program: Program; hoisted: Tensor[] } {
  const tracers = [...program.constants].filter(([, value]) => value instanceof Tracer);
  if (tracers.length === 0) return { program, hoisted: [] };
  const constants = new Map([...program.constants].filter(([, value]) => !(value instanceof Tracer)));
  return {
    program: { ...program, inputs: [...tracers.map(([variable]) => variable), ...program.inputs], constants },
    hoisted: tracers.map(([, value]) => value),
  };
}

const derived = new WeakMap<Program, Map<string, unknown>>();

/** What was derived from a program before under this key, or `make()`. */
export function remember<T>(program: Program, key: string, make: () => T): T {
  let made = derived.get(program);
  if (made === undefined) {
    made = new Map();
    derived.set(program, made);
  }
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as T;
}
