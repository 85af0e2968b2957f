/** Values and derivatives where formulas break: at zeros, ties, infinities and the ends of the range. */
import * as ct from 'cotangent';
import { describe, expect, it } from 'vitest';

const { grad, tensor } = ct;
const float64 = (values: ct.TensorLike): ct.Tensor => tensor(values, 'float64');
const slope = (f: (x: ct.Tensor) => ct.Tensor, x: number): number => grad(f)(float64(x)).item();
const slopes = (f: (x: ct.Tensor) => ct.Tensor, x: readonly number[]): unknown =>
  grad((v: ct.Tensor) => f(v).sum())(float64(x)).arraySync();

describe('range', () => {
  it('hypot neither overflows nor underflows', () => {
    expect(ct.hypot(float64(3e300), 4e300).item()).toBeCloseTo(5e300, -290);
    expect(ct.hypot(float64(3e-320), 4e-320).item()).toBe(5e-320);
    expect(ct.hypot(Number.POSITIVE_INFINITY, Number.NaN).item()).toBe(Number.POSITIVE_INFINITY);
  });

  it('ldexp neither overflows nor underflows on the way', () => {
    expect(ct.ldexp(float64(5e-324), 1100).item()).toBe(2 ** 26);
    expect(ct.ldexp(float64(2 ** 1000), -2000).item()).toBe(2 ** -1000);
    expect(ct.ldexp(1, 200).item()).toBe(Number.POSITIVE_INFINITY);
  });

  it('nextafter is the neighbour', () => {
    const near = [
      1,
      2,
      0.5,
      5e-324,
      2 ** -1022,
      2 ** -1021,
      2 ** -1020,
      2 ** -968,
      2 ** -969,
      Number.MAX_VALUE,
    ];
    for (const x of near) {
      const below = ct.nextafter(float64(x), 0).item();
      expect(below).toBeLessThan(x);
      expect([below, x]).toContain(below + (x - below) / 2);
      expect(ct.nextafter(float64(below), x).item()).toBe(x);
    }
    expect(ct.nextafter(float64(Number.POSITIVE_INFINITY), 0).item()).toBe(Number.MAX_VALUE);
  });

  it('logsumexp and logaddexp do not overflow', () => {
    expect(ct.logsumexp(float64([1000, 1000])).item()).toBeCloseTo(1000 + Math.LN2, 10);
    expect(ct.logsumexp(float64([])).item()).toBe(Number.NEGATIVE_INFINITY);
    expect(ct.logaddexp2(float64(-2000), -2000).item()).toBe(-1999);
    expect(slopes(v => ct.logsumexp(v), [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).toEqual([
      0, 0,
    ]);
  });

  it('powers of integers wrap around', () => {
    const x = tensor([3, -3, 2, -1], 'int32');
    expect(ct.power(x, tensor([21, 3, 31, -5], 'int32')).arraySync()).toEqual([
      Number(BigInt.asIntN(32, 3n ** 21n)),
      -27,
      -(2 ** 31),
      -1,
    ]);
    expect(ct.power(tensor([7, 2], 'int32'), tensor([-1, -2], 'int32')).arraySync()).toEqual([0, 0]);
  });

  it('gcd of neighbouring Fibonacci numbers takes the most steps', () => {
    expect(ct.gcd(tensor(1836311903, 'int32'), 1134903170).item()).toBe(1);
    expect(ct.gcd(tensor(2971215073, 'uint32'), 1836311903).item()).toBe(1);
  });
});

describe('derivatives at special points', () => {
  it.each([
    ['x**2 at 0', (x: ct.Tensor) => x.pow(2), 0, 0],
    ['x**0 at 0', (x: ct.Tensor) => x.pow(0), 0, 0],
    ['abs at 0', (x: ct.Tensor) => x.abs(), 0, 0],
    ['hypot(x, 0) at 0', (x: ct.Tensor) => x.hypot(0), 0, 0],
    ['sinc at 0', (x: ct.Tensor) => x.sinc(), 0, 0],
    ['clip at its end', (x: ct.Tensor) => x.clip(1, 2), 1, 0.5],
    ['xlogy in y at 0, 0', (y: ct.Tensor) => ct.xlogy(0, y), 0, 0],
    ['x·log x in x at 0', (x: ct.Tensor) => ct.xlogy(x, 0), 0, 0],
    ['floor', (x: ct.Tensor) => x.floor(), 0.5, 0],
    ['remainder', (x: ct.Tensor) => x.mod(3), 7, 1],
    ['remainder in the divisor', (y: ct.Tensor) => ct.mod(-7, y), 3, 3],
    ['floorDivide', (x: ct.Tensor) => x.floorDivide(3), 7, 0],
    ['round', (x: ct.Tensor) => x.round(1), 0.5, 0],
    ['copysign', (x: ct.Tensor) => x.copysign(-1), 3, -1],
    ['sigmoid far out', (x: ct.Tensor) => x.sigmoid(), -800, 0],
  ] as const)('%s', (_, f, x, expected) => {
    expect(slope(f, x)).toBe(expected);
  });

  it('sinc has the derivatives of its series at 0', () => {
    const second = grad((x: ct.Tensor) => grad((y: ct.Tensor) => y.sinc())(x));
    expect(second(float64(0)).item()).toBeCloseTo(-(Math.PI ** 2) / 3, 12);
    expect(second(float64(0.2499)).item()).toBeCloseTo(second(float64(0.2501)).item(), 2);
  });

  it('of a standard deviation and norms at a constant are 0', () => {
    expect(slopes(v => v.std(), [2, 2, 2])).toEqual([0, 0, 0]);
    for (const ord of [1, 2, 3, 0.5]) expect(slopes(v => v.norm({ ord }), [0, 0])).toEqual([0, 0]);
  });

  it('of a norm of order 3 are (|x|/‖x‖)²', () => {
    const [a, b] = slopes(v => v.norm({ ord: 3 }), [1, 2]) as number[];
    expect(a).toBeCloseTo((1 / 9 ** (1 / 3)) ** 2, 12);
    expect(b).toBeCloseTo((2 / 9 ** (1 / 3)) ** 2, 12);
  });

  it('of where go to the chosen operand alone', () => {
    const safeLog = (x: ct.Tensor): ct.Tensor =>
      ct.where(x.greater(0), ct.where(x.greater(0), x, 1).log(), 0);
    expect(slopes(safeLog, [-1, 0, 2])).toEqual([0, 0, 0.5]);
  });

  it('of hypot are (x, y)/hypot, at ties too', () => {
    expect(slope(x => x.hypot(4), 3)).toBeCloseTo(0.6, 14);
    expect(slope(x => x.hypot(1), 1)).toBeCloseTo(Math.SQRT1_2, 14);
    expect(slope(x => x.hypot(0), -2)).toBe(-1);
  });

  it('of quantiles go to the elements between which they lie', () => {
    expect(slopes(v => ct.median(v), [3, 1, 2, 4])).toEqual([0.5, 0, 0.5, 0]);
    expect(slopes(v => ct.quantile(v, 0.1), [10, 20, 30])).toEqual([0.8, 0.2, 0]);
    expect(ct.median(float64([Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY])).item()).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

describe('reductions', () => {
  it('of nothing', () => {
    const none = float64([]);
    expect(ct.sum(none).item()).toBe(0);
    expect(ct.prod(none).item()).toBe(1);
    expect(ct.all(none).item()).toBe(1);
    expect(ct.any(none).item()).toBe(0);
    expect(ct.mean(none).item()).toBeNaN();
    for (const f of [ct.max, ct.min, ct.argmax, ct.median]) expect(() => f(none)).toThrow(ct.BadArgument);
  });

  it('take an axis, a list of axes, or options', () => {
    const x = ct.broadcastTo(float64([1, 2, 3]), [2, 4, 3]);
    expect(ct.sum(x, -1).shape).toEqual([2, 4]);
    expect(ct.sum(x, [0, 2]).arraySync()).toEqual([12, 12, 12, 12]);
    expect(ct.sum(x, { axis: 1, keepdims: true }).shape).toEqual([2, 1, 3]);
    expect(ct.sum(x, []).shape).toEqual([2, 4, 3]);
    expect(ct.sum(x, null).item()).toBe(48);
    expect(() => ct.sum(x, 3)).toThrow(ct.AxisOutOfRange);
    expect(() => ct.sum(x, [1, 1])).toThrow(ct.AxisOutOfRange);
  });

  it('of matrices as operators', () => {
    const a = float64([
      [1, -2],
      [3, 4],
    ]);
    expect(ct.norm(a, { ord: 1 }).item()).toBe(6);
    expect(ct.norm(a, { ord: Number.POSITIVE_INFINITY }).item()).toBe(7);
    expect(ct.norm(a, { ord: -1, keepdims: true }).arraySync()).toEqual([[4]]);
    expect(() => ct.norm(a, { ord: 2 })).toThrow(ct.BadArgument);
  });
});
