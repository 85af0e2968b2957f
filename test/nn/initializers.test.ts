/** Initial values: variances, fans of kernels, orthogonality. */
import { BadArgument, type Tensor, type TensorLike, vmap } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const key = random.key(3);
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const deviation = (x: Tensor): number => x.std().item();
const largest = (x: TensorLike & Tensor): number => x.abs().max().item();

describe('the variance', () => {
  const [inputs, outputs] = [400, 200];
  it.each<[string, nn.Initializer, number]>([
    ['glorotUniform', nn.glorotUniform, 2 / (inputs + outputs)],
    ['glorotNormal', nn.glorotNormal, 2 / (inputs + outputs)],
    ['heUniform', nn.heUniform, 2 / inputs],
    ['heNormal', nn.heNormal, 2 / inputs],
    ['lecunUniform', nn.lecunUniform, 1 / inputs],
    ['lecunNormal', nn.lecunNormal, 1 / inputs],
    ['varianceScaling', nn.varianceScaling({ scale: 3, fan: 'outputs' }), 3 / outputs],
    ['randomNormal', nn.randomNormal(0.02), 0.02 ** 2],
    ['randomUniform', nn.randomUniform(-0.06, 0.06), 0.06 ** 2 / 3],
    ['truncatedNormal', nn.truncatedNormal(0.02), (0.02 * 0.87962566) ** 2],
  ])('of %s', (_, initializer, variance) => {
    const x = initializer(key, [inputs, outputs]);
    // 80 000 draws: the deviation of the deviation is 0.25 % of it.
    expect(deviation(x) / Math.sqrt(variance)).toBeCloseTo(1, 1.8);
    expect(Math.abs(x.mean().item())).toBeLessThan(4 * Math.sqrt(variance / 80_000));
    expect(x.dtype).toBe('float32');
    expect(initializer(key, [3, 2], { dtype: 'float64' }).dtype).toBe('float64');
  });

  it('of uniform ones is a bound, of cut normal ones two deviations', () => {
    const limit = Math.sqrt(6 / inputs);
    const far = largest(nn.heUniform(key, [inputs, outputs]));
    expect(far).toBeLessThanOrEqual(limit);
    expect(far).toBeGreaterThan(0.99 * limit);
    expect(largest(nn.truncatedNormal(1)(key, [inputs, outputs]))).toBeLessThan(2);
  });
});

describe('fans', () => {
  it('of a kernel are its channels in a group times its window, of both kinds of convolution', () => {
    const spread = (layer: nn.Conv | nn.ConvTranspose): number => deviation(layer.weight);
    const options = { initializer: nn.lecunNormal, groups: 2 };
    expect(spread(new nn.Conv2d(key, 64, 32, 3, options)) * Math.sqrt(32 * 9)).toBeCloseTo(1, 1.3);
    expect(spread(new nn.ConvTranspose2d(key, 64, 32, 3, options)) * Math.sqrt(32 * 9)).toBeCloseTo(1, 1.3);
    const outputs = { ...options, initializer: nn.varianceScaling({ fan: 'outputs' }) };
    expect(spread(new nn.Conv2d(key, 64, 32, 3, outputs)) * Math.sqrt(16 * 9)).toBeCloseTo(1, 1.3);
    expect(deviation(nn.lecunNormal(key, [64, 32, 5, 5]))).toBeCloseTo(Math.sqrt(1 / (32 * 25)), 3);
  });

  it('need two axes', () => {
    for (const initializer of [nn.glorotNormal, nn.heUniform, nn.orthogonal()])
      expect(() => initializer(key, [3])).toThrow(/zeros/);
    expect(() => nn.varianceScaling({ scale: -1 })).toThrow(BadArgument);
  });
});

describe('orthogonal', () => {
  it.each([
    [[4, 4], 1],
    [[3, 7], 2],
    [[8, 3], 0.5],
    [[4, 3, 2, 2], 1],
  ])('%j with gain %s has orthonormal rows or columns', (shape, gain) => {
    const w = nn.orthogonal(gain)(key, shape, { dtype: 'float64' }).reshape([shape[0], -1]);
    const [rows, columns] = w.shape;
    const product = rows <= columns ? w.matmul(w.transpose()) : w.transpose().matmul(w);
    const n = Math.min(rows, columns);
    numbers(product).forEach((value, i) => {
      expect(value).toBeCloseTo(i % (n + 1) === 0 ? gain ** 2 : 0, 13);
    });
  });

  it('prefers no direction: elements of many have mean 0 and variance 1/n', () => {
    const draw = vmap((own: Tensor) => nn.orthogonal()(own, [3, 3]));
    const first = numbers(
      draw(random.split(key, [400]))
        .at(':', 0, 0)
        .get(),
    );
    const mean = first.reduce((a, b) => a + b) / 400;
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1 / 3 / 400));
    expect(first.reduce((a, b) => a + b * b, 0) / 400).toBeCloseTo(1 / 3, 1);
  });
});

describe('constants', () => {
  it('are what they say', () => {
    expect(numbers(nn.constant(0.5)(key, [2]))).toEqual([0.5, 0.5]);
    expect(numbers(nn.ones(key, [2]))).toEqual([1, 1]);
    expect(numbers(nn.zeros(key, [2]))).toEqual([0, 0]);
    expect(() => nn.constant(1)(key, [-1])).toThrow(BadArgument);
  });
});
