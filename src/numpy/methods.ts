/** Puts the functions on the tensors: x.add(y) is add(x, y). */
import { Tensor } from '../core/tensor.ts';
import {
  abs,
  absolute,
  add,
  div,
  divide,
  floorDivide,
  fmod,
  mod,
  mul,
  multiply,
  neg,
  negative,
  positive,
  pow,
  power,
  reciprocal,
  remainder,
  square,
  sub,
  subtract,
} from './arithmetic.ts';
import { broadcastTo } from './array.ts';
import { cumlogsumexp, cummax, cummin, cumprod, cumsum } from './cumulative.ts';
import { diagonal, trace } from './diagonals.ts';
import {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cbrt,
  cos,
  cosh,
  degrees,
  erf,
  erfc,
  erfinv,
  exp,
  exp2,
  expm1,
  hypot,
  log,
  log1p,
  log2,
  log10,
  logaddexp,
  logaddexp2,
  radians,
  sigmoid,
  sin,
  sinc,
  sinh,
  sqrt,
  tan,
  tanh,
  xlogy,
} from './elementary.ts';
import { at } from './indexing.ts';
import { split } from './join.ts';
import {
  allClose,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  clip,
  equal,
  fmax,
  fmin,
  greater,
  greaterEqual,
  isClose,
  leftShift,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  notEqual,
  rightShift,
} from './logic.ts';
import { dot, matmul } from './products.ts';
import { all, any, argmax, argmin, countNonzero, logsumexp, max, min, prod, ptp, sum } from './reduce.ts';
import { repeat, tile } from './repeat.ts';
import {
  ceil,
  copysign,
  floor,
  heaviside,
  isFinite,
  isInf,
  isNaN,
  nanToNum,
  rint,
  round,
  sign,
  signbit,
  trunc,
} from './rounding.ts';
import {
  expandDims,
  flatten,
  flip,
  moveaxis,
  ravel,
  reshape,
  squeeze,
  swapaxes,
  transpose,
} from './shape.ts';
import type { ArrayMethods, ElementwiseMethods, PairwiseMethods, ReductionMethods } from './signatures.ts';
import { argsort, sort } from './sorting.ts';
import { mean, norm, std, variance } from './statistics.ts';
import { nonzero, take } from './take.ts';
import { astype } from './types.ts';

export interface TensorMethods extends ElementwiseMethods, PairwiseMethods, ReductionMethods, ArrayMethods {}

declare module '../core/tensor.ts' {
  interface Tensor extends TensorMethods {}
}

/** The function that a method stands for: the tensor becomes its first argument. */
type FunctionOf<Method> = Method extends (...args: infer Arguments) => infer Result
  ? (x: Tensor, ...args: Arguments) => Result
  : never;

/** The numbers themselves, given one by one or as one list; none at all is null. */
function listed(
  numbers: readonly (number | readonly number[] | null | undefined)[],
): readonly number[] | null {
  const [first] = numbers;
  if (typeof first === 'object' && first !== null) return first;
  return first === undefined || first === null ? null : (numbers as readonly number[]);
}

/** Every declared method and no other; a missing one is a compile error. */
export const methods: {
  readonly [Name in Exclude<keyof TensorMethods, 'T'>]: FunctionOf<TensorMethods[Name]>;
} = {
  abs,
  absolute,
  acos,
  acosh,
  add,
  all,
  allClose,
  any,
  argmax,
  argmin,
  argsort,
  asin,
  asinh,
  astype,
  at,
  atan,
  atan2,
  atanh,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  broadcastTo,
  cbrt,
  ceil,
  clip,
  copysign,
  cos,
  cosh,
  countNonzero,
  cumlogsumexp,
  cummax,
  cummin,
  cumprod,
  cumsum,
  degrees,
  diagonal,
  div,
  divide,
  dot,
  equal,
  erf,
  erfc,
  erfinv,
  exp,
  exp2,
  expandDims,
  expm1,
  flatten,
  flip,
  floor,
  floorDivide,
  fmax,
  fmin,
  fmod,
  greater,
  greaterEqual,
  heaviside,
  hypot,
  isClose,
  isFinite,
  isInf,
  isNaN,
  leftShift,
  less,
  lessEqual,
  log,
  log10,
  log1p,
  log2,
  logaddexp,
  logaddexp2,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  logsumexp,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mod,
  moveaxis,
  mul,
  multiply,
  nanToNum,
  neg,
  negative,
  nonzero,
  norm,
  notEqual,
  positive,
  pow,
  power,
  prod,
  ptp,
  radians,
  ravel,
  reciprocal,
  remainder,
  repeat,
  reshape: (x, ...shape) => reshape(x, listed(shape) ?? []),
  rightShift,
  rint,
  round,
  sigmoid,
  sign,
  signbit,
  sin,
  sinc,
  sinh,
  sort,
  split,
  sqrt,
  square,
  squeeze,
  std,
  sub,
  subtract,
  sum,
  swapaxes,
  take,
  tan,
  tanh,
  tile,
  transpose: (x, ...axes) => transpose(x, listed(axes)),
  trace,
  trunc,
  var: variance,
  variance,
  xlogy,
};

for (const [name, f] of Object.entries(methods))
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...args: never[]): unknown {
      return (f as (x: Tensor, ...args: never[]) => unknown)(this, ...args);
    },
    writable: true,
    configurable: true,
  });

Object.defineProperty(Tensor.prototype, 'T', {
  get(this: Tensor): Tensor {
    return transpose(this);
  },
  configurable: true,
});
