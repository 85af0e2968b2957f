/**
 * Dependence through a program: for each output element, the input elements that it can depend on. A program is
 * interpreted on sets. Every operation says by its loop nest what it reads, so that nothing here knows one by name.
 */
import { sizeOf } from '../../core/aval.ts';
import { allocate } from '../../core/dtype.ts';
import type { Variable } from '../../core/program.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../../core/tensor.ts';
import {
  bind,
  type CondParams,
  type Equation,
  type InlineParams,
  type Primitive,
  type Program,
  ruleFor,
  type ScanParams,
  type WhileParams,
} from '../../primitives/primitive.ts';
import { parts } from '../derive.ts';
import { evaluating } from '../evaluate.ts';
import { type Dependence, throughNest } from './nest.ts';
import type { IndexSets } from './sets.ts';

/** A value that is the same for all inputs, computed when an index or a condition asks for it. */
export type Known = () => ConcreteTensor;

/** What is known of a variable. */
export interface Value {
  readonly sets: Dependence;
  readonly known: Known | null;
}

export interface Interpreter {
  readonly sets: IndexSets;
  /** The value of a program's constant, if it may be used. Reading it is noted by whoever gave it. */
  readonly constant: (tensor: Tensor) => Known | null;
}

const nothing: Value = { sets: null, known: null };
/** Loops are interpreted step by step up to this many equations. */
const longest = 200_000;

/** The values of a program's outputs for those of its inputs. */
export function interpret(self: Interpreter, program: Program, inputs: readonly Value[]): Value[] {
  const values = new Map<Variable, Value>();
  for (const [variable, tensor] of program.constants)
    values.set(variable, { sets: null, known: self.constant(tensor) });
  program.inputs.forEach((variable, i) => values.set(variable, inputs[i]));
  for (const equation of program.equations) {
    const operands = equation.inputs.map(input => values.get(input) as Value);
    const results = throughEquation(self, equation, operands);
    equation.outputs.forEach((output, i) => values.set(output, results[i]));
  }
  return program.outputs.map(output => values.get(output) as Value);
}

function throughEquation(self: Interpreter, equation: Equation, operands: readonly Value[]): Value[] {
  const { operation, params, inputs, outputs } = equation;
  if (operands.every(({ sets }) => sets === null)) return knownResults(equation, operands);
  if (operation.kind === 'structured') return throughStructured(self, equation, operands);
  if (operation.kind === 'flat') return outputs.map(() => nothing);
  const avals = outputs.map(output => output.aval);
  const lowered = operation.lower(
    inputs.map(input => input.aval),
    params,
    avals,
  );
  if (lowered.form === 'alias') return [{ sets: operands[lowered.source].sets, known: null }];
  const found = throughNest(
    self.sets,
    lowered,
    operands.map(({ sets, known }, i) => ({
      shape: inputs[i].aval.shape,
      sets: differentiates(operation, i) ? sets : null,
      known: known && (() => known().storage.read()),
    })),
    avals,
  );
  return found.map((sets, i) => ({ sets: avals[i].isFloat ? sets : null, known: null }));
}

/** Whether the primitive is declared to have a derivative by this operand. */
function differentiates(operation: Primitive, index: number): boolean {
  switch (operation.kind) {
    case 'linear':
      return ruleFor(operation.transpose, index) !== null || ruleFor(operation.jvp, index) !== null;
    case 'multilinear':
      return ruleFor(operation.transpose, index) !== null;
    case 'smooth':
      return typeof operation.jvp === 'function' || ruleFor(operation.jvp, index) !== null;
    default:
      return false;
  }
}

function knownResults({ operation, params, outputs }: Equation, operands: readonly Value[]): Value[] {
  const known = operands.map(operand => operand.known);
  if (known.includes(null)) return outputs.map(() => nothing);
  let results: readonly ConcreteTensor[] | undefined;
  const compute = (): readonly ConcreteTensor[] => {
    results ??= evaluating(() =>
      bind(
        operation,
        known.map(value => (value as Known)()),
        params,
      ),
    ) as readonly ConcreteTensor[];
    return results;
  };
  return outputs.map((_, i) => ({ sets: null, known: () => compute()[i] }));
}

function throughStructured(self: Interpreter, equation: Equation, operands: readonly Value[]): Value[] {
  const { operation, params, outputs } = equation;
  if (operation.kind !== 'structured') throw new Error(`${operation.name} is not structured`);
  switch (operation.lower.form) {
    case 'inline':
      return interpret(self, (params as InlineParams).program, operands);
    case 'cond': {
      const [no, yes] = (params as CondParams).branches.map(branch =>
        interpret(self, branch, operands.slice(1)),
      );
      return outputs.map((_, i) => ({ sets: union(self, no[i].sets, yes[i].sets), known: null }));
    }
    case 'scan':
      return throughScan(self, equation, operands, params as ScanParams);
    case 'while':
      return throughWhile(self, operands, params as WhileParams);
  }
}

