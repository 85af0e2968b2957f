/** Control flow that depends on values, for use inside and outside of transformations. */
import type { Aval } from '../../core/aval.ts';
import { promoteTypes, promoteWeak } from '../../core/dtype.ts';
import { BadArgument, DTypeMismatch, ShapeMismatch, WrongTree } from '../../core/errors.ts';
import { labelOf } from '../../core/path.ts';
import { scalar, Tensor } from '../../core/tensor.ts';
import { type Structure, unflatten } from '../../core/tree.ts';
import { bind, type Program } from '../../primitives/primitive.ts';
import { add, full, iota, less } from '../../primitives/vectorspace.ts';
import { leafTensor, type Outputs, requireFunction } from '../arguments.ts';
import { avalsOf, closed, closedTogether, parts } from '../derive.ts';
import {
  type Like,
  requirePredicate,
  requireSameCarry,
  requireSameTree,
  settledAs,
  strong,
  type TensorTree,
  tensorTree,
  traceCarried,
  traceFunction,
  withOutputTypes,
} from './body.ts';
import { condPrimitive } from './cond.ts';
import { type ScanCheckpoint, segmentedScan, segmentLengths } from './segments.ts';
import { whilePrimitive } from './while.ts';

export interface ScanOptions {
  /** How many steps; needed only where there are no sequences. */
  readonly length?: number;
  /** From the last slice to the first. Results stand where their slices stood. */
  readonly reverse?: boolean;
  /**
   * Segments that reverse mode runs again from the carry at their start, in place of keeping what every step needs. No
   * bit of a value or derivative changes, but that the cotangent of a matrix which all steps share is rounded anew.
   */
  readonly checkpoint?: ScanCheckpoint;
}

/**
 * A loop over the leading axis: [carry, y] = step(carry, xs[i]) for i = 0, 1, …; the result is the last carry and all y
 * stacked. The step is traced once, so that programs and compile time do not grow with the number of steps; inside
 * it values are not known, also outside `jit`: use `cond` and `where` in place of `if`.
 *
 * Carry, slices and y are trees. The carry keeps its structure, shapes and element types from step to step; numbers
 * in `init` become float32, or float64 where the step makes them so. Every derivative is a scan again; reverse mode is
 * backpropagation through time and keeps what each step needs, so that its memory grows with the number of steps T, or
 * with `checkpoint: 'sqrt'` as √T, with `'binomial'` as log T (Griewank & Walther 2008, chapter 12).
 *
 * @param xs a tree of tensors with the same first extent; null with `length` where a step needs none
 * @example const [sum, partial] = scan((s, x) => [s.add(x), s.add(x)], 0, tensor([1, 2, 3])) // 6, [1, 3, 6]
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the carry does not stay what it was; BadArgument for options
 */
