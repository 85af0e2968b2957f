/** Laws of layers: state and keys inside jit, grad and vmap, expectations, and what is said of wrong arguments. */
import {
  BadArgument,
  checkGrads,
  grad,
  jit,
  ShapeMismatch,
  type Tensor,
  tensor,
  tree,
  vmap,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];
const keys = random.split(random.key(0), 8);
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: 'float64' });

describe('batch norm', () => {
  const layer = new nn.BatchNorm(3, { dtype: 'float64' });
  const x = normal(1, [8, 3, 5]).mul(4).add(2);
  const state = nn.initialState(layer);
  const train = (own: nn.BatchNorm, input: Tensor): [Tensor, nn.ModelState] => {
    const pass = nn.training(own, { state });
    return [own.forward(input, pass), pass.state];
  };

  it('gives mean 0 and variance 1 in training, and the same inside jit', () => {
    const [y, next] = train(layer, x);
    for (const value of numbers(y.mean([0, 2]))) expect(value).toBeCloseTo(0, 12);
    for (const value of numbers(y.variance([0, 2]))) expect(value).toBeCloseTo(1, 5);
    const [again, nextAgain] = jit(train)(layer, x);
    expect(numbers(again)).toEqual(numbers(y));
    expect(numbers(nextAgain[''].variance)).toEqual(numbers(next[''].variance));
  });

  it('does not depend on the scale and place of its input in training, so that the gradient is at right angles', () => {
    const w = normal(2, [8, 3, 5]);
    const loss = (input: Tensor): Tensor => train(layer, input)[0].mul(w).sum();
    const g = grad(loss)(x);
    expect(Math.abs(g.sum().item())).toBeLessThan(1e-12);
    // Not exactly at right angles to x: ε is not scaled.
    expect(Math.abs(g.mul(x).sum().item())).toBeLessThan(1e-4);
    checkGrads(loss, [x], { order: 2, tolerance: 1e-5 });
  });

  it('tends to the statistics of what it sees, and evaluates with them', () => {
    let seen = state;
    const step = jit((own: nn.BatchNorm, before: nn.ModelState) => {
      const pass = nn.training(own, { state: before });
      own.forward(x, pass);
      return pass.state;
    });
    for (let i = 0; i < 200; i++) seen = step(layer, seen) as nn.ModelState;
    const means = numbers(x.mean([0, 2]));
    numbers(seen[''].mean).forEach((value, i) => {
      expect(value).toBeCloseTo(means[i], 7);
    });
    const unbiased = numbers(x.variance({ axis: [0, 2], ddof: 1 }));
    numbers(seen[''].variance).forEach((value, i) => {
      expect(value).toBeCloseTo(unbiased[i], 6);
    });
    // One example alone: in evaluation none sees another.
    const one = x.at('0:1').get();
    const pass = nn.evaluation(layer, { state: seen });
    expect(numbers(layer.forward(one, pass))).toEqual(numbers(layer.forward(x, pass).at('0:1').get()));
    expect(pass.state).toBe(seen);
  });

  it('lets no derivative through the running statistics', () => {
    const through = (input: Tensor): Tensor => train(layer, input)[1][''].mean.sum();
    expect(numbers(grad(through)(x)).every(value => value === 0)).toBe(true);
  });

  it('asks for its state, for channels and for more than one element', () => {
    expect(() => layer.forward(x)).toThrow(/evaluation\(model, \{ state \}\)/);
    expect(() => train(layer, normal(3, [4, 2]))).toThrow(ShapeMismatch);
    expect(() => train(layer, normal(3, [1, 3]))).toThrow(/at least two/);
    expect(() => new nn.BatchNorm(0)).toThrow(BadArgument);
  });
});

