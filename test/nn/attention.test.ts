/** Attention and transformer blocks agree with PyTorch; step by step with a cache is the causal pass; laws of positions. */
import {
  arange,
  grad,
  jit,
  ShapeMismatch,
  scan,
  slice,
  type Tensor,
  tensor,
  tree,
  vjp,
  vmap,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it, test } from 'vitest';
import { expectClose, f64, read, type Value } from '../oracle/torch/read.ts';

/** Tensors by name, in objects. */
interface Parameters {
  readonly [name: string]: Value | Parameters;
}

interface AttentionCase {
  readonly id: string;
  readonly size: number;
  readonly heads: number;
  readonly bias: boolean;
  readonly keyInputs: number | null;
  readonly valueInputs: number | null;
  readonly allowed: boolean[][] | null;
  readonly additive: (number | '-inf')[][] | null;
  readonly lengths: number[] | null;
  readonly causal: boolean;
  readonly query: Value;
  readonly keys?: Value;
  readonly values?: Value;
  readonly parameters: { readonly value: Parameters; readonly gradient: Parameters };
  readonly out: Value;
  readonly weights: Value;
  readonly cotangents: readonly Value[];
  readonly dquery: Value;
  readonly dkeys?: Value;
  readonly dvalues?: Value;
}

interface BlockCase {
  readonly id: string;
  readonly size: number;
  readonly heads: number;
  readonly hidden: number;
  readonly norm: 'pre' | 'post';
  readonly lengths: number[] | null;
  readonly causal: boolean;
  readonly x: Value;
  readonly parameters: { readonly value: Parameters; readonly gradient: Parameters };
  readonly out: Value;
  readonly cotangents: readonly Value[];
  readonly dx: Value;
}

const isValue = (node: Value | Parameters): node is Value => Array.isArray(node.shape);

/** A copy of a module with these parameters. */
function withParameters<T extends object>(module: T, parameters: Parameters): T {
  const fields = Object.entries(parameters).map(([name, node]) => [
    name,
    isValue(node) ? f64(node) : withParameters((module as Record<string, object>)[name], node),
  ]);
  const copy = Object.create(Object.getPrototypeOf(module) as object) as T;
  return Object.assign(copy, module, Object.fromEntries(fields));
}

function expectParameters(found: object, expected: Parameters, path = ''): void {
  for (const [name, node] of Object.entries(expected)) {
    const field = (found as Record<string, Tensor>)[name];
    if (!isValue(node)) expectParameters(field, node, `${path}.${name}`);
    else expectClose(field, node, `d${path}.${name}`);
  }
}

const leaves = (parameters: Parameters): number =>
  Object.values(parameters).reduce((sum, node) => sum + (isValue(node) ? 1 : leaves(node)), 0);

const dtype = 'float64';
const key = random.key(0);
const numbers = (x: Tensor): number[] => [...x.dataSync()];
const close = (a: Tensor, b: Tensor, tolerance = 1e-13): void =>
  expectClose(a, { shape: b.shape, data: numbers(b) }, 'tensor', tolerance);
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype });

const cases = read<{ attention: AttentionCase[]; blocks: BlockCase[] }>('attention');

describe('attention is that of PyTorch', () => {
  test.each(cases.attention.map(one => [one.id, one] as const))('%s', (_, one) => {
    const { size, heads, bias, keyInputs, valueInputs, lengths, causal } = one;
    const layer = withParameters(
      new nn.MultiHeadAttention(key, size, heads, {
        bias,
        dtype,
        causal,
        ...(keyInputs !== null && { keyInputs }),
        ...(valueInputs !== null && { valueInputs }),
      }),
      one.parameters.value,
    );
    expect(leaves(one.parameters.value)).toBe(tree.flatten(layer).leaves.length);
    const options = {
      ...(lengths !== null && { lengths }),
      ...(one.allowed !== null && { mask: tensor(one.allowed) }),
      ...(one.additive !== null && {
        mask: tensor(
          one.additive.map(row => row.map(x => (x === '-inf' ? Number.NEGATIVE_INFINITY : x))),
          dtype,
        ),
      }),
    };
    const inputs = [one.query, one.keys, one.values].flatMap(value => (value ? [f64(value)] : []));
    const attendTo = ([, keys, values]: Tensor[]): nn.AttendOptions =>
      keys === undefined ? options : { ...options, keys, values };
    const pull = (model: nn.MultiHeadAttention, xs: Tensor[]) => {
      const f = (m: nn.MultiHeadAttention, all: Tensor[]): Tensor => m.attend(all[0], attendTo(all));
      const [out, pullback] = vjp(f, model, xs);
      return [out, pullback(f64(one.cotangents[0]))] as const;
    };
    const [out, [dlayer, dxs]] = jit(pull)(layer, inputs);
    expectClose(out as Tensor, one.out, 'out');
    expectClose(layer.weights(inputs[0], attendTo(inputs)), one.weights, 'weights');
    [one.dquery, one.dkeys, one.dvalues].forEach((expected, i) => {
      if (expected) expectClose((dxs as Tensor[])[i], expected, `operand ${i}`);
    });
    expectParameters(dlayer, one.parameters.gradient);
  });
});

