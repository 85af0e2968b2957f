/** Losses of predicted classes: cross-entropies and their kin. All are averages over examples unless told otherwise. */
import { sameShape } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, negative, subtract } from '../../numpy/arithmetic.ts';
import { asOperand, convert, type TensorLike } from '../../numpy/array.ts';
import { exp, xlogy } from '../../numpy/elementary.ts';
import { equal, notEqual, where } from '../../numpy/logic.ts';
import { asFloat, floatsTogether } from '../../numpy/operands.ts';
import { sum } from '../../numpy/reduce.ts';
import { take } from '../../numpy/take.ts';
import { softplus } from '../activations.ts';
import { atClass, integers, logSoftmax } from '../normalize.ts';
import { alike, type LossOptions, reduced } from './reduction.ts';

export interface ClassLossOptions extends LossOptions {
  /** A number that is no class; examples of this label do not count. Default none. */
  readonly ignoreLabel?: number;
  /** How much each class counts, float[classes]. 'mean' is then the weighted one. Default all 1. */
  readonly classWeights?: TensorLike;
}

export interface CrossEntropyOptions extends ClassLossOptions {
  /**
   * ε from 0 to 1: the targets are mixed with equal probabilities, (1 − ε)·p + ε/classes (Szegedy et al. 2016,
   * sec. 7). Default 0.
   */
  readonly labelSmoothing?: number;
}

/** The weights of the classes, checked, or undefined. @throws ShapeMismatch */
function weightsOf(name: string, logs: Tensor, { classWeights }: ClassLossOptions): Tensor | undefined {
  if (classWeights === undefined) return undefined;
  const weights = asFloat(classWeights);
  const classes = logs.shape[logs.ndim - 1];
  if (!sameShape(weights.shape, [classes]))
    throw new ShapeMismatch({
      did: `${name} of ${classes} classes with class weights ${weights.aval}`,
      expected: `one weight for each class, [${classes}]`,
      remedy: 'classWeights: classCounts.map((n) => total / n)',
    });
  return convert(weights, logs.dtype);
}

/** −log p of the labels from log probabilities, smoothed, weighted and reduced. */
function ofLabels(name: string, logs: Tensor, labels: Tensor, options: CrossEntropyOptions): Tensor {
  const { ignoreLabel, labelSmoothing = 0 } = options;
  const weights = weightsOf(name, logs, options);
  const counts = ignoreLabel === undefined ? undefined : notEqual(labels, ignoreLabel);
  const known = counts === undefined ? labels : where(counts, labels, 0);
  // Subtracted from 0 rather than negated, so that no loss is −0.
  let losses = subtract(0, atClass(logs, known));
  const own = weights === undefined ? undefined : take(weights, known, { axis: 0, mode: 'clip' });
  if (own !== undefined) losses = multiply(losses, own);
  if (labelSmoothing > 0) {
    const all = sum(weights === undefined ? logs : multiply(logs, weights), -1);
    const classes = logs.shape[logs.ndim - 1];
    losses = subtract(multiply(losses, 1 - labelSmoothing), multiply(all, labelSmoothing / classes));
  }
  if (counts === undefined && own === undefined) return reduced(name, losses, options);
  const counted = counts === undefined ? losses : where(counts, losses, 0);
  const weight = own ?? convert(counts as Tensor, logs.dtype);
  const total = counts === undefined ? weight : where(counts, weight, 0);
  return reduced(name, counted, options, each => divide(sum(each), sum(total)));
}

/** −Σ p·log q from log q, weighted and reduced. A class with p = 0 does not count, though its log q be −∞. */
function ofProbabilities(name: string, logs: Tensor, p: Tensor, options: CrossEntropyOptions): Tensor {
  const { labelSmoothing = 0 } = options;
  const classes = logs.shape[logs.ndim - 1];
  const weights = weightsOf(name, logs, options);
  const mixed = labelSmoothing === 0 ? p : add(multiply(p, 1 - labelSmoothing), labelSmoothing / classes);
  const absent = equal(mixed, 0);
  const terms = where(absent, 0, multiply(mixed, where(absent, 0, logs)));
  const weighted = weights === undefined ? terms : multiply(terms, weights);
  return reduced(name, subtract(0, sum(weighted, -1)), options);
}

/**
 * The cross-entropy of softmax(logits): −log softmax(logits)[label], or −Σ p·log softmax(logits) for probabilities p.
 *
 * Nothing overflows: logits of ±1000 give exact losses. A class with p = 0 does not count, though its logit be −∞.
 * With class weights w the loss of a label is w[label] times that, and 'mean' is Σ losses / Σ w[label] over the labels
 * that count (NaN where none does); of probabilities it is −Σ w·p·log softmax(logits), and 'mean' as ever.
 *
 * @param logits float[…, classes]
 * @param labels class numbers, integer[…], or probabilities, float[…, classes]; a number that is no class gives NaN
 * @param options labelSmoothing, ignoreLabel, classWeights
 * @example crossEntropy(tensor([[1000, -1000]]), tensor([1], 'int32')) // 2000
 * @throws ShapeMismatch, BadArgument
 */
