/** Jacobians by elimination are those of forward and reverse mode, whatever the order and the function. */
import { describe, expect, test } from 'vitest';
import '../../../src/setup.ts';
import { BadArgument, CannotUnroll } from '../../../src/core/errors.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import * as tree from '../../../src/core/tree.ts';
import * as k from '../../../src/kernel/expression.ts';
import * as statements from '../../../src/kernel/statement.ts';
import { solveTriangular } from '../../../src/linalg/index.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { abs, add, cast, div, max, mul, sub } from '../../../src/primitives/arithmetic.ts';
import { broadcast, constantLike, sum } from '../../../src/primitives/broadcast.ts';
import { less, select } from '../../../src/primitives/compare.ts';
import { cumsum, recurrence } from '../../../src/primitives/cumulative.ts';
import { dot } from '../../../src/primitives/dot.ts';
import { cos, exp, log, sin, sqrt, tanh } from '../../../src/primitives/elementary.ts';
import { gather, scatterAdd } from '../../../src/primitives/gather.ts';
import { permute, reshape, reverse } from '../../../src/primitives/layout.ts';
import { bind, type Primitive, primitive } from '../../../src/primitives/primitive.ts';
import { reduceMax, reduceProd } from '../../../src/primitives/reduce.ts';
import { concat, pad, slice } from '../../../src/primitives/slice.ts';
import { sort } from '../../../src/primitives/sort.ts';
import { cond, scan, whileLoop } from '../../../src/transforms/control/flow.ts';
import { eliminationOrder } from '../../../src/transforms/elimination/elimination.ts';
import { randomNumbers } from '../../../src/transforms/elimination/orders.ts';
import { grad } from '../../../src/transforms/grad.ts';
import { jacfwd, jacrev } from '../../../src/transforms/jacobian/dense.ts';
import { jacobian } from '../../../src/transforms/jacobian/jacobian.ts';
import { jit } from '../../../src/transforms/jit.ts';
import { program } from '../../../src/transforms/program.ts';
import { vmap } from '../../../src/transforms/vmap.ts';
import { element, elements, robotArm, roeFlux, vector } from './functions.ts';

