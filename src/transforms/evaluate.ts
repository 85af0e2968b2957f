/** The outermost interpretation: computes, by the kernels of a backend. */

import type { Backend, Run } from '../backends/backend.ts';
import type { Aval } from '../core/aval.ts';
import { TracerLeak } from '../core/errors.ts';
import type { Variable } from '../core/program.ts';
import { ConcreteTensor, type Storage, type Tensor } from '../core/tensor.ts';
import { assertAlive, noBackend, setBaseTrace, Trace } from '../core/trace.ts';
import type { Primitive, Program } from '../primitives/primitive.ts';

/** How one application of a primitive to operands of certain avals is computed. */
interface Plan {
  readonly outputs: readonly Aval[];
  /** Null where the result is the operand's own storage under another shape. */
  readonly run: Run | null;
  readonly alias: number;
}

let backend: Backend | undefined;
let plans = new Map<Primitive, Map<string, Plan>>();
let schedules = new WeakMap<Program, Schedule>();

/** Makes `chosen` the backend on which everything runs from now on. */
export function useBackend(chosen: Backend): void {
  backend = chosen;
  plans = new Map();
  schedules = new WeakMap();
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
  if (primitive.lower === 'inline') throw new Error(`${primitive.name} has no kernel`);
  const outputs = abstractOutputs(primitive, operands, params);
  const nest = primitive.lower(operands, params, outputs);
  if (nest.form === 'alias') return { outputs, run: null, alias: nest.source };
  const typed = (aval: Aval) => ({ type: aval.dtype, shape: aval.shape });
  const run = currentBackend().compile({
    name: primitive.name,
    inputs: operands.map(typed),
    outputs: outputs.map(typed),
    nest,
  });
  return { outputs, run, alias: -1 };
}

function runPlan(plan: Plan, inputs: readonly Storage[]): Storage[] {
  const { run } = plan;
  if (run === null) return [inputs[plan.alias]];
  const device = currentBackend();
  const outputs = plan.outputs.map(aval => device.allocate(aval.dtype, aval.size));
  run(inputs, outputs);
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
    if (primitive.kind === 'structured') return execute((params as { program: Program }).program, concrete);
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

/** The steps of a program with every plan made, and which values each step is the last to read. */
interface Schedule {
  readonly slots: number;
  readonly constants: readonly (readonly [slot: number, value: ConcreteTensor])[];
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
}

interface Step {
  readonly plan: Plan | null;
  readonly program: Program | null;
  readonly avals: readonly Aval[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Slots whose values nothing reads after this step. */
  readonly free: readonly number[];
}

function scheduleOf(program: Program): Schedule {
  let schedule = schedules.get(program);
  if (schedule === undefined) {
    schedule = makeSchedule(program);
    schedules.set(program, schedule);
  }
  return schedule;
}

function makeSchedule(program: Program): Schedule {
  const slots = new Map<Variable, number>();
  const slotOf = (variable: Variable): number => {
    let slot = slots.get(variable);
    if (slot === undefined) {
      slot = slots.size;
      slots.set(variable, slot);
    }
    return slot;
  };
  for (const input of program.inputs) slotOf(input);
  const constants = [...program.constants].map(
    ([variable, value]) => [slotOf(variable), concreteOperand(value)] as const,
  );
  const kept = new Set(program.outputs.map(slotOf));
  const seen = new Set<number>();
  const steps = program.equations.map(({ operation, inputs, params, outputs }) => {
    const structured = operation.kind === 'structured';
    const avals = inputs.map(input => input.aval);
    return {
      plan: structured ? null : planOf(operation, avals, params),
      program: structured ? (params as { program: Program }).program : null,
      avals: outputs.map(output => output.aval),
      inputs: inputs.map(slotOf),
      outputs: outputs.map(slotOf),
    };
  });
  const freed = [...steps]
    .reverse()
    .map(step => {
      const free = [...new Set([...step.inputs, ...step.outputs])].filter(
        slot => !seen.has(slot) && !kept.has(slot),
      );
      for (const slot of free) seen.add(slot);
      return { ...step, free };
    })
    .reverse();
  return { slots: slots.size, constants, steps: freed, outputs: program.outputs.map(slotOf) };
}

/** Runs a program on concrete inputs. */
export function execute(program: Program, inputs: readonly Tensor[]): readonly ConcreteTensor[] {
  const schedule = scheduleOf(program);
  const device = currentBackend();
  const values = new Array<ConcreteTensor | null>(schedule.slots).fill(null);
  inputs.forEach((input, i) => {
    values[i] = concreteOperand(input);
  });
  for (const [slot, value] of schedule.constants) values[slot] = value;
  for (const { plan, program: inner, avals, inputs: from, outputs: to, free } of schedule.steps) {
    const operands = from.map(slot => values[slot] as ConcreteTensor);
    if (inner !== null) {
      const results = execute(inner, operands);
      for (let i = 0; i < to.length; i++) values[to[i]] = results[i];
    } else {
      const results = runPlan(
        plan as Plan,
        operands.map(operand => device.adopt(operand.storage, operand.dtype)),
      );
      for (let i = 0; i < to.length; i++) values[to[i]] = new ConcreteTensor(avals[i], results[i]);
    }
    for (const slot of free) values[slot] = null;
  }
  return schedule.outputs.map(slot => values[slot] as ConcreteTensor);
}

/** Installs evaluation as the outermost interpretation. */
export function installEvaluation(): void {
  setBaseTrace(new Evaluation());
}
