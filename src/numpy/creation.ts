/** Tensors made from a shape or a rule. */
import { range } from '../core/aval.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, cast, div, mul, sub } from '../primitives/arithmetic.ts';
import { broadcast, full as filled, iota } from '../primitives/broadcast.ts';
import { equal, lessEqual } from '../primitives/compare.ts';
import { exp } from '../primitives/elementary.ts';
import { reshape } from '../primitives/layout.ts';
import { concat } from '../primitives/slice.ts';
import { asTensor, broadcastTo, convert, requireShape, type TensorLike, tensor, together } from './array.ts';
import { type DTypeOption, dtypeFrom, floating, isOptions } from './options.ts';

/** A shape, or the length of a 1-dimensional tensor. */
export type ShapeLike = number | readonly number[];

function shapeFrom(name: string, shape: ShapeLike): readonly number[] {
  return requireShape(typeof shape === 'number' ? [shape] : shape, name);
}

/**
 * A tensor of zeros.
 *
 * @param shape a shape, or the length of a vector
 * @param dtype the element type, default float32; or `{ dtype }`
 * @example zeros([2, 3])
 * @example zeros(4, 'int32')
 * @throws BadArgument, UnknownDType
 */
export function zeros(shape: ShapeLike, dtype?: DTypeOption): Tensor {
  return filled(shapeFrom('zeros', shape), 0, dtypeFrom(dtype) ?? 'float32');
}

/**
 * A tensor of ones.
 *
 * @example ones([2, 3], 'float64')
 * @throws BadArgument, UnknownDType
 */
export function ones(shape: ShapeLike, dtype?: DTypeOption): Tensor {
  return filled(shapeFrom('ones', shape), 1, dtypeFrom(dtype) ?? 'float32');
}

/** The same as {@link zeros}: no tensor has undefined elements. */
export function empty(shape: ShapeLike, dtype?: DTypeOption): Tensor {
  return zeros(shape, dtype);
}

/**
 * A tensor of one value, or of values that broadcast to the shape.
 *
 * @param value a number (float32 unless a type is given), or a tensor whose type the result has
 * @example full([2, 2], 7)
 * @example full([2, 3], tensor([1, 2, 3]), 'float64')
 * @throws BadArgument, ShapeMismatch
 */
export function full(shape: ShapeLike, value: TensorLike, dtype?: DTypeOption): Tensor {
  const to = shapeFrom('full', shape);
  const type = dtypeFrom(dtype);
  if (typeof value === 'number') return filled(to, value, type ?? 'float32');
  const given = asTensor(value);
  return broadcastTo(type === undefined ? given : convert(given, type), to);
}

export interface LikeOptions {
  readonly dtype?: DType;
  readonly shape?: ShapeLike;
}

function fullOf(name: string, x: TensorLike, value: TensorLike, option: DType | LikeOptions): Tensor {
  const like = asTensor(x);
  const { dtype = like.dtype, shape = like.shape } = typeof option === 'string' ? { dtype: option } : option;
  return full(shapeFrom(name, shape), value, dtype);
}

/**
 * Zeros in the shape and type of x.
 *
 * @example zerosLike(x)
 * @example zerosLike(x, { dtype: 'int32' })
 */
export function zerosLike(x: TensorLike, options: DType | LikeOptions = {}): Tensor {
  return fullOf('zerosLike', x, 0, options);
}

/** Ones in the shape and type of x. */
export function onesLike(x: TensorLike, options: DType | LikeOptions = {}): Tensor {
  return fullOf('onesLike', x, 1, options);
}

/** The value in the shape and type of x. */
export function fullLike(x: TensorLike, value: TensorLike, options: DType | LikeOptions = {}): Tensor {
  return fullOf('fullLike', x, value, options);
}

/** Zeros in the shape and type of x: the same as {@link zerosLike}. */
export function emptyLike(x: TensorLike, options: DType | LikeOptions = {}): Tensor {
  return zerosLike(x, options);
}

/**
 * start, start + step, … below stop (above it where step is negative). Each element is start + i·step, rounded once.
 *
 * JavaScript integers give int32, fractions float32.
 *
 * @example arange(4) // [0, 1, 2, 3]
 * @example arange(0, 1, 0.25) // [0, 0.25, 0.5, 0.75]
 * @throws BadArgument where step is 0 or an argument is not finite
 */
