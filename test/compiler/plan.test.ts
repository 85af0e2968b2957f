/** What a compiled function is made of, in numbers and in print. */
import {
  config,
  defaultDevice,
  grad,
  jit,
  OutOfMemory,
  scan,
  type Tensor,
  tensor,
  whileLoop,
  zeros,
} from 'cotangent';
import { afterEach, describe, expect, test } from 'vitest';

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);

describe('plan', () => {
  test('elementwise chains are one kernel without intermediate memory', () => {
    const plan = jit((a: Tensor) => a.sin().mul(a).add(1).exp()).plan(x);
    expect(plan).toMatchObject({
      kernels: 1,
      bytes: { arguments: 24, results: 24, temporaries: 0, reused: 0 },
    });
  });

  test('counts constants, intermediate values and donated memory', () => {
    const f = (a: Tensor) => a.cumsum(0).cumsum(1).add(x);
    expect(jit(f).plan(x).bytes).toMatchObject({ constants: 24, results: 24 });
    expect(jit(f).plan(x).bytes.temporaries).toBeGreaterThanOrEqual(24);
    expect(jit((a: Tensor) => a.add(x), { donate: [0] }).plan(x).bytes.reused).toBe(24);
    expect(jit((a: Tensor) => a.flip(0), { donate: [0] }).plan(x).bytes.reused).toBe(0);
  });

  test('computes nothing, and the call after it does not trace again', () => {
    const f = jit((a: Tensor) => a.mul(2), { donate: [0] });
    const a = tensor([1, 2]);
    f.plan(a);
    expect(f(a).arraySync()).toEqual([2, 4]);
    expect(f.traces).toBe(1);
  });

  test('reverse mode of a loop keeps a number at each step, not what it was broadcast to', () => {
    const [steps, n] = [50, 1000];
    const scaled = (y: Tensor, factors: Tensor) =>
      scan((c: Tensor, factor: Tensor) => [c.mul(factor), null] as const, y, factors)[0].sum();
    const { bytes } = jit(grad(scaled)).plan(zeros([n]), zeros([steps]));
    expect(bytes.temporaries).toBeLessThan((4 * steps * n) / 5);
  });

  test('an output that is an argument is not made', () => {
    const plan = jit((a: Tensor, b: Tensor) => [b, a]).plan(x, tensor(1));
    expect(plan).toMatchObject({ kernels: 0, bytes: { results: 0 } });
    expect(String(plan)).toContain('output 0 is argument 1');
  });

  test('reads the same on every device', () => {
    const f = (a: Tensor) => a.sin().sum();
    const here = String(jit(grad(f)).plan(x));
    defaultDevice('reference');
    expect(String(jit(grad(f)).plan(x))).toBe(here);
    defaultDevice('wasm');
  });
});

test('a jitted function prints every signature with its kernels and their places', () => {
  const f = jit(function loss(a: Tensor) {
    return a.cumsum(0).mul(a).sum();
  });
  expect(String(f)).toContain('not called yet');
  f(x);
  f(tensor([1, 2], 'float64'));
  const text = String(f);
  for (const part of [
    'jit(loss): float32[2,3]',
    'jit(loss): float64[2]',
    'float32[2,3] (argument 0)',
    '(arena + 0)',
    '→ float32[] (result 0)',
  ])
    expect(text).toContain(part);
  const lines = text.split('\n\n').map(one => one.split('\n').length);
  expect(lines).toEqual(lines.map(() => 2 + f.plan(x).kernels));
});

test('control flow is printed as loops', () => {
  const f = jit((a: Tensor) => {
    const [sum] = scan((c: Tensor, row: Tensor) => [c.add(row), null] as const, zeros([3]), a);
    return whileLoop(
      (c: Tensor) => c.sum().less(100),
      (c: Tensor) => c.mul(2),
      sum,
    );
  });
  const text = String(f.plan(x));
  expect(text).toMatch(/loop 0: 2 times\n {4}add: .*argument 0 of loop 0/);
  expect(text).toMatch(/while bool\[1\][\s\S]*do\n/);
});

describe('a program larger than the budget', () => {
  afterEach(() => config({ memoryBudget: 2 ** 30 }));

  test('says what to do, and everything works afterwards', () => {
    config({ memoryBudget: 4 * 2 ** 20 });
    const large = jit((a: Tensor) => {
      // An outer sum of 4096², which fusion cannot do without: it is sorted.
      const all = a.expandDims(0).add(a.expandDims(1));
      return all.sort().at(0).get().sum();
    });
    const a = zeros([4096]);
    expect(large.plan(a).bytes.temporaries).toBeGreaterThan(4096 ** 2 * 4);
    for (let i = 0; i < 2; i++) {
      expect(() => large(a)).toThrow(OutOfMemory);
      expect(() => large(a)).toThrow(
        /CT123.* in a compiled function with \d+ bytes[\s\S]*memoryBudget.*smaller batches/,
      );
    }
    expect(jit((b: Tensor) => b.cumsum(0).cumsum(0).add(1).sum())(a).item()).toBe(4096);
    config({ memoryBudget: 2 ** 30 });
    expect(large(a).item()).toBe(0);
  });
});
