/**
 * What the transformations make of a whole program: another program. Control flow and calls have nothing else to do
 * than to transform the programs among their parameters, once, and to apply the result.
 */
import type { Aval } from '../core/aval.ts';
import { Variable, withoutDeadCode } from '../core/program.ts';
import { ConcreteTensor, type Tensor } from '../core/tensor.ts';
import { currentTrace, withTrace } from '../core/trace.ts';
import type { Equation, InlineParams, Program } from '../primitives/primitive.ts';
import { withBatchAxis, zerosLike } from '../primitives/vectorspace.ts';
import { interned } from './intern.ts';
import { JvpTrace, runJvp, type Tangent } from './jvp.ts';
import { PartialTrace } from './linearize.ts';
import { replay, traceProgram } from './trace.ts';
import { type Cotangent, transposeProgram } from './transpose.ts';
import { BatchTrace, runBatched } from './vmap.ts';

export const avalsOf = (tensors: readonly { readonly aval: Aval }[]): Aval[] =>
  tensors.map(tensor => tensor.aval);

/** A key for `remember`: flags as digits. */
export const key = (what: string, ...flags: readonly (readonly boolean[])[]): string =>
  `${what}${flags.map(list => list.map(Number).join('')).join('/')}`;

export const flagged = <T>(list: readonly T[], flags: readonly boolean[]): T[] =>
  list.filter((_, i) => flags[i]);
export const unflagged = <T>(list: readonly T[], flags: readonly boolean[]): T[] =>
  list.filter((_, i) => !flags[i]);
export const never = (list: readonly unknown[]): boolean[] => list.map(() => false);
export const always = (list: readonly unknown[]): boolean[] => list.map(() => true);
export const notNull = <T>(list: readonly (T | null)[]): T[] => list.filter((one): one is T => one !== null);

/** Where `flags` is true the next of `on`, elsewhere the next of `off`. */
export function merge<T>(flags: readonly boolean[], on: readonly T[], off: readonly T[]): T[] {
  let fromOn = 0;
  let fromOff = 0;
  return flags.map(is => (is ? on[fromOn++] : off[fromOff++]));
}

/** Null where there is none. */
export function spread<T>(flags: readonly boolean[], values: readonly T[]): (T | null)[] {
  let next = 0;
  return flags.map(is => (is ? values[next++] : null));
}

/** A list in consecutive parts of these lengths, and the rest. */
export function parts<T>(list: readonly T[], ...lengths: readonly number[]): T[][] {
  const cut: T[][] = [];
  let start = 0;
  for (const length of lengths) {
    cut.push(list.slice(start, start + length));
    start += length;
  }
  return [...cut, list.slice(start)];
}

/** Enlarges flags until `grow` adds none: what is carried round a loop. */
export function fixpoint<T>(
  start: readonly boolean[],
  grow: (flags: readonly boolean[]) => { flags: readonly boolean[]; made: T },
): { flags: readonly boolean[]; made: T } {
  let flags = start;
  for (;;) {
    const next = grow(flags);
    const union = flags.map((is, i) => is || next.flags[i]);
    if (union.every((is, i) => is === flags[i])) return { flags, made: next.made };
    flags = union;
  }
}

/** Which outputs depend on a flagged input. */
export function dependence(program: Program, flags: readonly boolean[]): boolean[] {
  const moved = dependents(program, flags);
  return program.outputs.map(output => moved.has(output));
}

/** All variables that depend on a flagged input. */
export function dependents(program: Program, flags: readonly boolean[]): Set<Variable> {
  const moved = new Set<Variable>(flagged(program.inputs, flags));
  for (const { inputs, outputs } of program.equations)
    if (inputs.some(input => moved.has(input))) for (const output of outputs) moved.add(output);
  return moved;
}

/** The program with only the flagged outputs. */
export function withOutputs(program: Program, flags: readonly boolean[]): Program {
  return flags.every(Boolean)
    ? program
    : withoutDeadCode({ ...program, outputs: flagged(program.outputs, flags) });
}

/** The program with the calls in it written out, so that what does not change inside them is seen. */
export function inlined(program: Program): Program {
  const isCall = ({ operation }: Equation): boolean =>
    operation.kind === 'structured' &&
    operation.lower.form === 'inline' &&
    !operation.lower.barrier &&
    !operation.lower.own;
  if (!program.equations.some(isCall)) return program;
  const equations: Equation[] = [];
  const constants = new Map(program.constants);
  const write = (from: Program, known: ReadonlyMap<Variable, Variable>): Variable[] => {
    const names = new Map(known);
    // Every use of a program has variables of its own.
    const fresh = (variable: Variable): Variable => {
      const made = new Variable(variable.aval);
      names.set(variable, made);
      return made;
    };
    const nameOf = (variable: Variable): Variable => names.get(variable) as Variable;
    for (const [variable, value] of from.constants) constants.set(fresh(variable), value);
    for (const equation of from.equations) {
      const inputs = equation.inputs.map(nameOf);
      if (!isCall(equation)) equations.push({ ...equation, inputs, outputs: equation.outputs.map(fresh) });
      else {
        const inner = (equation.params as InlineParams).program;
        const results = write(inner, new Map(inner.inputs.map((input, i) => [input, inputs[i]])));
        equation.outputs.forEach((output, i) => names.set(output, results[i]));
      }
    }
    return from.outputs.map(nameOf);
  };
  const outputs = write(program, new Map(program.inputs.map(input => [input, input])));
  return withoutDeadCode({ inputs: program.inputs, constants, equations, outputs });
}