export function crossEntropy(
  logits: TensorLike,
  labels: TensorLike,
  options: CrossEntropyOptions = {},
): Tensor {
  const name = 'crossEntropy';
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
  const { labelSmoothing = 0, ignoreLabel } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1) || (probabilities && ignoreLabel !== undefined))
    throw new BadArgument({
      did: `crossEntropy of ${probabilities ? 'probabilities' : 'class numbers'} with labelSmoothing ${labelSmoothing}, ignoreLabel ${ignoreLabel ?? 'none'}`,
      expected: 'a labelSmoothing from 0 to 1, and ignoreLabel only with class numbers',
      remedy: 'crossEntropy(logits, labels, { labelSmoothing: 0.1, ignoreLabel: -1 })',
    });
  const logs = logSoftmax(scores);
  if (!probabilities) return ofLabels(name, logs, integers(name, labels), options);
  const [log, p] = floatsTogether(name, [logs, wanted]);
  return ofProbabilities(name, log, p, options);
}

/**
 * −logProbabilities[label]: the cross-entropy of what has been through `logSoftmax` already.
 *
 * @param logProbabilities float[…, classes]
 * @param labels class numbers, integer[…]; a number that is no class gives NaN
 * @param options ignoreLabel and classWeights as in {@link crossEntropy}
 * @example negativeLogLikelihood(tensor([[-0.5, -2]]), tensor([1], 'int32')) // 2
 * @throws ShapeMismatch
 */
export function negativeLogLikelihood(
  logProbabilities: TensorLike,
  labels: TensorLike,
  options: ClassLossOptions = {},
): Tensor {
  const logs = asFloat(logProbabilities);
  const numbers = integers('negativeLogLikelihood', labels);
  const rows = logs.shape.slice(0, -1);
  if (logs.ndim === 0 || !sameShape(numbers.shape, rows))
    throw new ShapeMismatch({
      did: `negativeLogLikelihood of ${logs.aval} and labels ${numbers.aval}`,
      expected: `class numbers of shape [${rows.join(', ')}]`,
      remedy: 'the last axis of the log probabilities is that of the classes',
    });
  const { reduction, ignoreLabel, classWeights } = options;
  return ofLabels('negativeLogLikelihood', logs, numbers, {
    ...(reduction === undefined ? {} : { reduction }),
    ...(ignoreLabel === undefined ? {} : { ignoreLabel }),
    ...(classWeights === undefined ? {} : { classWeights }),
  });
}

export interface BinaryCrossEntropyOptions extends LossOptions {
  /** How much the first class counts against the second, a number or float that broadcasts. Default 1. */
  readonly positiveWeight?: TensorLike;
}

/**
 * The cross-entropy of two classes: −w·t·log σ(x) − (1 − t)·log(1 − σ(x)) for the logit x of the first, its
 * probability t and its weight w, as w·t·softplus(−x) + (1 − t)·softplus(x).
 *
 * @param targets probabilities, like the logits
 * @example binaryCrossEntropy(tensor([1000, -1000]), tensor([1, 1])) // 500
 * @throws ShapeMismatch
 */
export function binaryCrossEntropy(
  logits: TensorLike,
  targets: TensorLike,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const { positiveWeight } = options;
  const [x, t] = alike('binaryCrossEntropy', logits, targets);
  const first = multiply(t, softplus(negative(x)));
  const losses = add(
    positiveWeight === undefined ? first : multiply(first, positiveWeight),
    multiply(subtract(1, t), softplus(x)),
  );
  return reduced('binaryCrossEntropy', losses, options);
}

/**
 * The Kullback–Leibler divergence Σ p·(log p − log q) of the last axis: what it costs to take q for p. A class with
 * p = 0 does not count.
 *
 * @param logPredictions log q, float[…, classes], as from `logSoftmax`
 * @param targets p, of the same shape
 * @param options logTargets: whether log p is given in place of p. Default false
 * @returns by default the mean over the examples, all axes but the last (PyTorch's 'batchmean')
 * @example klDivergence(tensor([[Math.log(0.5), Math.log(0.5)]]), tensor([[1, 0]])) // 0.6931
 * @throws ShapeMismatch
 */
export function klDivergence(
  logPredictions: TensorLike,
  targets: TensorLike,
  options: LossOptions & { readonly logTargets?: boolean } = {},
): Tensor {
  const [log, given] = alike('klDivergence', logPredictions, targets);
  const p = options.logTargets ? exp(given) : given;
  const absent = equal(p, 0);
  const entropy = options.logTargets ? multiply(p, where(absent, 0, given)) : xlogy(p, where(absent, 1, p));
  const terms = subtract(entropy, multiply(p, where(absent, 0, log)));
  return reduced('klDivergence', sum(terms, log.ndim === 0 ? [] : -1), options);
}
