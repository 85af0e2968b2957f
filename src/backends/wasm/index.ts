/** The WebAssembly backend: every kernel as SIMD code over one linear memory. */
import { bytesOf, type ScalarType } from '../../kernel/expression.ts';
import type { Routine } from '../../kernel/routine.ts';
import type { Backend, Buffer, Elements, MemoryUse, Run } from '../backend.ts';
import { enableRelaxedSimd, ModuleBuilder } from './encode.ts';
import { Heap, HeapBuffer } from './heap.ts';

import { assemble } from './routine.ts';
import { SmallBuffer, smallBytes } from './small.ts';
import { availableThreads, Threads } from './threads.ts';

export interface WasmOptions {
  /** Bytes that tensors may take in the heap before the least recently used ones move out. Default 1 GiB. */
  readonly budget?: number;
  /** Threads for parallel loops. Default: as many as the engine has processors, 1 where memory cannot be shared. */
  readonly threads?: number;
}

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly heap: Heap;
  readonly #threads: Threads | null = null;

  constructor(options: WasmOptions = {}) {
    enableRelaxedSimd();
    const most = availableThreads();
    this.heap = new Heap(options.budget ?? 2 ** 30, { shared: most > 1 });
    if (this.heap.isShared) this.#threads = new Threads(this.heap.memory, options.threads ?? most);
  }

  get threads(): number {
    return this.#threads?.count ?? 1;
  }

  /** How many threads run parallel loops; 1 where memory cannot be shared. */
  set threads(count: number) {
    if (this.#threads !== null) this.#threads.count = count;
  }

  memory(): MemoryUse {
    return this.heap.use();
  }

  setBudget(bytes: number): void {
    this.heap.budget = bytes;
  }

  allocate(type: ScalarType, size: number): Buffer {
    return isSmall(type, size) ? new SmallBuffer(type, size) : this.heap.allocate(type, size);
  }

  adopt(buffer: Buffer, type: ScalarType): Buffer {
    if (buffer instanceof SmallBuffer || (buffer instanceof HeapBuffer && buffer.heap === this.heap))
      return buffer;
    const elements = buffer.read() as Elements;
    if (isSmall(type, elements.length)) return SmallBuffer.of(type, elements);
    const own = this.heap.allocate(type, elements.length);
    own.write(elements);
    return own;
  }

  compile(routine: Routine): Run {
    const { heap } = this;
    const pool = this.#threads?.isFull === false ? this.#threads : null;
    const {
      bytes,
      inputs: read,
      table,
      arena,
      own,
      parallel,
    } = assemble(routine, {
      module: pool?.modules ?? null,
      shared: heap.isShared,
    });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: heap.memory },
    });
    const run = instance.exports.run as (table: number, arena: number, own: number, turn: number) => void;
    const shares = parallel && pool !== null && pool.count > 1;
    if (shares) pool.add(heap.keep(bytes), bytes.length);
    const { slots, end } = smallSlots(routine, read, table);
    return (inputs, outputs) => {
      heap.begin();
      for (let i = 0; i < read; i++) if (slots[i] === 0) heap.touch(inputs[i] as HeapBuffer);
      for (let i = 0; i < outputs.length; i++)
        if (slots[read + i] === 0) heap.touch(outputs[i] as HeapBuffer);
      const space = heap.scratch(end + arena + own * (shares ? pool.count : 1));
      const words = heap.words();
      const addresses = space >> 2;
      for (let i = 0; i < slots.length; i++) {
        const buffer = i < read ? inputs[i] : outputs[i - read];
        const slot = slots[i];
        if (slot === 0) words[addresses + i] = (buffer as HeapBuffer).block.address;
        else {
          words[addresses + i] = space + slot;
          if (i < read) (buffer as SmallBuffer).enter(words, (space + slot) >> 2);
        }
      }
      run(space, space + end, space + end + arena, 0);
      if (shares) pool.check();
      for (let i = read; i < slots.length; i++)
        if (slots[i] !== 0) (outputs[i - read] as SmallBuffer).leave(words, (space + slots[i]) >> 2);
    };
  }
}

function isSmall(type: ScalarType, size: number): boolean {
  return size * bytesOf[type] <= smallBytes;
}

/** Where small inputs and outputs stand during a call, counted from the table, behind which they are; 0 for others. */
function smallSlots(routine: Routine, inputs: number, table: number): { slots: Int32Array; end: number } {
  const slots = new Int32Array(inputs + routine.outputs.length);
  let end = table;
  const place = (i: number, type: ScalarType, size: number): void => {
    if (!isSmall(type, size) || slots[i] !== 0) return;
    slots[i] = end;
    end += smallBytes;
  };
  for (const { place: where, type, size } of routine.values)
    if (where.kind === 'input') place(where.index, type, size);
  routine.outputs.forEach(({ type, size }, i) => place(inputs + i, type, size));
  return { slots, end };
}

/** Whether this engine runs the backend: WebAssembly with SIMD, and a page whose policy lets it be compiled. */
export function wasmIsSupported(): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = new ModuleBuilder({ shared: false, maximumPages: 1 });
  module.function(['v128', 'v128'], ['v128'], f => f.params[0]);
  try {
    new WebAssembly.Module(module.finish());
    return true;
  } catch {
    return false;
  }
}

export function wasmBackend(options: WasmOptions = {}): WasmBackend {
  return new WasmBackend(options);
}
