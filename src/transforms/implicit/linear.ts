/**
 * A system of linear equations A·x = b as one operation, whatever algorithm solves it, where A is known only as a
 * function. The algorithm is not differentiated: x is linear in b, dx = A⁻¹·(db − dA·x), and b̄ = A⁻ᵀ·x̄. So every
 * derivative is a solution of a system with A or Aᵀ. As jax.lax.custom_linear_solve.
 */
import { DTypeMismatch, ShapeMismatch } from '../../core/errors.ts';
import type { Variable } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import { sub, withBatchAxis, zerosLike } from '../../primitives/vectorspace.ts';
import {
  always,
  avalsOf,
  batchedProgram,
  closed,
  closedTogether,
  jvpProgram,
  key,
  never,
  notNull,
  parts,
  splitProgram,
  spread,
  transposedProgram,
} from '../derive.ts';
import { notLinear } from '../linearize.ts';
import { remember, replay, traceProgram } from '../trace.ts';

/** A function from lists of tensors to lists of tensors. */
export type ListFunction = (x: readonly Tensor[]) => readonly Tensor[];

/** What an iteration found, and what it has to say of itself: numbers without a derivative. */
export interface Solved {
  readonly x: readonly Tensor[];
  readonly report: readonly Tensor[];
}

export type LinearSolver = (matvec: ListFunction, b: readonly Tensor[]) => Solved;

export interface LinearSolvers {
  readonly solve: LinearSolver;
  /** The solver for the transposed operator, which it is given; `solve` if absent. */
  readonly transposeSolve?: LinearSolver;
  /** A = Aᵀ. */
  readonly symmetric?: boolean;
}

/** An operator and the program that solves with it. */
interface System {
  /** Of extras, constants and b: x, then the report. */
  readonly program: Program;
  /** Of constants and x: A·x. */
  readonly operator: Program;
}

interface LinearSolveParams extends InlineParams, System {
  readonly name: string;
  /** How many first operands only the solvers read: x does not depend on them. */
  readonly extras: number;
  /** How many operands after them the operator reads. */
  readonly constants: number;
  /** The system with Aᵀ, made when it is needed. */
  readonly transposed: () => System;
}

/** A program over a batch in which every result has the batch's axis, made once. */
export function wholeBatch(
  name: string,
  program: Program,
  size: number,
  batched: readonly boolean[],
): Program {
  return remember(
    program,
    `${key('implicit:batch', batched)}:${size}`,
    () => batchedProgram(name, program, size, batched, always(program.outputs)).program,
  );
}

/** −x, where null is zero. */
export const negated = (x: Tensor | null): Tensor | null => (x === null ? null : sub(zerosLike(x), x));

export const linearSolvePrimitive: Primitive<LinearSolveParams> = primitive<LinearSolveParams>({
  name: 'linearSolve',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),

  jvp: (primals, tangents, params) => {
    const { name, operator } = params;
    const outputs = bind(linearSolvePrimitive, primals, params);
    const [extras, constants, b] = parts(primals, params.extras, params.constants);
    const [, dConstants, dB] = parts(tangents, params.extras, params.constants);
    const x = outputs.slice(0, b.length);
    const still = outputs.map(() => null);
    const moving = dConstants.map(tangent => tangent !== null);
    let rhs = dB;
    if (moving.includes(true)) {
      const made = remember(operator, key('linearSolve:jvp', moving), () =>
        jvpProgram(name, operator, [...moving, ...never(x)]),
      );
      const all = replay(made.program, [...constants, ...x, ...notNull(dConstants)]);
      const changes = spread(made.moving, all.slice(x.length));
      rhs = dB.map((db, i) => {
        const change = changes[i];
        return change === null ? db : db === null ? negated(change) : sub(db, change);
      });
    }
    if (rhs.every(one => one === null)) return { outputs, tangents: still };
    const filled = rhs.map((one, i) => one ?? zerosLike(b[i]));
    const dx = bind(linearSolvePrimitive, [...extras, ...constants, ...filled], params);
    return { outputs, tangents: [...dx.slice(0, x.length), ...still.slice(x.length)] };
  },

  partial: (operands, _, params, record) => record(linearSolvePrimitive, operands, params),

  transpose: (cotangents, operands, linear, params) => {
    const { program, operator, transposed } = params;
    const fixed = params.extras + params.constants;
    if (linear.slice(0, fixed).includes(true)) throw notLinear(linearSolvePrimitive);
    const right = operands.slice(fixed);
    const arriving = cotangents.slice(0, right.length);
    if (arriving.every(one => one === null)) return operands.map(() => null);
    const results = bind(
      linearSolvePrimitive,
      [...operands.slice(0, fixed), ...arriving.map((one, i) => one ?? zerosLike(right[i].aval))],
      { ...params, ...transposed(), transposed: () => ({ program, operator }) },
    );
    return operands.map((_, i) => (linear[i] ? results[i - fixed] : null));
  },

  batch: (size, operands, batched, params) => {
    const { name, extras, constants } = params;
    const fixed = batched.slice(0, extras + constants);
    const right = operands.slice(fixed.length);
    const batchProgram = (program: Program, flags: readonly boolean[]): Program =>
      wholeBatch(name, program, size, flags);
    const batchOf = ({ program, operator }: System): System => ({
      program: batchProgram(program, [...fixed, ...always(right)]),
      operator: batchProgram(operator, [...fixed.slice(extras), ...always(right)]),
    });
    const outputs = bind(
      linearSolvePrimitive,
      [
        ...operands.slice(0, fixed.length),
        ...right.map((b, i) => withBatchAxis(size, b, batched[fixed.length + i])),
      ],
      { ...params, ...batchOf(params), transposed: () => batchOf(params.transposed()) },
    );
    return { outputs, batched: always(outputs) };
  },

  lower: { form: 'inline', own: true },
  samples: [],
});

