import { IllegalProgram } from './errors.ts';
import { Names, printProgram, programsOf, showParams } from './print.ts';
import type { Program, Variable } from './program.ts';

/** What a legal program is: every variable assigned once, before use, with the aval that its primitive's rule gives. */
export function checkProgram(program: Program): void {
  const defined = new Set<Variable>();
  // Names are those that the printed program shows.
  const nameOf = (variable: Variable): string => {
    const names = new Names();
    printProgram(program, names);
    return names.of(variable);
  };
  const define = (variable: Variable, where: string): void => {
    if (defined.has(variable))
      throw illegal(`${nameOf(variable)} is assigned twice, the second time by ${where}`);
    defined.add(variable);
  };
  const use = (variable: Variable, where: string): void => {
    if (!defined.has(variable)) throw illegal(`${where} uses ${nameOf(variable)} before it is assigned`);
  };
  for (const input of program.inputs) define(input, 'the inputs');
  for (const [variable, value] of program.constants) {
    define(variable, 'a constant');
    if (variable.aval.key !== value.aval.key)
      throw illegal(`constant ${nameOf(variable)} is ${value.aval}, not ${variable.aval}`);
  }
  for (const { operation, inputs, params, outputs } of program.equations) {
    for (const input of inputs) use(input, operation.name);
    for (const value of Object.values(params)) programsOf(value).forEach(checkProgram);
    const result = operation.abstract(
      inputs.map(input => input.aval),
      params,
    );
    const avals = Array.isArray(result) ? result : [result];
    const shown = showParams(params);
    if (avals.map(String).join() !== outputs.map(output => String(output.aval)).join())
      throw illegal(
        `${operation.name}${shown && `[${shown}]`} gives ${avals.join(', ')}, not ${outputs.map(output => output.aval).join(', ')}`,
      );
    for (const output of outputs) define(output, operation.name);
  }
  for (const output of program.outputs) use(output, 'the list of outputs');
}

function illegal(did: string): IllegalProgram {
  return new IllegalProgram({
    did,
    expected: 'a program in which every variable is assigned once, before use, with the aval of its rule',
    remedy:
      'check the abstract, jvp, transpose and batch rules of the primitive named; if it is one of ours, please report it',
  });
}
