/**
 * The laws of derivatives and of compilation on random programs. `PROPERTY_RUNS` and `PROPERTY_SEED` in the
 * environment ask for more programs, or others; a failure prints the shortest program found that breaks the law.
 */
import { defaultDevice, jit, jvp, linearize, program, stack, type Tensor, vjp, vmap } from 'cotangent';
import 'cotangent/reference';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { dot, fromValues, numbers, randomNumbers } from '../laws/samples.ts';
import { type Flat, make, type RandomProgram, randomProgram } from './programs.ts';

const runs = Number(process.env.PROPERTY_RUNS ?? 10);
const seed = Number(process.env.PROPERTY_SEED ?? 1847);
const timeout = 60_000 + 2_000 * runs;

const device = defaultDevice();
afterAll(() => {
  defaultDevice(device);
});

/** Checks a law on programs of this size. */
function law(
  name: string,
  size: { length?: number; most?: number },
  check: (one: RandomProgram) => void,
  share = 1,
): void {
  test(
    name,
    () => fc.assert(fc.property(randomProgram(size), check), { seed, numRuns: Math.ceil(runs * share) }),
    timeout,
  );
}

function like(tensor: Tensor, salt: number): Tensor {
  const random = randomNumbers(salt);
  return fromValues(
    Array.from({ length: tensor.size }, () => random() * 2 - 1),
    tensor.shape,
    tensor.dtype,
  );
}

const directionsFor = (tensors: readonly Tensor[], salt: number): Tensor[] =>
  tensors.map((one, i) => like(one, salt + i));

const moved = (tensors: readonly Tensor[], directions: readonly Tensor[], h: number): Tensor[] =>
  tensors.map((one, i) => {
    const direction = numbers(directions[i]);
    return fromValues(
      numbers(one).map((value, j) => value + h * direction[j]),
      one.shape,
      one.dtype,
    );
  });

type Untyped = (...args: never[]) => unknown;
const push = (f: Flat, xs: readonly Tensor[], vs: readonly Tensor[]): Tensor[] =>
  (jvp as unknown as (f: Untyped, p: unknown, t: unknown) => [Tensor[], Tensor[]])(f as Untyped, xs, vs)[1];
const pull = (f: Flat, xs: readonly Tensor[], cts: readonly Tensor[]): Tensor[] =>
  (vjp as unknown as (f: Untyped, ...p: unknown[]) => [Tensor[], (ct: unknown) => Tensor[]])(
    f as Untyped,
    ...xs,
  )[1](cts);
const compiled = (f: Flat): Flat => jit((...xs: Tensor[]) => f(...xs)) as unknown as Flat;
const batched = (f: Flat, flags: readonly boolean[]): Flat =>
  vmap((...xs: Tensor[]) => f(...xs), { inAxes: flags.map(is => (is ? 0 : null)) }) as unknown as Flat;

const flat = (tensors: readonly Tensor[]): number[] => tensors.flatMap(numbers);

/** Relative to the largest of the values, as errors of sums are. */
function close(found: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  const scale = expected.reduce(
    (most, value) => (most < Math.abs(value) && Number.isFinite(value) ? Math.abs(value) : most),
    1,
  );
  found.forEach((value, i) => {
    if (Object.is(value, expected[i])) return;
    if (!(Math.abs(value - expected[i]) <= tolerance * scale))
      expect.fail(`element ${i}: ${value}, expected ${expected[i]}; all: ${found} against ${expected}`);
  });
}

function same(found: readonly Tensor[], expected: readonly Tensor[]): void {
  expect(found.map(one => String(one.aval))).toEqual(expected.map(one => String(one.aval)));
  found.forEach((one, i) => {
    expect(numbers(one), `result ${i}`).toEqual(numbers(expected[i]));
  });
}

/** Central differences by two steps: a kink between the points of one is not between those of the other. */
function differences(f: Flat, xs: readonly Tensor[], vs: readonly Tensor[], found: number[]): void {
  const by = (h: number): number[] => {
    const [high, low] = [flat(f(...moved(xs, vs, h))), flat(f(...moved(xs, vs, -h)))];
    // An infinite value, as logsumexp of nothing, has no difference.
    return high.map((value, i) => (Number.isFinite(value) ? (value - low[i]) / (2 * h) : found[i]));
  };
  try {
    close(found, by(2e-5), 1e-6);
  } catch {
    close(found, by(1.1e-6), 1e-6);
  }
}

describe('first derivatives', () => {
  law('the pushforward is the central difference', {}, one => {
    const { f, inputs } = make(one);
    const vs = directionsFor(inputs, 11);
    differences(f, inputs, vs, flat(push(f, inputs, vs)));
  });

  for (const [dtype, tolerance] of [
    ['float64', 1e-11],
    ['float32', 2e-4],
  ] as const)
    law(`the pullback is the adjoint of the pushforward, ${dtype}`, {}, one => {
      const { f, inputs } = make(one, dtype);
      const vs = directionsFor(inputs, 21);
      const tangents = push(f, inputs, vs);
      // The mean of nothing is NaN, and so is its tangent along nothing.
      if (inputs.some(x => x.size === 0) && flat(tangents).some(Number.isNaN)) return;
      const us = directionsFor(tangents, 31);
      const pulled = pull(f, inputs, us);
      expect(pulled.map(ct => String(ct.aval))).toEqual(inputs.map(x => String(x.aval)));
      const sizes = [...flat(pulled), ...flat(tangents)].map(Math.abs);
      const forward = dot(flat(tangents), flat(us));
      close([dot(flat(pulled), flat(vs)), ...sizes], [forward, ...sizes], tolerance);
    });

  law('linearize gives the function and its pushforward', {}, one => {
    const { f, inputs } = make(one);
    const [value, forward] = (
      linearize as unknown as (f: Untyped, ...p: unknown[]) => [Tensor[], (...t: unknown[]) => Tensor[]]
    )(f as Untyped, ...inputs);
    same(value, f(...inputs));
    const vs = directionsFor(inputs, 41);
    close(flat(forward(...vs)), flat(push(f, inputs, vs)), 1e-12);
  });
});

