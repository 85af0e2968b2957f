/** Compilation: the function is traced once for each signature of its arguments, and the program runs as a whole. */
import type { Aval } from '../core/aval.ts';
import { MissingArgument } from '../core/errors.ts';
import { labelOf } from '../core/path.ts';
import { printProgram } from '../core/print.ts';
import { Variable } from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import { currentTrace, withTrace } from '../core/trace.ts';
import { type Structure, unflatten } from '../core/tree.ts';
import { bind, type Primitive, type Program, primitive } from '../primitives/primitive.ts';
import { type Arguments, callWithTree, flattenArguments, type Outputs } from './arguments.ts';
import { JvpTrace, runJvp, type Tangent } from './jvp.ts';
import { PartialTrace } from './linearize.ts';
import { hoistTracers, remember, replay, traceProgram } from './trace.ts';
import { type Cotangent, transposeProgram } from './transpose.ts';
import { BatchTrace, named, runBatched } from './vmap.ts';

interface CallParams {
  readonly name: string;
  readonly program: Program;
}

const avalsOf = (tensors: readonly { readonly aval: Aval }[]): Aval[] => tensors.map(tensor => tensor.aval);
const key = (what: string, flags: readonly boolean[]): string => what + flags.map(Number).join('');

/** Applies a program to tensors, as one operation. */
function callProgram(name: string, traced: Program, operands: readonly Tensor[]): readonly Tensor[] {
  const { program, hoisted } = hoistTracers(traced);
  return bind(callPrimitive, [...hoisted, ...operands], { name, program });
}

/** A program as an operation. Each transformation transforms the program, once, and calls the result. */
export const callPrimitive: Primitive<CallParams> = primitive<CallParams>({
  name: 'call',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),
  jvp: (primals, tangents, { name, program }) => {
    const moving = tangents.map(tangent => tangent !== null);
    const made = remember(program, key('jvp', moving), () => jvpProgram(name, program, moving));
    const results = callProgram(name, made.program, [
      ...primals,
      ...tangents.filter(tangent => tangent !== null),
    ]);
    let next = program.outputs.length;
    return {
      outputs: results.slice(0, program.outputs.length),
      tangents: made.moving.map(is => (is ? results[next++] : null)),
    };
  },
  partial: (operands, unknown, { name, program }, record) => {
    const made = remember(program, key('partial', unknown), () => splitProgram(name, program, unknown));
    const results = callProgram(
      name,
      made.known,
      operands.filter((_, i) => !unknown[i]),
    );
    const residuals = results.slice(made.knownOutputs);
    const { program: rest, hoisted } = hoistTracers(made.unknown);
    const recorded = record(
      callPrimitive,
      [...hoisted, ...residuals, ...operands.filter((_, i) => unknown[i])],
      { name, program: rest },
    );
    let fromKnown = 0;
    let fromUnknown = 0;
    return made.outputUnknown.map(is => (is ? recorded[fromUnknown++] : results[fromKnown++]));
  },
  transpose: (cotangents, operands, linear, { name, program }) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const made = remember(program, key('transpose', [...linear, ...arriving]), () =>
      transposedProgram(name, program, linear, arriving),
    );
    const results = callProgram(name, made.program, [
      ...operands.filter((_, i) => !linear[i]),
      ...cotangents.filter(cotangent => cotangent !== null),
    ]);
    let next = 0;
    return made.leaving.map(is => (is ? results[next++] : null));
  },
  batch: (size, operands, batched, { name, program }) => {
    const made = remember(program, `${key('batch', batched)}:${size}`, () =>
      batchedProgram(name, program, size, batched),
    );
    return { outputs: callProgram(name, made.program, operands), batched: made.batched };
  },
  lower: 'inline',
  samples: [],
});

/** Inputs: primals, then the tangents that are not zero. Outputs likewise. */
function jvpProgram(
  name: string,
  program: Program,
  moving: readonly boolean[],
): { program: Program; moving: boolean[] } {
  const tangentAvals = avalsOf(program.inputs).filter((_, i) => moving[i]);
  let nonzero: boolean[] = [];
  const made = traceProgram(
    inputs => {
      let next = program.inputs.length;
      const tangents: Tangent[] = moving.map(is => (is ? inputs[next++] : null));
      const trace = new JvpTrace(name, currentTrace());
      const out = runJvp(
        trace,
        primals => replay(program, primals),
        inputs.slice(0, program.inputs.length),
        tangents,
      );
      nonzero = out.tangents.map(tangent => tangent !== null);
      return [...out.primals, ...out.tangents.filter(tangent => tangent !== null)];
    },
    [...avalsOf(program.inputs), ...tangentAvals],
    { name },
  );
  return { program: made, moving: nonzero };
}

interface Split {
  /** Outputs: those that are known, then the residuals. */
  readonly known: Program;
  readonly knownOutputs: number;
  /** Inputs: the residuals, then the unknown inputs. */
  readonly unknown: Program;
  readonly outputUnknown: readonly boolean[];
}

/** What depends on known inputs alone, and the rest. */
function splitProgram(name: string, program: Program, unknown: readonly boolean[]): Split {
  let rest: Program | undefined;
  let outputUnknown: boolean[] = [];
  const variables = program.inputs.filter((_, i) => unknown[i]).map(input => new Variable(input.aval));
  const known = traceProgram(
    inputs => {
      const partial = new PartialTrace(currentTrace());
      let fromKnown = 0;
      let fromUnknown = 0;
      const all = unknown.map(is => (is ? partial.unknown(variables[fromUnknown++]) : inputs[fromKnown++]));
      const run = withTrace(partial, () => replay(program, all));
      outputUnknown = run.map(out => partial.isUnknown(out));
      const recorded = partial.program(
        variables,
        run.filter((_, i) => outputUnknown[i]),
      );
      rest = {
        ...recorded,
        inputs: [...recorded.constants.keys(), ...recorded.inputs],
        constants: new Map(),
      };
      return [...run.filter((_, i) => !outputUnknown[i]), ...recorded.constants.values()];
    },
    avalsOf(program.inputs).filter((_, i) => !unknown[i]),
    { name },
  );
  return {
    known,
    knownOutputs: outputUnknown.filter(is => !is).length,
    unknown: rest as Program,
    outputUnknown,
  };
}

