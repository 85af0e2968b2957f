/** A call that keeps little: its derivative computes the rest again when it is needed. */
import { type Variable, withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type Equation,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import {
  avalsOf,
  batchedProgram,
  flagged,
  inlined,
  jvpProgram,
  key,
  merge,
  notNull,
  parts,
  splitProgram,
  spread,
  transposedMixedProgram,
  unflagged,
  withOutputs,
} from '../derive.ts';
import { remember, replay, traceProgram } from '../trace.ts';

/**
 * Which intermediate results of a checkpointed function are kept for the reverse pass besides its arguments: none, all
 * that it needs, the results of matrix products and convolutions, or those under the names that `tag` gave them.
 */
export type CheckpointPolicy = 'nothing' | 'everything' | 'dots' | { readonly save: readonly string[] };

export interface CheckpointParams extends InlineParams {
  readonly policy: CheckpointPolicy;
}

/** The program applied to the operands, and so is each of its derivatives: what is inside is handed on by the policy only. */
export const checkpointPrimitive: Primitive<CheckpointParams> = primitive<CheckpointParams>({
  name: 'checkpoint',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),
  jvp: (primals, tangents, { program, policy }) => {
    const moving = tangents.map(tangent => tangent !== null);
    const made = remember(program, key('checkpoint:jvp', moving), () =>
      jvpProgram('checkpoint', program, moving),
    );
    const results = checkpointed(made.program, policy, [...primals, ...notNull(tangents)]);
    const [outputs, rest] = parts(results, program.outputs.length);
    return { outputs, tangents: spread(made.moving, rest) };
  },
  partial: (operands, unknown, { program, policy }, record) => {
    const made = remember(program, key(`checkpoint:partial:${JSON.stringify(policy)}:`, unknown), () =>
      policy === 'nothing' ? keepingNothing(program, unknown) : keeping(policy, program, unknown),
    );
    const known = unflagged(operands, unknown);
    const [outputs, kept] = parts(checkpointed(made.known, policy, known), made.knownOutputs);
    const recorded =
      made.again.outputs.length === 0
        ? []
        : record(
            checkpointPrimitive,
            [...flagged(known, made.reads), ...kept, ...flagged(operands, unknown)],
            { program: made.again, policy },
          );
    return merge(made.outputUnknown, recorded, outputs);
  },
  accumulates: true,
  transpose: (cotangents, operands, linear, { program, policy }, before) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const sums = before.map(sum => sum !== null);
    const made = remember(program, key('checkpoint:transpose', linear, arriving, sums), () =>
      transposedMixedProgram('checkpoint', program, linear, arriving, sums),
    );
    const given = [...unflagged(operands, linear), ...notNull(cotangents), ...notNull(before)];
    return spread(made.leaving, checkpointed(made.program, policy, given));
  },
  batch: (size, operands, batched, { program, policy }) => {
    const made = remember(program, `${key('checkpoint:batch', batched)}:${size}`, () =>
      batchedProgram('checkpoint', program, size, batched),
    );
    return { outputs: checkpointed(made.program, policy, operands), batched: made.batched };
  },
  lower: { form: 'inline', barrier: true },
  samples: [],
});

/** Applies a program as one operation that keeps what the policy says. */
export function checkpointed(
  program: Program,
  policy: CheckpointPolicy,
  operands: readonly Tensor[],
): readonly Tensor[] {
  return program.outputs.length === 0 ? [] : bind(checkpointPrimitive, operands, { program, policy });
}

/** The two parts of a checkpointed program. */
interface Parts {
  /** Inputs: those that are known. Outputs: those that are known, then what is kept. */
  readonly known: Program;
  readonly knownOutputs: number;
  /** Inputs: the known ones that it `reads`, what is kept, the unknown ones. It computes known values again. */
  readonly again: Program;
  readonly reads: readonly boolean[];
  readonly outputUnknown: readonly boolean[];
}

function keepingNothing(program: Program, unknown: readonly boolean[]): Parts {
  const split = splitProgram('checkpoint', program, unknown);
  const known = withOutputs(
    split.known,
    split.known.outputs.map((_, i) => i < split.knownOutputs),
  );
  const again = withOutputs(program, split.outputUnknown);
  const inputs = [...unflagged(program.inputs, unknown), ...flagged(program.inputs, unknown)];
  const { knownOutputs, outputUnknown } = split;
  return { known, knownOutputs, outputUnknown, ...readingLess({ ...again, inputs }, known.inputs.length) };
}

/** The variables that a policy keeps of those that an equation reads and makes. */
function keptOf(
  policy: CheckpointPolicy,
  { operation, params, inputs, outputs }: Equation,
): readonly Variable[] {
  if (policy === 'everything') return outputs;
  if (policy === 'dots') return operation.contraction ? outputs : [];
  if (policy === 'nothing') return [];
  // A mark is its operand, which others read under its own name.
  const label = operation.label?.(params);
  return label !== undefined && policy.save.includes(label) ? inputs : [];
}

/** Residuals that the policy keeps are results of the known part; the others are computed again from these. */
function keeping(policy: CheckpointPolicy, program: Program, unknown: readonly boolean[]): Parts {
  const split = splitProgram('checkpoint', inlined(program), unknown);
  const { known, knownOutputs, outputUnknown } = split;
  const [results, residuals] = parts(known.outputs, knownOutputs);
  const mayKeep = new Set(known.equations.flatMap(equation => keptOf(policy, equation)));
  const wanted = new Set<Variable>(residuals);
  const kept: Variable[] = [];
  const equations: Equation[] = [];
  for (const equation of [...known.equations].reverse()) {
    const needed = equation.outputs.filter(output => wanted.has(output));
    kept.push(...needed.filter(output => mayKeep.has(output)));
    if (needed.every(output => mayKeep.has(output))) continue;
    for (const input of equation.inputs) wanted.add(input);
    equations.push(equation);
  }
  const from = [...known.inputs, ...kept];
  const rest: Program = { ...known, inputs: from, equations: equations.reverse(), outputs: residuals };
  const again = traceProgram(
    inputs => {
      const [values, tangents] = parts(inputs, from.length);
      return replay(split.unknown, [...replay(rest, values), ...tangents]);
    },
    [...avalsOf(from), ...flagged(avalsOf(program.inputs), unknown)],
    { name: 'checkpoint' },
  );
  return {
    known: withoutDeadCode({ ...known, outputs: [...results, ...kept] }),
    knownOutputs,
    outputUnknown,
    ...readingLess(again, known.inputs.length),
  };
}

/** The program without those of its first inputs that nothing reads: they need not be kept. */
function readingLess(program: Program, count: number): Pick<Parts, 'again' | 'reads'> {
  const read = new Set([...program.equations.flatMap(equation => equation.inputs), ...program.outputs]);
  const [first, others] = parts(program.inputs, count);
  const reads = first.map(input => read.has(input));
  return { again: { ...program, inputs: [...flagged(first, reads), ...others] }, reads };
}
