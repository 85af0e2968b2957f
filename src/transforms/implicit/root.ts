/**
 * x* with f(x*, θ) = 0 as one operation, whatever algorithm finds it. The algorithm is not differentiated: by the
 * implicit function theorem dx* = −(∂f/∂x)⁻¹·∂f/∂θ·dθ, one linear system in forward mode and one in reverse mode. As
 * jax.lax.custom_root.
 */
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import { withBatchAxis, zerosLike } from '../../primitives/vectorspace.ts';
import {
  always,
  avalsOf,
  closed,
  flagged,
  jvpProgram,
  key,
  never,
  notNull,
  parts,
  spread,
} from '../derive.ts';
import { notLinear } from '../linearize.ts';
import { replay, traceProgram } from '../trace.ts';
import {
  customLinearSolve,
  type LinearSolvers,
  type ListFunction,
  negated,
  requireSameAvals,
  type Solved,
  wholeBatch,
} from './linear.ts';

interface RootParams extends InlineParams {
  /** Of extras, constants and the start: x*, then the report. */
  readonly program: Program;
  /** How many first operands only the solver reads. */
  readonly extras: number;
  /** How many operands after them are θ. */
  readonly constants: number;
  /** The derivative, for the θ that have a tangent. Of θ, x* and those tangents: dx*. */
  readonly tangent: (moving: readonly boolean[]) => Program;
}

export const rootPrimitive: Primitive<RootParams> = primitive<RootParams>({
  name: 'root',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),

  jvp: (primals, tangents, params) => {
    const outputs = bind(rootPrimitive, primals, params);
    const [, constants, start] = parts(primals, params.extras, params.constants);
    const [, dConstants] = parts(tangents, params.extras, params.constants);
    const still = outputs.map(() => null);
    const moving = dConstants.map(tangent => tangent !== null);
    if (!moving.includes(true)) return { outputs, tangents: still };
    const n = start.length;
    const dx = replay(params.tangent(moving), [...constants, ...outputs.slice(0, n), ...notNull(dConstants)]);
    return { outputs, tangents: [...dx, ...still.slice(n)] };
  },

  partial: (operands, _, params, record) => record(rootPrimitive, operands, params),

  transpose: () => {
    throw notLinear(rootPrimitive);
  },

  batch: (size, operands, batched, params) => {
    const { extras, constants, program, tangent } = params;
    const fixed = batched.slice(0, extras + constants);
    const start = operands.slice(fixed.length);
    const batchOf = (one: Program, flags: readonly boolean[]): Program =>
      wholeBatch('root', one, size, flags);
    const theta = fixed.slice(extras);
    const outputs = bind(
      rootPrimitive,
      [
        ...operands.slice(0, fixed.length),
        ...start.map((x, i) => withBatchAxis(size, x, batched[fixed.length + i])),
      ],
      {
        ...params,
        program: batchOf(program, [...fixed, ...always(start)]),
        tangent: (moving: readonly boolean[]) =>
          batchOf(tangent(moving), [...theta, ...always(start), ...flagged(theta, moving)]),
      },
    );
    return { outputs, batched: always(outputs) };
  },

  lower: { form: 'inline', own: true },
  samples: [],
});

/** The program of dx*: of θ, x* and the tangents of the θ that move. */
function tangentProgram(
  name: string,
  residual: Program,
  moving: readonly boolean[],
  solvers: LinearSolvers,
): Program {
  const constants = residual.inputs.slice(0, moving.length);
  const unknowns = residual.inputs.slice(moving.length);
  const n = unknowns.length;
  const byTheta = jvpProgram(name, residual, [...moving, ...never(unknowns)]);
  const byX = jvpProgram(name, residual, [...never(constants), ...always(unknowns)], always(unknowns));
  return traceProgram(
    inputs => {
      const [theta, x, dTheta] = parts(inputs, constants.length, n);
      const all = replay(byTheta.program, [...theta, ...x, ...dTheta]);
      const rhs = spread(byTheta.moving, all.slice(n)).map((one, i) => negated(one) ?? zerosLike(x[i]));
      const matvec: ListFunction = v => replay(byX.program, [...theta, ...x, ...v]).slice(n);
      return customLinearSolve(name, matvec, rhs, solvers).x;
    },
    [...avalsOf(constants), ...avalsOf(unknowns), ...flagged(avalsOf(constants), moving)],
    { name },
  );
}

/**
 * x* with f(x*) = 0 as `solve` finds it from a start, with the derivatives of the solution in all that f closes over.
 * The start has none. `solvers` are for the linear systems of the derivatives, and must not close over values that a
 * transformation will replace.
 */
export function customRoot(
  name: string,
  f: ListFunction,
  start: readonly Tensor[],
  solve: (f: ListFunction, start: readonly Tensor[]) => Solved,
  solvers: LinearSolvers,
): Solved {
  const { program: residual, constants } = closed(traceProgram(f, avalsOf(start), { name }));
  requireSameAvals(`${name}: the result of the function`, start, residual.outputs);
  const { program, constants: extras } = closed(
    traceProgram(
      inputs => {
        const [fixed, first] = parts(inputs, constants.length);
        const { x, report } = solve(x => replay(residual, [...fixed, ...x]), first);
        return [...x, ...report];
      },
      [...avalsOf(constants), ...avalsOf(start)],
      { name },
    ),
  );
  const made = new Map<string, Program>();
  const tangent = (moving: readonly boolean[]): Program => {
    const flags = key('', moving);
    const program = made.get(flags) ?? tangentProgram(name, residual, moving, solvers);
    made.set(flags, program);
    return program;
  };
  const results = bind(rootPrimitive, [...extras, ...constants, ...start], {
    program,
    extras: extras.length,
    constants: constants.length,
    tangent,
  });
  const [x, report] = parts(results, start.length);
  return { x, report };
}
