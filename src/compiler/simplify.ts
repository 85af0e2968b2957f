/** Programs made smaller: equal operations are done once, and laws of the operations are applied. */

import { type Aval, sameShape } from '../core/aval.ts';
import { Variable, withoutDeadCode } from '../core/program.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../core/tensor.ts';
import { Trace, Tracer, withTrace } from '../core/trace.ts';
import type { Equation, Made, Primitive, Program, Rewrite, Seen } from '../primitives/primitive.ts';

let regions = 0;

/**
 * Calls replaced by the equations of their programs, at every depth. What a call computes again on purpose is a region
 * of its own, which nothing outside may be merged with or moved into.
 */
export function inlineCalls(program: Program): Program {
  if (!program.equations.some(equation => isCall(equation))) return program;
  const constants = new Map(program.constants);
  const renamed = new Map<Variable, Variable>();
  const nameOf = (variable: Variable): Variable => renamed.get(variable) ?? variable;
  const equations: Equation[] = [];
  const add = (list: readonly Equation[], region: number | undefined): void => {
    for (const equation of list) {
      const inputs = equation.inputs.map(nameOf);
      if (!isCall(equation)) {
        const outputs = equation.outputs.map(output => {
          // One program may be called twice: every call has results of its own.
          const fresh = new Variable(output.aval);
          renamed.set(output, fresh);
          return fresh;
        });
        const within = equation.region ?? region;
        equations.push({
          ...equation,
          inputs,
          outputs,
          ...(within === undefined ? {} : { region: within }),
        });
        continue;
      }
      const { program: inner } = equation.params as { program: Program };
      inner.inputs.forEach((input, i) => renamed.set(input, inputs[i]));
      for (const [variable, value] of inner.constants) {
        constants.set(variable, value);
        renamed.delete(variable);
      }
      add(inner.equations, isBarrier(equation) ? regions++ : region);
      const results = inner.outputs.map(nameOf);
      equation.outputs.forEach((output, i) => renamed.set(output, results[i]));
    }
  };
  add(program.equations, undefined);
  return { inputs: program.inputs, constants, equations, outputs: program.outputs.map(nameOf) };
}

const isCall = ({ operation }: Equation): boolean =>
  operation.kind === 'structured' && operation.lower.form === 'inline';

const isBarrier = ({ operation }: Equation): boolean =>
  operation.kind === 'structured' && operation.lower.form === 'inline' && operation.lower.barrier === true;

/** What two constants have in common only if they are equal bit for bit: the type and bytes of a single number, else the tensor. */
export function valueOf(tensor: Tensor): unknown {
  if (tensor.size !== 1 || !(tensor instanceof ConcreteTensor) || !(tensor.storage instanceof HostStorage))
    return tensor;
  const { buffer, byteOffset, byteLength } = tensor.storage.array;
  const { dtype, weak, shape } = tensor.aval;
  return [dtype, weak, shape.length, new Uint8Array(buffer, byteOffset, byteLength)].join();
}

/** Stands for a variable of the program while a law is applied. */
class Symbolic extends Tracer {
  readonly variable: Variable;

  constructor(trace: Trace, variable: Variable) {
    super(trace, variable.aval);
    this.variable = variable;
  }
}

/** Laws of an operation besides those that it declares. */
export type FurtherLaws = (operation: Primitive) => readonly Rewrite[];

/** Writes a program anew, equation by equation. What a law gives is written the same way. */
class Simplifier extends Trace implements Seen {
  readonly name = 'simplify';
  readonly constants: Map<Variable, Tensor>;
  readonly equations: Equation[] = [];
  readonly #laws: FurtherLaws | undefined;
  readonly #same = new Map<Variable, Variable>();
  readonly #makers = new Map<Variable, Equation>();
  readonly #tracers = new Map<Variable, Symbolic>();
  /** Constants by {@link valueOf}. */
  readonly #byValue = new Map<unknown, Variable>();
  readonly #seen = new Map<string, readonly Variable[]>();
  readonly #ids = new Map<object, number>();
  /** What a law's right side has in common with its left. */
  #origin: Pick<Equation, 'source' | 'role' | 'region'> = {};

  constructor(constants: Program['constants'], laws: FurtherLaws | undefined) {
    super();
    this.#laws = laws;
    this.constants = new Map(constants);
    for (const [variable, tensor] of constants) {
      const value = valueOf(tensor);
      const first = this.#byValue.get(value);
      if (first === undefined) this.#byValue.set(value, variable);
      else this.#same.set(variable, first);
    }
  }

  readonly find = (variable: Variable): Variable => this.#same.get(variable) ?? variable;

