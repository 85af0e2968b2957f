import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ct from 'cotangent';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { methods } from '../../src/numpy/methods.ts';
import { expectWritten } from '../docs/written.ts';

const { slice, tensor } = ct;
type Callable = (...args: unknown[]) => unknown;

const fractions = tensor([
  [0.3, 0.7, 0.2],
  [0.6, 0.25, 0.9],
]);
const whole = tensor(
  [
    [1, 6, 3],
    [4, 5, 2],
  ],
  'int32',
);

/** Arguments of each method that needs some. */
const argumentsOf: Record<string, unknown[]> = {
  astype: ['int32'],
  at: [1, slice(1)],
  broadcastTo: [[2, 2, 3]],
  clip: [0.3, 0.5],
  dot: [[1, 2, 3]],
  expandDims: [1],
  matmul: [[[1], [2], [3]]],
  moveaxis: [0, 1],
  repeat: [2, 1],
  reshape: [[3, 2]],
  round: [1],
  split: [3, 1],
  swapaxes: [0, 1],
  take: [[2, 0], 1],
  tile: [[2, 1]],
};
const ofIntegers = /^(bitwise|leftShift|rightShift)/;
const ofTwo =
  /^(add|atan2|bitwise(And|Or|Xor)|copysign|div|divide|equal|floorDivide|fmax|fmin|fmod|greater|greaterEqual|heaviside|hypot|leftShift|less|lessEqual|logaddexp2?|logical(And|Or|Xor)|maximum|minimum|mod|mul|multiply|notEqual|pow|power|remainder|rightShift|sub|subtract|xlogy|isClose|allClose)$/;

const plain = (x: unknown): unknown => {
  if (x instanceof ct.Tensor) return [x.dtype, x.shape, x.arraySync()];
  return x instanceof ct.At ? plain(x.get()) : Array.isArray(x) ? x.map(plain) : x;
};

describe('a method is the function of the same name', () => {
  it.each(Object.keys(methods))('%s', name => {
    const x = ofIntegers.test(name) ? whole : fractions;
    const args =
      argumentsOf[name] ??
      (ofTwo.test(name) ? [ofIntegers.test(name) ? whole.sub(1) : fractions.mul(0.9)] : []);
    const f = (ct as unknown as Record<string, Callable>)[name];
    const method = (x as unknown as Record<string, Callable>)[name];
    expect(f, `no function ${name}`).toBeTypeOf('function');
    expect(plain(method.apply(x, args))).toEqual(plain(f(x, ...args)));
  });

  it('takes extents one by one as well as in a list', () => {
    expect(fractions.reshape(3, -1).shape).toEqual([3, 2]);
    expect(fractions.reshape(-1).shape).toEqual([6]);
    expect(tensor([5]).reshape().shape).toEqual([]);
    expect(tensor([5]).reshape([]).shape).toEqual([]);
    expect(fractions.expandDims(0).transpose(1, 0, 2).shape).toEqual([2, 1, 3]);
    expect(fractions.transpose([1, 0]).arraySync()).toEqual(fractions.T.arraySync());
    expect(fractions.transpose().shape).toEqual([3, 2]);
  });

  it('does not show among the keys of a tensor', () => {
    expect(Object.keys(tensor(1))).not.toContain('add');
    expect('add' in tensor(1)).toBe(true);
  });

  it('has a type', () => {
    expectTypeOf(tensor(1).add).parameters.toEqualTypeOf<[other: ct.TensorLike]>();
    expectTypeOf(tensor(1).sum()).toEqualTypeOf<ct.Tensor>();
  });
});

