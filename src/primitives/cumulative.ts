/** Running sums, products and extremes. Their derivatives are all one first-order linear recurrence. */
import type { Aval } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { type ScanNest, startOf } from '../kernel/kernel.ts';
import { mul, sub } from './arithmetic.ts';
import { constantLike, withBatchAxis } from './broadcast.ts';
import { equal, less, select } from './compare.ts';
import { exp, logSumExp } from './elementary.ts';
import { type Declaration, type Lowering, type Op, op } from './primitive.ts';
import { elements, floats, given, requireKind, requireSameShape, requireSameType } from './signature.ts';
import { shift } from './slice.ts';

interface CumulativeParams {
  readonly axis: number;
  readonly reverse: boolean;
}

type Cumulative = Op<[x: Tensor, axis: number, reverse?: boolean], CumulativeParams>;

function scanOf(
  shape: readonly number[],
  { axis, reverse }: CumulativeParams,
  initial: k.Expression,
  step: k.Expression,
): ScanNest {
  return {
    form: 'scan',
    extents: shape,
    along: axis,
    reverse,
    initial: [initial],
    step: [step],
    results: [k.carry(step.type)],
  };
}

const parameters = [
  { shape: [4], axis: 0, reverse: false },
  { shape: [2, 3], axis: 0, reverse: true },
  { shape: [2, 3, 2], axis: 1, reverse: false },
];

const recurrenceSamples = parameters.map(({ shape, axis, reverse }) => ({
  operands: [floats(shape), floats(shape)],
  params: { axis, reverse },
}));

/** h_i = a_i·h_{i−1} + b_i along an axis, h before the first being 0. Linear in b. */
export const recurrence: Op<[a: Tensor, b: Tensor, axis: number, reverse?: boolean], CumulativeParams> = op(
  {
    name: 'recurrence',
    kind: 'linear',
    abstract: ([a, b]) => {
      requireKind('recurrence', b, 'float');
      requireSameShape('recurrence', [a, b]);
      requireSameType('recurrence', [a, b]);
      return b.with({});
    },
    // The adjoint runs the other way: λ_i = a_{i+1}·λ_{i+1} + ct_i.
    transpose: [
      null,
      (ct, [a], { axis, reverse }) => recurrence(shift(a, axis, !reverse, 0), ct, axis, !reverse),
    ],
    jvp: [
      (da, [a], h, { axis, reverse }) => recurrence(a, mul(da, shift(h, axis, reverse, 0)), axis, reverse),
      null,
    ],
    batch: (size, [a, b], [aBatched, bBatched], { axis, reverse }) =>
      recurrence(withBatchAxis(size, a, aBatched), withBatchAxis(size, b, bBatched), axis + 1, reverse),
    lower: (operands, params) => {
      const [a, b] = elements(operands);
      const { dtype, shape } = operands[1];
      return scanOf(
        shape,
        params,
        k.constant(dtype, 0),
        k.binary('add', k.binary('mul', a, k.carry(dtype)), b),
      );
    },
    samples: recurrenceSamples,
  },
  (a, b) => [a, b],
  (_, __, axis, reverse = false) => ({ axis, reverse }),
);

function cumulative(
  name: string,
  initial: (type: DType) => number,
  combine: (carry: k.Expression, x: k.Expression) => k.Expression,
  accepts: 'number' | 'float',
  rules:
    | Pick<Extract<Declaration<CumulativeParams>, { kind: 'smooth' }>, 'kind' | 'jvp'>
    | Pick<Extract<Declaration<CumulativeParams>, { kind: 'linear' }>, 'kind' | 'transpose'>,
): Cumulative {
  const apply: Cumulative = op(
    {
      name,
      abstract: ([x]: readonly Aval[]) => {
        requireKind(name, x, accepts);
        return x.with({});
      },
      batch: (
        _: number,
        [x]: readonly Tensor[],
        __: readonly boolean[],
        { axis, reverse }: CumulativeParams,
      ): Tensor => apply(x, axis + 1, reverse),
      lower: (operands: readonly Aval[], params: CumulativeParams): Lowering => {
        const { dtype, shape } = operands[0];
        return scanOf(
          shape,
          params,
          k.constant(dtype, initial(dtype)),
          combine(k.carry(dtype), elements(operands)[0]),
        );
      },
      samples: [
        ...parameters.map(({ shape, axis, reverse }) => ({
          operands: [floats(shape, 0.4, 2)],
          params: { axis, reverse },
        })),
        ...(accepts === 'float'
          ? []
          : [{ operands: [given('int32', [4], [3, -1, 4, 1])], params: { axis: 0, reverse: false } }]),
      ],
      ...rules,
    } as Declaration<CumulativeParams>,
    x => [x],
    (_, axis, reverse = false) => ({ axis, reverse }),
  );
  return apply;
}

export const cumsum: Cumulative = cumulative(
  'cumsum',
  () => 0,
  (c, x) => k.binary('add', c, x),
  'number',
  {
    kind: 'linear',
    transpose: [(ct, _, { axis, reverse }) => cumsum(ct, axis, !reverse)],
  },
);

/** Finite where factors are zero: d out_i = x_i·d out_{i−1} + out_{i−1}·dx_i. */
export const cumprod: Cumulative = cumulative(
  'cumprod',
  () => 1,
  (c, x) => k.binary('mul', c, x),
  'number',
  {
    kind: 'smooth',
    jvp: [
      (dx, [x], out, { axis, reverse }) =>
        recurrence(x, mul(shift(out, axis, reverse, 1), dx), axis, reverse),
    ],
  },
);

/** The running extreme before each element against the element: at a tie each has half the derivative. */
function extremeJvp(fill: number, wins: (x: Tensor, y: Tensor) => Tensor) {
  return (dx: Tensor, [x]: readonly Tensor[], out: Tensor, { axis, reverse }: CumulativeParams): Tensor => {
    const before = shift(out, axis, reverse, fill);
    const share = (a: Tensor, b: Tensor): Tensor =>
      select(
        wins(a, b),
        constantLike(dx, 1),
        select(equal(a, b), constantLike(dx, 0.5), constantLike(dx, 0)),
      );
    return recurrence(share(before, x), mul(share(x, before), dx), axis, reverse);
  };
}

export const cummax: Cumulative = cumulative(
  'cummax',
  type => startOf('max', type),
  (c, x) => k.binary('max', c, x),
  'number',
  {
    kind: 'smooth',
    jvp: [extremeJvp(-Infinity, (x, y) => less(y, x))],
  },
);

export const cummin: Cumulative = cumulative(
  'cummin',
  type => startOf('min', type),
  (c, x) => k.binary('min', c, x),
  'number',
  {
    kind: 'smooth',
    jvp: [extremeJvp(Infinity, (x, y) => less(x, y))],
  },
);

/** log Σ_{j≤i} exp(x_j), without overflow. */
export const cumlogsumexp: Cumulative = cumulative('cumlogsumexp', () => -Infinity, logSumExp, 'float', {
  kind: 'smooth',
  jvp: [
    (dx, [x], out, { axis, reverse }) => {
      const before = shift(out, axis, reverse, -Infinity);
      return recurrence(exp(sub(before, out)), mul(exp(sub(x, out)), dx), axis, reverse);
    },
  ],
});
