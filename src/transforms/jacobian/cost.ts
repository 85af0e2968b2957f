/** What a program costs to run, roughly: scalar operations, counted from its loop nests. */
import { sizeOf } from '../../core/aval.ts';
import { isFloat, visit } from '../../kernel/expression.ts';
import { rootsOf } from '../../kernel/kernel.ts';
import type {
  CondParams,
  Equation,
  InlineParams,
  Program,
  ScanParams,
  WhileParams,
} from '../../primitives/primitive.ts';

/**
 * Scalar operations on floats, and elements that are only moved. Loops whose number of steps is not known count once.
 */
export function operationsOf(program: Program): number {
  return program.equations.reduce((total, equation) => total + operationsOfEquation(equation), 0);
}

/** The same of one equation. */
export function operationsOfEquation({ operation, inputs, params, outputs }: Equation): number {
  const avals = outputs.map(output => output.aval);
  if (operation.kind !== 'structured') {
    const lowered = operation.lower(
      inputs.map(input => input.aval),
      params,
      avals,
    );
    if (lowered.form === 'alias') return 0;
    let nodes = 0;
    visit(rootsOf(lowered), x => {
      if ('args' in x && isFloat(x.type)) nodes++;
    });
    return sizeOf(lowered.extents) * Math.max(1, nodes + (lowered.form === 'reduce' ? 1 : 0));
  }
  switch (operation.lower.form) {
    case 'inline':
      return operationsOf((params as InlineParams).program);
    case 'cond':
      return Math.max(...(params as CondParams).branches.map(operationsOf));
    case 'scan':
      return (params as ScanParams).length * operationsOf((params as ScanParams).program);
    case 'while':
      return operationsOf((params as WhileParams).body);
  }
}
