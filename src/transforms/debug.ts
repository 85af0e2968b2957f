/** Finds where the first NaN or infinity arises, in a value, a derivative or the reverse pass. */
import { stridesOf } from '../core/aval.ts';
import { AsyncFunction, BadArgument, NotFinite } from '../core/errors.ts';
import { currentOrigin, type Origin } from '../core/origin.ts';
import { inScope, labelOf } from '../core/path.ts';
import { showNumber } from '../core/show.ts';
import { ConcreteTensor, Tensor } from '../core/tensor.ts';
import { currentTrace, setBaseTrace, Trace, withTrace } from '../core/trace.ts';
import type {
  CondParams,
  InlineParams,
  Primitive,
  ScanParams,
  WhileParams,
} from '../primitives/primitive.ts';
import { reshape, slice } from '../primitives/vectorspace.ts';
import { requireFunction } from './arguments.ts';
import { parts } from './derive.ts';
import { isEvaluating } from './evaluate.ts';
import { JvpTracer } from './jvp.ts';
import { replay } from './trace.ts';

export interface DebugNansOptions {
  /** Whether infinities count. Default true. */
  readonly infinities?: boolean;
}

interface Element {
  readonly value: number;
  readonly index: number;
}

/** Where the tensor is not finite first; null where it is, or where its values are not at hand. */
function first(tensor: Tensor, bad: (value: number) => boolean): Element | null {
  const known = tensor.aval.isFloat ? valueOf(tensor) : null;
  const index = known?.storage.read()?.findIndex(value => bad(value)) ?? -1;
  return known === null || index < 0 ? null : { value: known.elements()[index], index };
}

/** The tensor behind one that has a tangent; null where the value is not known. */
function valueOf(tensor: Tensor): ConcreteTensor | null {
  let value = tensor;
  while (value instanceof JvpTracer) value = value.primal;
  return value instanceof ConcreteTensor ? value : null;
}

const isInfinite = (value: number): boolean => Math.abs(value) === Number.POSITIVE_INFINITY;
const isNotFinite = (value: number): boolean => !Number.isFinite(value);
const has = (tensors: readonly Tensor[], bad: (value: number) => boolean): boolean =>
  tensors.some(tensor => first(tensor, bad) !== null);

/** Lets everything be computed as usual and looks at the results. */
class DebugTrace extends Trace {
  readonly name = 'debugNans';
  readonly parent: Trace;
  readonly #infinities: boolean;
  /** The steps of loops that are being gone through, the outermost first. */
  readonly #steps: string[] = [];
  /** The first operation that handed on a NaN which did not arise in any. */
  carried: { readonly did: string; readonly origin: Origin } | null = null;

  constructor(parent: Trace, { infinities = true }: DebugNansOptions) {
    super();
    this.parent = parent;
    this.sources = true;
    this.#infinities = infinities;
  }

  bind(primitive: Primitive, operands: readonly Tensor[], params: object): readonly Tensor[] {
    const results = this.parent.bind(primitive, operands, params);
    const nan = has(results, Number.isNaN);
    const infinite = this.#infinities && has(results, isInfinite);
    if (!nan && !infinite) return results;
    // A compiled program tells no more than that: it runs again, one equation after the other.
    if (primitive.kind === 'structured')
      withTrace(this, () => this.#stepThrough(primitive, operands, params));
    else if (nan && !has(operands, Number.isNaN))
      throw this.#found(primitive, operands, results, Number.isNaN);
    else if (infinite && !has(operands, isNotFinite))
      throw this.#found(primitive, operands, results, isInfinite);
    else if (nan)
      this.carried ??= { did: `${this.#context()}${primitive.name} handed on NaN`, origin: currentOrigin() };
    return results;
  }

  #stepThrough(
    { lower }: Primitive & { kind: 'structured' },
    operands: readonly Tensor[],
    params: object,
  ): void {
    switch (lower.form) {
      case 'inline':
        replay((params as InlineParams).program, operands);
        break;
      case 'cond':
        replay((params as CondParams).branches[operands[0].item() ? 1 : 0], operands.slice(1));
        break;
      case 'scan': {
        const { program, constants, carries, length, reverse } = params as ScanParams;
        const [fixed, start, sequences] = parts(operands, constants, carries);
        let carry = start;
        for (let i = 0; i < length; i++) {
          const at = reverse ? length - 1 - i : i;
          const slices = sequences.map(sequence => sliceAt(sequence, at));
          carry = this.#inStep(`${at} of ${length}`, () =>
            replay(program, [...fixed, ...carry, ...slices]).slice(0, carries),
          );
        }
        break;
      }
      case 'while': {
        const { condition, body, conditionConstants, bodyConstants } = params as WhileParams;
        const [forCondition, forBody, start] = parts(operands, conditionConstants, bodyConstants);
        let carry = start;
        for (let i = 0; replay(condition, [...forCondition, ...carry])[0].item(); i++)
          carry = this.#inStep(String(i), () => replay(body, [...forBody, ...carry]));
      }
    }
  }

  #inStep<T>(step: string, body: () => T): T {
    this.#steps.push(step);
    try {
      return body();
    } finally {
      this.#steps.pop();
    }
  }

  /** What the operation is part of. */
  #context(): string {
    const { role } = currentOrigin();
    const part =
      role === undefined
        ? ''
        : role.pass === 'reverse'
          ? `in the reverse pass through ${role.of}: `
          : `in the derivative of ${role.of}: `;
    const steps = this.#steps.map(step => `in step ${step}, counted from 0: `).join('');
    return steps + part;
  }

  #found(
    primitive: Primitive,
    operands: readonly Tensor[],
    results: readonly Tensor[],
    bad: (value: number) => boolean,
  ): NotFinite {
    const result = results.find(one => first(one, bad) !== null) as Tensor;
    const { value, index } = first(result, bad) as Element;
    const at = stridesOf(result.shape).map((stride, i) => Math.floor(index / stride) % result.shape[i]);
    const sameShape = (one: Tensor): boolean => String(one.shape) === String(result.shape);
    const from = operands.map(one => {
      const known = sameShape(one) ? valueOf(one) : null;
      return known === null ? String(one.aval) : showNumber(known.elements()[index], one.dtype);
    });
    return new NotFinite({
      did: `${this.#context()}${primitive.name}${from.length > 0 ? ` of ${from.join(' and ')}` : ''} gave ${value}${at.length === 0 ? '' : ` at [${at.join(', ')}] of ${result.aval}`}`,
      expected: Number.isNaN(value)
        ? 'a number: no operand was NaN'
        : 'a finite number: all operands were finite',
      remedy: `keep what goes in where the operation and its derivative are finite: where(x.greater(0), x, 1) in front of a log, a root or a division, since a where after it leaves its derivative infinite; write logSoftmax, logsumexp, softplus in place of logs of exps${
        Number.isNaN(value) ? '' : '; if infinities are meant, debugNans(f, { infinities: false })'
      }`,
      place: currentOrigin().source,
    });
  }
}