describe('dropout', () => {
  const layer = new nn.Dropout(0.25);
  const ones = tensor(new Float32Array(40_000).fill(1), { shape: [200, 200] });
  const drop = (key: Tensor, x: Tensor): Tensor => layer.forward(x, nn.training(layer, { key }));

  it('keeps the expectation, and scales what it keeps', () => {
    const y = drop(keys[0], ones);
    // The deviation of the mean of n draws is √(p/(1 − p)/n) = 0.0029.
    expect(Math.abs(y.mean().item() - 1)).toBeLessThan(0.012);
    const kept = Math.fround(1 / 0.75);
    expect(new Set(numbers(y))).toEqual(new Set([0, kept]));
    expect(numbers(grad((x: Tensor) => drop(keys[0], x).sum())(ones))).toEqual(numbers(y));
  });

  it('drops the same for the same key, also inside jit, and other elements for another', () => {
    const y = numbers(drop(keys[0], ones));
    expect(numbers(jit(drop)(keys[0], ones))).toEqual(y);
    expect(numbers(drop(keys[1], ones))).not.toEqual(y);
    const two = new nn.Sequential(layer, new nn.Dropout(0.25));
    const both = numbers(two.forward(ones, nn.training(two, { key: keys[0] })));
    // The second layer draws with another key than the first.
    expect(both.filter(value => value !== 0).length / 40_000).toBeCloseTo(0.75 ** 2, 1);
  });

  it('does nothing in evaluation, everything at rate 1, and shares where it is told to', () => {
    expect(layer.forward(ones)).toBe(ones);
    expect(numbers(nn.dropout(keys[0], [1, 2], 1))).toEqual([0, 0]);
    const shared = nn.dropout(keys[2], ones, 0.5, { shared: [-1] }).arraySync() as number[][];
    expect(shared.every(row => row.every(value => value === row[0]))).toBe(true);
    expect(new Set(shared.map(row => row[0]))).toEqual(new Set([0, 2]));
    expect(() => layer.forward(ones, nn.training(layer))).toThrow(/without a key/);
    expect(() => new nn.Dropout(1.5)).toThrow(BadArgument);
  });
});

describe('vmap of a layer is the layer of the batch', () => {
  const image = normal(4, [5, 2, 6, 6]).astype('float32');
  const layers: Record<string, { forward(x: Tensor): Tensor }> = {
    Conv2d: new nn.Conv2d(keys[0], 2, 4, 3, { padding: 1, strides: 2 }),
    ConvTranspose2d: new nn.ConvTranspose2d(keys[1], 2, 3, 3, { strides: 2 }),
    GroupNorm: new nn.GroupNorm(2, 2),
    MaxPool: new nn.MaxPool(2),
    AvgPool: new nn.AvgPool(3, { strides: 2, padding: 1 }),
    PRelu: new nn.PRelu({ channels: 2 }),
    Flatten: new nn.Flatten(),
  };
  it.each(Object.entries(layers))('%s', (_, layer) => {
    const whole = layer.forward(image);
    const each = vmap((x: Tensor) => layer.forward(x.expandDims(0)).squeeze(0))(image);
    expect(each.shape).toEqual(whole.shape);
    const [a, b] = [numbers(each), numbers(whole)];
    for (const [i, value] of a.entries()) expect(Math.abs(value - b[i])).toBeLessThan(1e-5);
  });

  it('also of many models at once', () => {
    const models = vmap((key: Tensor) => new nn.Linear(key, 6, 2))(random.split(keys[3], [4]));
    expect(models).toBeInstanceOf(nn.Linear);
    expect(models.weight.shape).toEqual([4, 6, 2]);
    const x = normal(5, [3, 6]).astype('float32');
    const outputs = vmap((model: nn.Linear) => model.forward(x))(models);
    const second = new nn.Linear(random.split(keys[3], 4)[1], 6, 2);
    const [a, b] = [numbers(outputs.at(1).get()), numbers(second.forward(x))];
    for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i], 5);
  });
});