export function arange(stop: number, options?: DTypeOption): Tensor;
export function arange(start: number, stop: number, options?: DTypeOption): Tensor;
export function arange(start: number, stop: number, step: number, options?: DTypeOption): Tensor;
export function arange(...args: (number | DTypeOption | undefined)[]): Tensor {
  const numbers = args.filter(one => typeof one === 'number');
  const option = args.find(one => typeof one === 'string' || isOptions(one)) as DTypeOption | undefined;
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (!numbers.every(Number.isFinite) || numbers.length === 0 || step === 0)
    throw new BadArgument({
      did: `arange(${args.map(one => JSON.stringify(one)).join(', ')})`,
      expected: 'finite numbers, and a step other than 0',
      remedy: 'arange(stop), arange(start, stop) or arange(start, stop, step)',
    });
  const count = Math.max(0, Math.ceil((stop - start) / step));
  const dtype = dtypeFrom(option) ?? (numbers.every(Number.isInteger) ? 'int32' : 'float32');
  return tensor(
    Float64Array.from({ length: count }, (_, i) => start + i * step),
    dtype,
  );
}

export interface SpaceOptions {
  /** How many points. Default 50. */
  readonly num?: number;
  /** Whether the last point is stop. Default true. */
  readonly endpoint?: boolean;
  /** Default: that of the operands, float32 for numbers. */
  readonly dtype?: DType;
}

export interface LogspaceOptions extends SpaceOptions {
  /** Default 10. */
  readonly base?: number;
}

/** t_i in [0, 1], the places of the points between start and stop. */
function places(name: string, { num = 50, endpoint = true }: SpaceOptions): number[] {
  if (!Number.isInteger(num) || num < 0)
    throw new BadArgument({
      did: `${name} of ${num} points`,
      expected: 'a non-negative integer',
      remedy: `${name}(0, 1, { num: 11 })`,
    });
  const parts = Math.max(1, endpoint ? num - 1 : num);
  return range(num).map(i => i / parts);
}

/** Points computed in double and rounded once; the integer types round down, as NumPy does. */
function rounded(points: readonly number[], dtype: DType = 'float32'): Tensor {
  return tensor(Float64Array.from(isFloat(dtype) ? points : points.map(Math.floor)), dtype);
}

/**
 * Evenly spaced points: start + i·(stop − start)/(num − 1), the last one being stop exactly.
 *
 * @param start a number or a tensor; tensors give points along a new leading axis and are differentiated
 * @param options `num` (50), `endpoint` (true): without it the interval is divided by num, `dtype`
 * @example linspace(0, 1, { num: 5 }) // [0, 0.25, 0.5, 0.75, 1]
 * @throws BadArgument
 */
export function linspace(start: TensorLike, stop: TensorLike, options: SpaceOptions = {}): Tensor {
  const at = places('linspace', options);
  if (typeof start === 'number' && typeof stop === 'number') {
    const { num = 50, endpoint = true } = options;
    const step = (stop - start) / Math.max(1, endpoint ? num - 1 : num);
    return rounded(
      at.map((t, i) => (t === 1 ? stop : start + i * step)),
      options.dtype,
    );
  }
  const [a, b] = together('linspace', [start, stop]).map(floating);
  const points = steps(a, b, options);
  return options.dtype === undefined ? points : convert(points, options.dtype);
}

/** a + i·(b − a)/parts along a new leading axis, the last one b itself where it is an end point. */
function steps(a: Tensor, b: Tensor, { num = 50, endpoint = true }: SpaceOptions): Tensor {
  const parts = Math.max(1, endpoint ? num - 1 : num);
  const step = div(sub(b, a), filled(a.shape, parts, a.dtype));
  const closed = endpoint && num > 1;
  const shape = [closed ? num - 1 : num, ...a.shape];
  const points = add(broadcastTo(a, shape), mul(iota(a.dtype, shape, 0), broadcastTo(step, shape)));
  return closed ? concat([points, reshape(b, [1, ...b.shape])], 0) : points;
}

/**
 * base^s for s evenly spaced from start to stop.
 *
 * @example logspace(0, 2, { num: 3 }) // [1, 10, 100]
 */
export function logspace(start: TensorLike, stop: TensorLike, options: LogspaceOptions = {}): Tensor {
  const { base = 10 } = options;
  const at = places('logspace', options);
  if (typeof start === 'number' && typeof stop === 'number')
    return rounded(
      at.map(t => base ** (start + t * (stop - start))),
      options.dtype,
    );
  const { dtype: _, ...rest } = options;
  const exponents = linspace(start, stop, rest);
  const points = exp(mul(exponents, filled(exponents.shape, Math.log(base), exponents.dtype)));
  return options.dtype === undefined ? points : convert(points, options.dtype);
}

