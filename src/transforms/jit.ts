/** Compilation: the function is traced once for each signature of its arguments, and the program runs as a whole. */
import { type Plan, planOf } from '../compiler/print.ts';
import { type Aval, range } from '../core/aval.ts';
import { BadArgument, MissingArgument, userLine } from '../core/errors.ts';
import { currentPath, labelOf } from '../core/path.ts';
import type { Tensor } from '../core/tensor.ts';
import { currentTrace } from '../core/trace.ts';
import { type Structure, unflatten } from '../core/tree.ts';
import { bind, type InlineParams, type Primitive, type Program, primitive } from '../primitives/primitive.ts';
import { type Arguments, callWithTree, flattenArguments, leafTensor, type Outputs } from './arguments.ts';
import {
  avalsOf,
  batchedProgram,
  flagged,
  jvpProgram,
  key,
  merge,
  notNull,
  parts,
  splitProgram,
  spread,
  transposedProgram,
  unflagged,
} from './derive.ts';
import { compiledOf, executeDonating, isEvaluating, sameAvals } from './evaluate.ts';
import { hoistTracers, remember, traceProgram } from './trace.ts';
import { named } from './vmap.ts';

interface CallParams extends InlineParams {
  readonly name: string;
}

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
    const [outputs, rest] = parts(
      callProgram(name, made.program, [...primals, ...notNull(tangents)]),
      program.outputs.length,
    );
    return { outputs, tangents: spread(made.moving, rest) };
  },
  partial: (operands, unknown, { name, program }, record) => {
    const made = remember(program, key('partial', unknown), () => splitProgram(name, program, unknown));
    const known = unflagged(operands, unknown);
    const [outputs, residuals] = parts(callProgram(name, made.known, known), made.knownOutputs);
    // A residual that is an operand stays that operand: loops around this see that it does not change.
    made.known.outputs.slice(made.knownOutputs).forEach((variable, i) => {
      const from = made.known.inputs.indexOf(variable);
      if (from >= 0) residuals[i] = known[from];
    });
    const { program: rest, hoisted } = hoistTracers(made.unknown);
    const recorded = record(callPrimitive, [...hoisted, ...residuals, ...flagged(operands, unknown)], {
      name,
      program: rest,
    });
    return merge(made.outputUnknown, recorded, outputs);
  },
  transpose: (cotangents, operands, linear, { name, program }) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const made = remember(program, key('transpose', linear, arriving), () =>
      transposedProgram(name, program, linear, arriving),
    );
    const results = callProgram(name, made.program, [...unflagged(operands, linear), ...notNull(cotangents)]);
    return spread(made.leaving, results);
  },
  batch: (size, operands, batched, { name, program }) => {
    const made = remember(program, `${key('batch', batched)}:${size}`, () =>
      batchedProgram(name, program, size, batched),
    );
    return { outputs: callProgram(name, made.program, operands), batched: made.batched };
  },
  lower: { form: 'inline' },
  samples: [],
});

export interface JitOptions {
  /** Arguments that are not traced but fixed, compared by identity: configuration, functions, sizes. */
  readonly staticArgnums?: readonly number[];
  /**
   * Arguments that the caller gives away: results of the same element type and size are made in their memory where
   * possible, the rest is given back after the call. Using their tensors afterwards throws FreedTensor. Inside another
   * transformation, which may still need the values, it has no effect.
   */
  readonly donate?: readonly number[];
}

/** A compiled function. `String(f)` prints the kernels and the memory plan of every signature traced so far. */
export type Jitted<A extends readonly unknown[], R> = ((...args: Arguments<A>) => Outputs<R>) & {
  /** How many signatures have been traced. */
  readonly traces: number;
  /**
   * What a call with these arguments runs: the number of kernels and the bytes of memory. `String(plan)` prints the
   * kernels with the place of every value. Nothing is computed.
   *
   * @example jit((x) => x.sin().sum()).plan(tensor([1, 2])).kernels // 1
   */
  plan(...args: Arguments<A>): Plan;
  /** For `explainTrace`. */
  readonly [traceHistory]?: TraceHistory;
};

export const traceHistory: unique symbol = Symbol('trace history') as never;

