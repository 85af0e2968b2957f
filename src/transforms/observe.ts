/**
 * The inside of a loop made visible: its program gets a perturbation for every variable as a further sequence, and the
 * values of the variables as further results. The ordinary rules of the loop do the rest: the cotangent of a
 * perturbation is the adjoint of its variable at every step.
 */
import { Aval } from '../core/aval.ts';
import { letters, showParams } from '../core/print.ts';
import { Variable } from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import {
  type CondParams,
  type Equation,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
  type ScanParams,
} from '../primitives/primitive.ts';
import { constantLike } from '../primitives/vectorspace.ts';
import { fixpoint, jvpProgram, parts } from './derive.ts';
import { replay, traceProgram } from './trace.ts';

/** x, to which p = 0 is added for the sake of its derivative: not a bit of x changes, not even the sign of zero. */
const perturb: Primitive<Record<string, never>> = primitive<Record<string, never>>({
  name: 'perturb',
  kind: 'smooth',
  abstract: ([x]) => x,
  jvp: [dx => dx],
  batch: 'elementwise',
  lower: () => ({ form: 'alias', source: 0 }),
  samples: [],
});

/** A variable inside a loop. */
export interface Inner {
  /** `scan.h`. */
  readonly name: string;
  readonly equation: string;
  readonly source: string;
  /** The lengths of the loops around it, the outermost first: the leading axes of its value and its adjoint. */
  readonly steps: readonly number[];
  readonly aval: Aval;
  /** Whether it has a perturbation. */
  readonly moves: boolean;
}

/** What is known of an input of a program, or of a variable met in it. */
export interface Known {
  readonly name: string;
  /** Whether it depends smoothly on what is differentiated. */
  readonly moves: boolean;
}

/** Operands get the perturbations of `inner` that move after them, results the values of all after them. */
export interface Observed {
  readonly params: object;
  readonly inner: readonly Inner[];
}

/** A name in a scope that nothing there has yet. */
export class Scope {
  readonly #taken = new Set<string>();
  readonly #prefix: string;
  #lettered = 0;

  /** Letters keep clear of the tags of the program. */
  constructor(prefix = '', program?: Program) {
    this.#prefix = prefix;
    for (const { operation, params } of program?.equations ?? []) {
      const label = operation.label?.(params);
      if (label !== undefined) this.#taken.add(prefix + label);
    }
  }