type Map = (x: Tensor) => Tensor;
const f64 = (values: number | readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(values as number[], 'float64');
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
const total = (x: Tensor): Tensor =>
  sum(
    x,
    x.shape.map((_, i) => i),
  );

/** Equal trees, the leaves of equal shapes and types. */
function close(found: unknown, expected: unknown, tolerance = 1e-12): void {
  const [a, b] = [tree.flatten(found), tree.flatten(expected)];
  expect(a.structure.equals(b.structure)).toBe(true);
  a.leaves.forEach((leaf, i) => {
    const [x, y] = [leaf as Tensor, b.leaves[i] as Tensor];
    expect(String(x.aval)).toBe(String(y.aval));
    const right = numbers(y);
    numbers(x).forEach((value, k) =>
      expect(Math.abs(value - right[k]), `${value} and ${right[k]}`).toBeLessThanOrEqual(
        tolerance * Math.max(1, Math.abs(right[k])),
      ),
    );
  });
}

type Order = 'forward' | 'reverse' | 'markowitz' | 'search';
const byElimination = (f: Map, order: Order = 'markowitz'): Map =>
  jacobian(f, { mode: 'elimination', order }) as unknown as Map;

const roeState = [1, 0.6, 2.5, 0.7, -0.3, 1.9];
const armAngles = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

function perceptron(x: Tensor): Tensor {
  const weights = (rows: number, columns: number, seed: number): Tensor => {
    const random = randomNumbers(seed);
    return reshape(f64(Array.from({ length: rows * columns }, () => random() - 0.5)), [rows, columns]);
  };
  const product = { contract: [[1], [0]], batch: [[], []] } as const;
  const hidden = tanh(dot(weights(8, 4, 1), x, product));
  return tanh(dot(weights(3, 8, 2), tanh(dot(weights(8, 8, 3), hidden, product)), product));
}

/** Scalars made of two random earlier ones each; the last ones are the result. */
function randomProgram(seed: number): Map {
  return x => {
    const random = randomNumbers(seed);
    const values = elements(x);
    const operations: ((a: Tensor, b: Tensor) => Tensor)[] = [
      add,
      sub,
      mul,
      (a, b) => div(a, add(mul(b, b), constantLike(b, 1))),
      a => sin(a),
      (a, b) => mul(a, cos(b)),
      (a, b) => select(less(a, b), a, mul(a, b)),
      max,
      a => abs(a),
    ];
    for (let i = 0; i < 40; i++) {
      const pick = (): Tensor => values[Math.floor(random() * values.length)];
      values.push(operations[Math.floor(random() * operations.length)](pick(), pick()));
    }
    return vector(values.slice(-4));
  };
}

describe('all orders agree with forward and reverse mode', () => {
  const functions: [string, Map, number[]][] = [
    ['RoeFlux_1d', roeFlux, roeState],
    ['RobotArm_6DOF', robotArm, armAngles],
    ['a perceptron', perceptron, [0.3, -0.2, 0.5, 1]],
    ...[1, 2, 3, 4].map((seed): [string, Map, number[]] => [
      `random program ${seed}`,
      randomProgram(seed),
      [0.7, -0.4, 1.2, 0.3],
    ]),
  ];
  test.each(functions)('%s', (_, f, at) => {
    const x = f64(at);
    const expected = jacrev(f)(x);
    close(jacfwd(f)(x), expected);
    for (const order of ['forward', 'reverse', 'markowitz'] as const)
      close(byElimination(f, order)(x), expected);
    close(jit(jacobian(f, { mode: 'elimination', budget: 100 }))(x), expected);
  });

  test('in float32, to its precision', () => {
    const x = tensor(armAngles, 'float32');
    close(byElimination(robotArm)(x), jacfwd(robotArm)(x), 2e-5);
  });

  test('any order given as a list', () => {
    const { order, multiplications } = eliminationOrder(roeFlux, { order: 'markowitz' })(f64(roeState));
    expect(multiplications.chosen).toBe(multiplications.markowitz);
    const random = randomNumbers(5);
    const other = [...order].sort(() => random() - 0.5);
    const J = jacobian(roeFlux, { mode: 'elimination', order: other });
    close(J(f64(roeState)), jacfwd(roeFlux)(f64(roeState)));
    expect(eliminationOrder(roeFlux, { order: other })(f64(roeState)).order).toEqual(other);
  });
});

describe('multiplications', () => {
  test.each([
    ['RoeFlux_1d', roeFlux, roeState, 295],
    ['RobotArm_6DOF', robotArm, armAngles, 221],
  ] as const)('%s takes fewer than were published, and what the code really has', (_, f, at, published) => {
    const x = f64(at);
    const { multiplications, order, graph, vertices, edges } = eliminationOrder(f)(x);
    expect(multiplications.search).toBe(multiplications.chosen);
    expect(multiplications.search).toBeLessThan(published);
    for (const kind of ['forward', 'reverse', 'markowitz'] as const)
      expect(multiplications.search).toBeLessThan(multiplications[kind]);
    expect([vertices, edges]).toEqual([graph.vertices, graph.edges.length]);
    expect(order.length).toBe(vertices - 6 - graph.outputs.length);
  });

  test('an elementwise function has none: its chain rule is a product for each element', () => {
    const { multiplications, vertices, edges } = eliminationOrder((x: Tensor) => sin(mul(x, x)))(
      f64([1, 2, 3]),
    );
    expect(multiplications).toEqual({ forward: 3, reverse: 3, markowitz: 3, search: 3, chosen: 3 });
    expect([vertices, edges]).toEqual([9, 6]);
  });

  test('equal intermediate values are one vertex, and sums and copies none', () => {
    const f: Map = x => add(mul(sin(x), sin(x)), mul(sin(x), sin(x)));
    const { vertices } = eliminationOrder(f)(f64(0.5));
    expect(vertices).toBe(3);
  });
});

const { Locals, loop, set, store, when } = statements;
const constantIndices = (...values: number[]): Tensor => tensor(values, 'int32');

describe('operations', () => {
  const step = (h: Tensor, x: Tensor): [Tensor, Tensor] => [tanh(add(mul(h, x), x)), mul(h, sin(x))];
  const cases: Record<string, Map> = {
    'slice, pad, concat, reverse': x =>
      mul(
        concat([pad(slice(x, [1], [3]), constantLike(total(x), 0), [1], [1]), reverse(x, [0])], 0),
        concat([x, x], 0),
      ),
    'broadcast, permute, sum': x => {
      const square = mul(broadcast(x, [4, 4], [0]), permute(broadcast(exp(x), [4, 4], [1]), [1, 0]));
      return sum(mul(square, square), [1]);
    },
    'gather at constants': x => mul(gather(sin(x), constantIndices(3, 0, 0, 1)), x),
    'scatterAdd at constants': x => scatterAdd(mul(x, x), exp(x), constantIndices(2, 2, 0, 9)),
    'running sums and recurrences': x => recurrence(sin(x), cumsum(mul(x, x), 0), 0),
    'products, logarithms, square roots': x => mul(reduceProd(x, [0]), total(log(sqrt(mul(x, x))))),
    'the largest': x => reduceMax(mul(x, x), [0]),
    where: x => select(less(x, constantLike(x, 0.5)), mul(x, x), sin(x)),
    'matrix products': x => {
      const A = reshape(mul(x, x), [2, 2]);
      return dot(A, dot(A, A, { contract: [[1], [0]], batch: [[], []] }), {
        contract: [[1], [0]],
        batch: [[], []],
      });
    },
    scan: x => {
      const [last, ys] = scan(step as never, element(x, 0) as never, x as never) as unknown as [
        Tensor,
        Tensor,
      ];
      return concat([reshape(last, [1]), ys], 0);
    },
    'cond on a value': x =>
      cond(
        less(element(x, 0), element(x, 1)),
        (y: Tensor) => mul(y, y),
        (y: Tensor) => sin(y),
        x,
      ) as Tensor,
    'a jitted part': x => jit((y: Tensor) => mul(sin(y), y))(mul(x, x)),
    'conversions of type': x => cast(mul(cast(x, 'float32'), cast(x, 'float32')), 'float64'),
    'a triangular system, whose kernel is statements': x => {
      const A = add(
        reshape(sin(x), [2, 2]),
        mul(
          f64([
            [3, 0],
            [0, 2],
          ]),
          constantLike(reshape(x, [2, 2]), 1),
        ),
      );
      return mul(solveTriangular(A, slice(x, [0], [2]), { lower: true }), slice(x, [2], [4]));
    },
    'no dependence': x => constantLike(x, 2),
    'the argument itself': x => x,
  };
  test.each(Object.entries(cases))('%s', (_, f) => {
    const x = f64([0.4, 0.9, -0.6, 1.3]);
    close(byElimination(f)(x), jacfwd(f)(x));
    close(jit(byElimination(f, 'reverse'))(x), jacfwd(f)(x));
  });

  test('statements: sums of all elements up to each', () => {
    const sums: Primitive<Record<string, never>> = primitive<Record<string, never>>({
      name: 'sums',
      kind: 'linear',
      abstract: ([x]) => x,
      transpose: [null],
      jvp: [dx => bind(sums, [dx], {})[0]],
      batch: (_, [x]) => cumsum(x, 1),
      lower: ([x]) => {
        const locals = new Locals();
        const running = locals.add(x.dtype);
        const [i, j] = [k.axis(0), k.axis(1)];
        const own = k.load(0, x.dtype, [i]);
        const body = [
          set(running.number, k.constant(x.dtype, 0)),
          loop(0, k.int(0), k.int(x.size), [
            set(running.number, k.binary('add', running.value, own)),
            when(
              k.less(i, k.int(2)),
              [store(0, [i], running.value)],
              [
                // The same by a sum over what is before.
                set(running.number, k.constant(x.dtype, 0)),
                statements.sum(1, k.int(0), k.plus(i, k.int(1)), [[running.number, k.load(0, x.dtype, [j])]]),
                store(0, [i], running.value),
              ],
            ),
          ]),
        ];
        return { form: 'ordered', extents: [], locals: locals.types, body };
      },
      samples: [],
    });
    const f: Map = x => mul(bind(sums, [sin(x)], {})[0], x);
    const x = f64([0.4, 0.9, -0.6, 1.3]);
    close(byElimination(f)(x), jacfwd((y: Tensor) => mul(cumsum(sin(y), 0), y))(x));
  });
});

describe('trees and arguments', () => {
  test('a tree in, a tree out, and outputs that do not depend on the argument', () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }) => ({
      p: mul(a, broadcast(b, [2], [])),
      q: [sin(b), constantLike(a, 3), cast(a, 'float32')],
    });
    const x = { a: f64([1, 2]), b: f64(0.5) };
    close(jacobian(f, { mode: 'elimination' })(x), jacfwd(f)(x));
  });

  test('numbers, several arguments, argnums', () => {
    const f = (x: Tensor, how: { scale: Tensor; power: string }): Tensor =>
      how.power === 'two' ? mul(mul(x, x), how.scale) : x;
    const how = { scale: f64(3), power: 'two' };
    close(jacobian(f, { mode: 'elimination' })(2, how), jacfwd(f)(2, how));
    const g = (x: Tensor, y: Tensor): Tensor => mul(x, sin(y));
    const [x, y] = [f64([1, 2]), f64([3, 4])];
    close(jacobian(g, { mode: 'elimination', argnums: 1 })(x, y), jacfwd(g, { argnums: 1 })(x, y));
  });

  test('what the function closes over is read at each call', () => {
    let scale = f64([2, 3]);
    const J = jacobian((x: Tensor) => mul(mul(x, x), scale), { mode: 'elimination' });
    const x = f64([1, 5]);
    close(
      J(x),
      f64([
        [4, 0],
        [0, 30],
      ]),
    );
    scale = f64([1, -1]);
    close(
      J(x),
      f64([
        [2, 0],
        [0, -10],
      ]),
    );
  });
});

