/** Rules of derivatives that the user gives. */
import {
  checkGrads,
  cond,
  customJvp,
  customVjp,
  DTypeMismatch,
  forLoop,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  jvp,
  linearize,
  NotDifferentiable,
  ShapeMismatch,
  scan,
  stack,
  stopGradient,
  type Tensor,
  tensor,
  vjp,
  vmap,
  WrongTree,
  where,
  whileLoop,
} from 'cotangent';
import { describe, expect, test } from 'vitest';
import { currentPath } from '../../src/core/path.ts';
import { currentTrace } from '../../src/core/trace.ts';

const f64 = (values: number | number[] | number[][]): Tensor => tensor(values, 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

function close(found: Tensor, expected: Tensor | number[], tolerance = 1e-12): void {
  const right = Array.isArray(expected) ? expected : numbers(expected);
  expect(found.size).toBe(right.length);
  numbers(found).forEach((value, i) => {
    expect(Math.abs(value - right[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(right[i])));
  });
}

/** x ↦ sin x, which has twice the right derivative in forward mode and three times the right one in reverse mode. */
const forwardOnly = customJvp(
  (x: Tensor) => x.sin(),
  ([x], [dx]) => [x.sin(), dx.mul(x.cos()).mul(2)],
);
const reverseOnly = customVjp(
  (x: Tensor) => x.sin(),
  x => [x.sin(), [x]],
  ([x], ct) => [ct.mul(x.cos()).mul(3)],
);
const both = customVjp(
  forwardOnly,
  x => [x.sin(), [x]],
  ([x], ct) => [ct.mul(x.cos()).mul(3)],
);

/** Ways to apply an elementwise function once to each element. */
const ways: Record<string, (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor> = {
  alone: f => f,
  jit: f => jit(f),
  'jit in jit': f => jit((x: Tensor) => jit(f)(x)),
  vmap: f => vmap(f),
  'jit of vmap': f => jit(vmap(f)),
  'vmap of jit': f => vmap(jit(f)),
  scan: f => x => scan((c, y) => [c, f(y)], 0, x)[1],
  'scan, carried': f => x => scan(c => [f(c), null], x, null, { length: 1 })[0],
  forLoop: f => x => forLoop(0, 1, (_, c) => f(c), x),
  whileLoop: f => x =>
    whileLoop(
      ({ i }) => i.less(1),
      ({ i, c }) => ({ i: i.add(1), c: f(c) }),
      { i: tensor(0, 'int32'), c: x },
    ).c,
  'cond, true': f => x => cond(x.sum().greater(-100), f, y => y, x),
  'cond, false': f => x => cond(x.sum().less(-100), y => y, f, x),
  'cond in vmap': f => vmap((x: Tensor) => cond(x.greater(-100), f, y => y, x)),
};

describe.each(Object.entries(ways))('%s', (_, way) => {
  const x = f64([0.3, -0.7, 1.1]);
  const slope = [0.3, -0.7, 1.1].map(Math.cos);
  const times = (k: number): number[] => slope.map(one => k * one);
  const ones = f64([1, 1, 1]);

  test('the rule is what the derivative is', () => {
    close(way(both)(x), [0.3, -0.7, 1.1].map(Math.sin));
    close(jvp(way(forwardOnly), [x], [ones])[1], times(2));
    close(grad((y: Tensor) => way(forwardOnly)(y).sum())(x), times(2));
    close(grad((y: Tensor) => way(reverseOnly)(y).sum())(x), times(3));
    close(jvp(way(both), [x], [ones])[1], times(2));
    close(grad((y: Tensor) => way(both)(y).sum())(x), times(3));
    close(jit(grad((y: Tensor) => way(both)(y).sum()))(x), times(3));
    close(linearize(way(both), x)[1](ones), times(2));
    expect(() => jvp(way(reverseOnly), [x], [ones])).toThrow(NotDifferentiable);
  });

  test('of a batch', () => {
    const rows = stack([x, x.mul(0.5)]);
    const expected = [...times(3), ...[0.15, -0.35, 0.55].map(one => 3 * Math.cos(one))];
    close(vmap(grad((y: Tensor) => way(both)(y).sum()))(rows), expected);
    close(grad((all: Tensor) => vmap(way(both))(all).sum())(rows), expected);
    close(
      vmap((row: Tensor) => jvp(way(both), [row], [ones])[1])(rows),
      expected.map(one => (one * 2) / 3),
    );
  });

  test('the second derivative is that of the rule', () => {
    const loss = (f: (x: Tensor) => Tensor) => (y: Tensor) => way(f)(y).sum();
    const second = [0.3, -0.7, 1.1].map(one => -Math.sin(one));
    const along = (f: (x: Tensor) => Tensor) => grad((y: Tensor) => grad(loss(f))(y).sum())(x);
    close(
      along(forwardOnly),
      second.map(one => 2 * one),
    );
    close(
      along(reverseOnly),
      second.map(one => 3 * one),
    );
    // Forward over reverse goes through the rules of reverse mode.
    close(
      hvp(loss(reverseOnly), [x], [ones]) as Tensor,
      second.map(one => 3 * one),
    );
    close(
      jit(jacfwd(grad(loss(reverseOnly))))(x).sum(0),
      second.map(one => 3 * one),
    );
  });
});

describe('a rule that tells the truth', () => {
  const f = (x: Tensor, y: Tensor): Tensor => x.mul(y).sin().mul(y);
  const jvpRule = customJvp(f, ([x, y], [dx, dy]) => {
    const inner = x.mul(y);
    return [
      inner.sin().mul(y),
      inner
        .cos()
        .mul(y)
        .mul(dx.mul(y).add(dy.mul(x)))
        .add(inner.sin().mul(dy)),
    ];
  });
  const vjpRule = customVjp(
    jvpRule,
    (x, y) => [f(x, y), { x, y, cos: x.mul(y).cos() }],
    ({ x, y, cos }, ct) => {
      const slope = ct.mul(cos).mul(y);
      return [slope.mul(y), slope.mul(x).add(ct.mul(x.mul(y).sin()))];
    },
  );
  const at = [f64([0.4, -1.2]), f64([0.9, 0.5])];

  test.each([
    ['customJvp', jvpRule],
    ['customVjp', vjpRule],
  ])('%s obeys the laws of derivatives', (_, g) => {
    checkGrads((x: Tensor, y: Tensor) => g(x, y), at as never, { order: 2 });
    checkGrads((x: Tensor, y: Tensor) => jit(vmap(g))(x, y), at as never, { order: 2 });
    const loss = (h: typeof f) => (x: Tensor, y: Tensor) => h(x, y).square().sum();
    close(hessian(loss(g))(at[0], at[1]) as Tensor, hessian(loss(f))(at[0], at[1]) as Tensor);
    close(jacrev(g)(at[0], at[1]) as Tensor, jacrev(f)(at[0], at[1]) as Tensor);
    // jit = eager, bit for bit.
    expect(numbers(jit(grad(loss(g)))(at[0], at[1]))).toEqual(numbers(grad(loss(g))(at[0], at[1])));
  });

  test('an argument that examples share gets the sum of their cotangents', () => {
    const rows = f64([
      [0.4, -1.2],
      [0.1, 2],
      [1, -0.3],
    ]);
    for (const axes of [
      [0, null],
      [null, 0],
    ]) {
      const args = axes[0] === 0 ? [rows, at[1]] : [at[0], rows];
      const loss = (h: typeof f) => (x: Tensor, y: Tensor) => vmap(h, { inAxes: axes })(x, y).square().sum();
      for (const argnums of [0, 1]) {
        const of = (h: typeof f) => grad(loss(h), { argnums })(args[0], args[1]) as Tensor;
        close(of(vjpRule), of(f));
        close(of(jvpRule), of(f));
      }
    }
  });
});

describe('published examples', () => {
  // docs.jax.dev, "Custom derivative rules for JAX-transformable Python functions".
  test('customJvp of sin(x) y at (2, 3)', () => {
    const f = customJvp(
      (x: Tensor, y: Tensor) => x.sin().mul(y),
      ([x, y], [dx, dy]) => [f(x, y), x.cos().mul(dx).mul(y).add(x.sin().mul(dy))],
    ) as (x: Tensor | number, y: Tensor | number) => Tensor;
    const [y, dy] = jvp(f, [f64(2), f64(3)], [f64(1), f64(0)]);
    expect(y.item()).toBeCloseTo(2.7278922, 6);
    expect(dy.item()).toBeCloseTo(-1.2484405, 6);
    expect(grad(f)(f64(2), f64(3)).item()).toBeCloseTo(-1.2484405, 6);
    expect(grad(grad(f))(f64(2), f64(3)).item()).toBeCloseTo(-2.7278922, 6);
  });

  test('log(1 + eˣ) has a derivative at 100', () => {
    const plain = (x: Tensor): Tensor => x.exp().add(1).log();
    const stable = customJvp(plain, ([x], [dx]) => [
      stable(x),
      dx.mul(tensor(1).sub(x.exp().add(1).reciprocal())),
    ]) as (x: Tensor | number) => Tensor;
    expect(grad(plain)(100)).toSatisfy((g: Tensor) => Number.isNaN(g.item()));
    expect(grad(stable)(100).item()).toBe(1);
    expect(grad(jit(stable))(100).item()).toBe(1);
    expect(numbers(vmap(jit(grad(stable)))(tensor([0, 100])))).toEqual([0.5, 1]);
    expect(grad(grad(stable))(0).item()).toBeCloseTo(0.25, 6);
  });

  test('clipping the cotangent', () => {
    const clip = customVjp(
      (x: Tensor) => x,
      x => [x, null],
      (_, ct) => [where(ct.greater(1), 1, where(ct.less(-1), -1, ct))],
    );
    expect(grad((x: Tensor) => clip(x).mul(5))(2).item()).toBe(1);
    expect(grad((x: Tensor) => clip(x).mul(-0.5))(2).item()).toBe(-0.5);
  });
});

describe('arguments and results', () => {
  interface Point {
    readonly at: { readonly x: Tensor; readonly y: Tensor };
    readonly scale: readonly Tensor[];
  }
  const length = customVjp(
    ({ at, scale }: Point) => ({ size: at.x.mul(scale[0]).add(at.y), count: tensor(3, 'int32') }),
    point => [{ size: point.at.x.mul(point.scale[0]).add(point.at.y), count: tensor(3, 'int32') }, point],
    ({ at, scale }, { size, count }) => {
      expect(count.dtype).toBe('int32');
      return [{ at: { x: size.mul(scale[0]), y: null }, scale: [size.mul(at.x)] }];
    },
  );
  const point = { at: { x: f64(2), y: f64(3) }, scale: [f64(5)] };

  test('trees; null is zero, also for a part of a tree', () => {
    const value = length(point);
    expect([value.size.item(), value.count.item()]).toEqual([13, 3]);
    const g = grad((p: Point) => length(p).size)(point);
    expect([g.at.x.item(), g.at.y.item(), g.scale[0].item()]).toEqual([5, 0, 2]);
    const rows = { at: { x: f64([1, 2]), y: f64([3, 4]) }, scale: [f64([5, 6])] };
    const all = vmap(grad((p: Point) => length(p).size))(rows);
    expect([all.at.x, all.at.y, all.scale[0]].map(numbers)).toEqual([
      [5, 6],
      [0, 0],
      [1, 2],
    ]);
  });

  test('integers have no tangents', () => {
    const take = customJvp(
      (x: Tensor, n: Tensor) => x.mul(n.astype('float64')),
      ([x, n], [dx, dn]) => {
        expect([dn.dtype, dn.ndim]).toEqual(['int32', 0]);
        return [x.mul(n.astype('float64')), dx.mul(n.astype('float64'))];
      },
    );
    const takeBack = customVjp(
      (x: Tensor, n: Tensor) => x.mul(n.astype('float64')),
      (x, n) => [x.mul(n.astype('float64')), n],
      (n, ct) => [ct.mul(n.astype('float64')), null],
    );
    for (const f of [take, takeBack]) {
      const at = (x: Tensor, n: Tensor): Tensor => f(x, n);
      expect(grad(at)(f64(2), tensor(7, 'int32')).item()).toBe(7);
      expect(numbers(vmap(grad(at))(f64([1, 1]), tensor([7, 8], 'int32')))).toEqual([7, 8]);
    }
  });

  test('static arguments, functions and strings pass through', () => {
    const power = customVjp(
      (x: Tensor, n: number) => x.pow(n),
      (x, n) => {
        expect(typeof n).toBe('number');
        return [x.pow(n), x];
      },
      (x, ct, n: number) => {
        expect(typeof n).toBe('number');
        return [ct.mul(x.pow(n - 1)).mul(n * 10), null];
      },
      { staticArgnums: [1] },
    );
    expect(power(f64(2), 3).item()).toBeCloseTo(8, 12);
    expect(grad((x: Tensor) => power(x, 3))(f64(2)).item()).toBeCloseTo(120, 12);
    expect(jit(grad((x: Tensor) => power(x, 3)))(f64(2)).item()).toBeCloseTo(120, 12);

    const apply = customJvp(
      (g: (x: Tensor) => Tensor, how: string, x: Tensor) => (how === 'twice' ? g(g(x)) : g(x)),
      ([g, how, x], [, , dx]) => {
        expect(how).toBe('twice');
        return [g(g(x)), dx.mul(7)];
      },
    );
    expect(grad((x: Tensor) => apply(y => y.mul(y), 'twice', x))(f64(2)).item()).toBe(7);

    const options = customJvp(
      (n: number, x: Tensor) => x.mul(n),
      ([n, x], [dn, dx], again: number) => {
        expect([n, dn, again]).toEqual([4, null, 4]);
        return [x.mul(n), dx.mul(n * again)];
      },
      { staticArgnums: [0] },
    );
    expect(grad((x: Tensor) => options(4, x))(f64(2)).item()).toBe(16);
  });

  test('plain numbers take the type of what they meet', () => {
    const scaled = customJvp(
      (x: Tensor, k: Tensor) => x.mul(k),
      ([x, k], [dx, dk]) => [x.mul(k), dx.mul(k).add(x.mul(dk))],
    );
    const x = tensor([1, 2]);
    expect(grad((y: Tensor) => scaled(y, 3).sum())(x).dtype).toBe('float32');
    expect(numbers(grad((y: Tensor) => scaled(y, 3).sum())(x))).toEqual([3, 3]);
    expect(grad((k: Tensor) => scaled(x, k).sum())(3).item()).toBe(3);
    expect(jit((k: Tensor) => scaled(x, k))(3).dtype).toBe('float32');
  });

  test('zero tangents and cotangents', () => {
    const f = customJvp(
      (x: Tensor, y: Tensor) => [x.mul(y), y.exp()],
      ([x, y], [dx, dy]) => [
        [x.mul(y), y.exp()],
        [dx.mul(y).add(dy.mul(x)), null],
      ],
    );
    const [, tangents] = jvp((x: Tensor) => f(x, f64(3)), [f64(2)], [f64(1)]);
    expect(tangents.map(one => one.item())).toEqual([3, 0]);
    const [, pull] = vjp((x: Tensor, y: Tensor) => f(x, y), f64(2), f64(3));
    expect(pull([f64(1), f64(9)]).map(one => one.item())).toEqual([3, 2]);

    // Only one of two results is used: the other's cotangent is zeros of its shape.
    const split = customVjp(
      (x: Tensor) => [x.sum(), x.mul(2)],
      x => [[x.sum(), x.mul(2)], null],
      (_, [first, second]) => {
        expect([first.shape, second.shape]).toEqual([[], [3]]);
        return [second.add(first)];
      },
    );
    close(grad((x: Tensor) => split(x)[0])(f64([1, 2, 3])), [1, 1, 1]);
    close(grad((x: Tensor) => split(x)[1].sum())(f64([1, 2, 3])), [1, 1, 1]);
  });

  test('values are known where nothing is traced', () => {
    const f = customJvp(
      (x: Tensor) => (x.item() > 0 ? x : x.mul(0)),
      ([x], [dx]) => [where(x.greater(0), x, 0), where(x.greater(0), dx, 0)],
    );
    expect(f(f64(-2)).item()).toBe(-0);
    expect(f(f64(2)).item()).toBe(2);
  });
});

describe('what is closed over', () => {
  /** x ↦ w x with the derivative 10 w. */
  const make = (w: Tensor) => [
    customJvp(
      (x: Tensor) => x.mul(w),
      ([x], [dx]) => [x.mul(w), dx.mul(w).mul(10)],
    ),
    customVjp(
      (x: Tensor) => x.mul(w),
      x => [x.mul(w), null],
      (_, ct) => [ct.mul(w).mul(10)],
    ),
  ];

  test.each([0, 1])('values of enclosing transformations, rule %i', i => {
    const of = (w: Tensor) => grad((x: Tensor) => make(w)[i](x).sum());
    expect(of(f64(2))(f64(1)).item()).toBe(20);
    expect(jit((w: Tensor) => of(w)(f64(1)))(f64(2)).item()).toBe(20);
    expect(numbers(vmap((w: Tensor) => of(w)(f64(1)))(f64([2, 3])))).toEqual([20, 30]);
    expect(grad((w: Tensor) => of(w)(f64(1)).mul(w))(f64(3)).item()).toBe(60);
    // Inside a program that is differentiated when it is complete.
    const inJit = (w: Tensor) =>
      grad((x: Tensor) => jit((y: Tensor) => make(y.mul(0).add(w))[i](x).mul(y))(f64(1)))(f64(1));
    expect(inJit(f64(2)).item()).toBe(20);
    const inScan = (w: Tensor) =>
      grad((x: Tensor) => scan((c, k) => [make(k)[i](c), null], x, f64([2, 3]))[0].mul(w))(f64(1));
    expect(inScan(f64(1)).item()).toBe(600);
  });

  test.each([0, 1])('is no variable of the derivative, rule %i', i => {
    expect(() => grad((w: Tensor) => make(w)[i](f64(1)))(f64(2))).toThrow(/closes over/);
    expect(() => jvp((w: Tensor) => make(w)[i](f64(1)), [f64(2)], [f64(1)])).toThrow(NotDifferentiable);
    expect(() => grad((w: Tensor) => jit(make(w)[i])(f64(1)))(f64(2))).toThrow(NotDifferentiable);
    const stopped = (w: Tensor) => make(stopGradient(w))[i](w);
    expect(grad(stopped)(f64(2)).item()).toBe(20 * 1);
  });

  test('is as it is now', () => {
    let k = 1;
    const f = customJvp(
      (x: Tensor) => x.mul(k),
      ([x], [dx]) => [x.mul(k), dx.mul(k)],
    );
    const slope = (): number => grad((x: Tensor) => f(x))(f64(1)).item();
    expect(slope()).toBe(1);
    k = 5;
    expect(slope()).toBe(5);
  });
});

describe('rules within rules', () => {
  test('a rule applies a function with a rule to its tangent', () => {
    const double = customVjp(
      (x: Tensor) => x.mul(2),
      x => [x.mul(2), null],
      (_, ct) => [ct.mul(2)],
    );
    const f = customJvp(
      (x: Tensor) => x.sin(),
      ([x], [dx]) => [x.sin(), double(dx.mul(x.cos()))],
    );
    for (const g of [f, jit(f), vmap(f)])
      close(grad((x: Tensor) => g(x).sum())(f64([0.3])), [2 * Math.cos(0.3)]);
  });

  test('the derivative of a rule goes by the rules of what it calls', () => {
    const f = customVjp(
      (x: Tensor) => x.sin(),
      x => [x.sin(), x],
      (x, ct) => [ct.mul(reverseOnly(x))],
    );
    close(grad(f)(f64(0.3)), [Math.sin(0.3)]);
    close(grad(grad(f))(f64(0.3)), [3 * Math.cos(0.3)]);
    close(jit(grad(grad(f)))(f64(0.3)), [3 * Math.cos(0.3)]);
  });

  test('rounding with the slope of the identity, also in a sparse Jacobian', () => {
    const round = customJvp(
      (x: Tensor) => x.round(),
      ([x], [dx]) => [x.round(), dx],
    );
    const x = f64(Array.from({ length: 40 }, (_, i) => i / 7));
    close(grad((y: Tensor) => round(y).mul(y).sum())(x), x.round().add(x));
    const sparse = jacobian((y: Tensor) => round(y), { mode: 'sparse' })(x) as Tensor;
    close(sparse, jacrev((y: Tensor) => round(y))(x) as Tensor, 0);
  });
});

test('a rule may use its own function, at any depth', () => {
  const f = customVjp(
    (x: Tensor) => x.sin(),
    x => [f(x) as Tensor, [x]],
    ([x], ct) => [ct.mul(f(x.add(Math.PI / 2)))],
  ) as (x: Tensor) => Tensor;
  const derivatives = [f, grad(f), grad(grad(f)), grad(grad(grad(f)))];
  derivatives.forEach((g, n) => {
    const expected = Math.sin(0.4 + (n * Math.PI) / 2);
    expect(g(f64(0.4)).item()).toBeCloseTo(expected, 12);
    expect(jit(g)(f64(0.4)).item()).toBeCloseTo(expected, 12);
    close(vmap(g)(f64([0.4, 0.4])), [expected, expected]);
    close(jit(vmap(g))(f64([0.4])), [expected]);
  });
  const loss = (x: Tensor): Tensor => scan(c => [f(c), null], x, null, { length: 3 })[0];
  const plain = (x: Tensor): Tensor => x.sin().sin().sin();
  close(grad(grad(loss))(f64(0.4)), grad(grad(plain))(f64(0.4)));
});

describe('a rule that returns something else', () => {
  const x = f64([1, 2]);
  const rule = (returned: (x: Tensor) => unknown) =>
    grad((y: Tensor) =>
      customJvp(
        (z: Tensor) => z.mul(2),
        ([z]) => returned(z) as never,
      )(y).sum(),
    );
  const rules = (out: (x: Tensor) => unknown, back: (ct: Tensor) => unknown = ct => [ct]) =>
    grad((y: Tensor) =>
      customVjp(
        (z: Tensor) => z.mul(2),
        z => out(z) as never,
        (_, ct) => back(ct) as never,
      )(y).sum(),
    );

  test.each([
    ['no pair', rule(z => z), WrongTree],
    ['another tree', rule(z => [[z], z]), WrongTree],
    ['another tree of tangents', rule(z => [z, { z }]), WrongTree],
    ['another shape', rule(z => [z.sum(), z]), ShapeMismatch],
    ['another shape of the tangent', rule(z => [z, z.sum()]), ShapeMismatch],
    ['another type', rule(z => [z.astype('float32'), z]), DTypeMismatch],
    ['another type of the tangent', rule(z => [z, z.astype('float32')]), DTypeMismatch],
    ['no pair (forward)', rules(z => z), WrongTree],
    ['another tree (forward)', rules(z => [[z], null]), WrongTree],
    ['another shape (forward)', rules(z => [z.sum(), null]), ShapeMismatch],
    ['another type (forward)', rules(z => [z.astype('int32'), null]), DTypeMismatch],
    [
      'a tensor for a list of cotangents',
      rules(
        z => [z, null],
        ct => ct,
      ),
      WrongTree,
    ],
    [
      'too many cotangents',
      rules(
        z => [z, null],
        ct => [ct, ct],
      ),
      WrongTree,
    ],
    [
      'another tree of cotangents',
      rules(
        z => [z, null],
        ct => [[ct]],
      ),
      WrongTree,
    ],
    [
      'another shape of the cotangent',
      rules(
        z => [z, null],
        ct => [ct.sum()],
      ),
      ShapeMismatch,
    ],
    [
      'another type of the cotangent',
      rules(
        z => [z, null],
        ct => [ct.astype('float32')],
      ),
      DTypeMismatch,
    ],
  ])('%s', (_, f, error) => {
    expect(() => f(x)).toThrow(error);
    expect(() => jit(f)(x)).toThrow(error);
  });

  test('a cotangent or tangent of what has none', () => {
    const swapped = customVjp(
      (n: number, y: Tensor) => y.mul(n),
      (n, y) => [y.mul(n), null],
      (_, ct) => [ct, null] as never,
      { staticArgnums: [0] },
    );
    expect(() => grad((y: Tensor) => swapped(2, y).sum())(x)).toThrow(NotDifferentiable);
    const ofInteger = customVjp(
      (n: Tensor, y: Tensor) => y.mul(n),
      (n, y) => [y.mul(n), null],
      (_, ct) => [ct.sum(), ct],
    );
    expect(() => grad((y: Tensor) => ofInteger(tensor(2, 'int32'), y).sum())(x)).toThrow(NotDifferentiable);
  });

  test.each(['rule', 'forward', 'backward'])('an error in it leaves nothing behind: %s', where => {
    let failing = where;
    const fail = (here: string): void => {
      if (here === failing) throw new RangeError(here);
    };
    const f = customVjp(
      customJvp(
        (y: Tensor) => y.sin(),
        ([y], [dy]) => {
          fail('rule');
          return [f(y) as Tensor, dy.mul(y.cos())];
        },
      ),
      y => {
        fail('forward');
        return [f(y) as Tensor, y];
      },
      (y, ct) => {
        fail('backward');
        return [ct.mul(y.cos())];
      },
    ) as (y: Tensor) => Tensor;
    const before = currentTrace();
    for (const g of [grad(f), jit(grad(f)), grad(jit(f))]) {
      failing = where;
      expect(() => g(f64(0.5))).toThrow(RangeError);
      expect([currentTrace() === before, currentPath()]).toEqual([true, '']);
    }
    failing = '';
    close(grad(grad(f))(f64(0.5)), [-Math.sin(0.5)]);
  });

  test('the message names the function', () => {
    const sine = (y: Tensor): Tensor => y.sin();
    const wrong = customVjp(
      sine,
      y => y as never,
      (_, ct) => [ct],
    );
    expect(() => grad((y: Tensor) => wrong(y).sum())(x)).toThrow(/the forward rule of customVjp\(sine\)/);
  });

  test('a rule that is not linear in its tangent has no transpose', () => {
    const squared = customJvp(
      (z: Tensor) => z.mul(2),
      ([z], [dz]) => [z.mul(2), dz.mul(dz)],
    );
    expect(jvp(squared, [x], [x])[1].dataSync()).toEqual(Float64Array.of(1, 4));
    expect(() => grad((y: Tensor) => squared(y).sum())(x)).toThrow(/linear/);
  });
});
