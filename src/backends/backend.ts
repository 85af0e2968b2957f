/** What a backend is: a store of buffers and a compiler of kernels. It never sees a primitive. */
import type { ScalarType } from '../kernel/expression.ts';
import type { Kernel } from '../kernel/kernel.ts';

export type Elements = Float32Array | Float64Array | Int32Array | Uint32Array | Int8Array | Uint8Array;

/** Memory that holds the elements of one tensor, row-major; bool is one byte, 0 or 1. */
export interface Buffer {
  /** The elements now, or null where the device cannot be read synchronously. */
  read(): Elements | null;
  readAsync(): Promise<Elements>;
}

/** Runs a kernel: reads the inputs, overwrites the outputs, which are distinct from the inputs. */
export type Run = (inputs: readonly Buffer[], outputs: readonly Buffer[]) => void;

export interface Backend {
  readonly name: string;
  /** A buffer of that many elements; what they are is undefined. */
  allocate(type: ScalarType, size: number): Buffer;
  /** A buffer of this backend with the same elements: the same one if it is this backend's already. */
  adopt(buffer: Buffer, type: ScalarType): Buffer;
  compile(kernel: Kernel): Run;
}
