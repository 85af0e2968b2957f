/**
 * The memory of the WebAssembly backend. Blocks live in one WebAssembly.Memory up to a budget; over it, the least
 * recently used ones move out to ordinary ArrayBuffers, which the engine's own collector frees even in a loop that
 * never yields. Finalizers release blocks early where the loop does yield.
 */
import { Arena } from '../../kernel/arena.ts';
import type { ScalarType } from '../../kernel/expression.ts';
import { type Buffer, type Elements, type MemoryUse, OutOfMemory } from '../backend.ts';
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

/** Small blocks have sizes of their own, four to each doubling, so that freed ones fit again at once. */
const small = 32768;

function roundUp(bytes: number): number {
  const wanted = Math.max(64, bytes + 2 * guard);
  const step = wanted > small ? 4096 : 2 ** Math.max(4, Math.floor(Math.log2(wanted)) - 2);
  return Math.ceil(wanted / step) * step;
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly isShared: boolean;
  #budget: number;
  #tick = 0;
  #held = 0;
  #peak = 0;
  #scratch: Block | null = null;
  readonly #arena = new Arena();
  /** Free small blocks by size. */
  readonly #free = new Map<number, number[]>();
  readonly #blocks = new Set<Block>();
  readonly #released = new FinalizationRegistry<Block>(block => this.#release(block));

  constructor(budget: number, { shared = false }: { readonly shared?: boolean } = {}) {
    this.#budget = budget;
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared });
    this.isShared = shared;
  }

  /** A copy of bytes that stays in the memory for good. */
  keep(bytes: Uint8Array): number {
    const address = page + this.#arena.extend(roundUp(bytes.length));
    this.#grow(address + bytes.length + guard, bytes.length);
    new Uint8Array(this.memory.buffer, address, bytes.length).set(bytes);
    return address;
  }

  get budget(): number {
    return this.#budget;
  }

  set budget(bytes: number) {
    this.#budget = bytes;
    if (this.#held > bytes) this.#moveOut(this.#held - bytes, this.#tick + 1);
  }

  use(): MemoryUse {
    return {
      budget: this.#budget,
      bytes: this.#held,
      tensors: this.#blocks.size,
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

  #words = new Int32Array(0);

  /** The memory as int32, made anew when it has grown. */
  words(): Int32Array {
    if (this.#words.buffer !== this.memory.buffer) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  /** The address of scratch memory that every call may use; it is kept, and grows with the largest call. */
  scratch(bytes: number): number {
    if (this.#scratch === null || this.#scratch.bytes < bytes) {
      if (this.#scratch !== null) this.#release(this.#scratch);
      this.#scratch = { address: 0, bytes, outside: null, used: Number.POSITIVE_INFINITY };
      this.#place(this.#scratch);
    }
    return this.#scratch.address;
  }

  #place(block: Block): void {
    const size = roundUp(block.bytes);
    block.address = (size <= small ? this.#smallPlace(size) : this.#largePlace(size)) + guard;
    this.#blocks.add(block);
    this.#held += size;
    this.#peak = Math.max(this.#peak, this.#held);
  }

  /** Small blocks are cut from slabs, which are never given back. */
  #smallPlace(size: number): number {
    const ready = this.#free.get(size)?.pop();
    if (ready !== undefined) return ready;
    const count = Math.max(1, Math.floor((4 * small) / size));
    const slab = this.#largePlace(count * size);
    for (let i = 1; i < count; i++) this.#giveSmall(slab + i * size, size);
    return slab;
  }

  #giveSmall(start: number, size: number): void {
    const starts = this.#free.get(size);
    if (starts === undefined) this.#free.set(size, [start]);
    else starts.push(start);
  }

  #largePlace(size: number): number {
    for (const bytes of [0, Math.max(size, this.#budget / 4), Number.POSITIVE_INFINITY]) {
      if (bytes > 0) this.#moveOut(bytes, this.#tick);
      const start = this.#arena.find(size);
      if (start !== null) return page + start;
      if (this.#arena.reachWith(size) <= this.#budget) {
        this.#grow(page + this.#arena.reachWith(size) + guard, size);
        return page + this.#arena.extend(size);
      }
    }
    throw new OutOfMemory(size, this.#budget);
  }

  #grow(end: number, size: number): void {
    const missing = end - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    // Growing is slow: take a quarter more than needed where the engine gives it.
    for (const bytes of [Math.max(missing, this.memory.buffer.byteLength / 4), missing])
      try {
        this.memory.grow(Math.ceil(bytes / page));
        return;
      } catch {}
    throw new OutOfMemory(size, this.#budget);
  }

  /** Moves blocks out, oldest first, until so many bytes are free; those used in the current call stay. */
  #moveOut(bytes: number, before: number): void {
    let freed = 0;
    for (const block of [...this.#blocks].sort((a, b) => a.used - b.used)) {
      if (freed >= bytes || block.used >= before) return;
      block.outside = new ArrayBuffer(block.bytes);
      new Uint8Array(block.outside).set(new Uint8Array(this.memory.buffer, block.address, block.bytes));
      freed += roundUp(block.bytes);
      this.#release(block);
    }
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
    if (size <= small) this.#giveSmall(block.address - guard, size);
    else this.#arena.give(block.address - guard - page, size);
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

  free(): void {
    this.heap.free(this.block);
  }

  write(data: Elements): void {
    this.heap.touch(this.block);
    this.heap.view(this.type, this.block, this.size).set(data);
  }
}
