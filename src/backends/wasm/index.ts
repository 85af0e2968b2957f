/** The WebAssembly backend: every kernel as SIMD code over one linear memory. */
import type { ScalarType } from '../../kernel/expression.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Backend, Buffer, Elements, Run } from '../backend.ts';
import { sortRows } from '../sorting.ts';
import { hasRelaxedSimd, ModuleBuilder } from './encode.ts';
import { Heap, HeapBuffer } from './heap.ts';
import { VectorMath } from './math/index.ts';
import { addKernel } from './nest.ts';

const maximumPages = 65536;

export interface WasmOptions {
  /** Bytes that tensors may take in the heap before the least recently used ones move out. Default 1 GiB. */
  readonly budget?: number;
}

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly heap: Heap;
  readonly #adopted = new WeakMap<Buffer, HeapBuffer>();

  constructor(options: WasmOptions = {}) {
    this.heap = new Heap(options.budget ?? 2 ** 30);
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

  compile(kernel: Kernel): Run {
    const { heap } = this;
    if (kernel.nest.form === 'sort') {
      const { nest } = kernel;
      return (inputs, outputs) => {
        heap.begin();
        touchAll(heap, inputs, outputs);
        sortRows(inputs[0].read() as Elements, outputs[0].read() as Elements, nest);
      };
    }
    const module = new ModuleBuilder({ shared: false, maximumPages });
    const math = new VectorMath(module, { relaxed: hasRelaxedSimd() });
    const run = addKernel(module, math, kernel);
    module.export(run, 'run');
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
      env: { memory: heap.memory },
    });
    const execute = instance.exports.run as (...addresses: number[]) => void;
    return (inputs, outputs) => {
      heap.begin();
      execute(...touchAll(heap, inputs, outputs));
    };
  }
}

function touchAll(heap: Heap, inputs: readonly Buffer[], outputs: readonly Buffer[]): number[] {
  const all = [...inputs, ...outputs] as HeapBuffer[];
  for (const buffer of all) heap.touch(buffer.block);
  return all.map(buffer => buffer.block.address);
}

/** Whether this engine runs the backend: WebAssembly with SIMD. */
export function wasmIsSupported(): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = new ModuleBuilder({ shared: false, maximumPages: 1 });
  module.function(['v128'], ['v128'], f => f.params[0]);
  return WebAssembly.validate(module.finish());
}

export function wasmBackend(options: WasmOptions = {}): WasmBackend {
  return new WasmBackend(options);
}
