/** The methods of tensors. Each is the function of the same name, which tells more. */
import type { DType } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TensorLike } from './array.ts';
import type { Axes } from './axes.ts';
import type { Along } from './cumulative.ts';
import type { DiagonalOptions } from './diagonals.ts';
import type { At, IndexItem } from './indexing.ts';
import type { CloseOptions } from './logic.ts';
import type { AxesOption, AxisOption } from './options.ts';
import type { Axis } from './reduce.ts';
import type { NanToNumOptions } from './rounding.ts';
import type { SortOptions } from './sorting.ts';
import type { NormOptions, SpreadOptions } from './statistics.ts';
import type { TakeOptions } from './take.ts';

/** Functions of every element. */
export interface ElementwiseMethods {
  /** The magnitude. */
  abs(): Tensor;
  /** The same as {@link abs}. */
  absolute(): Tensor;
  /** The angle in [0, π] with this cosine. */
  acos(): Tensor;
  /** The inverse hyperbolic cosine. */
  acosh(): Tensor;
  /** The angle in [−π/2, π/2] with this sine. */
  asin(): Tensor;
  /** The inverse hyperbolic sine. */
  asinh(): Tensor;
  /** The angle in (−π/2, π/2) with this tangent. */
  atan(): Tensor;
  /** The inverse hyperbolic tangent. */
  atanh(): Tensor;
  /** All bits complemented. */
  bitwiseNot(): Tensor;
  /** The real cube root. */
  cbrt(): Tensor;
  /** The smallest integer not below. */
  ceil(): Tensor;
  /** The cosine of radians. */
  cos(): Tensor;
  /** The hyperbolic cosine. */
  cosh(): Tensor;
  /** Radians as degrees. */
  degrees(): Tensor;
  /** The error function. */
  erf(): Tensor;
  /** 1 − erf. */
  erfc(): Tensor;
  /** The inverse of the error function. */
  erfinv(): Tensor;
  /** eˣ. */
  exp(): Tensor;
  /** 2ˣ. */
  exp2(): Tensor;
  /** eˣ − 1. */
  expm1(): Tensor;
  /** The largest integer not above. */
  floor(): Tensor;
  /** Whether neither infinite nor NaN. */
  isFinite(): Tensor;
  /** Whether infinite. */
  isInf(): Tensor;
  /** Whether NaN. */
  isNaN(): Tensor;
  /** The natural logarithm. */
  log(): Tensor;
  /** The logarithm to base 10. */
  log10(): Tensor;
  /** log(1 + x). */
  log1p(): Tensor;
  /** The logarithm to base 2. */
  log2(): Tensor;
  /** Whether false (0). */
  logicalNot(): Tensor;
  /** −x. */
  neg(): Tensor;
  /** The same as {@link neg}. */
  negative(): Tensor;
  /** x itself. */
  positive(): Tensor;
  /** Degrees as radians. */
  radians(): Tensor;
  /** 1/x. */
  reciprocal(): Tensor;
  /** The nearest integer, halves to even. */
  rint(): Tensor;
  /** 1/(1 + e⁻ˣ). */
  sigmoid(): Tensor;
  /** −1, 0 or 1. */
  sign(): Tensor;
  /** Whether the sign is minus, that of −0 included. */
  signbit(): Tensor;
  /** The sine of radians. */
  sin(): Tensor;
  /** sin(πx)/(πx). */
  sinc(): Tensor;
  /** The hyperbolic sine. */
  sinh(): Tensor;
  /** The square root. */
  sqrt(): Tensor;
  /** x². */
  square(): Tensor;
  /** The tangent of radians. */
  tan(): Tensor;
  /** The hyperbolic tangent. */
  tanh(): Tensor;
  /** x without its fraction. */
  trunc(): Tensor;
  /** Numbers in place of NaN and infinities. */
  nanToNum(options?: NanToNumOptions): Tensor;
  /** Rounded to a number of decimals, halves to even. */
  round(options?: number | { readonly decimals?: number }): Tensor;
}

