/** simplify(f): the same function of real numbers, with fewer operations and finite where the original is not. */
import {
  checkGrads,
  cond,
  grad,
  jit,
  log1p,
  program,
  scan,
  simplify,
  stopGradient,
  type Tensor,
  tag,
  tensor,
  vmap,
  zeros,
} from 'cotangent';
import { binaryCrossEntropy, crossEntropy, relu, sigmoid, softmax, standardize } from 'cotangent/nn';
import { describe, expect, test } from 'vitest';
import { realLaws, simplifiedProgram } from '../../src/algebra/simplify.ts';
import { programsOf } from '../../src/core/print.ts';
import type { Program } from '../../src/primitives/primitive.ts';
import { traceProgram } from '../../src/transforms/trace.ts';

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

function close(found: readonly number[], expected: readonly number[], tolerance = 1e-12): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i]))))
      expect.fail(`${found} against ${expected}`);
  });
}

/** Equations, those of loops' bodies too. */
const size = ({ equations }: Program): number =>
  equations.reduce(
    (n, { params }) =>
      n +
      1 +
      Object.values(params)
        .flatMap(programsOf)
        .reduce((m, inner) => m + size(inner as Program), 0),
    0,
  );
// biome-ignore lint/suspicious/noExplicitAny: functions of any arguments
type Any = (...args: any[]) => any;
const sizes = (f: Any, ...args: unknown[]): [number, number] => [
  size((program as Any)(f)(...args)),
  size((program as Any)(simplify(f))(...args)),
];
const names = (f: Any, ...args: unknown[]): string[] =>
  ((program as Any)(simplify(f))(...args) as Program).equations.map(({ operation }) => operation.name);

describe('softmax and cross-entropy, written by hand', () => {
  const q = f64([
    [0.25, 0.75, 0],
    [0, 0, 1],
  ]);
  const loss = (x: Tensor): Tensor => softmax(x).log().mul(q).sum().neg();
  const logits = f64([
    [1000, -1000, 0],
    [-1000, 1000, 999],
  ]);

  /** Softmax with no library. */
  const p = (logits.arraySync() as number[][]).map(row => {
    const e = row.map(x => Math.exp(x - Math.max(...row)));
    return e.map(one => one / e.reduce((a, b) => a + b));
  });
  const difference = p.flatMap((row, i) => row.map((one, j) => one - (q.arraySync() as number[][])[i][j]));

  const together = simplify(grad(loss));
  const apart = grad(simplify(loss));
  const compiled = jit(together);
  const ready = grad((x: Tensor) => crossEntropy(x, q, { reduction: 'sum' }));
  const readySimplified = simplify(ready);

  test('the gradient is p − q at logits of ±1000', () => {
    for (const gradient of [together, apart, compiled, ready, readySimplified])
      close(numbers(gradient(logits)), difference, 1e-15);
  });

  test('without it the gradient is NaN there', () => {
    expect(numbers(grad(loss)(logits)).some(Number.isNaN)).toBe(true);
  });

  test('and so is the loss, which is 750 + 250·2000 + … simplified', () => {
    expect(loss(logits).item()).toBeNaN();
    // −Σ q·(x − max − log Σ): 0.75·2000, and 1 + log(1 + 1/e).
    close(numbers(simplify(loss)(logits)), [1500 + 1 + Math.log1p(Math.exp(-1))], 1e-15);
  });

  test('ends in the difference of p·Σq and q', () => {
    const end = names(grad(loss), logits);
    expect(end.at(-1)).toBe('sub');
    for (const name of ['log', 'neg']) expect(end).not.toContain(name);
    expect(end.filter(name => name === 'div')).toHaveLength(1);
    expect(end.filter(name => name === 'exp')).toHaveLength(1);
  });

  test('float32', () => {
    const single = simplify(grad((x: Tensor) => softmax(x).log().mul(q.astype('float32')).sum().neg()));
    close(numbers(single(logits.astype('float32'))), difference, 1e-6);
  });
});

