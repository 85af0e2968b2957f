/** Which steps of a batch of sequences there are. */
import { isFloat } from '../core/dtype.ts';
import { BadArgument, DTypeMismatch, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { cast } from '../primitives/arithmetic.ts';
import { broadcast, iota } from '../primitives/broadcast.ts';
import { less } from '../primitives/compare.ts';

/**
 * true where a time lies before the end of a sequence: mask[b, t] = t < lengths[b].
 *
 * @param lengths int[batch], or an array of numbers
 * @param time how many times there are
 * @returns bool[batch, time]
 * @example lengthMask([1, 2], 2) // [[true, false], [true, true]]
 * @throws BadArgument for numbers that are no length, DTypeMismatch, ShapeMismatch
 */
export function lengthMask(lengths: TensorLike, time: number): Tensor {
  const list = Array.isArray(lengths) ? (lengths as readonly unknown[]) : [];
  if (list.some(n => typeof n === 'number' && !(Number.isInteger(n) && n >= 0 && n <= time)))
    throw new BadArgument({
      did: `lengths [${list.join(', ')}] of sequences of ${time} steps`,
      expected: `integers from 0 to ${time}`,
      remedy: 'the number of steps that each example really has',
    });
  const given = asTensor(lengths);
  const written = given !== lengths && !ArrayBuffer.isView(lengths);
  if (given.dtype === 'bool' || (isFloat(given.dtype) && !written))
    throw new DTypeMismatch({
      did: `lengths ${given.aval}`,
      expected: 'integers',
      remedy: "convert them: lengths.astype('int32')",
    });
  if (given.ndim !== 1)
    throw new ShapeMismatch({
      did: `lengths ${given.aval}`,
      expected: 'one number for each example, int[batch]',
      remedy: 'lengths: [5, 3]',
    });
  const shape = [given.size, time];
  return less(iota('int32', shape, 1), broadcast(cast(given, 'int32'), shape, [0]));
}

/** The mask of the options, bool[batch, time]; null where every step is there. */
export function validSteps(
  name: string,
  options: { readonly lengths?: TensorLike; readonly mask?: TensorLike },
  batch: number,
  time: number,
): Tensor | null {
  const { lengths, mask } = options;
  if (lengths !== undefined && mask !== undefined)
    throw new BadArgument({
      did: `${name} with lengths and a mask`,
      expected: 'one of them',
      remedy: 'mask: lengthMask(lengths, time).logicalAnd(mask)',
    });
  if (lengths === undefined && mask === undefined) return null;
  const steps = lengths === undefined ? asTensor(mask as TensorLike) : lengthMask(lengths, time);
  if (steps.dtype !== 'bool')
    throw new DTypeMismatch({
      did: `${name} with a mask ${steps.aval}`,
      expected: 'bool, true where there is a step',
      remedy: 'mask: x.notEqual(0)',
    });
  if (steps.ndim !== 2 || steps.shape[0] !== batch || steps.shape[1] !== time)
    throw new ShapeMismatch({
      did: `${name} of [${batch}, ${time}] steps with ${lengths === undefined ? `a mask ${steps.aval}` : `${steps.shape[0]} lengths`}`,
      expected: lengths === undefined ? `a mask [${batch}, ${time}]` : `${batch} lengths`,
      remedy: 'one row for each example, one column for each time',
    });
  return steps;
}
