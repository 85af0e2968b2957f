/** Derivatives of every function, losses at extreme logits, convolution against its sum, and modules as trees. */
import {
  checkGrads,
  grad,
  jit,
  program,
  ShapeMismatch,
  type Tensor,
  tensor,
  tree,
  valueAndGrad,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: 'float64' });

describe('derivatives agree with finite differences', () => {
  // Away from 0, ±1, ±3 and 6, where some have kinks.
  const x = tensor([-3.7, -2.1, -0.6, -0.2, 0.3, 0.8, 1.9, 3.4, 5.5, 6.4], 'float64');
  const functions: Record<string, (x: Tensor) => Tensor> = {
    relu: nn.relu,
    relu6: nn.relu6,
    leakyRelu: a => nn.leakyRelu(a, { negativeSlope: 0.1 }),
    elu: a => nn.elu(a, { alpha: 0.7 }),
    celu: a => nn.celu(a, { alpha: 0.7 }),
    selu: nn.selu,
    sigmoid: nn.sigmoid,
    logit: a => nn.logit(nn.sigmoid(a)),
    softplus: nn.softplus,
    logSigmoid: nn.logSigmoid,
    silu: nn.silu,
    gelu: a => nn.gelu(a),
    'gelu by tanh': a => nn.gelu(a, { approximate: true }),
    mish: nn.mish,
    softsign: nn.softsign,
    squareplus: nn.squareplus,
    hardTanh: nn.hardTanh,
    hardSigmoid: nn.hardSigmoid,
    hardSilu: nn.hardSilu,
    glu: nn.glu,
    softmax: a => nn.softmax(a),
    logSoftmax: a => nn.logSoftmax(a),
    standardize: a => nn.standardize(a),
  };
  it.each(Object.entries(functions))('%s', (_, f) => checkGrads(f, [x], { order: 2, tolerance: 1e-5 }));

  const logits = normal(1, [4, 3]);
  const targets = nn.softmax(normal(2, [4, 3]));
  it('losses', () => {
    checkGrads((a: Tensor) => nn.crossEntropy(a, tensor([0, 2, 1, 1], 'int32')), [logits], { order: 2 });
    checkGrads((a: Tensor, b: Tensor) => nn.crossEntropy(a, b), [logits, targets], { order: 2 });
    checkGrads((a: Tensor, b: Tensor) => nn.binaryCrossEntropy(a, b), [logits, targets], { order: 2 });
    checkGrads((a: Tensor, b: Tensor) => nn.meanSquaredError(a, b), [logits, targets], { order: 2 });
    checkGrads((a: Tensor, b: Tensor) => nn.huber(a, b, { delta: 0.7 }), [logits, targets]);
  });

  it('convolution and pooling', () => {
    const images = normal(3, [2, 4, 6, 5]);
    const options = { strides: [2, 1], padding: 'same', kernelDilation: [1, 2], groups: 2 } as const;
    checkGrads((a: Tensor, w: Tensor) => nn.conv(a, w, options), [images, normal(4, [6, 2, 3, 2])], {
      order: 2,
    });
    const pool = { window: [2, 3], strides: 1, padding: 'same' } as const;
    checkGrads((a: Tensor) => nn.maxPool(a, pool), [images]);
    checkGrads((a: Tensor) => nn.avgPool(a, { ...pool, countIncludePad: false }), [images], { order: 2 });
  });
});

describe('chosen derivatives at kinks', () => {
  const slope = (f: (x: Tensor) => Tensor, x: number): number => grad(f)(tensor(x)).item();
  it.each<[string, (x: Tensor) => Tensor, number, number]>([
    ['relu', nn.relu, 0, 0],
    ['relu6', nn.relu6, 6, 0],
    ['leakyRelu', nn.leakyRelu, 0, Math.fround(0.01)],
    ['elu', nn.elu, 0, 1],
    ['hardTanh', nn.hardTanh, 1, 0],
  ])('%s', (_, f, x, expected) => expect(slope(f, x)).toBe(expected));

  it('are finite far out', () => {
    for (const f of [nn.elu, nn.selu, nn.celu, nn.softplus, nn.logSigmoid, nn.mish, nn.silu, nn.gelu])
      for (const x of [-1000, 1000]) expect(Number.isFinite(slope(a => f(a), x))).toBe(true);
  });
});

