/** The incomplete beta function and all its derivatives. */
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { constantLike, zerosLike } from './broadcast.ts';
import { equal, select } from './compare.ts';
import { log as logarithm, log1p as logarithm1p } from './elementary.ts';
import { digamma } from './gamma.ts';
import { factorial } from './incompleteGamma.ts';
import { type Jet, Jets } from './jets.ts';
import { polygamma, polygammaExpression } from './polygamma.ts';
import { betaPrefactor } from './prefactors.ts';
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
  log1p,
  minus,
  number,
  product,
  sum,
} from './scalar.ts';
import { elementwiseRule, floats, given } from './signature.ts';

type E = k.Expression;

/** How often to differentiate in a and in b. */
interface BetaParams {
  readonly orders: readonly [a: number, b: number];
}

const one = number(1);
const opposite = (x: E): E => k.unary('neg', x);

/** A number of the function with its first derivatives in the two parameters. */
interface Seeded {
  readonly value: E;
  readonly first: E;
  readonly second: E;
}

/**
 * The continued fraction of which I is xᵃ(1 − x)ᵇ/B(a, b) over it, for x ≤ a/(a + b), from its end (Didonato and
 * Morris 1992, equations 1–9).
 */
function fraction(p: Procedure, jets: Jets, a: Seeded, b: Seeded, x: E, rest: E): Jet {
  const A = jets.of(a.value, a.first, a.second);
  const B = jets.of(b.value, b.first, b.second);
  const N = jets.plus(A, B);
  const plain = (value: E): Jet => jets.of(value);
  const plus = (jet: Jet, value: E): Jet => jets.plus(jet, plain(value));
  const lambda = plus(jets.plus(jets.scaled(A, rest), jets.scaled(B, opposite(x))), one);
  const square = p.let(product(x, x));
  const turn = p.let(minus(number(2), x));
  const denominator = (m: E): Jet => {
    const twice = product(number(2), m);
    const beyond = plus(A, sum(twice, one));
    const inner = jets.over(jets.times(plus(A, m), plus(lambda, product(m, turn))), beyond);
    const before = plus(A, minus(twice, one));
    const mixed = jets.scaled(jets.over(plus(B, opposite(m)), before), product(m, x));
    // At m = 0 the middle term is 0, also where a is 1.
    const middle = jets.make((i, j) => {
      const c = mixed[i][j];
      return c === null ? null : k.select(isEqual(m, 0), number(0), c);
    });
    return plus(jets.plus(middle, inner), m);
  };
  const numerator = (m: E): Jet => {
    const before = plus(A, minus(product(number(2), m), one));
    const factor = jets.over(plus(A, minus(m, one)), before);
    const other = jets.over(plus(N, minus(m, one)), before);
    return jets.scaled(jets.times(jets.times(factor, other), plus(B, opposite(m))), product(m, square));
  };
  const size = k.unary('sqrt', greatest(a.value, b.value));
  const edge = divided(number(8), k.unary('sqrt', rest));
  const steps = sum(sum(number(25), product(number(6), size)), least(edge, number(20000)));
  const count = p.let(k.cast('int32', least(steps, number(2e9))));
  const t = jets.variable(denominator(p.let(k.cast('float64', count))));
  p.repeat(
    count,
    i => {
      const m = p.let(sum(i, one));
      t.set(jets.plus(denominator(i), jets.over(numerator(m), t.value)));
    },
    { reverse: true },
  );
  return t.value;
}

/**
 * (1 + a Σ (1 − b)(2 − b)…(n − b)/(n!·(a + n)) xⁿ)/a, of which I is xᵃ/B(a, b) times, for x ≤ 0.7 and b·x ≤ 1. There
 * x may be beyond the mean, where 1 − I would come from a fraction that hardly converges.
 */
function series(p: Procedure, jets: Jets, a: Seeded, b: Seeded, x: E): Jet {
  const A = jets.of(a.value, a.first, a.second);
  const minusB = jets.of(opposite(b.value), opposite(b.first), opposite(b.second));
  const term = jets.variable(jets.of(one));
  const total = jets.variable(jets.over(jets.of(one), A));
  const count = least(sum(number(22), divided(number(44), opposite(log(x)))), number(150));
  p.repeat(k.cast('int32', count), i => {
    const n = p.let(sum(i, one));
    term.set(jets.scaled(jets.times(term.value, jets.plus(minusB, jets.of(n))), p.let(divided(x, n))));
    total.set(jets.plus(total.value, jets.over(term.value, jets.plus(A, jets.of(n)))));
  });
  return total.value;
}

