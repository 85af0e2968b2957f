/** What does not change in a loop is computed before it, and nothing else moves. */
import { grad, scan, type Tensor, tensor, zeros } from 'cotangent';
import { expect, test } from 'vitest';
import { compile } from '../../src/compiler/compile.ts';
import { kernelsOf, type Step } from '../../src/kernel/routine.ts';
import { program } from '../../src/transforms/program.ts';

const w = tensor(
  Float32Array.from({ length: 9 }, (_, i) => i / 10),
  { shape: [3, 3] },
);
const xs = tensor(
  Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  { shape: [4, 3] },
);

/** Steps with weights that are made anew in each from what never changes. */
function wasteful(v: Tensor, rows: Tensor): Tensor {
  const [h] = scan(
    (state: Tensor, x: Tensor) => [x.matmul(v.matmul(v).exp()).add(state).tanh(), x],
    zeros([3]),
    rows,
  );
  return h.sum();
}

/** The same, written well. */
function thrifty(v: Tensor, rows: Tensor): Tensor {
  const once = v.matmul(v).exp();
  const [h] = scan((state: Tensor, x: Tensor) => [x.matmul(once).add(state).tanh(), x], zeros([3]), rows);
  return h.sum();
}

const insideLoops = (steps: readonly Step[]): number =>
  steps.reduce((n, step) => n + (step.form === 'loop' ? kernelsOf(step.body).length : 0), 0);

const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float32Array);

test('has as few kernels in its loop as the function written well, and the same numbers', () => {
  const [one, other] = [wasteful, thrifty].map(f => compile(program(f)(w, xs)).routine);
  expect(insideLoops(one.steps)).toBe(insideLoops(other.steps));
  expect(insideLoops(one.steps)).toBeGreaterThan(0);
  expect(numbers(wasteful(w, xs))).toEqual(numbers(thrifty(w, xs)));
});

test('the gradient is that of the function written well', () => {
  const [one, other] = [wasteful, thrifty].map(f => numbers(grad(f)(w, xs)));
  one.forEach((slope, i) => expect(slope).toBeCloseTo(other[i], 5));
});

test('moves out of a loop inside a loop', () => {
  const nested = (v: Tensor, rows: Tensor): Tensor => {
    const inner = (start: Tensor): Tensor =>
      scan((state: Tensor, x: Tensor) => [state.add(x.mul(v.matmul(v).exp().sum())), x], start, rows)[0];
    return scan((state: Tensor, x: Tensor) => [inner(state).add(x), x], zeros([3]), rows)[0].sum();
  };
  const { routine } = compile(program(nested)(w, xs));
  const names = (steps: readonly Step[]): string[] => kernelsOf(steps).map(step => step.kernel.name);
  const before = routine.steps.filter(step => step.form === 'kernel');
  expect(names(before).join()).toContain('dot');
  const loops = routine.steps.filter(step => step.form === 'loop');
  expect(names(loops).join()).not.toContain('dot');
});
