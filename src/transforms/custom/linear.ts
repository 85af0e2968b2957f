/** The derivative of a function with a vjp rule: linear in its tangents, with the user's backward rule for transpose. */
import { NotDifferentiable } from '../../core/errors.ts';
import { Variable, withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import { bind, type Primitive, type Program, primitive } from '../../primitives/primitive.ts';
import { zerosLike } from '../../primitives/vectorspace.ts';
import {
  always,
  avalsOf,
  batchedProgram,
  flagged,
  jvpProgram,
  key,
  merge,
  never,
  notNull,
  parts,
  spread,
  withOutputs,
} from '../derive.ts';
import { notLinear } from '../linearize.ts';
import { remember, replay } from '../trace.ts';
import { batchedTo } from './batch.ts';

/**
 * Operands: closed-over values…, primals… (if there is a jvp rule), residuals…, tangents….
 * Results: the tangents of the function's float results.
 */
export interface CustomLinearParams {
  readonly name: string;
  /** Of all operands, from the jvp rule; reading it throws where there is none. */
  readonly program: Program;
  readonly hasProgram: boolean;
  /** Closed-over values…, residuals…, cotangents of the results… to the cotangents that are not always zero. */
  readonly backward: Program;
  /** Which tangents have a cotangent. */
  readonly leaving: readonly boolean[];
  readonly constants: number;
  readonly primals: number;
  readonly residuals: number;
}

/** Parameters with a program, or with a property that throws in its place, which printing does not see. */
export function customLinearParams(
  params: Omit<CustomLinearParams, 'program' | 'hasProgram'>,
  program: Program | null,
): CustomLinearParams {
  if (program !== null) return { ...params, program, hasProgram: true };
  return Object.defineProperty({ ...params, hasProgram: false }, 'program', {
    get() {
      throw noForwardRule(params.name);
    },
  }) as CustomLinearParams;
}

function noForwardRule(name: string): NotDifferentiable {
  return new NotDifferentiable({
    did: `forward mode (jvp, jacfwd, a pushforward) through ${name}, which has a rule for reverse mode only`,
    expected: 'reverse mode: grad, vjp or jacrev, or forward mode over them',
    remedy: 'give it both rules: customVjp(customJvp(f, rule), forward, backward)',
  });
}

/** The jvp rule as a program of all operands of the linear call, with the tangents alone for results. */
export function tangentsOf(rule: Program, tangents: number, outputs: number, residuals: Program): Program {
  const avals = avalsOf(residuals.outputs.slice(outputs));
  return remember(rule, `custom:tangents:${outputs}:${avals.map(aval => aval.key).join()}`, () => {
    const [primals, moving] = parts(rule.inputs, rule.inputs.length - tangents);
    return withoutDeadCode({
      ...rule,
      inputs: [...primals, ...avals.map(aval => new Variable(aval)), ...moving],
      outputs: rule.outputs.slice(outputs),
    });
  });
}

const isTangent = (
  { constants, primals, residuals }: CustomLinearParams,
  list: readonly unknown[],
): boolean[] => list.map((_, i) => i >= constants + primals + residuals);

export const customLinearPrimitive: Primitive<CustomLinearParams> = primitive<CustomLinearParams>({
  name: 'customLinear',
  kind: 'structured',
  abstract: (_, { backward, constants, residuals }) => avalsOf(backward.inputs.slice(constants + residuals)),

  // Linear in the tangents; with respect to the rest the jvp rule is differentiated.
  jvp: (primals, tangents, params) => {
    const moving = tangents.map(tangent => tangent !== null);
    const last = isTangent(params, primals);
    if (moving.every((is, i) => !is || last[i])) {
      const outputs = bind(customLinearPrimitive, primals, params);
      const changed = primals.map((primal, i) => (last[i] ? (tangents[i] ?? zerosLike(primal)) : primal));
      return { outputs, tangents: bind(customLinearPrimitive, changed, params) };
    }
    const { name, program } = params;
    const made = remember(program, key('jvp', moving), () => jvpProgram(name, program, moving));
    const results = replay(made.program, [...primals, ...notNull(tangents)]);
    const [outputs, rest] = parts(results, program.outputs.length);
    return { outputs, tangents: spread(made.moving, rest) };
  },

  partial: (operands, _, params, record) => record(customLinearPrimitive, operands, params),

  transpose: (cotangents, operands, linear, params) => {
    const { backward, leaving, constants, primals, residuals } = params;
    const last = isTangent(params, operands);
    if (linear.some((is, i) => is && !last[i])) throw notLinear(customLinearPrimitive);
    const wanted = flagged(flagged(linear, last), leaving);
    const program = remember(backward, key('wanted', wanted), () => withOutputs(backward, wanted));
    const [closedOver, , kept] = parts(operands, constants, primals, residuals);
    const arriving = cotangents.map(
      (cotangent, i) => cotangent ?? zerosLike(backward.inputs[constants + residuals + i].aval),
    );
    const results = replay(program, [...closedOver, ...kept, ...arriving]);
    const some = spread(wanted, results);
    const each = merge<Tensor | null>(
      leaving,
      some,
      never(leaving).map(() => null),
    );
    return merge<Tensor | null>(
      last,
      each,
      operands.map(() => null),
    );
  },

  batch: (size, operands, batched, params) => {
    const { name, backward, leaving, constants, primals, residuals } = params;
    const outputs = always(backward.inputs.slice(constants + residuals));
    const [closedOver, , kept, moving] = parts(batched, constants, primals, residuals);
    const into = [...closedOver, ...kept, ...outputs];
    const back = flagged(moving, leaving);
    const made = remember(backward, `${key('custom:batch', into, back)}:${size}`, () =>
      batchedTo(name, backward, size, into, back),
    );
    const { program } = params.hasProgram ? params : { program: null };
    const forward =
      program &&
      remember(
        program,
        `${key('custom:batch', batched)}:${size}`,
        () => batchedProgram(name, program, size, batched, outputs).program,
      );
    const { program: _, ...rest } = { ...params, program: null };
    const results = bind(
      customLinearPrimitive,
      operands,
      customLinearParams({ ...rest, backward: made }, forward),
    );
    return { outputs: results, batched: outputs };
  },

  lower: { form: 'inline', own: true },
  samples: [],
});
