/** Reductions other than the sum. */
import { Aval, range, sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { Reducer } from '../kernel/kernel.ts';
import { div, mul } from './arithmetic.ts';
import { broadcast, constantLike, reductionOver, sum, zerosLike } from './broadcast.ts';
import { equal, select } from './compare.ts';
import { cumprod } from './cumulative.ts';
import { permute, reshape } from './layout.ts';
import { type Declaration, type Lowering, type Op, op, type SampleOperand } from './primitive.ts';
import { type Accepts, floats, given, otherAxes, requireKind } from './signature.ts';
import { shift } from './slice.ts';

interface AxesParams {
  readonly axes: readonly number[];
}
interface AxisParams {
  readonly axis: number;
}
type Reduction = Op<[x: Tensor, axes: readonly number[]], AxesParams>;
type Rules =
  | Pick<Extract<Declaration<AxesParams>, { kind: 'smooth' }>, 'kind' | 'jvp'>
  | Pick<Extract<Declaration<AxesParams>, { kind: 'flat' }>, 'kind' | 'because'>;

function nonEmpty(name: string, x: Aval, axes: readonly number[]): void {
  if (axes.some(i => x.shape[i] === 0))
    throw new BadArgument({
      did: `${name} of ${x} over ${axes.length === 1 ? 'axis' : 'axes'} ${axes.join(', ')}, which has no elements`,
      expected: 'at least one element to choose from',
      remedy: 'check the shape first: x.size > 0',
    });
}

function reduction(
  name: string,
  reducer: Reducer,
  accepts: Accepts,
  operands: SampleOperand[],
  rules: Rules,
  identity: boolean,
): Reduction {
  const apply: Reduction = op(
    {
      name,
      abstract: ([x]: readonly Aval[], { axes }: AxesParams) => {
        requireKind(name, x, accepts);
        if (!identity) nonEmpty(name, x, axes);
        return x.with({ shape: otherAxes(x.ndim, axes).map(i => x.shape[i]) });
      },
      batch: (_: number, [x]: readonly Tensor[], __: readonly boolean[], { axes }: AxesParams): Tensor =>
        apply(
          x,
          axes.map(i => i + 1),
        ),
      lower: ([x]: readonly Aval[], { axes }: AxesParams): Lowering => {
        const { element, ...nest } = reductionOver(x, axes);
        return {
          form: 'reduce',
          ...nest,
          accumulators: [{ reducer, term: element }],
          results: [k.carry(x.dtype)],
        };
      },
      samples: operands
        .flatMap(operand =>
          range(operand.shape.length).map(axis => ({ operands: [operand], params: { axes: [axis] } })),
        )
        .concat(
          operands.map(operand => ({ operands: [operand], params: { axes: range(operand.shape.length) } })),
        ),
      ...rules,
    } as Declaration<AxesParams>,
    x => [x],
    (_, axes) => ({ axes }),
  );
  return apply;
}

/** Equal extremes share the tangent equally: Σ dx·[x = y] / Σ [x = y]. */
const extreme: Rules = {
  kind: 'smooth',
  jvp: [
    (dx, [x], y, { axes }) => {
      const kept = otherAxes(x.ndim, axes);
      const chosen = select(equal(x, broadcast(y, x.shape, kept)), constantLike(x, 1), zerosLike(x));
      return div(sum(mul(dx, chosen), axes), sum(chosen, axes));
    },
  ],
};

export const reduceMax: Reduction = reduction(
  'max',
  'max',
  'any',
  [floats([2, 3]), given('int32', [3], [1, 5, 2])],
  extreme,
  false,
);
export const reduceMin: Reduction = reduction(
  'min',
  'min',
  'any',
  [floats([2, 3]), given('int32', [3], [1, 5, 2])],
  extreme,
  false,
);

/** Π of all others, by running products from both ends: exact where factors are zero. */
function productOfOthers(x: Tensor, axis: number): Tensor {
  return mul(shift(cumprod(x, axis), axis, false, 1), shift(cumprod(x, axis, true), axis, true, 1));
}

export const reduceProd: Reduction = reduction(
  'prod',
  'product',
  'number',
  [
    floats([2, 3], 0.5, 1.5),
    given('float64', [4], [0, 2, 0, 1]),
    given('float64', [3], [0, 2, 3]),
    given('int32', [3], [2, 3, 4]),
  ],
  {
    kind: 'smooth',
    jvp: [
      (dx, [x], _, { axes }) => {
        const kept = otherAxes(x.ndim, axes);
        const rows = kept.map(i => x.shape[i]);
        const flat = (t: Tensor): Tensor =>
          reshape(permute(t, [...kept, ...axes]), [...rows, sizeOf(axes.map(i => x.shape[i]))]);
        return sum(mul(flat(dx), productOfOthers(flat(x), rows.length)), [rows.length]);
      },
    ],
  },
  true,
);

const logical: Rules = { kind: 'flat', because: 'it works on truth values' };
const bools = given('bool', [2, 3], [0, 1, 1, 1, 1, 1]);
export const reduceAnd: Reduction = reduction('all', 'and', 'bool', [bools], logical, true);
export const reduceOr: Reduction = reduction('any', 'or', 'bool', [bools], logical, true);

function position(name: 'argmax' | 'argmin'): Op<[x: Tensor, axis: number], AxisParams> {
  const apply: Op<[x: Tensor, axis: number], AxisParams> = op(
    {
      name,
      kind: 'flat',
      because: 'a position is piecewise constant',
      abstract: ([x], { axis }) => {
        nonEmpty(name, x, [axis]);
        return new Aval(
          'int32',
          x.shape.filter((_, i) => i !== axis),
        );
      },
      batch: (_, [x], __, { axis }) => apply(x, axis + 1),
      lower: ([x], { axis }) => {
        const { element, ...nest } = reductionOver(x, [axis]);
        return {
          form: 'reduce',
          ...nest,
          accumulators: [{ reducer: name, term: element }],
          results: [k.carry('int32')],
        };
      },
      samples: [
        { operands: [floats([3, 4])], params: { axis: 0 } },
        { operands: [floats([3, 4])], params: { axis: 1 } },
        { operands: [given('float64', [5], [1, Number.NaN, 3, 3, Number.NaN])], params: { axis: 0 } },
        { operands: [given('int32', [4], [1, 7, 7, 0])], params: { axis: 0 } },
      ],
    },
    x => [x],
    (_, axis) => ({ axis }),
  );
  return apply;
}

/** The first position of the largest element along an axis; of the first NaN if there is one. */
export const argmax: Op<[x: Tensor, axis: number], AxisParams> = position('argmax');
export const argmin: Op<[x: Tensor, axis: number], AxisParams> = position('argmin');
