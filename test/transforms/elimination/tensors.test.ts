/** Elimination on graphs of tensors: every order gives the Jacobian of forward and of reverse mode. */
import { describe, expect, test } from 'vitest';
import {
  BadArgument,
  CannotUnroll,
  checkpoint,
  cond,
  customVjp,
  type EliminationOptions,
  eliminationOrder,
  grad,
  hessian,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  NotDifferentiable,
  scan,
  type Tensor,
  tensor,
  tree,
  vmap,
  whileLoop,
} from '../../../src/index.ts';
import { conv, maxPool, softmax } from '../../../src/nn/index.ts';
import { randomNumbers } from '../../../src/transforms/elimination/orders.ts';

type Map = (x: Tensor) => Tensor;
type AnyMap = (...args: never[]) => unknown;

function random(seed: number, ...shape: number[]): Tensor {
  const next = randomNumbers(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from({ length: size }, () => 2 * next() - 1)).reshape(shape);
}

/** Equal trees, the leaves of equal shapes and types. */
function close(found: unknown, expected: unknown, tolerance = 1e-12): void {
  const [a, b] = [tree.flatten(found), tree.flatten(expected)];
  expect(a.structure.equals(b.structure)).toBe(true);
  a.leaves.forEach((leaf, i) => {
    const [x, y] = [leaf as Tensor, b.leaves[i] as Tensor];
    expect(String(x.aval)).toBe(String(y.aval));
    const right = y.dataSync();
    let worst = 0;
    x.dataSync().forEach((value, k) => {
      const off = Math.abs(Number(value) - Number(right[k])) / Math.max(1, Math.abs(Number(right[k])));
      worst = off <= worst ? worst : off;
    });
    expect(worst).toBeLessThanOrEqual(tolerance);
  });
}

const byTensors = (f: AnyMap, options: EliminationOptions = {}): AnyMap =>
  jacobian(f as Map, { mode: 'elimination', graph: 'tensor', order: 'markowitz', ...options }) as never;

const dense = (W: Tensor, x: Tensor): Tensor => W.matmul(x).tanh();

/** Elementwise functions one after the other, 100 → 3 → 100 between them. */
function bottleneck(n: number, depth: number): Map {
  const [narrow, wide] = [random(1, 3, n), random(2, n, 3)];
  const chain = (x: Tensor, links: number): Tensor =>
    Array.from({ length: links }).reduce<Tensor>(y => y.sin().add(y.mul(0.5)), x);
  return x => chain(wide.matmul(chain(dense(narrow, chain(x, depth)), 2)), depth);
}

function perceptron(...sizes: number[]): Map {
  const weights = sizes.slice(1).map((rows, i) => random(i, rows, sizes[i]));
  return x => weights.reduce((h, W) => dense(W, h), x);
}

function residualNetwork(width: number, depth: number): Map {
  const layers = Array.from({ length: depth }, (_, i) => [random(i, 5, width), random(i + 50, width, 5)]);
  return x => layers.reduce((h, [A, B]) => h.add(B.matmul(dense(A, h)).mul(0.5)), x).square();
}

const image = random(3, 1, 2, 6, 6);
const kernels = random(4, 3, 2, 3, 3);
const features: Map = x =>
  maxPool(conv(x, kernels, { padding: 'same' }).tanh(), { window: 2 })
    .reshape([27])
    .mul(random(5, 27));

const [Wq, Wk, Wv] = [6, 7, 8].map(seed => random(seed, 4, 3));
const attention: Map = x => {
  const [q, k, v] = [Wq, Wk, Wv].map(W => x.matmul(W));
  return softmax(q.matmul(k.transpose()).mul(0.6)).matmul(v);
};

const recurrent: Map = x => {
  const [W, U] = [random(9, 3, 3), random(10, 3, 2)];
  const step = (h: Tensor, u: Tensor): [Tensor, Tensor] => {
    const next = W.matmul(h).add(U.matmul(u)).tanh();
    return [next, next.sum()];
  };
  const [last, sums] = scan(step, random(11, 3), x.reshape([4, 2]));
  return last.mul(sums.sum());
};

/** Start, sequence and what all steps share depend on the argument, and so do both results. */
const movingScan: Map = x => {
  const W = x.reshape([2, 3]).matmul(random(25, 3, 2));
  const step = (h: Tensor, u: Tensor): [Tensor, Tensor] => {
    const next = W.matmul(h).add(u).tanh();
    return [next, next.mul(u)];
  };
  const [last, all] = scan(step, x.reshape([3, 2]).sum(0), x.sin().reshape([3, 2]));
  return last.mul(all.sum(0));
};