describe('blocks are those of PyTorch', () => {
  test.each(cases.blocks.map(one => [one.id, one] as const))('%s', (_, one) => {
    const { size, heads, hidden, norm, causal, lengths } = one;
    const block = withParameters(
      new nn.TransformerBlock(key, size, heads, { hidden, norm, causal, dtype }),
      one.parameters.value,
    );
    expect(leaves(one.parameters.value)).toBe(tree.flatten(block).leaves.length);
    const f = (m: nn.TransformerBlock, x: Tensor): Tensor => m.run(x, lengths === null ? {} : { lengths });
    const pull = (m: nn.TransformerBlock, x: Tensor) => {
      const [out, pullback] = vjp(f, m, x);
      return [out, pullback(f64(one.cotangents[0]))] as const;
    };
    const [out, [dblock, dx]] = jit(pull)(block, f64(one.x));
    expectClose(out as Tensor, one.out, 'out');
    expectClose(dx as Tensor, one.dx, 'dx');
    expectParameters(dblock, one.parameters.gradient);
  });
});

describe('masks', () => {
  const [q, k, v] = [1, 2, 3].map(seed => normal(seed, [2, 3, 4, 5]));

  it('of one, two or all four axes, and lengths, say the same', () => {
    const lengths = [2, 4];
    const there = nn.lengthMask(lengths, 4);
    const expected = nn.attention(q, k, v, { lengths });
    close(nn.attention(q, k, v, { mask: there.reshape([2, 1, 4]) }), expected);
    close(nn.attention(q, k, v, { mask: there.reshape([2, 1, 1, 4]) }), expected);
    const additive = tensor([[0, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]], dtype);
    close(nn.attention(q, k, v, { mask: additive }).at(0).get(), expected.at(0).get());
    close(nn.attention(q, k, v, { mask: nn.causalMask(4, 4) }), nn.attention(q, k, v, { causal: true }));
  });

  it('that hide all keys leave 0, with a derivative of 0', () => {
    const mask = tensor([
      [true, false, true, true],
      [false, false, false, false],
    ])
      .at([0, 1, 0, 0])
      .get();
    const f = (...operands: Tensor[]): Tensor =>
      nn.attention(operands[0], operands[1], operands[2], { mask }).square().sum();
    expect(numbers(nn.attention(q, k, v, { mask }).at(':', ':', 1).get()).every(y => y === 0)).toBe(true);
    const gradients = grad(f, { argnums: [0, 1, 2] })(q, k, v);
    for (const g of gradients) expect(numbers(g).every(Number.isFinite)).toBe(true);
    expect(numbers(gradients[0].at(':', ':', 1).get()).every(y => y === 0)).toBe(true);
    // The hidden key's value is never read.
    expect(numbers(gradients[2].at(':', ':', 1).get()).every(y => y === 0)).toBe(true);
  });

  it('that do not fit are errors', () => {
    expect(() => nn.attention(q, k, v, { mask: tensor([[1, 0, 1, 1]], 'int32') })).toThrow(/CT118/);
    expect(() => nn.attention(q, k, v, { mask: [[true, true]] })).toThrow(ShapeMismatch);
    expect(() => nn.attention(q, k, v, { mask: [true, true, true, true] })).toThrow(/give lengths/);
    expect(() => nn.attention(q, k, v, { lengths: [1, 2, 3] })).toThrow(ShapeMismatch);
    expect(() => nn.attention(q, k, v.at(':', [0, 1]).get())).toThrow(ShapeMismatch);
  });
});

