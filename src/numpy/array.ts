/** Making tensors from JavaScript values. */
import { Aval, range, sameShape, sizeOf } from '../core/aval.ts';
import {
  allocate,
  type DType,
  dtypeOfArray,
  dtypes,
  isDType,
  limits,
  promoteTypes,
  promoteWeak,
  roundTo,
  type TypedArray,
} from '../core/dtype.ts';
import { AxisOutOfRange, BadArgument, RaggedArray, ShapeMismatch, UnknownDType } from '../core/errors.ts';
import { ConcreteTensor, HostStorage, Tensor } from '../core/tensor.ts';
import { cast } from '../primitives/arithmetic.ts';
import { broadcast } from '../primitives/broadcast.ts';
import { reshape } from '../primitives/layout.ts';
import { concat } from '../primitives/slice.ts';
import { weakScalar } from '../transforms/arguments.ts';

/** An object that stands for a tensor, as x.at(i) does for x[i]. */
export interface TensorSource {
  get(): Tensor;
}

/** What may stand for a tensor: a tensor, a number, a boolean, a typed array, x.at(i), or nested arrays of numbers and tensors. */
export type TensorLike = Tensor | number | boolean | TypedArray | TensorSource | readonly TensorLike[];

export function requireDType(dtype: unknown): DType {
  if (isDType(dtype)) return dtype;
  throw new UnknownDType({
    did: `element type ${typeof dtype === 'string' ? `'${dtype}'` : String(dtype)}`,
    expected: `one of ${dtypes.map(name => `'${name}'`).join(', ')}`,
    remedy: "tensor(values, 'float32')",
  });
}

/** Throws where a shape is not a list of non-negative integers. */
export function requireShape(shape: readonly number[], what: string): readonly number[] {
  if (!Array.isArray(shape) || shape.some(n => !Number.isInteger(n) || n < 0))
    throw new BadArgument({
      did: `${what} with shape ${JSON.stringify(shape)}`,
      expected: 'a list of non-negative integers',
      remedy: 'a shape such as [2, 3]; [] for a single number',
    });
  return shape;
}

export interface TensorOptions {
  readonly dtype?: DType;
  readonly shape?: readonly number[];
}

/**
 * A tensor of the given values.
 *
 * Numbers become float32 and booleans bool; a typed array keeps its own element type. Nested arrays must be regular;
 * they may contain tensors, tracers included, which are then stacked.
 *
 * @param values a number, a boolean, a typed array, nested arrays, or a tensor
 * @param options the element type, or `{ dtype, shape }`; with a shape the values are taken in row-major order
 * @example tensor([[1, 2], [3, 4]], 'float64')
 * @example tensor(new Float64Array(6), { shape: [2, 3] })
 * @throws RaggedArray, UnknownDType, ShapeMismatch
 */
export function tensor(values: TensorLike, options: DType | TensorOptions = {}): Tensor {
  const { dtype, shape }: TensorOptions = typeof options === 'string' ? { dtype: options } : options;
  if (dtype !== undefined) requireDType(dtype);
  const made = build(values, dtype);
  if (shape === undefined) return made;
  if (sizeOf(requireShape(shape, 'tensor')) !== made.size)
    throw new ShapeMismatch({
      did: `tensor of ${made.size} values with shape [${shape.join(', ')}]`,
      expected: `${sizeOf(shape)} values for that shape`,
      remedy: `give a shape whose product is ${made.size}`,
    });
  return reshape(made, shape);
}

/** Whether a value is an object that tells which tensor it stands for. A Map has a `get` too, of another kind. */
function isSource(value: unknown): value is TensorSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'get' in value &&
    typeof value.get === 'function' &&
    value.get.length === 0
  );
}

function build(values: TensorLike, dtype: DType | undefined): Tensor {
  if (values instanceof Tensor)
    return dtype === undefined && values.aval.weak === null ? values : convert(values, dtype ?? 'float32');
  if (typeof values === 'number') return fromNumbers([values], [], dtype ?? 'float32');
  if (typeof values === 'boolean') return fromNumbers([Number(values)], [], dtype ?? 'bool');
  if (ArrayBuffer.isView(values)) {
    const own = arrayType(values);
    return fromNumbers(values as TypedArray, [(values as TypedArray).length], dtype ?? own);
  }
  if (isSource(values)) return build(values.get(), dtype);
  if (!Array.isArray(values))
    throw new BadArgument({
      did: `tensor of ${values === null ? 'null' : typeof values === 'object' ? ((values as object).constructor?.name ?? 'an object') : typeof values}`,
      expected: 'a number, a boolean, a typed array, nested arrays of numbers, or a tensor',
      remedy: 'tensor([1, 2, 3])',
    });
  return fromNested(values, dtype);
}