export function scan<const C, X, const Y>(
  step: (carry: Outputs<C>, x: Outputs<X>) => readonly [carry: Like<C>, y: Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [carry: Outputs<C>, ys: Outputs<Y>] {
  requireFunction('scan', step);
  const label = labelOf('scan', step);
  const first = tensorTree(init, 'carry');
  const sequences = tensorTree(xs, 'xs');
  const length = lengthOf(label, sequences, options.length);
  const lengths = options.checkpoint === undefined ? [] : segmentLengths(label, length, options.checkpoint);
  const slices = sequences.leaves.map(({ aval }) => aval.with({ shape: aval.shape.slice(1) }));
  const { carry, made } = traceCarried(first, before => {
    const traced = traceFunction(
      'scan',
      label,
      step,
      [first.structure, sequences.structure],
      [...before, ...slices],
    );
    const pair = traced.structure;
    if (pair.kind !== 'array' || pair.children.length !== 2)
      throw new WrongTree({
        did: `${label}: the step returned a tree ${pair}`,
        expected: 'an array of the next carry and the step’s result, [carry, y]',
        remedy: 'return [carry, y]; return [carry, null] where there is no result',
      });
    requireSameTree(
      `${label}: the carry after a step`,
      first.structure,
      pair.children[0],
      'return [carry, y] with a carry like init: the same keys and lengths',
    );
    const after = avalsOf(traced.program.outputs);
    return { after, made: { ...traced, after } };
  });
  requireSameCarry(label, first.paths, carry, made.after);
  const types = [...carry, ...made.after.slice(carry.length).map(strong)];
  const { program, constants } = closed(withOutputTypes(label, made.program, types));
  const results = segmentedScan(
    [...constants, ...first.leaves.map((leaf, i) => settledAs(leaf, carry[i])), ...sequences.leaves],
    {
      program,
      constants: constants.length,
      carries: carry.length,
      length,
      reverse: options.reverse ?? false,
    },
    lengths,
  );
  const [last, ys] = parts(results, carry.length);
  return [
    unflatten(first.structure, last) as Outputs<C>,
    unflatten(made.structure.children[1], ys) as Outputs<Y>,
  ];
}

function lengthOf(label: string, { leaves, paths }: TensorTree, length: number | undefined): number {
  if (length !== undefined && !(Number.isInteger(length) && length >= 0))
    throw new BadArgument({
      did: `${label} with length ${length}`,
      expected: 'a whole number of steps',
      remedy: 'scan(step, init, null, { length: 10 })',
    });
  leaves.forEach(({ aval }, i) => {
    if (aval.ndim === 0)
      throw new ShapeMismatch({
        did: `${label}: ${paths[i]} is ${aval}, which has no axis to go along`,
        expected: 'sequences with one slice for each step along their first axis',
        remedy: 'close over values that are the same at every step, or put them into the carry',
      });
  });
  const extents = leaves.map(leaf => leaf.shape[0]);
  const steps = length ?? extents[0];
  if (steps === undefined)
    throw new BadArgument({
      did: `${label} has no sequences and no length`,
      expected: 'the number of steps',
      remedy: 'scan(step, init, null, { length: 10 }), or whileLoop if it is not known',
    });
  if (extents.some(extent => extent !== steps))
    throw new ShapeMismatch({
      did: `${label}: ${[...(length === undefined ? [] : [`length is ${length}`]), ...leaves.map(({ aval }, i) => `${paths[i]} is ${aval}`)].join(', ')}`,
      expected: 'the same number of steps in every sequence',
      remedy: 'cut the longer ones, x.at(slice(0, n)).get(), or leave length away',
    });
  return steps;
}

/** Whether a loop goes on, as a program of the carry; what it closes over is among its inputs. */
function predicate(
  label: string,
  test: (...args: never[]) => unknown,
  structure: Structure,
  carry: readonly Aval[],
): { program: Program; constants: Tensor[] } {
  const { program, structure: found } = traceFunction('whileLoop', label, test, [structure], carry);
  if (found.kind !== 'leaf')
    throw new WrongTree({
      did: `${label}: the condition returned a tree ${found}`,
      expected: 'a 0-dimensional bool',
      remedy: 'return one comparison: carry.x.less(10)',
    });
  requirePredicate(`${label}: the condition`, program.outputs[0].aval);
  return closed(program);
}

/**
 * carry = body(carry) as long as condition(carry) holds; the last carry. Both functions are traced once, and inside
 * them values are not known, also outside `jit`.
 *
 * Forward and reverse mode work, although the number of steps n is known only when the loop runs. Reverse mode keeps
 * a fixed number of steps and checkpoints, 64 of each kind, and runs the body again from those: each step forward once
 * up to n = 64, twice up to 4160, four times up to 266 304, two times more for every further factor of 64. Its memory
 * does not depend on n beyond that.
 *
 * @param init a tree; numbers become float32, or float64 where the body makes them so
 * @example whileLoop((x) => x.less(100), (x) => x.mul(2), 1) // 128
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the carry does not stay what it was or the condition is no bool
 */
export function whileLoop<const C>(
  condition: (carry: Outputs<C>) => Tensor | boolean,
  body: (carry: Outputs<C>) => Like<C>,
  init: C,
): Outputs<C> {
  requireFunction('whileLoop', condition);
  requireFunction('whileLoop', body);
  const label = labelOf('whileLoop', body);
  const first = tensorTree(init, 'carry');
  const { carry, made } = traceCarried(first, before => {
    const traced = traceFunction('whileLoop', label, body, [first.structure], before);
    requireSameTree(
      `${label}: the carry after a step`,
      first.structure,
      traced.structure,
      'return a carry like init: the same keys and lengths',
    );
    const after = avalsOf(traced.program.outputs);
    return { after, made: { program: traced.program, after } };
  });
  requireSameCarry(label, first.paths, carry, made.after);
  const step = closed(withOutputTypes(label, made.program, carry));
  const test = predicate(labelOf('whileLoop', condition), condition, first.structure, carry);
  const results = bind(
    whilePrimitive,
    [...test.constants, ...step.constants, ...first.leaves.map((leaf, i) => settledAs(leaf, carry[i]))],
    {
      condition: test.program,
      body: step.program,
      conditionConstants: test.constants.length,
      bodyConstants: step.constants.length,
    },
  );
  return unflatten(first.structure, results) as Outputs<C>;
}

/**
 * carry = body(i, carry) for i = lo, lo + 1, … hi − 1; the last carry. i is an int32. Where lo and hi are numbers this
 * is a `scan`, else, where they are known only when the loop runs, a `whileLoop`.
 *
 * @param options `checkpoint` as in `scan`, where lo and hi are numbers
 * @example forLoop(0, 5, (i, s) => s.add(i), 0) // 10
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the carry does not stay what it was; BadArgument for options
 */
export function forLoop<const C>(
  lo: number | Tensor,
  hi: number | Tensor,
  body: (i: Tensor, carry: Outputs<C>) => Like<C>,
  init: C,
  options: Pick<ScanOptions, 'checkpoint'> = {},
): Outputs<C> {
  requireFunction('forLoop', body);
  const run = body as unknown as (i: Tensor, carry: unknown) => never;
  const step = (carry: unknown, i: Tensor): [never, null] => [run(i, carry), null];
  Object.defineProperty(step, 'name', { value: body.name });
  if (typeof lo === 'number' && typeof hi === 'number') {
    const [from, to] = [bound('lo', lo), bound('hi', hi)].map(one => one.concrete('forLoop').elements()[0]);
    const length = Math.max(0, to - from);
    const counts = iota('int32', [length], 0);
    const xs = from === 0 ? counts : add(counts, full([length], from, 'int32'));
    return scan(step as never, init, xs, { ...options, length })[0];
  }
  if (options.checkpoint !== undefined)
    throw new BadArgument({
      did: `forLoop with checkpoint ${JSON.stringify(options.checkpoint)} and limits that are known only when it runs`,
      expected: 'numbers for lo and hi: the segments are laid out before the loop runs',
      remedy: 'leave checkpoint away: a loop with unknown limits keeps a fixed number of checkpoints anyway',
    });
  const end = bound('hi', hi);
  const next = ({ i, carry }: { i: Tensor; carry: unknown }): unknown => ({
    i: add(i, scalar('int32', 1)),
    carry: run(i, carry),
  });
  Object.defineProperty(next, 'name', { value: body.name });
  const going = ({ i }: { i: Tensor }): Tensor => less(i, end);
  const last = whileLoop(going as never, next as never, { i: bound('lo', lo), carry: init } as never);
  return (last as { carry: Outputs<C> }).carry;
}

/** A limit of a loop as an int32. */
function bound(name: string, value: number | Tensor): Tensor {
  const wrong =
    typeof value === 'number'
      ? !Number.isInteger(value) || Math.abs(value) > 2147483647
      : !(value instanceof Tensor);
  if (wrong)
    throw new BadArgument({
      did: `forLoop with ${name} = ${String(value)}`,
      expected: 'a whole number below 2³¹, or a 0-dimensional int32 tensor',
      remedy: 'forLoop(0, 10, (i, carry) => …, init)',
    });
  if (typeof value === 'number') return scalar('int32', value);
  const { aval } = value;
  if (aval.ndim !== 0)
    throw new ShapeMismatch({
      did: `forLoop: ${name} is ${aval}`,
      expected: 'a 0-dimensional int32',
      remedy: 'vmap the loop, or reduce the limits with x.max()',
    });
  if (aval.dtype !== 'int32' && aval.weak !== 'int')
    throw new DTypeMismatch({
      did: `forLoop: ${name} is ${aval}`,
      expected: 'a 0-dimensional int32',
      remedy: "convert it: x.astype('int32')",
    });
  return settledAs(value, scalar('int32', 0).aval);
}

/**
 * onTrue(…args) where the condition holds, else onFalse(…args). Both functions are traced, only the chosen one runs;
 * inside them values are not known, also outside `jit`. Under `vmap`, where examples choose differently, both run.
 *
 * @param condition one bool, a 0-dimensional tensor or a boolean; element by element use `where`
 * @example cond(x.greater(0), (x) => x.sqrt(), (x) => x.mul(0), x)
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the results of the two differ in more than their values
 */
export function cond<A extends readonly unknown[], R>(
  condition: Tensor | boolean,
  onTrue: (...args: { [K in keyof A]: Outputs<A[K]> }) => R,
  onFalse: (...args: { [K in keyof A]: Outputs<A[K]> }) => Like<NoInfer<R>>,
  ...args: A
): Outputs<R> {
  requireFunction('cond', onTrue);
  requireFunction('cond', onFalse);
  const test = leafTensor(condition);
  requirePredicate('cond: the condition', test.aval);
  const operands = args.map((arg, i) => tensorTree(arg, `argument ${i}`));
  const leaves = operands.flatMap(one => one.leaves);
  const trace = (f: (...args: never[]) => unknown) =>
    traceFunction(
      'cond',
      labelOf('cond', f),
      f,
      operands.map(one => one.structure),
      avalsOf(leaves),
    );
  const yes = trace(onTrue);
  const no = trace(onFalse);
  requireSameTree(
    'cond: what onFalse returned',
    yes.structure,
    no.structure,
    'return the same keys and lengths from both functions',
  );
  const paths = yes.structure.paths('result');
  const types = yes.program.outputs.map((output, i) =>
    commonAval(paths[i], output.aval, no.program.outputs[i].aval),
  );
  const { programs, constants } = closedTogether([
    withOutputTypes('cond', no.program, types),
    withOutputTypes('cond', yes.program, types),
  ]);
  const [ifNot, ifSo] = programs;
  const results = bind(condPrimitive, [test, ...constants, ...leaves], { branches: [ifNot, ifSo] });
  return unflatten(yes.structure, results) as Outputs<R>;
}

/** The type of a result of both branches: numbers take the other's. */
function commonAval(path: string, yes: Aval, no: Aval): Aval {
  if (yes.shape.length !== no.shape.length || yes.shape.some((n, i) => n !== no.shape[i]))
    throw new ShapeMismatch({
      did: `cond: ${path} is ${yes} where the condition holds and ${no} where it does not`,
      expected: 'results of the same shape',
      remedy: 'broadcast or pad the smaller one: broadcastTo(x, shape)',
    });
  if (yes.weak !== null && no.weak !== null) return strong(yes);
  if (yes.weak !== null && promoteWeak(no.dtype, yes.weak) === no.dtype) return no;
  if (no.weak !== null && promoteWeak(yes.dtype, no.weak) === yes.dtype) return yes;
  if (yes.weak !== null || no.weak !== null || yes.dtype !== no.dtype)
    throw new DTypeMismatch({
      did: `cond: ${path} is ${yes} where the condition holds and ${no} where it does not`,
      expected: 'results of the same element type',
      remedy: `convert one of them: x.astype('${promoteTypes(strong(yes).dtype, strong(no).dtype)}')`,
    });
  return yes;
}
