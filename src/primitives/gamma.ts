/** The logarithm of the gamma function and its derivatives. */
import type { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { constantLike, zerosLike } from './broadcast.ts';
import { less, select, type Unary } from './compare.ts';
import { sin } from './elementary.ts';
import { type JvpRule, op } from './primitive.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

type None = Record<string, never>;

function special(name: 'lgamma' | 'digamma', jvp: JvpRule<None>): Unary {
  return op(
    {
      name,
      kind: 'smooth',
      abstract: elementwiseRule(name, 'float'),
      jvp: [jvp],
      batch: 'elementwise',
      lower: (operands: readonly Aval[], _, [out]) => ({
        form: 'map',
        extents: out.shape,
        values: [k.unary(name, elements(operands)[0])],
      }),
      samples: [
        { operands: [floats([2, 3], 0.4, 4)], params: {} },
        { operands: [floats([3], -1.8, -1.2)], params: {} },
        { operands: [given('float64', [4], [3, Number.NaN, Number.POSITIVE_INFINITY, 100])], params: {} },
      ],
    },
    x => [x],
    () => ({}),
  );
}

/** log |Γ(x)| */
export const lgamma: Unary = special('lgamma', (dx, [x]) => mul(dx, digamma(x)));

/** ψ(x) = d/dx log |Γ(x)| */
export const digamma: Unary = special('digamma', (dx, [x]) => mul(dx, trigamma(x)));

/** The Bernoulli numbers B₁₄, B₁₂, …, B₂. */
const bernoulli = [7 / 6, -691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6];
const steps = 8;

/**
 * ψ′(x) = Σ_{n≥0} 1/(x + n)²: the first terms one by one, the tail by its asymptotic series
 * 1/z + 1/(2z²) + Σ B₂ₖ/z²ᵏ⁺¹. Left of ½ by reflection, ψ′(x) = π²/sin²(πx) − ψ′(1 − x).
 */
export function trigamma(x: Tensor): Tensor {
  const one = constantLike(x, 1);
  const reflected = less(x, constantLike(x, 0.5));
  const positive = select(reflected, sub(one, x), x);
  let sum = zerosLike(x);
  for (let n = 0; n < steps; n++) {
    const inverse = div(one, add(positive, constantLike(x, n)));
    sum = add(sum, mul(inverse, inverse));
  }
  const z = div(one, add(positive, constantLike(x, steps)));
  const z2 = mul(z, z);
  let series = zerosLike(x);
  for (const b of bernoulli) series = mul(z2, add(constantLike(x, b), series));
  const value = add(sum, mul(z, add(add(one, mul(z, constantLike(x, 0.5))), series)));
  const sine = sin(mul(select(reflected, x, constantLike(x, 0.5)), constantLike(x, Math.PI)));
  const whole = div(constantLike(x, Math.PI * Math.PI), mul(sine, sine));
  return select(reflected, add(whole, neg(value)), value);
}
