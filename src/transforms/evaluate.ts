/** The outermost interpretation: computes, by the kernels of a backend. */

import { type Backend, BudgetExceeded, type Run, WorkerFailed } from '../backends/backend.ts';
import { type Compiled, compile, compileKernel } from '../compiler/compile.ts';
import type { Aval } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { OutOfMemory, ThreadFailed } from '../core/errors.ts';
import { isProgram } from '../core/print.ts';
import { Variable } from '../core/program.ts';
import { ConcreteTensor, type Storage, type Tensor } from '../core/tensor.ts';
import { assertAlive, currentTrace, leak, noBackend, setBaseTrace, Trace, withTrace } from '../core/trace.ts';
import type { Routine } from '../kernel/routine.ts';
import type { InlineParams, Primitive, Program } from '../primitives/primitive.ts';

/** How one application of a primitive to operands of certain avals is computed. */
interface Plan {
  readonly avals: readonly Aval[];
  readonly outputs: readonly { readonly type: DType; readonly size: number }[];
  /** Null where the result is the operand's own storage under another shape. */
  readonly run: Run | null;
  readonly alias: number;
}

/** The plans of a primitive; the last one serves again as long as operands and parameters stay the same. */
interface Plans {
  readonly byKey: Map<string, Plan>;
  operands: readonly Aval[];
  params: object;
  plan: Plan | null;
}

let backend: Backend | undefined;
let plans = new Map<Primitive, Plans>();
let compiledPrograms = new WeakMap<Program, Ready>();

/** Makes `chosen` the backend on which everything runs from now on. */
export function useBackend(chosen: Backend): void {
  backend = chosen;
  plans = new Map();
  compiledPrograms = new WeakMap();
}

export function currentBackend(): Backend {
  return backend ?? noBackend();
}

/** The avals that a primitive's rule gives, always as a list. */
export function abstractOutputs(
  primitive: Primitive,
  operands: readonly Aval[],
  params: object,
): readonly Aval[] {
  const result = primitive.abstract(operands, params);
  return Array.isArray(result) ? result : [result as Aval];
}

function planOf(primitive: Primitive, operands: readonly Tensor[], params: object): Plan {
  let known = plans.get(primitive);
  if (known === undefined) {
    known = { byKey: new Map(), operands: [], params, plan: null };
    plans.set(primitive, known);
  }
  if (known.plan !== null && sameAvals(known.operands, operands) && samePlain(known.params, params))
    return known.plan;
  const avals = operands.map(operand => operand.aval);
  let key = '';
  for (const aval of avals) key += aval.key;
  for (const _ in params) {
    key += JSON.stringify(params);
    break;
  }
  let plan = known.byKey.get(key);
  if (plan === undefined) {
    plan = makePlan(primitive, avals, params);
    if (known.byKey.size >= 1024) known.byKey.clear();
    known.byKey.set(key, plan);
  }
  known.operands = avals;
  known.params = copyPlain(params) as object;
  known.plan = plan;
  return plan;
}

/** Whether the tensors have these avals. */
export function sameAvals(avals: readonly Aval[], tensors: readonly Tensor[]): boolean {
  if (avals.length !== tensors.length) return false;
  for (let i = 0; i < avals.length; i++) if (!avals[i].equals(tensors[i].aval)) return false;
  return true;
}

/** Whether two values of plain data are equal; false where that is not seen at once. */
function samePlain(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!samePlain(a[i], b[i])) return false;
    return true;
  }
  let keys = 0;
  for (const key in a) {
    if (!samePlain((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
    keys++;
  }
  for (const _ in b) keys--;
  return keys === 0;
}

/** A copy that stays as it is when the caller changes an array afterwards. */
function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyPlain(part)]));
}

