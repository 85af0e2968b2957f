/** Comparisons, truth values, bits, and choosing between values. Results of comparisons are bool. */
import { sameShape } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as p from '../primitives/arithmetic.ts';
import { constantLike, full } from '../primitives/broadcast.ts';
import * as c from '../primitives/compare.ts';
import { reduceAnd } from '../primitives/reduce.ts';
import { asTensor, broadcastShapes, broadcastTo, promote, type TensorLike, together } from './array.ts';
import { floatsTogether, truth } from './operands.ts';
import { nonzero } from './take.ts';

function compared(
  name: string,
  compare: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  const [a, b] = together(name, [x, y]);
  return compare(a, b);
}

/** x = y at every element; NaN equals nothing. @example equal(tensor([1, 2]), 2) // [false, true] @throws ShapeMismatch */
export function equal(x: TensorLike, y: TensorLike): Tensor {
  return compared('equal', c.equal, x, y);
}

/** x ≠ y at every element; NaN differs from everything. @throws ShapeMismatch */
export function notEqual(x: TensorLike, y: TensorLike): Tensor {
  return compared('notEqual', c.notEqual, x, y);
}

/** x < y at every element. @example less(tensor([1, 2]), 2) // [true, false] @throws ShapeMismatch */
export function less(x: TensorLike, y: TensorLike): Tensor {
  return compared('less', c.less, x, y);
}

/** x ≤ y at every element. @throws ShapeMismatch */
export function lessEqual(x: TensorLike, y: TensorLike): Tensor {
  return compared('lessEqual', c.lessEqual, x, y);
}

/** x > y at every element. @example greater(tensor([1, 3]), 2) // [false, true] @throws ShapeMismatch */
export function greater(x: TensorLike, y: TensorLike): Tensor {
  return compared('greater', c.greater, x, y);
}

/** x ≥ y at every element. @throws ShapeMismatch */
export function greaterEqual(x: TensorLike, y: TensorLike): Tensor {
  return compared('greaterEqual', c.greaterEqual, x, y);
}

function truths(
  name: string,
  combine: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  return compared(name, combine, truth(x), truth(y));
}

/** Whether both are true (not 0). @returns bool @throws ShapeMismatch */
export function logicalAnd(x: TensorLike, y: TensorLike): Tensor {
  return truths('logicalAnd', c.and, x, y);
}

/** Whether at least one is true (not 0). @returns bool @throws ShapeMismatch */
export function logicalOr(x: TensorLike, y: TensorLike): Tensor {
  return truths('logicalOr', c.or, x, y);
}

/** Whether exactly one is true (not 0). @returns bool @throws ShapeMismatch */
export function logicalXor(x: TensorLike, y: TensorLike): Tensor {
  return truths('logicalXor', c.xor, x, y);
}

/** Whether the element is false (0). @returns bool */
export function logicalNot(x: TensorLike): Tensor {
  return c.not(truth(x));
}

/** The bits that both have, of integers or bools. @throws ShapeMismatch, DTypeMismatch for floats */
export function bitwiseAnd(x: TensorLike, y: TensorLike): Tensor {
  return compared('bitwiseAnd', c.and, x, y);
}

/** The bits that either has, of integers or bools. @throws ShapeMismatch, DTypeMismatch for floats */
export function bitwiseOr(x: TensorLike, y: TensorLike): Tensor {
  return compared('bitwiseOr', c.or, x, y);
}

/** The bits that exactly one has, of integers or bools. @throws ShapeMismatch, DTypeMismatch for floats */
export function bitwiseXor(x: TensorLike, y: TensorLike): Tensor {
  return compared('bitwiseXor', c.xor, x, y);
}

/** All bits complemented: ~x of an integer, the negation of a bool. @throws DTypeMismatch for floats */
export function bitwiseNot(x: TensorLike): Tensor {
  return c.not(asTensor(x));
}

/** x·2ⁿ of integers: the bits move up by n, those above are lost. @throws ShapeMismatch, DTypeMismatch for floats */
export function leftShift(x: TensorLike, n: TensorLike): Tensor {
  return compared('leftShift', c.shiftLeft, x, n);
}

/** ⌊x/2ⁿ⌋ of integers: the bits move down by n; a signed integer keeps its sign. @throws ShapeMismatch, DTypeMismatch for floats */
export function rightShift(x: TensorLike, n: TensorLike): Tensor {
  return compared('rightShift', c.shiftRight, x, n);
}

export interface CloseOptions {
  /** Relative to |y|, default 1e-5. */
  readonly rtol?: number;
  /** Absolute, default 1e-8. */
  readonly atol?: number;
  /** Whether two NaN are close, default false. */
  readonly equalNan?: boolean;
}

