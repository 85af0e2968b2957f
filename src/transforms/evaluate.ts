/** The outermost interpretation: computes, by the kernels of a backend. */

import {
  type Backend,
  OutOfMemory as BackendOutOfMemory,
  ThreadFailed as BackendThreadFailed,
  type Run,
} from '../backends/backend.ts';
import { type Compiled, compile, compileKernel } from '../compiler/compile.ts';
import type { Aval } from '../core/aval.ts';
import { OutOfMemory, ThreadFailed, TracerLeak } from '../core/errors.ts';
import { isProgram } from '../core/print.ts';
import { Variable } from '../core/program.ts';
import { ConcreteTensor, type Storage, type Tensor } from '../core/tensor.ts';
import { assertAlive, noBackend, setBaseTrace, Trace } from '../core/trace.ts';
import type { InlineParams, Primitive, Program } from '../primitives/primitive.ts';

/** How one application of a primitive to operands of certain avals is computed. */
interface Plan {
  readonly outputs: readonly Aval[];
  /** Null where the result is the operand's own storage under another shape. */
  readonly run: Run | null;
  readonly alias: number;
}

let backend: Backend | undefined;
let plans = new Map<Primitive, Map<string, Plan>>();
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

function planOf(primitive: Primitive, operands: readonly Aval[], params: object): Plan {
  let known = plans.get(primitive);
  if (known === undefined) {
    known = new Map();
    plans.set(primitive, known);
  }
  let key = '';
  for (const operand of operands) key += operand.key;
  for (const _ in params) {
    key += JSON.stringify(params);
    break;
  }
  let plan = known.get(key);
  if (plan === undefined) {
    plan = makePlan(primitive, operands, params);
    if (known.size >= 1024) known.clear();
    known.set(key, plan);
  }
  return plan;
}

function makePlan(primitive: Primitive, operands: readonly Aval[], params: object): Plan {
  if (primitive.kind === 'structured') throw new Error(`${primitive.name} has no kernel`);
  const outputs = abstractOutputs(primitive, operands, params);
  const nest = primitive.lower(operands, params, outputs);
  if (nest.form === 'alias') return { outputs, run: null, alias: nest.source };
  const typed = (aval: Aval) => ({ type: aval.dtype, shape: aval.shape });
  const device = currentBackend();
  const kernel = {
    name: primitive.name,
    inputs: operands.map(typed),
    outputs: outputs.map(typed),
    nest,
  };
  const run = device.compile(compileKernel(kernel, { threads: device.threads }));
  return { outputs, run, alias: -1 };
}

function runPlan(plan: Plan, inputs: readonly Storage[]): Storage[] {
  const { run } = plan;
  if (run === null) return [inputs[plan.alias]];
  const outputs = allocated(plan.outputs.map(aval => ({ type: aval.dtype, size: aval.size })));
  runRoutine(run, inputs, outputs);
  return outputs;
}

function concreteOperand(tensor: Tensor): ConcreteTensor {
  if (tensor instanceof ConcreteTensor) return tensor;
  assertAlive(tensor);
  throw new TracerLeak({
    did: `computed with a tensor ${tensor.aval} that belongs to a transformation which does not enclose this operation`,
    expected: 'values leave a transformed function only by being returned',
    remedy: 'return the value from the function, or compute with it inside',
  });
}

class Evaluation extends Trace {
  readonly name = 'evaluation';

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    const concrete = operands.map(concreteOperand);
    if (primitive.kind === 'structured') return runStructured(primitive, concrete, params);
    const plan = planOf(
      primitive,
      concrete.map(operand => operand.aval),
      params,
    );
    const device = currentBackend();
    const outputs = runPlan(
      plan,
      concrete.map(operand => device.adopt(operand.storage, operand.dtype)),
    );
    return outputs.map((storage, i) => new ConcreteTensor(plan.outputs[i], storage));
  }
}

/** A compiled program on the current backend. */
interface Ready {
  readonly run: Run;
  readonly compiled: Compiled;
  readonly constants: readonly ConcreteTensor[];
}

function readyOf(program: Program): Ready {
  let ready = compiledPrograms.get(program);
  if (ready === undefined) {
    const compiled = compile(program, { threads: currentBackend().threads });
    ready = {
      run: currentBackend().compile(compiled.routine),
      compiled,
      constants: compiled.constants.map(concreteOperand),
    };
    compiledPrograms.set(program, ready);
  }
  return ready;
}

/** Runs a program on concrete inputs. */
export function execute(program: Program, inputs: readonly Tensor[]): readonly ConcreteTensor[] {
  const { run, compiled, constants } = readyOf(program);
  const device = currentBackend();
  const adopt = (tensor: Tensor): Storage => {
    const { storage, dtype } = concreteOperand(tensor);
    return device.adopt(storage, dtype);
  };
  const operands = [...inputs.map(adopt), ...constants.map(adopt)];
  const outputs = allocated(compiled.routine.outputs);
  runRoutine(run, operands, outputs);
  return compiled.results.map(
    ({ kind, index }, i) =>
      new ConcreteTensor(program.outputs[i].aval, (kind === 'output' ? outputs : operands)[index]),
  );
}

function allocated(outputs: Compiled['routine']['outputs']): Storage[] {
  const device = currentBackend();
  return withinBudget(() => outputs.map(({ type, size }) => device.allocate(type, size)));
}

function runRoutine(run: Run, inputs: readonly Storage[], outputs: readonly Storage[]): void {
  withinBudget(() => run(inputs, outputs));
}

/** Turns a backend's failures into errors that say what to do. */
function withinBudget<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof BackendThreadFailed)
      throw new ThreadFailed({
        did: 'lost a worker thread in the middle of a computation',
        expected: 'all threads to finish their part; the results of this call are not complete',
        remedy: 'call it again; if it happens again, config({ threads: 1 }) computes without workers',
      });
    if (!(error instanceof BackendOutOfMemory)) throw error;
    throw new OutOfMemory({
      did: `needed ${error.wanted} bytes more than the memory budget of ${error.budget} bytes leaves`,
      expected: 'a program whose operands, results and intermediates fit into the budget together',
      remedy:
        'raise it with config({ memoryBudget: 2 ** 31 }), use smaller batches, or free tensors with dispose() and tidy()',
    });
  }
}

const single = new WeakMap<
  object,
  { primitive: Primitive; params: object; key: string; program: Program }[]
>();

/** The program of one structured operation, the same for the same programs among its parameters. */
function programOf(primitive: Primitive, operands: readonly ConcreteTensor[], params: object): Program {
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
  operands: readonly ConcreteTensor[],
  params: object,
): readonly ConcreteTensor[] {
  if (primitive.lower.form === 'inline') return execute((params as InlineParams).program, operands);
  return execute(programOf(primitive, operands, params), operands);
}

/** Installs evaluation as the outermost interpretation. */
export function installEvaluation(): void {
  setBaseTrace(new Evaluation());
}