/** One trace of a compiled function. */
export interface TraceRecord {
  /** Counted from 1. */
  readonly number: number;
  /** The traced arguments, and what number each has in the call. */
  readonly structure: Structure;
  readonly avals: readonly Aval[];
  readonly numbers: readonly number[];
  /** The static arguments. */
  readonly fixed: readonly unknown[];
  readonly fixedNumbers: readonly number[];
  /** Values of running transformations that the function used. */
  readonly closedOver: readonly Aval[];
  /** The user's line, and the transformations around it. */
  readonly source: string;
  readonly around: string;
}

export interface TraceHistory {
  readonly label: string;
  /** The last ones, in order. */
  readonly records: readonly TraceRecord[];
}

const longestHistory = 256;

/** What was traced for one signature. */
interface Entry {
  readonly avals: readonly Aval[];
  readonly fixed: readonly unknown[];
  readonly call: CallParams;
  readonly hoisted: readonly Tensor[];
  /** Which leaves are donated. */
  readonly donated: readonly number[];
  readonly result: Structure;
  /** Whether the program notes the user's lines. */
  readonly sources: boolean;
}

/** The signatures whose arguments have one structure, that used last first. */
interface Family {
  readonly structure: Structure;
  readonly entries: Entry[];
}

export function requireNumbered(
  label: string,
  option: string,
  numbers: readonly number[],
  args: readonly unknown[],
): void {
  const kind = option === 'donate' ? 'donated' : 'static';
  for (const number of numbers)
    if (!Number.isInteger(number) || number < 0 || number >= args.length)
      throw new MissingArgument({
        did: `${label} was called with ${args.length} argument${args.length === 1 ? '' : 's'}, but needs ${kind} argument ${number}`,
        expected: `a value for every one of ${option}, counted from 0`,
        remedy: `pass it, or correct ${option}`,
      });
}

/** The positions of one child's leaves among all. */
function leavesOf({ children }: Structure, child: number): number[] {
  const before = children.slice(0, child).reduce((n, one) => n + one.leafCount, 0);
  return range(children[child].leafCount).map(i => before + i);
}

const nothing: readonly unknown[] = [];

/** The element of which `holds` is true, moved to the front of its list. */
function foremost<T>(list: T[], holds: (one: T) => boolean): T | undefined {
  const at = list.findIndex(holds);
  if (at > 0) list.unshift(...list.splice(at, 1));
  return at < 0 ? undefined : list[0];
}

/**
 * The function compiled: it is traced once for each signature (tree structure, shapes and element types of its
 * arguments, identity of static ones) and from then on the recorded program runs.
 *
 * Values are not known while tracing: use `where` in place of `if` on tensors. Tensors that the function takes from
 * outside its arguments are fixed at the first call.
 *
 * @example const step = jit((w, x) => w.sub(grad(loss)(w, x).mul(0.1)), { donate: [0] })
 * @throws ConcreteValueNeeded where the function asks for a value
 */
