/** Products with a matrix that a loop shares: their cotangents are taken once, outside, and are those of the loop written out. */
import { checkGrads, grad, jit, jvp, program, scan, stack, type Tensor, vmap } from 'cotangent';
import { key, normal } from 'cotangent/random';
import { describe, expect, test } from 'vitest';

const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

const steps = 6;
const cell = (h: Tensor, x: Tensor, w: Tensor): Tensor => h.matmul(w).add(x.matmul(w).mul(0.5)).tanh();

function looped(w: Tensor, xs: Tensor, reverse = false): Tensor {
  const [last, all] = scan(
    (h: Tensor, x: Tensor) => {
      const next = cell(h, x, w);
      return [next, next] as [Tensor, Tensor];
    },
    xs.sum(0).mul(0.1),
    xs,
    { reverse },
  );
  return last.square().sum().add(all.mul(0.3).sum());
}

function unrolled(w: Tensor, xs: Tensor, reverse = false): Tensor {
  let h = xs.sum(0).mul(0.1);
  const all: Tensor[] = [];
  for (let t = 0; t < steps; t++) {
    h = cell(h, xs.at(reverse ? steps - 1 - t : t).get(), w);
    all.push(h);
  }
  return h.square().sum().add(stack(all).mul(0.3).sum());
}

const draw = (seed: number, shape: number[]): Tensor => normal(key(seed), shape, { dtype: 'float64' });
const w = draw(1, [5, 5]);
const xs = draw(2, [steps, 2, 5]);

function close(found: Tensor, expected: Tensor): void {
  const right = numbers(expected);
  numbers(found).forEach((x, i) => {
    expect(Math.abs(x - right[i])).toBeLessThan(1e-12 * (1 + Math.abs(right[i])));
  });
}

describe.each([false, true])('reverse: %s', reverse => {
  const of = (f: typeof looped) => (w: Tensor, xs: Tensor) => f(w, xs, reverse);

  test('both gradients are those of the steps written out', () => {
    for (const argnums of [0, 1]) {
      const found = grad(of(looped), { argnums })(w, xs) as Tensor;
      close(found, grad(of(unrolled), { argnums })(w, xs) as Tensor);
      expect(numbers(jit(grad(of(looped), { argnums }))(w, xs) as Tensor)).toEqual(numbers(found));
    }
  });

  test('derivatives of the gradient', () => {
    checkGrads(of(looped), [w, xs], { order: 2 });
    const directional = (f: typeof looped) => jvp((v: Tensor) => grad(of(f))(v, xs), [w], [w])[1] as Tensor;
    close(directional(looped), directional(unrolled));
    const twice = (f: typeof looped) => grad((v: Tensor) => grad(of(f))(v, xs).square().sum())(w);
    close(twice(looped), twice(unrolled));
  });

  test('a batch of matrices', () => {
    const many = draw(3, [3, 5, 5]);
    const batch = (f: typeof looped) => vmap((v: Tensor) => grad(of(f))(v, xs))(many);
    close(batch(looped), batch(unrolled));
  });
});

test('no step of the reverse pass adds to the cotangent of the matrix', () => {
  const backwards = program(grad(looped))(w, xs).equations.filter(
    ({ operation }) => operation.name === 'scan',
  )[1];
  const { carries, program: body } = backwards.params as {
    carries: number;
    program: { inputs: readonly { aval: { shape: readonly number[] } }[] };
  };
  expect(carries).toBe(1);
  // Neither does it have it among its inputs: [5, 5] is the matrix alone.
  expect(body.inputs.filter(({ aval }) => String(aval.shape) === '5,5')).toHaveLength(1);
});

test('a matrix smaller than the products is added up: they are not kept', () => {
  const small = draw(4, [2, 2]);
  const tall = draw(5, [steps, 9, 2]);
  const of = (v: Tensor): Tensor => looped(v, tall);
  close(grad(of)(small), grad((v: Tensor) => unrolled(v, tall))(small));
  const text = String(program(grad(of))(small));
  expect(text).toContain('carries=2');
});
