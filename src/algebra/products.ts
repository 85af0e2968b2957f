/** Products of powers: what cancels in them, and what of them leaves a sum. */
import { range } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import { div, mul, neg } from '../primitives/arithmetic.ts';
import { broadcast, constantLike, sum } from '../primitives/broadcast.ts';
import { integerPower } from '../primitives/elementary.ts';
import { bind, type Made, type Rewrite, type Seen } from '../primitives/primitive.ts';
import { otherAxes } from '../primitives/signature.ts';

/** coefficient·Π factorᵖᵒʷᵉʳ. */
export interface Product {
  readonly coefficient: number;
  readonly factors: ReadonlyMap<Tensor, number>;
}

/** The operation that only copied or moved elements, if one made x. */
export function copied(x: Tensor, seen: Seen): Made | null {
  const made = seen.made(x);
  return made?.operation.kind === 'linear' && made.operation.copies ? made : null;
}

/** The same copying of something else. */
export function copyOf({ operation, params }: Made, x: Tensor): Tensor {
  return bind(operation, [x], params)[0];
}

function times(a: Product, b: Product, power: 1 | -1): Product {
  const factors = new Map(a.factors);
  for (const [factor, n] of b.factors) {
    const total = (factors.get(factor) ?? 0) + power * n;
    if (total === 0) factors.delete(factor);
    else factors.set(factor, total);
  }
  return {
    coefficient: power === 1 ? a.coefficient * b.coefficient : a.coefficient / b.coefficient,
    factors,
  };
}

const known = new WeakMap<Tensor, Product>();

/** x as a product, through products, quotients, powers, signs and copies. Integers are left alone: they truncate. */
export function productOf(x: Tensor, seen: Seen): Product {
  let product = known.get(x);
  if (product === undefined) {
    product = findProduct(x, seen);
    known.set(x, product);
  }
  return product;
}

function findProduct(x: Tensor, seen: Seen): Product {
  const atom: Product = { coefficient: 1, factors: new Map([[x, 1]]) };
  if (!x.aval.isFloat) return atom;
  const value = seen.constant(x);
  if (value !== null) return { coefficient: value, factors: new Map() };
  const made = seen.made(x);
  if (made === null) return atom;
  const [a, b] = made.operands;
  if (seen.by(x, neg)) {
    const { coefficient, factors } = productOf(a, seen);
    return { coefficient: -coefficient, factors };
  }
  if (seen.by(x, mul)) return times(productOf(a, seen), productOf(b, seen), 1);
  if (seen.by(x, div)) return times(productOf(a, seen), productOf(b, seen), -1);
  const power = seen.by(x, integerPower);
  if (power !== null) {
    const { coefficient, factors } = productOf(a, seen);
    const n = power.params.exponent;
    return {
      coefficient: coefficient ** n,
      factors: new Map([...factors].map(([factor, k]) => [factor, k * n])),
    };
  }
  const copy = copied(x, seen);
  if (copy === null) return atom;
  const inner = productOf(a, seen);
  if (inner.coefficient === 1 && inner.factors.size === 1 && inner.factors.get(a) === 1) return atom;
  return {
    coefficient: inner.coefficient,
    factors: new Map([...inner.factors].map(([factor, n]) => [copyOf(copy, factor), n])),
  };
}

/** Whether something in the product of the two cancels. */
export function cancels(a: Product, b: Product, power: 1 | -1): boolean {
  return [...b.factors].some(([factor, n]) => (a.factors.get(factor) ?? 0) * n * power < 0);
}

const toPower = (factor: Tensor, n: number): Tensor => (n === 1 ? factor : integerPower(factor, n));
const multiplied = (list: readonly Tensor[]): Tensor | null =>
  list.length === 0 ? null : list.reduce((a, b) => mul(a, b));

/** Factors that are copies of the same kind are multiplied before they are copied. */
function grouped(factors: ReadonlyMap<Tensor, number>, seen: Seen): Map<Tensor, number> {
  const groups = new Map<string, { copy: Made; inner: Map<Tensor, number> }>();
  const result = new Map<Tensor, number>();
  for (const [factor, n] of factors) {
    const copy = seen.by(factor, broadcast);
    if (copy === null) {
      result.set(factor, n);
      continue;
    }
    const key = `${copy.operands[0].shape}:${copy.params.axes}`;
    const group = groups.get(key) ?? { copy: copy as unknown as Made, inner: new Map<Tensor, number>() };
    groups.set(key, group);
    group.inner.set(copy.operands[0], n);
  }
  for (const { copy, inner } of groups.values()) {
    const positive = [...inner.values()].some(n => n > 0);
    const powers = positive ? inner : new Map([...inner].map(([factor, n]) => [factor, -n]));
    const [first] = powers.keys();
    const whole = built({ coefficient: 1, factors: powers }, first, seen);
    result.set(copyOf(copy, whole), positive ? 1 : -1);
  }
  return result;
}

