/**
 * The memory of the WebAssembly backend. Blocks live in one WebAssembly.Memory up to a budget; over it, the least
 * recently used ones move out to ordinary ArrayBuffers, which the engine's own collector frees even in a loop that
 * never yields. Finalizers release blocks early where the loop does yield.
 */
import { Arena } from '../../kernel/arena.ts';
import { bytesOf, type ScalarType } from '../../kernel/expression.ts';
import { BudgetExceeded, type Buffer, type Elements, elementArrays, type MemoryUse } from '../backend.ts';

const page = 65536;
/** Vector loads may read this far beyond an element, before and behind. */
const guard = 64;

/** A piece of memory: inside the heap (address > 0) and then in the ring of blocks by their last use, or moved out. */
class Block {
  readonly bytes: number;
  address = 0;
  /** Where a small one stands. */
  slab: Slab | null = null;
  outside: ArrayBuffer | null = null;
  /** When it was last used, counting calls. */
  used: number;
  older: Block = this;
  newer: Block = this;

  constructor(bytes: number, used: number) {
    this.bytes = bytes;
    this.used = used;
  }

  enter(before: Block): void {
    this.newer = before;
    this.older = before.older;
    before.older.newer = this;
    before.older = this;
  }

  leave(): void {
    this.older.newer = this.newer;
    this.newer.older = this.older;
    this.older = this;
    this.newer = this;
  }
}

/** Small blocks have sizes of their own, four to each doubling, so that freed ones fit again at once. */
const small = 32768;
const slabBytes = 4 * small;

/** What a block takes of the budget at least: the engine needs some hundred bytes to watch over it. */
const leastShare = 4096;

/** A place that is cut into small ones of equal size. */
class Slab {
  readonly start: number;
  readonly size: number;
  readonly #free: number[] = [];
  #cut = 0;
  live = 0;

  constructor(start: number, size: number) {
    this.start = start;
    this.size = size;
  }

  get full(): boolean {
    return (this.live + 1) * this.size > slabBytes;
  }

  take(): number {
    this.live++;
    return this.#free.pop() ?? this.start + this.size * this.#cut++;
  }

