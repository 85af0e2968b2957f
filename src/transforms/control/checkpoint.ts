/** A call that keeps its operands only: its derivative computes the rest again when it is needed. */
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import {
  avalsOf,
  batchedProgram,
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
import { remember } from '../trace.ts';

const call = (program: Program, operands: readonly Tensor[]): readonly Tensor[] =>
  program.outputs.length === 0 ? [] : bind(checkpointPrimitive, operands, { program });

/** The program applied to the operands, and so is each of its derivatives: none of them hands on what is inside. */
export const checkpointPrimitive: Primitive<InlineParams> = primitive<InlineParams>({
  name: 'checkpoint',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),
  jvp: (primals, tangents, { program }) => {
    const moving = tangents.map(tangent => tangent !== null);
    const made = remember(program, key('checkpoint:jvp', moving), () =>
      jvpProgram('checkpoint', program, moving),
    );
    const results = call(made.program, [...primals, ...notNull(tangents)]);
    const [outputs, rest] = parts(results, program.outputs.length);
    return { outputs, tangents: spread(made.moving, rest) };
  },
  // What is recorded takes the known operands and computes the known part again.
  partial: (operands, unknown, { program }, record) => {
    const made = remember(program, key('checkpoint:partial', unknown), () => {
      const split = splitProgram('checkpoint', program, unknown);
      return {
        known: withOutputs(
          split.known,
          split.known.outputs.map((_, i) => i < split.knownOutputs),
        ),
        unknown: withOutputs(program, split.outputUnknown),
        outputUnknown: split.outputUnknown,
      };
    });
    const known = call(made.known, unflagged(operands, unknown));
    const recorded =
      made.unknown.outputs.length === 0
        ? []
        : record(checkpointPrimitive, operands, { program: made.unknown });
    return merge(made.outputUnknown, recorded, known);
  },
  transpose: (cotangents, operands, linear, { program }) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const made = remember(program, key('checkpoint:transpose', linear, arriving), () =>
      transposedMixedProgram('checkpoint', program, linear, arriving),
    );
    return spread(made.leaving, call(made.program, [...unflagged(operands, linear), ...notNull(cotangents)]));
  },
  batch: (size, operands, batched, { program }) => {
    const made = remember(program, `${key('checkpoint:batch', batched)}:${size}`, () =>
      batchedProgram('checkpoint', program, size, batched),
    );
    return { outputs: call(made.program, operands), batched: made.batched };
  },
  lower: { form: 'inline', barrier: true },
  samples: [],
});
