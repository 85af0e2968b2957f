/** How the transformations relate to one another, whatever the function. */
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import * as tree from '../../src/core/tree.ts';
import { tensor } from '../../src/numpy/array.ts';
import { add, mul, sub } from '../../src/primitives/arithmetic.ts';
import { constantLike, sum } from '../../src/primitives/broadcast.ts';
import { dot } from '../../src/primitives/dot.ts';
import { cos, exp, sin, tanh } from '../../src/primitives/elementary.ts';
import { reduceProd } from '../../src/primitives/reduce.ts';
import { sort } from '../../src/primitives/sort.ts';
import { adjoints } from '../../src/transforms/adjoints.ts';
import { checkGrads } from '../../src/transforms/check.ts';
import { grad, valueAndGrad } from '../../src/transforms/grad.ts';
import { hvp } from '../../src/transforms/hvp.ts';
import { jacfwd, jacrev } from '../../src/transforms/jacobian/dense.ts';
import { hessian } from '../../src/transforms/jacobian/hessian.ts';
import { jacobian } from '../../src/transforms/jacobian/jacobian.ts';
import { jit } from '../../src/transforms/jit.ts';
import { jvp } from '../../src/transforms/jvp.ts';
import { linearize } from '../../src/transforms/linearize.ts';
import { stopGradient, tag } from '../../src/transforms/marks.ts';
import { program } from '../../src/transforms/program.ts';
import { vjp } from '../../src/transforms/vjp.ts';
import { vmap } from '../../src/transforms/vmap.ts';

type Scalar = (x: Tensor) => Tensor;
const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
const total = (x: Tensor): Tensor =>
  sum(
    x,
    x.shape.map((_, i) => i),
  );

