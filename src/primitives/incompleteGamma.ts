/** The incomplete gamma functions and all their derivatives. */
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { constantLike, zerosLike } from './broadcast.ts';
import { equal, select } from './compare.ts';
import { log as logarithm } from './elementary.ts';
import { digamma } from './gamma.ts';
import { type Jet, Jets } from './jets.ts';
import { polygamma, polygammaExpression } from './polygamma.ts';
import { gammaPrefactor, logGammaOnePlus } from './prefactors.ts';
import { type Op, op } from './primitive.ts';
import { elementwise, type Procedure } from './procedure.ts';
import {
  divided,
  either,
  exp,
  greatest,
  isBelow,
  isEqual,
  least,
  log,
  minus,
  number,
  product,
  sum,
} from './scalar.ts';
import { elementwiseRule, floats, given } from './signature.ts';

type E = k.Expression;

interface IncompleteParams {
  readonly upper: boolean;
  /** Which derivative in a. */
  readonly order: number;
}

export function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

const one = number(1);
const toCount = (x: E): E => k.cast('int32', least(x, number(2e9)));

/** Σ xᵏ/((a + 1)…(a + k)) for x ≤ a or small x, of which P is xᵃe⁻ˣ/Γ(a + 1) times. */
function series(p: Procedure, jets: Jets, a: E, x: E): Jet {
  const ratio = divided(x, sum(a, one));
  // The terms fall as exp(−k²/2a) at least, and as the powers of the first ratio.
  const bound = sum(number(28), product(number(9.5), k.unary('sqrt', a)));
  const geometric = sum(number(4), divided(number(44), k.unary('neg', log(least(ratio, number(0.999))))));
  const term = jets.variable(jets.of(one));
  const total = jets.variable(jets.of(one));
  p.repeat(toCount(k.select(isBelow(ratio, 0.999), least(bound, geometric), bound)), n => {
    const next = p.let(sum(sum(a, one), n));
    const divisor = jets.of(divided(next, x), divided(one, x));
    term.set(jets.over(term.value, divisor));
    total.set(jets.plus(total.value, term.value));
  });
  return total.value;
}

/** Legendre's continued fraction 1/(x + 1 − a − 1·(1 − a)/(x + 3 − a − …)), from its end, for x ≥ a and 1.1. */
function fraction(p: Procedure, jets: Jets, a: E, x: E): Jet {
  const start = sum(number(20), divided(number(130), x));
  const near = product(number(5), k.unary('sqrt', a));
  const far = product(number(40), divided(x, greatest(minus(x, a), number(1e-30))));
  const count = p.let(toCount(sum(start, least(near, far))));
  const base = p.let(minus(x, a));
  const size = k.cast('float64', count);
  const t = jets.variable(jets.of(sum(base, sum(product(number(2), size), one)), number(-1)));
  p.repeat(
    count,
    i => {
      const n = p.let(sum(i, one));
      const numerator = jets.of(product(n, minus(n, a)), k.unary('neg', n));
      const b = jets.of(sum(base, sum(product(number(2), i), one)), number(-1));
      t.set(jets.plus(b, jets.scaled(jets.over(numerator, t.value), number(-1))));
    },
    { reverse: true },
  );
  return jets.over(jets.of(one), t.value);
}

/** log(xᵃe⁻ˣ/Γ(a + 1)) in a without its value. */
function logPrefactor(jets: Jets, a: E, x: E): Jet {
  const next = sum(a, one);
  return jets.make(i => {
    if (i === 0) return null;
    if (i === 1) return minus(log(x), k.unary('digamma', next));
    return product(polygammaExpression(next, i - 1), number(-1 / factorial(i)));
  });
}

/** 1 − P for a and x below 1.1, where P may be near 1: −expm1(a log x − log Γ(1 + a)) less the other terms. */
function smallUpper(p: Procedure, a: E, x: E): E {
  const l = p.let(minus(product(a, log(x)), logGammaOnePlus(a)));
  const power = p.variable(one);
  const total = p.variable(number(0));
  p.repeat(k.int(20), i => {
    const n = p.let(sum(i, one));
    power.set(product(power.value, divided(k.unary('neg', x), n)));
    total.set(sum(total.value, product(power.value, divided(a, sum(a, n)))));
  });
  return k.unary('neg', sum(k.unary('expm1', l), product(exp(l), total.value)));
}

function value(p: Procedure, a: E, x: E, { upper, order }: IncompleteParams): E {
  const jets = new Jets(p, order, 0);
  const infinity = number(Number.POSITIVE_INFINITY);
  const y = p.variable(number(Number.NaN));
  const zero = order > 0;
  const [whole, nothing] = zero ? [0, 0] : upper ? [0, 1] : [1, 0];
  const inside = (): void => {
    const prefactor = p.let(gammaPrefactor(p, a, x));
    const small = isBelow(x, 1.1);
    const lowerHalf = either(small, isBelow(x, a));
    const result = (jet: Jet, sign: number): void => {
      const grown = order === 0 ? jet : jets.times(jet, jets.exp(logPrefactor(jets, a, x)));
      const part = product(prefactor, product(grown[order][0] ?? number(0), number(sign * factorial(order))));
      y.set(part);
    };
    p.if(
      lowerHalf,
      () => {
        result(series(p, jets, a, x), upper && order > 0 ? -1 : 1);
        if (upper && order === 0) {
          y.set(minus(one, y.value));
          p.if(k.binary('and', small, isBelow(a, 1.1)), () => y.set(smallUpper(p, a, x)));
        }
      },
      () => {
        result(jets.times(jets.of(a, one), fraction(p, jets, a, x)), !upper && order > 0 ? -1 : 1);
        if (!upper && order === 0) y.set(minus(one, y.value));
      },
    );
  };
  const proper = (): void =>
    p.if(
      either(isEqual(a, 0), isEqual(x, infinity)),
      () => {
        const undecided = either(k.binary('and', isEqual(a, 0), isEqual(x, 0)), isEqual(a, infinity));
        y.set(k.select(undecided, number(Number.NaN), number(whole)));
      },
      () => p.if(either(isEqual(x, 0), isEqual(a, infinity)), () => y.set(number(nothing)), inside),
    );
  p.if(k.binary('and', k.atMost(number(0), a), k.atMost(number(0), x)), proper);
  return y.value;
}