function sliceAt(sequence: Tensor, at: number): Tensor {
  const [, ...shape] = sequence.shape;
  const begin = sequence.shape.map((_, i) => (i === 0 ? at : 0));
  return reshape(slice(sequence, begin, [at + 1, ...shape]), shape);
}

/** The tensors in what a function was given or returned. */
function tensorsIn(value: unknown, seen: Set<object> = new Set()): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return [];
  seen.add(value);
  return Object.values(value).flatMap(part => tensorsIn(part, seen));
}

let always: DebugTrace | null = null;

/**
 * The same function, which throws where the first NaN or infinity arises: where an operation gives one although its
 * operands had none. The error names the operation and the user's line, in the reverse pass the operation that is
 * differentiated. Infinities that the user writes down, as in masks, do not count. If a NaN in a result came in with
 * an argument or a constant, the error names the operation that met it first.
 *
 * What is compiled (`jit`, `scan`, …) runs as usual, and again equation by equation if a result is not finite: NaNs
 * that it does not return are not seen. `debugNans(true)` watches everything from then on, until `debugNans(false)`.
 *
 * @example debugNans(grad((x) => x.sqrt().sum()))(tensor([4, 0])) // throws: the reverse pass through sqrt
 * @throws NotFinite
 */
export function debugNans(on: boolean, options?: DebugNansOptions): void;
export function debugNans<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options?: DebugNansOptions,
): (...args: A) => R;
export function debugNans<A extends readonly unknown[], R>(
  f: boolean | ((...args: A) => R),
  options: DebugNansOptions = {},
): undefined | ((...args: A) => R) {
  if (typeof f === 'boolean') {
    switchTo(f, options);
    return undefined;
  }
  requireFunction('debugNans', f);
  const label = labelOf('debugNans', f);
  const watched = (...args: A): R => {
    const trace = new DebugTrace(currentTrace(), options);
    return inScope(label, () => {
      const out = withTrace(trace, () => f(...args));
      if (out instanceof Promise) {
        out.catch(() => {});
        throw new AsyncFunction({
          did: 'the function returned a Promise',
          expected: 'a synchronous function: after an await it is no longer watched',
          remedy: 'watch everything with debugNans(true), or wrap the synchronous part of the function',
        });
      }
      if (has(tensorsIn(out), Number.isNaN)) throw cameIn(trace, args);
      return out;
    });
  };
  return Object.defineProperty(watched, 'name', { value: f.name, configurable: true });
}

/** The error for a NaN that arose in no operation. */
function cameIn({ carried }: DebugTrace, args: readonly unknown[]): NotFinite {
  const number = args.findIndex(arg => has(tensorsIn(arg), Number.isNaN));
  const from = number >= 0 ? `with argument ${number}` : 'with a constant';
  return new NotFinite({
    did: `${carried?.did ?? 'the function returned a NaN'} that came in ${from}`,
    expected: 'numbers',
    remedy:
      'look for NaN in what is passed in; class numbers must be below the number of classes; nanmean, nansum and their like leave missing values out',
    ...(carried === null ? {} : { place: carried.origin.source }),
  });
}

function switchTo(on: boolean, options: DebugNansOptions): void {
  if (!isEvaluating() && currentTrace() !== always)
    throw new BadArgument({
      did: `debugNans(${on}) inside ${currentTrace().name}`,
      expected: 'a call outside of all transformations',
      remedy: 'call it before, or wrap a function: debugNans(f)',
    });
  const { parent } = always ?? { parent: currentTrace() };
  always = on ? new DebugTrace(parent, options) : null;
  setBaseTrace(always ?? parent);
}
