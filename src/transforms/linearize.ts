/**
 * Linearization: forward mode whose primal half is computed now and whose tangent half is recorded. What remains is
 * a linear program, the derivative at this point.
 */
import { NotLinear } from '../core/errors.ts';
import { currentOrigin } from '../core/origin.ts';
import { labelOf } from '../core/path.ts';
import { Variable } from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import { assertAlive, currentTrace, Trace, Tracer, withTrace } from '../core/trace.ts';
import type { Equation, Primitive, Program } from '../primitives/primitive.ts';
import { zerosLike } from '../primitives/vectorspace.ts';
import {
  type Arguments,
  callWithTree,
  differentiableArguments,
  type Gradient,
  type Leaves,
  type Outputs,
  type TreeCall,
  tangentArguments,
} from './arguments.ts';
import { abstractOutputs } from './evaluate.ts';
import { JvpTrace, runJvp, type Tangent } from './jvp.ts';
import { replay } from './trace.ts';

/** A value that is not known yet: it depends on the tangents. */
class UnknownTracer extends Tracer {
  readonly variable: Variable;

  constructor(trace: Trace, variable: Variable) {
    super(trace, variable.aval);
    this.variable = variable;
  }
}

/** Partial evaluation: operations on known values go to the parent, the others into a program. */
export class PartialTrace extends Trace {
  readonly name = 'linearize';
  readonly parent: Trace;
  readonly #equations: Equation[] = [];
  /** Known values that the program reads: the residuals. */
  readonly #residuals = new Map<Tensor, Variable>();

  constructor(parent: Trace) {
    super();
    this.parent = parent;
    this.sources = parent.sources;
  }

  unknown(variable: Variable): Tensor {
    return new UnknownTracer(this, variable);
  }

  readonly isUnknown = (tensor: Tensor): tensor is UnknownTracer =>
    tensor instanceof UnknownTracer && tensor.owner === this;

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    if (!operands.some(this.isUnknown)) return this.parent.bind(primitive, operands, params);
    if (primitive.kind !== 'structured') return this.record(primitive, operands, params);
    const unknown = operands.map(this.isUnknown);
    return withTrace(this, () => primitive.partial(operands, unknown, params, this.record));
  }

  /** Records an operation, whatever is known of its operands. */
  readonly record = (
    operation: Primitive,
    operands: readonly Tensor[],
    params: object,
  ): readonly Tensor[] => {
    const inputs = operands.map(operand => this.variableOf(operand));
    const outputs = abstractOutputs(
      operation,
      inputs.map(input => input.aval),
      params,
    ).map(aval => new Variable(aval));
    const equation = { operation, inputs, params, outputs };
    this.#equations.push(this.sources ? { ...equation, ...currentOrigin() } : equation);
    return outputs.map(output => this.unknown(output));
  };

  variableOf(tensor: Tensor): Variable {
    if (this.isUnknown(tensor)) return tensor.variable;
    assertAlive(tensor);
    let variable = this.#residuals.get(tensor);
    if (variable === undefined) {
      variable = new Variable(tensor.aval);
      this.#residuals.set(tensor, variable);
    }
    return variable;
  }

  program(inputs: readonly Variable[], outputs: readonly Tensor[]): Program {
    const results = outputs.map(output => this.variableOf(output));
    const constants = new Map<Variable, Tensor>();
    for (const [tensor, variable] of this.#residuals) constants.set(variable, tensor);
    return { inputs, constants, equations: this.#equations, outputs: results };
  }
}

/** The derivative of a function at a point. Outputs whose tangent is zero are not among the program's. */
export interface Linearized {
  readonly outputs: readonly Tensor[];
  readonly linear: Program;
  /** For each output its place among the linear program's outputs, or null where its tangent is zero. */
  readonly places: readonly (number | null)[];
}

/** Linearizes a function of lists of tensors. `makeTrace` may observe the operations. */
export function linearizeFlat(
  name: string,
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  primals: readonly Tensor[],
  makeTrace: (partial: PartialTrace) => JvpTrace = partial => new JvpTrace(name, partial, true),
  further: readonly Variable[] = [],
): Linearized {
  const partial = new PartialTrace(currentTrace());
  const inputs = primals.map(primal => new Variable(primal.aval));
  try {
    const out = runJvp(
      makeTrace(partial),
      f,
      primals,
      inputs.map(input => partial.unknown(input)),
    );
    const moving = out.tangents.filter(
      (tangent): tangent is Tensor => tangent !== null && partial.isUnknown(tangent),
    );
    let next = 0;
    const places = out.tangents.map((tangent: Tangent) =>
      tangent !== null && partial.isUnknown(tangent) ? next++ : null,
    );
    return { outputs: out.primals, linear: partial.program([...inputs, ...further], moving), places };
  } finally {
    partial.alive = false;
  }
}

export interface LinearizedTree {
  readonly args: Leaves;
  readonly call: TreeCall;
  readonly at: Linearized;
}

export function linearizeTree(
  name: string,
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  numbers?: readonly number[],
): LinearizedTree {
  const call = callWithTree(name, f);
  const args = differentiableArguments(name, f, primals, numbers);
  const label = labelOf(name, f);
  return { args, call, at: linearizeFlat(label, inputs => call.run(args.rebuild(inputs)), args.leaves) };
}

/**
 * [f(x), pushforward]: the pushforward maps tangents ẋ to ∂f(x)·ẋ without running f again.
 *
 * @example const [y, push] = linearize((x) => x.mul(x), 3); push(1) // 6
 * @throws NotDifferentiable for integer arguments
 */
export function linearize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: Arguments<A>
): [Outputs<R>, (...tangents: { [K in keyof A]: Gradient<A[K]> | Arguments<A>[K] }) => Outputs<R>] {
  const { args, call, at } = linearizeTree('linearize', f, primals as readonly unknown[]);
  const pushforward = (...tangents: readonly unknown[]): Outputs<R> => {
    const results = replay(at.linear, tangentArguments('pushforward', args, tangents));
    return call.result(
      at.places.map((place, i) => (place === null ? zerosLike(at.outputs[i]) : results[place])),
    ) as Outputs<R>;
  };
  return [call.result(at.outputs) as Outputs<R>, pushforward as never];
}

/** The error for an operation that is not linear where a linear one is needed. */
export function notLinear(primitive: Primitive): NotLinear {
  const why =
    primitive.kind === 'flat'
      ? `flat, since ${primitive.because}`
      : primitive.kind === 'multilinear'
        ? 'linear in each operand, but not in several together'
        : primitive.kind === 'linear'
          ? 'not linear in every operand'
          : 'not linear';
  return new NotLinear({
    did: `the derivative of something applies ${primitive.name} to its tangent; ${primitive.name} is ${why}`,
    expected: 'jvp rules that are linear in the tangent, so that they can be transposed',
    remedy: `give the rule as linear operations on the tangent (add, mul by a value, sum, …); look for ${primitive.name} in the jvp rules of your primitives`,
  });
}
