/**
 * One class per mistake, with a stable id. Every message has four parts: what was done, what was expected,
 * where (the caller's own line and the transformations around it), and what to do.
 */
import { currentPath } from './path.ts';

/** The library's own folder: frames inside it are not the user's. */
const library = String(import.meta.url).replace(/(core\/errors\.[jt]s|chunks\/).*$/, '');

/** The stack here, deep enough to reach the user through nested transformations; written out when it is read. */
export function stackHere(depth = 100): { readonly stack?: string } {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const here = new Error();
  Error.stackTraceLimit = limit;
  return here;
}

/** `file:line:column` of the innermost stack frame outside the library; empty where the engine tells none. */
export function userLine(here: { readonly stack?: string } = stackHere()): string {
  for (const line of (here.stack ?? '').split('\n')) {
    const place = /(?:\(|at |async |@)((?:file:|https?:|\/|[A-Za-z]:\\)[^<]*:\d+:\d+)\)?\s*$/.exec(line)?.[1];
    if (place === undefined) continue;
    const url = place.startsWith('/') ? `file://${place}` : place;
    if (url.startsWith(library) || url.includes('node:internal')) continue;
    return place.replace(/^file:\/\//, '').replace(/\?[^:]*/, '');
  }
  return '';
}

export interface Mistake {
  /** What was done, with names, shapes and dtypes. */
  readonly did: string;
  readonly expected: string;
  /** What to write instead. */
  readonly remedy: string;
  /** Where it was done, if that is not where the error is thrown: `file:line:column`. */
  readonly place?: string;
}

/** The base of all errors that cotangent throws. */
export class CotangentError extends Error {
  static readonly id: string = 'CT100';
  static readonly title: string = 'Error';
  readonly id: string;
  readonly did: string;
  readonly expected: string;
  readonly where: string;
  readonly remedy: string;

  constructor(mistake: Mistake) {
    const { id, title } = new.target;
    const { did, expected, remedy, place = userLine() } = mistake;
    const path = currentPath();
    const where = [place, path && `in ${path}`].filter(Boolean).join(', ') || 'outside any transformation';
    // Engines write the stack's first line when the error is made: the message must be complete by then.
    super(`${id} ${title}: ${did}\n  expected: ${expected}\n  where:    ${where}\n  do:       ${remedy}`);
    this.id = id;
    this.did = did;
    this.expected = expected;
    this.where = where;
    this.remedy = remedy;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

export class ShapeMismatch extends CotangentError {
  static override readonly id = 'CT101';
  static override readonly title = 'Shape mismatch';
}

export class NonScalarOutput extends CotangentError {
  static override readonly id = 'CT102';
  static override readonly title = 'Gradient of a non-scalar';
}

export class NotDifferentiable extends CotangentError {
  static override readonly id = 'CT103';
  static override readonly title = 'Not differentiable';
}

export class TracerLeak extends CotangentError {
  static override readonly id = 'CT104';
  static override readonly title = 'Leaked tracer';
}

export class ConcreteValueNeeded extends CotangentError {
  static override readonly id = 'CT105';
  static override readonly title = 'Value not known while tracing';
}

export class WrongTree extends CotangentError {
  static override readonly id = 'CT106';
  static override readonly title = 'Wrong tree';
}

export class MissingArgument extends CotangentError {
  static override readonly id = 'CT107';
  static override readonly title = 'Missing argument';
}

export class IndexOutOfRange extends CotangentError {
  static override readonly id = 'CT108';
  static override readonly title = 'Index out of range';
}

export class RaggedArray extends CotangentError {
  static override readonly id = 'CT109';
  static override readonly title = 'Ragged array';
}

export class UnknownDType extends CotangentError {
  static override readonly id = 'CT110';
  static override readonly title = 'Unknown element type';
}

export class AxisOutOfRange extends CotangentError {
  static override readonly id = 'CT111';
  static override readonly title = 'Axis out of range';
}

export class BadArgument extends CotangentError {
  static override readonly id = 'CT112';
  static override readonly title = 'Bad argument';
}

export class TensorAsCondition extends CotangentError {
  static override readonly id = 'CT113';
  static override readonly title = 'Tensor used as a condition';
}

export class DataDependentShape extends CotangentError {
  static override readonly id = 'CT114';
  static override readonly title = 'Shape depends on data';
}

export class AsyncFunction extends CotangentError {
  static override readonly id = 'CT115';
  static override readonly title = 'Asynchronous function';
}

export class NotLinear extends CotangentError {
  static override readonly id = 'CT116';
  static override readonly title = 'Not linear';
}

export class BatchSizeMismatch extends CotangentError {
  static override readonly id = 'CT117';
  static override readonly title = 'Batch sizes differ';
}

export class DTypeMismatch extends CotangentError {
  static override readonly id = 'CT118';
  static override readonly title = 'Wrong element type';
}

export class GradientMismatch extends CotangentError {
  static override readonly id = 'CT119';
  static override readonly title = 'Gradient check failed';
}

export class IllegalProgram extends CotangentError {
  static override readonly id = 'CT120';
  static override readonly title = 'Illegal program';
}

export class FreedTensor extends CotangentError {
  static override readonly id = 'CT122';
  static override readonly title = 'Freed tensor';
}

export class OutOfMemory extends CotangentError {
  static override readonly id = 'CT123';
  static override readonly title = 'Out of memory';
}

export class ThreadFailed extends CotangentError {
  static override readonly id = 'CT124';
  static override readonly title = 'Thread failed';
}

export class CannotUnroll extends CotangentError {
  static override readonly id = 'CT126';
  static override readonly title = 'Cannot be unrolled';
}

export class NotFinite extends CotangentError {
  static override readonly id = 'CT125';
  static override readonly title = 'Not a finite number';
}

export class BrokenLaw extends CotangentError {
  static override readonly id = 'CT127';
  static override readonly title = 'Broken law';
}

export class NoBackend extends CotangentError {
  static override readonly id = 'CT121';
  static override readonly title = 'No backend';
}
