/**
 * One object for equal programs. A body that is traced at every call gives an equal program every time: what was
 * derived from the first, and compiled, serves all.
 */
import { valueOf } from '../compiler/simplify.ts';
import { isProgram } from '../core/print.ts';
import type { Variable } from '../core/program.ts';
import type { Program } from '../primitives/primitive.ts';

const most = 512;
const programs = new Map<string, Program>();
const numbers = new WeakMap<object, number>();
let numbered = 0;

function numberOf(thing: object): number {
  let number = numbers.get(thing);
  if (number === undefined) {
    number = numbered++;
    numbers.set(thing, number);
  }
  return number;
}

const isPlain = (value: object): boolean =>
  Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;

/** What JSON does not tell apart, as words. */
function plain(this: unknown, key: string): unknown {
  const value = (this as Record<string, unknown>)[key];
  if (typeof value === 'object' && value !== null && !isPlain(value)) return `#${numberOf(value)}`;
  if (isProgram(value) || typeof value === 'function') return `#${numberOf(value)}`;
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return Object.is(value, -0) ? '#-0' : `#${value}`;
  return value;
}

/** A text that equal programs share: variables by number, primitives and programs inside by identity. */
function textOf({ inputs, constants, equations, outputs }: Program): string {
  const names = new Map<Variable, number>();
  const named = (variable: Variable): string => {
    names.set(variable, names.size);
    return variable.aval.key;
  };
  const words = [inputs.map(named).join()];
  for (const [variable, tensor] of constants) {
    const value = valueOf(tensor);
    words.push(`${named(variable)}=${typeof value === 'string' ? value : `#${numberOf(tensor)}`}`);
  }
  for (const { operation, inputs: operands, params, outputs: results } of equations) {
    const read = operands.map(operand => names.get(operand)).join();
    words.push(`${numberOf(operation)}(${read})${JSON.stringify(params, plain)}${results.map(named).join()}`);
  }
  words.push(outputs.map(output => names.get(output)).join());
  return words.join(';');
}

/** The first program that was equal to this one, among the last few hundred. */
export function interned(program: Program): Program {
  const text = textOf(program);
  const first = programs.get(text) ?? program;
  programs.delete(text);
  programs.set(text, first);
  if (programs.size > most) programs.delete(programs.keys().next().value as string);
  return first;
}
