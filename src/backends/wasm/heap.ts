/**
 * The memory of the WebAssembly backend. Blocks live in one WebAssembly.Memory up to a budget; over it, the least
 * recently used ones move out to ordinary ArrayBuffers, which the engine's own collector frees even in a loop that
 * never yields. Finalizers release blocks early where the loop does yield.
 */
import type { ScalarType } from '../../kernel/expression.ts';
import type { Buffer, Elements } from '../backend.ts';
import { bytesOf } from './lanes.ts';

const page = 65536;
/** Vector loads may read this far beyond an element, before and behind. */
const guard = 64;

const arrays: Record<ScalarType, new (memory: ArrayBufferLike, offset: number, length: number) => Elements> =
  {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    uint32: Uint32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };

/** A piece of memory: inside the heap (address > 0), or moved out. */
interface Block {
  address: number;
  readonly bytes: number;
  outside: ArrayBuffer | null;
  /** When it was last used, counting calls. */
  used: number;
}

export interface HeapUse {
  /** Bytes of blocks in the heap that tensors hold. */
  readonly bytes: number;
  readonly blocks: number;
  /** The most bytes that were held at once. */
  readonly peak: number;
  /** Bytes of WebAssembly memory taken from the engine. */
  readonly reserved: number;
}

/** Size classes, four to each doubling, so that freed blocks fit again. */
function roundUp(bytes: number): number {
  const wanted = Math.max(64, bytes + 2 * guard);
  const step = 2 ** Math.max(4, Math.floor(Math.log2(wanted)) - 2);
  return Math.ceil(wanted / step) * step;
}

export class OutOfMemory extends Error {
  readonly wanted: number;
  readonly budget: number;

  constructor(wanted: number, budget: number) {
    super(`${wanted} bytes do not fit into the memory budget of ${budget} bytes`);
    this.wanted = wanted;
    this.budget = budget;
  }
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  #budget: number;
  #top = page;
  #tick = 0;
  #held = 0;
  #peak = 0;
  readonly #free = new Map<number, number[]>();
  readonly #blocks = new Set<Block>();
  readonly #released = new FinalizationRegistry<Block>(block => this.#release(block));

  constructor(budget: number) {
    this.#budget = budget;
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  }

  get budget(): number {
    return this.#budget;
  }

  set budget(bytes: number) {
    this.#budget = bytes;
    if (this.#held > bytes) this.#moveOut(this.#held - bytes, this.#tick + 1);
  }

  use(): HeapUse {
    return {
      bytes: this.#held,
      blocks: this.#blocks.size,
      peak: this.#peak,
      reserved: this.memory.buffer.byteLength,
    };
  }

  /** Begins a call: blocks touched from now on stay in the heap until the next call. */
  begin(): void {
    this.#tick++;
  }

  allocate(type: ScalarType, size: number): HeapBuffer {
    const block: Block = { address: 0, bytes: size * bytesOf[type], outside: null, used: this.#tick };
    this.#place(block);
    const buffer = new HeapBuffer(this, block, type, size);
    this.#released.register(buffer, block, block);
    return buffer;
  }

  /** The block's address, after bringing it back if it was moved out. */
  touch(block: Block): number {
    block.used = this.#tick;
    if (block.address === 0) this.#bringBack(block);
    return block.address;
  }

  /** Gives a block back before its buffer is collected. */
  free(block: Block): void {
    this.#released.unregister(block);
    this.#release(block);
    block.outside = null;
  }

  view(type: ScalarType, block: Block, size: number): Elements {
    if (block.outside !== null) return new arrays[type](block.outside, 0, size);
    return new arrays[type](this.memory.buffer, block.address, size);
  }

  #place(block: Block): void {
    const size = roundUp(block.bytes);
    let start = this.#free.get(size)?.pop();
    if (start === undefined) {
      if (this.#top - page + size > this.#budget) start = this.#makeRoom(size);
      else start = this.#extend(size);
    }
    block.address = start + guard;
    this.#blocks.add(block);
    this.#held += size;
    this.#peak = Math.max(this.#peak, this.#held);
  }

  #extend(size: number): number {
    const start = this.#top;
    const missing = start + size + guard - this.memory.buffer.byteLength;
    if (missing > 0) {
      // Growing is slow: take a quarter more than needed.
      const pages = Math.ceil(Math.max(missing, this.memory.buffer.byteLength / 4) / page);
      try {
        this.memory.grow(pages);
      } catch {
        try {
          this.memory.grow(Math.ceil(missing / page));
        } catch {
          throw new OutOfMemory(size, this.#budget);
        }
      }
    }
    this.#top = start + size;
    return start;
  }

  /** A free place of this size, after moving out what was used longest ago. */
  #makeRoom(size: number): number {
    this.#moveOut(Math.max(size, this.#budget / 4), this.#tick);
    const ready = this.#free.get(size)?.pop();
    if (ready !== undefined) return ready;
    this.#compact();
    if (this.#top - page + size <= this.#budget) return this.#extend(size);
    this.#moveOut(this.#budget, this.#tick);
    this.#compact();
    if (this.#top - page + size <= this.#budget) return this.#extend(size);
    throw new OutOfMemory(size, this.#budget);
  }

  /** Moves blocks out, oldest first, until so many bytes are free; those used in the current call stay. */
  #moveOut(bytes: number, before: number): void {
    let freed = 0;
    for (const block of [...this.#blocks].sort((a, b) => a.used - b.used)) {
      if (freed >= bytes || block.used >= before) return;
      block.outside = this.memory.buffer.slice(block.address, block.address + block.bytes) as ArrayBuffer;
      freed += roundUp(block.bytes);
      this.#release(block);
    }
  }

  /** Joins free places at the end of the used range, and forgets the classes of others where all are free. */
  #compact(): void {
    const taken = [...this.#blocks].reduce(
      (end, block) => Math.max(end, block.address - guard + roundUp(block.bytes)),
      page,
    );
    for (const [size, starts] of this.#free) {
      const kept = starts.filter(start => start < taken);
      if (kept.length > 0) this.#free.set(size, kept);
      else this.#free.delete(size);
    }
    this.#top = taken;
  }

  #bringBack(block: Block): void {
    const { outside } = block;
    this.#place(block);
    block.outside = null;
    if (outside !== null)
      new Uint8Array(this.memory.buffer, block.address, block.bytes).set(new Uint8Array(outside));
  }

  #release(block: Block): void {
    if (block.address === 0 || !this.#blocks.delete(block)) return;
    const size = roundUp(block.bytes);
    const starts = this.#free.get(size);
    if (starts === undefined) this.#free.set(size, [block.address - guard]);
    else starts.push(block.address - guard);
    this.#held -= size;
    block.address = 0;
  }
}

/** A tensor's memory in a heap. */
export class HeapBuffer implements Buffer {
  readonly heap: Heap;
  readonly block: Block;
  readonly type: ScalarType;
  readonly size: number;

  constructor(heap: Heap, block: Block, type: ScalarType, size: number) {
    this.heap = heap;
    this.block = block;
    this.type = type;
    this.size = size;
  }

  /** A view that is good until the next operation. */
  read(): Elements {
    return this.heap.view(this.type, this.block, this.size);
  }

  readAsync(): Promise<Elements> {
    return Promise.resolve(this.read());
  }

  write(data: Elements): void {
    this.heap.touch(this.block);
    this.heap.view(this.type, this.block, this.size).set(data);
  }
}
