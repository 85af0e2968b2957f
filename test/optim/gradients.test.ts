/** What transformations of gradients promise, whatever the optimiser inside. */
import { grad, jit, scan, type Tensor, tensor, tree, vmap } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const rate = 0.05;
const float64 = (values: number | number[]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => [...x.dataSync()];

const x = random.uniform(random.key(1), [32, 2], { min: -1, max: 1 });
const y = x.mul(2).sin().sum(1).reshape([32, 1]);
const error = (m: nn.Sequential, at = x, of = y): Tensor => nn.meanSquaredError(m.forward(at), of);
const activation = (v: Tensor): Tensor => v.tanh();
const model = (): nn.Sequential => nn.mlp(random.key(0), [2, 8, 1], { activation });

/** The state as it comes back from a file. */
function restored<State>(state: State): State {
  const { leaves, structure } = tree.flatten(state);
  const copies = (leaves as Tensor[]).map(leaf =>
    tensor(leaf.dataSync().slice() as Float32Array, leaf.dtype).reshape(leaf.shape),
  );
  return tree.unflatten(structure, copies) as State;
}

const matrices = (_: string, leaf: Tensor): boolean => leaf.ndim > 1;
const schedule = optim.cosineSchedule({ peak: 0.05, warmup: 5, steps: 40 });
const everyOptimizer: Record<string, optim.Optimizer> = {
  sgd: optim.sgd({ learningRate: rate }),
  momentum: optim.sgd({ learningRate: schedule, momentum: 0.9, nesterov: true }),
  adam: optim.adam({ learningRate: schedule }),
  nadam: optim.adam({ learningRate: 0.02, nesterov: true }),
  amsgrad: optim.amsgrad({ learningRate: 0.02 }),
  adamw: optim.adamw({ learningRate: tensor(0.02), mask: matrices }),
  adagrad: optim.adagrad({ learningRate: rate }),
  rmsprop: optim.rmsprop({ learningRate: 0.01, centered: true, momentum: 0.5 }),
  lion: optim.lion({ learningRate: 0.005 }),
  lamb: optim.lamb({ learningRate: 0.02 }),
  muon: optim.muon({ learningRate: schedule, adam: { learningRate: 0.02 } }),
  adafactor: optim.adafactor({ learningRate: schedule, smallestFactored: 2, momentum: 0.5 }),
  all: optim.skipIfNotFinite(
    optim.accumulate(
      optim.chain(
        optim.clipByGlobalNorm(1),
        optim.clip(0.5),
        optim.clipByBlockRms(1),
        optim.partition(path => (path.includes('layers[0]') ? 'first' : 'rest'), {
          first: optim.adam({ learningRate: schedule }),
          rest: optim.chain(optim.masked(optim.trace(), matrices), optim.scale(-0.02)),
        }),
        optim.ema({ decay: 0.9 }),
      ),
      2,
    ),
  ),
};

describe('every optimiser', () => {
  it('trains a model in one compiled step, traced once, with donated and restored states', () => {
    const names = Object.keys(everyOptimizer);
    type States = Record<string, { model: nn.Sequential; state: unknown }>;
    let states: States = Object.fromEntries(
      names.map(name => [name, { model: model(), state: everyOptimizer[name].init(model()) }]),
    );
    const step = jit(
      (all: States): States =>
        Object.fromEntries(
          names.map(name => {
            const [updates, state] = everyOptimizer[name].update(
              grad(error)(all[name].model),
              all[name].state,
              all[name].model,
            );
            return [name, { model: optim.applyUpdates(all[name].model, updates), state }];
          }),
        ),
      { donate: [0] },
    );
    for (let i = 0; i < 40; i++) {
      states = step(states) as States;
      if (i === 20) states = restored(states);
    }
    expect(step.traces).toBe(1);
    const before = error(model()).item();
    for (const name of names) {
      expect(states[name].model).toBeInstanceOf(nn.Sequential);
      expect(error(states[name].model).item(), name).toBeLessThan(0.8 * before);
    }
  });

  it.each(['adam', 'muon', 'all'])('%s does the same inside scan as in a loop', name => {
    const optimizer = everyOptimizer[name];
    const step = (m: nn.Sequential, s: unknown): [nn.Sequential, unknown] => {
      const [updates, next] = optimizer.update(grad(error)(m), s, m);
      return [optim.applyUpdates(m, updates), next];
    };
    type Carry = [nn.Sequential, unknown];
    const init: Carry = [model(), optimizer.init(model())];
    const many = (carry: Carry): unknown =>
      scan(((c: unknown) => [step(...(c as Carry)), null]) as never, carry, null, { length: 4 })[0];
    const [scanned] = jit(many as never)(init) as unknown as Carry;
    const once = jit(step as never) as unknown as typeof step;
    let [looped, state] = init;
    for (let i = 0; i < 4; i++) [looped, state] = once(looped, state);
    const [a, b] = [scanned, looped].map(m => tree.flatten(m).leaves as Tensor[]);
    a.forEach((leaf, i) => {
      numbers(leaf).forEach((value, k) => {
        expect(value).toBeCloseTo(numbers(b[i])[k], 6);
      });
    });
  });

  it.each(Object.entries(everyOptimizer))('%s refuses gradients that do not fit', (_, optimizer) => {
    const params = {
      a: tensor([
        [1, 2],
        [3, 4],
      ]),
      b: tensor([1]),
    };
    const state = optimizer.init(params);
    const update = (gradients: unknown): unknown => optimizer.update(gradients as never, state, params);
    expect(() => update({ a: params.a })).toThrow(/CT106.*gradients is a tree \{a: \*\}.*\{a: \*, b: \*\}/s);
    expect(() => update([params.a, params.b])).toThrow(/CT106/);
    expect(() => update({ a: params.a, b: tensor([1, 2]) })).toThrow(
      /CT101.*gradients\.b is float32\[2\] where the parameter is float32\[1\]/s,
    );
  });
});

describe('chain', () => {
  it('keeps the states in order, typed', () => {
    const optimizer = optim.adam({ learningRate: schedule });
    const params = { w: tensor([1, 2]) };
    const [updates, [moments, rate]] = optimizer.update(
      { w: tensor([1, -1]) },
      optimizer.init(params),
      params,
    );
    expect(moments.step.item()).toBe(1);
    expect(rate?.step.item()).toBe(1);
    expect(numbers(moments.mean.w)).toEqual([0.1, -0.1].map(Math.fround));
    expect(numbers(updates.w)).toEqual([-0, 0]);
  });

  it('refuses a state of another optimiser', () => {
    const params = { w: tensor([1, 2]) };
    const state = optim.adam({ learningRate: 1 }).init({ v: tensor([1]) });
    expect(() => optim.adam({ learningRate: 1 }).update(params, state, params)).toThrow(
      /CT106.*scaleByAdam: state\.mean has values for v.*values for w/s,
    );
  });
});

describe('accumulate', () => {
  it('makes of k pieces of a batch the step of the batch, and none between', () => {
    const inner = optim.adam({ learningRate: 0.1 });
    const pieces = optim.accumulate(inner, 4);
    let [whole, some] = [model(), model()];
    let [a, b] = [inner.init(whole), pieces.init(some)];
    const large = jit((m: nn.Sequential, s: typeof a) => inner.update(grad(error)(m), s, m));
    const small = jit((m: nn.Sequential, s: typeof b, at: Tensor, of: Tensor) =>
      pieces.update(grad(error)(m, at, of), s, m),
    );
    for (let round = 0; round < 3; round++) {
      const [updates, next] = large(whole, a);
      [whole, a] = [optim.applyUpdates(whole, updates), next as typeof a];
      for (let i = 0; i < 4; i++) {
        const at = (v: Tensor): Tensor => tensor(v.arraySync() as number[][]).reshape([4, 8, -1]);
        const piece = (v: Tensor): Tensor => tensor((at(v).arraySync() as number[][][])[i]);
        const [part, after] = small(some, b, piece(x), piece(y));
        const largest = (tree.flatten(part).leaves as Tensor[]).map(leaf => leaf.abs().max().item());
        expect(Math.max(...largest) > 0).toBe(i === 3);
        [some, b] = [optim.applyUpdates(some, part), after as typeof b];
        expect(b.count.item()).toBe((i + 1) % 4);
      }
    }
    expect(b.inner[0].step.item()).toBe(3);
    expect(small.traces).toBe(1);
    const [p, q] = [whole, some].map(m => tree.flatten(m).leaves as Tensor[]);
    p.forEach((leaf, i) => {
      numbers(leaf).forEach((v, k) => {
        expect(v).toBeCloseTo(numbers(q[i])[k], 4);
      });
    });
  });
});

describe('ema', () => {
  const path = [1, 3, -2, 5];

  function averages(options: optim.EmaOptions): number[] {
    const follow = optim.chain(optim.identity(), optim.ema<Tensor>(options));
    let params = float64(0.5);
    let state = follow.init(params);
    return path.map(next => {
      const [updates, after] = follow.update(float64(next).sub(params), state, params);
      params = optim.applyUpdates(params, updates);
      expect(params.item()).toBe(next);
      state = after;
      return state[1].average.item();
    });
  }

  it('is the mean of the steps, weighted by decay', () => {
    averages({ decay: 0.8 }).forEach((value, t) => {
      const weights = path.slice(0, t + 1).map((_, i) => 0.2 * 0.8 ** (t - i));
      const mean = weights.reduce((sum, w, i) => sum + w * path[i], 0) / (1 - 0.8 ** (t + 1));
      expect(value).toBeCloseTo(mean, 14);
    });
  });

  it('begins with the parameters without debias', () => {
    let expected = 0.5;
    averages({ decay: 0.8, debias: false }).forEach((value, t) => {
      expected = 0.8 * expected + 0.2 * path[t];
      expect(value).toBeCloseTo(expected, 14);
    });
  });

  it('is a model', () => {
    const optimizer = optim.chain(optim.sgd({ learningRate: rate }), optim.ema<nn.Sequential>());
    const [, [, { average }]] = optimizer.update(grad(error)(model()), optimizer.init(model()), model());
    expect(average.forward(x).shape).toEqual([32, 1]);
  });
});

describe('skipIfNotFinite', () => {
  it('leaves out steps with NaN or infinite gradients, and so many in a row only', () => {
    const optimizer = optim.skipIfNotFinite(optim.sgd({ learningRate: 0.5, momentum: 0.5 }), { maxInRow: 2 });
    const update = jit((g: Tensor, s: typeof state, p: Tensor) => {
      const [updates, next] = optimizer.update(g, s, p);
      return [optim.applyUpdates(p, updates), next] as const;
    });
    let params = tensor([1, 2]);
    let state = optimizer.init(params);
    const gradients = [
      [1, 1],
      [Number.NaN, 1],
      [1, Number.POSITIVE_INFINITY],
      [1, 1],
    ];
    const after = [
      [0.5, 1.5],
      [0.5, 1.5],
      [0.5, 1.5],
      [-0.25, 0.75],
    ];
    gradients.forEach((g, i) => {
      [params, state] = update(tensor(g), state, params) as [Tensor, typeof state];
      expect(numbers(params)).toEqual(after[i]);
      expect(state.inRow.item()).toBe([0, 1, 2, 0][i]);
    });
    expect(state.total.item()).toBe(2);
    for (let i = 0; i < 3; i++)
      [params, state] = update(tensor([Number.NaN, 0]), state, params) as [Tensor, typeof state];
    expect(numbers(params)[0]).toBeNaN();
    expect(update.traces).toBe(1);
  });
});

describe('clipping', () => {
  const gradients = { a: float64([3, 4]), b: [float64([12, 0])] };

  it('shortens all leaves together to the limit', () => {
    expect(optim.globalNorm(gradients).item()).toBe(13);
    const [clipped] = optim.clipByGlobalNorm(1.3).update(gradients, null, gradients);
    expect(numbers(clipped.a)).toEqual([3 / 13, 4 / 13].map(v => expect.closeTo(1.3 * v, 15)));
    expect(optim.globalNorm(clipped).item()).toBeCloseTo(1.3, 14);
    const [same] = optim.clipByGlobalNorm(13.1).update(gradients, null, gradients);
    expect(numbers(same.b[0])).toEqual([12, 0]);
  });

  it('cuts elements', () => {
    expect(numbers(optim.clip(3.5).update(gradients, null, gradients)[0].a)).toEqual([3, 3.5]);
  });
});

describe('masked and partition', () => {
  const params = { encoder: { w: tensor([1, 1]), b: tensor([1]) }, heads: [tensor([1]), tensor([1])] };
  const ones = tree.map((leaf: Tensor) => leaf.mul(0).add(1), params) as typeof params;
  const changed = (mask: optim.Mask): number[] => {
    const doubled = optim.masked(optim.scale(2), mask);
    const [updates] = doubled.update(ones, doubled.init(params), params);
    return (tree.flatten(updates).leaves as Tensor[]).map(leaf => numbers(leaf)[0]);
  };

  it('mean the leaves of a tree of booleans, of subtrees, of a function', () => {
    // In the order encoder.b, encoder.w, heads[0], heads[1].
    expect(changed({ encoder: { w: true, b: false }, heads: [false, true] })).toEqual([1, 2, 1, 2]);
    expect(changed({ encoder: true, heads: [false, true] })).toEqual([2, 2, 1, 2]);
    expect(changed(true)).toEqual([2, 2, 2, 2]);
    expect(changed(path => path === 'heads[1]' || path === 'encoder.b')).toEqual([2, 1, 1, 2]);
    expect(changed((_, leaf) => leaf.size === 2)).toEqual([1, 2, 1, 1]);
  });

  it('take a module as a mask', () => {
    const mask = tree.map((leaf: Tensor) => leaf.ndim > 1, model()) as object;
    const doubled = optim.masked(optim.scale(2), mask);
    const ones = tree.map((leaf: Tensor) => leaf.mul(0).add(1), model()) as nn.Sequential;
    const [updates] = doubled.update(ones, null, model());
    const leaves = tree.flatten(updates).leaves as Tensor[];
    expect(leaves.map(leaf => leaf.max().item())).toEqual(leaves.map(leaf => leaf.ndim));
  });

  it('refuse masks that do not fit', () => {
    expect(() => changed({ encoder: true })).toThrow(/CT106.*mask\.heads is undefined/s);
    expect(() => changed({ encoder: { w: 1, b: true }, heads: true })).toThrow(
      /CT106.*mask\.encoder\.w is number/s,
    );
  });

  it('give each part its own optimiser, whose state has the leaves by their paths', () => {
    const optimizer = optim.partition((path: string) => (path.startsWith('heads') ? 'trained' : 'fixed'), {
      trained: optim.sgd({ learningRate: 0.5, momentum: 0.9 }),
      fixed: optim.freeze(),
    });
    let state = optimizer.init(params);
    let moved = params;
    for (let i = 0; i < 2; i++) {
      const [updates, next] = optimizer.update(ones, state, moved);
      [moved, state] = [optim.applyUpdates(moved, updates), next];
    }
    expect(numbers(moved.encoder.w)).toEqual([1, 1]);
    expect(moved.heads[0].item()).toBeCloseTo(1 - 0.5 - 0.5 * 1.9, 6);
    expect(Object.keys(state.trained[0].momentum)).toEqual(['heads[0]', 'heads[1]']);
    expect(state.fixed).toBeNull();
  });

  it('see the same paths inside of one another', () => {
    const seen: string[] = [];
    const inner = optim.masked(optim.scale(2), path => seen.push(path) > 0);
    optim.masked(inner, { encoder: true, heads: [true, false] }).update(ones, null, params);
    expect(seen).toEqual(['encoder.b', 'encoder.w', 'heads[0]']);
  });

  it('refuse a part without a transformation', () => {
    const optimizer = optim.partition((() => 'other') as never, { one: optim.freeze() });
    expect(() => optimizer.init(params)).toThrow(/CT112.*encoder\.b is "other".*'one'/s);
  });
});

describe('scaleByMuon', () => {
  const direction = (gradient: Tensor, options: optim.MuonMomentOptions = {}): Tensor => {
    const muon = optim.scaleByMuon(options);
    return muon.update(gradient, muon.init(gradient), gradient)[0];
  };

  it.each([[[5, 3]], [[3, 5]], [[4, 4]]])('makes the singular values of a matrix %j near 1', shape => {
    const u = direction(random.normal(random.key(3), shape, { dtype: 'float64' }), { steps: 10 });
    const gram = shape[0] > shape[1] ? u.T.matmul(u) : u.matmul(u.T);
    // All eigenvalues between 0.6² and 1.3²: so are trace and diagonal.
    const n = Math.min(...shape);
    const rows = gram.arraySync() as number[][];
    rows.forEach((row, i) => {
      expect(row[i]).toBeGreaterThan(0.36);
      expect(row[i]).toBeLessThan(1.69);
      const rest = row.reduce((sum, v, k) => sum + (k === i ? 0 : v * v), 0);
      expect(Math.sqrt(rest)).toBeLessThan((1.69 - 0.36) / 2 + 1e-9);
    });
    expect(rows).toHaveLength(n);
  });

  it('is the sign with the cubic polynomial, which converges: UVᵀ exactly', () => {
    const g = float64([3, 1, 1, 2]).reshape([2, 2]);
    // A symmetric positive matrix is its own factor: UVᵀ = 1.
    const u = direction(g, { steps: 40, coefficients: [1.5, -0.5, 0], eps: 0 });
    expect(numbers(u)).toEqual([1, 0, 0, 1].map(v => expect.closeTo(v, 12)));
  });

  it('treats leading axes as a batch', () => {
    const g = random.normal(random.key(4), [3, 4, 2]);
    const each = vmap((one: Tensor) => direction(one))(g);
    numbers(direction(g)).forEach((v, i) => {
      expect(v).toBeCloseTo(numbers(each)[i], 5);
    });
  });

  it('refuses vectors', () => {
    expect(() => optim.scaleByMuon().init({ b: tensor([1, 2]) })).toThrow(/CT112.*float32\[2\].*matrices/s);
  });
});

describe('derivatives through a step', () => {
  it('of the loss after a step of Adam, by the learning rate', () => {
    const loss = (p: Tensor): Tensor =>
      p
        .sub(float64([1, -2]))
        .square()
        .sum();
    const stepped = (eta: Tensor): Tensor => {
      const optimizer = optim.adam({ learningRate: eta, epsRoot: 1e-8 });
      const p = float64([0.3, 0.4]);
      return loss(optim.applyUpdates(p, optimizer.update(grad(loss)(p), optimizer.init(p), p)[0]));
    };
    const h = 1e-5;
    const slope = (stepped(float64(0.1 + h)).item() - stepped(float64(0.1 - h)).item()) / (2 * h);
    expect(grad(stepped)(float64(0.1)).item()).toBeCloseTo(slope, 7);
  });
});

describe('schedules', () => {
  it('train float32 parameters at the rate of the step, counted from 0', () => {
    const optimizer = optim.sgd({ learningRate: optim.piecewiseSchedule(0.5, { 1: 0.5, 3: 0.1 }) });
    let params = tensor([10]);
    let state = optimizer.init(params);
    const moves: number[] = [];
    for (let i = 0; i < 4; i++) {
      const [updates, next] = optimizer.update(tensor([1]), state, params);
      expect(updates.dtype).toBe('float32');
      moves.push(updates.item());
      [params, state] = [optim.applyUpdates(params, updates), next];
    }
    expect(moves).toEqual([-0.5, -0.25, -0.25, -0.025].map(Math.fround));
  });

  it.each<[string, () => unknown, RegExp]>([
    ['linear', () => optim.linearSchedule({ from: 1, steps: 0 }), /linearSchedule with steps 0/],
    ['cosine', () => optim.cosineSchedule({ peak: 1, steps: 5, warmup: 5 }), /steps − warmup 0/],
    ['cosine', () => optim.cosineSchedule({ peak: Number.NaN, steps: 5 }), /peak NaN/],
    ['exponential', () => optim.exponentialSchedule({ from: 1, rate: -1, steps: 5 }), /rate -1/],
    ['piecewise', () => optim.piecewiseSchedule(1, { soon: 1 } as never), /boundary NaN/],
    ['one cycle', () => optim.oneCycleSchedule({ peak: 1, steps: 10, shape: 'square' as never }), /"square"/],
    ['join', () => optim.joinSchedules([optim.constantSchedule(1)], [5]), /1 schedules and boundaries \[5\]/],
  ])('%s refuses numbers that make no sense', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(/CT112/);
  });
});

it.each<[() => unknown, RegExp]>([
  [() => optim.clip(0), /clip with limit 0/],
  [() => optim.clipByGlobalNorm(-1), /limit -1/],
  [() => optim.accumulate(optim.freeze(), 1.5), /k 1\.5/],
  [() => optim.ema({ decay: 1 }), /ema with decay 1/],
  [() => optim.rmsprop({ learningRate: 1, decay: 2 }), /rmsprop with decay 2/],
  [() => optim.lion({ learningRate: 1, b2: -1 }), /lion with b2 -1/],
  [() => optim.lamb({ learningRate: 1, weightDecay: -1 }), /lamb with weightDecay -1/],
  [() => optim.muon({ learningRate: 1, steps: 0 }), /muon with steps 0/],
  [() => optim.adafactor({ learningRate: 1, decayRate: 1 }), /adafactor with decayRate 1/],
  [() => optim.adagrad({ learningRate: 1, initial: -1 }), /adagrad with initial -1/],
  [() => optim.scaleByLearningRate(undefined as never), /learningRate undefined/],
])('bad options: %s', (make, message) => {
  expect(make).toThrow(message);
  expect(make).toThrow(/CT112/);
});
