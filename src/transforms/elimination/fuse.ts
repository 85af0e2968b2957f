/** The residuals' computation in the Jacobian's own code, so that a small function's Jacobian is one kernel. */
import { CannotUnroll } from '../../core/errors.ts';
import { Variable } from '../../core/program.ts';
import { ConcreteTensor, type Tensor } from '../../core/tensor.ts';
import {
  bind,
  type Equation,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import { withBatchAxis } from '../../primitives/vectorspace.ts';
import { always, avalsOf, batchedProgram } from '../derive.ts';
import { callPrimitive } from '../jit.ts';
import { remember } from '../trace.ts';
import { compose } from './calculus.ts';
import { type Code, CodeBuilder, type Scalar } from './code.ts';
import { Arithmetic, Effort } from './nest.ts';
import { straightline, straightlineParams } from './straightline.ts';
import { type Environment, Unroller } from './unroll.ts';

/** A call of the residuals' program and the code is as fast where there is more to compute than this. */
const mostWork = 6_000;

/** A larger operand that is the same for all examples is not copied for each. */
const mostCopied = 64;

interface FusedParams extends InlineParams {
  /** The residuals' program and the Jacobian's code one after the other: what transformations work on. */
  readonly meaning: Program;
  readonly code: Code;
  /** As of {@link straightline}. */
  readonly extents: readonly number[];
}

const structured = callPrimitive as Extract<typeof callPrimitive, { kind: 'structured' }>;
const called = ({ meaning }: FusedParams): { name: string; program: Program } => ({
  name: 'jacobian',
  program: meaning,
});

/** The Jacobian as one kernel; its derivatives and batches are those of the program that it was made from. */
export const fusedPrimitive: Primitive<FusedParams> = primitive<FusedParams>({
  name: 'elimination',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),
  jvp: (primals, tangents, params) => structured.jvp(primals, tangents, called(params)),
  partial: (operands, unknown, params, record) =>
    structured.partial(operands, unknown, called(params), record),
  transpose: (cotangents, operands, linear, params, before) =>
    structured.transpose(cotangents, operands, linear, called(params), before),
  // Every number is a vector's lane then.
  batch: (size, operands, batched, params) => {
    const { program, meaning, extents, code } = params;
    if (operands.some((operand, i) => !batched[i] && operand.size > mostCopied))
      return structured.batch(size, operands, batched, called(params));
    const all = operands.map((operand, i) => withBatchAxis(size, operand, batched[i]));
    const made = remember(program, `elimination:batch:${size}`, (): FusedParams => {
      const whole = batchedProgram('jacobian', meaning, size, always(batched), always(meaning.outputs));
      return fusedParams(code, whole.program, [size, ...extents]);
    });
    return { outputs: bind(fusedPrimitive, all, made), batched: always(program.outputs) };
  },
  lower: { form: 'inline', own: true },
  samples: [],
});

/** The program from its inputs and constants of data to the code's results. */
export function followedBy(
  known: Program,
  params: ReturnType<typeof straightlineParams>,
): { meaning: Program; data: Tensor[] } {
  const data = [...known.constants].filter(([, tensor]) => isData(tensor));
  const outputs = params.program.outputs.map(output => new Variable(output.aval));
  const code: Equation = { operation: straightline, inputs: known.outputs, params, outputs };
  const meaning = {
    inputs: [...known.inputs, ...data.map(([variable]) => variable)],
    constants: new Map([...known.constants].filter(([, tensor]) => !isData(tensor))),
    equations: [...known.equations, code],
    outputs,
  };
  return { meaning, data: data.map(([, tensor]) => tensor) };
}

/** Values that may be others at the next call; numbers and indices are part of the code. */
export const isData = (tensor: Tensor): boolean =>
  !(tensor instanceof ConcreteTensor) || (tensor.ndim > 0 && tensor.aval.isFloat);

/** The code from the program's inputs and data, or null where that is too long or cannot be written as such. */
export function wholeCode(meaning: Program, known: Program, code: Code): Code | null {
  const variables = [
    ...meaning.inputs,
    ...known.equations.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
  ];
  const types = new Set(variables.filter(({ aval }) => aval.isFloat).map(({ aval }) => aval.dtype));
  // Code has one type of floats; values of several types would be rounded otherwise.
  if (types.size !== 1 || code.results.some(({ type }) => !types.has(type))) return null;
  const to = new CodeBuilder([...types][0] as CodeBuilder['type']);
  const environment: Environment = new Map();
  meaning.inputs.forEach(({ aval }, source, { [source]: variable }) =>
    environment.set(variable, { shape: aval.shape, at: place => to.load(source, place, aval.dtype) }),
  );
  for (const [variable, tensor] of meaning.constants) {
    const elements = (tensor as ConcreteTensor).elements();
    environment.set(variable, { shape: variable.aval.shape, at: place => elements[place] });
  }
  try {
    const residuals = new Unroller(new Arithmetic(to, true), new Effort(mostWork)).run(known, environment);
    const values = compose(to, code, (source, place) => residuals[source].at(place) as Scalar);
    return to.code(
      code.results.map(({ type, shape, entries }) => ({
        type,
        shape,
        entries: entries.map(([place, number]) => [place, values[number]] as const),
      })),
    );
  } catch (error) {
    if (error instanceof CannotUnroll) return null;
    throw error;
  }
}

export function fusedParams(code: Code, meaning: Program, extents: readonly number[] = []): FusedParams {
  return {
    program: straightlineParams(code, avalsOf(meaning.inputs), extents).program,
    meaning,
    code,
    extents,
  };
}
