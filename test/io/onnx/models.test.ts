/** Whole functions, exported and run by ONNX Runtime, give what they give here. */
import { describe, expect, test } from 'vitest';
import {
  checkpoint,
  cond,
  customJvp,
  grad,
  jit,
  scan,
  stopGradient,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  whileLoop,
} from '../../../src/index.ts';
import { exportOnnx } from '../../../src/io/index.ts';
import {
  BatchNorm,
  Conv2d,
  ConvTranspose2d,
  crossEntropy,
  Embedding,
  evaluation,
  Flatten,
  gelu,
  initialState,
  LSTM,
  MaxPool,
  type Module,
  mlp,
  relu,
  Sequential,
  softmax,
  TransformerBlock,
  training,
} from '../../../src/nn/index.ts';
import { avgPool, maxPool } from '../../../src/nn/pool.ts';
import { fixedPoint } from '../../../src/optim/index.ts';
import { bits, key, normal } from '../../../src/random/index.ts';
import { distance, exportedDistance, tensorsIn } from './compare.ts';
import { operatorsOf, runModel, runtime } from './runtime.ts';

/** Sums of tens of products in float32, in another order, through a few layers. */
const close = 1e-5;
const forward = (model: Module & { forward(x: Tensor): Tensor }, x: Tensor): Tensor => model.forward(x);
const withModel = { parameters: [0] };
const image = (batch: number): Tensor => normal(key(5), [batch, 3, 12, 12]);

const cnn = new Sequential(
  new Conv2d(key(0), 3, 8, 3, { padding: 'same' }),
  relu,
  new MaxPool(2),
  new Conv2d(key(1), 8, 4, 3, { strides: 2, groups: 2, padding: 1 }),
  (x: Tensor) => avgPool(x, { window: 2, strides: 1 }),
  new Flatten(),
  mlp(key(2), [16, 5]),
);

