/** The functions that control flow is given, traced to programs, and what their results must be. */
import { type Aval, sameShape } from '../../core/aval.ts';
import type { TypedArray } from '../../core/dtype.ts';
import { dtypeInfo, isFloat } from '../../core/dtype.ts';
import { DTypeMismatch, ShapeMismatch, WrongTree } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { flatten, type Structure, unflatten } from '../../core/tree.ts';
import type { Program } from '../../primitives/primitive.ts';
import { cast } from '../../primitives/vectorspace.ts';
import { callWithTree, leafTensor } from '../arguments.ts';
import { avalsOf, parts } from '../derive.ts';
import { replay, traceProgram } from '../trace.ts';

/** A tree of T's structure whose leaves may also be numbers and booleans. */
export type Like<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor | number | boolean
  : T extends string | null | undefined | symbol | bigint | ((...args: never[]) => unknown)
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K, Like<V>>
      : { readonly [K in keyof T]: Like<T[K]> };

/** A tree's tensors. */
export interface TensorTree {
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
  readonly paths: readonly string[];
}

export function tensorTree(value: unknown, what: string): TensorTree {
  const { leaves, structure } = flatten(value, what);
  return { leaves: leaves.map(leafTensor), structure, paths: structure.paths(what) };
}

/** The aval of a value that goes round a loop: a plain number is a float32 unless the loop makes it wider. */
export function strong(aval: Aval): Aval {
  return aval.weak === null ? aval : aval.with({ dtype: 'float32' });
}

/** The tensor with exactly this element type: plain numbers have chosen by now. */
export function settledAs(tensor: Tensor, { dtype }: Aval): Tensor {
  return tensor.aval.weak === null && tensor.dtype === dtype ? tensor : cast(tensor, dtype);
}

export interface Traced {
  /** Constants of the program are what the function closed over. Numbers among its outputs are not settled yet. */
  readonly program: Program;
  readonly structure: Structure;
}

/** Traces `f`, which is given the trees of these structures. */
export function traceFunction(
  transformation: string,
  label: string,
  f: (...args: never[]) => unknown,
  structures: readonly Structure[],
  avals: readonly Aval[],
): Traced {
  const call = callWithTree(transformation, f, leaf => leaf);
  const program = traceProgram(
    inputs => {
      const leaves = parts(inputs, ...structures.map(structure => structure.leafCount));
      return call.run(structures.map((structure, i) => unflatten(structure, leaves[i])));
    },
    avals,
    { name: label, watch: true },
  );
  return { program, structure: call.structure() };
}

/** The program with its outputs cast to these types. */
export function withOutputTypes(label: string, program: Program, avals: readonly Aval[]): Program {
  if (program.outputs.every(({ aval }, i) => aval.key === avals[i].key)) return program;
  return traceProgram(
    inputs => replay(program, inputs).map((output, i) => settledAs(output, avals[i])),
    avalsOf(program.inputs),
    { name: label },
  );
}

export function requireSameTree(did: string, expected: Structure, found: Structure, remedy: string): void {
  if (!expected.equals(found))
    throw new WrongTree({ did: `${did} is a tree ${found}`, expected: `a tree ${expected}`, remedy });
}

/** Whether a value of this aval, if it is a plain number, may take the type of the other. */
export function fits(found: Aval, expected: Aval): boolean {
  if (found.dtype === expected.dtype && found.weak === null) return true;
  if (found.weak === null) return false;
  const { kind } = dtypeInfo(expected.dtype);
  return kind === 'float' || (kind === 'int' && found.weak === 'int');
}

/** Throws where a carry does not stay what it was. */
export function requireSameCarry(
  label: string,
  paths: readonly string[],
  before: readonly Aval[],
  after: readonly Aval[],
): void {
  before.forEach((aval, i) => {
    const found = after[i];
    if (!sameShape(aval.shape, found.shape))
      throw new ShapeMismatch({
        did: `${label}: ${paths[i]} is ${aval} before a step and ${found} after it`,
        expected: 'a carry of the same shape at every step',
        remedy: `start from a value of the shape that a step gives, zeros([${found.shape.join(', ')}]), or return one of shape [${aval.shape.join(', ')}]: sum or reshape it`,
      });
    if (!fits(found, aval))
      throw new DTypeMismatch({
        did: `${label}: ${paths[i]} is ${aval} before a step and ${found} after it`,
        expected: 'a carry of the same element type at every step',
        remedy: `start from a ${found.dtype} value, or return x.astype('${aval.dtype}')`,
      });
  });
}

/**
 * Traces the body of a loop until the types of its carry stay as they are: a carry that began as a plain number
 * becomes float64 where the body makes it one.
 */
export function traceCarried<T>(
  init: TensorTree,
  trace: (carry: readonly Aval[]) => { after: readonly Aval[]; made: T },
): { carry: readonly Aval[]; made: T } {
  let carry = init.leaves.map(leaf => strong(leaf.aval));
  for (;;) {
    const { after, made } = trace(carry);
    const next = carry.map((aval, i) =>
      init.leaves[i].aval.weak !== null && after[i].weak === null && after[i].dtype === 'float64'
        ? aval.with({ dtype: 'float64' })
        : aval,
    );
    if (next.every((aval, i) => aval.key === carry[i].key)) return { carry, made };
    carry = next;
  }
}

/** The predicate of a branch or loop, which must be one bool. */
export function requirePredicate(label: string, aval: Aval): void {
  if (aval.ndim !== 0)
    throw new ShapeMismatch({
      did: `${label} is ${aval}`,
      expected: 'a 0-dimensional bool',
      remedy: 'reduce it with all(x) or any(x); choose element by element with where(condition, a, b)',
    });
  if (aval.dtype !== 'bool')
    throw new DTypeMismatch({
      did: `${label} is ${aval}`,
      expected: 'a 0-dimensional bool',
      remedy: `compare it: x.${isFloat(aval.dtype) ? 'greater' : 'notEqual'}(0)`,
    });
}
