/** The logarithm of the gamma function and its derivatives. */
import type { Aval } from '../core/aval.ts';
import * as k from '../kernel/expression.ts';
import { mul } from './arithmetic.ts';
import type { Unary } from './compare.ts';
import { polygamma } from './polygamma.ts';
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
export const digamma: Unary = special('digamma', (dx, [x]) => mul(dx, polygamma(x, 1)));
