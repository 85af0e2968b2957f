/** A call of a function whose derivative the user gives. */
import type { Aval } from '../../core/aval.ts';
import { NotDifferentiable } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { bind, type Primitive, type Program, primitive } from '../../primitives/primitive.ts';
import { zerosLike } from '../../primitives/vectorspace.ts';
import { always, avalsOf, batchedProgram, flagged, jvpProgram, key, parts, spread } from '../derive.ts';
import { callPrimitive } from '../jit.ts';
import { remember, replay } from '../trace.ts';
import { batchedTo } from './batch.ts';
import { customLinearParams, customLinearPrimitive, tangentsOf } from './linear.ts';

/** The rules as programs. All take the closed-over values of the call first. */
export interface Rules {
  /** The jvp rule: arguments, tangents of the float ones, to results, tangents of the float ones. */
  readonly rule?: Program;
  /** Arguments to results, residuals. */
  readonly forward?: Program;
  /** Residuals, cotangents of the float results, to those cotangents of float arguments that are not always zero. */
  readonly backward?: Program;
  /** Which float arguments have a cotangent. */
  readonly leaving?: readonly boolean[];
}

/** Rules that are made when a derivative asks for them: those of a call that stands in the function's own rule. */
export class Later {
  readonly #make: () => Rules;
  #made: Rules | undefined;

  constructor(make: () => Rules) {
    this.#make = make;
  }

  get rules(): Rules {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** How it is printed. */
  toJSON(): string {
    return 'recursive';
  }
}

/** Operands: closed-over values…, arguments…. */
export interface CustomParams extends Rules {
  /** The function as the user called it, for messages. */
  readonly name: string;
  /** How many operands are values that the function or a rule closes over. */
  readonly constants: number;
  /** Arguments to results. */
  readonly program: Program;
  /** In place of the rules. */
  readonly later?: Later;
}

const isFloat = ({ aval }: { readonly aval: Aval }): boolean => aval.isFloat;

/**
 * Forward mode applies the jvp rule; a function with a vjp rule runs its forward rule and leaves its tangents to
 * {@link customLinearPrimitive}, which reverse mode transposes.
 */
export const customPrimitive: Primitive<CustomParams> = primitive<CustomParams>({
  name: 'custom',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),

  jvp: (primals, tangents, params) => {
    const { program } = params;
    requireFixed(tangents, params);
    const [closedOver, args] = parts(primals, params.constants);
    const [, argTangents] = parts(tangents, params.constants);
    if (argTangents.every(tangent => tangent === null)) {
      const outputs = bind(customPrimitive, primals, params);
      return { outputs, tangents: outputs.map(() => null) };
    }
    const { rule, forward, backward, leaving = [] } = params.later?.rules ?? params;
    const floats = args.map(isFloat);
    const moving = flagged(
      args.map((arg, i) => argTangents[i] ?? zerosLike(arg)),
      floats,
    );
    const count = program.outputs.length;
    if (forward === undefined || backward === undefined) {
      const [outputs, rest] = parts(replay(rule as Program, [...primals, ...moving]), count);
      return { outputs, tangents: spread(program.outputs.map(isFloat), rest) };
    }
    const [outputs, residuals] = parts(replay(forward, primals), count);
    const linear = customLinearParams(
      {
        name: params.name,
        backward,
        leaving,
        constants: closedOver.length,
        primals: rule === undefined ? 0 : args.length,
        residuals: residuals.length,
      },
      rule === undefined ? null : tangentsOf(rule, moving.length, count, forward),
    );
    const results = bind(
      customLinearPrimitive,
      [...closedOver, ...(rule === undefined ? [] : args), ...residuals, ...moving],
      linear,
    );
    return { outputs, tangents: spread(program.outputs.map(isFloat), results) };
  },

  // What depends on a tangent is linear in it: there the function stands for itself.
  partial: (operands, _, { program }) => replay(program, operands),
  transpose: (cotangents, operands, linear, params, before) =>
    (callPrimitive as typeof callPrimitive & { kind: 'structured' }).transpose(
      cotangents,
      operands,
      linear,
      params,
      before,
    ),

  // All results get a batch axis; residuals have one if they differ between examples.
  batch: (size, operands, batched, params) => {
    const { name, program, later, constants } = params;
    const outputs = always(program.outputs);
    const made = remember(program, `${key('custom:batch', batched)}:${size}`, () =>
      batchedProgram(name, program, size, batched, outputs),
    );
    const rulesOf = (rules: Rules): Rules => batchedRules(rules, params, size, batched);
    const results = bind(customPrimitive, operands, {
      name,
      constants,
      program: made.program,
      ...(later ? { later: new Later(() => rulesOf(later.rules)) } : rulesOf(params)),
    });
    return { outputs: results, batched: outputs };
  },

  lower: { form: 'inline', own: true },
  samples: [],
});

/** The rules say nothing of what is closed over: throws where the result would have a derivative with respect to it. */
function requireFixed(
  tangents: readonly (Tensor | null)[],
  { name, program, constants }: CustomParams,
): void {
  const moving = tangents.map((tangent, i) => i < constants && tangent !== null);
  if (!moving.includes(true)) return;
  const made = remember(program, key('jvp', moving), () => jvpProgram(name, program, moving));
  if (!made.moving.includes(true)) return;
  const { aval } = program.inputs[moving.indexOf(true)];
  throw new NotDifferentiable({
    did: `differentiated ${name} with respect to a tensor ${aval} that it closes over`,
    expected: 'derivatives with respect to its arguments only: its rule speaks of no others',
    remedy: 'pass the tensor as an argument, or close over stopGradient(x)',
  });
}

function batchedRules(
  { rule, forward, backward, leaving = [] }: Rules,
  { name, program, constants }: CustomParams,
  size: number,
  batched: readonly boolean[],
): Rules {
  const outputs = always(program.outputs);
  const floats = always(program.outputs.filter(isFloat));
  const [closedOver, args] = parts(batched, constants);
  const moving = flagged(args, program.inputs.slice(constants).map(isFloat));
  /** `results` get a batch axis in any case. */
  const over = (one: Program, inputs: readonly boolean[], results: readonly boolean[]) =>
    remember(one, `${key('custom:batch', inputs, results)}:${size}`, () =>
      batchedProgram(name, one, size, inputs, results),
    );
  const forwardMode: Rules =
    rule === undefined ? {} : { rule: over(rule, [...batched, ...moving], [...outputs, ...floats]).program };
  if (forward === undefined || backward === undefined) return forwardMode;
  const kept = forward.outputs.slice(outputs.length).map(() => false);
  const run = over(forward, batched, [...outputs, ...kept]);
  const into = [...closedOver, ...run.batched.slice(outputs.length), ...floats];
  const back = flagged(moving, leaving);
  return {
    ...forwardMode,
    leaving,
    forward: run.program,
    backward: remember(backward, `${key('custom:batch', into, back)}:${size}`, () =>
      batchedTo(name, backward, size, into, back),
    ),
  };
}
