import type { Program, Variable } from './program.ts';
import { showNumber } from './show.ts';
import { ConcreteTensor } from './tensor.ts';

/** Names a, b, … z, aa, ab, … in order of first appearance. */
export class Names {
  readonly #names = new Map<Variable, string>();

  of(variable: Variable): string {
    let name = this.#names.get(variable);
    if (name === undefined) {
      name = letters(this.#names.size);
      this.#names.set(variable, name);
    }
    return name;
  }
}

export function letters(index: number): string {
  let name = '';
  for (let i = index; i >= 0; i = Math.floor(i / 26) - 1) name = String.fromCharCode(97 + (i % 26)) + name;
  return name;
}

/** `{ axes: [0], shape: [2, 3] }` as `axes=[0] shape=[2,3]`; nested programs are left to {@link printProgram}. */
export function showParams(params: object): string {
  return Object.entries(params)
    .filter(
      ([, value]) => value !== undefined && typeof value !== 'function' && programsOf(value).length === 0,
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value) ?? String(value)}`)
    .join(' ');
}

export function isProgram(value: unknown): value is Program {
  return typeof value === 'object' && value !== null && 'equations' in value && 'constants' in value;
}

/** The programs in a parameter: itself, or those of a list. */
export function programsOf(value: unknown): Program[] {
  if (Array.isArray(value)) return value.filter(isProgram);
  return isProgram(value) ? [value] : [];
}

/** One equation a line: `c: float32[3] = mul a b`. */
export function printProgram(program: Program, names: Names = new Names(), indent = ''): string {
  const typed = (variable: Variable): string => `${names.of(variable)}: ${variable.aval}`;
  const lines = [`${indent}{ ${['λ', ...program.inputs.map(typed)].join(' ')} .`];
  for (const [variable, value] of program.constants) {
    const data = value instanceof ConcreteTensor && value.size === 1 ? value.storage.read() : null;
    lines.push(
      `${indent}  ${typed(variable)} = constant ${data ? showNumber(data[0], value.dtype) : ''}`.trimEnd(),
    );
  }
  for (const { operation, inputs, params, outputs } of program.equations) {
    const shown = showParams(params);
    const words = [operation.name + (shown && `[${shown}]`), ...inputs.map(input => names.of(input))];
    lines.push(`${indent}  ${outputs.map(typed).join(', ')} = ${words.join(' ')}`);
    for (const value of Object.values(params))
      for (const inner of programsOf(value)) lines.push(printProgram(inner, new Names(), `${indent}    `));
  }
  lines.push(`${indent}  return ${program.outputs.map(output => names.of(output)).join(' ')} }`);
  return lines.join('\n');
}
