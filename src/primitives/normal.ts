/** The standard normal distribution: the logarithm of its distribution function, its hazard and its quantiles. */
import * as k from '../kernel/expression.ts';
import { add, mul, neg, sub } from './arithmetic.ts';
import { constantLike } from './broadcast.ts';
import type { Unary } from './compare.ts';
import { exp as exponential } from './elementary.ts';
import { type JvpRule, op, type SampleOperand } from './primitive.ts';
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
  throughDouble,
} from './scalar.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

type None = Record<string, never>;

function ofNormal(
  name: string,
  value: (x: k.Expression) => k.Expression,
  jvp: JvpRule<None>,
  samples: readonly SampleOperand[],
): Unary {
  return op(
    {
      name,
      kind: 'smooth',
      abstract: elementwiseRule(name, 'float'),
      jvp: [jvp],
      batch: 'elementwise',
      lower: (operands, _, [out]) => ({
        form: 'map',
        extents: out.shape,
        values: [throughDouble(out.dtype, elements(operands), ([x]) => value(x))],
      }),
      samples: [
        ...samples.map(operand => ({ operands: [operand], params: {} })),
        {
          operands: [
            given('float64', [5], [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
          ],
          params: {},
        },
      ],
    },
    x => [x],
    () => ({}),
  );
}

/** Left of here erfc leaves the range of numbers. */
const tail = -37;
const logRoot = 0.5 * Math.log(2 * Math.PI);

/** 1 − 1/x² + 3/x⁴ − 15/x⁶ + …, the ratio of Φ(x) to φ(x)/(−x) for x ≤ −37. */
function millsSeries(x: k.Expression): k.Expression {
  const w = divided(number(-1), product(x, x));
  let series = number(1);
  for (let i = 6; i >= 1; i--) series = sum(number(1), product(product(w, number(2 * i - 1)), series));
  return series;
}

const root = Math.SQRT1_2;
const rootHead = Math.fround(root);
/** √½ − its head of 24 bits − what is left of it in float64. */
const rootTail = root - rootHead;
const rootRest = -4.833646656726457e-17;

/**
 * ½ erfc(−x/√2), not so far left. The rounding of x/√2, which counts x² times, is made good to first order by the
 * slope of log erfc.
 */
function below(x: k.Expression): k.Expression {
  const y = k.unary('neg', greatest(x, number(tail)));
  const z = product(y, number(root));
  const head = k.cast('float64', k.cast('float32', y));
  const rest = minus(y, head);
  const error = sum(
    sum(minus(product(head, number(rootHead)), z), product(head, number(rootTail))),
    sum(product(rest, number(root)), product(y, number(rootRest))),
  );
  const e = k.unary('erfc', z);
  const slope = product(number(2 / Math.sqrt(Math.PI)), exp(k.unary('neg', product(z, z))));
  return product(number(0.5), minus(e, product(slope, error)));
}

function logNdtrExpression(x: k.Expression): k.Expression {
  const far = least(x, number(tail));
  const left = minus(
    log(divided(millsSeries(far), k.unary('neg', far))),
    sum(product(product(far, far), number(0.5)), number(logRoot)),
  );
  const middle = log(below(x));
  const right = log1p(k.unary('neg', below(k.unary('neg', x))));
  const inside = k.select(isBelow(x, 0), middle, right);
  return k.select(isBelow(x, tail), left, inside);
}

/** φ(x)/Φ(x) = d/dx log Φ(x). */
export const hazard: Unary = ofNormal(
  'hazard',
  x => {
    const far = least(x, number(tail));
    const left = divided(k.unary('neg', far), millsSeries(far));
    const density = exp(minus(product(product(x, x), number(-0.5)), number(logRoot)));
    const value = k.select(isBelow(x, tail), left, divided(density, below(x)));
    return k.select(isEqual(x, Number.NEGATIVE_INFINITY), number(Number.POSITIVE_INFINITY), value);
  },
  (dx, [x], y) => neg(mul(dx, mul(y, add(x, y)))),
  [floats([2, 3]), floats([3], -39, -38), floats([3], 6, 9)],
);

/** log Φ(x), accurate in both tails. */
export const logNdtr: Unary = ofNormal('logNdtr', logNdtrExpression, (dx, [x]) => mul(dx, hazard(x)), [
  floats([2, 3]),
  floats([3], -40, -38),
  floats([3], 6, 9),
]);

/**
 * Φ⁻¹(p) by √2·erfinv(2p − 1) in the middle; in the tails by four steps of Newton's method on log erfc from its
 * first asymptotic term, each of which doubles the digits.
 */
function ndtriExpression(p: k.Expression): k.Expression {
  const middle = product(number(Math.SQRT2), k.unary('erfinv', minus(product(number(2), p), number(1))));
  const upper = isBelow(number(0.5), p);
  const q = k.select(upper, minus(number(1), p), p);
  const small = greatest(least(q, number(0.125)), number(5e-324));
  const logOf = log(product(number(2), small));
  let z = k.unary('sqrt', sum(number(0.3), minus(number(-0.62), logOf)));
  const twoOverRootPi = 2 / Math.sqrt(Math.PI);
  for (let i = 0; i < 4; i++) {
    const e = k.unary('erfc', z);
    // d/dz log erfc = −2/√π e^{−z²}/erfc.
    const ratio = divided(e, product(number(twoOverRootPi), exp(k.unary('neg', product(z, z)))));
    z = sum(z, product(minus(log(e), logOf), ratio));
  }
  const root = product(z, number(Math.SQRT2));
  const outer = k.select(upper, root, k.unary('neg', root));
  const inside = k.select(isBelow(q, 0.125), outer, middle);
  const end = k.select(upper, number(Number.POSITIVE_INFINITY), number(Number.NEGATIVE_INFINITY));
  const outside = either(isBelow(p, 0), isBelow(number(1), p));
  return k.select(outside, number(Number.NaN), k.select(isEqual(q, 0), end, inside));
}

/** The quantile Φ⁻¹(p). */
export const ndtri: Unary = ofNormal(
  'ndtri',
  ndtriExpression,
  (dp, _, y) => {
    const half = mul(mul(y, y), constantLike(y, 0.5));
    return mul(dp, exponential(sub(half, constantLike(y, -logRoot))));
  },
  [floats([2, 3], 0.2, 0.8), floats([3], 0.08, 0.12), floats([3], 0.88, 0.92)],
);
