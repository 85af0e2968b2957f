/** Checkpoints change what is kept, and no bit of any value or derivative. */
import {
  BadArgument,
  type CheckpointPolicy,
  ConcreteValueNeeded,
  checkGrads,
  checkpoint,
  grad,
  hvp,
  jit,
  jvp,
  linearize,
  program,
  scan,
  type Tensor,
  tag,
  tensor,
  valueAndGrad,
  vmap,
  zeros,
} from 'cotangent';
import { describe, expect, test } from 'vitest';

const f64 = (values: number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
const same = (found: Tensor, expected: Tensor): void => expect(numbers(found)).toEqual(numbers(expected));

const x = f64([0.3, -0.2, 0.9]);
const w = f64([
  [0.5, -1, 0.25],
  [0.1, 0.7, -0.3],
  [-0.6, 0.2, 1.1],
]);
const block = (v: Tensor, m: Tensor): Tensor =>
  tag('h', tag('p', v.matmul(m)).sin())
    .matmul(m)
    .tanh();
const policies: CheckpointPolicy[] = ['nothing', 'everything', 'dots', { save: ['h'] }, { save: ['p', 'h'] }];

describe.each(policies)('policy %j', policy => {
  const again = checkpoint(block, { policy });
  const loss = (v: Tensor, m: Tensor): Tensor => block(block(v, m), m).square().sum();
  const lossAgain = (v: Tensor, m: Tensor): Tensor => again(again(v, m), m).square().sum();
  const argnums = [0, 1] as const;

  test('values and gradients, eager and compiled', () => {
    same(again(x, w), block(x, w));
    const expected = grad(loss, { argnums })(x, w);
    for (const found of [
      grad(lossAgain, { argnums })(x, w),
      jit(grad(lossAgain, { argnums }))(x, w),
      grad(jit(lossAgain), { argnums })(x, w),
    ])
      expected.forEach((one, i) => same(found[i], one));
  });

  test('forward mode, second order and batches', () => {
    const v = f64([0.1, 0.4, -0.2]);
    same(jvp(lossAgain, [x, w], [v, w])[1], jvp(loss, [x, w], [v, w])[1]);
    same(linearize(again, x, w)[1](v, w), linearize(block, x, w)[1](v, w));
    const at = (f: typeof loss) => (y: Tensor) => f(y, w);
    checkGrads(at(lossAgain), [x], { order: 2 });
    const close = (a: Tensor, b: Tensor) =>
      numbers(a).forEach((one, i) => {
        expect(one).toBeCloseTo(numbers(b)[i], 12);
      });
    close(hvp(at(lossAgain), [x], [v]), hvp(at(loss), [x], [v]));
    const twice = (f: (y: Tensor) => Tensor) => grad((y: Tensor) => grad(f)(y).mul(v).sum())(x);
    close(twice(at(lossAgain)), twice(at(loss)));
    const batch = f64([
      [0.3, -0.2, 0.9],
      [1, 2, 3],
    ]);
    close(vmap(grad(at(lossAgain)))(batch), vmap(grad(at(loss)))(batch));
  });
});

describe('what is kept', () => {
  /** How often the compiled gradient multiplies matrices and takes sines. */
  const counts = (policy: CheckpointPolicy): { dots: number; sines: number } => {
    const loss = (m: Tensor): Tensor => checkpoint(block, { policy })(x, m).sum();
    const text = String(jit(valueAndGrad(loss)).plan(w));
    const count = (name: string): number =>
      text.split('\n').filter(line => line.split(':')[0].trim().split('·').includes(name)).length;
    return { dots: count('dot'), sines: count('sin') };
  };

  test('products are computed again unless the policy keeps them', () => {
    expect(counts('nothing').dots).toBeGreaterThan(counts('dots').dots);
    expect(counts('dots').dots).toBe(counts('everything').dots);
    expect(counts({ save: ['p'] }).dots).toBeLessThan(counts('nothing').dots);
  });

  test('a value under a name is not computed again', () => {
    expect(counts({ save: ['h'] }).sines).toBeLessThan(counts({ save: ['p'] }).sines);
    expect(counts({ save: ['no such name'] })).toEqual(counts('nothing'));
  });

  test('keeping everything keeps no more than no checkpoint does', () => {
    const n = 4096;
    const f = (y: Tensor): Tensor => y.cumsum(0).sin().cumsum(0).sin();
    const bytes = (g: (y: Tensor) => Tensor): number =>
      jit(grad((y: Tensor) => g(y).sum())).plan(zeros([n])).bytes.temporaries;
    expect(bytes(checkpoint(f, { policy: 'everything' }))).toBeLessThanOrEqual(bytes(f) + 4 * n + 64);
  });
});

describe('arguments and results', () => {
  test('trees, numbers, and values of enclosing transformations', () => {
    const f = (p: { a: Tensor; b: readonly [Tensor, number] }): { y: Tensor; z: Tensor } => ({
      y: p.a.mul(p.b[0]),
      z: p.a.sin().mul(p.b[1]),
    });
    const loss = (g: typeof f) => (a: Tensor, b: Tensor) => {
      const { y, z } = g({ a, b: [b, 3] });
      return y.add(z.mul(z)).sum();
    };
    const wrapped = checkpoint(f) as unknown as typeof f;
    same(grad(loss(wrapped))(x, x.add(1)), grad(loss(f))(x, x.add(1)));
    const inner = (c: Tensor) => checkpoint((a: Tensor) => a.mul(c).sin().mul(c))(x).sum();
    same(grad(inner)(x), grad((c: Tensor) => x.mul(c).sin().mul(c).sum())(x));
    same(vmap(grad(inner))(w), vmap(grad((c: Tensor) => x.mul(c).sin().mul(c).sum()))(w));
  });

  test('in the step of a scan, and in another checkpoint', () => {
    const step = (c: Tensor, u: Tensor): readonly [Tensor, Tensor] => [c.mul(u).sin().add(x), c.cos()];
    const run = (f: typeof step) => (c: Tensor, m: Tensor) => {
      const [last, ys] = scan(f, c, m);
      return last.sum().add(ys.square().sum());
    };
    const [value, gradient] = valueAndGrad(run(step), { argnums: [0, 1] })(x, w);
    const nested = checkpoint((c: Tensor, u: Tensor) => checkpoint(step)(c, u)) as unknown as typeof step;
    for (const f of [checkpoint(step) as unknown as typeof step, nested]) {
      const [found, gradients] = jit(valueAndGrad(run(f), { argnums: [0, 1] }))(x, w);
      same(found, value);
      gradient.forEach((one, i) => same(gradients[i], one));
    }
  });

  test('shows as one equation', () => {
    expect(String(program(checkpoint(block))(x, w))).toContain('checkpoint');
  });
});

describe('mistakes', () => {
  test('policies that there are not', () => {
    for (const policy of ['all', { save: 'h' }, { save: [1] }, null, 3] as never[])
      expect(() => checkpoint(block, { policy })).toThrow(BadArgument);
    expect(() => checkpoint(3 as never)).toThrow(BadArgument);
  });

  test('values are not known inside', () => {
    const branching = (v: Tensor) => (v.sum().item() > 0 ? v : v.neg());
    expect(() => checkpoint(branching)(x)).toThrow(ConcreteValueNeeded);
  });
});