describe('logistic regression, written by hand', () => {
  const t = f64([1, 0, 1, 0, 0.5]);
  const x = f64([1000, -1000, -1000, 1000, 0]);
  const loss = (logit: Tensor): Tensor => {
    const p = logit.neg().exp().add(1).pow(-1);
    return p
      .log()
      .mul(t)
      .add(p.neg().add(1).log().mul(t.neg().add(1)))
      .sum()
      .neg();
  };
  const bySigmoid = (logit: Tensor): Tensor => {
    const p = sigmoid(logit);
    return p
      .log()
      .mul(t)
      .add(p.neg().add(1).log().mul(t.neg().add(1)))
      .sum()
      .neg();
  };

  test('the gradient of logs of σ is σ(x) − t at ±1000', () => {
    close(numbers(simplify(grad(bySigmoid))(x)), [0, 0, -1, 1, 0], 0);
    close(numbers(grad(simplify(bySigmoid))(x)), [0, 0, -1, 1, 0], 0);
    expect(numbers(grad(bySigmoid)(x)).some(Number.isNaN)).toBe(true);
    close(numbers(simplify(bySigmoid)(x)), [2000 + Math.log(2)], 1e-15);
  });

  test('fractions 1/(1 + e⁻ˣ) become σ(x)', () => {
    const byFraction = (y: Tensor): Tensor => f64(1).div(y.neg().exp().add(1)).sum();
    expect(names((y: Tensor) => y.neg().exp().add(1), x)).not.toContain('sigmoid');
    close(numbers(simplify(byFraction)(f64(-800))), [Math.exp(-800)], 0);
    close(
      numbers(simplify(grad(loss))(f64([1, 2, -1, 0.5, 0]))),
      numbers(grad(loss)(f64([1, 2, -1, 0.5, 0]))),
    );
  });
});

describe('the number of equations of derivative programs', () => {
  const X = zeros([8, 5]);
  const probabilities = zeros([2, 3]);
  const targets = zeros([4]);
  const h0 = zeros([4]);
  const classes = tensor([0, 1], 'int32');
  const labels = tensor([0, 1, 2, 0, 1, 2, 0, 1], 'int32');
  type Weights = Record<string, Tensor>;
  const two = { w: zeros([5, 7]), b: zeros([7]), v: zeros([7, 3]), c: zeros([3]) };
  /** The function, its arguments, and how many equations are left at most. */
  const cases: Record<string, [f: Any, args: unknown[], most: number]> = {
    'hand-written cross-entropy': [
      grad((x: Tensor) => softmax(x).log().mul(probabilities).sum().neg()),
      [zeros([2, 3])],
      11,
    ],
    'crossEntropy with probabilities': [
      grad((x: Tensor) => crossEntropy(x, probabilities)),
      [zeros([2, 3])],
      18,
    ],
    'crossEntropy with classes': [grad((x: Tensor) => crossEntropy(x, classes)), [zeros([2, 3])], 25],
    binaryCrossEntropy: [grad((x: Tensor) => binaryCrossEntropy(x, targets)), [zeros([4])], 18],
    'logistic regression': [
      grad((w: Weights) => crossEntropy(X.matmul(w.w).add(w.b), labels)),
      [{ w: zeros([5, 3]), b: zeros([3]) }],
      31,
    ],
    'a perceptron with two layers': [
      grad((w: Weights) => crossEntropy(relu(X.matmul(w.w).add(w.b)).matmul(w.v).add(w.c), labels)),
      [two],
      44,
    ],
    'two layers, mean squared error': [
      grad((w: Weights) => X.matmul(w.w).add(w.b).tanh().matmul(w.v).add(w.c).sub(1).square().mean()),
      [two],
      25,
    ],
    'a recurrent network': [
      grad((w: Weights) => {
        const [, h] = scan(
          (before: Tensor, now: Tensor) => {
            const after = before.matmul(w.u).add(now.matmul(w.w)).add(w.b).tanh();
            return [after, after];
          },
          h0,
          X,
        );
        return h.sub(1).square().mean();
      }),
      [{ u: zeros([4, 4]), w: zeros([5, 4]), b: zeros([4]) }],
      28,
    ],
    'layer normalisation': [grad((x: Tensor) => standardize(x).mul(X).sum()), [X], 35],
  };
  test.each(Object.entries(cases))('of %s', (_, [f, args, most]) => {
    const [before, after] = sizes(f, ...args);
    expect(after).toBeLessThanOrEqual(most);
    expect(before - after).toBeGreaterThanOrEqual(4);
  });
});