/** Throws where a function does not give what it was given: as many tensors, of the same shapes and element types. */
export function requireSameAvals(did: string, given: readonly Tensor[], found: readonly Variable[]): void {
  given.forEach(({ aval }, i) => {
    const other = found[i]?.aval;
    if (other === undefined || aval.shape.join() !== other.shape.join())
      throw new ShapeMismatch({
        did: `${did} is ${other ?? 'nothing'} where the unknown is ${aval}`,
        expected: 'as many equations as unknowns, in the same shapes',
        remedy: 'return a value for every unknown; use levenbergMarquardt where there are more equations',
      });
    if (aval.dtype !== other.dtype)
      throw new DTypeMismatch({
        did: `${did} is ${other} where the unknown is ${aval}`,
        expected: 'the same element type',
        remedy: `convert the start: x.astype('${other.dtype}')`,
      });
  });
}

/**
 * x with matvec(x) = b by any solver, with the derivatives of the solution. What `matvec` does with other values than
 * x is done once, before the iteration. Values that it closes over have derivatives; those that only the solvers close
 * over, a preconditioner's, have none, as x does not depend on them.
 */
export function customLinearSolve(
  name: string,
  matvec: ListFunction,
  b: readonly Tensor[],
  solvers: LinearSolvers,
): Solved {
  const traced = closed(traceProgram(matvec, avalsOf(b), { name }));
  requireSameAvals(`${name}: the operator's result`, b, traced.program.outputs);
  const split = splitProgram(
    name,
    traced.program,
    [...never(traced.constants), ...always(b)],
    always(traced.program.outputs),
  );
  const operator = split.unknown;
  const constants = replay(split.known, traced.constants);
  const traceSolver = (map: Program, solve: LinearSolver): Program =>
    traceProgram(
      inputs => {
        const [fixed, right] = parts(inputs, constants.length);
        const { x, report } = solve(vector => replay(map, [...fixed, ...vector]), right);
        return [...x, ...report];
      },
      [...avalsOf(constants), ...avalsOf(b)],
      { name },
    );
  const { solve, transposeSolve = solve, symmetric = false } = solvers;
  const transposedOperator = (): Program =>
    symmetric
      ? operator
      : transposedProgram(
          name,
          operator,
          [...never(constants), ...always(b)],
          always(b),
          always(operator.inputs),
        ).program;
  const forward = closed(traceSolver(operator, solve));
  let program = forward.program;
  let extras: readonly Tensor[] = forward.constants;
  let transposed: (() => System) | undefined;
  if (symmetric && transposeSolve === solve) transposed = () => ({ program, operator });
  else if (extras.length > 0) {
    // What the solver closes over may not live as long as this operation: it becomes an operand now.
    const turned = transposedOperator();
    const both = closedTogether([traceSolver(operator, solve), traceSolver(turned, transposeSolve)]);
    program = both.programs[0];
    extras = both.constants;
    transposed = () => ({ program: both.programs[1], operator: turned });
  } else {
    let made: System | undefined;
    transposed = () => {
      const turned = made?.operator ?? transposedOperator();
      made ??= { program: traceSolver(turned, transposeSolve), operator: turned };
      return made;
    };
  }
  const results = bind(linearSolvePrimitive, [...extras, ...constants, ...b], {
    name,
    program,
    operator,
    extras: extras.length,
    constants: constants.length,
    transposed,
  });
  const [x, report] = parts(results, b.length);
  return { x, report };
}
