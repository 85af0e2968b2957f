/** The programs of a function and of its rules, and what the rules must return. */
import { type Aval, sameShape } from '../../core/aval.ts';
import { DTypeMismatch, NotDifferentiable, ShapeMismatch, WrongTree } from '../../core/errors.ts';
import { labelOf } from '../../core/path.ts';
import { Tensor } from '../../core/tensor.ts';
import { flatten, Structure, unflatten } from '../../core/tree.ts';
import type { Program } from '../../primitives/primitive.ts';
import { zerosLike } from '../../primitives/vectorspace.ts';
import { callWithTree, fillEmpty, leafTensor, settled } from '../arguments.ts';
import { fits, requireSameTree, settledAs } from '../control/body.ts';
import { avalsOf, notNull, parts } from '../derive.ts';
import { traceProgram } from '../trace.ts';

export type AnyFunction = (...args: never[]) => unknown;

/** Arguments as trees of tensors, without those that are fixed. */
export interface Given {
  readonly structure: Structure;
  readonly avals: readonly Aval[];
  /** All arguments from the traced ones, the fixed ones in their places. */
  withFixed(traced: readonly unknown[], fixedAs?: 'value' | 'null'): unknown[];
  readonly fixed: readonly unknown[];
  /** Which of the user's arguments the traced ones are. */
  readonly numbers: readonly number[];
  readonly count: number;
}

/** A function's program and the tree of its result. */
export interface TracedFunction {
  readonly program: Program;
  readonly structure: Structure;
}

/** What a rule returns, with tensors for leaves. `label` says in messages whose rule it is. */
function runRule(label: string, rule: AnyFunction, args: readonly unknown[]): unknown {
  const nameless = (...all: never[]): unknown => rule(...all);
  const call = callWithTree(label, Object.defineProperty(nameless, 'name', { value: '' }), leaf => leaf);
  return call.result(call.run(args));
}

export function traceUser(label: string, f: AnyFunction, given: Given): TracedFunction {
  const call = callWithTree(label, f);
  const program = traceProgram(
    inputs => call.run(given.withFixed(unflatten(given.structure, inputs) as unknown[])),
    given.avals,
    { name: labelOf(label, f), watch: true },
  );
  return { program, structure: call.structure() };
}

function requirePair(what: string, value: unknown, names: string): [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2)
    throw new WrongTree({
      did: `${what} returned ${value instanceof Tensor ? `a tensor ${value.aval}` : `a tree ${flatten(value).structure}`}`,
      expected: `an array of two, [${names}]`,
      remedy: `return [${names}]`,
    });
  return value as [unknown, unknown];
}

/** Leaves like those of the avals in shape and element type; null where the rule says zero. */
function conforming(
  what: string,
  structure: Structure,
  avals: readonly Aval[],
  value: unknown,
): (Tensor | null)[] {
  const paths = structure.paths();
  return fillEmpty(structure, value, what, () => null).map((leaf, i) => {
    const aval = avals[i];
    if (leaf === null) return null;
    const tensor = leafTensor(leaf);
    if (aval.isFloat) return settledLike(`${what}${paths[i]}`, tensor, aval);
    if (tensor.dtype !== aval.dtype) throw noDerivative(`${what}${paths[i]} is ${tensor.aval}`, `${aval}`);
    return null;
  });
}

function noDerivative(did: string, value: string): NotDifferentiable {
  return new NotDifferentiable({
    did: `${did} where the value is ${value}`,
    expected: 'null: there is no derivative with respect to anything but floats',
    remedy: 'return null there, and check the order of what the rule returns',
  });
}

function settledLike(what: string, tensor: Tensor, aval: Aval): Tensor {
  if (!sameShape(tensor.shape, aval.shape))
    throw new ShapeMismatch({
      did: `${what} is ${tensor.aval} where the value is ${aval}`,
      expected: `shape [${aval.shape.join(', ')}]`,
      remedy: 'sum over what was broadcast, or broadcastTo(x, shape)',
    });
  const takes = aval.weak === null ? fits(tensor.aval, aval) : tensor.aval.isFloat;
  if (!takes)
    throw new DTypeMismatch({
      did: `${what} is ${tensor.aval} where the value is ${aval}`,
      expected: `element type ${aval.dtype}`,
      remedy: `convert it: x.astype('${aval.dtype}')`,
    });
  return settledAs(tensor, aval);
}

/** The result that a rule computes must be like the function's. */
function conformingOutput(what: string, value: unknown, { program, structure }: TracedFunction): Tensor[] {
  const flat = flatten(value, what);
  requireSameTree(
    what,
    structure,
    flat.structure,
    'return as the first of two what the function itself returns',
  );
  const paths = structure.paths();
  return flat.leaves.map((leaf, i) =>
    settledLike(`${what}${paths[i]}`, settled(leafTensor(leaf)), program.outputs[i].aval),
  );
}

