/** Loops and choices: each is its unrolled JavaScript, and obeys the laws of every operation. */
import {
  ConcreteValueNeeded,
  checkGrads,
  cond,
  DTypeMismatch,
  forLoop,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  program,
  ShapeMismatch,
  scan,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  WrongTree,
  whileLoop,
  zeros,
} from 'cotangent';
import { describe, expect, test } from 'vitest';
import { traceProgram } from '../../src/transforms/trace.ts';
import { transposeProgram } from '../../src/transforms/transpose.ts';

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const int = (value: number): Tensor => tensor(value, 'int32');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

function close(found: Tensor, expected: Tensor | number | number[], tolerance = 1e-12): void {
  const right =
    typeof expected === 'number' ? [expected] : Array.isArray(expected) ? expected : numbers(expected);
  expect(found.size).toBe(right.length);
  numbers(found).forEach((value, i) => {
    expect(Math.abs(value - right[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(right[i])));
  });
}

/** What a function of float64 vectors must satisfy whatever it does. */
function laws(f: (x: Tensor) => Tensor, x: Tensor, order = 2): void {
  checkGrads(f, [x], { order });
  // jit = eager, bit for bit.
  expect(numbers(jit(f)(x))).toEqual(numbers(f(x)));
  const loss = (y: Tensor): Tensor => f(y).mul(f(y)).sum();
  expect(numbers(jit(grad(loss))(x))).toEqual(numbers(grad(loss)(x)));
  expect(numbers(grad(jit(loss))(x))).toEqual(numbers(grad(loss)(x)));
  // vmap = loop, of the function and of its derivatives.
  const rows = [x, x.mul(0.7), x.mul(-0.4).add(0.1)];
  const batch = stack(rows);
  close(vmap(f)(batch), stack(rows.map(row => f(row))), 1e-13);
  close(vmap(grad(loss))(batch), stack(rows.map(row => grad(loss)(row))), 1e-12);
  close(grad((all: Tensor) => vmap(loss)(all).sum())(batch), stack(rows.map(row => grad(loss)(row))), 1e-12);
  close(jit(vmap(grad(loss)))(batch), vmap(grad(loss))(batch), 0);
  // forward over reverse = reverse over forward = reverse over reverse.
  const v = x.mul(0.3).add(0.2);
  const second = hvp(loss, [x], [v]);
  close(jvp(grad(loss), [x], [v])[1], second);
  close(grad((y: Tensor) => jvp(loss, [y], [v])[1])(x), second, 1e-11);
  close(grad((y: Tensor) => grad(loss)(y).mul(v).sum())(x), second, 1e-11);
  close(jacfwd(f)(x), jacrev(f)(x), 1e-11);
  const [y, push] = linearize(f, x);
  close(y, f(x), 0);
  close(push(v), jvp(f, [x], [v])[1]);
}

const xs = f64([
  [0.3, -0.2],
  [0.5, 0.9],
  [-0.7, 0.4],
  [0.2, 0.1],
]);
const rows = (x: Tensor): Tensor[] =>
  numbers(x).length === 0 ? [] : Array.from({ length: x.shape[0] }, (_, i) => x.at(i).get());

describe('scan', () => {
  test('is the loop that it stands for', () => {
    const [sum, partial] = scan((s, x) => [s.add(x), s.add(x)], 0, tensor([1, 2, 3]));
    expect(sum.dtype).toBe('float32');
    close(sum, 6);
    close(partial, [1, 3, 6]);
    const [last, all] = scan((s, x) => [s.mul(0.5).add(x), { before: s, x }], f64(1), f64([1, 2, 3]), {
      reverse: true,
    });
    close(last, ((1 * 0.5 + 3) * 0.5 + 2) * 0.5 + 1);
    close(all.before, [3.5 * 0.5 + 2, 3.5, 1]);
    close(all.x, [1, 2, 3]);
  });

  test('takes trees, no sequences, no steps, and numbers', () => {
    const [{ n, h }, ys] = scan(
      ({ n, h }, [a, b]) => [{ n: n.add(1), h: h.add(a.mul(b)) }, [n, { a }]],
      { n: int(0), h: f64([0, 0]) },
      [xs, f64([1, 2, 3, 4])],
    );
    expect(n.item()).toBe(4);
    expect(n.dtype).toBe('int32');
    close(
      h,
      rows(xs).reduce((all, row, i) => all.add(row.mul(i + 1)), f64([0, 0])),
    );
    expect(ys[0].arraySync()).toEqual([0, 1, 2, 3]);
    expect(scan(x => [x.mul(2), null], 1, null, { length: 10 })[0].item()).toBe(1024);
    const [unchanged, none] = scan((s, x) => [s.add(x), s], f64(3), f64([]));
    close(unchanged, 3);
    expect(none.shape).toEqual([0]);
    // A number takes the type of the loop.
    expect(scan((s, x) => [s.add(x), null], 0, f64([1, 2]))[0].dtype).toBe('float64');
    expect(scan((s, x) => [s.add(x), 1], 0, tensor([1, 2]))[1].dtype).toBe('float32');
    expect(scan((_, x) => [0, x], int(7), tensor([1, 2]))[0].dtype).toBe('int32');
  });

  test('obeys the laws', () => {
    laws(x => scan((c, row) => [c.mul(row).sin().add(x), c.mul(x)], x, xs)[0], f64([0.4, -0.3]));
    laws(
      x => scan((c, row) => [c.mul(row).sin().add(x), c.mul(x)], x, xs, { reverse: true })[1].sum(0),
      f64([0.4, -0.3]),
    );
    // Carries that become differentiable only after some steps.
    laws(
      x =>
        scan(
          ([a, b, c], row) => [[b, c, c.mul(row).add(x)], a],
          [f64([1, 2]), f64([0, 1]), f64([3, 1])],
          xs,
        )[1].sum(0),
      f64([0.4, -0.3]),
    );
    // The sequence itself is differentiated, integers are carried along.
    laws(
      x =>
        scan(
          ({ n, c }, y) => [{ n: n.add(1), c: c.mul(y.cos()).add(n.astype('float64')) }, c],
          { n: int(0), c: f64(0.3) },
          x,
        )[1],
      f64([0.4, -0.3, 0.9]),
    );
  });

  test('equals the unrolled loop in values and gradients', () => {
    const unrolled = (w: Tensor, x: Tensor): Tensor => {
      let c = w;
      let total = f64(0);
      for (const row of Array.from({ length: 4 }, (_, i) => x.at(i).get())) {
        c = c.mul(row).tanh().add(w.mul(0.1));
        total = total.add(c.sum());
      }
      return total;
    };
    const scanned = (w: Tensor, x: Tensor): Tensor =>
      scan(
        (c, row) => {
          const next = c.mul(row).tanh().add(w.mul(0.1));
          return [next, next.sum()];
        },
        w,
        x,
      )[1].sum();
    const w = f64([0.4, 0.8]);
    for (const argnums of [0, 1]) {
      const [value, gradient] = valueAndGrad(scanned, { argnums })(w, xs);
      const [expected, expectedGradient] = valueAndGrad(unrolled, { argnums })(w, xs);
      close(value, expected);
      close(gradient as Tensor, expectedGradient as Tensor);
    }
    close(
      hessian((v: Tensor) => scanned(v, xs))(w) as Tensor,
      hessian((v: Tensor) => unrolled(v, xs))(w) as Tensor,
    );
  });

  test('backpropagation through time over 50 steps', () => {
    const T = 50;
    const inputs = f64(Array.from({ length: T }, (_, t) => [Math.sin(t), Math.cos(2 * t)]));
    const params = {
      W: f64([
        [0.6, -0.4, 0.1],
        [0.3, 0.5, -0.2],
        [-0.5, 0.2, 0.4],
      ]),
      U: f64([
        [0.4, -0.3, 0.2],
        [0.1, 0.7, -0.6],
      ]),
      b: f64([0.01, -0.02, 0.03]),
    };
    type Params = typeof params;
    const cell = ({ W, U, b }: Params, h: Tensor, x: Tensor): Tensor =>
      h.matmul(W).add(x.matmul(U)).add(b).tanh();
    const scanned = (p: Params): Tensor =>
      scan(
        (h, x) => {
          const next = cell(p, h, x);
          return [next, next.mul(next).sum()];
        },
        zeros([3], { dtype: 'float64' }),
        inputs,
      )[1].mean();
    const unrolled = (p: Params): Tensor => {
      let h: Tensor = zeros([3], { dtype: 'float64' });
      let total = f64(0);
      for (let t = 0; t < T; t++) {
        h = cell(p, h, inputs.at(t).get());
        total = total.add(h.mul(h).sum());
      }
      return total.div(T);
    };
    const [value, gradient] = valueAndGrad(scanned)(params);
    const [expected, expectedGradient] = valueAndGrad(unrolled)(params);
    close(value, expected);
    for (const name of ['W', 'U', 'b'] as const) close(gradient[name], expectedGradient[name]);
    const compiled = jit(grad(scanned))(params);
    for (const name of ['W', 'U', 'b'] as const)
      expect(numbers(compiled[name])).toEqual(numbers(gradient[name]));

    // δₜ = (1 − hₜ²)(2hₜ/T + W δₜ₊₁), W̄ = Σ hₜ₋₁ δₜᵀ, Ū = Σ xₜ δₜᵀ, b̄ = Σ δₜ.
    const W = params.W.arraySync() as number[][];
    const states = [[0, 0, 0]];
    for (let t = 0; t < T; t++) states.push(numbers(cell(params, f64(states[t]), inputs.at(t).get())));
    const Wbar = [0, 1, 2].map(() => [0, 0, 0]);
    let delta = [0, 0, 0];
    for (let t = T; t > 0; t--) {
      const arriving = W.map(row => row.reduce((all, w, j) => all + w * delta[j], 0));
      delta = states[t].map((h, i) => (1 - h * h) * ((2 * h) / T + arriving[i]));
      for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) Wbar[i][j] += states[t - 1][i] * delta[j];
    }
    close(gradient.W, Wbar.flat());
  });

  test('a linear recurrence has its closed form', () => {
    // c ← a c + 1 from 0: (aⁿ − 1)/(a − 1).
    const n = 20;
    const f = (a: Tensor): Tensor => scan(c => [c.mul(a).add(1), null], f64(0), null, { length: n })[0];
    const a = 0.9;
    close(f(f64(a)), (a ** n - 1) / (a - 1));
    close(grad(f)(f64(a)), (n * a ** (n - 1) * (a - 1) - (a ** n - 1)) / (a - 1) ** 2);
  });

  test('a program does not depend on the number of steps', () => {
    const text = (T: number): string => {
      const loss = (w: Tensor): Tensor =>
        scan((c, x) => [c.mul(x).sin().mul(w), c], w, zeros([T], { dtype: 'float64' }))[1].sum();
      return String(program(vmap(grad(loss)))(f64([1, 2]))).replaceAll(String(T), 'T');
    };
    expect(text(1000)).toBe(text(77777));
    expect(text(1000).split('\n').length).toBeLessThan(80);
  });

  test('keeps what does not change once', () => {
    const W = f64(
      Array.from({ length: 9 }, (_, i) => Array.from({ length: 9 }, (_, j) => Math.sin(i + 3 * j))),
    );
    const loss = (x: Tensor): Tensor =>
      scan(c => [jit((y: Tensor) => y.matmul(W.mul(2)).tanh())(c), null], x, null, { length: 77 })[0].sum();
    expect(String(program(grad(loss))(zeros([9], { dtype: 'float64' })))).not.toContain('[77,9,9]');
  });

  test('says what is wrong with a carry', () => {
    const of = (run: () => unknown): Error => {
      try {
        run();
      } catch (error) {
        return error as Error;
      }
      throw new Error('nothing was thrown');
    };
    const shape = of(() =>
      scan(c => [{ h: stack([c.h, c.h]) }, null], { h: f64([1, 2]) }, null, { length: 2 }),
    );
    expect(shape).toBeInstanceOf(ShapeMismatch);
    expect(shape.message).toContain('carry.h is float64[2] before a step and float64[2,2] after it');
    const type = of(() => scan((c, x) => [c.add(x), null], int(0), tensor([0.5])));
    expect(type).toBeInstanceOf(DTypeMismatch);
    expect(type.message).toContain("x.astype('int32')");
    const tree = of(() => scan(((c: Tensor) => [[c, c], null]) as never, f64(0), null, { length: 2 }));
    expect(tree).toBeInstanceOf(WrongTree);
    expect(of(() => scan(((c: Tensor) => c) as never, f64(0), null, { length: 2 }))).toBeInstanceOf(
      WrongTree,
    );
    expect(of(() => scan((c, [x]) => [c.add(x), null], f64(0), [xs, f64([1])]))).toBeInstanceOf(
      ShapeMismatch,
    );
    const value = of(() => scan((c, x) => [x.item() > 0 ? c : x, null], f64(0), f64([1])));
    expect(value).toBeInstanceOf(ConcreteValueNeeded);
    expect(value.message).toMatch(/cond\(.*whileLoop or scan/);
  });
});

describe('cond', () => {
  const f = (x: Tensor): Tensor =>
    cond(
      x.sum().greater(0),
      y => y.sin().mul(x),
      y => y.mul(y).mul(3),
      x,
    );

  test('runs the branch that it chooses', () => {
    close(
      cond(
        true,
        x => x.mul(2),
        x => x.mul(3),
        f64(4),
      ),
      8,
    );
    close(
      cond(
        f64(1).greater(2),
        x => x.mul(2),
        x => x.mul(3),
        f64(4),
      ),
      12,
    );
    const tree = cond(
      f64(1).less(2),
      () => ({ a: 1, b: int(2) }),
      () => ({ a: f64(3), b: 0 }),
    );
    expect([tree.a.dtype, tree.b.dtype]).toEqual(['float64', 'int32']);
    expect(
      jit((x: Tensor) =>
        cond(
          x.less(2),
          () => 1,
          () => 2,
        ),
      )(1).item(),
    ).toBe(1);
  });

  test('obeys the laws', () => {
    laws(f, f64([0.4, 0.3]));
    laws(f, f64([-0.4, 0.1]));
    // One branch does not depend on x.
    laws(
      x =>
        cond(
          x.sum().greater(0),
          () => x.exp(),
          () => f64([1, 2]),
        ),
      f64([0.4, 0.3]),
    );
    laws(
      x =>
        cond(
          x.sum().greater(0),
          () => x.exp(),
          () => f64([1, 2]),
        ),
      f64([-0.4, 0.3]),
    );
  });

  test('is where under vmap, and one of two gradients', () => {
    close(
      vmap(
        grad((x: Tensor) =>
          cond(
            x.greater(0),
            y => y.mul(y),
            y => y.mul(5),
            x,
          ),
        ),
      )(f64([3, -3])),
      [6, 5],
    );
    close(
      vmap(
        (x: Tensor, p: Tensor) =>
          cond(
            p.greater(0),
            y => y.mul(2),
            y => y,
            x,
          ),
        { inAxes: [0, null] },
      )(f64([3, -3]), 1),
      [6, -6],
    );
  });

  test('says what is wrong', () => {
    expect(() =>
      cond(
        f64([1]).greater(0),
        () => 1,
        () => 2,
      ),
    ).toThrow(ShapeMismatch);
    expect(() =>
      cond(
        f64(1),
        () => 1,
        () => 2,
      ),
    ).toThrow(DTypeMismatch);
    expect(() =>
      cond(
        true,
        () => f64(1),
        () => f64([1]),
      ),
    ).toThrow(/result is float64\[\] where/);
    expect(() =>
      cond(
        true,
        () => f64(1),
        () => tensor(1),
      ),
    ).toThrow(DTypeMismatch);
    expect(() => cond(true, () => ({ a: 1 }), (() => ({ b: 1 })) as never)).toThrow(WrongTree);
  });
});

describe('forLoop', () => {
  test('counts', () => {
    close(
      forLoop(0, 5, (i, s) => s.add(i), 0),
      10,
    );
    close(
      forLoop(2, 5, (i, s) => s.mul(i), 1),
      24,
    );
    close(
      forLoop(5, 2, (i, s) => s.mul(i), 1),
      1,
    );
    close(
      forLoop(int(2), int(5), (i, s) => s.mul(i), 1),
      24,
    );
    close(jit((n: Tensor) => forLoop(0, n, (_, s) => s.mul(2), 1))(int(9)), 512);
    close(vmap((n: Tensor) => forLoop(0, n, (i, s) => s.add(i), 0))(tensor([0, 1, 5], 'int32')), [0, 0, 10]);
    expect(() => forLoop(0, 1.5, (_, s) => s, 0)).toThrow('whole number');
    expect(() => forLoop(0, f64(2), (_, s) => s, 0)).toThrow(DTypeMismatch);
  });

  test('obeys the laws with known and unknown limits', () => {
    const power = (n: number | Tensor) => (x: Tensor) => forLoop(0, n, (i, y) => y.mul(x.add(i)).sin(), x);
    laws(power(5), f64([0.4, -0.3]));
    laws(power(int(5)), f64([0.4, -0.3]), 1);
    close(
      grad((x: Tensor) => power(int(5))(x).sum())(f64([0.4])),
      grad((x: Tensor) => power(5)(x).sum())(f64([0.4])),
    );
  });
});

describe('whileLoop', () => {
  test('repeats', () => {
    close(
      whileLoop(
        x => x.less(100),
        x => x.mul(2),
        1,
      ),
      128,
    );
    close(
      whileLoop(
        x => x.less(100),
        x => x.mul(2),
        f64(300),
      ),
      300,
    );
    const collatz = (n: Tensor): Tensor =>
      whileLoop(
        ({ n }) => n.greater(1),
        ({ n, steps }) => ({
          n: cond(
            n.mod(2).equal(0),
            m => m.floorDivide(2),
            m => m.mul(3).add(1),
            n,
          ),
          steps: steps.add(1),
        }),
        { n, steps: int(0) },
      ).steps;
    expect(collatz(int(27)).item()).toBe(111);
    expect(vmap(collatz)(tensor([1, 7, 27, 6], 'int32')).arraySync()).toEqual([0, 16, 111, 8]);
    expect(jit(vmap(collatz))(tensor([1, 7, 27, 6], 'int32')).arraySync()).toEqual([0, 16, 111, 8]);
  });

  // Newton's iteration for √a: the derivative of the fixed point.
  const root = (a: Tensor): Tensor =>
    whileLoop(
      x => x.mul(x).sub(a).abs().greater(1e-13),
      x => x.add(a.div(x)).mul(0.5),
      a,
    );

  test('differentiates with the number of steps unknown', () => {
    close(root(f64(2)), Math.SQRT2);
    close(grad(root)(f64(2)), 0.5 / Math.SQRT2);
    close(grad(grad(root))(f64(2)), -0.25 * 2 ** -1.5, 1e-9);
    close(jit(grad(root))(f64(2)), grad(root)(f64(2)), 0);
    close(vmap(grad(root))(f64([2, 9, 25])), [0.5 / Math.SQRT2, 1 / 6, 0.1], 1e-11);
  });

  const growing = (limit: number) => (x: Tensor) =>
    whileLoop(
      ({ i }) => i.less(limit),
      ({ i, y }) => ({ i: i.add(1), y: y.mul(0.9).add(x.mul(y).sin()) }),
      { i: int(0), y: x },
    ).y;

  test('obeys the laws', () => {
    laws(growing(3), f64([0.4, -0.3]), 1);
    laws(
      x =>
        whileLoop(
          y => y.sum().less(3),
          y => y.mul(1.3).add(x.mul(x)),
          x.mul(x).add(0.1),
        ),
      f64([0.4, 0.3]),
      1,
    );
  });

  test.each([0, 1, 63, 64, 65, 1000, 4161, 5000])(
    'reverse mode over %i steps is that of the unrolled loop',
    n => {
      const step = (x: Tensor, y: Tensor): Tensor => y.mul(x).sin().mul(1.1).add(x.mul(0.2));
      const loop = (x: Tensor): Tensor =>
        whileLoop(
          ({ i }) => i.less(n),
          ({ i, y }) => ({ i: i.add(1), y: step(x, y) }),
          { i: int(0), y: x },
        ).y.sum();
      const unrolled = (x: Tensor): Tensor => {
        let y = x;
        for (let i = 0; i < n; i++) y = step(x, y);
        return y.sum();
      };
      const x = f64([0.95, 1.2]);
      const [value, gradient] = valueAndGrad(loop)(x);
      const [expected, expectedGradient] = valueAndGrad(unrolled)(x);
      close(value, expected, 0);
      close(gradient, expectedGradient, 1e-11);
    },
  );

  test('the program of its gradient is of a fixed size', () => {
    const text = (n: number): string =>
      String(program(grad((x: Tensor) => growing(n)(x).sum()))(f64([1]))).replaceAll(` ${n}`, ' n');
    expect(text(100).length).toBe(text(7000).length);
  });

  test('says what is wrong', () => {
    expect(() =>
      whileLoop(
        x => x,
        x => x,
        f64(1),
      ),
    ).toThrow(DTypeMismatch);
    expect(() =>
      whileLoop(
        x => x.greater(0),
        x => x,
        f64([1]),
      ),
    ).toThrow(ShapeMismatch);
    expect(() =>
      whileLoop(
        x => x.greater(0),
        x => stack([x]),
        f64(1),
      ),
    ).toThrow(/carry is float64\[\] before/);
    expect(() => whileLoop(x => x.greater(0), ((x: Tensor) => [x]) as never, f64(1))).toThrow(WrongTree);
  });
});

describe('one inside another', () => {
  const x = f64([0.4, -0.3]);

  test('scan in scan', () => {
    laws(
      x => scan((c, row) => [scan((d, y) => [d.mul(y).sin().add(x), d], c, row)[1].sum(0), c], x, xs)[0],
      x,
    );
  });

  test('scan in cond, cond in scan', () => {
    laws(
      x =>
        cond(
          x.sum().greater(0),
          y => scan((c, row) => [c.mul(row).add(y), null], y, xs)[0],
          y => y.exp(),
          x,
        ),
      x,
    );
    laws(
      x =>
        scan(
          (c, row) => [
            cond(
              row.sum().greater(0.2),
              d => d.mul(row).sin(),
              d => d.mul(x),
              c,
            ),
            c,
          ],
          x.add(1),
          xs,
        )[0],
      x,
    );
  });

  test('while in scan, scan in while', () => {
    laws(
      x =>
        scan(
          (c, row) => [
            whileLoop(
              y => y.mul(y).sum().less(2),
              y => y.mul(1.4).add(row.mul(0.1)),
              c.mul(0.5).add(x),
            ),
            c,
          ],
          x,
          xs,
        )[0],
      x,
      1,
    );
    laws(
      x =>
        whileLoop(
          ({ i }) => i.less(3),
          ({ i, y }) => ({ i: i.add(1), y: scan((c, row) => [c.mul(row).add(x), null], y, xs)[0] }),
          { i: int(0), y: x },
        ).y,
      x,
      1,
    );
  });

  test('grad of vmap of scan is vmap of grad of scan', () => {
    const f = (y: Tensor): Tensor => scan((c, row) => [c.mul(row).sin().add(y), null], y, xs)[0].sum();
    const batch = stack([x, x.mul(2)]);
    close(grad((all: Tensor) => vmap(f)(all).sum())(batch), vmap(grad(f))(batch));
    const pullback = vjp((all: Tensor) => vmap(f)(all), batch)[1];
    close(pullback(f64([1, 1]))[0], vmap(grad(f))(batch));
  });
});

describe('a program made by hand, with loops whose carries are not all linear', () => {
  // y ↦ the loop's w after carrying (v, w) ← (v², v w + y): linear in y and w, not in v.
  const transposed = (loop: (v: Tensor, w: Tensor, y: Tensor) => Tensor): number[] => {
    const [v, w, y] = [f64(0.9), f64(0.3), f64(-0.2)];
    const made = traceProgram(
      ([a, b, c]) => [loop(a, b, c)],
      [v, w, y].map(x => x.aval),
      { name: 'test' },
    );
    const [first, ...linear] = made.inputs;
    const cotangents = transposeProgram(
      { ...made, inputs: linear, constants: new Map([...made.constants, [first, v]]) },
      [f64(1)],
    );
    const [, pullback] = vjp((b: Tensor, c: Tensor) => loop(v, b, c), w, y);
    close(stack(cotangents as Tensor[]), stack(pullback(f64(1))));
    return cotangents.map(one => (one as Tensor).item());
  };

  test('is transposed', () => {
    const scanned = transposed(
      (v, w, y) => scan(([a, b]) => [[a.mul(a), a.mul(b).add(y)], null], [v, w], null, { length: 3 })[0][1],
    );
    const repeated = transposed(
      (v, w, y) =>
        whileLoop(
          ({ i }) => i.less(3),
          ({ i, a, b }) => ({ i: i.add(1), a: a.mul(a), b: a.mul(b).add(y) }),
          { i: int(0), a: v, b: w },
        ).b,
    );
    close(f64(scanned), [0.9 ** 7, 0.9 ** 6 + 0.9 ** 4 + 1]);
    close(f64(repeated), scanned);
  });
});