/**
 * A program whose constants are inputs, before the others: values of enclosing transformations, and tensors that are
 * more than a number. What is left can be transformed once for all uses, and is small.
 */
export function closed(traced: Program): { program: Program; constants: Tensor[] } {
  const { program, constants } = lifted(traced);
  return { program: interned(program), constants };
}

function lifted(traced: Program): { program: Program; constants: Tensor[] } {
  const program = inlined(traced);
  const isInput = (value: Tensor): boolean => !(value instanceof ConcreteTensor) || value.ndim > 0;
  const outside = [...program.constants].filter(([, value]) => isInput(value));
  if (outside.length === 0) return { program, constants: [] };
  return {
    program: {
      ...program,
      inputs: [...outside.map(([variable]) => variable), ...program.inputs],
      constants: new Map([...program.constants].filter(([, value]) => !isInput(value))),
    },
    constants: outside.map(([, value]) => value),
  };
}

/** Programs of one function, each with the same first inputs: whatever any of them closes over. */
export function closedTogether(programs: readonly Program[]): { programs: Program[]; constants: Tensor[] } {
  const each = programs.map(lifted);
  const constants = [...new Set(each.flatMap(one => one.constants))];
  return {
    programs: each.map(({ program, constants: own }) => {
      const [closedOver, given] = parts(program.inputs, own.length);
      const inputs = constants.map(one => closedOver[own.indexOf(one)] ?? new Variable(one.aval));
      return interned({ ...program, inputs: [...inputs, ...given] });
    }),
    constants,
  };
}

/**
 * Forward mode. Inputs: primals, then the tangents that are not zero. Outputs likewise; `always` marks outputs that
 * get a tangent even if it is zero.
 */
export function jvpProgram(
  name: string,
  program: Program,
  moving: readonly boolean[],
  always: readonly boolean[] = never(program.outputs),
): { program: Program; moving: boolean[] } {
  let nonzero: boolean[] = [];
  const made = traceProgram(
    inputs => {
      const [primals, rest] = parts(inputs, program.inputs.length);
      const trace = new JvpTrace(name, currentTrace());
      const out = runJvp(trace, values => replay(program, values), primals, spread(moving, rest));
      const tangents = out.tangents.map(
        (tangent, i): Tangent => (tangent === null && always[i] ? zerosLike(out.primals[i]) : tangent),
      );
      nonzero = tangents.map(tangent => tangent !== null);
      return [...out.primals, ...notNull(tangents)];
    },
    [...avalsOf(program.inputs), ...flagged(avalsOf(program.inputs), moving)],
    { name },
  );
  return { program: made, moving: nonzero };
}

export interface Split {
  /** Inputs: those that are known. Outputs: those that are known, then the residuals. */
  readonly known: Program;
  readonly knownOutputs: number;
  /** Inputs: the residuals, then the unknown inputs. */
  readonly unknown: Program;
  readonly outputUnknown: readonly boolean[];
}

/** What depends on known inputs alone, and the rest. `always` marks outputs that belong to the rest in any case. */
export function splitProgram(
  name: string,
  program: Program,
  unknown: readonly boolean[],
  always: readonly boolean[] = never(program.outputs),
): Split {
  let rest: Program | undefined;
  let outputUnknown: boolean[] = [];
  const variables = flagged(program.inputs, unknown).map(input => new Variable(input.aval));
  const known = traceProgram(
    inputs => {
      const partial = new PartialTrace(currentTrace());
      const all = merge(
        unknown,
        variables.map(variable => partial.unknown(variable)),
        inputs,
      );
      const run = withTrace(partial, () => replay(program, all));
      outputUnknown = run.map((out, i) => always[i] || partial.isUnknown(out));
      const recorded = withoutDeadCode(partial.program(variables, flagged(run, outputUnknown)));
      rest = {
        ...recorded,
        inputs: [...recorded.constants.keys(), ...recorded.inputs],
        constants: new Map(),
      };
      return [...unflagged(run, outputUnknown), ...recorded.constants.values()];
    },
    unflagged(avalsOf(program.inputs), unknown),
    { name },
  );
  const knownOutputs = outputUnknown.filter(is => !is).length;
  return { ...withSmallResiduals(known, knownOutputs, rest as Program), knownOutputs, outputUnknown };
}

/** Whether an equation makes its result of fewer elements, as a broadcast does: those are kept in its place. */
const enlarges = ({ operation, inputs, outputs }: Equation): boolean =>
  operation.kind === 'linear' && inputs.length === 1 && inputs[0].aval.size < outputs[0].aval.size;

