/// <reference lib="esnext.disposable" preserve="true" />
import { Aval } from './aval.ts';
import { allocate, type DType, type TypedArray } from './dtype.ts';
import { BadArgument, ConcreteValueNeeded, FreedTensor } from './errors.ts';
import { noteMade, outlive } from './scope.ts';
import { showArray } from './show.ts';

/** Where a tensor's elements are: a backend's buffer, row-major. */
export interface Storage {
  /** The elements now; null where the device cannot be read synchronously. The array must not be changed. */
  read(): TypedArray | null;
  readAsync(): Promise<TypedArray>;
  /** Gives the memory back at once, where that means something. */
  free?(): void;
  /** How many tensors hold it: a reshaped tensor shares its original's. */
  owners: number;
}

/** Where computations run: it works on storages of its own. */
export interface Device {
  /** The same elements on this device: the same storage if it is one of the device's already. */
  adopt(storage: Storage, dtype: DType): Storage;
}

/** Elements in ordinary memory. */
export class HostStorage implements Storage {
  readonly array: TypedArray;
  owners = 0;

  constructor(array: TypedArray) {
    this.array = array;
  }

  read(): TypedArray {
    return this.array;
  }

  readAsync(): Promise<TypedArray> {
    return Promise.resolve(this.array);
  }
}

export type NestedArray<T = number | boolean> = T | readonly NestedArray<T>[];

/**
 * An immutable n-dimensional array: a concrete one, or a tracer that stands for one inside a transformation.
 * Operations never change or consume a tensor, and nothing must be freed; `using`, `dispose` and `tidy` free early.
 */
export abstract class Tensor {
  /** Only declared: defining a field in the base of many classes is slow. */
  declare readonly aval: Aval;

  constructor(aval: Aval) {
    this.aval = aval;
  }

  get dtype(): DType {
    return this.aval.dtype;
  }

  get shape(): readonly number[] {
    return this.aval.shape;
  }

  get ndim(): number {
    return this.aval.shape.length;
  }

  get size(): number {
    return this.aval.size;
  }

  /** Gives the memory back now; using the tensor afterwards throws FreedTensor. A tracer holds none. */
  dispose(): void {}

  /** `using x = …` disposes of x at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The concrete tensor behind this one; throws {@link ConcreteValueNeeded} in a tracer that has none. */
  abstract concrete(use: string): ConcreteTensor;

  /** The elements in row-major order, as a fresh typed array (bool: one byte an element). CPU backends only. */
  dataSync(): TypedArray {
    return this.concrete('dataSync()').elements().slice();
  }

  /** The elements in row-major order, as a fresh typed array. Works on every backend. */
  async data(): Promise<TypedArray> {
    return (await this.concrete('data()').storage.readAsync()).slice();
  }

  /** The elements as nested arrays of numbers (booleans where the dtype is bool); a number where 0-dimensional. */
  arraySync(): NestedArray {
    return nest(this.concrete('arraySync()').elements(), this.shape, this.dtype);
  }

  async array(): Promise<NestedArray> {
    return nest(await this.concrete('array()').storage.readAsync(), this.shape, this.dtype);
  }

  /**
   * The single element as a number.
   * @example tensor([[3]]).item() // 3
   * @throws BadArgument where the tensor has more or fewer than one element
   */
  item(): number {
    if (this.size !== 1)
      throw new BadArgument({
        did: `item() of a tensor ${this.aval}, which has ${this.size} elements`,
        expected: 'a tensor with exactly one element',
        remedy:
          'reduce it first (x.sum(), x.mean()), index it (x.at(0).get()), or read all with x.arraySync()',
      });
    return this.concrete('item()').elements()[0];
  }

  /** A number for `x > 0` and `Number(x)`, the printed tensor for `${x}`. */
  [Symbol.toPrimitive](hint: string): number | string {
    if (hint === 'number') return this.item();
    if (hint === 'default' && this.size === 1) return this.item();
    return this.toString();
  }

