/** Losses at their edges, and connectionist temporal classification against the sum over all paths. */
import {
  BadArgument,
  checkGrads,
  grad,
  hessian,
  jit,
  ShapeMismatch,
  type Tensor,
  tensor,
  valueAndGrad,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: 'float64' });

/** −log Σ over all paths that become the labels, path by path. */
function overAllPaths(
  logits: readonly (readonly number[])[],
  labels: readonly number[],
  blank: number,
): number {
  const probabilities = logits.map(row => {
    const weights = row.map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    return weights.map(weight => weight / total);
  });
  let sum = 0;
  const walk = (t: number, before: number, written: readonly number[], p: number): void => {
    if (t === logits.length) {
      if (written.length === labels.length && written.every((label, i) => label === labels[i])) sum += p;
      return;
    }
    probabilities[t].forEach((q, c) => {
      walk(t + 1, c, c === before || c === blank ? written : [...written, c], p * q);
    });
  };
  walk(0, -1, [], 1);
  return -Math.log(sum);
}

describe('ctcLoss', () => {
  const logits = normal(1, [4, 5, 3]);
  const labels = [
    [1, 2, 0],
    [1, 1, 0],
    [2, 1, 2],
    [0, 0, 0],
  ];
  const options = { inputLengths: [5, 4, 5, 3], labelLengths: [2, 2, 3, 0], reduction: 'none' } as const;

  it('is the sum over all paths', () => {
    const losses = numbers(nn.ctcLoss(logits, labels, options));
    const rows = logits.arraySync() as number[][][];
    losses.forEach((loss, i) => {
      const [times, n] = [options.inputLengths[i], options.labelLengths[i]];
      expect(loss).toBeCloseTo(overAllPaths(rows[i].slice(0, times), labels[i].slice(0, n), 0), 12);
    });
    const last = nn.ctcLoss(logits.at('0:1').get(), [[1, 0, 1]], { blank: 2 }).item();
    expect(3 * last).toBeCloseTo(overAllPaths(rows[0], [1, 0, 1], 2), 12);
  });

  it('has the derivatives of finite differences, and compiles', () => {
    const f = (x: Tensor): Tensor => nn.ctcLoss(x, labels, options);
    checkGrads(f, [logits], { order: 2, tolerance: 1e-5 });
    const slope = grad((x: Tensor) => f(x).sum());
    const [a, b] = [numbers(jit(slope)(logits)), numbers(slope(logits))];
    a.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i], 12);
    });
    // What is beyond the lengths does not matter.
    expect(numbers(slope(logits).at(3, '3:').get()).every(value => value === 0)).toBe(true);
  });

  it('is infinite where labels do not fit, with no gradient and without NaN', () => {
    const x = normal(2, [2, 2, 3]);
    const f = (a: Tensor): Tensor =>
      nn.ctcLoss(
        a,
        [
          [1, 1],
          [1, 2],
        ],
        { reduction: 'none' },
      );
    const [losses, slope] = valueAndGrad((a: Tensor): [Tensor, Tensor] => [f(a).at(1).get(), f(a)], {
      hasAux: true,
    })(x);
    expect(numbers(losses[1])[0]).toBe(Number.POSITIVE_INFINITY);
    const both = grad((a: Tensor) => f(a).sum())(x);
    expect(numbers(both)).toEqual(numbers(slope));
    expect(numbers(both.at(0).get()).every(value => value === 0)).toBe(true);
    expect(numbers(both).every(Number.isFinite)).toBe(true);
    const zeroed = nn.ctcLoss(
      x,
      [
        [1, 1],
        [1, 2],
      ],
      { reduction: 'none', zeroInfinity: true },
    );
    expect(numbers(zeroed)[0]).toBe(0);
    const second = hessian((a: Tensor) =>
      nn.ctcLoss(
        a,
        [
          [1, 1],
          [1, 2],
        ],
        { zeroInfinity: true },
      ),
    )(x);
    expect(numbers(second).every(Number.isFinite)).toBe(true);
  });

  it('takes logits of −∞ and ±1000', () => {
    const x = tensor([
      [
        [0, 1000, -1000],
        [0, Number.NEGATIVE_INFINITY, 0],
        [-1000, 0, 1000],
      ],
    ]);
    const [value, slope] = valueAndGrad((a: Tensor) => nn.ctcLoss(a, [[1, 2]], { reduction: 'sum' }))(x);
    expect(value.item()).toBeCloseTo(0, 6);
    expect(numbers(slope).every(Number.isFinite)).toBe(true);
  });

  it('says which shapes do not fit', () => {
    expect(() => nn.ctcLoss(logits, [1, 2])).toThrow(ShapeMismatch);
    expect(() => nn.ctcLoss(logits, labels, { blank: 3 })).toThrow(BadArgument);
    expect(() => nn.ctcLoss(logits, labels, { inputLengths: [5] })).toThrow(/inputLengths/);
  });
});