/** Functions of two tensors, element by element. Numbers and nested arrays will do as the other. */
export interface PairwiseMethods {
  /** x + y. */
  add(other: TensorLike): Tensor;
  /** The angle of the point with this ordinate and the other abscissa. */
  atan2(other: TensorLike): Tensor;
  /** The bits that both have. */
  bitwiseAnd(other: TensorLike): Tensor;
  /** The bits that either has. */
  bitwiseOr(other: TensorLike): Tensor;
  /** The bits that exactly one has. */
  bitwiseXor(other: TensorLike): Tensor;
  /** |x| with the sign of the other. */
  copysign(other: TensorLike): Tensor;
  /** x / y, a float. */
  div(other: TensorLike): Tensor;
  /** The same as {@link div}. */
  divide(other: TensorLike): Tensor;
  /** x = y. */
  equal(other: TensorLike): Tensor;
  /** ⌊x / y⌋. */
  floorDivide(other: TensorLike): Tensor;
  /** The larger, passing over NaN. */
  fmax(other: TensorLike): Tensor;
  /** The smaller, passing over NaN. */
  fmin(other: TensorLike): Tensor;
  /** The remainder with the sign of x. */
  fmod(other: TensorLike): Tensor;
  /** x > y. */
  greater(other: TensorLike): Tensor;
  /** x ≥ y. */
  greaterEqual(other: TensorLike): Tensor;
  /** 0, `other` or 1 for x below, at or above 0. */
  heaviside(other: TensorLike): Tensor;
  /** √(x² + y²). */
  hypot(other: TensorLike): Tensor;
  /** The bits moved up. */
  leftShift(other: TensorLike): Tensor;
  /** x < y. */
  less(other: TensorLike): Tensor;
  /** x ≤ y. */
  lessEqual(other: TensorLike): Tensor;
  /** log(eˣ + eʸ). */
  logaddexp(other: TensorLike): Tensor;
  /** log₂(2ˣ + 2ʸ). */
  logaddexp2(other: TensorLike): Tensor;
  /** Whether both are true. */
  logicalAnd(other: TensorLike): Tensor;
  /** Whether one is true. */
  logicalOr(other: TensorLike): Tensor;
  /** Whether exactly one is true. */
  logicalXor(other: TensorLike): Tensor;
  /** The larger. */
  maximum(other: TensorLike): Tensor;
  /** The smaller. */
  minimum(other: TensorLike): Tensor;
  /** The remainder with the sign of y. */
  mod(other: TensorLike): Tensor;
  /** x · y. */
  mul(other: TensorLike): Tensor;
  /** The same as {@link mul}. */
  multiply(other: TensorLike): Tensor;
  /** x ≠ y. */
  notEqual(other: TensorLike): Tensor;
  /** xʸ. */
  pow(other: TensorLike): Tensor;
  /** The same as {@link pow}. */
  power(other: TensorLike): Tensor;
  /** The same as {@link mod}. */
  remainder(other: TensorLike): Tensor;
  /** The bits moved down. */
  rightShift(other: TensorLike): Tensor;
  /** x − y. */
  sub(other: TensorLike): Tensor;
  /** The same as {@link sub}. */
  subtract(other: TensorLike): Tensor;
  /** x·log y, 0 at x = 0. */
  xlogy(other: TensorLike): Tensor;
  /** Whether all elements are close, as a 0-dimensional bool. */
  allClose(other: TensorLike, options?: CloseOptions): Tensor;
  /** Moved into [lo, hi]. */
  clip(lo?: TensorLike | null, hi?: TensorLike | null): Tensor;
  /** Whether |x − y| ≤ atol + rtol·|y|. */
  isClose(other: TensorLike, options?: CloseOptions): Tensor;
}

