/**
 * Transposition: a linear program run backwards. Where the program maps tangents to tangents, its transpose maps
 * cotangents to cotangents: each equation adds to the cotangents of its operands.
 */
import { inRole } from '../core/origin.ts';
import type { Variable } from '../core/program.ts';
import { Tensor } from '../core/tensor.ts';
import { asRule } from '../core/trace.ts';
import { bind, type Equation, type Program, ruleFor } from '../primitives/primitive.ts';
import { add } from '../primitives/vectorspace.ts';
import { notLinear } from './linearize.ts';
import { fromItsLine } from './trace.ts';

/** Zero is null. */
export type Cotangent = Tensor | null;

/** Stands for an operand that a function is linear in: only its aval is known. */
export class Placeholder extends Tensor {
  concrete(use: string): never {
    throw new Error(`a transpose rule asked for ${use} of the operand it is linear in`);
  }

  toString(): string {
    return `Placeholder(${this.aval})`;
  }
}

/** The cotangents of a linear program's inputs for those of its outputs, added to what is there `before`. */
export function transposeProgram(
  program: Program,
  cotangents: readonly Cotangent[],
  before: readonly Cotangent[] = [],
): Cotangent[] {
  return asRule(() => walkBackwards(program, cotangents, before));
}

function walkBackwards(
  program: Program,
  cotangents: readonly Cotangent[],
  before: readonly Cotangent[],
): Cotangent[] {
  const known = new Map<Variable, Tensor>(program.constants);
  const linear = new Set<Variable>(program.inputs);
  const backwards: Equation[] = [];
  for (const equation of program.equations) {
    if (equation.inputs.some(input => linear.has(input))) {
      for (const output of equation.outputs) linear.add(output);
      backwards.push(equation);
    } else {
      const results = bind(
        equation.operation,
        equation.inputs.map(input => known.get(input) as Tensor),
        equation.params,
      );
      equation.outputs.forEach((output, i) => known.set(output, results[i]));
    }
  }
  const adjoints = new Map<Variable, Tensor>();
  before.forEach((sum, i) => {
    if (sum !== null) adjoints.set(program.inputs[i], sum);
  });
  const accumulate = (variable: Variable, cotangent: Cotangent): void => {
    if (cotangent === null || !linear.has(variable)) return;
    const sum = adjoints.get(variable);
    adjoints.set(variable, sum === undefined ? cotangent : add(sum, cotangent));
  };
  program.outputs.forEach((output, i) => accumulate(output, cotangents[i]));
  for (const equation of backwards.reverse()) {
    const arriving = equation.outputs.map(output => adjoints.get(output) ?? null);
    if (arriving.every(one => one === null)) continue;
    for (const output of equation.outputs) adjoints.delete(output);
    const { operation, inputs, source } = equation;
    const accumulates = operation.kind === 'structured' && operation.accumulates === true;
    const sums = inputs.map((input, i) =>
      accumulates && inputs.indexOf(input) === i ? (adjoints.get(input) ?? null) : null,
    );
    const transposed = () => transposeEquation(equation, arriving, known, linear, sums);
    const leaving =
      source === undefined
        ? transposed()
        : fromItsLine(equation, () => inRole('reverse', operation.name, transposed));
    leaving.forEach((cotangent, i) => {
      if (sums[i] !== null) adjoints.set(inputs[i], cotangent as Tensor);
      else accumulate(inputs[i], cotangent);
    });
  }
  return program.inputs.map(input => adjoints.get(input) ?? null);
}

function transposeEquation(
  { operation, inputs, params }: Equation,
  cotangents: readonly Cotangent[],
  known: ReadonlyMap<Variable, Tensor>,
  linear: ReadonlySet<Variable>,
  before: readonly Cotangent[],
): readonly Cotangent[] {
  const operands = inputs.map(input => known.get(input) ?? new Placeholder(input.aval));
  if (operation.kind === 'structured')
    return operation.transpose(
      cotangents,
      operands,
      inputs.map(input => linear.has(input)),
      params,
      before,
    );
  if (operation.kind !== 'linear' && operation.kind !== 'multilinear') throw notLinear(operation);
  const { transpose } = operation;
  // A product of two unknowns is linear in each, but not in both.
  if (operation.kind === 'multilinear' && inputs.filter(input => linear.has(input)).length > 1)
    throw notLinear(operation);
  return inputs.map((input, i) => {
    if (!linear.has(input)) return null;
    const rule = ruleFor(transpose, i);
    if (rule === null) throw notLinear(operation);
    return rule(cotangents[0] as Tensor, operands, params, i);
  });
}