/** Inputs: the operands that are not linear, then the cotangents that are not zero. */
function transposedProgram(
  name: string,
  program: Program,
  linear: readonly boolean[],
  arriving: readonly boolean[],
): { program: Program; leaving: boolean[] } {
  const fixed = program.inputs.filter((_, i) => !linear[i]);
  let leaving: boolean[] = [];
  const made = traceProgram(
    inputs => {
      const constants = new Map<Variable, Tensor>(program.constants);
      fixed.forEach((variable, i) => constants.set(variable, inputs[i]));
      let next = fixed.length;
      const cotangents: Cotangent[] = arriving.map(is => (is ? inputs[next++] : null));
      const results = transposeProgram(
        { ...program, inputs: program.inputs.filter((_, i) => linear[i]), constants },
        cotangents,
      );
      let at = 0;
      const all = linear.map(is => (is ? results[at++] : null));
      leaving = all.map(one => one !== null);
      return all.filter(one => one !== null);
    },
    [...avalsOf(fixed), ...avalsOf(program.outputs).filter((_, i) => arriving[i])],
    { name },
  );
  return { program: made, leaving };
}

function batchedProgram(
  name: string,
  program: Program,
  size: number,
  batched: readonly boolean[],
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
      flags = out.batched;
      return out.outputs;
    },
    avals,
    { name },
  );
  return { program: made, batched: flags };
}

export interface JitOptions {
  /** Arguments that are not traced but fixed, compared by identity: configuration, functions, sizes. */
  readonly staticArgnums?: readonly number[];
}

/** A compiled function. `String(f)` prints the programs made so far. */
export type Jitted<A extends readonly unknown[], R> = ((...args: Arguments<A>) => Outputs<R>) & {
  /** How many signatures have been traced. */
  readonly traces: number;
};

interface Entry {
  readonly structure: Structure;
  readonly fixed: readonly unknown[];
  readonly program: Program;
  readonly hoisted: readonly Tensor[];
  readonly result: Structure;
}

/**
 * The function compiled: it is traced once for each signature (tree structure, shapes and element types of its
 * arguments, identity of static ones) and from then on the recorded program runs.
 *
 * Values are not known while tracing: use `where` in place of `if` on tensors. Tensors that the function takes from
 * outside its arguments are fixed at the first call.
 *
 * @example const step = jit((w, x) => w.sub(grad(loss)(w, x).mul(0.1)))
 * @throws ConcreteValueNeeded where the function asks for a value
 */
export function jit<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JitOptions = {},
): Jitted<A, R> {
  const call = callWithTree('jit', f);
  const label = labelOf('jit', f);
  const fixedNumbers = options.staticArgnums ?? [];
  const entries = new Map<string, Entry[]>();
  let traces = 0;

  const trace = (args: readonly unknown[], fixed: readonly unknown[]): Entry => {
    const { leaves, structure, rebuild } = flattenArguments(args);
    const traced = traceProgram(
      inputs => {
        const all = rebuild(inputs);
        for (const [i, value] of fixedNumbers
          .map((number, at) => [number, fixed[at]] as const)
          .sort((a, b) => a[0] - b[0]))
          all.splice(i, 0, value);
        return call.run(all);
      },
      avalsOf(leaves),
      { name: label, watch: true },
    );
    traces++;
    const { program, hoisted } = hoistTracers(traced);
    return { structure, fixed, program, hoisted, result: call.structure() };
  };

  const jitted = (...args: unknown[]): Outputs<R> => {
    for (const number of fixedNumbers)
      if (!Number.isInteger(number) || number < 0 || number >= args.length)
        throw new MissingArgument({
          did: `${label} was called with ${args.length} argument${args.length === 1 ? '' : 's'}, but needs static argument ${number}`,
          expected: 'a value for every one of staticArgnums, counted from 0',
          remedy: 'pass it, or correct staticArgnums',
        });
    const fixed = fixedNumbers.map(number => args[number]);
    const dynamic = fixedNumbers.length === 0 ? args : args.filter((_, i) => !fixedNumbers.includes(i));
    const flat = flattenArguments(dynamic);
    let signature = '';
    for (const leaf of flat.leaves) signature += leaf.aval.key;
    const candidates = entries.get(signature);
    let entry = candidates?.find(
      one =>
        one.structure.equals(flat.structure) && one.fixed.every((value, i) => Object.is(value, fixed[i])),
    );
    if (entry === undefined) {
      entry = trace(dynamic, fixed);
      // A program that closed over another transformation's values holds for this call alone.
      if (entry.hoisted.length === 0) entries.set(signature, [...(candidates ?? []), entry]);
    }
    const results = bind(callPrimitive, [...entry.hoisted, ...flat.leaves], {
      name: f.name || 'jit',
      program: entry.program,
    });
    return unflatten(entry.result, results) as Outputs<R>;
  };
  named(jitted, f);
  Object.defineProperty(jitted, 'traces', { get: () => traces });
  Object.defineProperty(jitted, 'toString', {
    value: () =>
      [...entries.values()]
        .flat()
        .map(entry => printProgram(entry.program))
        .join('\n\n') || `${label}: not called yet`,
  });
  return jitted as unknown as Jitted<A, R>;
}
