/** Places in one piece of memory: free ranges are joined with their neighbours and used again, smallest fit first. */

interface Gap {
  start: number;
  size: number;
}

export class Arena {
  /** Sorted by start; no two touch. */
  readonly #gaps: Gap[] = [];
  /** Bytes from the beginning to the end of the last place given so far. */
  bytes = 0;

  /** The start of the smallest free range that fits; null where the memory would have to grow. */
  find(size: number): number | null {
    const gaps = this.#gaps;
    let best = -1;
    for (let i = 0; i < gaps.length; i++)
      if (gaps[i].size >= size && (best < 0 || gaps[i].size < gaps[best].size)) best = i;
    if (best < 0) return null;
    const gap = gaps[best];
    const { start } = gap;
    gap.start += size;
    gap.size -= size;
    if (gap.size === 0) gaps.splice(best, 1);
    return start;
  }

  /** How far the memory would reach if `size` bytes were added at its end. */
  reachWith(size: number): number {
    const last = this.#gaps.at(-1);
    return last !== undefined && last.start + last.size === this.bytes
      ? last.start + size
      : this.bytes + size;
  }

  /** A place at the end, joined with a free range there. */
  extend(size: number): number {
    const end = this.reachWith(size);
    if (end - size < this.bytes) this.#gaps.pop();
    this.bytes = end;
    return end - size;
  }

  take(size: number): number {
    return this.find(size) ?? this.extend(size);
  }

  give(start: number, size: number): void {
    const gaps = this.#gaps;
    let low = 0;
    let high = gaps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (gaps[middle].start < start) low = middle + 1;
      else high = middle;
    }
    const before = gaps[low - 1];
    const after = gaps[low];
    const joinsBefore = before !== undefined && before.start + before.size === start;
    const joinsAfter = after !== undefined && start + size === after.start;
    if (joinsBefore && joinsAfter) {
      before.size += size + after.size;
      gaps.splice(low, 1);
    } else if (joinsBefore) before.size += size;
    else if (joinsAfter) {
      after.start = start;
      after.size += size;
    } else gaps.splice(low, 0, { start, size });
  }
}
