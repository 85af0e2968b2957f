/** Losses: how far predictions are from what was wanted. All are averages over examples unless told otherwise. */
import { sameShape } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { abs, add, multiply, negative, square, subtract } from '../numpy/arithmetic.ts';
import { asOperand, type TensorLike } from '../numpy/array.ts';
import { equal, greater, where } from '../numpy/logic.ts';
import { asFloat, floatsTogether } from '../numpy/operands.ts';
import { sum } from '../numpy/reduce.ts';
import { mean } from '../numpy/statistics.ts';
import { softplus } from './activations.ts';
import { atClass, integers, logSoftmax } from './normalize.ts';

export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** 'mean' (default) and 'sum' give one number; 'none' gives the loss of every example. */
  readonly reduction?: Reduction;
}

function reduced(name: string, losses: Tensor, { reduction = 'mean' }: LossOptions): Tensor {
  if (reduction === 'none') return losses;
  if (reduction !== 'mean' && reduction !== 'sum')
    throw new BadArgument({
      did: `${name} with reduction '${String(reduction)}'`,
      expected: "'mean', 'sum' or 'none'",
      remedy: `${name}(predictions, targets, { reduction: 'mean' })`,
    });
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

/** Predictions and targets of one type and shape; they are not broadcast, which hides mistakes in a loss. */
function alike(name: string, predictions: TensorLike, targets: TensorLike): Tensor[] {
  const [a, b] = [asFloat(predictions), asOperand(targets)];
  if (b.ndim > 0 && !sameShape(a.shape, b.shape))
    throw new ShapeMismatch({
      did: `${name} of predictions ${a.aval} and targets ${b.aval}`,
      expected: 'equal shapes, or one number as the target',
      remedy: `reshape one of them: targets.reshape([${a.shape.join(', ')}])`,
    });
  return floatsTogether(name, [a, b]);
}

/**
 * The cross-entropy of softmax(logits): −log softmax(logits)[label], or −Σ p·log softmax(logits) for probabilities p.
 *
 * Nothing overflows: logits of ±1000 give exact losses. A class with p = 0 does not count, though its logit be −∞.
 *
 * @param logits float[…, classes]
 * @param labels class numbers, integer[…], or probabilities, float[…, classes]; a number that is no class gives NaN
 * @example crossEntropy(tensor([[1000, -1000]]), tensor([1], 'int32')) // 2000
 * @throws ShapeMismatch
 */
export function crossEntropy(logits: TensorLike, labels: TensorLike, options: LossOptions = {}): Tensor {
  const scores = asFloat(logits);
  const wanted = asOperand(labels);
  const rows = scores.shape.slice(0, -1);
  const probabilities = scores.ndim > 0 && sameShape(wanted.shape, scores.shape) && wanted.aval.isFloat;
  if (!probabilities && (scores.ndim === 0 || !sameShape(wanted.shape, rows)))
    throw new ShapeMismatch({
      did: `crossEntropy of logits ${scores.aval} and labels ${wanted.aval}`,
      expected: `class numbers of shape [${rows.join(', ')}], or probabilities of shape [${scores.shape.join(', ')}]`,
      remedy: 'the last axis of the logits is that of the classes',
    });
  // Subtracted from 0 rather than negated, so that no loss is −0.
  const logs = logSoftmax(scores);
  if (!probabilities)
    return reduced('crossEntropy', subtract(0, atClass(logs, integers('crossEntropy', labels))), options);
  const [log, p] = floatsTogether('crossEntropy', [logs, wanted]);
  const absent = equal(p, 0);
  const terms = where(absent, 0, multiply(p, where(absent, 0, log)));
  return reduced('crossEntropy', subtract(0, sum(terms, -1)), options);
}

/**
 * The cross-entropy of two classes: −t·log σ(x) − (1 − t)·log(1 − σ(x)) for the logit x of the first and its
 * probability t, as t·softplus(−x) + (1 − t)·softplus(x).
 *
 * @param targets probabilities, like the logits
 * @example binaryCrossEntropy(tensor([1000, -1000]), tensor([1, 1])) // 500
 * @throws ShapeMismatch
 */
export function binaryCrossEntropy(
  logits: TensorLike,
  targets: TensorLike,
  options: LossOptions = {},
): Tensor {
  const [x, t] = alike('binaryCrossEntropy', logits, targets);
  const losses = add(multiply(t, softplus(negative(x))), multiply(subtract(1, t), softplus(x)));
  return reduced('binaryCrossEntropy', losses, options);
}

/**
 * (prediction − target)².
 *
 * @example meanSquaredError(tensor([1, 2]), tensor([1, 4])) // 2
 * @throws ShapeMismatch
 */
export function meanSquaredError(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions = {},
): Tensor {
  const [a, b] = alike('meanSquaredError', predictions, targets);
  return reduced('meanSquaredError', square(subtract(a, b)), options);
}

/**
 * d²/2 where |d| ≤ δ, δ(|d| − δ/2) beyond, for d = prediction − target (Huber 1964).
 *
 * @param options delta: where the parabola becomes a line, default 1
 * @example huber(tensor([0.5, 3]), 0, { reduction: 'none' }) // [0.125, 2.5]
 * @throws ShapeMismatch
 */
export function huber(
  predictions: TensorLike,
  targets: TensorLike,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  const { delta = 1 } = options;
  const [a, b] = alike('huber', predictions, targets);
  const d = subtract(a, b);
  const size = abs(d);
  const losses = where(
    greater(size, delta),
    multiply(subtract(size, delta / 2), delta),
    multiply(square(d), 0.5),
  );
  return reduced('huber', losses, options);
}