/**
 * Points whose ratio is constant, from start to stop, which have the same sign.
 *
 * @example geomspace(1, 1000, { num: 4 }) // [1, 10, 100, 1000]
 * @throws BadArgument where start or stop is 0 or their signs differ
 */
export function geomspace(start: number, stop: number, options: SpaceOptions = {}): Tensor {
  if (!(start * stop > 0))
    throw new BadArgument({
      did: `geomspace from ${start} to ${stop}`,
      expected: 'two numbers of the same sign, neither of them 0',
      remedy: 'use linspace where the interval contains 0',
    });
  return rounded(
    places('geomspace', options).map(t => (t === 1 ? stop : start * (stop / start) ** t)),
    options.dtype,
  );
}

/** Row and column number at every place of the last two axes. */
function rowsAndColumns(shape: readonly number[]): [rows: Tensor, columns: Tensor] {
  return [iota('int32', shape, shape.length - 2), iota('int32', shape, shape.length - 1)];
}

export interface EyeOptions {
  /** Number of columns. Default n. */
  readonly m?: number;
  /** The diagonal: 0 the main one, positive ones above it. */
  readonly k?: number;
  readonly dtype?: DType;
}

/** The bool matrix of the places with column − row = k, or ≤ k. */
function mask(shape: readonly number[], k: number, compare: (x: Tensor, y: Tensor) => Tensor): Tensor {
  const [rows, columns] = rowsAndColumns(shape);
  return compare(columns, add(rows, filled(shape, k, 'int32')));
}

/**
 * The n×m matrix with ones on diagonal k: I_ij = [j − i = k].
 *
 * @example eye(3)
 * @example eye(2, { m: 3, k: 1, dtype: 'int32' })
 */
export function eye(n: number, options: DType | EyeOptions = {}): Tensor {
  const {
    m = n,
    k = 0,
    dtype = 'float32',
  }: EyeOptions = typeof options === 'string' ? { dtype: options } : options;
  return cast(mask(requireShape([n, m], 'eye'), k, equal), dtype);
}

/** The n×n identity matrix. */
export function identity(n: number, dtype?: DTypeOption): Tensor {
  return eye(n, dtypeFrom(dtype) ?? 'float32');
}

/**
 * The n×m matrix with ones on and below diagonal k.
 *
 * @example tri(3) // [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
 */
export function tri(n: number, options: DType | EyeOptions = {}): Tensor {
  const {
    m = n,
    k = 0,
    dtype = 'float32',
  }: EyeOptions = typeof options === 'string' ? { dtype: options } : options;
  return cast(mask(requireShape([n, m], 'tri'), k, lessEqual), dtype);
}

export interface MeshgridOptions {
  /** 'xy' (default): the first two axes are those of y and x; 'ij': the axes are in the order of the arguments. */
  readonly indexing?: 'xy' | 'ij';
}

/**
 * Coordinate tensors of a grid: one for each vector, all of the grid's shape.
 *
 * @example const [x, y] = meshgrid([0, 1, 2], [0, 1]) // both of shape [2, 3]
 * @example meshgrid(a, b, { indexing: 'ij' }) // of shape [a.size, b.size]
 * @throws ShapeMismatch where an argument has more than one axis
 */
export function meshgrid(...args: (TensorLike | MeshgridOptions)[]): Tensor[] {
  const options = isOptions(args.at(-1)) ? (args.pop() as MeshgridOptions) : {};
  const { indexing = 'xy' } = options;
  const vectors = (args as TensorLike[]).map(asTensor);
  for (const { aval } of vectors)
    if (aval.ndim > 1)
      throw new ShapeMismatch({
        did: `meshgrid of a tensor ${aval}`,
        expected: 'vectors',
        remedy: 'flatten it first: x.ravel()',
      });
  const order = range(vectors.length);
  if (indexing === 'xy' && order.length > 1) order.splice(0, 2, 1, 0);
  const shape = order.map(i => vectors[i].size);
  return vectors.map((x, i) => broadcast(reshape(x, [x.size]), shape, [order.indexOf(i)]));
}

/**
 * The index along every axis at every place: a tensor of shape [shape.length, …shape].
 *
 * @example indices([2, 3]) // int32[2, 2, 3]
 */
export function indices(shape: readonly number[], dtype?: DTypeOption): Tensor {
  requireShape(shape, 'indices');
  const type = dtypeFrom(dtype) ?? 'int32';
  if (shape.length === 0) return filled([0], 0, type);
  return concat(
    shape.map((_, axis) => iota(type, [1, ...shape], axis + 1)),
    0,
  );
}
