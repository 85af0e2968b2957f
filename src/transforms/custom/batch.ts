import type { Program } from '../../primitives/primitive.ts';
import { sum } from '../../primitives/vectorspace.ts';
import { avalsOf, batchedProgram } from '../derive.ts';
import { replay, traceProgram } from '../trace.ts';

/**
 * The program over a batch, with a batch axis in exactly these results: a cotangent of something that the examples share
 * is the sum of theirs.
 */
export function batchedTo(
  name: string,
  program: Program,
  size: number,
  batched: readonly boolean[],
  wanted: readonly boolean[],
): Program {
  const made = batchedProgram(name, program, size, batched, wanted);
  if (made.batched.every((is, i) => is === wanted[i])) return made.program;
  return traceProgram(
    inputs =>
      replay(made.program, inputs).map((output, i) =>
        made.batched[i] && !wanted[i] ? sum(output, [0]) : output,
      ),
    avalsOf(made.program.inputs),
    { name },
  );
}
