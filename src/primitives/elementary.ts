/** Elementary and special functions of real numbers, each with its derivative. */
import type { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { constantLike } from './broadcast.ts';
import { type Binary, equal, select, type Unary } from './compare.ts';
import { type JvpRule, type Op, op, type PerOperand } from './primitive.ts';
import { elements, elementwiseRule, floats, given } from './signature.ts';

type None = Record<string, never>;

/** A smooth function of one float. `derivative` may use its value y. */
function smooth(
  name: string,
  derivative: (dx: Tensor, x: Tensor, y: Tensor) => Tensor,
  [low, high]: readonly [number, number] = [-2, 2],
  scalar: (x: k.Expression) => k.Expression = x => k.unary(name as k.UnaryOp, x),
): Unary {
  return op(
    {
      name,
      kind: 'smooth',
      abstract: elementwiseRule(name, 'float'),
      jvp: [(dx, [x], y) => derivative(dx, x, y)],
      batch: 'elementwise',
      lower: (operands, _, [out]) => ({
        form: 'map',
        extents: out.shape,
        values: [scalar(elements(operands)[0])],
      }),
      samples: [
        { operands: [floats([2, 3], low, high)], params: {} },
        {
          operands: [
            given('float64', [6], [0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
          ],
          params: {},
        },
      ],
    },
    x => [x],
    () => ({}),
  );
}

function smooth2(
  name: string,
  jvp: PerOperand<JvpRule<None>>,
  ranges: readonly [readonly [number, number], readonly [number, number]],
  scalar: (x: k.Expression, y: k.Expression) => k.Expression = (x, y) => k.binary(name as k.BinaryOp, x, y),
): Binary {
  return op(
    {
      name,
      kind: 'smooth',
      abstract: elementwiseRule(name, 'float'),
      jvp,
      batch: 'elementwise',
      lower: (operands: readonly Aval[], _, [out]) => {
        const [x, y] = elements(operands);
        return { form: 'map', extents: out.shape, values: [scalar(x, y)] };
      },
      samples: [{ operands: ranges.map(([low, high]) => floats([2, 3], low, high)), params: {} }],
    },
    (x, y) => [x, y],
    () => ({}),
  );
}

const times = (x: Tensor, value: number): Tensor => mul(x, constantLike(x, value));
const plus = (x: Tensor, value: number): Tensor => add(x, constantLike(x, value));
const oneMinus = (x: Tensor): Tensor => sub(constantLike(x, 1), x);
const square = (x: Tensor): Tensor => mul(x, x);

export const exp: Unary = smooth('exp', (dx, _, y) => mul(dx, y));
export const expm1: Unary = smooth('expm1', (dx, _, y) => mul(dx, plus(y, 1)));
export const log: Unary = smooth('log', (dx, x) => div(dx, x), [0.3, 3]);
export const log1p: Unary = smooth('log1p', (dx, x) => div(dx, plus(x, 1)), [-0.6, 2]);
export const log2: Unary = smooth('log2', (dx, x) => div(dx, times(x, Math.LN2)), [0.3, 3]);
export const log10: Unary = smooth('log10', (dx, x) => div(dx, times(x, Math.LN10)), [0.3, 3]);
export const sqrt: Unary = smooth('sqrt', (dx, _, y) => div(dx, times(y, 2)), [0.3, 3]);
export const cbrt: Unary = smooth('cbrt', (dx, _, y) => div(dx, times(square(y), 3)), [0.3, 3]);
export const sin: Unary = smooth('sin', (dx, x) => mul(dx, cos(x)));
export const cos: Unary = smooth('cos', (dx, x) => neg(mul(dx, sin(x))));
export const tan: Unary = smooth('tan', (dx, _, y) => mul(dx, plus(square(y), 1)), [-1, 1]);
export const asin: Unary = smooth('asin', (dx, x) => div(dx, sqrt(oneMinus(square(x)))), [-0.9, 0.9]);
export const acos: Unary = smooth('acos', (dx, x) => neg(div(dx, sqrt(oneMinus(square(x))))), [-0.9, 0.9]);
export const atan: Unary = smooth('atan', (dx, x) => div(dx, plus(square(x), 1)));
export const sinh: Unary = smooth('sinh', (dx, x) => mul(dx, cosh(x)));
export const cosh: Unary = smooth('cosh', (dx, x) => mul(dx, sinh(x)));
/** 1 − y² as (1 − y)(1 + y), which keeps its digits where y is near ±1. */
export const tanh: Unary = smooth('tanh', (dx, _, y) => mul(dx, mul(oneMinus(y), plus(y, 1))));
export const asinh: Unary = smooth('asinh', (dx, x) => div(dx, sqrt(plus(square(x), 1))));
export const acosh: Unary = smooth(
  'acosh',
  (dx, x) => div(dx, mul(sqrt(plus(x, -1)), sqrt(plus(x, 1)))),
  [1.2, 3],
);
export const atanh: Unary = smooth('atanh', (dx, x) => div(dx, mul(oneMinus(x), plus(x, 1))), [-0.8, 0.8]);

/** 1/(1 + e⁻ˣ), without overflow: both tails keep their relative accuracy. */
export const sigmoid: Unary = smooth(
  'sigmoid',
  (dx, x, y) => mul(dx, mul(y, sigmoid(neg(x)))),
  [-3, 3],
  x => {
    const one = k.constant(x.type, 1);
    const e = k.unary('exp', k.unary('neg', k.unary('abs', x)));
    return k.binary(
      'div',
      k.select(k.compare('le', k.constant(x.type, 0), x), one, e),
      k.binary('add', one, e),
    );
  },
);

const twoOverRootPi = 2 / Math.sqrt(Math.PI);
const gaussian = (x: Tensor): Tensor => exp(neg(square(x)));
/** 2/√π ∫₀ˣ exp(−t²) dt */
export const erf: Unary = smooth('erf', (dx, x) => mul(dx, times(gaussian(x), twoOverRootPi)));
/** 1 − erf(x), accurate in the right tail. */
export const erfc: Unary = smooth('erfc', (dx, x) => mul(dx, times(gaussian(x), -twoOverRootPi)));
export const erfinv: Unary = smooth(
  'erfinv',
  (dx, _, y) => mul(dx, times(exp(square(y)), 1 / twoOverRootPi)),
  [-0.9, 0.9],
);

/** xʸ. ∂/∂x = y·xʸ⁻¹, finite at x = 0 where y ≥ 1; ∂/∂y = log(x)·xʸ, taken as 0 at x = 0. */
export const pow: Binary = smooth2(
  'pow',
  [
    (dx, [x, y]) =>
      mul(dx, select(equal(y, constantLike(y, 0)), constantLike(y, 0), mul(y, pow(x, plus(y, -1))))),
    (dy, [x], z) => mul(dy, mul(z, log(select(equal(x, constantLike(x, 0)), constantLike(x, 1), x)))),
  ],
  [
    [0.3, 2],
    [-2, 2],
  ],
);

/** The angle of the point (x, y), in (−π, π]. */
export const atan2: Binary = smooth2(
  'atan2',
  [
    (dy, [y, x]) => mul(dy, div(x, add(square(x), square(y)))),
    (dx, [y, x]) => neg(mul(dx, div(y, add(square(x), square(y))))),
  ],
  [
    [0.3, 2],
    [-2, 2],
  ],
);

/** log(eˣ + eʸ) of scalars; the case of equal ones keeps infinities from giving NaN. */
export function logSumExp(x: k.Expression, y: k.Expression): k.Expression {
  const tail = k.unary('log1p', k.unary('exp', k.unary('neg', k.unary('abs', k.binary('sub', x, y)))));
  const sum = k.binary('add', k.binary('max', x, y), tail);
  return k.select(k.compare('eq', x, y), k.binary('add', x, k.constant(x.type, Math.LN2)), sum);
}

/** log(eˣ + eʸ) = max + log1p(exp(−|x − y|)). The derivatives are the softmax weights, finite everywhere. */
export const logaddexp: Binary = smooth2(
  'logaddexp',
  [(dx, [x, y]) => mul(dx, weight(x, y)), (dy, [x, y]) => mul(dy, weight(y, x))],
  [
    [-2, 2],
    [-2, 2],
  ],
  logSumExp,
);

/** eˣ/(eˣ + eʸ), ½ where they are equal, infinities included. */
function weight(x: Tensor, y: Tensor): Tensor {
  return select(equal(x, y), constantLike(x, 0.5), sigmoid(sub(x, y)));
}

interface PowerParams {
  readonly exponent: number;
}

/** xⁿ for a constant integer n. Exact products for small n; the derivative n·xⁿ⁻¹ is finite at 0 for n ≥ 1. */
export const integerPower: Op<[x: Tensor, exponent: number], PowerParams> = op(
  {
    name: 'integerPower',
    kind: 'smooth',
    abstract: elementwiseRule('power', 'number'),
    jvp: [
      (dx, [x], _, { exponent }) =>
        exponent === 0
          ? constantLike(dx, 0)
          : mul(dx, exponent === 1 ? constantLike(x, 1) : times(integerPower(x, exponent - 1), exponent)),
    ],
    batch: 'elementwise',
    lower: (operands, { exponent }, [out]) => ({
      form: 'map',
      extents: out.shape,
      values: [powerBySquaring(elements(operands)[0], exponent)],
    }),
    samples: [0, 1, 2, 3, 7, -1, -2].map(exponent => ({
      operands: [floats([2, 3], 0.4, 1.5)],
      params: { exponent },
    })),
  },
  x => [x],
  (_, exponent) => ({ exponent }),
);

function powerBySquaring(x: k.Expression, exponent: number): k.Expression {
  const one = k.constant(x.type, 1);
  if (exponent === 0) return one;
  // Beyond small exponents repeated rounding costs more than the library function's one.
  if (Math.abs(exponent) > 4 && k.isFloat(x.type)) return k.binary('pow', x, k.constant(x.type, exponent));
  let result: k.Expression | undefined;
  let base = x;
  for (let n = Math.abs(exponent); n > 0; n >>= 1) {
    if (n & 1) result = result === undefined ? base : k.binary('mul', result, base);
    if (n > 1) base = k.binary('mul', base, base);
  }
  return exponent < 0 ? k.binary('div', one, result as k.Expression) : (result as k.Expression);
}
