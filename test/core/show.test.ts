/** How tensors print. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import '../../src/numpy/methods.ts';
import type { DType } from '../../src/core/dtype.ts';
import { ConcreteValueNeeded } from '../../src/core/errors.ts';
import { showNumber } from '../../src/core/show.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { tensor } from '../../src/numpy/array.ts';
import { grad } from '../../src/transforms/grad.ts';
import { jit } from '../../src/transforms/jit.ts';
import { vmap } from '../../src/transforms/vmap.ts';

const lines = (...all: string[]): string => all.join('\n');
const counting = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    { shape },
  );

describe('numbers', () => {
  test('scalars', () => {
    expect(String(tensor(3))).toBe('Tensor(3, float32[])');
    expect(String(tensor(0.1))).toBe('Tensor(0.1, float32[])');
    expect(String(tensor(-2, 'int8'))).toBe('Tensor(-2, int8[])');
    expect(String(tensor(true))).toBe('Tensor(true, bool[])');
  });

  test('what is not finite, and the sign of zero', () => {
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0];
    for (const dtype of ['float32', 'float64'] as const)
      expect(String(tensor(odd, dtype))).toBe(`Tensor([NaN, Infinity, -Infinity, -0, 0], ${dtype}[5])`);
  });

  test('a float32 shows the fewest digits that give it again', () => {
    const numbers = [0.1, 1 / 3, 16777216, 3.4028234663852886e38, 1.401298464324817e-45, 1e-7, -2.5e10];
    for (const number of numbers) {
      const value = Math.fround(number);
      const text = showNumber(value, 'float32');
      expect(Math.fround(Number(text)), text).toBe(value);
      const digits = text.replace(/e.*|[-.]/g, '').replace(/^0+|0+$/g, '').length;
      if (digits > 1) expect(Math.fround(Number(value.toPrecision(digits - 1))), text).not.toBe(value);
    }
    expect(showNumber(Math.fround(0.1), 'float32')).toBe('0.1');
    expect(showNumber(Math.fround(1 / 3), 'float32')).toBe('0.33333334');
    expect(showNumber(0.1, 'float64')).toBe('0.1');
    expect(showNumber(Math.fround(0.1), 'float64')).toBe('0.10000000149011612');
  });

  test('any float32 and float64 can be read back from its text', () => {
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    for (let i = 0; i < 5000; i++) {
      bits[0] = Math.imul(i + 1, 0x9e3779b9);
      const value = float[0];
      if (Number.isNaN(value)) continue;
      expect(Object.is(Math.fround(Number(showNumber(value, 'float32'))), value)).toBe(true);
      expect(Number(showNumber(value * Math.PI, 'float64'))).toBe(value * Math.PI);
    }
  });

  test('long fractions are rounded within an array, exact alone', () => {
    expect(String(tensor(Math.PI, 'float64'))).toBe('Tensor(3.141592653589793, float64[])');
    expect(String(tensor([Math.PI], 'float64'))).toBe('Tensor([3.141593], float64[1])');
  });
});

describe('arrays', () => {
  test('vectors', () => {
    expect(String(tensor([1, 2.5, -3]))).toBe('Tensor([1, 2.5, -3], float32[3])');
    expect(String(tensor([true, false]))).toBe('Tensor([true, false], bool[2])');
  });

  test.each<DType>(['int32', 'uint32', 'int8', 'uint8'])('integers: %s', dtype => {
    expect(String(tensor([1, 100], dtype))).toBe(`Tensor([1, 100], ${dtype}[2])`);
  });

  test('the columns of a matrix are aligned', () => {
    const x = tensor([
      [1, -20.5, 3],
      [100, 0, 0.25],
    ]);
    expect(String(x)).toBe(
      lines('Tensor([[    1, -20.5,     3],', '        [  100,     0,  0.25]], float32[2,3])'),
    );
    const bools = tensor([
      [true, false],
      [false, true],
    ]);
    expect(String(bools)).toBe(lines('Tensor([[ true, false],', '        [false,  true]], bool[2,2])'));
  });

  test('the matrices of three axes are set apart', () => {
    expect(String(counting(2, 2, 2))).toBe(
      lines(
        'Tensor([[[0, 1],',
        '         [2, 3]],',
        '',
        '        [[4, 5],',
        '         [6, 7]]], float32[2,2,2])',
      ),
    );
  });

  test('empty ones', () => {
    expect(String(tensor([]))).toBe('Tensor([], float32[0])');
    expect(String(counting(0, 3))).toBe('Tensor([], float32[0,3])');
    expect(String(counting(2, 0))).toBe(lines('Tensor([[],', '        []], float32[2,0])'));
  });

  test('1000 elements are shown, of more three at each end of an axis', () => {
    expect(String(counting(1000))).not.toContain('…');
    expect(String(counting(1001))).toBe('Tensor([0, 1, 2, …, 998, 999, 1000], float32[1001])');
    const text = String(counting(100, 100));
    expect(text.split('\n').map(line => line.trim())).toEqual([
      'Tensor([[   0,    1,    2, …,   97,   98,   99],',
      '[ 100,  101,  102, …,  197,  198,  199],',
      '[ 200,  201,  202, …,  297,  298,  299],',
      '…,',
      '[9700, 9701, 9702, …, 9797, 9798, 9799],',
      '[9800, 9801, 9802, …, 9897, 9898, 9899],',
      '[9900, 9901, 9902, …, 9997, 9998, 9999]], float32[100,100])',
    ]);
    // An axis of up to seven is shown whole.
    expect(String(counting(7, 1000)).split('\n').length).toBe(7);
    expect(String(counting(1000, 1000)).length).toBeLessThan(1000);
  });
});

describe('ways to print', () => {
  const x = tensor([1, 2]);
  const text = 'Tensor([1, 2], float32[2])';

  test('String, template strings, joining, inspect', () => {
    expect(String(x)).toBe(text);
    expect(`${x}`).toBe(text);
    // biome-ignore lint/style/useTemplate: this is the operator in question
    expect('' + x).toBe(text);
    expect([x].join()).toBe(text);
    expect(inspect(x)).toBe(text);
    expect(inspect({ x })).toBe(`{ x: ${text} }`);
    expect(Object.prototype.toString.call(x)).toBe('[object Tensor]');
  });

  test('a tensor of one element is a number where a number is meant', () => {
    const two = tensor([2]);
    expect(Number(two)).toBe(2);
    expect(`${two}`).toBe('Tensor([2], float32[1])');
    expect((two as unknown as number) > 1).toBe(true);
    expect((two as unknown as number) * 3).toBe(6);
    expect(() => Number(x)).toThrow(/CT112/);
  });
});

describe('tracers', () => {
  test('inside grad a tensor prints its value', () => {
    const seen: string[] = [];
    grad((x: Tensor) => {
      seen.push(String(x), `${x}`, inspect(x), String(x.sum()));
      return x.mul(x).sum();
    })(tensor([1, 2]));
    const text = 'Tensor([1, 2], float32[2])';
    expect(seen).toEqual([text, text, text, 'Tensor(3, float32[])']);
  });

  test('inside jit and vmap there is none: inspect shows what is known, a string is an error', () => {
    const seen: string[] = [];
    const look = (x: Tensor): Tensor => {
      seen.push(inspect(x), x.toString());
      expect(() => `${x}`).toThrow(ConcreteValueNeeded);
      expect(() => String(x)).toThrow(ConcreteValueNeeded);
      expect(() => Number(x)).toThrow(ConcreteValueNeeded);
      expect(() => (x as unknown as number) > 0).toThrow(ConcreteValueNeeded);
      return x;
    };
    jit(look)(tensor([1, 2]));
    vmap(look)(tensor([[1, 2]]));
    expect(seen).toEqual([
      'Tracer(float32[2], jit(look))',
      'Tracer(float32[2], jit(look))',
      'Tracer(float32[2], vmap(look))',
      'Tracer(float32[2], vmap(look))',
    ]);
  });

  test('grad inside jit', () => {
    let seen = '';
    jit(
      grad((x: Tensor) => {
        seen = inspect(x);
        return x.sum();
      }),
    )(tensor([1, 2]));
    expect(seen).toBe('Tracer(float32[2], jit)');
  });
});