export function arrayType(array: ArrayBufferView): DType {
  const dtype = dtypeOfArray(array);
  if (dtype === undefined)
    throw new UnknownDType({
      did: `tensor of a ${array.constructor.name}`,
      expected:
        'Float32Array, Float64Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array or Uint8ClampedArray',
      remedy: 'convert it first: Float64Array.from(values, Number)',
    });
  return dtype;
}

function fromNumbers(values: ArrayLike<number>, shape: readonly number[], dtype: DType): ConcreteTensor {
  const data = allocate(dtype, values.length);
  if (dtype === 'bool') for (let i = 0; i < values.length; i++) data[i] = values[i] !== 0 ? 1 : 0;
  else data.set(values as ArrayLike<number>);
  return new ConcreteTensor(new Aval(dtype, shape), new HostStorage(data));
}

/** A tensor of a typed array's own memory, which must not be changed afterwards. */
export function fromTyped(data: TypedArray, shape: readonly number[], dtype: DType): ConcreteTensor {
  return new ConcreteTensor(new Aval(dtype, shape), new HostStorage(data));
}

function fromNested(values: readonly unknown[], dtype: DType | undefined): Tensor {
  const shape: number[] = [];
  const flat: (number | boolean)[] = [];
  let tensors = false;
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const walk = (node: unknown, depth: number, path: string): void => {
    if (depth < shape.length) {
      if (!Array.isArray(node) || node.length !== shape[depth])
        throw new RaggedArray({
          did: `tensor of nested arrays: at ${path || 'the top'} there is ${Array.isArray(node) ? `an array of ${node.length}` : `a ${typeof node}`}, the first one there has ${shape[depth]} elements`,
          expected: `arrays of equal length at every level, shape [${shape.join(', ')}]`,
          remedy: 'pad the short rows, or keep a list of tensors',
        });
      for (let i = 0; i < node.length; i++) walk(node[i], depth + 1, `${path}[${i}]`);
    } else if (typeof node === 'number' || typeof node === 'boolean') flat.push(node);
    else if (node instanceof Tensor || ArrayBuffer.isView(node) || isSource(node)) tensors = true;
    else
      throw new RaggedArray({
        did: `tensor of nested arrays: at ${path} there is ${Array.isArray(node) ? `an array of ${node.length} where the first one has a number` : node === null ? 'null' : `a ${typeof node}`}`,
        expected: `a number or boolean at every place of shape [${shape.join(', ')}]`,
        remedy: 'give numbers; for missing values use NaN',
      });
  };
  walk(values, 0, '');
  if (tensors) return stackNested(values as readonly TensorLike[], dtype);
  const booleans = flat.length > 0 && flat.every(value => typeof value === 'boolean');
  return fromNumbers(flat.map(Number), shape, dtype ?? (booleans ? 'bool' : 'float32'));
}

/** Nested arrays with tensors in them: joined along a new leading axis at every level. */
function stackNested(values: readonly TensorLike[], dtype: DType | undefined): Tensor {
  const parts = promote(
    'tensor',
    values.map(value => (Array.isArray(value) ? build(value, dtype) : (value as TensorLike))),
  );
  const [first] = parts;
  if (parts.some(part => part.shape.join() !== first.shape.join()))
    throw new RaggedArray({
      did: `tensor of a list of tensors ${parts.map(part => part.aval).join(', ')}`,
      expected: 'tensors of one shape',
      remedy: 'use concatenate to join along an existing axis, or pad the smaller ones',
    });
  const joined = concat(
    parts.map(part => reshape(part, [1, ...part.shape])),
    0,
  );
  return dtype === undefined ? joined : convert(joined, dtype);
}

/** The operand as a tensor; a JavaScript number stays weak, so that it can take the type of what it meets. */
export function asOperand(value: TensorLike): Tensor {
  if (value instanceof Tensor) return value;
  if (typeof value === 'number') return weakScalar(value);
  return build(value, undefined);
}

/** The operand as a tensor of a type of its own: a JavaScript number is float32. */
export function asTensor(value: TensorLike): Tensor {
  const operand = asOperand(value);
  return operand.aval.weak === null ? operand : convert(operand, 'float32');
}

/** To another element type; a constant number is rounded once, from its double. */
export function convert(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype && x.aval.weak === null) return x;
  if (x.aval.weak !== null && x instanceof ConcreteTensor)
    return fromNumbers([roundTo(dtype, x.elements()[0])], [], dtype);
  return cast(x, dtype);
}

