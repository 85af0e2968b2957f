/** Laws of random numbers: reproducible, independent after a split, the same under vmap and jit, the right moments. */
import { jit, ShapeMismatch, type Tensor, tensor, vmap } from 'cotangent';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];
const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
const moment = (x: readonly number[], n: number): number => {
  const m = mean(x);
  return mean(x.map(v => (v - m) ** n));
};
const correlation = (x: readonly number[], y: readonly number[]): number => {
  const [mx, my] = [mean(x), mean(y)];
  return mean(x.map((v, i) => (v - mx) * (y[i] - my))) / Math.sqrt(moment(x, 2) * moment(y, 2));
};

const samplers: Record<string, (key: Tensor, shape?: readonly number[]) => Tensor> = {
  bits: random.bits,
  uniform: random.uniform,
  'uniform in a range': (key, shape) => random.uniform(key, shape, { min: -3, max: 2 }),
  'uniform of doubles': (key, shape) => random.uniform(key, shape, { dtype: 'float64' }),
  normal: random.normal,
  truncatedNormal: (key, shape) => random.truncatedNormal(key, -1, 2, shape),
  randint: (key, shape = []) => random.randint(key, shape, -4, 9),
  bernoulli: (key, shape) => random.bernoulli(key, 0.3, shape),
  rademacher: random.rademacher,
  gumbel: random.gumbel,
  exponential: random.exponential,
  laplace: random.laplace,
  logistic: random.logistic,
  cauchy: random.cauchy,
  choice: (key, shape = []) => random.choice(key, 5, { shape, p: [0.1, 0.2, 0.3, 0.2, 0.2] }),
  categorical: (key, shape = []) => random.categorical(key, tensor([0, 1, -1]), { shape }),
};

describe.each(Object.entries(samplers))('%s', (_, draw) => {
  it('gives the same numbers for the same key, and others for another', () => {
    const draws = (seed: number): number[] => numbers(draw(random.key(seed), [50]));
    expect(draws(3)).toEqual(draws(3));
    expect(draws(3)).not.toEqual(draws(4));
  });

  it('gives each key of a batch under vmap what it gives it alone', () => {
    const keys = random.split(random.key(5), [4]);
    const together = vmap((key: Tensor) => draw(key, [3]))(keys);
    expect(together.shape).toEqual([4, 3]);
    const alone = random.split(random.key(5), 4).flatMap(key => numbers(draw(key, [3])));
    expect(numbers(together)).toEqual(alone);
  });

  it('gives the same bits compiled', () => {
    const key = random.key(8);
    expect(numbers(jit((k: Tensor) => draw(k, [6]))(key))).toEqual(numbers(draw(key, [6])));
  });
});

describe('keys', () => {
  it('are the words of the seed', () => {
    expect(numbers(random.key(7))).toEqual([0, 7]);
    expect(numbers(random.key(2 ** 33 + 5))).toEqual([2, 5]);
    expect(numbers(random.key(-1))).toEqual([0, 4294967295]);
    expect(numbers(random.key(tensor(7, 'int32')))).toEqual([0, 7]);
  });

  it('split into keys whose draws do not correlate', () => {
    const streams = random.split(random.key(0), 3).map(key => numbers(random.normal(key, [4000])));
    const parent = numbers(random.normal(random.key(0), [4000]));
    for (const [x, y] of [
      [streams[0], streams[1]],
      [streams[1], streams[2]],
      [streams[0], parent],
    ])
      expect(Math.abs(correlation(x, y))).toBeLessThan(4 / Math.sqrt(4000));
  });

  it('fold numbers in, one key for each', () => {
    const folded = Array.from({ length: 20 }, (_, i) => String(numbers(random.foldIn(random.key(1), i))));
    expect(new Set(folded).size).toBe(20);
    const traced = jit((n: Tensor) => random.foldIn(random.key(1), n))(tensor(3, 'int32'));
    expect(String(numbers(traced))).toBe(folded[3]);
  });

  it('say what is wrong with them', () => {
    expect(() => random.normal(0 as never, [2])).toThrow(/random.normal|random\.bits.*the number 0.*key/s);
    expect(() => random.uniform(random.split(random.key(0), [2]), [2])).toThrow(ShapeMismatch);
    expect(() => random.key(0.5)).toThrow(/CT112.*integer/s);
  });
});

