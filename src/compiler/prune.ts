/** Loops without the results that nothing reads, and without the carries, sequences and constants that only these need. */
import { type Variable, withoutDeadCode } from '../core/program.ts';
import type { Equation, Program, ScanParams } from '../primitives/primitive.ts';

/** The body with these outputs only. */
const restricted = (body: Program, wanted: readonly boolean[]): Program =>
  withoutDeadCode({ ...body, outputs: body.outputs.filter((_, i) => wanted[i]) });

/** Which results of a body are needed: those that are read, and the carries that a needed result depends on. */
function neededOf(body: Program, { constants, carries }: ScanParams, read: readonly boolean[]): boolean[] {
  let needed = [...read];
  for (;;) {
    const { equations, outputs } = restricted(body, needed);
    const used = new Set<Variable>([...equations.flatMap(equation => equation.inputs), ...outputs]);
    const next = needed.map((is, i) => is || (i < carries && used.has(body.inputs[constants + i])));
    if (next.every((is, i) => is === needed[i])) return needed;
    needed = next;
  }
}

function pruned(scan: Equation, params: ScanParams, used: ReadonlySet<Variable>): Equation {
  const { program: body, constants, carries } = params;
  const read = scan.outputs.map(output => used.has(output));
  if (read.every(Boolean)) return scan;
  const needed = neededOf(body, params, read);
  if (needed.every(Boolean)) return scan;
  const program = restricted(body, needed);
  const inside = new Set<Variable>([
    ...program.equations.flatMap(equation => equation.inputs),
    ...program.outputs,
  ]);
  const keeps = body.inputs.map((input, i) =>
    i >= constants && i < constants + carries ? needed[i - constants] : inside.has(input),
  );
  return {
    ...scan,
    inputs: scan.inputs.filter((_, i) => keeps[i]),
    outputs: scan.outputs.filter((_, i) => needed[i]),
    params: {
      ...params,
      program: { ...program, inputs: body.inputs.filter((_, i) => keeps[i]) },
      constants: keeps.slice(0, constants).filter(Boolean).length,
      carries: needed.slice(0, carries).filter(Boolean).length,
    },
  };
}

/** Prunes the loops of a program from which dead code is gone; those within their bodies come later. */
export function pruneLoops(program: Program): Program {
  const used = new Set<Variable>(program.outputs);
  const equations: Equation[] = [];
  for (const equation of [...program.equations].reverse()) {
    if (!equation.outputs.some(output => used.has(output))) continue;
    const { operation, params } = equation;
    const isScan = operation.kind === 'structured' && operation.lower.form === 'scan';
    const kept = isScan ? pruned(equation, params as ScanParams, used) : equation;
    for (const input of kept.inputs) used.add(input);
    equations.push(kept);
  }
  return withoutDeadCode({ ...program, equations: equations.reverse() });
}
