/** What adjoints() shows inside of loops, branches and calls is what the same code written out shows. */
import {
  adjoints,
  cond,
  forLoop,
  grad,
  jit,
  scan,
  type Tensor,
  tag,
  tensor,
  vmap,
  whileLoop,
} from 'cotangent';
import { describe, expect, test } from 'vitest';
import type { Adjoints, AdjointVariable } from '../../src/transforms/adjoints.ts';

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor | null): number[] => Array.from((x as Tensor).dataSync());

type Run = Pick<Adjoints<readonly unknown[]>, 'variables'>;
function all(run: Run, name: string): AdjointVariable[] {
  return run.variables.filter(one => one.name === name);
}
function only(run: Run, name: string): AdjointVariable {
  const found = all(run, name);
  expect(found.map(one => one.name)).toEqual([name]);
  return found[0];
}

function close(found: readonly number[], expected: readonly number[], tolerance = 1e-12): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected[i])));
  });
}

/** The variable of a loop against those of its unrolled form, in order of the steps. */
function sameAsUnrolled(loop: AdjointVariable, unrolled: readonly AdjointVariable[]): void {
  expect(loop.steps[0]).toBe(unrolled.length);
  close(
    numbers(loop.value),
    unrolled.flatMap(one => numbers(one.value)),
    0,
  );
  close(
    numbers(loop.adjoint),
    unrolled.flatMap(one => numbers(one.adjoint)),
  );
}

const xs = f64([
  [0.3, -0.2],
  [0.5, 0.9],
  [-0.7, 0.4],
  [0.2, 0.1],
]);
const W = f64([
  [0.4, -0.3],
  [0.8, 0.2],
]);
const row = (x: Tensor, t: number): Tensor => x.at(t).get();

describe('scan', () => {
  test('of a recurrent network: backpropagation through time in closed form', () => {
    const run = adjoints((w: Tensor, x: Tensor) => {
      const [, h] = scan(
        (before: Tensor, now: Tensor) => {
          const after = tag('h', tag('a', before.matmul(w).add(now)).tanh());
          return [after, after];
        },
        f64([0, 0]),
        x,
      );
      return h.square().sum();
    })(W, xs);
    const h = only(run, 'scan.h');
    const a = only(run, 'scan.a');
    expect(h.steps).toEqual([4]);
    // h̄ₜ = 2hₜ + (h̄ₜ₊₁ ∘ (1 − hₜ₊₁²))·Wᵀ and āₜ = h̄ₜ ∘ (1 − hₜ²), with no library involved.
    const w = W.arraySync() as number[][];
    const x = xs.arraySync() as number[][];
    const states = [[0, 0]];
    for (const now of x)
      states.push(
        now.map((value, j) => Math.tanh(value + states.at(-1)!.reduce((s, v, i) => s + v * w[i][j], 0))),
      );
    let later = [0, 0];
    const hBar: number[][] = [];
    const aBar: number[][] = [];
    for (let t = 4; t >= 1; t--) {
      const ht = states[t];
      const full = ht.map((value, i) => 2 * value + later.reduce((s, v, j) => s + v * w[i][j], 0));
      later = full.map((value, i) => value * (1 - ht[i] ** 2));
      hBar.unshift(full);
      aBar.unshift(later);
    }
    close(numbers(h.value), states.slice(1).flat());
    close(numbers(h.adjoint), hBar.flat());
    close(numbers(a.adjoint), aBar.flat());
  });

  const body = (w: Tensor, c: Tensor, x: Tensor): Tensor =>
    tag('out', tag('in', c.mul(w).add(x)).sin().mul(c));
  const looped = (reverse: boolean) => (w: Tensor, x: Tensor) =>
    scan((c: Tensor, s: Tensor) => [body(w, c, s), c.sum()], w, x, { reverse });
  const unrolled = (reverse: boolean) => (w: Tensor, x: Tensor) => {
    let c = w;
    let sum: Tensor = f64(0);
    for (const t of reverse ? [3, 2, 1, 0] : [0, 1, 2, 3]) {
      sum = sum.add(c.sum().mul(t + 1));
      c = body(w, c, row(x, t));
    }
    return [c, sum] as const;
  };
  test.each([false, true])('equals the unrolled loop, reverse = %s', reverse => {
    const x0 = f64([0.4, -0.3]);
    const one = adjoints((w: Tensor, x: Tensor) => {
      const [c, sums] = looped(reverse)(w, x);
      return c.sum().add(sums.mul([1, 2, 3, 4]).sum());
    })(x0, xs);
    const other = adjoints((w: Tensor, x: Tensor) => {
      const [c, sum] = unrolled(reverse)(w, x);
      return c.sum().add(sum);
    })(x0, xs);
    for (const name of ['in', 'out']) {
      const steps = all(other, name);
      sameAsUnrolled(only(one, `scan.${name}`), reverse ? steps.reverse() : steps);
    }
    one.gradients.forEach((g, i) => {
      close(numbers(g), numbers(other.gradients[i]));
    });
  });

  test('within scan has an axis for each loop; inner variables that do not move have no adjoint', () => {
    const inner = (w: Tensor, c: Tensor, s: Tensor): Tensor => tag('y', c.mul(s).add(w).cos());
    const one = adjoints(
      (w: Tensor) =>
        scan(
          (c: Tensor, r: Tensor) => [
            scan((d: Tensor, s: Tensor) => [inner(w, d, s), tag('count', s.greater(0))], c, r)[0],
            null,
          ],
          w,
          xs,
        )[0],
    )(f64(0.7));
    const other = adjoints((w: Tensor) => {
      let c = w;
      for (let t = 0; t < 4; t++) for (let j = 0; j < 2; j++) c = inner(w, c, xs.at(t, j).get());
      return c;
    })(f64(0.7));
    const y = only(one, 'scan.scan.y');
    expect(y.steps).toEqual([4, 2]);
    expect(y.value.shape).toEqual([4, 2]);
    const steps = all(other, 'y');
    close(
      numbers(y.adjoint),
      steps.flatMap(step => numbers(step.adjoint)),
    );
    close(
      numbers(y.value),
      steps.flatMap(step => numbers(step.value)),
      0,
    );
  });

  test('changes no bit of the values, not even the sign of a zero', () => {
    const f = (x: Tensor): Tensor =>
      scan((c: Tensor, s: Tensor) => [tag('c', c.mul(s).neg()), null], x, f64([1, 1, 1]))[0];
    const run = adjoints(f)(f64(0));
    expect(numbers(only(run, 'scan.c').value)).toEqual([-0, 0, -0]);
    expect(numbers(run.value)).toEqual([-0]);
  });

  test('knows the lines of the body', () => {
    const run = adjoints(
      (x: Tensor) => scan((c: Tensor) => [tag('line', c.sin()), null], x, null, { length: 2 })[0],
    )(1);
    expect(only(run, 'scan.line').source).toMatch(/adjoints\.test\.ts:\d+:\d+$/);
    expect(String(run)).toMatch(/^scan\.line +tag scan\.a +\[0\.84\d+, 0\.74\d+\]/m);
  });
});