/** log(xᵃ(1 − x)ᵇ/B(a, b)) in a and b without its value. */
function logPrefactor(jets: Jets, a: E, b: E, x: E): Jet {
  const n = sum(a, b);
  const psi = (z: E, i: number): E => (i === 0 ? k.unary('digamma', z) : polygammaExpression(z, i));
  return jets.make((i, j) => {
    if (i + j === 0) return null;
    let total = psi(n, i + j - 1);
    if (j === 0) total = minus(total, psi(a, i - 1));
    if (i === 0) total = minus(total, psi(b, j - 1));
    if (i === 1 && j === 0) total = sum(total, log(x));
    if (i === 0 && j === 1) total = sum(total, log1p(opposite(x)));
    return product(total, number(1 / (factorial(i) * factorial(j))));
  });
}

function value(p: Procedure, a: E, b: E, x: E, { orders: [i, j] }: BetaParams): E {
  const jets = new Jets(p, i, j);
  const first = i + j === 0;
  const y = p.variable(number(Number.NaN));
  const inside = (): void => {
    const rest = p.let(minus(one, x));
    const prefactor = p.let(betaPrefactor(p, a, b, x, rest));
    const grown = (jet: Jet): Jet => (first ? jet : jets.times(jet, jets.exp(logPrefactor(jets, a, b, x))));
    const scale = number(factorial(i) * factorial(j));
    const nought = number(0);
    const short = k.binary('and', k.atMost(x, number(0.7)), k.atMost(product(b, x), one));
    const byFraction = (): void => {
      // Where x is beyond the mean, 1 − I₁₋ₓ(b, a).
      const swap = p.let(k.select(isBelow(product(a, rest), product(b, x)), one, nought));
      const swapped = isEqual(swap, 1);
      const choose = (yes: E, no: E): E => p.let(k.select(swapped, yes, no));
      const not = p.let(minus(one, swap));
      const below = fraction(
        p,
        jets,
        { value: choose(b, a), first: not, second: swap },
        { value: choose(a, b), first: swap, second: not },
        choose(rest, x),
        choose(x, rest),
      );
      const quotient = grown(jets.over(jets.of(one), below));
      const part = p.let(product(prefactor, product(scale, quotient[i][j] ?? nought)));
      y.set(k.select(swapped, first ? minus(one, part) : opposite(part), part));
    };
    const bySeries = (): void => {
      const whole = series(
        p,
        jets,
        { value: a, first: one, second: nought },
        { value: b, first: nought, second: one },
        x,
      );
      // The prefactor has (1 − x)ᵇ, which does not belong to the series, and neither do its derivatives.
      const power = jets.make((m, n) => {
        if (m > 0) return null;
        let c = exp(product(opposite(b), log1p(opposite(x))));
        for (let r = 1; r <= n; r++) c = product(c, product(number(1 / r), opposite(log1p(opposite(x)))));
        return c;
      });
      const jet = grown(jets.times(whole, power));
      y.set(product(prefactor, product(scale, jet[i][j] ?? nought)));
    };
    p.if(short, bySeries, byFraction);
  };
  const positive = k.binary('and', isBelow(number(0), a), isBelow(number(0), b));
  const finite = (z: E): E => isBelow(z, Number.POSITIVE_INFINITY);
  const proper = (): void => {
    p.if(k.binary('and', isBelow(number(0), x), isBelow(x, 1)), inside, () => {
      const outside = either(isBelow(x, 0), isBelow(one, x));
      const end = first ? k.select(isEqual(x, 1), one, number(0)) : number(0);
      y.set(k.select(either(outside, k.compare('ne', x, x)), number(Number.NaN), end));
    });
  };
  p.if(k.binary('and', positive, k.binary('and', finite(a), finite(b))), proper);
  return y.value;
}

/** xᵃ⁻¹(1 − x)ᵇ⁻¹/B(a, b), the derivative of Iₓ(a, b) in x. */
export const betaDensity: Op<[a: Tensor, b: Tensor, x: Tensor], Record<string, never>> = op(
  {
    name: 'betaDensity',
    kind: 'smooth',
    abstract: elementwiseRule('betaDensity', 'float'),
    jvp: [
      (da, [a, b, x], y) => mul(da, mul(y, slopes(a, b, logarithm(x)))),
      (db, [a, b, x], y) => mul(db, mul(y, slopes(b, a, logarithm1p(neg(x))))),
      (dx, [a, b, x], y) => {
        const per = (power: Tensor, of: Tensor): Tensor => {
          const less = sub(power, constantLike(power, 1));
          return select(equal(less, zerosLike(less)), zerosLike(less), div(less, of));
        };
        return mul(dx, mul(y, sub(per(a, x), per(b, sub(constantLike(x, 1), x)))));
      },
    ],
    batch: 'elementwise',
    lower: (operands, _, outputs) =>
      elementwise(operands, outputs, (p, [a, b, x]) => {
        const rest = p.let(minus(one, x));
        const y = p.variable(divided(divided(betaPrefactor(p, a, b, x, rest), x), rest));
        const steep = (power: E, other: E): E =>
          k.select(
            isEqual(power, 1),
            other,
            k.select(isBelow(power, 1), number(Number.POSITIVE_INFINITY), number(0)),
          );
        p.if(isEqual(x, 0), () => y.set(steep(a, b)));
        p.if(isEqual(x, 1), () => y.set(steep(b, a)));
        const outside = either(either(isBelow(a, 0), isBelow(b, 0)), either(isBelow(x, 0), isBelow(one, x)));
        return k.select(outside, number(Number.NaN), y.value);
      }),
    samples: [
      {
        operands: [floats([2, 3], 0.3, 6), floats([2, 3], 0.3, 6), floats([2, 3], 0.2, 0.8)],
        params: {},
      },
    ],
  },
  (a, b, x) => [a, b, x],
  () => ({}),
);

