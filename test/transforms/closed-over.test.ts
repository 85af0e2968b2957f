/** Bodies may use whatever is in scope: values of enclosing transformations are differentiated, mapped and compiled. */
import {
  cond,
  forLoop,
  grad,
  jit,
  jvp,
  program,
  scan,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
} from 'cotangent';
import { describe, expect, test } from 'vitest';

const f64 = (values: number | number[]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

/** Each computes y ↦ w y³ with w closed over. */
const cubes: Record<string, (w: Tensor, y: Tensor) => Tensor> = {
  scan: (w, y) => scan(c => [c.mul(y), null], w, null, { length: 3 })[0],
  forLoop: (w, y) => forLoop(0, 3, (_, c) => c.mul(y), w),
  'forLoop with unknown limits': (w, y) => forLoop(0, tensor(3, 'int32'), (_, c) => c.mul(y), w),
  whileLoop: (w, y) =>
    whileLoop(
      ({ i }) => i.less(3),
      ({ i, c }) => ({ i: i.add(1), c: c.mul(y) }),
      { i: tensor(0, 'int32'), c: w },
    ).c,
  cond: (w, y) =>
    cond(
      w.greater(-100),
      () => y.mul(y).mul(y).mul(w),
      () => w,
    ),
  'cond, other branch': (w, y) =>
    cond(
      w.less(-100),
      () => w,
      () => y.mul(y).mul(y).mul(w),
    ),
  'jit in scan': (w, y) => scan(c => [jit((d: Tensor) => d.mul(y))(c), null], w, null, { length: 3 })[0],
};

describe.each(Object.entries(cubes))('%s', (_, cube) => {
  const [w, y] = [2, 1.5];

  test('of an enclosing derivative', () => {
    expect(grad((v: Tensor) => cube(f64(w), v))(f64(y)).item()).toBeCloseTo(3 * w * y * y, 12);
    expect(grad((v: Tensor) => cube(v, f64(y)))(f64(w)).item()).toBeCloseTo(y ** 3, 12);
    expect(jvp((v: Tensor) => cube(f64(w), v), [f64(y)], [f64(1)])[1].item()).toBeCloseTo(3 * w * y * y, 12);
    // Two derivatives at once, each of its own variable: ∂/∂w ∂/∂y w y³ = 3y².
    expect(grad((v: Tensor) => grad((u: Tensor) => cube(v, u))(f64(y)))(f64(w)).item()).toBeCloseTo(
      3 * y * y,
      11,
    );
    // A plain number.
    expect(grad((v: Tensor) => cube(f64(w), v.mul(f64(1))))(y).item()).toBeCloseTo(3 * w * y * y, 5);
  });

  test('of an enclosing vmap', () => {
    expect(numbers(vmap((v: Tensor) => cube(f64(w), v))(f64([1, 2, 3])))).toEqual([2, 16, 54]);
    expect(numbers(vmap((v: Tensor) => cube(v, f64(2)))(f64([1, 2, 3])))).toEqual([8, 16, 24]);
    expect(numbers(vmap(grad((v: Tensor) => cube(f64(w), v)))(f64([1, 2, 3])))).toEqual([6, 24, 54]);
    const table = vmap((v: Tensor) => vmap((u: Tensor) => cube(v, u))(f64([1, 2])))(f64([1, 2]));
    expect(table.arraySync()).toEqual([
      [1, 8],
      [2, 16],
    ]);
  });

  test('of an enclosing jit, and concrete', () => {
    const compiled = jit((v: Tensor, u: Tensor) => cube(v, u));
    expect(compiled(f64(2), f64(3)).item()).toBe(54);
    expect(compiled(f64(1), f64(2)).item()).toBe(8);
    const both = jit((v: Tensor) => grad((u: Tensor) => cube(v, u))(f64(2)));
    expect([both(f64(1)).item(), both(f64(2)).item()]).toEqual([12, 24]);
    expect(jit(() => cube(f64(2), f64(3)))().item()).toBe(54);
  });
});

test('a tensor that a body closes over is an operand, not part of its program', () => {
  const big = f64(Array.from({ length: 1000 }, (_, i) => i));
  const text = String(
    program((x: Tensor) => scan(c => [c.add(big.sum()), null], x, null, { length: 2 })[0])(f64(0)),
  );
  expect(text).toMatch(/scan\[constants=1 carries=1/);
});