function close(found: Tensor, expected: Tensor | number[] | number, tolerance = 1e-12): void {
  const right =
    typeof expected === 'number' ? [expected] : Array.isArray(expected) ? expected : numbers(expected);
  expect(numbers(found).length).toBe(right.length);
  numbers(found).forEach((value, i) =>
    expect(Math.abs(value - right[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(right[i]))),
  );
}

const wave: Scalar = x => mul(sin(x), exp(mul(x, constantLike(x, 0.3))));

describe('nesting', () => {
  // d^n/dx^n of sin is sin(x + nπ/2).
  test.each([1, 2, 3, 4, 5])('grad nested %i times', order => {
    let f: Scalar = x => sin(x);
    for (let i = 0; i < order; i++) f = grad(f) as Scalar;
    close(f(f64(0.7)), Math.sin(0.7 + (order * Math.PI) / 2));
  });

  test('every order of jvp, vjp, jit and linearize over each other gives the same third derivative', () => {
    const layers: Record<string, (f: Scalar) => Scalar> = {
      forward: f => x => jvp(f, [x], [constantLike(x, 1)])[1],
      reverse: f => x => grad(f)(x),
      pullback: f => x => vjp(f, x)[1](constantLike(x, 1))[0],
      linear: f => x => linearize(f, x)[1](constantLike(x, 1)),
      compiledReverse: f => jit(grad(f)) as Scalar,
      reverseOfCompiled: f => grad(jit(f) as Scalar) as Scalar,
      compiledForward: f => jit((x: Tensor) => jvp(f, [x], [constantLike(x, 1)])[1]) as Scalar,
      mapped: f => x => sum(vmap(grad(f))(tensor([x])), [0]),
    };
    const x = f64(0.4);
    const [a, b] = [1, 0.3];
    // (e^{0.3x} sin x)''' = Im((b + ia)³ e^{(b+ia)x})
    const cube = [b ** 3 - 3 * b * a * a, 3 * b * b * a - a ** 3];
    const expected = Math.exp(0.3 * 0.4) * (cube[0] * Math.sin(0.4) + cube[1] * Math.cos(0.4));
    for (const [n1, one] of Object.entries(layers))
      for (const [n2, two] of Object.entries(layers))
        for (const [n3, three] of Object.entries(layers)) {
          const value = three(two(one(wave)))(x).item();
          expect(Math.abs(value - expected), `${n3} of ${n2} of ${n1}`).toBeLessThan(1e-12);
        }
  });

  test('perturbations of nested derivatives are kept apart', () => {
    // d/dx [x · d/dy (x + y)] = 1
    close(grad((x: Tensor) => mul(x, grad((y: Tensor) => add(x, y))(f64(1))))(f64(2)), 1);
    const inner = (x: Tensor): Tensor => jvp((y: Tensor) => mul(x, y), [f64(3)], [f64(1)])[1];
    close(jvp((x: Tensor) => mul(x, inner(x)), [f64(5)], [f64(1)])[1], 10);
  });

  test('vmap of vmap, with shared arguments', () => {
    const A = f64([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const outer = vmap(
      vmap((x: Tensor, y: Tensor) => mul(x, y), { inAxes: [null, 0] }),
      { inAxes: [0, null] },
    );
    close(outer(f64([1, 2]), f64([3, 4, 5])), [3, 4, 5, 6, 8, 10]);
    close(vmap((row: Tensor) => total(row), { inAxes: 1 })(A), [9, 12]);
    expect(vmap((x: Tensor) => x, { outAxes: 1 })(A).shape).toEqual([2, 3]);
  });

  test('jit closes over the values of enclosing transformations', () => {
    const f: Scalar = x => jit((y: Tensor) => mul(mul(x, y), y))(f64(3));
    close(grad(f)(f64(2)), 9);
    const inner = jit((y: Tensor) => sin(y));
    close(
      grad((x: Tensor) => mul(inner(x), inner(mul(x, x))))(f64(0.5)),
      Math.cos(0.5) * Math.sin(0.25) + Math.sin(0.5) * Math.cos(0.25),
    );
    close(vmap((x: Tensor) => jit((y: Tensor) => add(x, y))(f64(1)))(f64([1, 2])), [2, 3]);
  });
});

describe('grad', () => {
  test('control flow on values works outside jit', () => {
    const relu: Scalar = x => (x.item() > 0 ? mul(x, x) : constantLike(x, 0));
    close(grad(relu)(f64(3)), 6);
    close(grad(relu)(f64(-3)), 0);
    const powers: Scalar = x => {
      let y = x;
      for (let i = 0; i < 10 && Math.abs(y.item()) < 100; i++) y = mul(y, x);
      return y;
    };
    close(grad(powers)(f64(3)), 5 * 3 ** 4);
  });

  test('argnums, auxiliary results, trees', () => {
    const loss = (p: { w: Tensor; b: Tensor }, x: Tensor): [Tensor, { seen: number; y: Tensor }] => {
      const y = add(mul(p.w, x), p.b);
      return [total(mul(y, y)), { seen: 1, y }];
    };
    const p = { w: f64([1, 2]), b: f64([0, 1]) };
    const x = f64([3, 4]);
    const [[value, aux], g] = valueAndGrad(loss, { hasAux: true })(p, x);
    close(value, 9 + 81);
    close(aux.y, [3, 9]);
    close(g.w, [18, 72]);
    close(g.b, [6, 18]);
    const [both] = grad(loss, { argnums: [1, 0], hasAux: true })(p, x);
    close(both[0], [6, 36]);
    close(both[1].w, [18, 72]);
  });

  test('numbers are differentiated, and take the type of what they meet', () => {
    close(grad((x: Tensor) => mul(x, x))(3), 6);
    expect(grad((x: Tensor) => sum(mul(tensor([1, 2]), tensor([x, x])), [0]))(2).dtype).toBe('float32');
    const wide = grad(
      (_: { rate: number }) => total(mul(f64([1, 2]), constantLike(f64([1, 2]), 1))) as Tensor,
    )({ rate: 0.1 });
    close(wide.rate, 0);
  });

  test('is the vector–Jacobian product with cotangent 1, bit for bit', () => {
    const f: Scalar = x => total(tanh(mul(x, x)));
    const x = f64([0.3, -1.2, 2]);
    expect(numbers(grad(f)(x))).toEqual(numbers(vjp(f, x)[1](f64(1))[0]));
  });

  test('null and functions are part of a tree, Maps and classes too', () => {
    class Layer {
      readonly w: Tensor;
      readonly name: string;

      constructor(w: Tensor, name: string) {
        this.w = w;
        this.name = name;
      }

      static readonly [tree.protocol]: tree.TreeNode<Layer> = {
        children: layer => ({ w: layer.w }),
        rebuild: ({ w }, like) => new Layer(w as Tensor, like.name),
        fixed: layer => [layer.name],
      };
    }
    const model = {
      layers: [new Layer(f64(2), 'first'), null],
      by: new Map([['k', f64(3)]]),
      act: sin as Scalar,
    };
    const g = grad((m: typeof model) => mul(m.act((m.layers[0] as Layer).w), m.by.get('k') as Tensor))(
      model,
    ) as unknown as typeof model;
    expect(g.layers[0]).toBeInstanceOf(Layer);
    close((g.layers[0] as Layer).w, 3 * Math.cos(2));
    close(g.by.get('k') as Tensor, Math.sin(2));
    expect(g.layers[1]).toBeNull();
  });
});

describe('products and Jacobians', () => {
  const A = f64([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const matvec = (x: Tensor): Tensor => dot(A, x, { contract: [[1], [0]], batch: [[], []] });

  test('the pullback of a linear map is its transpose, the pushforward itself', () => {
    const x = f64([1, 0, -1]);
    const [, pull] = vjp(matvec, x);
    close(pull(f64([1, 10]))[0], [41, 52, 63]);
    const [, push] = linearize(matvec, x);
    close(push(f64([1, 1, 0])), [3, 9]);
  });

  test('jacfwd = jacrev = jacobian, over trees', () => {
    const f = (p: { a: Tensor; b: Tensor }): { y: Tensor; z: Tensor[] } => ({
      y: mul(matvec(p.a), sin(p.b)),
      z: [total(mul(p.a, p.a))],
    });
    const p = { a: f64([1, 2, 3]), b: f64([0.1, 0.2]) };
    const [fwd, rev, auto] = [jacfwd(f)(p), jacrev(f)(p), jacobian(f)(p)];
    expect(fwd.y.a.shape).toEqual([2, 3]);
    expect(fwd.z[0].b.shape).toEqual([2]);
    close(fwd.z[0].b, [0, 0]);
    close(fwd.z[0].a, [2, 4, 6]);
    close(fwd.y.b, [14 * Math.cos(0.1), 0, 0, 32 * Math.cos(0.2)]);
    for (const other of [rev, auto]) {
      close(other.y.a, fwd.y.a);
      close(other.y.b, fwd.y.b);
      close(other.z[0].a, fwd.z[0].a);
    }
    close(jit(jacobian(matvec))(f64([1, 2, 3])), A);
  });

  test('hessian, hvp, and the symmetry of second derivatives', () => {
    const f: Scalar = x => add(reduceProd(x, [0]), total(sin(x)));
    const x = f64([0.5, 2, 3]);
    const H = hessian(f)(x);
    close(H, [-Math.sin(0.5), 3, 2, 3, -Math.sin(2), 0.5, 2, 0.5, -Math.sin(3)]);
    const v = f64([1, -1, 0.5]);
    close(hvp(f, [x], [v]), dot(H, v, { contract: [[1], [0]], batch: [[], []] }));
    close(grad((y: Tensor) => total(mul(grad(f)(y), v)))(x), hvp(f, [x], [v]));
  });

  test('checkGrads accepts right derivatives to second order and refuses kinks', () => {
    checkGrads((x: Tensor) => total(mul(sort(x, 0), tanh(x))), [f64([0.3, -0.7, 1.4])], { order: 2 });
    checkGrads((x: Tensor) => total(mul(x, x)), [tensor([1, 2])]);
    expect(() => checkGrads((x: Tensor) => total(stopGradient(mul(x, x))), [f64([1, 2])])).toThrow(/CT119/);
  });
});

describe('jit', () => {
  test('traces once for each signature', () => {
    let runs = 0;
    const f = jit((x: Tensor, _: { scale: number; deep?: Tensor[] }) => {
      runs++;
      return mul(x, constantLike(x, 2));
    });
    f(f64([1, 2]), { scale: 1 });
    f(f64([3, 4]), { scale: 5 });
    expect(runs).toBe(1);
    f(f64([1, 2, 3]), { scale: 1 });
    f(tensor([1, 2]), { scale: 1 });
    f(f64([1, 2]), { scale: 1, deep: [] });
    f(f64([1, 2]), { scale: 1, deep: [f64(1)] });
    expect(runs).toBe(5);
    expect(f.traces).toBe(5);
    f(f64([1, 2]), { scale: 2, deep: [f64(7)] });
    expect(runs).toBe(5);
  });

  test('static arguments are compared by identity', () => {
    const seen: object[] = [];
    const f = jit(
      (x: Tensor, options: { power: number }) => {
        seen.push(options);
        let y = x;
        for (let i = 1; i < options.power; i++) y = mul(y, x);
        return y;
      },
      { staticArgnums: [1] },
    );
    const [cube, sameText] = [{ power: 3 }, { power: 3 }];
    close(f(f64(2), cube), 8);
    close(f(f64(3), cube), 27);
    close(f(f64(2), sameText), 8);
    expect(seen).toEqual([cube, sameText]);
    close(
      jit((n: { k: number }, x: Tensor) => mul(x, constantLike(x, n.k)), { staticArgnums: [0] })(
        { k: 4 },
        f64(2),
      ),
      8,
    );
  });

  test('nothing dead is in its programs', () => {
    const f = (x: Tensor) => {
      cos(x);
      return sin(x);
    };
    expect(String(program(f)(f64(1)))).toBe('{ λ a: float64[] .\n  b: float64[] = sin a\n  return b }');
    expect(jit(f).plan(f64(1)).kernels).toBe(1);
  });

  test('a program is legal and prints', () => {
    const text = String(program(grad((x: Tensor) => total(mul(x, x))))(f64([1, 2])));
    expect(text).toMatchInlineSnapshot(`
      "{ λ a: float64[2] .
        b: float64[] = constant 1
        c: float64[2] = broadcast[shape=[2] axes=[]] b
        d: float64[2] = mul a c
        e: float64[2] = mul c a
        f: float64[2] = add d e
        return f }"
    `);
  });
});

describe('marks', () => {
  test('stopGradient and tag', () => {
    close(grad((x: Tensor) => mul(x, stopGradient(x)))(f64(3)), 3);
    close(grad((x: Tensor) => mul(x, tag('factor', x)))(f64(3)), 6);
    const { a } = stopGradient({ a: f64(1), b: null });
    close(a, 1);
  });

  test('adjoints are what each variable contributes', () => {
    const x = f64([0.5, 1.5]);
    const run = adjoints((x: Tensor) => {
      const h = tag('hidden', sin(x));
      return total(mul(h, sub(h, x)));
    })(x);
    const byName = Object.fromEntries(run.variables.map(one => [one.name, one]));
    // L = Σ h(h − x): ∂L/∂h = 2h − x, ∂L/∂x = (2h − x) cos x − h
    const h = [0.5, 1.5].map(Math.sin);
    close(byName.hidden.value, h);
    close(byName.hidden.adjoint as Tensor, [2 * h[0] - 0.5, 2 * h[1] - 1.5]);
    close(run.gradients[0], [
      (2 * h[0] - 0.5) * Math.cos(0.5) - h[0],
      (2 * h[1] - 1.5) * Math.cos(1.5) - h[1],
    ]);
    close(byName.x.adjoint as Tensor, run.gradients[0]);
    expect(byName.hidden.source).toContain('transforms.test.ts');
    close(run.gradients[0], grad((x: Tensor) => total(mul(sin(x), sub(sin(x), x))))(x));
    const lines = String(run).split('\n');
    expect(lines[0]).toMatch(/variable +equation +value +adjoint/);
    expect(lines.length).toBe(1 + run.variables.length);
  });
});
