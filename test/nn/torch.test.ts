/**
 * Layers, activations and losses against PyTorch 2.13, values and gradients, in both float types. The numbers in
 * test/oracle/torch/layers.json come from test/oracle/generate/torch_nn.py, which computed them in float64.
 *
 * An error may be 32 steps of the type at the size of the largest number expected: sums of up to 100 products, added
 * in another order, lose some steps, and the file's 15 digits up to 5 of float64. A wrong formula is off by far more.
 */
import { readFileSync } from 'node:fs';
import { type DType, jit, stack, type Tensor, tensor, tree, valueAndGrad, vjp } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';
import { decodeNumber, type OracleNumber } from '../oracle/read.ts';

interface Value {
  readonly shape: readonly number[];
  readonly data: readonly OracleNumber[];
  readonly dtype?: 'int32';
}

type Named = Readonly<Record<string, Value>>;

interface LayerCase {
  readonly kind: 'layer';
  readonly id: string;
  readonly layer: string;
  readonly args: readonly unknown[];
  readonly x: Value;
  readonly out: Value;
  readonly cotangent: Value;
  readonly parameters: Named;
  readonly grads: Named;
  readonly training?: boolean;
  readonly state?: Named;
  readonly next?: Named;
}

interface FunctionCase {
  readonly kind: 'function';
  readonly id: string;
  readonly fn: string;
  readonly args: readonly Value[];
  readonly options: object;
  readonly out: Value;
  readonly cotangent: Value;
  readonly wrt: readonly number[];
  readonly grads: readonly Value[];
}

interface TrainingCase {
  readonly kind: 'training';
  readonly rate: number;
  readonly x: Value;
  readonly y: Value;
  readonly losses: Value;
  readonly logits: Value;
  readonly parameters: Named;
  readonly trained: Named;
  readonly state: Readonly<Record<string, Named>>;
}

type Case = LayerCase | FunctionCase | TrainingCase;
const cases = JSON.parse(
  readFileSync(new URL('../oracle/torch/layers.json', import.meta.url), 'utf8'),
) as Case[];
const of = <K extends Case['kind']>(kind: K): Extract<Case, { kind: K }>[] =>
  cases.filter((c): c is Extract<Case, { kind: K }> => c.kind === kind);

const floats = ['float32', 'float64'] as const;
type FloatType = (typeof floats)[number];

function read(value: Value, dtype: DType): Tensor {
  return tensor(Float64Array.from(value.data, decodeNumber), { shape: value.shape }).astype(
    value.dtype ?? dtype,
  );
}

const readAll = (values: Named, dtype: DType): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, read(value, dtype)]));

function near(actual: Tensor, expected: Value, dtype: FloatType, what: string, steps = 32): void {
  expect(actual.dtype, what).toBe(dtype);
  expect(actual.shape, what).toEqual(expected.shape);
  const wanted = expected.data.map(decodeNumber);
  const finite = wanted.filter(Number.isFinite).map(Math.abs);
  const allowed = steps * (dtype === 'float32' ? 2 ** -23 : 2 ** -52) * Math.max(...finite, 0);
  actual.dataSync().forEach((x, i) => {
    const off = Object.is(x, wanted[i]) ? 0 : Math.abs(x - wanted[i]);
    if (!(off <= allowed)) expect.fail(`${what}[${i}]: ${x}, PyTorch has ${wanted[i]}`);
  });
}

/** A module with other tensors in the fields of these names. */
function withParameters<M extends nn.Module>(module: M, parameters: Readonly<Record<string, Tensor>>): M {
  for (const [name, value] of Object.entries(parameters))
    expect((module as unknown as Record<string, Tensor>)[name]?.shape, name).toEqual(value.shape);
  return Object.assign(module, parameters);
}

interface LayerOf extends nn.Module {
  forward(x: Tensor, pass?: nn.Pass): Tensor;
}

const withoutKey = new Set([
  'BatchNorm',
  'LayerNorm',
  'RMSNorm',
  'GroupNorm',
  'Dropout',
  'Flatten',
  'PRelu',
  'MaxPool',
  'AvgPool',
]);

function make({ layer, args }: LayerCase): LayerOf {
  const constructor = (nn as unknown as Record<string, new (...args: unknown[]) => LayerOf>)[layer];
  return new constructor(...(withoutKey.has(layer) ? [] : [random.key(0)]), ...args);
}

/** Steps allowed where 32 are not enough. */
const looser: Readonly<Record<string, number>> = {
  // Rounding errors of a sum over time of logarithms that are ten times as large as the result.
  ctcLoss: 256,
};