/** The two parts of a split program with what enlarges a residual done in the unknown part. */
function withSmallResiduals(
  known: Program,
  knownOutputs: number,
  unknown: Program,
): { known: Program; unknown: Program } {
  const makers = new Map(
    known.equations.flatMap(equation => equation.outputs.map(out => [out, equation] as const)),
  );
  const residuals = known.outputs.slice(knownOutputs);
  const inputs = [...unknown.inputs];
  const equations: Equation[] = [];
  residuals.forEach((_, i) => {
    for (let maker = makers.get(residuals[i]); maker && enlarges(maker); maker = makers.get(residuals[i])) {
      residuals[i] = maker.inputs[0];
      const small = new Variable(residuals[i].aval);
      equations.unshift({ ...maker, inputs: [small], outputs: [inputs[i]] });
      inputs[i] = small;
    }
  });
  if (equations.length === 0) return { known, unknown };
  return {
    known: withoutDeadCode({ ...known, outputs: [...known.outputs.slice(0, knownOutputs), ...residuals] }),
    unknown: { ...unknown, inputs, equations: [...equations, ...unknown.equations] },
  };
}

/**
 * Reverse mode of a program that is linear in the flagged inputs. Inputs: the others, then the cotangents that are not
 * zero, then what there is before of the cotangents that `sums` marks, which is added to. Outputs: the cotangents of the
 * flagged inputs that are not zero; `always` marks inputs that get one even if it is zero.
 */
export function transposedProgram(
  name: string,
  program: Program,
  linear: readonly boolean[],
  arriving: readonly boolean[],
  always: readonly boolean[] = never(program.inputs),
  sums: readonly boolean[] = never(program.inputs),
): { program: Program; leaving: boolean[] } {
  const fixed = unflagged(program.inputs, linear);
  let leaving: boolean[] = [];
  const made = traceProgram(
    inputs => {
      const constants = new Map<Variable, Tensor>(program.constants);
      fixed.forEach((variable, i) => constants.set(variable, inputs[i]));
      const [, cotangents, before] = parts(inputs, fixed.length, arriving.filter(Boolean).length);
      const results = transposeProgram(
        { ...program, inputs: flagged(program.inputs, linear), constants },
        spread(arriving, cotangents),
        flagged(spread(sums, before), linear),
      );
      const all = merge<Cotangent>(
        linear,
        results,
        never(fixed).map(() => null),
      ).map((one, i) => (one === null && always[i] && linear[i] ? zerosLike(program.inputs[i].aval) : one));
      leaving = all.map(one => one !== null);
      return notNull(all);
    },
    [
      ...avalsOf(fixed),
      ...flagged(avalsOf(program.outputs), arriving),
      ...flagged(avalsOf(program.inputs), sums),
    ],
    { name },
  );
  return { program: made, leaving };
}

/** The same of a program that computes with its other inputs as well: that part runs first. */
export function transposedMixedProgram(
  name: string,
  program: Program,
  linear: readonly boolean[],
  arriving: readonly boolean[],
  sums: readonly boolean[] = never(program.inputs),
): { program: Program; leaving: boolean[] } {
  const split = splitProgram(name, program, linear);
  const residuals = split.known.outputs.length - split.knownOutputs;
  const into = flagged(arriving, split.outputUnknown);
  const transposed = transposedProgram(
    name,
    split.unknown,
    split.unknown.inputs.map((_, i) => i >= residuals),
    into,
    never(split.unknown.inputs),
    split.unknown.inputs.map((_, i) => i >= residuals && flagged(sums, linear)[i - residuals]),
  );
  const fixed = unflagged(program.inputs, linear);
  const made = traceProgram(
    inputs => {
      const [values, cotangents, before] = parts(inputs, fixed.length, arriving.filter(Boolean).length);
      const wanted = flagged(spread(arriving, cotangents), split.outputUnknown);
      return replay(transposed.program, [
        ...replay(split.known, values).slice(split.knownOutputs),
        ...notNull(wanted),
        ...before,
      ]);
    },
    [
      ...avalsOf(fixed),
      ...flagged(avalsOf(program.outputs), arriving),
      ...flagged(avalsOf(program.inputs), sums),
    ],
    { name },
  );
  const leaving = merge(linear, transposed.leaving.slice(residuals), never(fixed));
  return { program: made, leaving };
}

/** Over a batch: flagged inputs have a leading axis. `always` marks outputs that get one in any case. */
export function batchedProgram(
  name: string,
  program: Program,
  size: number,
  batched: readonly boolean[],
  always: readonly boolean[] = never(program.outputs),
): { program: Program; batched: boolean[] } {
  let flags: boolean[] = [];
  const avals = program.inputs.map(({ aval }, i) =>
    batched[i] ? aval.with({ shape: [size, ...aval.shape] }) : aval,
  );
  const made = traceProgram(
    inputs => {
      const out = runBatched(
        new BatchTrace(name, currentTrace(), size),
        examples => replay(program, examples),
        inputs,
        batched,
      );
      flags = out.batched.map((is, i) => is || always[i]);
      return out.outputs.map((output, i) =>
        flags[i] ? withBatchAxis(size, output, out.batched[i]) : output,
      );
    },
    avals,
    { name },
  );
  return { program: made, batched: flags };
}
