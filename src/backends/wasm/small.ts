/** Tensors of a few elements: not worth a place in the heap, they travel there and back with every call. */
import { bytesOf, type ScalarType } from '../../kernel/expression.ts';
import type { Buffer, Elements } from '../backend.ts';

/** The engine makes typed arrays up to this size about as fast as objects, and collects them as it does those. */
export const smallBytes = 64;

const shared = new ArrayBuffer(smallBytes);
const words = new Int32Array(shared);
const views: Record<ScalarType, Elements> = {
  float32: new Float32Array(shared),
  float64: new Float64Array(shared),
  int32: words,
  uint32: new Uint32Array(shared),
  int8: new Int8Array(shared),
  uint8: new Uint8Array(shared),
  bool: new Uint8Array(shared),
};

/** A tensor's elements, whatever their type, as words in ordinary memory. */
export class SmallBuffer implements Buffer {
  readonly type: ScalarType;
  readonly size: number;
  readonly words: Int32Array;
  owners = 0;

  constructor(type: ScalarType, size: number) {
    this.type = type;
    this.size = size;
    this.words = new Int32Array((size * bytesOf[type] + 3) >> 2);
  }

  static of(type: ScalarType, elements: Elements): SmallBuffer {
    const buffer = new SmallBuffer(type, elements.length);
    views[type].set(elements);
    for (let i = 0; i < buffer.words.length; i++) buffer.words[i] = words[i];
    return buffer;
  }

  read(): Elements {
    words.set(this.words);
    return views[this.type].slice(0, this.size);
  }

  readAsync(): Promise<Elements> {
    return Promise.resolve(this.read());
  }

  /** Copies the elements to a word address of a memory. */
  enter(memory: Int32Array, at: number): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) memory[at + i] = words[i];
  }

  /** Takes the elements from there. */
  leave(memory: Int32Array, at: number): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) words[i] = memory[at + i];
  }
}