describe.each(floats)('PyTorch’s numbers in %s', dtype => {
  it.each(of('layer').map(test => [test.id, test] as const))('%s', (_, test) => {
    const layer = withParameters(make(test), readAll(test.parameters, dtype));
    const x = read(test.x, dtype);
    const cotangent = read(test.cotangent, dtype);
    const state = test.state === undefined ? {} : { '': readAll(test.state, dtype) };
    const product = (own: LayerOf, input: Tensor): [Tensor, [Tensor, nn.ModelState]] => {
      const pass = test.training ? nn.training(own, { state }) : nn.evaluation(own, { state });
      const out = own.forward(input, pass);
      return [out.mul(cotangent).sum(), [out, pass.state]];
    };
    const [[, [out, next]], ofLayer, ofX] = x.aval.isFloat
      ? (([value, [own, input]]) => [value, own, input] as const)(
          valueAndGrad(product, { argnums: [0, 1], hasAux: true })(layer, x),
        )
      : valueAndGrad(product, { hasAux: true })(layer, x);
    near(out, test.out, dtype, 'output');
    for (const [name, value] of Object.entries(test.next ?? {})) near(next[''][name], value, dtype, name);
    for (const [name, value] of Object.entries(test.grads)) {
      const gradient = name === 'x' ? ofX : (ofLayer as unknown as Record<string, Tensor>)[name];
      near(gradient as Tensor, value, dtype, `gradient of ${name}`);
    }
  });

  it.each(of('function').map(test => [test.id, test] as const))('%s', (_, test) => {
    const f = (nn as unknown as Record<string, (...args: unknown[]) => Tensor>)[test.fn];
    const args = test.args.map(value => read(value, dtype));
    const some = test.wrt.map(i => args[i]);
    const [out, pullback] = vjp(
      (...chosen: Tensor[]) => {
        const all = args.map((arg, i) => chosen[test.wrt.indexOf(i)] ?? arg);
        return f(...all, test.options);
      },
      ...some,
    );
    const steps = looser[test.fn];
    near(out, test.out, dtype, 'value', steps);
    const grads = pullback(read(test.cotangent, dtype)) as unknown as Tensor[];
    test.grads.forEach((value, i) => {
      near(grads[i], value, dtype, `gradient ${test.wrt[i]}`, steps);
    });
  });
});

describe.each(floats)('training a network in %s', dtype => {
  const [test] = of('training');
  // Rounding errors grow from step to step.
  const steps = 64;
  const network = (parameters: Named): nn.Sequential => {
    const key = random.key(0);
    const own = (i: number): Record<string, Tensor> =>
      readAll(
        Object.fromEntries(
          Object.entries(parameters)
            .filter(([name]) => name.startsWith(`${i}.`))
            .map(([name, value]) => [name.split('.')[1], value]),
        ),
        dtype,
      );
    return new nn.Sequential(
      withParameters(new nn.Conv2d(key, 2, 4, 3, { padding: 1, bias: false }), own(0)),
      withParameters(new nn.BatchNorm(4, { dtype }), own(1)),
      nn.relu,
      new nn.MaxPool(2),
      new nn.Flatten(),
      withParameters(new nn.Linear(key, 16, 5), own(5)),
      withParameters(new nn.BatchNorm(5, { momentum: 0.25, dtype }), own(6)),
      nn.silu,
      withParameters(new nn.Linear(key, 5, 3), own(8)),
    );
  };

  it('has PyTorch’s losses, parameters and running statistics after each step', () => {
    const loss = (
      model: nn.Sequential,
      state: nn.ModelState,
      x: Tensor,
      y: Tensor,
    ): [Tensor, nn.ModelState] => {
      const pass = nn.training(model, { state });
      return [nn.crossEntropy(model.forward(x, pass), y), pass.state];
    };
    const step = jit((model: nn.Sequential, state: nn.ModelState, x: Tensor, y: Tensor) => {
      const [[value, next], gradient] = valueAndGrad(loss, { hasAux: true })(model, state, x, y);
      const better = tree.map((p: Tensor, g: Tensor) => p.sub(g.mul(test.rate)), model, gradient);
      return [value, better as nn.Sequential, next] as const;
    });
    let model = network(test.parameters);
    let state = nn.initialState(model);
    const [x, y] = [read(test.x, dtype), read(test.y, 'int32')];
    const losses: Tensor[] = [];
    for (let i = 0; i < x.shape[0]; i++) {
      const [value, better, next] = step(model, state, x.at(i).get(), y.at(i).get());
      losses.push(value);
      model = better as nn.Sequential;
      state = next;
    }
    expect(step.traces).toBe(1);
    near(stack(losses), test.losses, dtype, 'losses', steps);
    expect(Object.keys(state)).toEqual(Object.keys(test.state));
    for (const [path, statistics] of Object.entries(test.state))
      for (const [name, value] of Object.entries(statistics))
        near(state[path][name], value, dtype, `${path} ${name}`, steps);
    for (const [name, value] of Object.entries(test.trained)) {
      const [i, field] = name.split('.');
      const layer = model.layers[Number(i)] as unknown as Record<string, Tensor>;
      near(layer[field], value, dtype, name, steps);
    }
    const logits = model.forward(x.at(0).get(), nn.evaluation(model, { state }));
    near(logits, test.logits, dtype, 'logits in evaluation', steps);
  });
});