describe('operands', () => {
  it('are tensors, numbers, booleans, typed arrays and nested arrays', () => {
    const x = tensor([1, 2]);
    for (const other of [tensor([3, 4]), [3, 4], Float32Array.of(3, 4), [tensor(3), 4]])
      expect(x.add(other).arraySync()).toEqual([4, 6]);
    expect(x.add(3).arraySync()).toEqual([4, 5]);
    expect(x.add(true).arraySync()).toEqual([2, 3]);
  });

  it('broadcast', () => {
    expect(
      tensor([[1], [2]])
        .mul([10, 20])
        .arraySync(),
    ).toEqual([
      [10, 20],
      [20, 40],
    ]);
    expect(() => tensor([1, 2]).add([1, 2, 3])).toThrow(ct.ShapeMismatch);
  });

  it('keep the type of the tensor that a number meets', () => {
    const type = (x: ct.Tensor): string => x.dtype;
    expect(type(tensor([1], 'int8').add(1))).toBe('int8');
    expect(type(tensor([1], 'int8').add(0.5))).toBe('float32');
    expect(type(tensor([1], 'float64').mul(0.1))).toBe('float64');
    expect(type(tensor([true]).add(1))).toBe('int32');
    expect(type(tensor([1], 'int32').div(2))).toBe('float32');
    expect(type(tensor([1], 'int32').mean())).toBe('float32');
    expect(type(tensor([1], 'uint32').sum())).toBe('uint32');
    expect(type(tensor([1], 'int32').pow(2))).toBe('int32');
    expect(type(tensor([1], 'int32').pow(0.5))).toBe('float32');
    expect(type(tensor([1], 'int32').exp())).toBe('float32');
    expect(type(tensor([1], 'int32').add(tensor([1], 'float64')))).toBe('float64');
  });

  it('must fit into an integer type', () => {
    expect(() => tensor([1], 'uint8').add(256)).toThrow(ct.BadArgument);
    expect(() => tensor([1], 'uint32').sub(-1)).toThrow(ct.BadArgument);
    expect(() => tensor([2], 'int32').pow(-1)).toThrow(ct.BadArgument);
    expect(tensor([2], 'float64').mul(0.1).item()).toBe(0.2);
  });
});

describe('tracers have the same methods', () => {
  it('under grad, jit and vmap', () => {
    const f = (x: ct.Tensor): ct.Tensor => x.square().add(1).log().sum();
    const x = tensor([1, 2, 3], 'float64');
    const slopes = [1, 2, 3].map(v => (2 * v) / (v * v + 1));
    (ct.grad(f)(x).arraySync() as number[]).forEach((got, i) => {
      expect(got).toBeCloseTo(slopes[i], 14);
    });
    expect(ct.jit(f)(x).item()).toBe(f(x).item());
    expect(ct.vmap((v: ct.Tensor) => v.square().add(1).log())(x).shape).toEqual([3]);
  });
});

describe('a printed tensor', () => {
  it('shows values and type', () => {
    expect(String(tensor([1, 2]).add(0.5))).toBe('Tensor([1.5, 2.5], float32[2])');
    expect(String(tensor([1, 2]).greater(1))).toBe('Tensor([false, true], bool[2])');
    expect(String(tensor([[1], [2]], 'int32').neg())).toBe('Tensor([[-1],\n        [-2]], int32[2,1])');
  });
});

/** `@example expression // value` where the value is a number, a list or a truth value. */
function examples(): [place: string, expression: string, dtype: string | undefined, value: string][] {
  const folder = fileURLToPath(new URL('../../src/numpy', import.meta.url));
  const found: [string, string, string | undefined, string][] = [];
  for (const file of readdirSync(folder)) {
    const text = readFileSync(`${folder}/${file}`, 'utf8');
    for (const [, expression, comment] of text.matchAll(
      /@example (.+?) \/\/ (.+?)(?: @\w.*)?(?: \*\/)?$/gm,
    )) {
      const parts = /^(?:((?:float|u?int)\d+|bool) )?([-\d.[\], ]+|(?:[\s,[\]]|true|false)+)$/.exec(comment);
      if (parts && !expression.startsWith('const'))
        found.push([`${file}: ${expression}`, expression, parts[1], parts[2]]);
    }
  }
  return found;
}

describe('the example of a docstring', () => {
  const names = Object.keys(ct).filter(name => !['delete', 'var'].includes(name));
  const values = names.map(name => (ct as unknown as Record<string, unknown>)[name]);

  it('is there for most functions', () => {
    expect(examples().length).toBeGreaterThan(40);
  });

  it.each(examples())('%s', (_, expression, dtype, value) => {
    const run = new Function(...names, `return ${expression}`) as Callable;
    const got = run(...values);
    if (dtype) expect((got as ct.Tensor).dtype).toBe(dtype);
    expectWritten(got, value);
  });
});