describe('laws', () => {
  const x = f64([0.3, 1.2, -0.7]);
  const y = f64([2.5, -0.4, 0.9]);
  const z = f64([0.8, 1.7, 3.1]);
  const rows = f64([
    [0.3, 1.2, -0.7],
    [2.5, -0.4, 0.9],
  ]);
  type Three = (x: Tensor, y: Tensor, z: Tensor) => Tensor;
  /** What each becomes: the names of the operations that are left. */
  const laws: Record<string, [Three, string[]]> = {
    'x·(y/x) = y': [(a, b) => a.mul(b.div(a)), []],
    '(x·y)/(z·x) = y/z': [(a, b, c) => a.mul(b).div(c.mul(a)), ['div']],
    'x²/x = x': [a => a.square().div(a), []],
    '(x/y)/(x/z) = z/y': [(a, b, c) => a.div(b).div(a.div(c)), ['div']],
    '(−x)·(y/x) = −y': [(a, b) => a.neg().mul(b.div(a)), ['neg']],
    '(−x)·y + z = z − x·y': [(a, b, c) => a.neg().mul(b).add(c), ['mul', 'sub']],
    '2·(x·3) = 6·x': [a => a.mul(3).mul(2), ['broadcast', 'mul']],
    'x·0 = 0': [a => a.mul(0), ['broadcast']],
    'x + 0 = x': [a => a.add(0), []],
    'x + x = 2x': [a => a.add(a), ['broadcast', 'mul']],
    '(x + y) − x = y': [(a, b) => a.add(b).sub(a), []],
    'x·y + y·x = 2·x·y': [(a, b) => a.mul(b).add(b.mul(a)), ['mul', 'broadcast', 'mul']],
    '(x/z + y)·z = x + y·z': [(a, b, c) => a.div(c).add(b).mul(c), ['mul', 'add']],
    '(x·z − y)/z = x − y/z': [(a, b, c) => a.mul(c).sub(b).div(c), ['div', 'sub']],
    'log eˣ = x': [a => a.exp().log(), []],
    'e^(log z) = z': [(_, __, c) => c.log().exp(), []],
    'log(eˣ·z) = x + log z': [(a, _, c) => a.exp().mul(c).log(), ['log', 'add']],
    'log(eˣ/eʸ) = x − y': [(a, b) => a.exp().div(b.exp()).log(), ['sub']],
    'log(1 + eˣ) = softplus x': [a => a.exp().add(1).log(), ['broadcast', 'logaddexp']],
    'log1p(eˣ) = softplus x': [a => log1p(a.exp()), ['broadcast', 'logaddexp']],
    '1 − σ(x) = σ(−x)': [a => f64(1).sub(sigmoid(a)), ['neg', 'sigmoid']],
    'Σ 3·x = 3·Σ x': [a => a.mul(3).sum(), ['sum', 'mul']],
    'Σ −x = −Σ x': [a => a.neg().sum(), ['sum', 'neg']],
    'Σ 1·y = n·y': [a => a.at(0).get().add(rows.mul(0).sum(0)).sum(), ['slice', 'reshape', 'mul']],
    'Σᵢ Σⱼ x = Σ x': [a => rows.mul(a).sum(0).sum(), ['sum', 'mul', 'sum']],
    'Σⱼ xⱼ·yᵢ = yᵢ·Σ x': [
      a => rows.mul(a.at(0).get()).sum(0),
      ['slice', 'reshape', 'broadcast', 'sum', 'mul'],
    ],
  };
  test.each(Object.entries(laws))('%s', (_, [f, left]) => {
    close(numbers(simplify(f)(x, y, z)), numbers(f(x, y, z)));
    expect(names(f, x, y, z)).toEqual(left);
  });

  test('every law is named, and hides no name of another', () => {
    const all = [...realLaws().values()].flat().map(({ law }) => law);
    expect(new Set(all).size).toBe(all.length);
  });

  test('integers are left alone: their quotients truncate', () => {
    const seven = tensor([7, -7, 3], 'int32');
    const f = (n: Tensor): Tensor => n.floorDivide(2).mul(2).add(n.sub(n));
    expect(numbers(simplify(f)(seven))).toEqual(numbers(f(seven)));
  });

  test('stopGradient and tag stay', () => {
    expect(grad(simplify((a: Tensor) => a.mul(stopGradient(a)).div(a).mul(a)))(f64(3)).item()).toBe(3);
    expect(names((a: Tensor) => tag('here', a.exp()).log(), x)).toContain('tag');
  });
});

