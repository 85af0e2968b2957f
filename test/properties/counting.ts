/** How many operations on floats a program does. */
import { isFloat } from '../../src/core/dtype.ts';
import { visit } from '../../src/kernel/expression.ts';
import { type Nest, rootsOf } from '../../src/kernel/kernel.ts';
import type { Equation, InlineParams, Program, ScanParams } from '../../src/primitives/primitive.ts';

const free = new Set(['constant', 'axis', 'load', 'carry', 'select', 'cast', 'bitcast']);

/** Of one run of a nest: operations at an element, and an accumulation for each term, times the elements. */
function ofNest(nest: Nest): number {
  if (nest.form === 'ordered' || nest.form === 'sort') throw new Error(`operations of a nest ${nest.form}`);
  let each = nest.form === 'reduce' ? nest.accumulators.length : nest.form === 'scatter' ? 1 : 0;
  visit(rootsOf(nest), x => {
    // Comparisons and what is done with indices are not counted.
    if (isFloat(x.type) && !free.has(x.op)) each++;
  });
  return each * nest.extents.reduce((a, b) => a * b, 1);
}

function ofEquation({ operation, inputs, outputs, params }: Equation): number {
  if (operation.kind === 'structured') {
    const { form } = operation.lower;
    if (form === 'inline') return operationsOf((params as InlineParams).program);
    if (form !== 'scan') throw new Error(`operations of ${operation.name} depend on values`);
    const { program, length } = params as ScanParams;
    return length * operationsOf(program);
  }
  const lowered = operation.lower(
    inputs.map(input => input.aval),
    params,
    outputs.map(output => output.aval),
  );
  return lowered.form === 'alias' ? 0 : ofNest(lowered);
}

export function operationsOf(program: Program): number {
  return program.equations.reduce((total, equation) => total + ofEquation(equation), 0);
}
