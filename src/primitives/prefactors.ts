/** The factors before the series of the incomplete gamma and beta functions, without their cancellations. */
import * as k from '../kernel/expression.ts';
import { lgammaOnePlus, stirlingSeries } from './coefficients.ts';
import type { Procedure } from './procedure.ts';
import { divided, exp, isBelow, log, log1p, minus, number, polynomial, product, sum } from './scalar.ts';

type E = k.Expression;

const half = number(0.5);
const one = number(1);

/** From here on Stirling's formula. */
export const large = 2.5;

/** S(a) = log Γ(a) − (a − ½) log a + a − ½ log 2π for a ≥ 2.5. */
export function stirling(a: E): E {
  return divided(polynomial(stirlingSeries, divided(one, product(a, a))), a);
}

/** log Γ(1 + a) for a ≥ 0, without loss near 0. */
export function logGammaOnePlus(a: E): E {
  const near = product(a, polynomial(lgammaOnePlus, k.binary('min', a, half)));
  return k.select(isBelow(a, 0.5), near, k.unary('lgamma', sum(one, a)));
}

/** How many terms of the series of the logarithm. */
const terms = 16;

/** μ − log(1 + μ) ≥ 0, given both: near 0 by s = μ/(2 + μ), as μs − 2s³(⅓ + s²/5 + …). */
export function phi(p: Procedure, mu: E, onePlusMu: E): E {
  const y = p.variable(minus(mu, log(onePlusMu)));
  p.if(isBelow(k.unary('abs', mu), 0.4), () => {
    const s = p.let(divided(mu, sum(number(2), mu)));
    const w = p.let(product(s, s));
    const series = polynomial(
      Array.from({ length: terms }, (_, i) => 1 / (2 * i + 3)),
      w,
    );
    y.set(minus(product(mu, s), product(product(number(2), product(s, w)), series)));
  });
  return y.value;
}

/**
 * xᵃe⁻ˣ/Γ(a + 1) for a ≥ 0, x ≥ 0. Where a is large (Loader 2000) as exp(−a·φ((x − a)/a) − S(a))/√(2πa), in which only
 * what decides the size is left in the exponent.
 */
export function gammaPrefactor(p: Procedure, a: E, x: E): E {
  const y = p.variable(one);
  p.if(
    isBelow(a, large),
    () => {
      const small = product(k.binary('pow', x, a), exp(minus(k.unary('neg', x), logGammaOnePlus(a))));
      y.set(k.select(k.compare('eq', x, number(0)), k.select(isBelow(number(0), a), number(0), one), small));
    },
    () => {
      const ratio = p.let(divided(x, a));
      const f = phi(p, divided(minus(x, a), a), ratio);
      const root = k.unary('sqrt', product(number(2 * Math.PI), a));
      y.set(divided(exp(minus(k.unary('neg', product(a, f)), stirling(a))), root));
      // Far below, (ex/a)ᵃ by a power, whose error is not that of its logarithm.
      p.if(isBelow(ratio, 0.1), () => {
        const power = k.binary('pow', product(ratio, number(Math.E)), a);
        y.set(divided(product(power, exp(minus(k.unary('neg', x), stirling(a)))), root));
      });
    },
  );
  return y.value;
}

/** xᵃ(1 − x)ᵇ/B(a, b) for a, b > 0 and 0 < x < 1; `rest` is 1 − x. */
export function betaPrefactor(p: Procedure, a: E, b: E, x: E, rest: E): E {
  const y = p.variable(one);
  const n = p.let(sum(a, b));
  const bothSmall = (): void => {
    const factor = divided(product(a, b), n);
    const logs = minus(logGammaOnePlus(n), sum(logGammaOnePlus(a), logGammaOnePlus(b)));
    y.set(product(product(factor, exp(logs)), product(k.binary('pow', x, a), k.binary('pow', rest, b))));
  };
  /** One small, one large: Γ(s + l)/Γ(l) by Stirling's formula. */
  const oneSmall = (s: E, l: E, xs: E, logXl: E): void => {
    const logs = p.let(
      sum(
        sum(product(s, log(product(xs, n))), product(l, logXl)),
        sum(
          minus(product(minus(l, half), log1p(divided(s, l))), s),
          minus(minus(stirling(n), stirling(l)), logGammaOnePlus(s)),
        ),
      ),
    );
    y.set(product(s, exp(logs)));
  };
  const logOf = (whole: E, other: E): E =>
    k.select(isBelow(whole, 0.5), log(whole), log1p(k.unary('neg', other)));
  p.if(
    isBelow(a, large),
    () => p.if(isBelow(b, large), bothSmall, () => oneSmall(a, b, x, logOf(rest, x))),
    () =>
      p.if(
        isBelow(b, large),
        () => oneSmall(b, a, rest, logOf(x, rest)),
        () => {
          // x/(a/n) − 1 and (1 − x)/(b/n) − 1, which add up to nothing with the weights a and b.
          const apart = p.let(minus(product(x, b), product(rest, a)));
          const f = phi(p, divided(apart, a), divided(product(x, n), a));
          const g = phi(p, k.unary('neg', divided(apart, b)), divided(product(rest, n), b));
          const logs = sum(
            sum(product(a, f), product(b, g)),
            minus(sum(stirling(a), stirling(b)), stirling(n)),
          );
          const root = k.unary('sqrt', divided(product(a, divided(b, n)), number(2 * Math.PI)));
          y.set(product(root, exp(k.unary('neg', logs))));
        },
      ),
  );
  return y.value;
}
