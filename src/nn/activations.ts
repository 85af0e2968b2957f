/** Activation functions, most of them element by element. Numbers, arrays and integer tensors are taken as float32. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { abs, add, divide, multiply, negative, square, subtract } from '../numpy/arithmetic.ts';
import { positiveAxis, type TensorLike } from '../numpy/array.ts';
import { erfc, expm1, log, log1p, logaddexp, sigmoid, sqrt, tanh } from '../numpy/elementary.ts';
import { greater, greaterEqual, less, lessEqual, where } from '../numpy/logic.ts';
import { asFloat } from '../numpy/operands.ts';
import { slice } from '../primitives/slice.ts';
import { type AxisOptions, softmax } from './normalize.ts';

export { sigmoid };

/**
 * max(x, 0). The derivative at 0 is 0.
 *
 * @example relu(tensor([-1, 2])) // [0, 2]
 */
export function relu(x: TensorLike): Tensor {
  const a = asFloat(x);
  return where(lessEqual(a, 0), 0, a);
}

/** x moved into [low, high]; outside, and at the ends, the derivative is 0. */
function clamp(x: Tensor, low: number, high: number): Tensor {
  return where(lessEqual(x, low), low, where(greaterEqual(x, high), high, x));
}

/**
 * min(max(x, 0), 6). The derivative at 0 and 6 is 0.
 *
 * @example relu6(tensor([-1, 2, 8])) // [0, 2, 6]
 */
export function relu6(x: TensorLike): Tensor {
  return clamp(asFloat(x), 0, 6);
}

/** x where positive, f(x) elsewhere; f sees 0 where it is not taken, so that its derivative stays finite. */
function positiveOr(x: Tensor, f: (negative: Tensor) => Tensor): Tensor {
  const positive = greater(x, 0);
  return where(positive, x, f(where(positive, 0, x)));
}

/**
 * x where x ≥ 0, slope·x elsewhere (Maas et al. 2013). The derivative at 0 is the slope.
 *
 * @param options negativeSlope: default 0.01
 * @example leakyRelu(tensor([-1, 2])) // [-0.01, 2]
 */
export function leakyRelu(x: TensorLike, options: { readonly negativeSlope?: number } = {}): Tensor {
  return positiveOr(asFloat(x), negative => multiply(negative, options.negativeSlope ?? 0.01));
}

/**
 * x where x > 0, α(eˣ − 1) elsewhere (Clevert et al. 2016, eq. 8).
 *
 * @param options alpha: default 1
 * @example elu(tensor([-1, 2])) // [-0.6321, 2]
 */
export function elu(x: TensorLike, options: { readonly alpha?: number } = {}): Tensor {
  return positiveOr(asFloat(x), negative => multiply(expm1(negative), options.alpha ?? 1));
}

/**
 * x where x > 0, α(e^{x/α} − 1) elsewhere: continuously differentiable for every α (Barron 2017).
 *
 * @param options alpha: default 1
 * @example celu(tensor([-1, 2]), { alpha: 2 }) // [-0.7869, 2]
 */
export function celu(x: TensorLike, options: { readonly alpha?: number } = {}): Tensor {
  const { alpha = 1 } = options;
  return positiveOr(asFloat(x), negative => multiply(expm1(divide(negative, alpha)), alpha));
}

/**
 * λ·elu(x; α) with α = 1.67326… and λ = 1.05070…, which keep mean 0 and variance 1 (Klambauer et al. 2017).
 *
 * @example selu(tensor([-1, 1])) // [-1.1113, 1.0507]
 */
export function selu(x: TensorLike): Tensor {
  return multiply(elu(x, { alpha: 1.6732632423543772 }), 1.0507009873554805);
}

/**
 * log(x/(1 − x)), the inverse of `sigmoid`; near ½, where it is 0, as log1p((2x − 1)/(1 − x)).
 *
 * @example logit(tensor([0.5, 0.75])) // [0, 1.0986]
 */
export function logit(x: TensorLike): Tensor {
  const a = asFloat(x);
  const near = less(abs(subtract(a, 0.5)), 0.25);
  const inside = where(near, a, 0.5);
  const outside = where(near, 0.25, a);
  return where(
    near,
    log1p(divide(subtract(multiply(inside, 2), 1), subtract(1, inside))),
    subtract(log(outside), log1p(negative(outside))),
  );
}

/**
 * log(1 + eᵝˣ)/β, without overflow.
 *
 * @param options beta: default 1
 * @example softplus(tensor([0, 1000])) // [0.6931, 1000]
 */
export function softplus(x: TensorLike, options: { readonly beta?: number } = {}): Tensor {
  const { beta = 1 } = options;
  const a = asFloat(x);
  return beta === 1 ? logaddexp(a, 0) : divide(logaddexp(multiply(a, beta), 0), beta);
}

/**
 * log(1/(1 + e⁻ˣ)) = −softplus(−x).
 *
 * @example logSigmoid(tensor([0, -1000])) // [-0.6931, -1000]
 */
export function logSigmoid(x: TensorLike): Tensor {
  return negative(softplus(negative(asFloat(x))));
}

/**
 * x/(1 + e⁻ˣ), also called swish (Elfwing et al. 2018).
 *
 * @example silu(tensor([-1, 2])) // [-0.2689, 1.7616]
 */
export function silu(x: TensorLike): Tensor {
  const a = asFloat(x);
  return multiply(a, sigmoid(a));
}

/**
 * x·Φ(x), where Φ is the standard normal distribution function (Hendrycks and Gimpel 2016).
 *
 * @param options approximate: x/2·(1 + tanh(√(2/π)(x + 0.044715x³))) in its place. Default false
 * @example gelu(tensor([-1, 2])) // [-0.1587, 1.9545]
 */
