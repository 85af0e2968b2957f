/** Connectionist temporal classification: the loss of a sequence of labels whose places in time are not known. */
import { range, sameShape } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, subtract } from '../../numpy/arithmetic.ts';
import { convert, type TensorLike } from '../../numpy/array.ts';
import { concatenate, stack } from '../../numpy/join.ts';
import { equal, less, logicalAnd, logicalOr, maximum, notEqual, where } from '../../numpy/logic.ts';
import { asFloat } from '../../numpy/operands.ts';
import { logsumexp } from '../../numpy/reduce.ts';
import { mean } from '../../numpy/statistics.ts';
import { takeAlongAxis } from '../../numpy/take.ts';
import { broadcast, full, iota } from '../../primitives/broadcast.ts';
import { permute, reshape } from '../../primitives/layout.ts';
import { pad, slice } from '../../primitives/slice.ts';
import { scan } from '../../transforms/control/flow.ts';
import { integers, logSoftmax } from '../normalize.ts';
import { type LossOptions, reduced } from './reduction.ts';

export interface CtcOptions extends LossOptions {
  /** How many times of each example count, integer[examples]. Default all. */
  readonly inputLengths?: TensorLike;
  /** How many labels of each example count, integer[examples]. Default all. */
  readonly labelLengths?: TensorLike;
  /** The class that stands for no label. Default 0. */
  readonly blank?: number;
  /** Whether an example whose labels do not fit into its times has the loss 0 in place of ∞. Default false. */
  readonly zeroInfinity?: boolean;
}

const never = Number.NEGATIVE_INFINITY;

/** x moved by n along its last axis towards larger positions; −∞ comes in. */
function delayed(x: Tensor, n: number): Tensor {
  const [rows, columns] = x.shape;
  const kept = slice(x, [0, 0], [rows, Math.max(0, columns - n)]);
  return pad(kept, full([], never, x.dtype), [0, Math.min(n, columns)], [0, 0]);
}

/** [examples] → [examples, n] */
const spread = (x: Tensor, n: number): Tensor => broadcast(x, [x.shape[0], n], [0]);

/**
 * −log of the probability that a network gives to a sequence of labels, summed over all ways to lay it into time:
 * paths π of one class for each time, from which repetitions and then blanks are struck out (Graves et al. 2006):
 * loss = −log Σ_π Π_t softmax(logits[t])[π_t].
 *
 * The sum goes forward through time in logarithms (their eqs. 5 to 8, as a `scan`), over the labels with blanks
 * between. The gradient is that of this program, finite also where paths are impossible. An example whose labels do
 * not fit has the loss ∞, and gives no gradient.
 *
 * @param logits float[examples, times, classes]
 * @param labels class numbers, integer[examples, labels], none the blank; what is beyond `labelLengths` does not matter
 * @param options inputLengths, labelLengths, blank, zeroInfinity; the 'mean' is that of loss/max(1, number of labels)
 * @returns 'none': float[examples]
 * @example ctcLoss(tensor([[[0, 0], [0, 0]]]), [[1]]) // 0.2877
 * @throws ShapeMismatch, BadArgument, DTypeMismatch
 */
export function ctcLoss(logits: TensorLike, labels: TensorLike, options: CtcOptions = {}): Tensor {
  const scores = asFloat(logits);
  const wanted = integers('ctcLoss', labels);
  const { blank = 0, zeroInfinity = false } = options;
  if (scores.ndim !== 3 || wanted.ndim !== 2 || wanted.shape[0] !== scores.shape[0])
    throw new ShapeMismatch({
      did: `ctcLoss of logits ${scores.aval} and labels ${wanted.aval}`,
      expected: 'logits [examples, times, classes], labels [examples, labels]',
      remedy: 'put the examples first: logits.moveaxis(1, 0)',
    });
  const [examples, times, classes] = scores.shape;
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes)
    throw new BadArgument({
      did: `ctcLoss of ${classes} classes with blank ${String(blank)}`,
      expected: 'one of the classes',
      remedy: 'blank: 0',
    });
  const most = wanted.shape[1];
  const inputLengths = lengths('inputLengths', options.inputLengths, examples, times);
  const labelLengths = lengths('labelLengths', options.labelLengths, examples, most);

  // blank, label, blank, …, label, blank
  const positions = 2 * most + 1;
  const counted = less(iota('int32', [examples, most], 1), spread(labelLengths, most));
  const blanks = full([examples, most], blank, 'int32');
  const pairs = reshape(stack([where(counted, wanted, blank), blanks], 2), [examples, 2 * most]);
  const path = concatenate([full([examples, 1], blank, 'int32'), pairs], 1);
  const before = slice(pad(path, full([], blank, 'int32'), [0, 2], [0, 0]), [0, 0], [examples, positions]);
  // From one label to the next without a blank, unless they are equal.
  const skips = logicalAnd(notEqual(path, blank), notEqual(path, before));

  const logs = logSoftmax(scores);
  const emitted = takeAlongAxis(logs, reshape(path, [examples, 1, positions]), 2);
  const live = less(iota('int32', [times, examples], 0), broadcast(inputLengths, [times, examples], [1]));
  const at = iota('int32', [examples, positions], 1);
  const start = where(equal(at, 0), full([], 0, scores.dtype), never);
  const [last] = scan(
    (alpha: Tensor, [emission, alive]: [Tensor, Tensor]): readonly [Tensor, null] => {
      const skipped = where(skips, delayed(alpha, 2), never);
      const arrived = add(logsumexp(stack([alpha, delayed(alpha, 1), skipped], 0), 0), emission);
      return [where(spread(alive, positions), arrived, alpha), null];
    },
    start,
    [permute(emitted, [1, 0, 2]), live] as [Tensor, Tensor],
  );
  const end = spread(add(labelLengths, labelLengths), positions);
  const ends = logicalOr(equal(at, end), equal(add(at, 1), end));
  const total = logsumexp(where(ends, last, never), -1);
  // Subtracted from 0 rather than negated, so that no loss is −0.
  const losses = subtract(0, zeroInfinity ? where(equal(total, never), 0, total) : total);
  return reduced('ctcLoss', losses, options, each =>
    mean(divide(each, convert(maximum(labelLengths, 1), each.dtype))),
  );
}

/** @throws ShapeMismatch, DTypeMismatch */
function lengths(name: string, given: TensorLike | undefined, examples: number, all: number): Tensor {
  if (given === undefined) return full([examples], all, 'int32');
  const list = integers(`ctcLoss: ${name}`, given);
  if (!sameShape(list.shape, [examples]))
    throw new ShapeMismatch({
      did: `ctcLoss of ${examples} ${examples === 1 ? 'example' : 'examples'} with ${name} ${list.aval}`,
      expected: `a number for each example, [${examples}]`,
      remedy: `${name}: [${range(Math.min(3, examples))
        .map(() => all)
        .join(', ')}]`,
    });
  return list;
}
