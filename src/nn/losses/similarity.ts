/** Losses of how alike things are: of directions, of distances, of orders. */
import { sameShape } from '../../core/aval.ts';
import { ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, negative, square, subtract } from '../../numpy/arithmetic.ts';
import { asOperand, type TensorLike } from '../../numpy/array.ts';
import { greater, maximum, where } from '../../numpy/logic.ts';
import { floatsTogether } from '../../numpy/operands.ts';
import { sum } from '../../numpy/reduce.ts';
import { rootOfSquares } from '../../numpy/statistics.ts';
import { relu, softplus } from '../activations.ts';
import { alike, type LossOptions, reduced } from './reduction.ts';

const length = (x: Tensor): Tensor => rootOfSquares(sum(square(x), -1));

/**
 * The cosine of the angle between vectors along the last axis: x·y/(max(|x|, ε)·max(|y|, ε)). Of a zero vector it is 0.
 *
 * @param x float[…, features]
 * @param y of the same shape
 * @param options epsilon: default 1e-8
 * @returns float[…]
 * @example cosineSimilarity([[3, 4]], [[4, 3]]) // [0.96]
 * @throws ShapeMismatch
 */
export function cosineSimilarity(
  x: TensorLike,
  y: TensorLike,
  options: { readonly epsilon?: number } = {},
): Tensor {
  const { epsilon = 1e-8 } = options;
  const [a, b] = alike('cosineSimilarity', x, y);
  const sizes = multiply(maximum(length(a), epsilon), maximum(length(b), epsilon));
  return divide(sum(multiply(a, b), -1), sizes);
}

export interface MarginOptions extends LossOptions {
  readonly margin?: number;
}

/** Targets 1 and −1, one for each row of what is compared. @throws ShapeMismatch */
function signs(name: string, rows: Tensor, targets: TensorLike): Tensor[] {
  const given = asOperand(targets);
  if (given.ndim > 0 && !sameShape(rows.shape, given.shape))
    throw new ShapeMismatch({
      did: `${name} of examples [${rows.shape.join(', ')}] with targets ${given.aval}`,
      expected: 'a target for each example',
      remedy: 'targets are 1 and -1, one for each example',
    });
  return floatsTogether(name, [rows, given]);
}

/**
 * 1 − cos(x, y) where the target is 1, max(0, cos(x, y) − margin) where it is −1.
 *
 * @param x float[…, features]
 * @param y of the same shape
 * @param targets 1 or −1, […]
 * @param options margin: from −1 to 1, default 0
 * @example cosineEmbedding([[3, 4], [3, 4]], [[4, 3], [4, 3]], [1, -1], { reduction: 'none' }) // [0.04, 0.96]
 * @throws ShapeMismatch
 */
export function cosineEmbedding(
  x: TensorLike,
  y: TensorLike,
  targets: TensorLike,
  options: MarginOptions = {},
): Tensor {
  const [cosine, target] = signs('cosineEmbedding', cosineSimilarity(x, y), targets);
  const losses = where(greater(target, 0), subtract(1, cosine), relu(subtract(cosine, options.margin ?? 0)));
  return reduced('cosineEmbedding', losses, options);
}

/**
 * max(0, margin − target·(first − second)): the first score shall be the larger by the margin where the target is 1,
 * the second where it is −1.
 *
 * @param options margin: default 0
 * @example marginRanking([3, 1], [1, 2], [1, 1], { reduction: 'none', margin: 0.5 }) // [0, 1.5]
 * @throws ShapeMismatch
 */
export function marginRanking(
  first: TensorLike,
  second: TensorLike,
  targets: TensorLike,
  options: MarginOptions = {},
): Tensor {
  const [a, b] = alike('marginRanking', first, second);
  const [difference, target] = signs('marginRanking', subtract(a, b), targets);
  const losses = relu(subtract(options.margin ?? 0, multiply(target, difference)));
  return reduced('marginRanking', losses, options);
}

/**
 * max(0, |anchor − positive| − |anchor − negative| + margin), distances along the last axis: what belongs together
 * shall be nearer by the margin (Schroff et al. 2015). To the differences 1e-6 is added before their length is taken,
 * so that equal vectors have a derivative.
 *
 * @param anchor float[…, features]
 * @param positive of the same shape
 * @param negative of the same shape
 * @param options margin: default 1
 * @example tripletMargin([[0, 0]], [[3, 4]], [[0, 1]], { margin: 0.5 }) // 4.5
 * @throws ShapeMismatch
 */
export function tripletMargin(
  anchor: TensorLike,
  positive: TensorLike,
  negative: TensorLike,
  options: MarginOptions = {},
): Tensor {
  const distance = (other: TensorLike): Tensor => {
    const [a, b] = alike('tripletMargin', anchor, other);
    return length(add(subtract(a, b), 1e-6));
  };
  const losses = relu(add(subtract(distance(positive), distance(negative)), options.margin ?? 1));
  return reduced('tripletMargin', losses, options);
}

/**
 * max(0, 1 − target·score), the loss of support vector machines.
 *
 * @param targets 1 or −1, like the scores
 * @example hinge([0.5, -2], [1, 1], { reduction: 'none' }) // [0.5, 3]
 * @throws ShapeMismatch
 */
export function hinge(scores: TensorLike, targets: TensorLike, options: LossOptions = {}): Tensor {
  const [x, t] = alike('hinge', scores, targets);
  return reduced('hinge', relu(subtract(1, multiply(t, x))), options);
}

/**
 * log(1 + e^{−target·score}), a smooth hinge: the cross-entropy of two classes with targets 1 and −1.
 *
 * @param targets 1 or −1, like the scores
 * @example softMargin([0, 1000], [1, -1], { reduction: 'none' }) // [0.6931, 1000]
 * @throws ShapeMismatch
 */
export function softMargin(scores: TensorLike, targets: TensorLike, options: LossOptions = {}): Tensor {
  const [x, t] = alike('softMargin', scores, targets);
  return reduced('softMargin', softplus(negative(multiply(t, x))), options);
}
