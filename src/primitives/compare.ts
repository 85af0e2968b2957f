/** Comparisons, logic on bits and choosing between two: nothing here has a derivative but the chosen branches. */
import { Aval } from '../core/aval.ts';
import { DTypeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import { zerosLike } from './broadcast.ts';
import { type Op, op, type SampleOperand } from './primitive.ts';
import {
  type Accepts,
  elements,
  elementwiseRule,
  floats,
  given,
  requireSameShape,
  requireSameType,
} from './signature.ts';

type None = Record<string, never>;
export type Unary = Op<[x: Tensor], None>;
export type Binary = Op<[x: Tensor, y: Tensor], None>;

const ints = given('int32', [4], [-7, 0, 3, 2147483647]);
const moreInts = given('int32', [4], [2, 0, -3, 1]);
const awkward = given('float64', [6], [-1, 0, -0, 2, Number.NaN, Number.POSITIVE_INFINITY]);
const moreAwkward = given('float64', [6], [-1, -0, 3, 1, 1, Number.POSITIVE_INFINITY]);
const bools = given('bool', [4], [0, 1, 0, 1]);
const moreBools = given('bool', [4], [0, 0, 1, 1]);

function comparison(name: string, scalar: (x: k.Expression, y: k.Expression) => k.Expression): Binary {
  return op(
    {
      name,
      kind: 'flat',
      because: 'a comparison is piecewise constant',
      abstract: elementwiseRule(name, 'any', 'bool'),
      batch: 'elementwise',
      lower: (operands, _, [out]) => {
        const [x, y] = elements(operands);
        return { form: 'map', extents: out.shape, values: [scalar(x, y)] };
      },
      samples: [
        { operands: [floats([2, 3]), floats([2, 3])], params: {} },
        { operands: [awkward, moreAwkward], params: {} },
        { operands: [ints, moreInts], params: {} },
        { operands: [bools, moreBools], params: {} },
      ],
    },
    (x, y) => [x, y],
    () => ({}),
  );
}

export const equal: Binary = comparison('equal', (x, y) => k.compare('eq', x, y));
export const notEqual: Binary = comparison('notEqual', (x, y) => k.compare('ne', x, y));
export const less: Binary = comparison('less', (x, y) => k.compare('lt', x, y));
export const lessEqual: Binary = comparison('lessEqual', (x, y) => k.compare('le', x, y));

export const greater = (x: Tensor, y: Tensor): Tensor => less(y, x);
export const greaterEqual = (x: Tensor, y: Tensor): Tensor => lessEqual(y, x);

function flatUnary(
  name: string,
  accepts: Accepts,
  because: string,
  scalar: (x: k.Expression) => k.Expression,
  samples: SampleOperand[],
  result?: 'bool',
): Unary {
  return op(
    {
      name,
      kind: 'flat',
      because,
      abstract: elementwiseRule(name, accepts, result),
      batch: 'elementwise',
      lower: (operands, _, [out]) => ({
        form: 'map',
        extents: out.shape,
        values: [scalar(elements(operands)[0])],
      }),
      samples: samples.map(operand => ({ operands: [operand], params: {} })),
    },
    x => [x],
    () => ({}),
  );
}

const piecewise = 'it is piecewise constant';
const rounded = given('float64', [8], [-2.5, -1.5, -0.5, -0, 0.5, 1.5, 2.7, Number.NaN]);

export const floor: Unary = flatUnary('floor', 'float', piecewise, x => k.unary('floor', x), [
  rounded,
  floats([3]),
]);
export const ceil: Unary = flatUnary('ceil', 'float', piecewise, x => k.unary('ceil', x), [
  rounded,
  floats([3]),
]);
/** To the nearest integer, halves to even. */
export const round: Unary = flatUnary('round', 'float', piecewise, x => k.unary('round', x), [
  rounded,
  floats([3]),
]);
export const trunc: Unary = flatUnary('trunc', 'float', piecewise, x => k.unary('trunc', x), [
  rounded,
  floats([3]),
]);
/** −1, 0 or 1; ±0 and NaN are kept. */
export const sign: Unary = flatUnary('sign', 'number', piecewise, x => k.unary('sign', x), [
  rounded,
  ints,
  floats([3]),
]);
export const isNaN: Unary = flatUnary(
  'isNaN',
  'float',
  piecewise,
  x => k.compare('ne', x, x),
  [awkward],
  'bool',
);
export const isFinite: Unary = flatUnary(
  'isFinite',
  'float',
  piecewise,
  x => k.compare('lt', k.unary('abs', x), k.constant(x.type, Number.POSITIVE_INFINITY)),
  [awkward],
  'bool',
);
const bitwise = 'it works on bits';
/** Complements the bits of an integer, negates a bool. */
export const not: Unary = flatUnary('not', 'intOrBool', bitwise, x => k.unary('not', x), [ints, bools]);

function bits(name: string, accepts: Accepts, scalarOp: k.BinaryOp): Binary {
  return op(
    {
      name,
      kind: 'flat',
      because: bitwise,
      abstract: elementwiseRule(name, accepts),
      batch: 'elementwise',
      lower: (operands, _, [out]) => {
        const [x, y] = elements(operands);
        return { form: 'map', extents: out.shape, values: [k.binary(scalarOp, x, y)] };
      },
      samples: [
        { operands: [ints, given('int32', [4], [1, 31, 2, 40])], params: {} },
        { operands: [given('uint8', [3], [255, 7, 1]), given('uint8', [3], [3, 1, 9])], params: {} },
        ...(accepts === 'int' ? [] : [{ operands: [bools, moreBools], params: {} }]),
      ],
    },
    (x, y) => [x, y],
    () => ({}),
  );
}

export const and: Binary = bits('and', 'intOrBool', 'and');
export const or: Binary = bits('or', 'intOrBool', 'or');
export const xor: Binary = bits('xor', 'intOrBool', 'xor');
export const shiftLeft: Binary = bits('shiftLeft', 'int', 'shl');
/** Keeps the sign of a signed integer. */
export const shiftRight: Binary = bits('shiftRight', 'int', 'shr');

/** test ? x : y at every element. Linear in x and y together. */
export const select: Op<[test: Tensor, x: Tensor, y: Tensor], None> = op(
  {
    name: 'select',
    kind: 'linear',
    abstract: ([test, x, y]) => {
      if (test.dtype !== 'bool')
        throw new DTypeMismatch({
          did: `select with a condition ${test}`,
          expected: 'a bool condition',
          remedy: 'compare first: where(x.notEqual(0), a, b)',
        });
      requireSameShape('select', [test, x, y]);
      requireSameType('select', [x, y]);
      return new Aval(x.dtype, x.shape);
    },
    transpose: [
      null,
      (ct, [test]) => select(test, ct, zerosLike(ct)),
      (ct, [test]) => select(test, zerosLike(ct), ct),
    ],
    alone: [
      null,
      (dx, [test]) => select(test, dx, zerosLike(dx)),
      (dy, [test]) => select(test, zerosLike(dy), dy),
    ],
    rewrites: [{ law: 'x either way = x', apply: ([, x, y]) => (x === y ? x : null) }],
    batch: 'elementwise',
    lower: (operands, _, [out]) => {
      const [test, x, y] = elements(operands);
      return { form: 'map', extents: out.shape, values: [k.select(test, x, y)] };
    },
    samples: [{ operands: [bools, floats([4]), floats([4])], params: {} }],
  },
  (test, x, y) => [test, x, y],
  () => ({}),
);