describe('step by step with a cache', () => {
  const x = normal(4, [2, 6, 8]);
  const times = (from: number, to: number): Tensor => x.at(':', slice(from, to)).get();
  const models = {
    attention: new nn.MultiHeadAttention(key, 8, 2, { dtype, causal: true }),
    'rotary attention': new nn.MultiHeadAttention(key, 8, 2, { dtype, causal: true, rotary: true }),
    'pre-norm block': new nn.TransformerBlock(key, 8, 2, { dtype, causal: true, rotary: 100 }),
    'post-norm block': new nn.TransformerBlock(key, 8, 2, { dtype, causal: true, norm: 'post' }),
  };

  it.each(Object.entries(models))(
    '%s gives what the causal pass over the whole sequence gives',
    (_, model) => {
      const whole = model.forward(x);
      const step = jit((m: typeof model, x: Tensor, cache: nn.AttentionCache) => m.step(x, cache));
      // A prompt of three, then one at a time.
      let [y, cache] = model.step(times(0, 3), model.cache(2, 7));
      close(y, whole.at(':', slice(0, 3)).get());
      for (let t = 3; t < 6; t++) {
        [y, cache] = step(model, times(t, t + 1), cache) as [Tensor, nn.AttentionCache];
        close(y, whole.at(':', slice(t, t + 1)).get());
      }
      expect(step.traces).toBe(1);
      expect(cache.position.item()).toBe(6);
    },
  );

  it('has the same derivative, through a scan of steps', () => {
    const model = models['pre-norm block'];
    const byStep = (m: nn.TransformerBlock, x: Tensor): Tensor => {
      const [, ys] = scan(
        (cache: nn.AttentionCache, now: Tensor) => {
          const [y, next] = m.step(now.expandDims(1), cache);
          return [next, y];
        },
        m.cache(2, 6),
        x.swapaxes(0, 1),
      );
      return ys.sin().sum();
    };
    const atOnce = (m: nn.TransformerBlock, x: Tensor): Tensor => m.forward(x).sin().sum();
    const [found, expected] = [byStep, atOnce].map(f => grad(f, { argnums: [0, 1] })(model, x));
    tree.map((a: Tensor, b: Tensor) => close(a, b, 1e-12), found, expected);
  });

  it('says when the cache is full', () => {
    const model = models.attention;
    const [, cache] = model.step(times(0, 4), model.cache(2, 5));
    expect(() => model.step(times(4, 6), cache)).toThrow(/4 are filled/);
    expect(() => model.cache(2, 0)).toThrow(/CT112/);
    expect(() => model.step(times(0, 1), model.cache(3, 5))).toThrow(ShapeMismatch);
    const [y] = jit((m: typeof model, x: Tensor, c: nn.AttentionCache) => m.step(x, c))(
      model,
      times(4, 6),
      cache,
    );
    expect(numbers(y as Tensor).every(Number.isNaN)).toBe(true);
  });
});