describe('with other transformations', () => {
  /** Expressions made at random from what the laws are about. */
  function random(seed: number): (x: Tensor) => Tensor {
    let state = seed;
    const next = (n: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * n);
    };
    const grow = (depth: number): ((x: Tensor) => Tensor) => {
      if (depth === 0) {
        const leaf = next(4);
        return a =>
          [() => a, () => a.sum().mul(0.2).add(a.mul(0)), () => a.mul(0).add(1.5), () => sigmoid(a)][leaf]();
      }
      const [f, g] = [grow(depth - 1), grow(depth - 1)];
      const kind = next(7);
      return a => {
        const [u, v] = [f(a), g(a)];
        return [
          () => u.add(v),
          () => u.sub(v),
          () => u.mul(v),
          () => u.div(v.square().add(0.5)),
          () => u.neg().mul(v),
          () => u.square().add(0.1).log(),
          () => sigmoid(u).log().exp().add(v),
        ][kind]();
      };
    };
    return grow(4);
  }

  test('of 8 random functions: values, gradients and no more equations', () => {
    const x = f64([0.7, 1.3]);
    for (let seed = 1; seed <= 8; seed++) {
      const f = random(seed * 7919);
      const loss = (a: Tensor): Tensor => f(a).sum();
      close(numbers(simplify(f)(x)), numbers(f(x)), 1e-9);
      const expected = numbers(grad(loss)(x));
      close(numbers(simplify(grad(loss))(x)), expected, 1e-8);
      close(numbers(grad(simplify(loss))(x)), expected, 1e-8);
      const traced = traceProgram(([a]) => [grad(loss)(a)], [x.aval], { name: 'test' });
      expect(size(simplifiedProgram(traced))).toBeLessThan(size(traced));
    }
  });

  test('inside of scan and cond', () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (c: Tensor, s: Tensor) => [
          cond(
            s.greater(0),
            (a: Tensor) => a.mul(s).div(s).exp().log(),
            (a: Tensor) => a.add(s).sub(a),
            c,
          ),
          c.exp().log(),
        ],
        x,
        f64([1, 2, -3, 4]),
      )[1].sum();
    close(numbers(simplify(f)(f64(0.5))), numbers(f(f64(0.5))));
    expect(sizes(f, f64(0.5))).toEqual([12, 4]);
    expect(simplify(grad(f))(f64(0.5)).item()).toBe(3);
  });

  test('vmap, jit, grad of grad', () => {
    const f = simplify((x: Tensor) => x.exp().mul(x).log().add(x.mul(x).div(x)));
    checkGrads(f, [f64(0.7)], { order: 2 });
    const batch = f64([0.3, 0.8, 1.9]);
    close(numbers(vmap(f)(batch)), numbers(f(batch)));
    expect(numbers(jit(f)(batch))).toEqual(numbers(f(batch)));
    expect(f(2).dtype).toBe('float32');
  });
});
