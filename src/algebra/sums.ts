/** Linear combinations: what cancels in them, and when multiplying them out lets something cancel. */
import type { Tensor } from '../core/tensor.ts';
import { add, div, mul, neg, sub } from '../primitives/arithmetic.ts';
import { constantLike } from '../primitives/broadcast.ts';
import { sigmoid } from '../primitives/elementary.ts';
import type { Rewrite, Seen } from '../primitives/primitive.ts';
import { cancels, productOf } from './products.ts';

/** Σ coefficient·term. */
type Terms = ReadonlyMap<Tensor, number>;

const scaled = (terms: Terms, by: number): Terms => new Map([...terms].map(([term, c]) => [term, c * by]));

function plus(a: Terms, b: Terms): Terms {
  const result = new Map(a);
  for (const [term, c] of b) {
    const total = (result.get(term) ?? 0) + c;
    if (total === 0) result.delete(term);
    else result.set(term, total);
  }
  return result;
}

const known = new WeakMap<Tensor, Terms>();

function termsOf(x: Tensor, seen: Seen): Terms {
  let terms = known.get(x);
  if (terms === undefined) {
    terms = findTerms(x, seen);
    known.set(x, terms);
  }
  return terms;
}

function findTerms(x: Tensor, seen: Seen): Terms {
  const value = seen.constant(x);
  if (value === 0) return new Map();
  const made = seen.made(x);
  if (value !== null || made === null || !x.aval.isFloat) return new Map([[x, 1]]);
  const [a, b] = made.operands;
  if (seen.by(x, add)) return plus(termsOf(a, seen), termsOf(b, seen));
  if (seen.by(x, sub)) return plus(termsOf(a, seen), scaled(termsOf(b, seen), -1));
  if (seen.by(x, neg)) return scaled(termsOf(a, seen), -1);
  if (seen.by(x, mul)) {
    const [left, right] = [seen.constant(a), seen.constant(b)];
    if (left !== null) return scaled(termsOf(b, seen), left);
    if (right !== null) return scaled(termsOf(a, seen), right);
  }
  return new Map([[x, 1]]);
}

function combined(terms: Terms, like: Tensor): Tensor {
  const sized = ([term, c]: readonly [Tensor, number]): Tensor =>
    Math.abs(c) === 1 ? term : mul(term, constantLike(like, Math.abs(c)));
  const over = [...terms].filter(([, c]) => c > 0).map(sized);
  const under = [...terms].filter(([, c]) => c < 0).map(sized);
  if (over.length === 0 && under.length === 0) return constantLike(like, 0);
  if (over.length === 0) return neg(under.reduce((a, b) => add(a, b)));
  return under.reduce(
    (a, b) => sub(a, b),
    over.reduce((a, b) => add(a, b)),
  );
}

const collected =
  (sign: 1 | -1): Rewrite['apply'] =>
  ([x, y], _, seen) => {
    if (!x.aval.isFloat) return null;
    const [a, b] = [termsOf(x, seen), scaled(termsOf(y, seen), sign)];
    const merges = a.size === 0 || b.size === 0 || [...b.keys()].some(term => a.has(term));
    return merges ? combined(plus(a, b), x) : null;
  };

/** The constant that x was multiplied by, and what was multiplied. */
function constantFactor(x: Tensor, seen: Seen): { constant: Tensor; rest: Tensor } | null {
  const made = seen.by(x, mul);
  if (made === null) return null;
  const [a, b] = made.operands;
  if (seen.constant(b) !== null) return { constant: b, rest: a };
  return seen.constant(a) === null ? null : { constant: a, rest: b };
}

const factoredOut =
  (join: typeof add | typeof sub): Rewrite['apply'] =>
  ([x, y], _, seen) => {
    const [a, b] = [constantFactor(x, seen), constantFactor(y, seen)];
    if (a === null || b === null || a.constant !== b.constant || !x.aval.isFloat) return null;
    return mul(join(a.rest, b.rest), a.constant);
  };

export const additionLaws: readonly Rewrite[] = [
  { law: '(x + y) + (z − x) = y + z', apply: collected(1) },
  { law: 'x·c + y·c = (x + y)·c', apply: factoredOut(add) },
];

export const subtractionLaws: readonly Rewrite[] = [
  { law: '(x + y) − x = y', apply: collected(-1) },
  { law: 'x·c − y·c = (x − y)·c', apply: factoredOut(sub) },
  {
    law: '1 − σ(x) = σ(−x)',
    apply: ([x, y], _, seen) => {
      const made = seen.constant(x) === 1 ? seen.by(y, sigmoid) : null;
      return made === null ? null : sigmoid(neg(made.operands[0]));
    },
  },
];

/** z times the two terms of x, where something cancels with one of them. */
function multipliedOut(x: Tensor, z: Tensor, power: 1 | -1, seen: Seen): Tensor | null {
  const join = seen.by(x, add) ? add : seen.by(x, sub) ? sub : null;
  if (join === null || !x.aval.isFloat) return null;
  const { operands } = seen.made(x) as NonNullable<ReturnType<Seen['made']>>;
  const factor = productOf(z, seen);
  if (!operands.some(term => cancels(productOf(term, seen), factor, power))) return null;
  const [a, b] = operands.map(term => (power === 1 ? mul(term, z) : div(term, z)));
  return join(a, b);
}

export const expansionOfProducts: readonly Rewrite[] = [
  {
    law: '(x/z + y)·z = x + y·z',
    apply: ([x, y], _, seen) => multipliedOut(x, y, 1, seen) ?? multipliedOut(y, x, 1, seen),
  },
];

export const expansionOfQuotients: readonly Rewrite[] = [
  { law: '(x·z + y)/z = x + y/z', apply: ([x, y], _, seen) => multipliedOut(x, y, -1, seen) },
];