describe('under other transformations', () => {
  const x = f64(armAngles);
  const batch = f64([armAngles, armAngles.map(t => 1 - t), armAngles.map(t => t * t)]);

  test('jit: the whole Jacobian of a small function is one kernel', () => {
    const J = jit(byElimination(robotArm));
    expect(J.plan(x).kernels).toBe(1);
    close(J(x), jacfwd(robotArm)(x));
  });

  test('vmap, of small functions and of ones with data of their own', () => {
    const weights = f64(Array.from({ length: 80 }, (_, i) => Math.sin(i)));
    const weighted: Map = t => mul(robotArm(t), slice(mul(weights, weights), [20], [26]));
    for (const f of [robotArm, weighted]) {
      close(vmap(byElimination(f))(batch), vmap(jacfwd(f))(batch));
      close(jit(vmap(byElimination(f)))(batch), vmap(jacfwd(f))(batch));
    }
    const twice = reshape(batch, [1, 3, 6]);
    close(vmap(vmap(byElimination(robotArm)))(twice), vmap(vmap(jacfwd(robotArm)))(twice));
  });

  test('second and third derivatives, in every mode', () => {
    const f: Map = t => robotArm(t);
    close(jacfwd(byElimination(f))(x), jacfwd(jacfwd(f))(x), 1e-11);
    close(jacrev(byElimination(f))(x), jacfwd(jacfwd(f))(x), 1e-11);
    const g: Map = t => total(mul(byElimination(perceptron)(t), byElimination(perceptron)(t)));
    const h: Map = t => total(mul(jacfwd(perceptron)(t), jacfwd(perceptron)(t)));
    const at = f64([0.3, -0.2, 0.5, 1]);
    const r = randomProgram(2);
    close(byElimination(byElimination(r))(at), jacfwd(jacfwd(r))(at), 1e-11);
    close(jacfwd(grad(g))(at), jacfwd(grad(h))(at), 1e-11);
    close(jit(grad(g))(at), grad(h)(at), 1e-11);
  });

  test('the Jacobian of a pullback, and with respect to data', () => {
    const gradient: Map = t => grad((y: Tensor) => total(mul(robotArm(y), robotArm(y))))(t) as Tensor;
    close(byElimination(gradient)(x), jacfwd(gradient)(x), 1e-11);
    const of =
      (jacobianOf: (f: Map) => Map): Map =>
      w =>
        total(mul(jacobianOf(t => sin(mul(t, w)))(x), jacobianOf(t => mul(mul(t, t), w))(x)));
    close(grad(of(byElimination))(x), grad(of(f => jacfwd(f) as unknown as Map))(x));
  });

  test('in a scan', () => {
    const turn = (carry: Tensor, t: Tensor): [Tensor, Tensor] => {
      const J = byElimination(randomProgram(3))(carry);
      return [add(carry, mul(broadcast(t, [4], []), sum(J, [0]))), J];
    };
    const steps = f64([0.1, 0.2]);
    const start = f64([0.7, -0.4, 1.2, 0.3]);
    const [last, Js] = scan(turn as never, start as never, steps as never) as unknown as [Tensor, Tensor];
    const [first] = turn(start, element(steps, 0));
    close(last, turn(first, element(steps, 1))[0]);
    expect(Js.shape).toEqual([2, 4, 4]);
  });
});