describe('losses', () => {
  const wide = tensor([
    [1000, -1000, 0],
    [-1000, 1000, 1000],
  ]);

  it('cross-entropy is exact at ±1000, its derivative finite', () => {
    const each = (labels: number[]): number[] =>
      numbers(nn.crossEntropy(wide, tensor(labels, 'int32'), { reduction: 'none' }));
    expect(each([0, 1])).toEqual([0, Math.fround(Math.LN2)]);
    expect(each([1, 0])).toEqual([2000, Math.fround(2000 + Math.LN2)]);
    const [value, slope] = valueAndGrad((x: Tensor) => nn.crossEntropy(x, [1, 0], { reduction: 'sum' }))(
      wide,
    );
    expect(value.item()).toBeCloseTo(4000 + Math.LN2, 3);
    expect(slope.arraySync()).toEqual([
      [1, -1, 0],
      [-1, 0.5, 0.5],
    ]);
  });

  it('cross-entropy of one-hot probabilities is that of the classes', () => {
    const logits = normal(5, [6, 4]);
    const labels = tensor([0, 3, 1, 2, 2, 0], 'int32');
    const codes = nn.oneHot(labels, 4, { dtype: 'float64' });
    expect(nn.crossEntropy(logits, codes).item()).toBeCloseTo(nn.crossEntropy(logits, labels).item(), 14);
    const masked = tensor([[0, Number.NEGATIVE_INFINITY]]);
    expect(nn.crossEntropy(masked, tensor([[1, 0]])).item()).toBe(0);
    expect(grad((x: Tensor) => nn.crossEntropy(x, tensor([[1, 0]])))(masked).arraySync()).toEqual([[0, 0]]);
  });

  it('cross-entropy of a number that is no class is NaN, of labels of another shape an error', () => {
    const losses = nn.crossEntropy(tensor([[1, 2]]), tensor([2], 'int32'));
    expect(losses.item()).toBeNaN();
    expect(() => nn.crossEntropy(wide, tensor([0, 1, 2], 'int32'))).toThrow(ShapeMismatch);
    expect(() => nn.crossEntropy(wide, tensor([0.5, 1]))).toThrow(/CT118/);
  });

  it('binary cross-entropy is exact at ±1000', () => {
    const x = tensor([1000, -1000, 1000, -1000, 0]);
    const t = tensor([1, 0, 0, 1, 1]);
    const each = numbers(nn.binaryCrossEntropy(x, t, { reduction: 'none' }));
    expect(each).toEqual([0, 0, 1000, 1000, Math.fround(Math.LN2)]);
    expect(numbers(grad((a: Tensor) => nn.binaryCrossEntropy(a, t, { reduction: 'sum' }))(x))).toEqual([
      0, 0, 1, -1, -0.5,
    ]);
  });

  it('mean squared error does not broadcast by accident', () => {
    expect(nn.meanSquaredError(tensor([1, 2]), [1, 4]).item()).toBe(2);
    expect(() => nn.meanSquaredError(tensor([[1], [2]]), tensor([1, 4]))).toThrow(ShapeMismatch);
    expect(() => nn.huber([1], [1], { reduction: 'max' as never })).toThrow(/'mean', 'sum' or 'none'/);
  });

  it('huber is a parabola, then a line', () => {
    expect(numbers(nn.huber([0.5, -3], 0, { reduction: 'none' }))).toEqual([0.125, 2.5]);
    expect(numbers(nn.huber([0.5, -3], 0, { reduction: 'none', delta: 2 }))).toEqual([0.125, 4]);
  });
});

describe('convolution', () => {
  it('is its sum', () => {
    const [n, c, h, wide, o, kh, kw] = [2, 4, 6, 5, 6, 3, 2];
    const [groups, stride, dilation, low] = [2, [2, 1], [1, 2], [1, 2]];
    const x = normal(6, [n, c, h, wide]);
    const w = normal(7, [o, c / groups, kh, kw]);
    const out = nn.conv(x, w, {
      strides: stride,
      kernelDilation: dilation,
      groups,
      padding: [
        [low[0], 0],
        [low[1], 1],
      ],
    });
    const [xs, ws] = [x.arraySync() as number[][][][], w.arraySync() as number[][][][]];
    const result = out.arraySync() as number[][][][];
    expect(out.shape).toEqual([n, o, 3, 6]);
    result.forEach((image, i) => {
      image.forEach((plane, j) => {
        plane.forEach((row, p) => {
          row.forEach((value, q) => {
            let sum = 0;
            for (let d = 0; d < c / groups; d++)
              for (let a = 0; a < kh; a++)
                for (let b = 0; b < kw; b++) {
                  const channel = Math.floor(j / (o / groups)) * (c / groups) + d;
                  const y = p * stride[0] + a * dilation[0] - low[0];
                  const z = q * stride[1] + b * dilation[1] - low[1];
                  sum += (xs[i][channel][y]?.[z] ?? 0) * ws[j][d][a][b];
                }
            expect(value).toBeCloseTo(sum, 12);
          });
        });
      });
    });
  });

  it('says which shapes do not fit', () => {
    expect(() => nn.conv(normal(1, [1, 3, 5]), normal(2, [2, 2, 3]))).toThrow(ShapeMismatch);
    expect(() => nn.conv(normal(1, [1, 3, 5]), normal(2, [2, 3, 3]), { strides: [1, 1] })).toThrow(/strides/);
    expect(() => nn.maxPool(normal(1, [1, 3, 5]), { window: 2, padding: [[1, 1, 1]] as never })).toThrow(
      /padding/,
    );
  });
});

