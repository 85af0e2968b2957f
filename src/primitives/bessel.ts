/** Modified Bessel functions of the first kind, of whole orders. */
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { add, mul, sub } from './arithmetic.ts';
import { constantLike } from './broadcast.ts';
import { besselFar0, besselFar1 } from './coefficients.ts';
import { sign } from './compare.ts';
import { type Op, op } from './primitive.ts';
import { divided, minus, number, polynomial, product, throughDouble } from './scalar.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

interface BesselParams {
  readonly order: number;
  /** Divided by this power of x, at most the order. */
  readonly power: number;
  /** Times exp(−|x|). */
  readonly scaled: boolean;
}

/** From here on by polynomials in 1/x. */
const far = 8;
const terms = 25;

/** x to a whole power. */
function power(x: k.Expression, n: number): k.Expression {
  let y = number(1);
  for (let i = 0; i < n; i++) y = i === 0 ? x : product(y, x);
  return y;
}

/** Iₙ(x)/xⁿ = Σ (x²/4)ᵏ / (2ⁿ k! (n + k)!): no term is negative. */
function nearby(x: k.Expression, order: number): k.Expression {
  const coefficients: number[] = [];
  let c = 1;
  for (let i = 1; i <= order; i++) c /= 2 * i;
  for (let i = 0; i < terms; i++) {
    coefficients.push(c);
    c /= (i + 1) * (order + i + 1);
  }
  return polynomial(coefficients, product(x, product(x, number(0.25))));
}

/** √x·e⁻ˣ·Iₙ(x) for x ≥ 8: fits for n = 0 and 1, above by Iₙ₊₁ = Iₙ₋₁ − 2n/x·Iₙ. */
function distant(x: k.Expression, order: number): k.Expression {
  const t = minus(divided(number(16), x), number(1));
  const list = [polynomial(besselFar0, t), polynomial(besselFar1, t)];
  for (let n = 1; n < order; n++) list.push(minus(list[n - 1], product(divided(number(2 * n), x), list[n])));
  return list[order];
}

function value(x: k.Expression, { order, power: by, scaled }: BesselParams): k.Expression {
  const size = k.unary('abs', x);
  const one = number(1);
  const near = product(nearby(x, order), power(x, order - by));
  const near2 = scaled ? product(near, k.unary('exp', k.unary('neg', size))) : near;
  const safe = k.binary('max', size, number(far));
  const root = divided(distant(safe, order), k.unary('sqrt', safe));
  const half = k.unary('exp', product(safe, number(0.5)));
  // Near the overflow exp(x/2) twice: the first overflows only where the result does.
  const whole = k.select(
    k.less(safe, number(700)),
    product(root, k.unary('exp', safe)),
    product(product(root, half), half),
  );
  const grown = scaled ? root : whole;
  const odd = (order - by) % 2 === 1;
  let distantValue = by === 0 ? grown : divided(grown, power(safe, by));
  if (odd) distantValue = product(distantValue, k.select(k.less(x, number(0)), number(-1), one));
  const infinite = number(Number.POSITIVE_INFINITY);
  const end = scaled ? number(0) : odd ? x : infinite;
  const finite = k.select(k.less(size, number(far)), near2, distantValue);
  return k.select(k.compare('eq', size, infinite), end, k.select(k.compare('eq', x, x), finite, x));
}

/**
 * Iₙ(x)/xᵐ, or e^−|x| times it: smooth at 0 too. d/dx Iₙ/xᵐ = (n − m)·Iₙ/xᵐ⁺¹ + Iₙ₊₁/xᵐ, in which nothing cancels.
 */
export const besselI: Op<[x: Tensor, params: BesselParams], BesselParams> = op(
  {
    name: 'besselI',
    kind: 'smooth',
    abstract: elementwiseRule('besselI', 'float'),
    jvp: [
      (dx, [x], y, { order, power, scaled }) => {
        let slope = besselI(x, { order: order + 1, power, scaled });
        if (order > power) {
          const lower = besselI(x, { order, power: power + 1, scaled });
          slope = add(slope, mul(lower, constantLike(x, order - power)));
        }
        return mul(dx, scaled ? sub(slope, mul(sign(x), y)) : slope);
      },
    ],
    batch: 'elementwise',
    lower: (operands, params, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [throughDouble(out.dtype, elements(operands), ([x]) => value(x, params))],
    }),
    samples: [
      ...[0, 1].flatMap(order => [
        { operands: [floats([2, 3], -4, -0.2)], params: { order, power: 0, scaled: false } },
        { operands: [floats([2, 3], -4, -0.2)], params: { order, power: 0, scaled: true } },
        { operands: [floats([2, 3], 7, 11)], params: { order, power: 0, scaled: true } },
      ]),
      { operands: [floats([3], -3, 3)], params: { order: 3, power: 2, scaled: false } },
      { operands: [floats([3], 8.5, 12)], params: { order: 3, power: 3, scaled: true } },
      {
        operands: [
          given('float64', [5], [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
        ],
        params: { order: 1, power: 0, scaled: true },
      },
    ],
  },
  x => [x],
  (_, params) => params,
);