/** The element type that operands have together: strong types first, then JavaScript numbers within their kind. */
export function commonType(operands: readonly Tensor[]): DType {
  let strong: DType | undefined;
  for (const { aval } of operands)
    if (aval.weak === null) strong = strong === undefined ? aval.dtype : promoteTypes(strong, aval.dtype);
  if (strong === undefined) return 'float32';
  for (const { aval } of operands) if (aval.weak !== null) strong = promoteWeak(strong, aval.weak);
  return strong;
}

/**
 * Operands of one element type. A number that does not fit into an integer type is an error, not a wrapped value.
 */
export function promote(name: string, values: readonly TensorLike[]): Tensor[] {
  const operands = values.map(asOperand);
  const dtype = commonType(operands);
  return operands.map(operand => {
    if (operand.aval.weak === 'int' && operand instanceof ConcreteTensor) {
      const [value] = operand.elements();
      const { min, max } = limits(dtype);
      if (dtype !== 'bool' && (value < min || value > max))
        throw new BadArgument({
          did: `${name}: the number ${value} with a tensor of ${dtype}`,
          expected: `a number from ${min} to ${max}`,
          remedy: "convert the tensor first: x.astype('int32')",
        });
    }
    return convert(operand, dtype);
  });
}

/** The shape that shapes have when their trailing axes are lined up: extents equal or 1. */
export function broadcastShapes(name: string, shapes: readonly (readonly number[])[]): number[] {
  const ndim = Math.max(0, ...shapes.map(shape => shape.length));
  const result = new Array<number>(ndim).fill(1);
  for (const shape of shapes)
    shape.forEach((extent, i) => {
      const at = ndim - shape.length + i;
      if (result[at] === 1) result[at] = extent;
      else if (extent !== 1 && extent !== result[at])
        throw new ShapeMismatch({
          did: `${name} of shapes ${shapes.map(one => `[${one.join(', ')}]`).join(' and ')}`,
          expected: `trailing axes that agree or are 1; axis ${at - ndim} is ${result[at]} against ${extent}`,
          remedy:
            'put in an axis of extent 1 where values should repeat: x.expandDims(axis), or x.reshape(…)',
        });
    });
  return result;
}

/** The tensor repeated to a shape that its own broadcasts to. */
export function broadcastTo(x: TensorLike, shape: readonly number[]): Tensor {
  const operand = asTensor(x);
  if (sameShape(operand.shape, shape)) return operand;
  const lead = shape.length - operand.ndim;
  if (lead < 0 || operand.shape.some((extent, i) => extent !== 1 && extent !== shape[lead + i]))
    throw new ShapeMismatch({
      did: `broadcastTo of ${operand.aval} to [${shape.join(', ')}]`,
      expected: 'a shape that ends in the extents of the tensor, where it has not 1',
      remedy: 'put in axes of extent 1 with x.expandDims(axis)',
    });
  return broadcast(
    operand,
    shape,
    range(operand.ndim).map(i => lead + i),
  );
}

/** Operands of one element type and one shape: what every elementwise function works on. */
export function together(name: string, values: readonly TensorLike[]): Tensor[] {
  const given = values.map(asOperand);
  const [{ aval }] = given;
  if (aval.weak === null && given.every(one => one.aval.equals(aval))) return given;
  const operands = promote(name, given);
  const shape = broadcastShapes(
    name,
    operands.map(operand => operand.shape),
  );
  return operands.map(operand => broadcastTo(operand, shape));
}

/** An axis counted from the front. @throws AxisOutOfRange */
export function positiveAxis(name: string, axis: number, ndim: number): number {
  if (!Number.isInteger(axis) || axis < -ndim || axis >= ndim)
    throw new AxisOutOfRange({
      did: `${name}: axis ${axis} of a tensor with ${ndim} ${ndim === 1 ? 'axis' : 'axes'}`,
      expected:
        ndim === 0 ? 'no axis: the tensor is 0-dimensional' : `an integer from ${-ndim} to ${ndim - 1}`,
      remedy: 'count axes from 0, or from −1 for the last',
    });
  return axis < 0 ? axis + ndim : axis;
}

/** Axes counted from the front, increasing; all of them where none is named. */
export function positiveAxes(
  name: string,
  axes: number | readonly number[] | null | undefined,
  ndim: number,
): number[] {
  if (axes === null || axes === undefined) return range(ndim);
  const list = (typeof axes === 'number' ? [axes] : axes).map(axis => positiveAxis(name, axis, ndim));
  if (new Set(list).size !== list.length)
    throw new AxisOutOfRange({
      did: `${name}: axes [${list.join(', ')}]`,
      expected: 'different axes',
      remedy: 'name each axis once',
    });
  return list.sort((a, b) => a - b);
}