  /** `name`, `name2`, …; without a name the next letters. */
  take(name?: string): string {
    let full = '';
    for (let n = 1; full === '' || this.#taken.has(full); n++)
      full = this.#prefix + (name === undefined ? letters(this.#lettered++) : n === 1 ? name : name + n);
    this.#taken.add(full);
    return full;
  }

  /** The user's name for the result, which may be given twice, or the next letters. */
  nameOf(operation: Primitive, params: object): string {
    const label = operation.label?.(params);
    if (label === undefined) return this.take();
    this.#taken.add(this.#prefix + label);
    return this.#prefix + label;
  }
}

/** What a control flow is called in the names of what is inside. */
export function labelInside(operation: Primitive, params: object): string {
  return 'name' in params ? String(params.name) : operation.name;
}

/** `mul a b`; a name among the parameters is not shown again. */
export function equationText(operation: Primitive, params: object, names: readonly string[]): string {
  const { name: _, ...others } = params as { name?: unknown };
  const shown = showParams(others);
  const word = operation.kind === 'structured' ? labelInside(operation, params) : operation.name;
  return [word + (shown && `[${shown}]`), ...names].join(' ');
}

/** What can be seen inside of an operation; null where it is a single step, or a loop of unknown length. */
export function observeInside(
  operation: Primitive,
  params: object,
  operands: readonly (Known | null)[],
  label: string,
): Observed | null {
  if (operation.kind !== 'structured') return null;
  switch (operation.lower.form) {
    case 'inline': {
      const { program, inner } = observeProgram((params as InlineParams).program, operands, label);
      return { params: { ...params, program }, inner };
    }
    case 'scan':
      return observeScan(params as ScanParams, operands, label);
    case 'cond':
      return observeCond(params as CondParams, operands.slice(1), label);
    case 'while':
      return null;
  }
}

function observeScan(params: ScanParams, operands: readonly (Known | null)[], label: string): Observed {
  const { constants, carries, length } = params;
  const [outer, first, sequences] = parts(operands, constants, carries);
  const numbered = (what: string, i: number, of: readonly unknown[]): string =>
    `${label}.${what}${of.length > 1 ? i : ''}`;
  const moves = [...outer, ...first, ...sequences].map(one => one?.moves ?? false);
  const { flags } = fixpoint(moves.slice(constants, constants + carries), current => ({
    flags: jvpProgram('scan', params.program, [
      ...moves.slice(0, constants),
      ...current,
      ...moves.slice(constants + carries),
    ]).moving.slice(0, carries),
    made: null,
  }));
  const { program, inner } = observeProgram(
    params.program,
    [
      ...outer,
      ...first.map((_, i) => ({ name: numbered('carry', i, first), moves: flags[i] })),
      ...sequences.map((one, i) => ({
        name: one === null ? numbered('slice', i, sequences) : `${one.name}[t]`,
        moves: one?.moves ?? false,
      })),
    ],
    label,
  );
  return {
    params: { ...params, program },
    inner: inner.map(one => ({
      ...one,
      steps: [length, ...one.steps],
      aval: one.aval.with({ shape: [length, ...one.aval.shape] }),
    })),
  };
}

/** Both branches are seen; the values of the one that is not taken are NaN, of integers and bools 0. */
function observeCond({ branches }: CondParams, operands: readonly (Known | null)[], label: string): Observed {
  const seen = branches.map((branch, i) =>
    observeProgram(branch, operands, `${label}.${i === 1 ? 'true' : 'false'}`),
  );
  const inner = seen.flatMap(one => one.inner);
  const inputs = operands.length;
  const results = branches[0].outputs.length;
  const moving = inner.filter(one => one.moves).map(one => one.aval);
  const firstMoving = seen[0].inner.filter(one => one.moves).length;
  const padded = seen.map(({ program, inner: own }, i) =>
    traceProgram(
      all => {
        const [given, first, second] = parts(all, inputs, firstMoving);
        const out = replay(program, [...given, ...(i === 0 ? first : second)]);
        const absent = seen[1 - i].inner.map(one => nothing(one.aval));
        const values = out.slice(results, results + own.length);
        return [...out.slice(0, results), ...(i === 0 ? [...values, ...absent] : [...absent, ...values])];
      },
      [...branches[i].inputs.map(input => input.aval), ...moving],
      { name: label },
    ),
  );
  return { params: { branches: padded }, inner };
}

function nothing(aval: Aval): Tensor {
  return constantLike(aval, aval.isFloat ? Number.NaN : 0);
}

/** Which variables of a program depend smoothly on the flagged inputs. */
function movingVariables(program: Program, moves: readonly boolean[]): Set<Variable> {
  const outputs = program.equations.flatMap(equation => equation.outputs);
  const { moving } = jvpProgram('adjoints', { ...program, outputs }, moves);
  return new Set(outputs.filter((_, i) => moving[i]));
}

function observeProgram(
  program: Program,
  operands: readonly (Known | null)[],
  label: string,
): { program: Program; inner: readonly Inner[] } {
  const known = new Map<Variable, Known>();
  program.inputs.forEach((input, i) => {
    const operand = operands[i];
    if (operand !== null) known.set(input, operand);
  });
  const moving = movingVariables(
    program,
    operands.map(operand => operand?.moves ?? false),
  );
  const scope = new Scope(`${label}.`, program);
  const constant = (variable: Variable): string => {
    const value = program.constants.get(variable);
    return value?.size === 1 ? String(value.item()) : String(variable.aval);
  };
  const inner: Inner[] = [];
  const perturbations: Variable[] = [];
  const values: Variable[] = [];
  const equations: Equation[] = [];
  const perturbed = new Map<Variable, Variable>();
  for (const equation of program.equations) {
    const { operation, params, source = '' } = equation;
    const inputs = equation.inputs.map(input => perturbed.get(input) ?? input);
    const operandsHere = equation.inputs.map(input => known.get(input) ?? null);
    // What depends on constants alone is an operand, not a step.
    if (operandsHere.every(one => one === null)) {
      equations.push({ ...equation, inputs });
      continue;
    }
    const text = equationText(
      operation,
      params,
      equation.inputs.map(input => known.get(input)?.name ?? constant(input)),
    );
    const inside =
      operation.kind === 'structured'
        ? observeInside(operation, params, operandsHere, scope.take(labelInside(operation, params)))
        : null;
    const within = inside?.inner ?? [];
    const added = within.filter(one => one.moves).map(one => new Variable(one.aval));
    const shown = within.map(one => new Variable(one.aval));
    perturbations.push(...added);
    values.push(...shown);
    inner.push(...within);
    equations.push({
      ...equation,
      inputs: [...inputs, ...added],
      params: inside?.params ?? params,
      outputs: [...equation.outputs, ...shown],
    });
    for (const output of equation.outputs) {
      const { dtype, shape } = output.aval;
      const moves = moving.has(output);
      const name = scope.nameOf(operation, params);
      inner.push({ name, equation: text, source, steps: [], aval: new Aval(dtype, shape), moves });
      values.push(output);
      known.set(output, { name, moves });
      if (!moves) continue;
      const perturbation = new Variable(new Aval(dtype, shape));
      const result = new Variable(output.aval);
      perturbations.push(perturbation);
      perturbed.set(output, result);
      equations.push({ operation: perturb, inputs: [output, perturbation], params: {}, outputs: [result] });
    }
  }
  return {
    program: {
      inputs: [...program.inputs, ...perturbations],
      constants: program.constants,
      equations,
      outputs: [...program.outputs.map(output => perturbed.get(output) ?? output), ...values],
    },
    inner,
  };
}