function union({ sets }: Interpreter, a: Dependence, b: Dependence): Dependence {
  if (a === null || b === null || a === b) return a ?? b;
  sets.spend(a.length);
  return a.map((set, i) => sets.union(set, b[i]));
}

const same = (a: Dependence, b: Dependence): boolean =>
  a === b || (a !== null && b !== null && a.every((set, i) => set === b[i]));

/** Repeats `step` until the union of all its carries does not grow. */
function fixpoint(
  self: Interpreter,
  first: readonly Dependence[],
  step: (carries: readonly Dependence[]) => readonly Dependence[],
): readonly Dependence[] {
  let carries = first;
  for (;;) {
    const next = step(carries);
    const grown = carries.map((before, i) => union(self, before, next[i]));
    if (grown.every((one, i) => same(one, carries[i]))) return carries;
    carries = grown;
  }
}

const unknownly = (sets: Dependence): Value => ({ sets, known: null });

function throughWhile(
  self: Interpreter,
  operands: readonly Value[],
  { body, conditionConstants, bodyConstants }: WhileParams,
): Value[] {
  const [, constants, first] = parts(operands, conditionConstants, bodyConstants);
  const carries = fixpoint(
    self,
    first.map(({ sets }) => sets),
    before => interpret(self, body, [...constants, ...before.map(unknownly)]).map(({ sets }) => sets),
  );
  return carries.map(unknownly);
}

function throughScan(
  self: Interpreter,
  { outputs, inputs }: Equation,
  operands: readonly Value[],
  { program, constants, carries, length, reverse }: ScanParams,
): Value[] {
  const [fixed, first, sequences] = parts(operands, constants, carries);
  const sizes = outputs.slice(carries).map(({ aval }) => sizeOf(aval.shape.slice(1)));
  const stacks = sizes.map(size => new Int32Array(size * length));
  const store = (step: number, slices: readonly Value[]): void =>
    slices.forEach(({ sets }, i) => {
      if (sets !== null) stacks[i].set(sets, step * sizes[i]);
    });
  const finish = (last: readonly Value[]): Value[] => [
    ...last,
    ...stacks.map(stack => unknownly(stack.every(set => set === 0) ? null : stack)),
  ];

  if (length * program.equations.length > longest) {
    const slices = sequences.map(({ sets }) => unknownly(sets && unionOfSteps(self, sets, length)));
    const run = (before: readonly Dependence[]): Value[] =>
      interpret(self, program, [...fixed, ...before.map(unknownly), ...slices]);
    const last = fixpoint(
      self,
      first.map(({ sets }) => sets),
      before =>
        run(before)
          .slice(0, carries)
          .map(({ sets }) => sets),
    );
    const after = run(last).slice(carries);
    for (let step = 0; step < length; step++) store(step, after);
    return finish(last.map(unknownly));
  }

  const shapes = inputs.slice(constants + carries).map(({ aval }) => aval.shape.slice(1));
  let current: readonly Value[] = first;
  for (let k = 0; k < length; k++) {
    const step = reverse ? length - 1 - k : k;
    const slices = sequences.map((sequence, i) => sliceOf(sequence, step, sizeOf(shapes[i]), shapes[i]));
    const results = interpret(self, program, [...fixed, ...current, ...slices]);
    store(step, results.slice(carries));
    const [next] = parts(results, carries);
    // What counts steps stays known, computed at once so that no chain of promises grows.
    current = next.map(({ sets, known }, i) => {
      if (known === null || outputs[i].aval.isFloat) return unknownly(sets);
      const value = known();
      return { sets, known: () => value };
    });
  }
  return finish(current);
}

function unionOfSteps({ sets }: Interpreter, all: Int32Array, length: number): Int32Array {
  const size = length === 0 ? 0 : all.length / length;
  const found = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    sets.begin();
    for (let step = 0; step < length; step++) sets.add(all[step * size + i]);
    found[i] = sets.end();
  }
  return found;
}

function sliceOf({ sets, known }: Value, step: number, size: number, shape: readonly number[]): Value {
  return {
    sets: sets?.subarray(step * size, (step + 1) * size) ?? null,
    known:
      known &&
      (() => {
        const whole = known();
        const data = allocate(whole.dtype, size);
        data.set(whole.elements().subarray(step * size, (step + 1) * size));
        return new ConcreteTensor(whole.aval.with({ shape }), new HostStorage(data));
      }),
  };
}