describe('positions', () => {
  it('sinusoidal: the position p + k is a rotation of p that depends on k only', () => {
    const table = nn.sinusoidal(40, 6, { dtype });
    expect(numbers(table.at(0).get())).toEqual([0, 1, 0, 1, 0, 1]);
    const waves = [1, 10000 ** (-2 / 6), 10000 ** (-4 / 6)];
    for (const p of [1, 17, 30])
      waves.forEach((wave, i) => {
        const [s, c] = [Math.sin(7 * wave), Math.cos(7 * wave)];
        const [sine, cosine] = numbers(table.at(p, [2 * i, 2 * i + 1]).get());
        const [later, laterCosine] = numbers(table.at(p + 7, [2 * i, 2 * i + 1]).get());
        expect(later).toBeCloseTo(sine * c + cosine * s, 13);
        expect(laterCosine).toBeCloseTo(cosine * c - sine * s, 13);
      });
    expect(() => nn.sinusoidal(4, 5)).toThrow(/even/);
  });

  it.each([false, true])('rotary: products depend on the distance only, interleaved = %s', interleaved => {
    const [q, k] = [normal(5, [1, 6]), normal(6, [1, 6])];
    const score = (m: number, n: number): number =>
      nn
        .rotary(q, { positions: m, interleaved })
        .mul(nn.rotary(k, { positions: n, interleaved }))
        .sum()
        .item();
    for (const shift of [1, 50, 1000]) expect(score(3 + shift, 8 + shift)).toBeCloseTo(score(3, 8), 11);
    expect(Math.abs(score(3, 8) - score(3, 9))).toBeGreaterThan(1e-3);
    // Lengths stay, and position 0 is the vector itself.
    const turned = nn.rotary(q, { positions: 5, interleaved });
    expect(turned.square().sum().item()).toBeCloseTo(q.square().sum().item(), 12);
    close(nn.rotary(q, { interleaved }), q, 1e-15);
  });

  it('rotary: pairs are turned by p·base^(−2i/size)', () => {
    const x = tensor(
      [
        [0, 0, 0, 0],
        [1, 2, 3, 4],
      ],
      dtype,
    );
    const [a, b] = [1, 100 ** (-1 / 2)];
    const turn = (x: number, y: number, angle: number): number[] => [
      x * Math.cos(angle) - y * Math.sin(angle),
      y * Math.cos(angle) + x * Math.sin(angle),
    ];
    const [[x0, x2], [x1, x3]] = [turn(1, 3, a), turn(2, 4, b)];
    close(
      nn.rotary(x, { base: 100 }),
      tensor(
        [
          [0, 0, 0, 0],
          [x0, x1, x2, x3],
        ],
        dtype,
      ),
      1e-15,
    );
    const paired = [...turn(1, 2, a), ...turn(3, 4, b)];
    close(nn.rotary(x, { base: 100, interleaved: true }), tensor([[0, 0, 0, 0], paired], dtype), 1e-15);
    close(
      nn
        .rotary(x, { positions: arange(2).add(3) })
        .at([1])
        .get(),
      nn.rotary(x.at([1]).get(), { positions: 4 }),
    );
    expect(() => nn.rotary(x, { positions: [1, 2, 3] })).toThrow(ShapeMismatch);
    expect(() => nn.rotary(tensor([[1, 2, 3]]))).toThrow(/even/);
  });
});

describe('layers', () => {
  it('dropout is in training only', () => {
    const block = new nn.TransformerBlock(key, 8, 2, { dropout: 0.5 });
    const x = normal(7, [2, 3, 8]).astype('float32');
    const train = (): Tensor => block.forward(x, nn.training(block, { key: random.key(1) }));
    expect(numbers(block.forward(x, nn.evaluation(block)))).toEqual(numbers(block.forward(x)));
    expect(numbers(train())).toEqual(numbers(train()));
    expect(numbers(train())).not.toEqual(numbers(block.forward(x)));
    expect(() => block.forward(x, nn.training(block))).toThrow(/key/);
    // All weights dropped: only the bias of the last product is left.
    const none = new nn.MultiHeadAttention(key, 8, 2, { dropout: 1 });
    expect(numbers(none.forward(x, nn.training(none, { key }))).every(y => y === 0)).toBe(true);
  });

  it('stand in a Sequential, under vmap and jit', () => {
    const model = new nn.Sequential(
      new nn.TransformerBlock(random.key(1), 8, 2, { dtype, causal: true }),
      new nn.TransformerBlock(random.key(2), 8, 4, { dtype, causal: true }),
      new nn.LayerNorm(8, { dtype }),
    );
    const x = normal(8, [3, 4, 8]);
    const loss = (m: nn.Sequential, x: Tensor): Tensor => m.forward(x.expandDims(0)).sin().sum();
    const each = jit(vmap(grad(loss, { argnums: [1] }), { inAxes: [null, 0] }))(model, x);
    const all = grad((x: Tensor) => model.forward(x).sin().sum())(x);
    close((each as unknown as Tensor[])[0], all, 1e-12);
  });

  it('say what does not fit', () => {
    expect(() => new nn.MultiHeadAttention(key, 8, 3)).toThrow(/divisor/);
    expect(() => new nn.MultiHeadAttention(key, 6, 2, { rotary: true })).toThrow(/even size/);
    expect(() => new nn.TransformerBlock(key, 8, 2, { norm: 'none' as never })).toThrow(/'pre' or 'post'/);
    const layer = new nn.MultiHeadAttention(key, 8, 2, { dtype });
    expect(() => layer.forward(normal(1, [3, 8]))).toThrow(/batch of one/);
    expect(() => layer.attend(normal(1, [2, 3, 8]), { keys: normal(2, [1, 3, 8]) })).toThrow(ShapeMismatch);
  });
});