export function jit<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JitOptions = {},
): Jitted<A, R> {
  const call = callWithTree('jit', f);
  const label = labelOf('jit', f);
  const fixedNumbers = [...(options.staticArgnums ?? [])].sort((a, b) => a - b);
  const donate = options.donate ?? [];
  for (const number of donate)
    if (fixedNumbers.includes(number))
      throw new BadArgument({
        did: `${label} with argument ${number} both in staticArgnums and in donate`,
        expected: 'a donated argument to be traced: a static one has no memory to give',
        remedy: `leave ${number} out of one of them`,
      });
  const families: Family[] = [];
  const records: TraceRecord[] = [];
  let traces = 0;

  const recordTrace = ({ avals, fixed, hoisted }: Entry, structure: Structure): void => {
    const all = range(structure.children.length + fixed.length);
    traces++;
    if (records.length === longestHistory) records.shift();
    records.push({
      number: traces,
      structure,
      avals,
      numbers: all.filter(number => !fixedNumbers.includes(number)),
      fixed,
      fixedNumbers,
      closedOver: avalsOf(hoisted),
      source: userLine(),
      around: currentPath(),
    });
  };

  /** Whether the i-th of the traced arguments is donated. */
  const donates = (i: number): boolean =>
    donate.includes(fixedNumbers.reduce((at, number) => (number <= at ? at + 1 : at), i));

  const trace = (leaves: readonly Tensor[], structure: Structure, fixed: readonly unknown[]): Entry => {
    const traced = traceProgram(
      inputs => {
        const all = unflatten(structure, inputs) as unknown[];
        fixedNumbers.forEach((number, i) => {
          all.splice(number, 0, fixed[i]);
        });
        return call.run(all);
      },
      avalsOf(leaves),
      { name: label, watch: true },
    );
    const { program, hoisted } = hoistTracers(traced);
    const donated = structure.children.flatMap((_, i) => (donates(i) ? leavesOf(structure, i) : []));
    return {
      avals: avalsOf(leaves),
      fixed,
      call: { name: f.name || 'jit', program },
      hoisted,
      donated,
      result: call.structure(),
      sources: currentTrace().sources,
    };
  };

  /** The entry of a signature, traced if it is new, and the leaves of the arguments. */
  const prepare = (args: readonly unknown[]): { entry: Entry; leaves: readonly Tensor[] } => {
    let dynamic = args;
    let fixed = nothing;
    if (donate.length > 0) requireNumbered(label, 'donate', donate, args);
    if (fixedNumbers.length > 0) {
      requireNumbered(label, 'staticArgnums', fixedNumbers, args);
      dynamic = args.filter((_, i) => !fixedNumbers.includes(i));
      fixed = fixedNumbers.map(number => args[number]);
    }
    let given: unknown[] = [];
    let family = foremost(families, one => {
      given = [];
      return one.structure.collect(dynamic, given);
    });
    if (family === undefined) {
      const flat = flattenArguments(dynamic);
      given = [...flat.leaves];
      family = { structure: flat.structure, entries: [] };
    }
    const leaves = given as Tensor[];
    for (let i = 0; i < given.length; i++) leaves[i] = leafTensor(given[i]);
    let entry = foremost(
      family.entries,
      one => sameAvals(one.avals, leaves) && one.fixed.every((value, i) => Object.is(value, fixed[i])),
    );
    if (entry !== undefined && currentTrace().sources && !entry.sources) {
      // The same program once more, for who wants to know the lines.
      entry = trace(leaves, family.structure, fixed);
      family.entries[0] = entry;
    } else if (entry === undefined) {
      entry = trace(leaves, family.structure, fixed);
      recordTrace(entry, family.structure);
      // A program that closed over another transformation's values holds for this call alone.
      if (entry.hoisted.length === 0) {
        family.entries.unshift(entry);
        if (!families.includes(family)) families.unshift(family);
      }
    }
    return { entry, leaves };
  };

  const run = ({ call, hoisted, donated }: Entry, leaves: readonly Tensor[]): readonly Tensor[] => {
    if (hoisted.length > 0) return bind(callPrimitive, [...hoisted, ...leaves], call);
    if (donated.length > 0 && isEvaluating()) return executeDonating(call.program, leaves, donated);
    return bind(callPrimitive, leaves, call);
  };

  const planned = ({ call, hoisted, donated, avals }: Entry): Plan =>
    planOf(
      `${label}: ${avals.join(', ') || 'no arguments'}`,
      hoisted.length + avals.length,
      compiledOf(call.program, hoisted.length > 0 ? [] : donated),
    );

  const jitted = (...args: unknown[]): Outputs<R> => {
    const { entry, leaves } = prepare(args);
    return unflatten(entry.result, run(entry, leaves)) as Outputs<R>;
  };
  named(jitted, f);
  Object.defineProperty(jitted, 'traces', { get: () => traces });
  Object.defineProperty(jitted, traceHistory, { value: { label, records } });
  Object.defineProperty(jitted, 'plan', { value: (...args: unknown[]) => planned(prepare(args).entry) });
  Object.defineProperty(jitted, 'toString', {
    value: () =>
      families.flatMap(family => family.entries.map(planned)).join('\n\n') || `${label}: not called yet`,
  });
  return jitted as unknown as Jitted<A, R>;
}
