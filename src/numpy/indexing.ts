/** x[index] for reading, and functional updates: x with x[index] replaced. */
import { range, sameShape, sizeOf } from '../core/aval.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { DTypeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, div, max, min, mul, neg } from '../primitives/arithmetic.ts';
import { constantLike, full } from '../primitives/broadcast.ts';
import { select } from '../primitives/compare.ts';
import { gather, scatterAdd, scatterMax, scatterMin, scatterMul, scatterSet } from '../primitives/gather.ts';
import { inverse, permute, reshape, reverse } from '../primitives/layout.ts';
import { pad, slice as sliced } from '../primitives/slice.ts';
import { asOperand, asTensor, broadcastTo, convert, type TensorLike } from './array.ts';
import { knownElements } from './positions.ts';
import { type IndexItem, type Subscript, subscript } from './subscript.ts';

export { type IndexItem, type Slice, slice } from './subscript.ts';

const isIdentity = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);
const arranged = (x: Tensor, order: readonly number[]): Tensor => (isIdentity(order) ? x : permute(x, order));
const shaped = (x: Tensor, shape: readonly number[]): Tensor =>
  sameShape(x.shape, shape) ? x : reshape(x, shape);

const reversedAxes = ({ pieces }: Subscript): number[] =>
  range(pieces.length).filter(i => pieces[i].reversed);

function coversAll({ pieces, shape }: Subscript): boolean {
  return pieces.every((piece, i) => piece.count === shape[i] && piece.stride === 1);
}

/** The part of x that the slices and integers of an index choose. */
function readView(x: Tensor, index: Subscript): Tensor {
  const { pieces } = index;
  const part = coversAll(index)
    ? x
    : sliced(
        x,
        pieces.map(piece => piece.start),
        pieces.map(piece =>
          piece.count === 0 ? piece.start : piece.start + (piece.count - 1) * piece.stride + 1,
        ),
        pieces.map(piece => piece.stride),
      );
  const backwards = reversedAxes(index);
  return shaped(backwards.length === 0 ? part : reverse(part, backwards), index.view);
}

/** x with that part replaced. */
function writeView(x: Tensor, index: Subscript, values: Tensor): Tensor {
  const { pieces, shape } = index;
  if (values.size === 0) return x;
  const backwards = reversedAxes(index);
  const part = shaped(
    values,
    pieces.map(piece => piece.count),
  );
  const forwards = backwards.length === 0 ? part : reverse(part, backwards);
  if (coversAll(index)) return forwards;
  const spread = (t: Tensor): Tensor =>
    pad(
      t,
      full([], 0, t.dtype),
      pieces.map(piece => piece.start),
      pieces.map((piece, i) => shape[i] - (piece.start + (piece.count - 1) * piece.stride + 1)),
      pieces.map(piece => piece.stride - 1),
    );
  return select(spread(full(forwards.shape, 1, 'bool')), spread(forwards), x);
}

/** The view's axes with the indexed ones first, where gather and scatter need them. */
function indexedFirst({ axes, view }: Subscript): number[] {
  return [...axes, ...range(view.length).filter(axis => !axes.includes(axis))];
}

/** From the axes of gather's result (those of the indices, then the rest) to those of the index's. */
function resultOrder({ indices, place, result }: Subscript): number[] {
  const rank = indices[0].ndim;
  const rest = range(result.length - rank).map(i => rank + i);
  return [...rest.slice(0, place), ...range(rank), ...rest.slice(place)];
}

type Update = (base: Tensor, values: Tensor, ...indices: Tensor[]) => Tensor;

/**
 * A place in a tensor: read it with {@link At.get}, or make a new tensor in which it is changed. Nothing is changed in
 * place. An At stands for its value wherever a tensor is expected as an operand.
 */
export class At {
  readonly #x: Tensor;
  readonly #index: Subscript;

  constructor(x: Tensor, items: readonly IndexItem[]) {
    this.#x = x;
    this.#index = subscript(items, x.shape);
  }

  get dtype(): DType {
    return this.#x.dtype;
  }

  get shape(): readonly number[] {
    return this.#index.result;
  }