  abstract toString(): string;

  get [Symbol.toStringTag](): string {
    return 'Tensor';
  }
}

// What Node prints for console.log(x).
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor): string {
    return this.toString();
  },
});

/** Called whenever a value is read: a condition was decided with it (see {@link TensorAsCondition}). */
export const readHook: { read(tensor: Tensor): void } = { read() {} };

/** A tensor whose elements are known. */
export class ConcreteTensor extends Tensor {
  #storage: Storage | null;

  constructor(aval: Aval, storage: Storage) {
    super(aval);
    this.#storage = storage;
    storage.owners++;
    noteMade(this);
  }

  /** @throws FreedTensor after `dispose` */
  get storage(): Storage {
    if (this.#storage === null)
      throw new FreedTensor({
        did: `used a tensor ${this.aval} whose memory was given back`,
        expected:
          'no use after dispose(), after the end of a `using` block or of tidy(), or after donating it to a jitted function',
        remedy: 'dispose it later, return it from tidy, or leave it out of `donate`',
      });
    return this.#storage;
  }

  /** The storage on a device, to which the tensor moves the first time. */
  on(device: Device): Storage {
    const { storage } = this;
    const there = device.adopt(storage, this.aval.dtype);
    if (there !== storage) {
      storage.owners--;
      there.owners++;
      this.#storage = there;
    }
    return there;
  }

  /** Whether no other tensor holds the storage, so that it may become another tensor's. */
  get isSoleOwner(): boolean {
    return this.#storage?.owners === 1;
  }

  override dispose(): void {
    const storage = this.#storage;
    if (storage === null) return;
    this.#storage = null;
    if (--storage.owners === 0) storage.free?.();
  }

  concrete(): ConcreteTensor {
    readHook.read(this);
    return this;
  }

  /** The elements themselves, not a copy. */
  elements(): TypedArray {
    const data = this.storage.read();
    if (data === null)
      throw new ConcreteValueNeeded({
        did: `read a tensor ${this.aval} synchronously`,
        expected: 'a device whose memory the program can read at once',
        remedy: 'write `await x.data()` or `await x.array()`',
      });
    return data;
  }

  toString(): string {
    if (this.#storage === null) return `Tensor(freed, ${this.aval})`;
    readHook.read(this);
    const data = this.storage.read();
    if (data === null) return `Tensor(…, ${this.aval})`;
    return `Tensor(${showArray(data, this.shape, this.dtype, '       ')}, ${this.aval})`;
  }
}

/** A tensor that the library shares between its uses: nobody gives it back. */
class SharedTensor extends ConcreteTensor {
  constructor(aval: Aval, storage: Storage) {
    super(aval, storage);
    outlive(this);
  }

  override get isSoleOwner(): boolean {
    return false;
  }

  override dispose(): void {}
}

const scalars = new Map<string, ConcreteTensor>();

/** The 0-dimensional constant of this value; equal ones are the same tensor. */
export function scalar(dtype: DType, value: number): ConcreteTensor {
  const key = Object.is(value, -0) ? `${dtype}-0` : dtype + value;
  let tensor = scalars.get(key);
  if (tensor === undefined) {
    const array = allocate(dtype, 1);
    array[0] = value;
    tensor = new SharedTensor(new Aval(dtype, []), new HostStorage(array));
    if (scalars.size < 1024) scalars.set(key, tensor);
  }
  return tensor;
}

function nest(data: TypedArray, shape: readonly number[], dtype: DType): NestedArray {
  const element = (i: number): number | boolean => (dtype === 'bool' ? data[i] !== 0 : data[i]);
  if (shape.length === 0) return element(0);
  let position = 0;
  const level = (axis: number): NestedArray =>
    Array.from({ length: shape[axis] }, () =>
      axis === shape.length - 1 ? element(position++) : level(axis + 1),
    );
  return level(0);
}