describe('initial values', () => {
  const deviation = (x: Tensor): number => Math.sqrt(x.square().mean().item());
  it('have the variance of their papers', () => {
    const key = random.key(0);
    expect(deviation(nn.glorotUniform(key, [300, 200]))).toBeCloseTo(Math.sqrt(2 / 500), 3);
    expect(deviation(nn.heNormal(key, [300, 200]))).toBeCloseTo(Math.sqrt(2 / 300), 3);
    expect(deviation(nn.lecunNormal(key, [64, 32, 5, 5]))).toBeCloseTo(Math.sqrt(1 / (32 * 25)), 3);
    expect(() => nn.heNormal(key, [3])).toThrow(/zeros/);
  });
});

describe('modules', () => {
  class Affine extends nn.Module {
    static made = 0;
    scale: Tensor = tensor([2, 3]);
    parts: Record<string, Tensor> = { shift: tensor([1, 1]) };
    strides = [1, 2];
    label = 'affine';
    activation: (x: Tensor) => Tensor = nn.relu;

    constructor() {
      super();
      Affine.made++;
    }

    forward(x: Tensor): Tensor {
      return this.activation(x.mul(this.scale).add(this.parts.shift));
    }
  }

  it('are trees whose tensors are the leaves', () => {
    const module = new Affine();
    const { leaves, structure } = tree.flatten(module);
    expect(structure.paths()).toEqual(['.parts.shift', '.scale']);
    const made = Affine.made;
    const doubled = tree.map((leaf: Tensor) => leaf.mul(2), module) as Affine;
    expect(Affine.made).toBe(made);
    expect(leaves.length).toBe(2);
    expect(doubled).toBeInstanceOf(Affine);
    expect(numbers(doubled.scale)).toEqual([4, 6]);
    expect([doubled.label, doubled.strides, doubled.activation]).toEqual(['affine', module.strides, nn.relu]);
    expect(numbers(module.scale)).toEqual([2, 3]);
  });

  it('have gradients of their own class, and compile', () => {
    const module = new Affine();
    const loss = (m: Affine, x: Tensor): Tensor => m.forward(x).sum();
    const slope = jit(grad(loss))(module, tensor([1, -1]));
    expect(slope).toBeInstanceOf(Affine);
    expect([numbers(slope.scale.abs()), numbers(slope.parts.shift)]).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it('differ where a fixed field differs, so that compiled functions see it', () => {
    const apply = jit((m: Affine, x: Tensor) => m.forward(x));
    const module = new Affine();
    const linear = new Affine();
    linear.strides = module.strides;
    linear.activation = x => x;
    expect(numbers(apply(module, tensor([-1, 1])))).toEqual([0, 4]);
    expect(numbers(apply(linear, tensor([-1, 1])))).toEqual([-1, 4]);
    expect(apply.traces).toBe(2);
  });

  it('a linear layer is x·W + b, also of batches of batches', () => {
    const layer = new nn.Linear(random.key(0), 2, 3);
    const x = normal(8, [4, 5, 2]).astype('float32');
    const y = layer.forward(x);
    expect(y.shape).toEqual([4, 5, 3]);
    const [w, first] = [layer.weight.arraySync() as number[][], (x.arraySync() as number[][][])[0][0]];
    expect((y.arraySync() as number[][][])[0][0][2]).toBeCloseTo(first[0] * w[0][2] + first[1] * w[1][2], 5);
    expect(() => layer.forward(tensor([1, 2, 3]))).toThrow(ShapeMismatch);
    expect(new nn.Linear(random.key(0), 2, 3, { bias: false }).bias).toBeNull();
  });

  it('mlp has layers of the given sizes, and prints them', () => {
    const model = nn.mlp(random.key(0), [4, 8, 3]);
    expect(model.forward(normal(9, [7, 4]).astype('float32')).shape).toEqual([7, 3]);
    expect(String(model)).toMatch(/^Sequential\n {2}layers\[0\]\.bias: float32\[8\]\n/);
    expect(() => nn.mlp(random.key(0), [4])).toThrow(/CT112/);
    expect(
      String(program((m: nn.Sequential, x: Tensor) => m.forward(x))(model, tensor([1, 2, 3, 4]))),
    ).toContain('dot');
  });
});
