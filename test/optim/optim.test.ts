/** Optimisers against their own formulas, step by step in plain JavaScript, on the quadratic Σ aᵢ(xᵢ − cᵢ)²/2. */
import { grad, jit, type Tensor, tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const a = [1, 10, 0.5];
const c = [2, -1, 0];
const start = [0, 0.5, 3];
const slope = (x: readonly number[]): number[] => x.map((v, i) => a[i] * (v - c[i]));
const loss = (params: { x: Tensor }): Tensor =>
  params.x.sub(tensor(c, 'float64')).square().mul(tensor(a, 'float64')).sum().mul(0.5);

/** The parameter after each of n steps. */
function run<State>(optimizer: optim.Optimizer<State>, n: number, compiled: boolean): number[][] {
  let params = { x: tensor(start, 'float64') };
  let state = optimizer.init(params);
  const step = (p: typeof params, s: typeof state): [typeof params, typeof state] => {
    const [updates, next] = optimizer.update(grad(loss)(p), s, p);
    return [optim.applyUpdates(p, updates), next];
  };
  const once = compiled ? (jit(step as never) as unknown as typeof step) : step;
  return Array.from({ length: n }, () => {
    [params, state] = once(params, state);
    return [...params.x.dataSync()];
  });
}

/** The same, written down from the formula. */
function byHand(n: number, step: (x: number[], g: number[], t: number) => number[]): number[][] {
  let x = [...start];
  return Array.from({ length: n }, (_, t) => {
    x = step(x, slope(x), t + 1);
    return x;
  });
}

interface Case {
  readonly make: () => optim.Optimizer;
  readonly expected: () => number[][];
}

const rate = 0.05;

function momentum(nesterov: boolean): number[][] {
  let m = start.map(() => 0);
  return byHand(8, (x, g) => {
    m = g.map((v, i) => v + 0.9 * m[i]);
    return x.map((v, i) => v - rate * (nesterov ? g[i] + 0.9 * m[i] : m[i]));
  });
}

function adam(decay: number): number[][] {
  let m = start.map(() => 0);
  let v = start.map(() => 0);
  return byHand(8, (x, g, t) => {
    m = m.map((old, i) => 0.9 * old + 0.1 * g[i]);
    v = v.map((old, i) => 0.999 * old + 0.001 * g[i] ** 2);
    return x.map((old, i) => {
      const direction = m[i] / (1 - 0.9 ** t) / (Math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8);
      return old - rate * (direction + decay * old);
    });
  });
}

const cases: Record<string, Case> = {
  sgd: {
    make: () => optim.sgd({ learningRate: rate }),
    // xₜ − c = (1 − ηa)ᵗ(x₀ − c)
    expected: () =>
      Array.from({ length: 8 }, (_, t) =>
        start.map((x, i) => c[i] + (1 - rate * a[i]) ** (t + 1) * (x - c[i])),
      ),
  },
  'sgd with momentum': {
    make: () => optim.sgd({ learningRate: rate, momentum: 0.9 }),
    expected: () => momentum(false),
  },
  'sgd after Nesterov': {
    make: () => optim.sgd({ learningRate: rate, momentum: 0.9, nesterov: true }),
    expected: () => momentum(true),
  },
  'sgd with a schedule': {
    make: () => optim.sgd({ learningRate: step => tensor(rate).div(step.add(1)) }),
    expected: () => byHand(8, (x, g, t) => x.map((v, i) => v - (Math.fround(rate) / t) * g[i])),
  },
  adam: { make: () => optim.adam({ learningRate: rate }), expected: () => adam(0) },
  adamw: {
    make: () => optim.adamw({ learningRate: rate, weightDecay: 0.01 }),
    expected: () => adam(0.01),
  },
};

describe.each(Object.entries(cases))('%s', (name, { make, expected }) => {
  it('takes the steps of its formula', () => {
    const digits = name.includes('schedule') ? 6 : 12;
    run(make(), 8, false).forEach((x, t) => {
      x.forEach((v, i) => {
        expect(v).toBeCloseTo(expected()[t][i], digits);
      });
    });
  });

  it('takes the same steps compiled, bit for bit', () => {
    expect(run(make(), 5, true)).toEqual(run(make(), 5, false));
  });
});

describe('optimisers', () => {
  it('the first step of Adam is the learning rate along the signs of the gradient', () => {
    const [first] = run(optim.adam({ learningRate: rate }), 1, false);
    first.forEach((x, i) => {
      expect(x).toBeCloseTo(start[i] - rate * Math.sign(slope(start)[i]), 9);
    });
  });

  it('float32 loses nothing to the correction of the bias', () => {
    const optimizer = optim.adam({ learningRate: 1 });
    const params = tensor([1]);
    const [updates] = optimizer.update(tensor([1e-3]), optimizer.init(params), params);
    expect(updates.item()).toBeCloseTo(-1 / (1 + 1e-5), 6);
  });

  it('train a module, which stays one', () => {
    let model = nn.mlp(random.key(0), [1, 16, 1], { activation: x => x.tanh() });
    const optimizer = optim.adam({ learningRate: 0.03 });
    let state = optimizer.init(model);
    const x = random.uniform(random.key(1), [64, 1], { min: -2, max: 2 });
    const y = x.mul(2).sin();
    const error = (m: nn.Sequential): Tensor => nn.meanSquaredError(m.forward(x), y);
    const step = jit((m: nn.Sequential, s: typeof state): [nn.Sequential, typeof state] => {
      const [updates, next] = optimizer.update(grad(error)(m), s, m);
      return [optim.applyUpdates(m, updates), next];
    });
    const before = error(model).item();
    for (let i = 0; i < 300; i++) [model, state] = step(model, state);
    expect(model).toBeInstanceOf(nn.Sequential);
    expect(state[0].step.item()).toBe(300);
    expect(step.traces).toBe(1);
    expect(error(model).item()).toBeLessThan(before / 100);
  });

  it('refuse numbers that make no sense', () => {
    expect(() => optim.sgd({ learningRate: -1 })).toThrow(/CT112.*learningRate -1/s);
    expect(() => optim.sgd({ learningRate: 1, momentum: 1 })).toThrow(/momentum 1/);
    expect(() => optim.adam({ learningRate: 1, b2: 1 })).toThrow(/b2 1/);
    expect(() => optim.adam({} as never)).toThrow(/learningRate undefined/);
  });
});
