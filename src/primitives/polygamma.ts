/** The derivatives of digamma. */
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { mul } from './arithmetic.ts';
import { type Op, op } from './primitive.ts';
import { divided, isBelow, isEqual, minus, number, product, sum, throughDouble } from './scalar.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

interface PolygammaParams {
  readonly order: number;
}

/** B₂, B₄, …, B₂₀. */
const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

function power(x: k.Expression, n: number): k.Expression {
  if (n === 1) return x;
  const half = power(x, n >> 1);
  return n % 2 === 0 ? product(half, half) : product(product(half, half), x);
}

/**
 * Σ_{j≥0} 1/(x + j)ⁿ⁺¹ for x > 0: the first terms one by one, the rest by the formula of Euler and Maclaurin,
 * z⁻ⁿ/n + z⁻ⁿ⁻¹/2 + Σ B₂ₖ/(2k)! · (n+1)…(n+2k−1) · z⁻ⁿ⁻²ᵏ, smallest terms first.
 */
function hurwitz(x: k.Expression, n: number): k.Expression {
  const steps = 10 + n;
  const z = sum(x, number(steps));
  const inverse = divided(number(1), z);
  const square = product(inverse, inverse);
  let series = number(0);
  for (let i = bernoulli.length; i >= 1; i--) {
    let c = bernoulli[i - 1] / factorial(2 * i);
    for (let j = 1; j < 2 * i; j++) c *= n + j;
    series = product(square, sum(number(c), series));
  }
  // z⁻ⁿ·(1/n + 1/(2z) + …), each with z⁻ⁿ taken out.
  const tail = sum(number(1 / n), sum(product(inverse, number(0.5)), series));
  let total = product(power(inverse, n), tail);
  for (let j = steps - 1; j >= 0; j--)
    total = sum(total, power(divided(number(1), j === 0 ? x : sum(x, number(j))), n + 1));
  return total;
}

/** dⁿ/dxⁿ π·cot(πx) as a polynomial in c = cot πx, its coefficients divided by πⁿ⁺¹: d/dx c = −π(1 + c²). */
function cotangentDerivative(n: number): number[] {
  let p = [0, 1];
  for (let i = 0; i < n; i++) {
    const slope = p.slice(1).map((c, j) => c * (j + 1));
    p = Array.from({ length: p.length + 1 }, (_, j) => -((slope[j] ?? 0) + (slope[j - 2] ?? 0)));
  }
  return p;
}

/** ψ⁽ⁿ⁾(x) for n ≥ 1; left of ½ by the reflection (−1)ⁿψ⁽ⁿ⁾(1 − x) − ψ⁽ⁿ⁾(x) = dⁿ/dxⁿ π cot πx. */
export function polygammaExpression(x: k.Expression, n: number): k.Expression {
  const reflected = isBelow(x, 0);
  const positive = k.select(reflected, minus(number(1), x), x);
  const sign = n % 2 === 1 ? 1 : -1;
  const right = product(number(sign * factorial(n)), hurwitz(positive, n));
  const turn = product(k.select(reflected, minus(x, k.unary('round', x)), number(0.25)), number(Math.PI));
  const cot = divided(k.unary('cos', turn), k.unary('sin', turn));
  const scale = Math.PI ** (n + 1);
  const whole = cotangentDerivative(n)
    .map(c => number(c * scale))
    .reduceRight((above, c) => sum(product(above, cot), c));
  const left = minus(product(number(n % 2 === 0 ? 1 : -1), right), whole);
  const value = k.select(reflected, left, right);
  const pole = number(n % 2 === 1 ? Number.POSITIVE_INFINITY : Number.NaN);
  const atPole = k.binary('and', isEqual(k.unary('round', x), x), isBelow(x, 0));
  const limit = k.select(isEqual(x, Number.POSITIVE_INFINITY), number(0), value);
  return k.select(isEqual(x, Number.NEGATIVE_INFINITY), number(Number.NaN), k.select(atPole, pole, limit));
}

/** ψ⁽ⁿ⁾(x), n ≥ 1, the n-th derivative of digamma; infinite or NaN at 0, −1, −2, … */
export const polygamma: Op<[x: Tensor, order: number], PolygammaParams> = op(
  {
    name: 'polygamma',
    kind: 'smooth',
    abstract: elementwiseRule('polygamma', 'float'),
    jvp: [(dx, [x], _, { order }) => mul(dx, polygamma(x, order + 1))],
    batch: 'elementwise',
    lower: (operands, { order }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [throughDouble(out.dtype, elements(operands), ([x]) => polygammaExpression(x, order))],
    }),
    samples: [
      ...[1, 2, 3].map(order => ({ operands: [floats([2, 3], 0.6, 4)], params: { order } })),
      { operands: [floats([3], -1.8, -1.2)], params: { order: 1 } },
      {
        operands: [given('float64', [5], [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300])],
        params: { order: 1 },
      },
    ],
  },
  x => [x],
  (_, order) => ({ order }),
);
