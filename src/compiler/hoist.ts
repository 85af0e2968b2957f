/** What a loop computes anew at every step from what never changes moves out of it. */
import { Variable, withoutDeadCode } from '../core/program.ts';
import { rootsOf } from '../kernel/kernel.ts';
import type { Equation, Program, ScanParams } from '../primitives/primitive.ts';
import { costOf } from './fuse.ts';
import { pruneLoops } from './prune.ts';
import { inlineCalls, simplify } from './simplify.ts';

/** Whether computing it again costs more than reading its result: views and constants stay where they are used. */
function isDear({ operation, inputs, params, outputs }: Equation): boolean {
  if (operation.kind === 'structured') return false;
  const nest = operation.lower(
    inputs.map(input => input.aval),
    params,
    outputs.map(output => output.aval),
  );
  if (nest.form === 'alias') return false;
  return nest.form !== 'map' || costOf(rootsOf(nest)) >= 3;
}

/** Equations of a scan's body that depend on its constants only, those that are worth it and what they need. */
function invariantsOf(body: Program, constants: number): Set<Equation> {
  const known = new Set<Variable>([...body.inputs.slice(0, constants), ...body.constants.keys()]);
  const candidates: Equation[] = [];
  for (const equation of body.equations) {
    if (equation.operation.kind === 'structured' || equation.inputs.length === 0) continue;
    if (!equation.inputs.every(input => known.has(input))) continue;
    candidates.push(equation);
    for (const output of equation.outputs) known.add(output);
  }
  const needed = new Set<Variable>();
  const moved = new Set<Equation>();
  for (const equation of candidates.reverse()) {
    const wanted = equation.outputs.some(output => needed.has(output));
    if (!wanted && !isDear(equation)) continue;
    moved.add(equation);
    for (const input of equation.inputs) needed.add(input);
  }
  return moved;
}

interface Hoisted {
  /** The invariant equations, and last the scan without them. */
  readonly equations: readonly Equation[];
  /** Constants of the body, which what moved out may read. */
  readonly constants: Program['constants'];
}

function hoistFrom(scan: Equation, params: ScanParams): Hoisted {
  const body = hoistInvariants(pruneLoops(simplify(inlineCalls(params.program))));
  const { constants } = params;
  const moved = invariantsOf(body, constants);
  if (moved.size === 0)
    return { equations: [{ ...scan, params: { ...params, program: body } }], constants: new Map() };
  const outside = new Map<Variable, Variable>();
  body.inputs.slice(0, constants).forEach((input, i) => outside.set(input, scan.inputs[i]));
  const before: Equation[] = [];
  for (const equation of body.equations) {
    if (!moved.has(equation)) continue;
    const outputs = equation.outputs.map(output => {
      const fresh = new Variable(output.aval);
      outside.set(output, fresh);
      return fresh;
    });
    before.push({ ...equation, inputs: equation.inputs.map(input => outside.get(input) ?? input), outputs });
  }
  const rest = body.equations.filter(equation => !moved.has(equation));
  const read = new Set([...rest.flatMap(equation => equation.inputs), ...body.outputs]);
  const carriedIn = [...moved].flatMap(equation => equation.outputs).filter(output => read.has(output));
  const program: Program = withoutDeadCode({
    inputs: [...body.inputs.slice(0, constants), ...carriedIn, ...body.inputs.slice(constants)],
    constants: body.constants,
    equations: rest,
    outputs: body.outputs,
  });
  const inputs = [
    ...scan.inputs.slice(0, constants),
    ...carriedIn.map(output => outside.get(output) as Variable),
    ...scan.inputs.slice(constants),
  ];
  const rewritten = {
    ...scan,
    inputs,
    params: { ...params, program, constants: constants + carriedIn.length },
  };
  return { equations: [...before, rewritten], constants: body.constants };
}

/** Moves what does not change out of all scans, the innermost first. */
export function hoistInvariants(program: Program): Program {
  const constants = new Map(program.constants);
  const equations = program.equations.flatMap(equation => {
    const { operation, params } = equation;
    if (operation.kind !== 'structured' || operation.lower.form !== 'scan') return [equation];
    const made = hoistFrom(equation, params as ScanParams);
    for (const [variable, tensor] of made.constants) constants.set(variable, tensor);
    return made.equations;
  });
  return withoutDeadCode({ ...program, constants, equations });
}
