/** The laws that primitives declare: fewer equations, and not a bit changes. */
import { jit, program, type Tensor, tensor, where, zeros } from 'cotangent';
import { describe, expect, test } from 'vitest';
import { simplify } from '../../src/compiler/simplify.ts';
import { Aval } from '../../src/core/aval.ts';
import { broadcast } from '../../src/primitives/broadcast.ts';
import { primitivesByFamily } from '../../src/primitives/index.ts';
import { permute, reshape } from '../../src/primitives/layout.ts';
import { traceProgram } from '../../src/transforms/trace.ts';

const awkward = [-1.5, 0, -0, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324];
const every = tensor(
  awkward.flatMap(a => awkward.map(() => a)),
  'float64',
).reshape([8, 8]);
const other = tensor(
  awkward.flatMap(() => awkward),
  'float64',
).reshape([8, 8]);
const whole = tensor([[-2147483648, -7, 0, 3]], 'int32');

type Two = (x: Tensor, y: Tensor) => Tensor;
const left = (f: Two, x: Tensor, y: Tensor): string[] =>
  simplify(program(f)(x, y)).equations.map(({ operation }) => operation.name);
const bits = (x: Tensor): string[] =>
  Array.from(x.dataSync(), value => (Object.is(value, -0) ? '-0' : String(value)));

/** By the name of the law: an expression, and the operations that are left of it. */
const laws: Record<string, [Two, string[]]> = {
  '−(−x) = x': [x => x.neg().neg(), []],
  'x + (−y) = x − y': [(x, y) => x.add(y.neg()), ['sub']],
  '(−x) + y = y − x': [(x, y) => x.neg().add(y), ['sub']],
  'x − (−y) = x + y': [(x, y) => x.sub(y.neg()), ['add']],
  'x − 0 = x': [x => x.sub(0), []],
  'x + (−0) = x': [x => x.add(-0), []],
  '(−0) + y = y': [(_, y) => tensor(-0, y.dtype as 'float64').add(y), []],
  'x·1 = x': [x => x.mul(1), []],
  '1·y = y': [(_, y) => tensor(1, y.dtype as 'float64').mul(y), []],
  '(−x)·(−y) = x·y': [(x, y) => x.neg().mul(y.neg()), ['mul']],
  'x/1 = x': [x => x.div(1), []],
  '(−x)/(−y) = x/y': [(x, y) => x.neg().div(y.neg()), ['div']],
  'x is of its type already': [x => x.astype(x.dtype), []],
  'x either way = x': [(x, y) => where(x.less(y), x, x), []],
  'x has its shape already': [x => reshape(x, x.shape), []],
  'reshape of reshape = reshape': [x => reshape(reshape(x, [4, x.size / 4]), [x.size]), ['reshape']],
  'axes in their order': [x => permute(x, [0, 1]), []],
  '(xᵖ)ᵠ = xᵖᵠ': [x => permute(permute(x, [1, 0]), [1, 0]), []],
  'copying nothing = reshape': [x => broadcast(x, [1, ...x.shape], [1, 2]), ['reshape']],
  'broadcast of broadcast = broadcast': [
    x => broadcast(broadcast(x, [2, ...x.shape], [1, 2]), [3, 2, ...x.shape], [1, 2, 3]),
    ['broadcast'],
  ],
  'broadcast along new axes of extent 1 = broadcast': [
    x => broadcast(reshape(x, [x.size, 1]), [x.size, 5], [0, 1]),
    // The first reshape makes a vector of the matrix.
    ['reshape', 'broadcast'],
  ],
};

describe.each(Object.entries(laws))('%s', (name, [f, expected]) => {
  test('leaves less to do', () => {
    const matrix = name.includes('extent 1');
    const g: Two = matrix ? (x, y) => f(reshape(x, [x.size]), y) : f;
    expect(left(g, every, other)).toEqual(expected);
  });

  test('and changes no bit', () => {
    expect(bits(jit(f)(every, other))).toEqual(bits(f(every, other)));
    if (!name.includes('/')) expect(bits(jit(f)(whole, whole))).toEqual(bits(f(whole, whole)));
  });
});

test('every law that a primitive declares is among these', () => {
  const declared = Object.values(primitivesByFamily)
    .flat()
    .flatMap(one => (one.kind === 'structured' ? [] : (one.rewrites ?? [])).map(({ law }) => law));
  expect(new Set(declared)).toEqual(new Set(Object.keys(laws)));
});

describe('what rounding, NaN or −0 forbid stays', () => {
  test.each<[string, Two]>([
    ['x·0', x => x.mul(0)],
    ['x + 0', x => x.add(0)],
    ['x − (−0)', x => x.sub(-0)],
    ['(x + y) − y', (x, y) => x.add(y).sub(y)],
    ['x/x', x => x.div(x)],
    ['−(x − y)', (x, y) => x.sub(y).neg()],
  ])('%s', (_, f) => {
    const count = program(f)(every, other).equations.length;
    expect(left(f, every, other)).toHaveLength(count);
    expect(bits(jit(f)(every, other))).toEqual(bits(f(every, other)));
  });
});

test('x·y and y·x are computed once', () => {
  expect(left((x, y) => x.mul(y).add(y.mul(x)), every, other)).toEqual(['mul', 'add']);
  expect(left((x, y) => x.sub(y).mul(y.sub(x)), every, other)).toEqual(['sub', 'sub', 'mul']);
});

test('the line of an equation stays with what becomes of it', () => {
  const traced = traceProgram(
    ([x, y]) => [x.add(y.neg())],
    [new Aval('float32', [2]), new Aval('float32', [2])],
    { name: 'test', sources: true },
  );
  const [equation] = simplify(traced).equations;
  expect(equation.operation.name).toBe('sub');
  expect(equation.source).toMatch(/simplify\.test\.ts/);
});

test('a law that gives another type or shape is refused', () => {
  const traced = traceProgram(([x]) => [x.sin()], [new Aval('float32', [2])], { name: 'test' });
  const wrong = { law: 'sin x = 0', apply: () => zeros([3]) };
  expect(() => simplify(traced, ({ name }) => (name === 'sin' ? [wrong] : []))).toThrow(
    "'sin x = 0' made float32[3] of sin's float32[2]",
  );
});
