/** What a backend is: a store of buffers and a compiler of routines. It never sees a primitive. */
import type { ScalarType } from '../kernel/expression.ts';
import type { Routine } from '../kernel/routine.ts';

export type Elements = Float32Array | Float64Array | Int32Array | Uint32Array | Int8Array | Uint8Array;

/** A typed array for each element type: fresh, or a view of memory. */
export const elementArrays: Record<
  ScalarType,
  {
    new (size: number): Elements;
    new (memory: ArrayBufferLike, offset: number, size: number): Elements;
  }
> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Memory that holds the elements of one tensor, row-major; bool is one byte, 0 or 1. */
export interface Buffer {
  /** The elements now, or null where the device cannot be read synchronously. */
  read(): Elements | null;
  readAsync(): Promise<Elements>;
  /** How many tensors hold it, as they count themselves; 0 at first. */
  owners: number;
}

/** Runs a routine: reads the inputs, overwrites the outputs, which are distinct from the inputs. */
export type Run = (inputs: readonly Buffer[], outputs: readonly Buffer[]) => void;

/** A program or tensor that does not fit into the memory budget. */
export class BudgetExceeded extends Error {
  readonly wanted: number;
  readonly budget: number;

  constructor(wanted: number, budget: number) {
    super(`${wanted} bytes do not fit into the memory budget of ${budget} bytes`);
    this.wanted = wanted;
    this.budget = budget;
  }
}

/** A thread that stopped in the middle of its work: the results of that call are not complete. */
export class WorkerFailed extends Error {
  readonly thread: number;

  constructor(thread: number) {
    super(`thread ${thread} failed`);
    this.thread = thread;
  }
}

/** What a backend's memory holds. */
export interface MemoryUse {
  /** Bytes and number of live tensors' buffers in fast memory. */
  readonly bytes: number;
  readonly tensors: number;
  /** The most bytes held at once. */
  readonly peak: number;
  /** Bytes taken from the system for fast memory. */
  readonly reserved: number;
  /** Bytes that tensors may take before the least recently used move out. */
  readonly budget: number;
}

export interface Backend {
  readonly name: string;
  /** Absent where memory is the engine's own. */
  memory?(): MemoryUse;
  setBudget?(bytes: number): void;
  /** How many threads run parallel loops; absent where there is always one. */
  threads?: number;
  /** A buffer of that many elements; what they are is undefined. */
  allocate(type: ScalarType, size: number): Buffer;
  /** A buffer of this backend with the same elements: the same one if it is this backend's already. */
  adopt(buffer: Buffer, type: ScalarType): Buffer;
  compile(routine: Routine): Run;
}