function makePlan(primitive: Primitive, operands: readonly Aval[], params: object): Plan {
  if (primitive.kind === 'structured') throw new Error(`${primitive.name} has no kernel`);
  const avals = abstractOutputs(primitive, operands, params);
  const nest = primitive.lower(operands, params, avals);
  const outputs = avals.map(({ dtype, size }) => ({ type: dtype, size }));
  if (nest.form === 'alias') return { avals, outputs, run: null, alias: nest.source };
  const typed = (aval: Aval) => ({ type: aval.dtype, shape: aval.shape });
  const device = currentBackend();
  const kernel = {
    name: primitive.name,
    inputs: operands.map(typed),
    outputs: avals.map(typed),
    nest,
  };
  const run = device.compile(compileKernel(kernel, { threads: device.threads }));
  return { avals, outputs, run, alias: -1 };
}

function concreteOperand(tensor: Tensor): ConcreteTensor {
  if (tensor instanceof ConcreteTensor) return tensor;
  assertAlive(tensor);
  throw leak(tensor, 'which does not enclose this operation');
}

/** The storages of tensors on the current device. */
function storagesOf(tensors: readonly Tensor[]): Storage[] {
  const device = currentBackend();
  const storages = new Array<Storage>(tensors.length);
  for (let i = 0; i < tensors.length; i++) storages[i] = concreteOperand(tensors[i]).on(device);
  return storages;
}

class Evaluation extends Trace {
  readonly name = 'evaluation';

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    if (primitive.kind === 'structured') return runStructured(primitive, operands, params);
    const inputs = storagesOf(operands);
    const { avals, outputs, run, alias } = planOf(primitive, operands, params);
    if (run === null) return [new ConcreteTensor(avals[0], inputs[alias])];
    const results = allocate(outputs);
    call(run, inputs, results);
    return results.map((storage, i) => new ConcreteTensor(avals[i], storage));
  }
}

/** A compiled program on the current backend. */
interface Ready {
  readonly run: Run;
  readonly compiled: Compiled;
  readonly constants: readonly ConcreteTensor[];
}

function readyOf(program: Program, donated?: readonly number[]): Ready {
  let ready = compiledPrograms.get(program);
  if (ready === undefined) {
    const compiled = compiledOf(program, donated);
    ready = {
      run: currentBackend().compile(compiled.routine),
      compiled,
      constants: compiled.constants.map(concreteOperand),
    };
    compiledPrograms.set(program, ready);
  }
  return ready;
}

/** The program compiled for the current backend, but not yet by it. */
export function compiledOf(program: Program, donated: readonly number[] = []): Compiled {
  return compile(program, { threads: currentBackend().threads, donated });
}

/** Runs a program on concrete inputs. */
export function execute(program: Program, inputs: readonly Tensor[]): readonly ConcreteTensor[] {
  const { run, compiled, constants } = readyOf(program);
  const operands = storagesOf(inputs);
  for (const constant of storagesOf(constants)) operands.push(constant);
  const made = allocate(compiled.routine.outputs, compiled.routine);
  call(run, operands, made, compiled.routine);
  return resultsOf(program, compiled, operands, made);
}

/**
 * Runs a program and gives up some inputs, always the same ones for a program. Results are made in their memory where
 * the plan allows it and nothing else holds it; the rest is given back.
 */
export function executeDonating(
  program: Program,
  inputs: readonly Tensor[],
  donated: readonly number[],
): readonly ConcreteTensor[] {
  const { run, compiled, constants } = readyOf(program, donated);
  const { routine, reuse } = compiled;
  const operands = [...storagesOf(inputs), ...storagesOf(constants)];
  const isFree = (i: number): boolean =>
    concreteOperand(inputs[i]).isSoleOwner &&
    operands.indexOf(operands[i]) === operands.lastIndexOf(operands[i]);
  const taken = reuse.map(i => (i !== null && isFree(i) ? operands[i] : null));
  const fresh = allocate(
    routine.outputs.filter((_, i) => taken[i] === null),
    routine,
  );
  const made = taken.map(storage => storage ?? (fresh.shift() as Storage));
  try {
    call(run, operands, made, routine);
  } catch (error) {
    // What was to be written over may be so in part.
    if (error instanceof ThreadFailed) for (const i of donated) inputs[i].dispose();
    throw error;
  }
  const results = resultsOf(program, compiled, operands, made);
  for (const i of donated) inputs[i].dispose();
  return results;
}