const cases: Record<string, [f: AnyMap, x: unknown]> = {
  'an elementwise function': [(x: Tensor) => x.sin().mul(x).exp(), random(0, 7)],
  'a deep perceptron with a bottleneck': [perceptron(6, 9, 9, 2, 9, 5), random(1, 6)],
  'a perceptron with one output': [perceptron(8, 6, 6, 1), random(1, 8)],
  'a residual network': [residualNetwork(7, 4), random(2, 7)],
  'convolution and pooling': [features, image],
  attention: [attention, random(12, 5, 4)],
  scan: [recurrent, random(13, 8)],
  'a scan in which everything moves': [movingScan, random(26, 6)],
  'gather with computed indices': [
    (x: Tensor) => x.square().take(x.mul(2).floor().astype('int32').mod(5)).mul(x.cos()),
    random(14, 5),
  ],
  'sort and running sums': [(x: Tensor) => x.sort().mul(x.cumsum()), random(15, 6)],
  'a loop whose steps depend on values': [
    (x: Tensor) =>
      whileLoop(
        (y: Tensor) => y.square().sum().greater(1),
        (y: Tensor) => y.mul(y.cos()).mul(0.5),
        x.mul(3),
      ),
    random(16, 4),
  ],
  'a choice': [
    (x: Tensor) =>
      cond(
        x.at(0).get().greater(x.at(1).get()),
        (y: Tensor) => y.square(),
        (y: Tensor) => y.sin(),
        x,
      ),
    random(17, 3),
  ],
  'several leaves of different shapes': [
    ({ a, b }: { a: Tensor; b: Tensor }) => ({
      p: a.matmul(b).tanh(),
      q: [b.sum().exp(), a.astype('float32'), b.mul(0).add(2), tensor([1, 2], 'float64'), b],
    }),
    { a: random(18, 2, 3), b: random(19, 3) },
  ],
  'an operand that occurs twice': [
    (x: Tensor) =>
      x
        .add(x)
        .sub(x.mul(0.5))
        .reshape([2, 2])
        .matmul(x.reshape([2, 2])),
    random(20, 4),
  ],
  'a checkpointed part and a jitted one': [
    (x: Tensor) => jit((y: Tensor) => y.sin().mul(y))(checkpoint((y: Tensor) => y.exp().mul(y))(x)),
    random(21, 4),
  ],
  'no element': [(x: Tensor) => x.sin().mul(x), random(22, 0)],
  'no dependence': [(x: Tensor) => x.mul(0).floor(), random(23, 3)],
  'the argument itself': [(x: Tensor) => x, random(24, 2, 2)],
};

describe('all orders agree with forward mode', () => {
  test.each(Object.entries(cases))('%s', (_, [f, x]) => {
    const expected = jacfwd(f as Map)(x as Tensor);
    for (const order of ['forward', 'reverse', 'markowitz'] as const)
      close((byTensors(f, { order }) as Map)(x as Tensor), expected);
    close(jit(byTensors(f, { order: 'search' }) as Map)(x as Tensor), expected);
  });

  test('in float32, to its precision', () => {
    const f = perceptron(6, 9, 2, 9, 5);
    const x = random(1, 6).astype('float32');
    close((byTensors(f) as Map)(x), jacfwd(f)(x), 1e-5);
  });

  test('any order given as a list', () => {
    const f = residualNetwork(6, 3);
    const x = random(2, 6);
    const { order } = eliminationOrder(f, { graph: 'tensor', order: 'markowitz' })(x);
    const next = randomNumbers(3);
    for (let i = 0; i < 4; i++) {
      const other = [...order].sort(() => next() - 0.5);
      close((byTensors(f, { order: other }) as Map)(x), jacfwd(f)(x));
    }
  });

  test('a rule for reverse mode alone is pulled back through, whatever the order', () => {
    const squared = customVjp(
      (x: Tensor) => x.square(),
      x => [x.square(), x] as const,
      (x, ct) => [x.mul(ct).mul(3)],
    );
    const W = random(2, 9, 4);
    const f: Map = x => W.matmul(squared(x.sin()) as Tensor).tanh();
    const x = random(1, 4);
    expect(() => jacfwd(f)(x)).toThrow(NotDifferentiable);
    for (const order of ['forward', 'reverse', 'markowitz', 'search'] as const)
      close((byTensors(f, { order }) as Map)(x), jacrev(f)(x));
    close(jacobian(f, { mode: 'elimination' })(x), jacrev(f)(x));
  });
});

describe('under other transformations', () => {
  const f = perceptron(4, 6, 2, 5);
  const x = random(1, 4);
  const J = byTensors(f) as Map;

  test('vmap and jit', () => {
    const batch = random(2, 3, 4);
    close(vmap(J)(batch), vmap(jacfwd(f))(batch));
    close(jit(vmap(J))(batch), vmap(jacfwd(f))(batch));
    close(vmap(byTensors(attention) as Map)(random(3, 2, 5, 4)), vmap(jacfwd(attention))(random(3, 2, 5, 4)));
  });

  test('the gradient of a Jacobian, and its Jacobians', () => {
    const size = (jacobianOf: Map): Map => {
      return y => jacobianOf(y).square().sum();
    };
    const dense = jacfwd(f) as unknown as Map;
    close(grad(size(J))(x), grad(size(dense))(x), 1e-11);
    close(jit(grad(size(J)))(x), grad(size(dense))(x), 1e-11);
    close(hessian(size(J))(x), hessian(size(dense))(x), 1e-10);
    close(jacfwd(J)(x), jacfwd(dense)(x), 1e-11);
    close((byTensors(J) as Map)(x), jacfwd(dense)(x), 1e-11);
  });

  test('what the function closes over has derivatives too', () => {
    const of =
      (jacobianOf: (g: Map) => Map): Map =>
      W =>
        jacobianOf(y => dense(W, y))(x)
          .square()
          .sum();
    const W = random(3, 3, 4);
    close(grad(of(g => byTensors(g) as Map))(W), grad(of(g => jacfwd(g) as unknown as Map))(W), 1e-11);
  });
});