/** The product as operations; `like` has its type and shape. */
export function built({ coefficient, factors }: Product, like: Tensor, seen: Seen): Tensor {
  if (coefficient === 0) return constantLike(like, 0);
  const all = factors.size > 1 ? grouped(factors, seen) : factors;
  const over = multiplied([...all].filter(([, n]) => n > 0).map(([factor, n]) => toPower(factor, n)));
  const under = multiplied([...all].filter(([, n]) => n < 0).map(([factor, n]) => toPower(factor, -n)));
  const size = Math.abs(coefficient);
  const scaled =
    over === null
      ? constantLike(like, under === null ? coefficient : size)
      : size === 1
        ? over
        : mul(over, constantLike(like, size));
  const result = under === null ? scaled : div(scaled, under);
  return coefficient < 0 && (over !== null || under !== null) ? neg(result) : result;
}

/** Whether two coefficients can be one. */
const foldable = (a: Product, b: Product): boolean =>
  a.coefficient === 0 ||
  b.coefficient === 0 ||
  (Math.abs(a.coefficient) !== 1 && Math.abs(b.coefficient) !== 1) ||
  (a.factors.size === 0 && b.factors.size === 0);

const regrouped =
  (power: 1 | -1): Rewrite['apply'] =>
  ([x, y], _, seen) => {
    if (!x.aval.isFloat) return null;
    const [a, b] = [productOf(x, seen), productOf(y, seen)];
    if (power === -1 && b.coefficient === 0) return null;
    return cancels(a, b, power) || foldable(a, b) ? built(times(a, b, power), x, seen) : null;
  };

/** y where x = −y, or x a copy of −y. */
function negated(x: Tensor, seen: Seen): Tensor | null {
  const made = seen.by(x, neg);
  if (made !== null) return made.operands[0];
  const copy = copied(x, seen);
  const inner = copy === null ? null : negated(copy.operands[0], seen);
  return inner === null ? null : copyOf(copy as Made, inner);
}

/** The sign of a product outside of it. */
const signOutside =
  (operation: typeof mul | typeof div): Rewrite['apply'] =>
  ([x, y], _, seen) => {
    if (!x.aval.isFloat) return null;
    const a = negated(x, seen);
    if (a !== null) return neg(operation(a, y));
    const b = negated(y, seen);
    return b === null ? null : neg(operation(x, b));
  };

export const signLaws: readonly Rewrite[] = [
  {
    law: '−c is a constant',
    apply: ([x], _, seen) => {
      const value = x.aval.isFloat ? seen.constant(x) : null;
      return value === null ? null : constantLike(x, -value);
    },
  },
];

export const productLaws: readonly Rewrite[] = [
  { law: '(x·y)·(z/x) = y·z', apply: regrouped(1) },
  { law: '(−x)·y = −(x·y)', apply: signOutside(mul) },
];

export const quotientLaws: readonly Rewrite[] = [
  { law: '(x·y)/(x·z) = y/z', apply: regrouped(-1) },
  { law: '(−x)/y = −(x/y)', apply: signOutside(div) },
];

/** The factor without the axes, along which it is constant; null where it is not. */
function withoutAxes(factor: Tensor, axes: readonly number[], seen: Seen): Tensor | null {
  const copy = seen.by(factor, broadcast);
  if (copy === null || copy.params.axes.some(axis => axes.includes(axis))) return null;
  const kept = otherAxes(factor.ndim, axes);
  return broadcast(
    copy.operands[0],
    kept.map(axis => factor.shape[axis]),
    copy.params.axes.map(axis => kept.indexOf(axis)),
  );
}

export const sumLaws: readonly Rewrite<{ readonly axes: readonly number[] }>[] = [
  {
    law: 'Σ c·x = c·Σ x',
    apply: ([x], { axes }, seen) => {
      if (!x.aval.isFloat || axes.length === 0) return null;
      const { coefficient, factors } = productOf(x, seen);
      const outside = new Map<Tensor, number>();
      const inside = new Map<Tensor, number>();
      for (const [factor, n] of factors) {
        const constant = withoutAxes(factor, axes, seen);
        if (constant === null) inside.set(factor, n);
        else outside.set(constant, n);
      }
      if (coefficient === 1 && outside.size === 0) return null;
      const count = axes.reduce((n, axis) => n * x.shape[axis], 1);
      const like = constantLike(x.aval.with({ shape: otherAxes(x.ndim, axes).map(i => x.shape[i]) }), 1);
      if (inside.size === 0) return built({ coefficient: coefficient * count, factors: outside }, like, seen);
      const rest = sum(built({ coefficient: 1, factors: inside }, x, seen), axes);
      return built(times({ coefficient, factors: outside }, productOf(rest, seen), 1), like, seen);
    },
  },
  {
    law: 'Σ Σ x = Σ x',
    apply: ([x], { axes }, seen) => {
      const inner = seen.by(x, sum);
      if (inner === null) return null;
      const [from] = inner.operands;
      const kept = otherAxes(from.ndim, inner.params.axes);
      const all = new Set([...inner.params.axes, ...axes.map(axis => kept[axis])]);
      return sum(
        from,
        range(from.ndim).filter(axis => all.has(axis)),
      );
    },
  },
];