function resultsOf(
  program: Program,
  { results }: Compiled,
  operands: readonly Storage[],
  made: readonly Storage[],
): ConcreteTensor[] {
  return results.map(
    ({ kind, index }, i) =>
      new ConcreteTensor(program.outputs[i].aval, (kind === 'output' ? made : operands)[index]),
  );
}

function allocate(outputs: Compiled['routine']['outputs'], routine?: Routine): Storage[] {
  const device = currentBackend();
  try {
    return outputs.map(({ type, size }) => device.allocate(type, size));
  } catch (error) {
    throw explained(error, routine);
  }
}

function call(run: Run, inputs: readonly Storage[], outputs: readonly Storage[], routine?: Routine): void {
  try {
    run(inputs, outputs);
  } catch (error) {
    throw explained(error, routine);
  }
}

/** A backend's failure as the error that says what to do; for a program its routine tells what it needs. */
function explained(error: unknown, routine?: Routine): unknown {
  if (error instanceof WorkerFailed)
    return new ThreadFailed({
      did: 'lost a worker thread in the middle of a computation',
      expected: 'all threads to finish their part; the results of this call are not complete',
      remedy: 'call it again; if it happens again, config({ threads: 1 }) computes without workers',
    });
  if (!(error instanceof BudgetExceeded)) return error;
  const program =
    routine === undefined
      ? ''
      : `in a compiled function with ${routine.arena + routine.privateArena} bytes of intermediate values: `;
  return new OutOfMemory({
    did: `${program}needed ${error.wanted} bytes more than the memory budget of ${error.budget} bytes leaves`,
    expected: 'a program whose operands, results and intermediates fit into the budget together',
    remedy: `raise it with config({ memoryBudget: 2 ** 31 }), use smaller batches, or free tensors with dispose() and tidy()${
      routine === undefined ? '' : '; String(f.plan(…)) of a jitted f shows what takes the memory'
    }`,
  });
}

const single = new WeakMap<
  object,
  { primitive: Primitive; params: object; key: string; program: Program }[]
>();

/** The program of one structured operation, the same for the same programs among its parameters. */
function programOf(primitive: Primitive, operands: readonly Tensor[], params: object): Program {
  const programs = Object.values(params).flat().filter(isProgram);
  const key =
    operands.map(operand => operand.aval.key).join() +
    JSON.stringify(params, (_, value) => (isProgram(value) ? '' : value));
  const known = single.get(programs[0]) ?? [];
  single.set(programs[0], known);
  const sameParts = (other: object): boolean =>
    Object.values(other)
      .flat()
      .filter(isProgram)
      .every((one, i) => one === programs[i]);
  let entry = known.find(one => one.primitive === primitive && one.key === key && sameParts(one.params));
  if (entry === undefined) {
    const inputs = operands.map(operand => new Variable(operand.aval));
    const outputs = abstractOutputs(
      primitive,
      operands.map(operand => operand.aval),
      params,
    ).map(aval => new Variable(aval));
    entry = {
      primitive,
      params,
      key,
      program: {
        inputs,
        constants: new Map(),
        equations: [{ operation: primitive, inputs, params, outputs }],
        outputs,
      },
    };
    known.push(entry);
  }
  return entry.program;
}

function runStructured(
  primitive: Primitive & { kind: 'structured' },
  operands: readonly Tensor[],
  params: object,
): readonly ConcreteTensor[] {
  if (primitive.lower.form === 'inline') return execute((params as InlineParams).program, operands);
  return execute(programOf(primitive, operands, params), operands);
}

/** Whether operations are computed at once: no transformation encloses them. */
export function isEvaluating(): boolean {
  return currentTrace() instanceof Evaluation;
}

/** Computes with concrete tensors at once, whatever transformation is running. */
export function evaluating<T>(body: () => T): T {
  return withTrace(new Evaluation(), body);
}

/** Installs evaluation as the outermost interpretation. */
export function installEvaluation(): void {
  setBaseTrace(new Evaluation());
}