/**
 * xᵃ⁻¹e⁻ˣ/Γ(a), the derivative of P(a, x) in x. Its own in x is it times (a − 1)/x − 1, in a times log x − ψ(a).
 */
export const gammaDensity: Op<[a: Tensor, x: Tensor], Record<string, never>> = op(
  {
    name: 'gammaDensity',
    kind: 'smooth',
    abstract: elementwiseRule('gammaDensity', 'float'),
    jvp: [
      (da, [a, x], y) => mul(da, mul(y, sub(logarithm(x), digamma(a)))),
      (dx, [a, x], y) => {
        const less = sub(a, constantLike(a, 1));
        const power = select(equal(less, zerosLike(a)), zerosLike(a), div(less, x));
        return mul(dx, mul(y, sub(power, constantLike(x, 1))));
      },
    ],
    batch: 'elementwise',
    lower: (operands, _, outputs) =>
      elementwise(operands, outputs, (p, [a, x]) => {
        const y = p.variable(product(gammaPrefactor(p, a, x), divided(a, x)));
        p.if(isEqual(x, 0), () => {
          const steep = k.select(isBelow(a, 1), number(Number.POSITIVE_INFINITY), number(0));
          y.set(k.select(isEqual(a, 1), one, steep));
        });
        const outside = either(isBelow(a, 0), isBelow(x, 0));
        return k.select(outside, number(Number.NaN), y.value);
      }),
    samples: [
      { operands: [floats([2, 3], 0.3, 6), floats([2, 3], 0.4, 6)], params: {} },
      { operands: [given('float64', [3], [0.5, 1, 2]), given('float64', [3], [0, 0, 0])], params: {} },
    ],
  },
  (a, x) => [a, x],
  () => ({}),
);

/** ∂ⁿ/∂aⁿ of the density: h' = h·(log x − ψ(a)), by the rule of Leibniz. */
function densityDerivative(a: Tensor, x: Tensor, order: number): Tensor {
  const slopes = [sub(logarithm(x), digamma(a))];
  for (let i = 1; i < order; i++) slopes.push(neg(polygamma(a, i)));
  const list = [gammaDensity(a, x)];
  for (let m = 1; m <= order; m++) {
    let total: Tensor | null = null;
    for (let i = 0; i < m; i++) {
      const choices = factorial(m - 1) / (factorial(i) * factorial(m - 1 - i));
      const term = mul(constantLike(a, choices), mul(slopes[i], list[m - 1 - i]));
      total = total === null ? term : add(total, term);
    }
    list.push(total as Tensor);
  }
  return list[order];
}

/** P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹e⁻ᵗ dt or Q = 1 − P, or a derivative of it in a. */
export const incompleteGamma: Op<[a: Tensor, x: Tensor, params: IncompleteParams], IncompleteParams> = op(
  {
    name: 'incompleteGamma',
    kind: 'smooth',
    abstract: elementwiseRule('incompleteGamma', 'float'),
    jvp: [
      (da, [a, x], _, { upper, order }) => mul(da, incompleteGamma(a, x, { upper, order: order + 1 })),
      (dx, [a, x], _, { upper, order }) => {
        const slope = mul(dx, densityDerivative(a, x, order));
        return upper ? neg(slope) : slope;
      },
    ],
    batch: 'elementwise',
    lower: (operands, params, outputs) =>
      elementwise(operands, outputs, (p, [a, x]) => value(p, a, x, params)),
    samples: [
      ...[true, false].flatMap(upper => [
        { operands: [floats([2, 3], 0.3, 2), floats([2, 3], 0.2, 1)], params: { upper, order: 0 } },
        { operands: [floats([2, 3], 0.3, 2), floats([2, 3], 2.1, 4)], params: { upper, order: 0 } },
        { operands: [floats([3], 3, 12), floats([3], 3, 12)], params: { upper, order: 0 } },
        { operands: [floats([3], 0.5, 4), floats([3], 0.5, 4)], params: { upper, order: 1 } },
      ]),
      { operands: [floats([3], 0.5, 4), floats([3], 0.5, 4)], params: { upper: false, order: 2 } },
      {
        operands: [
          given('float64', [6], [1, 0, 2, -1, Number.POSITIVE_INFINITY, 3]),
          given('float64', [6], [0, 1, Number.POSITIVE_INFINITY, 1, 2, Number.NaN]),
        ],
        params: { upper: true, order: 0 },
      },
    ],
  },
  (a, x) => [a, x],
  (_, __, params) => params,
);