const floatsOf = (avals: readonly Aval[]): Aval[] => avals.filter(aval => aval.isFloat);

/** A tensor for every aval: the next of the floats', or zeros where there is no derivative. */
function withZeros(avals: readonly Aval[], floats: readonly Tensor[]): Tensor[] {
  let next = 0;
  return avals.map(aval => (aval.isFloat ? floats[next++] : zerosLike(aval)));
}

/** Arguments, tangents of the float ones, to results, tangents of the float ones. */
export function traceJvpRule(f: AnyFunction, rule: AnyFunction, given: Given, of: TracedFunction): Program {
  const label = labelOf('the rule of customJvp', f);
  const outputs = avalsOf(of.program.outputs);
  return traceProgram(
    inputs => {
      const [values, moving] = parts(inputs, given.avals.length);
      const tangents = unflatten(given.structure, withZeros(given.avals, moving)) as unknown[];
      const primals = unflatten(given.structure, values) as unknown[];
      const returned = runRule(label, rule, [
        given.withFixed(primals),
        given.withFixed(tangents, 'null'),
        ...given.fixed,
      ]);
      const [out, tangentOut] = requirePair(label, returned, 'out, tangentOut');
      const results = conformingOutput(`${label}: out`, out, of);
      const tangent = conforming(`${label}: tangentOut`, of.structure, outputs, tangentOut);
      return [
        ...results,
        ...outputs.flatMap((aval, i) => (aval.isFloat ? [tangent[i] ?? zerosLike(aval)] : [])),
      ];
    },
    [...given.avals, ...floatsOf(given.avals)],
    { name: label, watch: true },
  );
}

export interface TracedVjp {
  readonly forward: Program;
  readonly backward: Program;
  readonly leaving: readonly boolean[];
}

/** The forward rule, arguments to results and residuals, and the backward rule for these residuals. */
export function traceVjpRule(
  f: AnyFunction,
  forward: AnyFunction,
  backward: AnyFunction,
  given: Given,
  of: TracedFunction,
): TracedVjp {
  const labels = [labelOf('the forward rule of customVjp', f), labelOf('the backward rule of customVjp', f)];
  let kept = new Structure('array');
  const ahead = traceProgram(
    inputs => {
      const args = given.withFixed(unflatten(given.structure, inputs) as unknown[]);
      const returned = runRule(labels[0], forward, args);
      const [out, residuals] = requirePair(labels[0], returned, 'out, residuals');
      const flat = flatten(residuals, 'residuals');
      kept = flat.structure;
      return [...conformingOutput(`${labels[0]}: out`, out, of), ...flat.leaves.map(leafTensor)];
    },
    given.avals,
    { name: labels[0], watch: true },
  );
  const outputs = avalsOf(of.program.outputs);
  const residuals = avalsOf(ahead.outputs.slice(outputs.length));
  let leaving: boolean[] = [];
  const back = traceProgram(
    inputs => {
      const [values, arriving] = parts(inputs, residuals.length);
      const returned = runRule(labels[1], backward, [
        unflatten(kept, values),
        unflatten(of.structure, withZeros(outputs, arriving)),
        ...given.fixed,
      ]);
      const cotangents = conforming(
        `${labels[1]}: the cotangents`,
        given.structure,
        given.avals,
        requireCotangents(labels[1], returned, given),
      );
      const floats = cotangents.filter((_, i) => given.avals[i].isFloat);
      leaving = floats.map(one => one !== null);
      return notNull(floats);
    },
    [...residuals, ...floatsOf(outputs)],
    { name: labels[1], watch: true },
  );
  return { forward: ahead, backward: back, leaving };
}

/** One cotangent for each argument; those of fixed ones are left out. */
function requireCotangents(label: string, returned: unknown, { count, numbers }: Given): unknown[] {
  if (!Array.isArray(returned) || returned.length !== count)
    throw new WrongTree({
      did: `${label} returned ${returned instanceof Tensor ? `a tensor ${returned.aval}` : Array.isArray(returned) ? `${returned.length} cotangents` : `a tree ${flatten(returned).structure}`} for ${count} argument${count === 1 ? '' : 's'}`,
      expected: 'an array with one cotangent for each argument',
      remedy: `return [${Array.from({ length: count }, (_, i) => `ct${i}`).join(', ')}]; null is zero`,
    });
  returned.forEach((one, i) => {
    if (!numbers.includes(i) && one !== null && one !== undefined)
      throw noDerivative(`${label}: cotangent ${i} is not null`, 'a static argument');
  });
  return numbers.map(number => returned[number] as unknown);
}