  #id(thing: object): number {
    let id = this.#ids.get(thing);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(thing, id);
    }
    return id;
  }

  #tracer(variable: Variable): Symbolic {
    let tracer = this.#tracers.get(variable);
    if (tracer === undefined) {
      tracer = new Symbolic(this, variable);
      this.#tracers.set(variable, tracer);
    }
    return tracer;
  }

  #variableOf(tensor: Tensor): Variable {
    if (tensor instanceof Symbolic && tensor.owner === this) return tensor.variable;
    const value = valueOf(tensor);
    let variable = this.#byValue.get(value);
    if (variable === undefined) {
      variable = new Variable(tensor.aval);
      this.#byValue.set(value, variable);
      this.constants.set(variable, tensor);
    }
    return variable;
  }

  by<P>(x: Tensor, { primitive }: { readonly primitive: Primitive<P> }): Made<P> | null {
    const made = this.made(x);
    return (made?.operation as unknown) === primitive ? (made as unknown as Made<P>) : null;
  }

  made(x: Tensor): Made | null {
    const equation = this.#makers.get(this.#variableOf(x));
    if (equation === undefined || equation.outputs.length > 1) return null;
    // What a region reads from outside it does not look behind: that may not live so long.
    if (equation.region !== this.#origin.region) return null;
    const { operation, inputs, params } = equation;
    return { operation, operands: inputs.map(input => this.#tracer(input)), params };
  }

  constant(x: Tensor): number | null {
    const value = this.constants.get(this.#variableOf(x));
    if (value instanceof ConcreteTensor && value.size === 1) return value.storage.read()?.[0] ?? null;
    const made = this.made(x);
    return made?.operation.kind === 'linear' && made.operation.copies && made.operands[0].size === 1
      ? this.constant(made.operands[0])
      : null;
  }

  /** An operation of a law's right side. */
  bind(operation: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    const inputs = operands.map(operand => this.#variableOf(operand));
    const avals = operation.abstract(
      inputs.map(input => input.aval),
      params,
    );
    const outputs = [avals].flat().map(aval => new Variable(aval as Aval));
    return this.write({ operation, inputs, params, outputs, ...this.#origin }).map(one => this.#tracer(one));
  }

  /** The variables that hold what the equation computes. */
  write(equation: Equation): readonly Variable[] {
    const { operation, params, outputs, region = '' } = equation;
    const inputs = equation.inputs.map(this.find);
    if (operation.kind === 'structured') {
      this.equations.push({ ...equation, inputs });
      return outputs;
    }
    const ids = inputs.map(input => this.#id(input));
    if (operation.commutes) ids.sort((a, b) => a - b);
    const key = `${region}:${this.#id(operation)}(${ids.join()})${JSON.stringify(params)}`;
    const before = this.#seen.get(key);
    if (before !== undefined) return before;
    const found = this.#rewritten(equation, inputs) ?? outputs;
    this.#seen.set(key, found);
    if (found !== outputs) return found;
    const written = { ...equation, inputs };
    this.equations.push(written);
    for (const output of outputs) this.#makers.set(output, written);
    return outputs;
  }

  #rewritten(
    { operation, params, outputs, source, role, region }: Equation,
    inputs: readonly Variable[],
  ): Variable[] | null {
    const further = this.#laws?.(operation) ?? [];
    if (operation.rewrites === undefined && further.length === 0) return null;
    const operands = inputs.map(input => this.#tracer(input));
    this.#origin = {
      ...(source === undefined ? {} : { source, role }),
      ...(region === undefined ? {} : { region }),
    };
    for (const { law, apply } of [...(operation.rewrites ?? []), ...further]) {
      const result = withTrace(this, () => apply(operands, params, this));
      if (result === null) continue;
      const { aval } = outputs[0];
      if (result.dtype !== aval.dtype || !sameShape(result.shape, aval.shape))
        throw new Error(`'${law}' made ${result.aval} of ${operation.name}'s ${aval}`);
      return [this.#variableOf(result)];
    }
    return null;
  }

  /** Writes an equation of the program. */
  take(equation: Equation): void {
    const results = this.write(equation);
    equation.outputs.forEach((output, i) => {
      if (output !== results[i]) this.#same.set(output, results[i]);
    });
  }
}

/**
 * Equal operations on equal operands are done once in each region, the laws that operations declare are applied, and what nothing
 * needs is left out. Not a bit of what the program computes changes, unless `laws` has others.
 */
export function simplify(program: Program, laws?: FurtherLaws): Program {
  const simplifier = new Simplifier(program.constants, laws);
  for (const equation of program.equations) simplifier.take(equation);
  return withoutDeadCode({
    inputs: program.inputs,
    constants: simplifier.constants,
    equations: simplifier.equations,
    outputs: program.outputs.map(simplifier.find),
  });
}
