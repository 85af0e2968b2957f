/** Whether two traces of a function are one program, so that what was found for the first holds for the second. */
import { isProgram } from '../../core/print.ts';
import type { Variable } from '../../core/program.ts';
import { ConcreteTensor, type Tensor } from '../../core/tensor.ts';
import type { Program } from '../../primitives/primitive.ts';

/** The elements that a finding rests on, of constants of the first program. */
export type Consulted = ReadonlyMap<Tensor, ArrayLike<number>>;

/**
 * Whether the programs have the same operations on the same variables, and constants of the same avals; those that were
 * consulted must have the same elements.
 */
export function sameProgram(a: Program, b: Program, consulted: Consulted): boolean {
  if (a === b) return true;
  if (
    a.inputs.length !== b.inputs.length ||
    a.outputs.length !== b.outputs.length ||
    a.equations.length !== b.equations.length ||
    a.constants.size !== b.constants.size
  )
    return false;
  const paired = new Map<Variable, Variable>();
  const pair = (x: Variable, y: Variable): boolean => {
    paired.set(x, y);
    return x.aval.equals(y.aval);
  };
  const others = [...b.constants];
  let next = 0;
  for (const [variable, value] of a.constants) {
    const [other, otherValue] = others[next++];
    if (!pair(variable, other) || !sameConstant(value, otherValue, consulted)) return false;
  }
  if (!a.inputs.every((input, i) => pair(input, b.inputs[i]))) return false;
  for (let i = 0; i < a.equations.length; i++) {
    const one = a.equations[i];
    const two = b.equations[i];
    if (
      one.operation !== two.operation ||
      one.inputs.length !== two.inputs.length ||
      !one.inputs.every((input, k) => paired.get(input) === two.inputs[k]) ||
      !sameParams(one.params, two.params, consulted) ||
      !one.outputs.every((output, k) => pair(output, two.outputs[k]))
    )
      return false;
  }
  return a.outputs.every((output, i) => paired.get(output) === b.outputs[i]);
}

function sameConstant(a: Tensor, b: Tensor, consulted: Consulted): boolean {
  const expected = consulted.get(a);
  if (a === b || expected === undefined) return true;
  if (!(b instanceof ConcreteTensor)) return false;
  const found = b.elements();
  for (let i = 0; i < found.length; i++) if (!Object.is(found[i], expected[i])) return false;
  return true;
}

/** Parameters are plain data with programs in it; anything else must be the same object. */
function sameParams(a: unknown, b: unknown, consulted: Consulted): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isProgram(a)) return isProgram(b) && sameProgram(a as Program, b as Program, consulted);
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((one, i) => sameParams(one, b[i], consulted));
  if (Object.getPrototypeOf(a) !== Object.prototype) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key =>
      sameParams((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], consulted),
    )
  );
}