describe('moments', () => {
  // n draws: the mean of them is off by more than 5σ/√n once in two million.
  const n = 20_000;
  const within = (x: readonly number[], expected: number, deviation: number): void =>
    expect(Math.abs(mean(x) - expected)).toBeLessThan((5 * deviation) / Math.sqrt(n));

  it.each<[string, Tensor, number, number]>([
    ['uniform', random.uniform(random.key(1), [n]), 1 / 2, 1 / 12],
    ['uniform in [−1, 3)', random.uniform(random.key(2), [n], { min: -1, max: 3 }), 1, 16 / 12],
    ['normal', random.normal(random.key(3), [n]), 0, 1],
    ['exponential', random.exponential(random.key(4), [n]), 1, 1],
    ['laplace', random.laplace(random.key(5), [n]), 0, 2],
    ['logistic', random.logistic(random.key(6), [n]), 0, Math.PI ** 2 / 3],
    ['gumbel', random.gumbel(random.key(7), [n]), 0.5772156649, Math.PI ** 2 / 6],
    ['randint', random.randint(random.key(8), [n], 0, 10), 4.5, 99 / 12],
    ['bernoulli', random.bernoulli(random.key(9), 0.2, [n]), 0.2, 0.16],
    ['truncatedNormal at ±2', random.truncatedNormal(random.key(10), -2, 2, [n]), 0, 0.7737413],
  ])('%s', (_, draws, expected, variance) => {
    const x = numbers(draws);
    within(x, expected, Math.sqrt(variance));
    const m = mean(x);
    const squares = x.map(v => (v - m) ** 2);
    within(squares, variance, Math.sqrt(moment(squares, 2)));
  });

  it('categorical draws have the probabilities of softmax', () => {
    const logits = [0, Math.log(3), Number.NEGATIVE_INFINITY];
    const x = numbers(random.categorical(random.key(11), tensor(logits), { shape: [n] }));
    within(
      x.map(v => Number(v === 1)),
      0.75,
      Math.sqrt(0.75 * 0.25),
    );
    expect(x).not.toContain(2);
  });

  it('ranges are kept', () => {
    const x = numbers(random.truncatedNormal(random.key(12), 0.5, 0.6, [n]));
    expect(Math.min(...x)).toBeGreaterThan(0.5);
    expect(Math.max(...x)).toBeLessThan(0.6);
    const dice = numbers(random.randint(random.key(13), [n], 1, 7));
    expect([...new Set(dice)].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    const bytes = numbers(random.randint(random.key(14), [n], 0, 256, { dtype: 'uint8' }));
    expect(new Set(bytes).size).toBe(256);
    const words = numbers(random.randint(random.key(15), [n], -(2 ** 31), 2 ** 31));
    within(words, 0, 2 ** 32 / Math.sqrt(12));
  });
});

describe('choices', () => {
  it('a permutation holds every number once', () => {
    const x = numbers(random.permutation(random.key(0), 500));
    expect(x).not.toEqual([...x].sort((a, b) => a - b));
    expect([...x].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('a permutation of a tensor moves whole slices', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const columns = random.permutation(random.key(4), x, { axis: 1 }).arraySync() as number[][];
    expect(columns[0].map((v, i) => columns[1][i] - v)).toEqual([3, 3, 3]);
  });

  it('without replacement nothing is drawn twice', () => {
    for (const p of [undefined, [0.2, 0.3, 0.1, 0.4]]) {
      const options = { shape: [4], replace: false, ...(p && { p }) };
      expect(numbers(random.choice(random.key(2), 4, options)).sort()).toEqual([0, 1, 2, 3]);
    }
    expect(() => random.choice(random.key(2), 4, { shape: [5], replace: false })).toThrow(/5 from 4/);
  });

  it('chooses slices along an axis, the shape in its place', () => {
    const x = tensor(
      Array.from({ length: 24 }, (_, i) => i),
      { shape: [2, 3, 4] },
    );
    const indices = numbers(random.choice(random.key(3), 3, { shape: [2, 5] }));
    const chosen = random.choice(random.key(3), x, { axis: 1, shape: [2, 5] });
    expect(chosen.shape).toEqual([2, 2, 5, 4]);
    const values = numbers(chosen);
    for (let i = 0; i < 2; i++)
      for (let s = 0; s < 10; s++)
        for (let j = 0; j < 4; j++) expect(values[(i * 10 + s) * 4 + j]).toBe(i * 12 + indices[s] * 4 + j);
  });
});