/**
 * |x − y| ≤ atol + rtol·|y| at every element; equal infinities are close.
 *
 * @returns bool
 * @example isClose(tensor([1, 2]), tensor([1.000001, 2.1])) // [true, false]
 * @throws ShapeMismatch
 */
export function isClose(x: TensorLike, y: TensorLike, options: CloseOptions = {}): Tensor {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  const [a, b] = floatsTogether('isClose', [x, y]);
  const bound = p.add(constantLike(b, atol), p.mul(p.abs(b), constantLike(b, rtol)));
  const near = c.and(c.lessEqual(p.abs(p.sub(a, b)), bound), c.and(c.isFinite(a), c.isFinite(b)));
  const close = c.or(near, c.equal(a, b));
  return equalNan ? c.or(close, c.and(c.isNaN(a), c.isNaN(b))) : close;
}

/** Whether all elements are close, see {@link isClose}. @returns a 0-dimensional bool: allClose(x, y).item() */
export function allClose(x: TensorLike, y: TensorLike, options: CloseOptions = {}): Tensor {
  const close = isClose(x, y, options);
  return reduceAnd(close, [...close.shape.keys()]);
}

/** Whether shapes and all elements are equal. @returns a 0-dimensional bool: arrayEqual(x, y).item() */
export function arrayEqual(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote('arrayEqual', [x, y]);
  if (!sameShape(a.shape, b.shape)) return full([], 0, 'bool');
  return reduceAnd(c.equal(a, b), [...a.shape.keys()]);
}

/**
 * x where the condition is true, y elsewhere. The cotangent goes to the chosen operand alone. The other one is computed
 * all the same, and where its derivative is infinite, 0·∞ makes NaN: give it an argument that is safe.
 *
 * @param condition bool, or numbers that are true where not 0
 * @example where(x.greater(0), log(where(x.greater(0), x, 1)), 0) // log x with a finite gradient everywhere
 * @throws ShapeMismatch
 */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor;
/** The positions where the condition is true, see {@link nonzero}; outside jit and vmap only. */
export function where(condition: TensorLike): Tensor[];
export function where(condition: TensorLike, x?: TensorLike, y?: TensorLike): Tensor | Tensor[] {
  if (x === undefined && y === undefined) return nonzero(condition);
  if (x === undefined || y === undefined)
    throw new BadArgument({
      did: 'where with a condition and one value',
      expected: 'two values to choose from, or none for the positions',
      remedy: 'where(condition, x, 0)',
    });
  const test = truth(condition);
  const [a, b] = promote('where', [x, y]);
  const shape = broadcastShapes('where', [test.shape, a.shape, b.shape]);
  return c.select(broadcastTo(test, shape), broadcastTo(a, shape), broadcastTo(b, shape));
}

/**
 * The larger of two, NaN if either is. At a tie each has half the cotangent.
 *
 * @example maximum(tensor([1, 5]), 3) // [3, 5]
 * @throws ShapeMismatch
 */
export function maximum(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('maximum', [x, y]);
  return a.dtype === 'bool' ? c.or(a, b) : p.max(a, b);
}

/** The smaller of two, NaN if either is. At a tie each has half the cotangent. @throws ShapeMismatch */
export function minimum(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('minimum', [x, y]);
  return a.dtype === 'bool' ? c.and(a, b) : p.min(a, b);
}

/** The larger of two, the other one where one is NaN. @throws ShapeMismatch */
export function fmax(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('fmax', [x, y]);
  return ignoringNaN(a, b, maximum);
}

/** The smaller of two, the other one where one is NaN. @throws ShapeMismatch */
export function fmin(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = together('fmin', [x, y]);
  return ignoringNaN(a, b, minimum);
}

function ignoringNaN(a: Tensor, b: Tensor, choose: (x: Tensor, y: Tensor) => Tensor): Tensor {
  const chosen = choose(a, b);
  if (!a.aval.isFloat) return chosen;
  return c.select(c.isNaN(a), b, c.select(c.isNaN(b), a, chosen));
}

/**
 * x moved into [lo, hi]; without a bound on the side that is null or left out. NaN stays. Outside the interval the
 * derivative is 0, at its ends ½.
 *
 * @example clip(tensor([-2, 0.5, 9]), 0, 1) // [0, 0.5, 1]
 * @throws ShapeMismatch
 */
export function clip(x: TensorLike, lo?: TensorLike | null, hi?: TensorLike | null): Tensor {
  const below = lo === null || lo === undefined ? asTensor(x) : maximum(x, lo);
  return hi === null || hi === undefined ? below : minimum(below, hi);
}
