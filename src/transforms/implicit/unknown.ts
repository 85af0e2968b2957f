/** Unknowns that are trees, and the functions of them that a user gives. */
import type { Aval } from '../../core/aval.ts';
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

/** The tensors of a start as floats, as wide as the function makes them, and its program for those. */
function settle(
  start: readonly Tensor[],
  trace: (avals: readonly Aval[]) => { traced: Traced; wide: (leaf: number) => boolean },
): { traced: Traced; leaves: Tensor[] } {
  let avals = start.map(({ aval }) =>
    aval.weak !== null || !aval.isFloat ? strong(aval).with({ dtype: 'float32' }) : aval,
  );
  for (;;) {
    const { traced, wide } = trace(avals);
    const next = avals.map((aval, i) => (wide(i) ? aval.with({ dtype: 'float64' }) : aval));
    if (next.every((aval, i) => aval.dtype === avals[i].dtype))
      return { traced, leaves: start.map((leaf, i) => cast(leaf, avals[i].dtype)) };
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
  requireFunction(transformation, f);
  const label = labelOf(transformation, f);
  const { leaves: given, structure } = tensorTree(start, what);
  const { traced, leaves } = settle(given, avals => {
    const made = traceFunction(transformation, label, f as never, [structure], avals);
    requireSameTree(
      `${label}: what the function returned`,
      structure,
      made.structure,
      `return one equation for every unknown, in a tree like ${what}`,
    );
    const found = avalsOf(made.program.outputs);
    return { traced: made, wide: i => found[i].weak === null && found[i].dtype === 'float64' };
  });
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
  requireFunction(transformation, f);
  const label = labelOf(transformation, f);
  const { leaves: given, structure } = tensorTree(start, what);
  const { traced, leaves } = settle(given, avals => {
    const made = traceFunction(transformation, label, f as never, [structure], avals);
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
    return { traced: made, wide: () => aval.weak === null && aval.dtype === 'float64' };
  });
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