describe('errors', () => {
  const x = f64([1, 3, 2]);
  const elimination = { mode: 'elimination', graph: 'scalar' } as const;

  test('steps or places that depend on values', () => {
    const halve: Map = y =>
      whileLoop(
        (z: Tensor) => less(constantLike(total(z), 1), total(z)),
        (z: Tensor) => mul(z, constantLike(z, 0.5)),
        y,
      ) as Tensor;
    const places = tensor([0, 1, 1], 'int32');
    const read: Map = y => gather(mul(y, y), cast(y, 'int32'));
    for (const f of [halve, read, (y: Tensor) => sort(mul(y, y), 0)])
      expect(() => jacobian(f, elimination)(x)).toThrow(CannotUnroll);
    expect(() => jacobian((y: Tensor) => gather(mul(y, y), places), elimination)(x)).not.toThrow();
  });

  test('functions that are too large', () => {
    const wide: Map = y => sum(mul(broadcast(y, [200, 200], [0]), broadcast(y, [200, 200], [1])), [1]);
    const many = broadcast(f64(0.5), [200], []);
    expect(() => jacobian(wide, elimination)(many)).toThrow(/more than 20000 edges/);
    const square: Map = y => mul(dot(weights, sin(y), { contract: [[1], [0]], batch: [[], []] }), y);
    const weights = reshape(cumsum(broadcast(f64(0.01), [6400], []), 0), [80, 80]);
    const deep: Map = y => square(square(y));
    expect(() => jacobian(deep, { ...elimination, order: 'markowitz' })(slice(many, [0], [80]))).toThrow(
      /multiplications in this order/,
    );
  });

  test.each([
    { order: 'backward' },
    { order: [0, 1] },
    { order: 'search', budget: Number.NaN },
    { argnums: 3 },
  ])('bad options: %o', options => {
    const f: Map = y => mul(sin(y), y);
    expect(() => jacobian(f, { ...elimination, ...(options as object) })(x)).toThrow(BadArgument);
  });
});

test('what is recorded is a program that can be printed', () => {
  expect(String(program(byElimination(roeFlux))(f64(roeState)))).toContain('elimination');
});