/** Reductions over axes: one, several, all by default, or `{ axis, keepdims }`. */
export interface ReductionMethods {
  /** Whether all are true. */
  all(axes?: Axes): Tensor;
  /** Whether any is true. */
  any(axes?: Axes): Tensor;
  /** How many are not 0. */
  countNonzero(axes?: Axes): Tensor;
  /** log Σ eˣ. */
  logsumexp(axes?: Axes): Tensor;
  /** The largest. */
  max(axes?: Axes): Tensor;
  /** The mean. */
  mean(axes?: Axes): Tensor;
  /** The smallest. */
  min(axes?: Axes): Tensor;
  /** The product. */
  prod(axes?: Axes): Tensor;
  /** max − min. */
  ptp(axes?: Axes): Tensor;
  /** The sum. */
  sum(axes?: Axes): Tensor;
  /** The position of the largest along an axis, of the flattened tensor by default. */
  argmax(axis?: Axis): Tensor;
  /** The position of the smallest along an axis. */
  argmin(axis?: Axis): Tensor;
  /** log Σ exp of the elements so far. */
  cumlogsumexp(axis?: Along): Tensor;
  /** The largest so far. */
  cummax(axis?: Along): Tensor;
  /** The smallest so far. */
  cummin(axis?: Along): Tensor;
  /** The product so far. */
  cumprod(axis?: Along): Tensor;
  /** The sum so far. */
  cumsum(axis?: Along): Tensor;
  /** The p-norm. */
  norm(axes?: Axes<NormOptions>): Tensor;
  /** The standard deviation. */
  std(axes?: Axes<SpreadOptions>): Tensor;
  /** The variance. */
  var(axes?: Axes<SpreadOptions>): Tensor;
  /** The same as {@link var}. */
  variance(axes?: Axes<SpreadOptions>): Tensor;
}

/** Shapes, order, elements and products. */
export interface ArrayMethods {
  /** The transpose: axes in reverse order. */
  readonly T: Tensor;
  /** The positions that sort along an axis, the last by default. */
  argsort(options?: number | null | SortOptions): Tensor;
  /** The elements in another type. */
  astype(dtype: DType): Tensor;
  /** A place in the tensor, to read with `.get()` or to change in a copy with `.set(v)`, `.add(v)`, …. */
  at(...items: IndexItem[]): At;
  /** Repeated to a shape that its own broadcasts to. */
  broadcastTo(shape: readonly number[]): Tensor;
  /** The elements of a diagonal, along a new last axis. */
  diagonal(options?: DiagonalOptions): Tensor;
  /** The sum of a diagonal. */
  trace(options?: DiagonalOptions): Tensor;
  /** The product over the last axis and the last but one of the other. */
  dot(other: TensorLike): Tensor;
  /** With new axes of extent 1. */
  expandDims(axis: AxesOption): Tensor;
  /** All elements as a vector. */
  flatten(): Tensor;
  /** In reverse order along axes, all by default. */
  flip(axis?: AxesOption): Tensor;
  /** The product of matrices. */
  matmul(other: TensorLike): Tensor;
  /** With axes at other places. */
  moveaxis(from: number | readonly number[], to: number | readonly number[]): Tensor;
  /** The positions of elements that are not 0, one tensor for each axis. Not inside jit and vmap. */
  nonzero(): Tensor[];
  /** All elements as a vector. */
  ravel(): Tensor;
  /** Each element repeated, along an axis or flattened. */
  repeat(repetitions: number | readonly number[], axis?: AxisOption): Tensor;
  /** The elements in row-major order under another shape, which may have one −1. */
  reshape(...shape: number[] | [readonly number[]]): Tensor;
  /** Sorted along an axis, the last by default. */
  sort(options?: number | null | SortOptions): Tensor;
  /** Cut along an axis into equal parts, or at positions. */
  split(at: number | readonly number[], axis?: AxisOption): Tensor[];
  /** Without axes of extent 1. */
  squeeze(axis?: AxesOption): Tensor;
  /** With two axes exchanged. */
  swapaxes(a: number, b: number): Tensor;
  /** Elements at indices along an axis, or of the flattened tensor. */
  take(index: TensorLike, options?: number | TakeOptions): Tensor;
  /** Copies side by side. */
  tile(repetitions: number | readonly number[]): Tensor;
  /** The axes in another order, reversed by default. */
  transpose(...axes: number[] | [(readonly number[] | null)?]): Tensor;
}
