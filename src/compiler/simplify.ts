/** Programs made smaller without changing a bit of what they compute. */

import { Variable, withoutDeadCode } from '../core/program.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../core/tensor.ts';
import type { Equation, Program } from '../primitives/primitive.ts';

let regions = 0;

/**
 * Calls replaced by the equations of their programs, at every depth. What a call computes again on purpose is a region
 * of its own, which nothing outside may be merged with or moved into.
 */
export function inlineCalls(program: Program): Program {
  if (!program.equations.some(equation => isCall(equation))) return program;
  const constants = new Map(program.constants);
  const renamed = new Map<Variable, Variable>();
  const nameOf = (variable: Variable): Variable => renamed.get(variable) ?? variable;
  const equations: Equation[] = [];
  const add = (list: readonly Equation[], region: number | undefined): void => {
    for (const equation of list) {
      const inputs = equation.inputs.map(nameOf);
      if (!isCall(equation)) {
        const outputs = equation.outputs.map(output => {
          // One program may be called twice: every call has results of its own.
          const fresh = new Variable(output.aval);
          renamed.set(output, fresh);
          return fresh;
        });
        const within = equation.region ?? region;
        equations.push({
          ...equation,
          inputs,
          outputs,
          ...(within === undefined ? {} : { region: within }),
        });
        continue;
      }
      const { program: inner } = equation.params as { program: Program };
      inner.inputs.forEach((input, i) => renamed.set(input, inputs[i]));
      for (const [variable, value] of inner.constants) {
        constants.set(variable, value);
        renamed.delete(variable);
      }
      add(inner.equations, isBarrier(equation) ? regions++ : region);
      const results = inner.outputs.map(nameOf);
      equation.outputs.forEach((output, i) => renamed.set(output, results[i]));
    }
  };
  add(program.equations, undefined);
  return { inputs: program.inputs, constants, equations, outputs: program.outputs.map(nameOf) };
}

const isCall = ({ operation }: Equation): boolean =>
  operation.kind === 'structured' && operation.lower.form === 'inline';

const isBarrier = ({ operation }: Equation): boolean =>
  operation.kind === 'structured' && operation.lower.form === 'inline' && operation.lower.barrier === true;

/** What two constants have in common only if they are equal bit for bit: the type and bytes of a single number, else the tensor. */
function valueOf(tensor: Tensor): unknown {
  if (tensor.size !== 1 || !(tensor instanceof ConcreteTensor) || !(tensor.storage instanceof HostStorage))
    return tensor;
  const { buffer, byteOffset, byteLength } = tensor.storage.array;
  const { dtype, weak, shape } = tensor.aval;
  return [dtype, weak, shape.length, new Uint8Array(buffer, byteOffset, byteLength)].join();
}

/** Equal operations on equal operands are done once in each region; what nothing needs is left out. */
export function simplify(program: Program): Program {
  const same = new Map<Variable, Variable>();
  const find = (variable: Variable): Variable => same.get(variable) ?? variable;
  const ids = new Map<object, number>();
  const idOf = (thing: object): number => {
    let id = ids.get(thing);
    if (id === undefined) {
      id = ids.size;
      ids.set(thing, id);
    }
    return id;
  };
  const firsts = new Map<unknown, Variable>();
  for (const [variable, tensor] of program.constants) {
    const value = valueOf(tensor);
    const first = firsts.get(value);
    if (first === undefined) firsts.set(value, variable);
    else same.set(variable, first);
  }
  const seen = new Map<string, readonly Variable[]>();
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const inputs = equation.inputs.map(find);
    const structured = equation.operation.kind === 'structured';
    const key = structured
      ? ''
      : `${equation.region ?? ''}:${idOf(equation.operation)}(${inputs.map(idOf).join()})${JSON.stringify(equation.params)}`;
    const before = structured ? undefined : seen.get(key);
    if (before !== undefined) {
      equation.outputs.forEach((output, i) => same.set(output, before[i]));
      continue;
    }
    if (!structured) seen.set(key, equation.outputs);
    equations.push({ ...equation, inputs });
  }
  return withoutDeadCode({
    inputs: program.inputs,
    constants: program.constants,
    equations,
    outputs: program.outputs.map(find),
  });
}