  give(start: number): void {
    this.live--;
    this.#free.push(start);
  }
}

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
  /** Slabs with room, by size. */
  readonly #slabs = new Map<number, Slab[]>();
  /** Stands between the block used last and the one used longest ago. */
  readonly #ring = new Block(0, 0);
  #count = 0;
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
    while (this.#held > bytes && this.#moveOut(this.#tick + 1));
  }

  /**
   * Tensors move out before the budget is reached: what has moved out and is not used any more takes memory until the
   * engine collects it. A call that needs the whole budget gets it.
   */
  get #comfort(): number {
    return this.#budget - Math.min(2 ** 26, this.#budget / 4);
  }

  use(): MemoryUse {
    return {
      budget: this.#budget,
      bytes: this.#held,
      tensors: this.#count,
      peak: this.#peak,
      reserved: this.memory.buffer.byteLength,
    };
  }

  /** Begins a call: blocks touched from now on stay in the heap until the next call. */
  begin(): void {
    this.#tick++;
  }

  /** A new block. Between calls, so that all others may move out for it; a call brings back what it needs. */
  allocate(type: ScalarType, size: number): HeapBuffer {
    this.begin();
    const block = new Block(size * bytesOf[type], this.#tick);
    this.#place(block);
    const buffer = new HeapBuffer(this, block, type, size);
    this.#released.register(buffer, block, block);
    return buffer;
  }

  /** Marks a buffer as used now and brings it back if it was moved out. */
  touch(buffer: HeapBuffer): void {
    const { block } = buffer;
    block.used = this.#tick;
    if (block.address === 0) this.#bringBack(buffer);
    else {
      block.leave();
      block.enter(this.#ring);
    }
  }

  /** Gives a block back before its buffer is collected. */
  free(block: Block): void {
    this.#released.unregister(block);
    this.#release(block);
    block.outside = null;
  }

  view(type: ScalarType, block: Block, size: number): Elements {
    if (block.outside !== null) return new elementArrays[type](block.outside, 0, size);
    return new elementArrays[type](this.memory.buffer, block.address, size);
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
      this.#scratch = null;
      const block = new Block(bytes, this.#tick);
      this.#place(block);
      block.leave();
      this.#scratch = block;
    }
    return this.#scratch.address;
  }

  #place(block: Block): void {
    const size = roundUp(block.bytes);
    while (this.#count * leastShare > this.#budget && this.#moveOut(this.#tick));
    const place = (limit: number): number | null =>
      size <= small ? this.#smallPlace(block, size, limit) : this.#largePlace(size, limit);
    let start = place(this.#comfort);
    while (start === null && this.#moveOut(this.#tick)) start = place(this.#comfort);
    start ??= place(this.#budget);
    if (start === null) throw new BudgetExceeded(size, this.#budget);
    block.address = start + guard;
    block.enter(this.#ring);
    this.#count++;
    this.#held += size;
    this.#peak = Math.max(this.#peak, this.#held);
  }

  #smallPlace(block: Block, size: number, limit: number): number | null {
    let slabs = this.#slabs.get(size);
    if (slabs === undefined) {
      slabs = [];
      this.#slabs.set(size, slabs);
    }
    if (slabs.length === 0) {
      const start = this.#largePlace(slabBytes, limit);
      if (start === null) return null;
      slabs.push(new Slab(start, size));
    }
    const slab = slabs[slabs.length - 1];
    block.slab = slab;
    const start = slab.take();
    if (slab.full) slabs.pop();
    return start;
  }

  /** The last slab of a size with room is kept even if it is empty. */
  #giveSmall(start: number, slab: Slab): void {
    const slabs = this.#slabs.get(slab.size) as Slab[];
    if (slab.full) slabs.push(slab);
    slab.give(start);
    if (slab.live > 0 || slabs.length === 1) return;
    slabs.splice(slabs.indexOf(slab), 1);
    this.#arena.give(slab.start - page, slabBytes);
  }

  /** A place in the memory, which grows up to a limit; null where there is none. */
  #largePlace(size: number, limit: number): number | null {
    const start = this.#arena.find(size);
    if (start !== null) return page + start;
    const end = this.#arena.reachWith(size);
    if (end > limit) return null;
    this.#grow(page + end + guard, size);
    return page + this.#arena.extend(size);
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
    throw new BudgetExceeded(size, this.#budget);
  }

  /** Moves the block out that was used longest ago, if that was before a time: those used in the current call stay. */
  #moveOut(before: number): boolean {
    const block = this.#ring.newer;
    if (block === this.#ring || block.used >= before) return false;
    // From here on the collector frees it, even in a loop in which finalizers never run.
    this.#released.unregister(block);
    const elements = new Uint8Array(this.memory.buffer, block.address, block.bytes);
    block.outside = elements.slice().buffer as ArrayBuffer;
    this.#release(block);
    return true;
  }

  #bringBack(buffer: HeapBuffer): void {
    const { block } = buffer;
    const { outside } = block;
    this.#place(block);
    this.#released.register(buffer, block, block);
    block.outside = null;
    if (outside !== null)
      new Uint8Array(this.memory.buffer, block.address, block.bytes).set(new Uint8Array(outside));
  }

  #release(block: Block): void {
    if (block.address === 0) return;
    const start = block.address - guard;
    const size = roundUp(block.bytes);
    if (block.slab !== null) this.#giveSmall(start, block.slab);
    else this.#arena.give(start - page, size);
    block.slab = null;
    block.address = 0;
    block.leave();
    this.#count--;
    this.#held -= size;
  }
}

/** A tensor's memory in a heap. */
export class HeapBuffer implements Buffer {
  readonly heap: Heap;
  readonly block: Block;
  readonly type: ScalarType;
  readonly size: number;
  owners = 0;

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
    this.heap.touch(this);
    this.heap.view(this.type, this.block, this.size).set(data);
  }
}