export function gelu(x: TensorLike, options: { readonly approximate?: boolean } = {}): Tensor {
  const a = asFloat(x);
  // (1 + tanh u)/2 is the logistic function of 2u, which keeps its digits where x ≪ 0.
  if (options.approximate) {
    const scale = 2 * Math.sqrt(2 / Math.PI);
    return multiply(a, sigmoid(multiply(a, add(multiply(square(a), scale * 0.044715), scale))));
  }
  return multiply(multiply(a, 0.5), erfc(multiply(a, -Math.SQRT1_2)));
}

/**
 * x·tanh(softplus(x)) (Misra 2019).
 *
 * @example mish(tensor([-1, 2])) // [-0.3034, 1.944]
 */
export function mish(x: TensorLike): Tensor {
  const a = asFloat(x);
  return multiply(a, tanh(softplus(a)));
}

/**
 * x/(1 + |x|).
 *
 * @example softsign(tensor([-1, 3])) // [-0.5, 0.75]
 */
export function softsign(x: TensorLike): Tensor {
  const a = asFloat(x);
  return divide(a, add(abs(a), 1));
}

/**
 * (x + √(x² + b))/2, a softplus of algebraic functions only (Barron 2021).
 *
 * @param options b: default 4
 * @example squareplus(tensor([0, 3])) // [1, 3.3028]
 */
export function squareplus(x: TensorLike, options: { readonly b?: number } = {}): Tensor {
  const a = asFloat(x);
  return multiply(add(a, sqrt(add(square(a), options.b ?? 4))), 0.5);
}

/**
 * x moved into [min, max]. The derivative at the ends is 0.
 *
 * @param options min: default −1; max: default 1
 * @example hardTanh(tensor([-3, 0.5, 2])) // [-1, 0.5, 1]
 */
export function hardTanh(
  x: TensorLike,
  options: { readonly min?: number; readonly max?: number } = {},
): Tensor {
  return clamp(asFloat(x), options.min ?? -1, options.max ?? 1);
}

/**
 * relu6(x + 3)/6, the logistic function in three straight pieces.
 *
 * @example hardSigmoid(tensor([-3, 0, 1.5])) // [0, 0.5, 0.75]
 */
export function hardSigmoid(x: TensorLike): Tensor {
  return divide(relu6(add(asFloat(x), 3)), 6);
}

/**
 * x·hardSigmoid(x), also called hard swish (Howard et al. 2019).
 *
 * @example hardSilu(tensor([-3, 0, 1.5])) // [0, 0, 1.125]
 */
export function hardSilu(x: TensorLike): Tensor {
  const a = asFloat(x);
  return multiply(a, hardSigmoid(a));
}

/**
 * x where |x| > λ, else 0. The derivative at ±λ is 0.
 *
 * @param options lambda: default 0.5
 * @example hardShrink(tensor([-2, 0.25, 2])) // [-2, 0, 2]
 */
export function hardShrink(x: TensorLike, options: { readonly lambda?: number } = {}): Tensor {
  const a = asFloat(x);
  return where(lessEqual(abs(a), options.lambda ?? 0.5), 0, a);
}

/**
 * x moved towards 0 by λ, and 0 where |x| ≤ λ: the proximal map of λ|x| (Donoho 1995).
 *
 * @param options lambda: default 0.5
 * @example softShrink(tensor([-2, 0.25, 2])) // [-1.5, 0, 1.5]
 */
export function softShrink(x: TensorLike, options: { readonly lambda?: number } = {}): Tensor {
  const { lambda = 0.5 } = options;
  const a = asFloat(x);
  return subtract(a, clamp(a, -lambda, lambda));
}

/**
 * x − tanh(x).
 *
 * @example tanhShrink(tensor([0, 2])) // [0, 1.036]
 */
export function tanhShrink(x: TensorLike): Tensor {
  const a = asFloat(x);
  return subtract(a, tanh(a));
}

/**
 * x where x ≥ 0, slope·x elsewhere, with a slope that is learnt (He et al. 2015). The derivative at 0 is that of the
 * slope's side.
 *
 * @param slope a number, or a tensor that broadcasts against x
 * @example prelu(tensor([-2, 3]), 0.25) // [-0.5, 3]
 * @throws ShapeMismatch
 */
export function prelu(x: TensorLike, slope: TensorLike): Tensor {
  return positiveOr(asFloat(x), negative => multiply(negative, slope));
}

/**
 * e⁻ˣ/Σe⁻ˣ along an axis: softmax of −x.
 *
 * @example softmin(tensor([0, Math.log(3)])) // [0.75, 0.25]
 * @throws AxisOutOfRange
 */
export function softmin(x: TensorLike, options: AxisOptions = {}): Tensor {
  return softmax(negative(asFloat(x)), options);
}

/**
 * The gated linear unit: the first half along an axis times the logistic function of the second (Dauphin et al. 2017).
 *
 * @param options axis: default −1; its extent must be even
 * @example glu(tensor([2, 0])) // [1]
 * @throws BadArgument, AxisOutOfRange
 */
export function glu(x: TensorLike, options: { readonly axis?: number } = {}): Tensor {
  const a = asFloat(x);
  const axis = positiveAxis('glu', options.axis ?? -1, a.ndim);
  const n = a.shape[axis];
  if (n % 2 !== 0)
    throw new BadArgument({
      did: `glu of ${a.aval} along axis ${axis}`,
      expected: 'an even number of elements along it',
      remedy: 'give twice as many channels as the result shall have',
    });
  const half = (from: number): Tensor =>
    slice(
      a,
      a.shape.map((_, i) => (i === axis ? from : 0)),
      a.shape.map((extent, i) => (i === axis ? from + n / 2 : extent)),
    );
  return multiply(half(0), sigmoid(half(n / 2)));
}
