/** Loops in segments: no bit changes, and memory grows as √T or log T. */
import {
  BadArgument,
  checkGrads,
  forLoop,
  grad,
  jit,
  jvp,
  type ScanCheckpoint,
  scan,
  type Tensor,
  tensor,
  vmap,
  zeros,
} from 'cotangent';
import { describe, expect, test } from 'vitest';

const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
/** Deterministic values with all signs, and zeros. */
const waves = (seed: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => (i % 7 === 3 ? 0 : Math.sin(seed + 1.7 * i)));
  return tensor(values, 'float32').reshape(shape);
};

/** A recurrent cell that reads its weights twice, with a result at every step. */
const loss =
  (checkpoint?: ScanCheckpoint, reverse = false) =>
  (h: Tensor, w: Tensor, xs: Tensor): Tensor => {
    const step = (c: Tensor, x: Tensor) => {
      const next = w.mul(c).sum(1).add(x).tanh();
      return [next, w.mul(next).sum(0).maximum(0)] as const;
    };
    const [last, ys] = scan(step, h, xs, checkpoint === undefined ? { reverse } : { reverse, checkpoint });
    return last
      .sum()
      .add(ys.mul(waves(9, ...ys.shape)).sum())
      .add(w.sum().square());
  };
const argnums = [0, 1, 2] as const;
const h = waves(1, 3);
const w = waves(2, 3, 3).mul(0.6);

describe.each([
  'sqrt',
  'binomial',
  { segments: 3 },
  { segments: 1000 },
  { snapshots: 8 },
] as ScanCheckpoint[])('checkpoint %j', checkpoint => {
  for (const steps of [1, 2, 12, 13])
    test(`${steps} steps: values and gradients are the same bit for bit`, () => {
      const xs = waves(3, steps, 3);
      for (const reverse of [false, true]) {
        expect(numbers(loss(checkpoint, reverse)(h, w, xs))).toEqual(
          numbers(loss(undefined, reverse)(h, w, xs)),
        );
        const expected = jit(grad(loss(undefined, reverse), { argnums }))(h, w, xs);
        const found = jit(grad(loss(checkpoint, reverse), { argnums }))(h, w, xs);
        expected.forEach((one, i) => {
          expect(numbers(found[i])).toEqual(numbers(one));
        });
      }
    });

  test('eager gradients, batches, forward mode and second order', () => {
    const xs = waves(3, 7, 3);
    const at = (one?: ScanCheckpoint) => (m: Tensor) => loss(one)(h, m, xs);
    const both = (make: (f: (m: Tensor) => Tensor) => Tensor) =>
      expect(numbers(make(at(checkpoint)))).toEqual(numbers(make(at())));
    both(f => grad(f)(w));
    both(f => jvp(f, [w], [waves(4, 3, 3)])[1]);
    both(f => jit(vmap(grad(f)))(waves(5, 2, 3, 3)));
    both(f => jit((m: Tensor) => jvp(grad(f), [m], [waves(4, 3, 3)])[1])(w));
  });
});

test('the gradient of a matrix that all steps share is a product for each segment, equal up to rounding', () => {
  const f = (checkpoint?: ScanCheckpoint) => (m: Tensor) =>
    scan(
      (c: Tensor, x: Tensor) => [c.matmul(m).add(x).tanh(), null] as const,
      h.astype('float64'),
      waves(3, 13, 3).astype('float64'),
      checkpoint === undefined ? {} : { checkpoint },
    )[0].sum();
  const at = w.astype('float64');
  const expected = numbers(jit(grad(f()))(at));
  for (const checkpoint of ['sqrt', 'binomial'] as const)
    numbers(jit(grad(f(checkpoint)))(at)).forEach((one, i) => {
      expect(Math.abs(one - expected[i])).toBeLessThan(1e-13);
    });
});

test('finite differences of second order', () => {
  const f = (a: Tensor): Tensor =>
    scan(
      (c: Tensor, x: Tensor) => [c.mul(a).add(x).sin(), c.mul(x)] as const,
      a,
      waves(1, 5).astype('float64'),
      {
        checkpoint: 'sqrt',
      },
    )
      .map(one => one.sum())
      .reduce((p, q) => p.add(q));
  checkGrads(f, [tensor(0.7, 'float64')], { order: 2 });
});

test('a loop over counts', () => {
  const f = (checkpoint?: 'sqrt') => (x: Tensor) =>
    forLoop(2, 40, (i, c: Tensor) => c.mul(x).add(i.mul(0.01)).sin(), x, checkpoint && { checkpoint }).sum();
  expect(numbers(grad(f('sqrt'))(h))).toEqual(numbers(grad(f())(h)));
});

describe('memory of the gradient', () => {
  const n = 256;
  /** In vectors of n numbers. */
  const vectors = (steps: number, checkpoint?: ScanCheckpoint): number => {
    const f = (x: Tensor) =>
      scan((c: Tensor) => [c.cumsum(0).sin(), null] as const, x, null, {
        length: steps,
        ...(checkpoint === undefined ? {} : { checkpoint }),
      })[0].sum();
    return jit(grad(f)).plan(zeros([n])).bytes.temporaries / (4 * n);
  };

  test('is T without checkpoints, about 2√T with √T segments, about 4·log₂T with halves', () => {
    for (const steps of [64, 256, 1024, 4096]) {
      expect(vectors(steps)).toBeGreaterThan(steps);
      expect(vectors(steps)).toBeLessThan(steps + 8);
      expect(vectors(steps, 'sqrt')).toBeLessThan(2 * Math.sqrt(steps) + 8);
      expect(vectors(steps, 'binomial')).toBeLessThan(5 * Math.log2(steps) + 4);
    }
  });

  test('follows the number of snapshots', () => {
    expect(vectors(1000, { snapshots: 30 })).toBeLessThan(vectors(1000, { snapshots: 70 }));
  });
});

test('options that there are not', () => {
  const run = (checkpoint: unknown) => () =>
    scan((c: Tensor) => [c, null] as const, h, null, { length: 100, checkpoint: checkpoint as never });
  for (const wrong of ['cube', null, {}, { segments: 0 }, { segments: 2.5 }, { segments: 2, snapshots: 2 }])
    expect(run(wrong)).toThrow(BadArgument);
  expect(run({ snapshots: 13 })).toThrow(/at least 14/);
  expect(() => forLoop(0, tensor(3, 'int32'), (_, c: Tensor) => c, h, { checkpoint: 'sqrt' })).toThrow(
    BadArgument,
  );
});