describe('cross-entropy', () => {
  const logits = normal(3, [4, 3]);

  it('leaves ignored labels out, of the mean and of the gradient', () => {
    const some = nn.crossEntropy(logits, [0, -1, 2, -1], { ignoreLabel: -1 });
    const two = nn.crossEntropy(logits.at([0, 2]).get(), [0, 2]);
    expect(some.item()).toBeCloseTo(two.item(), 14);
    const slope = grad((x: Tensor) => nn.crossEntropy(x, [0, -1, 2, -1], { ignoreLabel: -1 }))(logits);
    expect(numbers(slope.abs().sum(1)).map(value => value > 0)).toEqual([true, false, true, false]);
    expect(nn.crossEntropy(logits, [-1, -1, -1, -1], { ignoreLabel: -1 }).item()).toBeNaN();
    expect(nn.crossEntropy(logits, [0, 1, 2, 0], { ignoreLabel: -1 }).item()).toBeCloseTo(
      nn.crossEntropy(logits, [0, 1, 2, 0]).item(),
      14,
    );
  });

  it('smooths labels as it takes smooth probabilities', () => {
    const labels = [0, 1, 2, 1];
    const smooth = nn.oneHot(tensor(labels, 'int32'), 3, { dtype: 'float64' }).mul(0.7).add(0.1);
    expect(nn.crossEntropy(logits, labels, { labelSmoothing: 0.3 }).item()).toBeCloseTo(
      nn.crossEntropy(logits, smooth).item(),
      14,
    );
  });

  it('says what it cannot do', () => {
    expect(() => nn.crossEntropy(logits, [0, 1, 2, 1], { labelSmoothing: 2 })).toThrow(BadArgument);
    expect(() => nn.crossEntropy(logits, nn.softmax(logits), { ignoreLabel: 0 })).toThrow(
      /only with class numbers/,
    );
    expect(() => nn.crossEntropy(logits, [0, 1, 2, 1], { classWeights: [1, 2] })).toThrow(ShapeMismatch);
    expect(() => nn.negativeLogLikelihood(logits, [0])).toThrow(ShapeMismatch);
  });
});

describe('derivatives where it is hard', () => {
  it('of directions of zero vectors and equal triplets are finite', () => {
    const zero = tensor([[0, 0]]);
    const finite = (x: Tensor): boolean => numbers(x).every(Number.isFinite);
    expect(finite(grad((x: Tensor) => nn.cosineSimilarity(x, [[1, 2]]).sum())(zero))).toBe(true);
    expect(finite(grad((x: Tensor) => nn.tripletMargin(x, zero, zero))(zero))).toBe(true);
  });

  it('of a divergence do not count classes of probability 0', () => {
    const q = tensor([[Number.NEGATIVE_INFINITY, 0]]);
    const [value, slope] = valueAndGrad((x: Tensor) => nn.klDivergence(x, [[0, 1]]))(q);
    expect(value.item()).toBe(0);
    expect(numbers(slope).map(Math.abs)).toEqual([0, 1]);
    expect(
      nn.klDivergence(nn.logSoftmax(normal(4, [2, 3])), nn.softmax(normal(4, [2, 3]))).item(),
    ).toBeCloseTo(0, 14);
  });
});