describe('orders', () => {
  test('a bottleneck between elementwise functions is found', () => {
    const f = bottleneck(100, 20);
    const x = random(3, 100);
    const { multiplications, kind, graph } = eliminationOrder(f, { graph: 'tensor' })(x);
    expect(kind).toBe('tensor');
    expect(graph.sizes?.slice(0, 1)).toEqual([100]);
    // 100 · 3 · 100 products are needed, each with its addition; the chains take 2 for each link and element at most.
    expect(multiplications.search).toBeLessThan(60_000 + 2 * 2 * 20 * 2 * 100);
    expect(multiplications.forward).toBeGreaterThan(4 * multiplications.search);
    expect(multiplications.reverse).toBeGreaterThan(4 * multiplications.search);
    const expected = jacrev(f)(x);
    close((byTensors(f, { order: 'search' }) as Map)(x), expected);
  });

  test('the order of matrix products is that of the cheapest parentheses', () => {
    // A chain of matrices takes a known number of operations in the best order (Cormen et al., section 15.2).
    const sizes = [30, 35, 15, 5, 10, 20, 25].reverse();
    const f = (x: Tensor): Tensor => {
      const weights = sizes.slice(1).map((rows, i) => random(i, rows, sizes[i]));
      return weights.reduce((h, W) => W.matmul(h), x);
    };
    const { multiplications } = eliminationOrder(f, { graph: 'tensor' })(random(1, sizes[0]));
    expect(multiplications.search).toBe(2 * 15125);
  });

  test('with one output the order is backpropagation, with one input forward mode', () => {
    const weights = [40, 40, 40, 40].map((n, i) => random(i, n, n));
    const layers = (x: Tensor): Tensor => weights.reduce((h, W) => dense(W, h), x);
    const one = (f: AnyMap, x: Tensor) => eliminationOrder(f as Map, { graph: 'tensor' })(x).multiplications;
    const down = one((x: Tensor) => layers(x).sum(), random(1, 40));
    const up = one((t: Tensor) => layers(t.mul(random(2, 40))), tensor(0.5, 'float64'));
    // A product with each matrix, and a scaling for each layer; sums and copies are the rest.
    for (const { search } of [down, up]) {
      expect(search).toBeGreaterThanOrEqual(4 * 2 * 1600);
      expect(search).toBeLessThan(4 * (2 * 1600 + 40) + 200);
    }
    expect(down.search).toBe(down.reverse);
    expect(up.search).toBe(up.forward);
  });

  test('the same order every time, and a budget ends the search', () => {
    const f = residualNetwork(8, 6);
    const x = random(2, 8);
    const first = eliminationOrder(f, { graph: 'tensor' })(x);
    expect(eliminationOrder(f, { graph: 'tensor' })(x).order).toEqual(first.order);
    expect(first.multiplications.search).toBeLessThanOrEqual(first.multiplications.markowitz);
    const start = performance.now();
    eliminationOrder(f, { graph: 'tensor', budget: 30 })(x);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('scalars or tensors', () => {
  const kindOf = (f: AnyMap, x: Tensor): string => eliminationOrder(f as Map, { order: 'markowitz' })(x).kind;

  test('scalars where they are few and known apart', () => {
    expect(kindOf(perceptron(4, 4, 3), random(1, 4))).toBe('scalar');
    expect(kindOf(perceptron(60, 60, 60), random(1, 60))).toBe('tensor');
    const [f, x] = cases['gather with computed indices'];
    expect(kindOf(f, x as Tensor)).toBe('tensor');
  });

  test('without being asked the Jacobian is there for every function', () => {
    for (const [f, x] of Object.values(cases))
      close(
        jacobian(f as Map, { mode: 'elimination', order: 'markowitz' })(x as Tensor),
        jacfwd(f as Map)(x as Tensor),
      );
    const reading: Map = y => (y.at(0).get().item() > 0 ? y.square() : y.sin());
    close(jacobian(reading, { mode: 'elimination' })(random(1, 3)), jacfwd(reading)(random(1, 3)));
  });

  test('what is asked for', () => {
    const [f, x] = cases['gather with computed indices'];
    expect(() => byTensors(f, { graph: 'scalar' })(x as never)).toThrow(CannotUnroll);
    expect(() => byTensors(f, { graph: 'matrix' as never })).toThrow(BadArgument);
    expect(() => byTensors(f, { order: [0, 1] })(x as never)).toThrow(BadArgument);
  });
});