describe('transposed convolution', () => {
  it('is the pullback of the convolution with the same options', () => {
    const w = normal(6, [4, 3, 3, 2]);
    const options = { strides: [2, 3], padding: [1, 0], kernelDilation: [2, 1] } as const;
    const x = normal(7, [2, 3, 9, 8]);
    const y = normal(8, nn.conv(x, w, options).shape);
    // ⟨conv(x), y⟩ = ⟨x, convTranspose(y)⟩
    const back = nn.convTranspose(y, w, { ...options, outputPadding: [0, 0] });
    expect(back.shape).toEqual(x.shape);
    const [left, right] = [nn.conv(x, w, options).mul(y).sum().item(), back.mul(x).sum().item()];
    expect(left).toBeCloseTo(right, 10);
  });

  it("with padding 'same' multiplies the extents by the strides", () => {
    for (const [window, strides] of [
      [4, 2],
      [3, 2],
      [2, 3],
      [1, 2],
    ])
      expect(
        new nn.ConvTranspose1d(keys[0], 1, 1, window, { strides, padding: 'same' }).forward(
          normal(9, [1, 1, 5]).astype('float32'),
        ).shape,
      ).toEqual([1, 1, 5 * strides]);
  });

  it('says which shapes do not fit', () => {
    expect(() => nn.convTranspose(normal(1, [1, 3, 5]), normal(2, [2, 2, 3]))).toThrow(ShapeMismatch);
    expect(() => new nn.Conv2d(keys[0], 3, 4, 3, { groups: 2 })).toThrow(/groups that divide/);
    expect(() => new nn.Conv2d(keys[0], 3, 4, [3])).toThrow(/window/);
  });
});

describe('embedding', () => {
  const layer = new nn.Embedding(keys[0], 6, 4, { padding: 2 });

  it('takes rows, the padding’s being zeros without a gradient', () => {
    expect(layer.forward([[3, 2]]).shape).toEqual([1, 2, 4]);
    expect(numbers(layer.forward([2]))).toEqual([0, 0, 0, 0]);
    const g = grad((own: nn.Embedding) => own.forward([1, 2, 1]).sum())(layer).weight;
    expect(numbers(g.sum(1))).toEqual([0, 8, 0, 0, 0, 0]);
  });

  it('compares vectors with its rows', () => {
    const x = layer.forward([5]);
    const scores = layer.attend(x);
    expect(scores.shape).toEqual([1, 6]);
    expect(scores.at(0, 5).get().item()).toBeCloseTo(x.square().sum().item(), 4);
    expect(() => layer.attend(tensor([1, 2]))).toThrow(ShapeMismatch);
    expect(() => layer.forward(tensor([0.5]))).toThrow(/integers/);
    expect(() => new nn.Embedding(keys[0], 3, 4, { padding: 3 })).toThrow(BadArgument);
  });
});

describe('norms within an example', () => {
  it('say which shapes do not fit', () => {
    expect(() => new nn.LayerNorm(4).forward(tensor([1, 2]))).toThrow(ShapeMismatch);
    expect(() => new nn.LayerNorm([])).toThrow(BadArgument);
    expect(() => new nn.GroupNorm(3, 4)).toThrow(/divides/);
    expect(() => new nn.GroupNorm(2, 4).forward(normal(1, [2, 3]))).toThrow(ShapeMismatch);
  });

  it('have finite derivatives at constants', () => {
    const x = tensor([[2, 2, 2]]);
    for (const layer of [new nn.LayerNorm(3), new nn.RMSNorm(3), new nn.GroupNorm(1, 3)])
      expect(numbers(grad((a: Tensor) => layer.forward(a).at(0, 0).get())(x)).every(Number.isFinite)).toBe(
        true,
      );
  });
});

describe('equal layers made twice', () => {
  it('are one structure, so that a compiled function traces once and trees of both meet', () => {
    const make = (): nn.Conv2d => new nn.Conv2d(keys[0], 1, 2, 3, { strides: [2, 2], padding: [[1, 0], 1] });
    const apply = jit((layer: nn.Conv2d, x: Tensor) => layer.forward(x));
    const x = normal(1, [1, 1, 6, 6]).astype('float32');
    expect(numbers(apply(make(), x))).toEqual(numbers(apply(make(), x)));
    expect(apply.traces).toBe(1);
    const sum = tree.map((a: Tensor, b: Tensor) => a.add(b), make(), make()) as nn.Conv2d;
    expect(numbers(sum.weight)).toEqual(numbers(make().weight.mul(2)));
    const other = new nn.Conv2d(keys[0], 1, 2, 3, { strides: [2, 1] });
    expect(() => tree.map((a: Tensor, b: Tensor) => a.add(b), make(), other)).toThrow(/CT106/);
  });
});
