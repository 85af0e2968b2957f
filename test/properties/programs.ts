/** Random programs: lists of operations that shrink to shorter lists, and inputs of random shapes. */
import { CotangentError, type DType, type Tensor } from 'cotangent';
import fc from 'fast-check';
import { fromValues, randomNumbers } from '../laws/samples.ts';
import { operations, type Part, structured } from './operations.ts';

/** One operation, its operands among the values so far, whole numbers, and the parts inside. */
export interface Instruction {
  readonly name: string;
  readonly operands: readonly number[];
  readonly numbers: readonly number[];
  readonly parts: readonly (readonly Instruction[])[];
}

export interface RandomProgram {
  readonly shapes: readonly (readonly number[])[];
  readonly seed: number;
  readonly instructions: readonly Instruction[];
}

const names = Object.keys(operations);
const simple = names.filter(name => !structured.includes(name));

const numbers = (most: number, length: number) =>
  fc.array(fc.nat({ max: most }), { minLength: length, maxLength: length });

function instruction(parts: boolean): fc.Arbitrary<Instruction> {
  const inside = fc.array(instructionOf(simple, fc.constant([])), { minLength: 1, maxLength: 3 });
  if (!parts) return instructionOf(simple, fc.constant([]));
  return fc.oneof(
    { weight: 4, arbitrary: instructionOf(simple, fc.constant([])) },
    { weight: 1, arbitrary: instructionOf(structured, fc.array(inside, { minLength: 2, maxLength: 2 })) },
  );
}

const instructionOf = (
  from: readonly string[],
  parts: fc.Arbitrary<readonly (readonly Instruction[])[]>,
): fc.Arbitrary<Instruction> =>
  fc.record({ name: fc.constantFrom(...from), operands: numbers(7, 3), numbers: numbers(11, 6), parts });

/** Shapes of up to three axes, now and then an empty one. */
const shape = (most: number): fc.Arbitrary<number[]> =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 1, max: most }) },
      { weight: 1, arbitrary: fc.constant(0) },
    ),
    {
      maxLength: 3,
    },
  );

/** Programs of up to `length` operations on inputs whose axes have up to `most` elements. */
export const randomProgram = ({ length = 8, most = 4 } = {}): fc.Arbitrary<RandomProgram> =>
  fc.record({
    shapes: fc.array(shape(most), { minLength: 1, maxLength: 3 }),
    seed: fc.nat({ max: 1 << 20 }),
    instructions: fc.array(instruction(true), { minLength: 1, maxLength: length }),
  });

export type Flat = (...inputs: Tensor[]) => Tensor[];

/** Larger results are not kept for later operations. */
const largest = 4096;

/**
 * The values of a list of operations in order. `skip` says which to leave out: those that do not take the shapes
 * they get, found by running once.
 */
function run(
  instructions: readonly Instruction[],
  inputs: readonly Tensor[],
  skip: Set<Instruction>,
  learn: boolean,
): Tensor[] {
  const values = [...inputs];
  for (const one of instructions) {
    if (skip.has(one)) continue;
    // Later values are nearer, so that programs are deep rather than wide.
    const at = (i: number): Tensor => values[values.length - 1 - (one.operands[i] % values.length)];
    const part =
      (i: number): Part =>
      (...operands) =>
        run(one.parts[i], operands, skip, learn).at(-1) as Tensor;
    const p = (i: number): number => one.numbers[i % one.numbers.length];
    try {
      const made = operations[one.name](at(0), at(1), at(2), { p, part });
      if (learn && (made.size > largest || made.ndim > 5)) skip.add(one);
      else values.push(made);
    } catch (error) {
      if (!learn || !(error instanceof CotangentError)) throw error;
      skip.add(one);
    }
  }
  return values;
}

export interface Made {
  readonly f: Flat;
  readonly inputs: Tensor[];
}

/** The function of a program, whose results are the last value and what nothing used, and inputs for it. */
export function make(program: RandomProgram, dtype: DType = 'float64'): Made {
  const random = randomNumbers(program.seed);
  const inputs = program.shapes.map(shape => {
    const size = shape.reduce((a, b) => a * b, 1);
    return fromValues(
      Array.from({ length: size }, () => 2 * random() - 1),
      shape,
      dtype,
    );
  });
  const skip = new Set<Instruction>();
  // A part may be left out of an operation that then fits: until nothing more is left out.
  for (let before = -1; before !== skip.size; ) {
    before = skip.size;
    run(program.instructions, inputs, skip, true);
  }
  return { f: (...xs) => run(program.instructions, xs, skip, false).slice(-2), inputs };
}