/** ∂/∂a log of the density: log x − ψ(a) + ψ(a + b). */
function slopes(a: Tensor, b: Tensor, log: Tensor): Tensor {
  return add(sub(log, digamma(a)), digamma(add(a, b)));
}

/** ∂ⁱ/∂aⁱ ∂ʲ/∂bʲ of the density, by the rule of Leibniz on h' = h·g, g the slope of its logarithm. */
function densityDerivative(a: Tensor, b: Tensor, x: Tensor, orders: readonly [number, number]): Tensor {
  const n = add(a, b);
  const psi = (z: Tensor, i: number): Tensor => (i === 0 ? digamma(z) : polygamma(z, i));
  /** ∂ⁱ∂ʲ of the logarithm. */
  const g = (i: number, j: number): Tensor => {
    let total = psi(n, i + j - 1);
    if (j === 0) total = sub(total, psi(a, i - 1));
    if (i === 0) total = sub(total, psi(b, j - 1));
    if (i === 1 && j === 0) total = add(total, logarithm(x));
    if (i === 0 && j === 1) total = add(total, logarithm1p(neg(x)));
    return total;
  };
  const binomial = (m: number, r: number): number => factorial(m) / (factorial(r) * factorial(m - r));
  const h = (i: number, j: number): Tensor => {
    if (i + j === 0) return betaDensity(a, b, x);
    const [u, v] = i > 0 ? [1, 0] : [0, 1];
    let total: Tensor | null = null;
    for (let r = 0; r <= i - u; r++)
      for (let s = 0; s <= j - v; s++) {
        const ways = constantLike(a, binomial(i - u, r) * binomial(j - v, s));
        const term = mul(ways, mul(g(r + u, s + v), h(i - u - r, j - v - s)));
        total = total === null ? term : add(total, term);
      }
    return total as Tensor;
  };
  return h(...orders);
}

/** Iₓ(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹(1 − t)ᵇ⁻¹ dt, or a derivative of it in a and b. */
export const incompleteBeta: Op<[a: Tensor, b: Tensor, x: Tensor, params?: BetaParams], BetaParams> = op(
  {
    name: 'incompleteBeta',
    kind: 'smooth',
    abstract: elementwiseRule('incompleteBeta', 'float'),
    jvp: [
      (da, [a, b, x], _, { orders: [i, j] }) => mul(da, incompleteBeta(a, b, x, { orders: [i + 1, j] })),
      (db, [a, b, x], _, { orders: [i, j] }) => mul(db, incompleteBeta(a, b, x, { orders: [i, j + 1] })),
      (dx, [a, b, x], _, { orders }) => mul(dx, densityDerivative(a, b, x, orders)),
    ],
    batch: 'elementwise',
    lower: (operands, params, outputs) =>
      elementwise(operands, outputs, (p, [a, b, x]) => value(p, a, b, x, params)),
    samples: [
      ...(
        [
          [0, 0],
          [1, 0],
          [0, 1],
        ] as const
      ).map(orders => ({
        operands: [floats([2, 3], 0.3, 2), floats([2, 3], 0.3, 4), floats([2, 3], 0.2, 0.8)],
        params: { orders },
      })),
      {
        operands: [floats([3], 3, 12), floats([3], 0.5, 12), floats([3], 0.1, 0.9)],
        params: { orders: [0, 0] },
      },
      {
        operands: [
          given('float64', [5], [1, 2, 0.5, -1, 3]),
          given('float64', [5], [2, 0.5, 2, 1, 3]),
          given('float64', [5], [0, 1, Number.NaN, 0.5, 2]),
        ],
        params: { orders: [0, 0] },
      },
    ],
  },
  (a, b, x) => [a, b, x],
  (_, __, ___, params = { orders: [0, 0] }) => params,
);
