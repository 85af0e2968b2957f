/** Draws from finite sets: orders, choices with and without replacement, classes of given log-probabilities. */
import { range, sameShape, sizeOf } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { multiply, subtract } from '../numpy/arithmetic.ts';
import { asTensor, broadcastTo, positiveAxis, requireShape, type TensorLike } from '../numpy/array.ts';
import { searchsorted } from '../numpy/sorting.ts';
import { add } from '../primitives/arithmetic.ts';
import { iota } from '../primitives/broadcast.ts';
import { cumsum } from '../primitives/cumulative.ts';
import { log } from '../primitives/elementary.ts';
import { gather } from '../primitives/gather.ts';
import { moveAxis, permute, reshape } from '../primitives/layout.ts';
import { argmax } from '../primitives/reduce.ts';
import { slice } from '../primitives/slice.ts';
import { argsort, takeAlong } from '../primitives/sort.ts';
import { gumbel } from './distributions.ts';
import { bits, split } from './key.ts';
import { randint, requireFloatType, uniform } from './uniform.ts';

export interface PermutationOptions {
  /** The axis whose slices change places. Default 0. */
  readonly axis?: number;
  /** Every line along the axis gets an order of its own. Default false: whole slices move. */
  readonly independent?: boolean;
}

/**
 * A random order: of 0 … n−1 for a number n, of a tensor's slices along an axis otherwise.
 *
 * Sorts by random words, often enough that equal words do not matter.
 *
 * @returns int32[n], or a tensor like x
 * @example permutation(key(0), 10)
 * @example permutation(key(0), rows, { axis: 0 })
 */
export function permutation(key: Tensor, x: number | Tensor, options: PermutationOptions = {}): Tensor {
  const { axis = 0, independent = false } = options;
  if (!(x instanceof Tensor)) return shuffled(key, iota('int32', requireShape([x], 'permutation'), 0), 0);
  const along = positiveAxis('permutation', axis, x.ndim);
  if (independent || x.ndim === 1) return shuffled(key, x, along);
  return take(x, shuffled(key, iota('int32', [x.shape[along]], 0), 0), along);
}

function shuffled(key: Tensor, x: Tensor, axis: number): Tensor {
  const rounds = Math.ceil((3 * Math.log(Math.max(1, x.size))) / Math.log(4294967295));
  let current = key;
  let result = x;
  for (let round = 0; round < rounds; round++) {
    const [next, words] = split(current);
    result = takeAlong(result, argsort(bits(words, x.shape), axis), axis);
    current = next;
  }
  return result;
}

/** The slices of x at indices along an axis, the axes of the indices in its place. */
function take(x: Tensor, indices: Tensor, axis: number): Tensor {
  const taken = gather(moveAxis(x, axis, 0), indices);
  const rest = range(x.ndim - 1).map(i => i + indices.ndim);
  return permute(taken, [...rest.slice(0, axis), ...range(indices.ndim), ...rest.slice(axis)]);
}

export interface ChoiceOptions {
  /** How many to draw. Default [], one. */
  readonly shape?: readonly number[];
  /** Whether the same element may be drawn again. Default true. */
  readonly replace?: boolean;
  /** The probability of each element, float[n]. Default: all equal. */
  readonly p?: TensorLike;
  /** The axis of x along which to choose. Default 0. */
  readonly axis?: number;
}

/**
 * Elements drawn from 0 … n−1, or from a tensor's slices along an axis.
 *
 * With probabilities: by the inverse of their running sum; without replacement by the largest of log p + Gumbel noise
 * (Efraimidis and Spirakis 2006, Kool et al. 2019).
 *
 * @returns a tensor of the drawn elements; for a tensor x its axis gives way to the axes of `shape`
 * @example choice(key(0), 5, { shape: [3], replace: false })
 * @throws BadArgument where there are not enough elements, ShapeMismatch where p has not one number for each
 */
export function choice(key: Tensor, x: number | Tensor, options: ChoiceOptions = {}): Tensor {
  const { shape = [], replace = true, axis = 0 } = options;
  const count = sizeOf(requireShape(shape, 'choice'));
  const along = x instanceof Tensor ? positiveAxis('choice', axis, x.ndim) : 0;
  const n = x instanceof Tensor ? x.shape[along] : requireShape([x], 'choice')[0];
  if (count > 0 && (n === 0 || (!replace && count > n)))
    throw new BadArgument({
      did: `choice of ${count} from ${n} elements${replace ? '' : ' without replacement'}`,
      expected: replace ? 'at least one element' : 'no more draws than elements',
      remedy: 'draw fewer, or with replace: true',
    });
  const indices =
    options.p === undefined ? evenly(key, n, shape, replace) : weighted(key, n, shape, replace, options.p);
  return x instanceof Tensor ? take(x, indices, along) : indices;
}

function evenly(key: Tensor, n: number, shape: readonly number[], replace: boolean): Tensor {
  if (replace) return randint(key, shape, 0, Math.max(1, n));
  return reshape(slice(permutation(key, n), [0], [sizeOf(shape)]), shape);
}

function weighted(
  key: Tensor,
  n: number,
  shape: readonly number[],
  replace: boolean,
  probabilities: TensorLike,
): Tensor {
  const p = asTensor(probabilities);
  const dtype = requireFloatType('choice', p.dtype);
  if (!sameShape(p.shape, [n]))
    throw new ShapeMismatch({
      did: `choice from ${n} elements with probabilities ${p.aval}`,
      expected: `one probability for each, ${dtype}[${n}]`,
      remedy: 'give p as a vector as long as the axis',
    });
  const count = sizeOf(shape);
  if (!replace) {
    const order = argsort(add(gumbel(key, [n], { dtype }), log(p)), 0, true);
    return reshape(slice(order, [0], [count]), shape);
  }
  const cumulated = cumsum(p, 0);
  const total = reshape(slice(cumulated, [n - 1], [n]), []);
  return searchsorted(cumulated, multiply(total, subtract(1, uniform(key, shape, { dtype }))));
}

export interface CategoricalOptions {
  /** The axis of the classes. Default −1. */
  readonly axis?: number;
  /** The shape of the draws, to which the logits without their class axis broadcast. Default: exactly that. */
  readonly shape?: readonly number[];
}

/**
 * Classes drawn with probabilities softmax(logits): the largest of logits + Gumbel noise (Gumbel 1954).
 *
 * @param logits float tensor; −∞ excludes a class
 * @returns int32 positions along the axis
 * @example categorical(key(0), tensor([[0, 1, 2], [2, 1, 0]])) // one class for each row
 * @throws ShapeMismatch
 */
export function categorical(key: Tensor, logits: Tensor, options: CategoricalOptions = {}): Tensor {
  const axis = positiveAxis('categorical', options.axis ?? -1, logits.ndim);
  const dtype = requireFloatType('categorical', logits.dtype);
  const rows = logits.shape.filter((_, i) => i !== axis);
  const shape = requireShape(options.shape ?? rows, 'categorical');
  const lead = shape.length - rows.length;
  if (lead < 0 || !sameShape(shape.slice(lead), rows))
    throw new ShapeMismatch({
      did: `categorical draws of shape [${shape.join(', ')}] from logits ${logits.aval}`,
      expected: `a shape that ends in [${rows.join(', ')}]`,
      remedy: 'put the number of draws for each row in front',
    });
  const full = [...shape.slice(0, lead), ...logits.shape];
  return argmax(add(gumbel(key, full, { dtype }), broadcastTo(logits, full)), lead + axis);
}