describe('other control flow', () => {
  test('forLoop and whileLoop show every step', () => {
    const step = (c: Tensor): Tensor => tag('state', c.mul(1.5).sin().add(1));
    const by = {
      scan: (x: Tensor) => forLoop(0, 5, (_, c: Tensor) => step(c), x),
      while: (x: Tensor) =>
        whileLoop(
          ({ i }) => i.less(5),
          ({ i, c }) => ({ i: i.add(1), c: step(c) }),
          { i: tensor(0, 'int32'), c: x },
        ).c,
    };
    const plain = adjoints((x: Tensor) => {
      let c = x;
      for (let i = 0; i < 5; i++) c = step(c);
      return c;
    })(f64(0.3));
    for (const [name, f] of Object.entries(by))
      sameAsUnrolled(only(adjoints(f)(f64(0.3)), `${name}.state`), all(plain, 'state'));
  });

  test('cond shows the branch taken; in a loop, at which steps', () => {
    const f = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        (y: Tensor) => tag('up', y.mul(3)),
        (y: Tensor) => tag('down', y.mul(5)),
        x,
      ).sin();
    const up = adjoints(f)(f64(0.4));
    close(numbers(only(up, 'cond.true.up').adjoint), [Math.cos(1.2)]);
    expect(all(up, 'cond.false.down')).toEqual([]);
    const run = adjoints((x: Tensor) => scan((s: Tensor, y: Tensor) => [s.add(f(y)), null], f64(0), x)[0])(
      f64([0.4, -0.2, 0.1]),
    );
    close(numbers(only(run, 'scan.cond.true.up').adjoint), [Math.cos(1.2), 0, Math.cos(0.3)]);
    close(numbers(only(run, 'scan.cond.false.down').adjoint), [0, Math.cos(-1), 0]);
    expect(numbers(only(run, 'scan.cond.false.down').value)).toEqual([Number.NaN, -1, Number.NaN]);
  });

  test('jit shows its inside, also when it was traced before', () => {
    const g = jit(function inner(x: Tensor): Tensor {
      return tag('s', x.sin()).mul(2);
    });
    g(f64(0.3));
    const run = adjoints((x: Tensor) => g(g(x)))(f64(0.3));
    const s = only(run, 'inner.s');
    close(numbers(s.adjoint), [2 * 2 * Math.cos(2 * Math.sin(0.3))]);
    expect(s.source).toMatch(/adjoints\.test\.ts/);
    close(numbers(only(run, 'inner2.s').adjoint), [2]);
    expect(g.traces).toBe(1);
  });

  test('inside of jit and vmap, where the branch is not known, both are shown', () => {
    const f = (x: Tensor): Tensor =>
      cond(
        x.greater(0),
        (y: Tensor) => tag('up', y.mul(3)),
        (y: Tensor) => tag('down', y.mul(5)),
        x,
      );
    const tables = (x: Tensor): (Tensor | null)[] => {
      const run = adjoints(f)(x);
      return [only(run, 'cond.true.up').adjoint, only(run, 'cond.false.down').adjoint];
    };
    expect(jit(tables)(f64(2)).map(numbers)).toEqual([[1], [0]]);
    expect(vmap(tables)(f64([2, -1])).map(numbers)).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  test('the gradients are those of grad', () => {
    const f = (x: Tensor): Tensor =>
      scan((c: Tensor, s: Tensor) => [c.mul(s).add(x).tanh(), c], x, xs)[1].sum();
    const x = f64([0.3, 0.8]);
    close(numbers(adjoints(f)(x).gradients[0]), numbers(grad(f)(x)), 0);
  });
});
