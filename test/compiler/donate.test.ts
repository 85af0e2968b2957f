/** Donated arguments: the same results, less memory, and no use afterwards. */
import {
  BadArgument,
  defaultDevice,
  FreedTensor,
  grad,
  jit,
  memory,
  type Tensor,
  ThreadFailed,
  tensor,
  tidy,
  vjp,
  zeros,
} from 'cotangent';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WorkerFailed } from '../../src/backends/backend.ts';
import { currentBackend, useBackend } from '../../src/transforms/evaluate.ts';

const size = 1000;
const filled = (value: number): Tensor => tensor(new Float32Array(size).fill(value));
const first = (x: Tensor): number => x.dataSync()[0];
const isFreed = (x: Tensor): void => expect(() => x.add(1)).toThrow(FreedTensor);
const held = (): number => memory()?.bytes ?? 0;

describe.each(['wasm', 'reference'] as const)('donation on %s', device => {
  beforeAll(() => {
    defaultDevice(device);
  });
  afterAll(() => {
    defaultDevice('wasm');
  });

  const programs: Record<string, (x: Tensor, y: Tensor) => readonly Tensor[]> = {
    'an elementwise result': (x, y) => [x.mul(y).add(1)],
    'two results of both': (x, y) => [x.add(y), x.sub(y)],
    'exchanged arguments': (x, y) => [y, x],
    'an argument as it came': (x, y) => [x, x.add(y)],
    'one result twice': (x, y) => {
      const z = x.add(y);
      return [z, z];
    },
    'read backwards': x => [x.flip(0)],
    'read after another result is made': (x, y) => [x.mul(2), y.add(x.sum()), x.flip(0).add(y)],
    'running sums': (x, y) => [x.cumsum(0), y.add(x)],
    'a matrix product of it': (x, y) => [x.reshape([20, 50]).matmul(y.reshape([50, 20])), x.add(1)],
    'reshaped results': (x, y) => [x.reshape([20, 50]).add(1), y.reshape([50, 20]).transpose()],
  };
  test.each(Object.entries(programs))('%s', (_, f) => {
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const others = Float32Array.from({ length: size }, (_, i) => Math.cos(3 * i));
    const expected = jit(f)(tensor(values), tensor(others)).map(x => x.arraySync());
    for (const donate of [[0], [1], [0, 1]]) {
      const step = jit(f, { donate });
      for (let i = 0; i < 2; i++) {
        const args = [tensor(values), tensor(others)] as const;
        // On the device already, as results are.
        args.forEach(x => x.add(0));
        expect(step(...args).map(x => x.arraySync())).toEqual(expected);
        args.forEach((x, at) => (donate.includes(at) ? isFreed(x) : expect(x.add(0).size).toBe(size)));
      }
    }
  });

  test('rows in blocks, on threads', () => {
    const n = 2 ** 20;
    const f = (x: Tensor, m: Tensor) => {
      const next = m.mul(0.9).add(x.mul(0.1));
      return [x.sub(next.div(next.square().add(1).sqrt())), next];
    };
    const make = () => [zeros([1024, n / 1024]).add(1), zeros([1024, n / 1024]).add(2)] as const;
    const expected = jit(f)(...make()).map(x => x.sum().item());
    expect(jit(f, { donate: [0, 1] })(...make()).map(x => x.sum().item())).toEqual(expected);
  });

  test('the same tensor twice, or its memory under another shape', () => {
    const f = jit((x: Tensor, y: Tensor) => [x.add(1), y.mul(2)], { donate: [0] });
    const x = filled(3).add(0);
    expect(f(x, x).map(first)).toEqual([4, 6]);
    isFreed(x);
    const y = filled(5).add(0);
    const same = y.reshape([10, 100]);
    expect(jit((a: Tensor) => a.add(1), { donate: [0] })(y).dataSync()[7]).toBe(6);
    isFreed(y);
    expect(first(same)).toBe(5);
  });

  test('trees, numbers and static arguments around it', () => {
    const f = jit(
      (scale: number, state: { m: Tensor; v: Tensor[] }, x: Tensor) => ({
        m: state.m.mul(scale),
        v: state.v.map(one => one.add(x)),
      }),
      { staticArgnums: [0], donate: [1] },
    );
    const state = { m: filled(2).add(0), v: [filled(3).add(0)] };
    const x = filled(1);
    const next = f(3, state, x);
    expect([first(next.m), first(next.v[0]), first(x)]).toEqual([6, 4, 1]);
    isFreed(state.m);
    isFreed(state.v[0]);
    expect(jit((a: Tensor) => a.add(1), { donate: [0] })(1).item()).toBe(2);
  });

  test('shared constants stay as they are', () => {
    const f = jit((x: Tensor) => x.add(1), { donate: [0] });
    expect(f(zeros([])).item()).toBe(1);
    expect(f(zeros([])).item()).toBe(1);
    tidy(() => zeros([]).add(5));
    zeros([]).dispose();
    expect(zeros([]).item()).toBe(0);
  });

  test('inside a transformation nothing is given away', () => {
    const f = jit((x: Tensor) => x.mul(x).sum(), { donate: [0] });
    const x = filled(3).add(0);
    expect(first(grad(f)(x))).toBe(6);
    const [, pullback] = vjp(f, x);
    expect([first(pullback(1)[0]), first(pullback(2)[0])]).toEqual([6, 12]);
    const outer = jit((y: Tensor) => f(y).add(y.sum()));
    expect([outer(x).item(), outer(x).item()]).toEqual([12 * size, 12 * size]);
    expect(first(x)).toBe(3);
  });

  test('a call that fails gives nothing away', () => {
    const f = jit((x: Tensor) => x.add([1, 2]), { donate: [0] });
    const x = filled(3).add(0);
    expect(() => f(x)).toThrow();
    expect(first(x)).toBe(3);
  });
});

test('a loop that donates its state makes no garbage', () => {
  const step = jit((x: Tensor, y: Tensor) => x.mul(0.5).add(y), { donate: [0] });
  const y = filled(1).add(0);
  let x = filled(1).add(0);
  x = step(x, y);
  const before = held();
  for (let i = 0; i < 100; i++) x = step(x, y);
  expect(held()).toBe(before);
  expect(first(x)).toBe(2);
  const use = jit((z: Tensor) => z.sum(), { donate: [0] });
  use(x);
  expect(held()).toBeLessThan(before);
});

test('after a thread failed, what may be written over in part is gone', () => {
  const device = currentBackend();
  const x = filled(3).add(0);
  useBackend({
    name: 'failing',
    allocate: (type, size) => device.allocate(type, size),
    adopt: (buffer, type) => device.adopt(buffer, type),
    compile: () => () => {
      throw new WorkerFailed(1);
    },
  });
  try {
    expect(() => jit((a: Tensor) => a.add(1), { donate: [0] })(x)).toThrow(ThreadFailed);
  } finally {
    useBackend(device);
  }
  isFreed(x);
});

test('an argument is not both static and donated', () => {
  expect(() => jit((x: Tensor) => x, { staticArgnums: [0], donate: [0] })).toThrow(BadArgument);
  expect(() => (jit((x: Tensor) => x, { donate: [1] }) as (x: Tensor) => Tensor)(tensor(1))).toThrow(
    /needs donated argument 1/,
  );
});