  get ndim(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** x[index]. */
  get(): Tensor {
    const index = this.#index;
    const view = readView(this.#x, index);
    if (index.axes.length === 0) return view;
    const found = gather(arranged(view, indexedFirst(index)), ...index.indices);
    return arranged(found, resultOrder(index));
  }

  /** The single element as a number. @throws BadArgument where there are more or fewer than one */
  item(): number {
    return this.get().item();
  }

  /**
   * x with x[index] = values. Of several values for one place the last stays, and has the whole derivative.
   *
   * @param values a number, nested arrays or a tensor, broadcast to the shape of the place
   */
  set(values: TensorLike): Tensor {
    return this.#update('set', values, (_, given) => given, scatterSet);
  }

  /** x with x[index] += values; several values for one place add up. */
  add(values: TensorLike): Tensor {
    return this.#update('add', values, add, scatterAdd);
  }

  /** x with x[index] −= values. */
  subtract(values: TensorLike): Tensor {
    return this.#update(
      'subtract',
      values,
      (old, given) => add(old, neg(given)),
      (base, given, ...indices) => scatterAdd(base, neg(given), ...indices),
    );
  }

  /** x with x[index] ×= values; several values for one place all multiply. */
  multiply(values: TensorLike): Tensor {
    return this.#update('multiply', values, mul, scatterMul);
  }

  /** x with x[index] ÷= values. @throws DTypeMismatch for integers */
  divide(values: TensorLike): Tensor {
    if (!isFloat(this.dtype))
      throw new DTypeMismatch({
        did: `at(…).divide of a tensor ${this.#x.aval}`,
        expected: 'float32 or float64: a quotient is no integer',
        remedy: "convert first: x.astype('float32')",
      });
    return this.#update('divide', values, div, (base, given, ...indices) =>
      div(base, scatterMul(constantLike(base, 1), given, ...indices)),
    );
  }

  /** x with the smaller of x[index] and values. Ties share the derivative equally. */
  min(values: TensorLike): Tensor {
    return this.#update('min', values, min, scatterMin);
  }

  /** x with the larger of x[index] and values. Ties share the derivative equally. */
  max(values: TensorLike): Tensor {
    return this.#update('max', values, max, scatterMax);
  }

  /**
   * x with x[index] = f(x[index]), the function being applied once to the whole place.
   *
   * @example at(x, slice(1)).apply(exp)
   */
  apply(f: (values: Tensor) => TensorLike): Tensor {
    return this.set(f(this.get()));
  }

  toString(): string {
    return this.get().toString();
  }

  /** Slices meet no place twice, so that updates of them are elementwise; integer arrays need a scatter. */
  #update(
    name: string,
    values: TensorLike,
    combine: (old: Tensor, given: Tensor) => Tensor,
    update: Update,
  ): Tensor {
    const x = this.#x;
    const index = this.#index;
    const given = broadcastTo(this.#values(name, values), index.result);
    if (index.axes.length === 0)
      return writeView(x, index, name === 'set' ? given : combine(readView(x, index), given));
    const order = indexedFirst(index);
    const base = arranged(readView(x, index), order);
    const result = update(base, arranged(given, inverse(resultOrder(index))), ...index.indices);
    return writeView(x, index, arranged(result, inverse(order)));
  }

  /** The values in x's type; further leading axes of extent 1 fall away, as in NumPy. */
  #values(name: string, values: TensorLike): Tensor {
    let operand = asOperand(values);
    // Nested arrays of JavaScript integers are float32 by default, integers all the same.
    if (Array.isArray(values) && !isFloat(this.dtype) && knownElements(operand)?.every(Number.isInteger))
      operand = convert(operand, this.dtype);
    const { aval } = operand;
    const fraction = aval.weak === null ? aval.isFloat : aval.weak === 'float';
    if (fraction && !isFloat(this.dtype))
      throw new DTypeMismatch({
        did: `at(…).${name} of ${aval.weak === null ? `values ${aval}` : 'a fraction'} into a tensor ${this.#x.aval}`,
        expected: 'integers: fractions would be cut off',
        remedy: `convert x first, x.astype('float32'), or the values, v.astype('${this.dtype}')`,
      });
    let given = convert(operand, this.dtype);
    while (given.ndim > this.ndim && given.shape[0] === 1) given = reshape(given, given.shape.slice(1));
    return given;
  }
}

/**
 * A place in a tensor, NumPy's x[…]. Items match axes from the first on:
 *
 * - an integer takes one element, and the axis goes; negative ones count from the end
 * - `slice(start, stop, step)` or a string `'1:5:2'`, `'::-1'`, `':'` takes a part
 * - `null` makes a new axis of extent 1; `'...'` stands for all axes that are not named
 * - integer tensors or arrays take their elements, together where there are several: x[i, j]_s = x[i_s, j_s]. Their
 *   axes stand where the indexed ones were if those are neighbours, else in front
 * - a bool mask takes the elements where it is true. The result's shape depends on its values, so that it works
 *   outside jit and vmap only
 *
 * Integers out of range are an error. Inside jit and vmap values of integer tensors are not known: there reading takes
 * the nearest element and writing drops what is out of range.
 *
 * @returns an {@link At}: `.get()` reads, `.set(v)`, `.add(v)`, `.multiply(v)`, `.min(v)`, `.max(v)` and so on return
 *   an updated copy
 * @example at([[1, 2, 3], [4, 5, 6]], slice(), 1).get() // [2, 5]
 * @example at([1, 2, 3], [0, 0, 2]).add(1) // [3, 2, 4]
 * @throws IndexOutOfRange, DataDependentShape, BadArgument, ShapeMismatch, DTypeMismatch
 */
export function at(x: TensorLike, ...items: IndexItem[]): At {
  return new At(asTensor(x), items);
}
