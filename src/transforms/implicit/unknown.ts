/** Unknowns that are trees, and the functions of them that a user gives. */
import { DTypeMismatch, NonScalarOutput } from '../../core/errors.ts';
import { labelOf } from '../../core/path.ts';
import type { Tensor } from '../../core/tensor.ts';
import { type Structure, unflatten } from '../../core/tree.ts';
import type { Program } from '../../primitives/primitive.ts';
import { cast } from '../../primitives/vectorspace.ts';
import { type Outputs, requireFunction } from '../arguments.ts';
import {
  requireSameTree,
  strong,
  type Traced,
  tensorTree,
  traceFunction,
  withOutputTypes,
} from '../control/body.ts';
import { avalsOf } from '../derive.ts';
import { replay } from '../trace.ts';
import type { ListFunction } from './linear.ts';

/** A function of a tree as one of its tensors, and where it starts. */
export interface Unknown<T> {
  readonly leaves: readonly Tensor[];
  readonly f: ListFunction;
  readonly rebuild: (leaves: readonly Tensor[]) => Outputs<T>;
}

interface Settled {
  readonly label: string;
  readonly traced: Traced;
  readonly structure: Structure;
  /** The tensors of the start as floats, as wide as the function makes them. */
  readonly leaves: readonly Tensor[];
}

/** The program of a function of a tree. `check` says which tensors of the start must be float64, or throws. */
function settle(
  transformation: string,
  f: (x: never) => unknown,
  start: unknown,
  what: string,
  check: (label: string, made: Traced, structure: Structure) => (leaf: number) => boolean,
): Settled {
  requireFunction(transformation, f);
  const label = labelOf(transformation, f);
  const { leaves, structure } = tensorTree(start, what);
  let avals = leaves.map(({ aval }) =>
    aval.weak !== null || !aval.isFloat ? strong(aval).with({ dtype: 'float32' }) : aval,
  );
  for (;;) {
    const traced = traceFunction(transformation, label, f as never, [structure], avals);
    const isWide = check(label, traced, structure);
    const next = avals.map((aval, i) => (isWide(i) ? aval.with({ dtype: 'float64' }) : aval));
    if (next.every((aval, i) => aval.dtype === avals[i].dtype))
      return { label, traced, structure, leaves: leaves.map((leaf, i) => cast(leaf, avals[i].dtype)) };
    avals = next;
  }
}

/** A function from a tree to one like it. The start becomes float64 where the function's result is. @throws WrongTree */
export function mapOfUnknown<T>(
  transformation: string,
  f: (x: Outputs<T>) => unknown,
  start: T,
  what: string,
): Unknown<T> {
  const settled = settle(transformation, f, start, what, (label, made, structure) => {
    requireSameTree(
      `${label}: what the function returned`,
      structure,
      made.structure,
      `return one equation for every unknown, in a tree like ${what}`,
    );
    const found = avalsOf(made.program.outputs);
    return i => found[i].weak === null && found[i].dtype === 'float64';
  });
  const { label, traced, structure, leaves } = settled;
  const program = withOutputTypes(
    label,
    traced.program,
    traced.program.outputs.map(({ aval }, i) =>
      aval.weak === null ? aval : aval.with({ dtype: leaves[i].dtype }),
    ),
  );
  return unknown(program, structure, leaves);
}

/** A function from a tree to one number. The start becomes float64 where the number is. @throws NonScalarOutput */
export function objectiveOfUnknown<T>(
  transformation: string,
  f: (x: Outputs<T>) => unknown,
  start: T,
  what: string,
): Unknown<T> {
  const settled = settle(transformation, f, start, what, (label, made) => {
    const { outputs } = made.program;
    if (outputs.length !== 1 || made.structure.kind !== 'leaf' || outputs[0].aval.ndim !== 0)
      throw new NonScalarOutput({
        did: `${label}: the function returned ${outputs.length === 1 ? outputs[0].aval : `a tree ${made.structure}`}`,
        expected: 'one number to make small, a 0-dimensional float',
        remedy: 'sum or average it: return loss.sum()',
      });
    const [{ aval }] = outputs;
    if (!aval.isFloat)
      throw new DTypeMismatch({
        did: `${label}: the function returned ${aval}`,
        expected: 'one number to make small, a 0-dimensional float',
        remedy: "convert it: loss.astype('float32')",
      });
    return () => aval.weak === null && aval.dtype === 'float64';
  });
  const { label, traced, structure, leaves } = settled;
  const [{ dtype }] = leaves;
  const program = withOutputTypes(
    label,
    traced.program,
    traced.program.outputs.map(({ aval }) => aval.with({ dtype })),
  );
  return unknown(program, structure, leaves);
}

function unknown<T>(program: Program, structure: Structure, leaves: readonly Tensor[]): Unknown<T> {
  return {
    leaves,
    f: x => replay(program, x),
    rebuild: values => unflatten(structure, values) as Outputs<T>,
  };
}
