/** Functions and their inverses. */
import type { Tensor } from '../core/tensor.ts';
import { add, mul, neg, sub } from '../primitives/arithmetic.ts';
import { constantLike, zerosLike } from '../primitives/broadcast.ts';
import { exp, log, logaddexp, sigmoid } from '../primitives/elementary.ts';
import type { Made, Rewrite, Seen } from '../primitives/primitive.ts';
import { built, copied, copyOf, productOf } from './products.ts';

const softplus = (x: Tensor): Tensor => logaddexp(x, zerosLike(x));

/** log x without a logarithm, of what is positive by the way it was made. */
function plainLog(x: Tensor, seen: Seen): Tensor | null {
  const e = seen.by(x, exp);
  if (e !== null) return e.operands[0];
  const s = seen.by(x, sigmoid);
  if (s !== null) return neg(softplus(neg(s.operands[0])));
  const copy = copied(x, seen);
  const inner = copy === null ? null : plainLog(copy.operands[0], seen);
  return inner === null ? null : copyOf(copy as Made, inner);
}

/** log of a copy as a copy of the log. */
function logOf(x: Tensor, seen: Seen): Tensor {
  const copy = copied(x, seen);
  return copy === null ? log(x) : copyOf(copy, logOf(copy.operands[0], seen));
}

/** The a of 1 + eᵃ. */
function exponentBesideOne(x: Tensor, seen: Seen): Tensor | null {
  const made = seen.by(x, add);
  if (made === null) return null;
  const [a, b] = made.operands;
  const other = seen.constant(a) === 1 ? b : seen.constant(b) === 1 ? a : null;
  return other === null ? null : (seen.by(other, exp)?.operands[0] ?? null);
}

export const logLaws: readonly Rewrite[] = [
  {
    law: 'log(eᵃ·x/y) = a + log(x/y), and likewise of σ(a)',
    apply: ([x], _, seen) => {
      const { coefficient, factors } = productOf(x, seen);
      if (!(coefficient > 0)) return null;
      let plain: Tensor | null = null;
      const rest = new Map(factors);
      for (const [factor, n] of factors) {
        const value = plainLog(factor, seen);
        if (value === null) continue;
        rest.delete(factor);
        const part = Math.abs(n) === 1 ? value : mul(value, constantLike(value, Math.abs(n)));
        plain = plain === null ? (n > 0 ? part : neg(part)) : n > 0 ? add(plain, part) : sub(plain, part);
      }
      if (plain === null) return null;
      if (rest.size === 0 && coefficient === 1) return plain;
      const below = coefficient === 1 && [...rest.values()].every(n => n < 0);
      if (!below) return add(plain, logOf(built({ coefficient, factors: rest }, x, seen), seen));
      const inverse = new Map([...rest].map(([factor, n]) => [factor, -n]));
      return sub(plain, logOf(built({ coefficient, factors: inverse }, x, seen), seen));
    },
  },
  {
    law: 'log(1 + eᵃ) = softplus(a)',
    apply: ([x], _, seen) => {
      const a = exponentBesideOne(x, seen);
      return a === null ? null : softplus(a);
    },
  },
];

export const log1pLaws: readonly Rewrite[] = [
  {
    law: 'log1p(eᵃ) = softplus(a)',
    apply: ([x], _, seen) => {
      const made = seen.by(x, exp);
      return made === null ? null : softplus(made.operands[0]);
    },
  },
];

export const expLaws: readonly Rewrite[] = [
  { law: 'e^(log x) = x', apply: ([x], _, seen) => seen.by(x, log)?.operands[0] ?? null },
];

export const logisticLaws: readonly Rewrite[] = [
  {
    law: '1/(1 + eᵃ) = σ(−a)',
    apply: ([x, y], _, seen) => {
      const a = seen.constant(x) === 1 ? exponentBesideOne(y, seen) : null;
      return a === null ? null : sigmoid(neg(a));
    },
  },
];