describe('second derivatives', () => {
  law('forward over reverse is the central difference of the gradient', { length: 6, most: 3 }, one => {
    const { f, inputs } = make(one);
    const us = directionsFor(f(...inputs), 51);
    const gradient: Flat = (...xs) => pull(f, xs, us);
    const vs = directionsFor(inputs, 61);
    differences(gradient, inputs, vs, flat(push(gradient, inputs, vs)));
  });

  law(
    'Hessians are symmetric, in every order of the modes',
    { length: 6, most: 3 },
    one => {
      const { f, inputs } = make(one);
      const us = directionsFor(f(...inputs), 71);
      const [vs, ws] = [directionsFor(inputs, 81), directionsFor(inputs, 91)];
      const gradient: Flat = (...xs) => pull(f, xs, us);
      const hv = push(gradient, inputs, vs);
      const hw = push(gradient, inputs, ws);
      const sizes = [...flat(hv), ...flat(hw)].map(Math.abs);
      close([dot(flat(hv), flat(ws)), ...sizes], [dot(flat(hw), flat(vs)), ...sizes], 1e-10);
      const slope: Flat = (...xs) => push(f, xs, vs);
      close(flat(pull(slope, inputs, us)), flat(hv), 1e-10);
      close(flat(pull(gradient, inputs, vs)), flat(hv), 1e-10);
    },
    0.5,
  );
});

describe('compilation', () => {
  for (const dtype of ['float64', 'float32'] as const)
    law(`jit gives the bits of eager evaluation, ${dtype}`, {}, one => {
      const { f, inputs } = make(one, dtype);
      same(compiled(f)(...inputs), f(...inputs));
      const us = directionsFor(f(...inputs), 101);
      const gradient: Flat = (...xs) => pull(f, xs, us);
      same(compiled(gradient)(...inputs), gradient(...inputs));
    });

  law('jit gives the bits of eager evaluation, larger tensors', { length: 5, most: 37 }, one => {
    const { f, inputs } = make(one, 'float32');
    same(compiled(f)(...inputs), f(...inputs));
  });

  law('a pullback of a compiled function is that of the function', {}, one => {
    const { f, inputs } = make(one);
    const us = directionsFor(f(...inputs), 111);
    close(flat(pull(compiled(f), inputs, us)), flat(pull(f, inputs, us)), 1e-12);
  });

  for (const [dtype, tolerance] of [
    ['float64', 1e-12],
    ['float32', 1e-4],
  ] as const)
    law(`the reference device agrees, ${dtype}`, {}, one => {
      const { f, inputs } = make(one, dtype);
      const us = directionsFor(f(...inputs), 121);
      const both: Flat = (...xs) => [...f(...xs), ...pull(f, xs, us)];
      const found = flat(compiled(both)(...inputs));
      defaultDevice('reference');
      try {
        close(found, flat(compiled(both)(...inputs)), tolerance);
      } finally {
        defaultDevice(device);
      }
    });

  law('programs print, one line for each equation', {}, one => {
    const { f, inputs } = make(one);
    const traced = (program as unknown as (f: Untyped) => (...xs: Tensor[]) => { equations: unknown[] })(
      f as Untyped,
    )(...inputs);
    const text = String(traced);
    expect(text.split('\n').length).toBeGreaterThan(traced.equations.length);
    expect(text).not.toMatch(/undefined|\[object/);
  });
});

describe('batches', () => {
  law(
    'vmap is a loop, of the function and of its pullback',
    { length: 6, most: 3 },
    one => {
      const { f, inputs } = make(one);
      const examples = [0, 1, 2].map(i =>
        i === 0 ? inputs : moved(inputs, directionsFor(inputs, 131 + i), 0.3),
      );
      const flags = inputs.map((_, i) => i === 0 || (one.seed >> i) % 2 === 1);
      const stacked = inputs.map((x, i) => (flags[i] ? stack(examples.map(example => example[i])) : x));
      const chosen = examples.map(example => example.map((x, i) => (flags[i] ? x : inputs[i])));
      const us = directionsFor(f(...inputs), 141);
      const both: Flat = (...xs) => [...f(...xs), ...pull(f, xs, us)];
      const all = batched(both, flags)(...stacked);
      const loop = chosen.map(example => both(...example));
      all.forEach((result, k) => {
        expect(result.shape).toEqual([3, ...loop[0][k].shape]);
        close(numbers(result), flat(loop.map(results => results[k])), 1e-11);
      });
      same(compiled(batched(both, flags))(...stacked), all);
    },
    0.5,
  );
});