describe.skipIf(runtime === null)('by ONNX Runtime', () => {
  describe('models', () => {
    test('a multilayer perceptron', async () => {
      const model = mlp(key(0), [4, 16, 3], { activation: gelu });
      expect(await exportedDistance(forward, [model, normal(key(1), [5, 4])], withModel)).toBeLessThan(close);
    });

    test('convolution and pooling', async () => {
      expect(await exportedDistance(forward, [cnn, image(2)], withModel)).toBeLessThan(close);
      const operators = operatorsOf(exportOnnx(forward, [cnn, image(2)], withModel));
      expect(operators).toContain('Conv');
      expect(operators).toContain('MaxPool');
      expect(operators).toContain('AveragePool');
      expect(operators).not.toContain('Gather');
    });

    test('padding of a pool with −∞ is the operator’s own', async () => {
      const f = (x: Tensor): Tensor => maxPool(x, { window: 3, strides: 2, padding: 1 });
      expect(await exportedDistance(f, [image(1)])).toBe(0);
      expect(operatorsOf(exportOnnx(f, [image(1)]))).not.toContain('Pad');
    });

    test('transposed convolution and statistics of batch norm', async () => {
      const model = new Sequential(
        new ConvTranspose2d(key(3), 3, 4, 4, { strides: 2, padding: 1 }),
        new BatchNorm(4),
      );
      const pass = training(model, { state: initialState(model) });
      model.forward(image(2), pass);
      const f = (m: Sequential, x: Tensor): Tensor => m.forward(x, evaluation(m, { state: pass.state }));
      expect(await exportedDistance(f, [model, image(2)], withModel)).toBeLessThan(close);
    });

    test('an LSTM is a Scan', async () => {
      const model = new LSTM(key(0), 3, 5, { layers: 2 });
      const x = normal(key(1), [2, 7, 3]);
      expect(await exportedDistance(forward, [model, x], withModel)).toBeLessThan(close);
      expect(operatorsOf(exportOnnx(forward, [model, x], withModel))).toContain('Scan');
    });

    test('softmax attention in a transformer, of tokens', async () => {
      const model = {
        tokens: new Embedding(key(0), 11, 8),
        block: new TransformerBlock(key(1), 8, 2, { causal: true }),
      };
      const f = (m: typeof model, ids: Tensor): Tensor => softmax(m.block.forward(m.tokens.forward(ids)));
      const ids = tensor(
        [
          [1, 4, 10, 0],
          [3, 3, 7, 2],
        ],
        { dtype: 'int32' },
      );
      expect(await exportedDistance(f, [model, ids], withModel)).toBeLessThan(close);
    });
  });

  describe('transformed functions', () => {
    const model = mlp(key(0), [4, 6, 3]);
    const loss = (m: Sequential, x: Tensor, y: Tensor): Tensor => crossEntropy(m.forward(x), y);
    const x = normal(key(1), [5, 4]);
    const y = tensor([0, 2, 1, 1, 0], { dtype: 'int32' });

    test('a gradient', async () => {
      expect(await exportedDistance(grad(loss), [model, x, y], withModel)).toBeLessThan(close);
    });

    test('a gradient of convolution and pooling', async () => {
      const f = (m: Sequential, images: Tensor): Tensor => m.forward(images).square().sum();
      expect(await exportedDistance(grad(f), [cnn, image(2)], withModel)).toBeLessThan(10 * close);
    });

    test('a gradient through a scan', async () => {
      const f = (m: LSTM, sequence: Tensor): Tensor => m.forward(sequence).square().mean();
      const lstm = new LSTM(key(2), 3, 4);
      expect(
        await exportedDistance(valueAndGrad(f), [lstm, normal(key(1), [2, 5, 3])], withModel),
      ).toBeLessThan(close);
    });

    test('a jitted function, and a batched one', async () => {
      const step = jit((m: Sequential, batch: Tensor, labels: Tensor) =>
        valueAndGrad(loss)(m, batch, labels),
      );
      expect(await exportedDistance(step, [model, x, y], withModel)).toBeLessThan(close);
      expect(
        await exportedDistance(
          vmap((row: Tensor) => row.sub(row.mean())),
          [x],
        ),
      ).toBeLessThan(close);
    });
  });

  describe('calls with rules of their own', () => {
    test('checkpoints and custom derivatives are written out', async () => {
      const f = (x: Tensor): unknown => {
        const double = customJvp(
          (v: Tensor) => v.mul(2),
          ([v], [dv]) => [v.mul(2), dv.mul(2)],
        );
        const sum = (v: Tensor): Tensor => checkpoint((u: Tensor) => u.sin().exp())(double(v)).sum();
        return valueAndGrad(sum)(x);
      };
      expect(await exportedDistance(f, [normal(key(0), [4])])).toBeLessThan(close);
    });

    test('a fixed point, by the algorithm that finds it', async () => {
      const f = (a: Tensor): Tensor => fixedPoint((x: Tensor) => x.add(a.div(x)).mul(0.5), tensor(1)).x;
      expect(await exportedDistance(f, [tensor(2)])).toBeLessThan(close);
    });

    test('random numbers are the same bits', async () => {
      const f = (seed: Tensor): Tensor => bits(seed, [5]);
      expect(await exportedDistance(f, [key(7)])).toBe(0);
    });
  });

  test.each([18, 21, 24])('operator set %i', async opset => {
    expect(await exportedDistance(forward, [cnn, image(2)], { ...withModel, opset })).toBeLessThan(close);
  });

  describe('control flow', () => {
    test('a scan from its end, with what it closes over and without sequences', async () => {
      const w = normal(key(4), [3]);
      const f = (start: Tensor, rows: Tensor): unknown =>
        scan((carry: Tensor, row: Tensor) => [carry.mul(w).add(row), carry.sum()], start, rows, {
          reverse: true,
        });
      expect(await exportedDistance(f, [normal(key(0), [3]), normal(key(1), [4, 3])])).toBeLessThan(close);
      const g = (start: Tensor): unknown =>
        scan((carry: Tensor) => [carry.mul(2), carry], start, null, { length: 4 });
      expect(await exportedDistance(g, [normal(key(0), [3])])).toBe(0);
    });

    test('a loop of unknown length', async () => {
      const f = (limit: Tensor): unknown =>
        whileLoop(
          ({ x }: { x: Tensor; n: Tensor }) => x.less(limit),
          ({ x, n }) => ({ x: x.mul(3), n: n.add(1) }),
          { x: tensor(1), n: tensor(0, { dtype: 'int32' }) },
        );
      for (const limit of [0, 1, 2, 1000]) expect(await exportedDistance(f, [tensor(limit)])).toBe(0);
    });

    test('a choice runs one branch', async () => {
      const f = (x: Tensor): Tensor =>
        cond(
          x.sum().greater(0),
          (v: Tensor) => v.mul(2),
          (v: Tensor) => stopGradient(v).neg(),
          x,
        );
      for (const sign of [1, -1]) expect(await exportedDistance(f, [tensor([sign, sign])])).toBe(0);
    });
  });

  describe('a batch of any size', () => {
    const sizes = [1, 3, 8];
    const runs = async (
      f: (model: never, x: Tensor) => Tensor,
      model: unknown,
      like: (size: number) => Tensor,
    ): Promise<void> => {
      const bytes = exportOnnx(f as (...all: unknown[]) => Tensor, [model, like(2)], {
        ...withModel,
        dynamicBatch: true,
      });
      for (const size of sizes) {
        const x = like(size);
        expect(distance([f(model as never, x)], await runModel(bytes, [x]))).toBeLessThan(close);
      }
    };

    test('of vectors', () =>
      runs(forward as never, mlp(key(0), [4, 16, 3]), size => normal(key(1), [size, 4])));
    test('of images', () => runs(forward as never, cnn, image));
    test('of sequences', () =>
      runs(forward as never, new LSTM(key(0), 3, 5), size => normal(key(1), [size, 6, 3])));
    test('of sequences, with attention', () =>
      runs(forward as never, new TransformerBlock(key(1), 8, 2), size => normal(key(1), [size, 6, 8])));
    test('and what is a sum over it', () =>
      runs(((_: unknown, x: Tensor) => x.sub(x.mean(0)).square().sum([0])) as never, {}, size =>
        normal(key(1), [size, 4]),
      ));
  });

  describe('names and types', () => {
    test('inputs, outputs and parameters have their names', async () => {
      const f = (w: { a: Tensor; b: Tensor[] }, x: { left: Tensor; right: Tensor }): unknown => ({
        sum: x.left.mul(w.a).add(w.b[0]),
        flag: x.right.greater(0),
      });
      const args = [
        { a: tensor([1, 2]), b: [tensor([3, 4])] as Tensor[] },
        { left: tensor([5, 6]), right: tensor([1, -1], { dtype: 'int32' }) },
      ] as const;
      const bytes = exportOnnx(f as (...all: unknown[]) => unknown, [...args], {
        ...withModel,
        inputs: ['x'],
      });
      const { InferenceSession } = runtime as NonNullable<typeof runtime>;
      const session = await InferenceSession.create(bytes);
      expect(session.inputNames).toEqual(['x.left', 'x.right']);
      expect(session.outputNames).toEqual(['output.flag', 'output.sum']);
      await session.release();
      expect(new TextDecoder().decode(bytes)).toContain('b[0]');
      expect(distance(tensorsIn(f(...args)), await runModel(bytes, tensorsIn(args[1])))).toBe(0);
    });

    test.each(['float64', 'int32', 'uint32', 'int8', 'uint8'] as const)(
      '%s keeps its type and wraps',
      async dtype => {
        const f = (a: Tensor, b: Tensor): Tensor[] => [a.add(b), a.mul(b), a.sub(b), a.maximum(b), a.sum()];
        const a = tensor([100, 7, 50, 127], { dtype });
        const b = tensor([100, 3, 120, 127], { dtype });
        expect(await exportedDistance(f, [a, b])).toBe(0);
      },
    );

    test('numbers are inputs without axes', async () => {
      const f = (x: Tensor, scale: number): Tensor => x.mul(scale);
      const bytes = exportOnnx(f as (...all: unknown[]) => Tensor, [tensor([1, 2]), 3]);
      const found = await runModel(bytes, [tensor([1, 2]), tensor(3, { dtype: 'float64' })]);
      expect(distance([tensor([3, 6])], found)).toBe(0);
    });
  });
});
