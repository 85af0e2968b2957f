/** The heap keeps what is needed, moves out what was used longest ago, and uses memory again. */
import { describe, expect, test } from 'vitest';
import { BudgetExceeded } from '../../src/backends/backend.ts';
import { Heap, type HeapBuffer } from '../../src/backends/wasm/heap.ts';
import { randomNumbers } from '../laws/samples.ts';

const megabyte = 2 ** 20;

function filled(heap: Heap, size: number, value: number): HeapBuffer {
  heap.begin();
  const buffer = heap.allocate('float32', size);
  buffer.read().fill(value);
  return buffer;
}

describe('heap', () => {
  test('values survive moving out and coming back', () => {
    const heap = new Heap(8 * megabyte);
    const random = randomNumbers(3);
    const buffers = Array.from({ length: 100 }, (_, i) =>
      filled(heap, 1 + Math.floor(random() * 200_000), i),
    );
    expect(heap.use().bytes).toBeLessThanOrEqual(8 * megabyte);
    for (let round = 0; round < 300; round++) {
      const i = Math.floor(random() * buffers.length);
      heap.begin();
      heap.touch(buffers[i]);
      expect(buffers[i].read().every(x => x === i)).toBe(true);
    }
    expect(heap.use().reserved).toBeLessThanOrEqual(12 * megabyte);
  });

  test('freed memory is used again, whatever the order of sizes', () => {
    const heap = new Heap(64 * megabyte);
    const random = randomNumbers(5);
    for (let round = 0; round < 2000; round++) {
      const buffer = filled(heap, 1 + Math.floor(random() * 2 ** (8 + (round % 14))), 1);
      heap.free(buffer.block);
    }
    expect(heap.use()).toMatchObject({ tensors: 0, bytes: 0 });
    expect(heap.use().reserved).toBeLessThanOrEqual(32 * megabyte);
  });

  test('more than the budget in one call is an error, and the heap works afterwards', () => {
    const heap = new Heap(4 * megabyte);
    const kept = filled(heap, 1000, 7);
    heap.begin();
    expect(() => heap.allocate('float32', 2 * megabyte)).toThrow(BudgetExceeded);
    expect(filled(heap, 500_000, 2).read()[499_999]).toBe(2);
    heap.begin();
    heap.touch(kept);
    expect(kept.read()[999]).toBe(7);
  });
});
