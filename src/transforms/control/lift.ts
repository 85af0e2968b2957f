/**
 * Products out of a loop, before it is transposed. Where a step multiplies something known, hₜ, by a matrix W that is
 * the same at every step and that the loop is linear in, the products uₜ = hₜW of all steps are one product; the rest
 * of the loop is linear in the sequence u. The cotangent of W is then one product as well, Σₜ hₜᵀūₜ, instead of a sum
 * in which each step reads and writes the whole of W.
 */
import { type Variable, withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Equation, Program, ScanParams } from '../../primitives/primitive.ts';
import { batchedProgram } from '../derive.ts';
import { type Cotangent, transposeProgram } from '../transpose.ts';

/** The products of all steps. */
export interface Product {
  /** From the operands of the equation, of which the sequences are whole, to its results at all steps. */
  readonly program: Program;
  /** Which operands of the scan they are. */
  readonly operands: readonly number[];
  /** Which of them the scan is linear in. */
  readonly linear: number;
}

export interface Lifted {
  /** The rest of the loop: the products are sequences after the others. */
  readonly params: ScanParams;
  readonly products: readonly Product[];
}

/** How many times larger than what is known of a step its cotangent may be, which is kept for all steps instead. */
const growth = 8;

export function liftProducts(params: ScanParams, linear: readonly boolean[]): Lifted {
  const { program, constants, carries, length } = params;
  const numbers = new Map<Variable, number>(program.inputs.map((input, i) => [input, i]));
  const isSequence = (i: number): boolean => i >= constants + carries;
  const products: Product[] = [];
  const lifted = new Set<Equation>();
  for (const equation of program.equations) {
    const operands = equation.inputs.map(input => numbers.get(input) ?? -1);
    const [w, ...others] = operands.filter(i => linear[i]);
    if (equation.operation.kind !== 'multilinear' || w === undefined || w >= constants) continue;
    // Carries are linear, so what is known is a constant or a sequence.
    if (others.length > 0 || operands.includes(-1)) continue;
    const known = operands.reduce((sum, i) => sum + (isSequence(i) ? program.inputs[i].aval.size : 0), 0);
    const [{ aval }] = equation.outputs;
    if (aval.size >= program.inputs[w].aval.size || aval.size > growth * known) continue;
    const alone = {
      inputs: [...new Set(equation.inputs)],
      constants: new Map(),
      equations: [equation],
      outputs: equation.outputs,
    };
    const numbered = alone.inputs.map(input => numbers.get(input) as number);
    products.push({
      program: batchedProgram('scan', alone, length, numbered.map(isSequence), [true]).program,
      operands: numbered,
      linear: numbered.indexOf(w),
    });
    lifted.add(equation);
  }
  const rest = withoutDeadCode({
    ...program,
    inputs: [...program.inputs, ...[...lifted].flatMap(equation => equation.outputs)],
    equations: program.equations.filter(equation => !lifted.has(equation)),
  });
  return { params: { ...params, program: rest }, products };
}

/** The cotangent of a product's linear operand. */
export function transposeProduct(
  { program, operands, linear }: Product,
  cotangent: Tensor,
  ofScan: readonly Tensor[],
): Cotangent {
  const constants = new Map<Variable, Tensor>(program.constants);
  program.inputs.forEach((input, i) => {
    if (i !== linear) constants.set(input, ofScan[operands[i]]);
  });
  return transposeProgram({ ...program, inputs: [program.inputs[linear]], constants }, [cotangent])[0];
}
