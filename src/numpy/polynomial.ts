/** Polynomials as vectors of coefficients, the highest power first: p[0]·xⁿ⁻¹ + … + p[n−1]. */
import { range } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { broadcast, full } from '../primitives/broadcast.ts';
import { cumprod } from '../primitives/cumulative.ts';
import { reshape, reverse } from '../primitives/layout.ts';
import { concat, pad } from '../primitives/slice.ts';
import { add, divide, multiply, subtract } from './arithmetic.ts';
import { asTensor, promote, type TensorLike, tensor } from './array.ts';
import { convolve } from './convolve.ts';
import { floating } from './options.ts';
import { between } from './repeat.ts';

function coefficients(name: string, p: TensorLike): Tensor {
  const operand = asTensor(p);
  if (operand.ndim > 1)
    throw new ShapeMismatch({
      did: `${name} of coefficients ${operand.aval}`,
      expected: 'a vector of coefficients',
      remedy: `vmap(${name}) works on every row`,
    });
  return reshape(operand, [operand.size]);
}

/**
 * The polynomial's value at every x, by Horner's rule.
 *
 * @example polyval([1, 0, -1], 3) // 3² − 1 = 8
 * @throws ShapeMismatch where p is no vector
 */
export function polyval(p: TensorLike, x: TensorLike): Tensor {
  const [c, at] = promote('polyval', [coefficients('polyval', p), x]);
  if (c.size === 0) return full(at.shape, 0, at.dtype);
  const term = (i: number): Tensor => broadcast(reshape(between(c, 0, i, i + 1), []), at.shape, []);
  return range(c.size - 1).reduce((value, i) => add(multiply(value, at), term(i + 1)), term(0));
}

/** Two vectors of coefficients, the shorter one with zeros in front. */
function aligned(name: string, p: TensorLike, q: TensorLike): Tensor[] {
  const both = promote(name, [coefficients(name, p), coefficients(name, q)]);
  const n = Math.max(...both.map(c => c.size));
  return both.map(c => (c.size === n ? c : pad(c, full([], 0, c.dtype), [n - c.size], [0])));
}

/** The coefficients of p + q. */
export function polyadd(p: TensorLike, q: TensorLike): Tensor {
  const [a, b] = aligned('polyadd', p, q);
  return add(a, b);
}

/** The coefficients of p − q. */
export function polysub(p: TensorLike, q: TensorLike): Tensor {
  const [a, b] = aligned('polysub', p, q);
  return subtract(a, b);
}

/** The coefficients of p·q: their convolution. */
export function polymul(p: TensorLike, q: TensorLike): Tensor {
  return convolve(coefficients('polymul', p), coefficients('polymul', q));
}

function requireOrder(name: string, m: number): void {
  if (!Number.isInteger(m) || m < 0)
    throw new BadArgument({
      did: `${name} of order ${m}`,
      expected: 'a non-negative integer',
      remedy: `${name}(p, 1)`,
    });
}

/**
 * The coefficients of the m-th derivative.
 *
 * @param options m, default 1
 * @example polyder([1, 2, 3]) // [2, 2]
 */
export function polyder(p: TensorLike, options: number | { readonly m?: number } = {}): Tensor {
  const m = (typeof options === 'number' ? options : options.m) ?? 1;
  requireOrder('polyder', m);
  let c = coefficients('polyder', p);
  for (let i = 0; i < m && c.size > 0; i++) {
    const n = c.size - 1;
    const powers = tensor(
      range(n).map(k => n - k),
      c.dtype,
    );
    c = multiply(between(c, 0, 0, n), powers);
  }
  return c;
}

export interface PolyintOptions {
  /** How often to integrate. Default 1. */
  readonly m?: number;
  /** The constants of integration, the first one first: a number for all or m of them. Default 0. */
  readonly k?: number | readonly number[];
}

/**
 * The coefficients of the m-th antiderivative, a float.
 *
 * @example polyint([2, 2]) // [1, 2, 0]
 */
export function polyint(p: TensorLike, options: number | PolyintOptions = {}): Tensor {
  const { m = 1, k = 0 }: PolyintOptions = typeof options === 'number' ? { m: options } : options;
  requireOrder('polyint', m);
  if (typeof k !== 'number' && k.length !== m)
    throw new BadArgument({
      did: `polyint with m = ${m} and ${k.length} constants`,
      expected: 'a constant for every integration',
      remedy: 'polyint(p, { m: 2, k: [0, 1] })',
    });
  let c = floating(coefficients('polyint', p));
  for (let i = 0; i < m; i++) {
    const n = c.size;
    const powers = tensor(
      range(n).map(j => n - j),
      c.dtype,
    );
    const constant = full([1], typeof k === 'number' ? k : k[i], c.dtype);
    c = concat([divide(c, powers), constant], 0);
  }
  return c;
}

export interface VanderOptions {
  /** Number of columns. Default x.size. */
  readonly n?: number;
  /** Whether powers increase from left to right. Default false. */
  readonly increasing?: boolean;
}

/**
 * Powers of the elements of a vector: V_ij = x_iⁿ⁻¹⁻ʲ, or x_iʲ where `increasing`.
 *
 * @example vander([2, 3], { n: 3 }) // [[4, 2, 1], [9, 3, 1]]
 * @throws ShapeMismatch where x is no vector
 */
export function vander(x: TensorLike, options: number | VanderOptions = {}): Tensor {
  const operand = coefficients('vander', x);
  const { n = operand.size, increasing = false }: VanderOptions =
    typeof options === 'number' ? { n: options } : options;
  requireOrder('vander', n);
  if (n === 0) return full([operand.size, 0], 0, operand.dtype);
  const factors = concat(
    [full([operand.size, 1], 1, operand.dtype), broadcast(operand, [operand.size, n - 1], [0])],
    1,
  );
  const powers = cumprod(factors, 1);
  return increasing ? powers : reverse(powers, [1]);
}
