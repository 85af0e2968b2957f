/** The WebAssembly backend: every kernel as SIMD code over one linear memory. */
import type { ScalarType } from '../../kernel/expression.ts';
import type { Routine } from '../../kernel/routine.ts';
import type { Backend, Buffer, Elements, MemoryUse, Run } from '../backend.ts';
import { enableRelaxedSimd, ModuleBuilder } from './encode.ts';
import { Heap, HeapBuffer } from './heap.ts';
import { assemble } from './routine.ts';
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
  readonly #adopted = new WeakMap<Buffer, HeapBuffer>();
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

  allocate(type: ScalarType, size: number): HeapBuffer {
    return this.heap.allocate(type, size);
  }

  adopt(buffer: Buffer, type: ScalarType): Buffer {
    if (buffer instanceof HeapBuffer && buffer.heap === this.heap) return buffer;
    let own = this.#adopted.get(buffer);
    if (own === undefined) {
      const data = buffer.read() as Elements;
      own = this.heap.allocate(type, data.length);
      own.write(data);
      this.#adopted.set(buffer, own);
    }
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
    return (inputs, outputs) => {
      heap.begin();
      for (let i = 0; i < read; i++) heap.touch((inputs[i] as HeapBuffer).block);
      for (const output of outputs) heap.touch((output as HeapBuffer).block);
      const space = heap.scratch(table + arena + own * (shares ? pool.count : 1));
      const addresses = heap.words();
      let at = space >> 2;
      for (let i = 0; i < read; i++) addresses[at++] = (inputs[i] as HeapBuffer).block.address;
      for (const output of outputs) addresses[at++] = (output as HeapBuffer).block.address;
      run(space, space + table, space + table + arena, 0);
      if (shares) pool.check();
    };
  }
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
