/** Sets of input elements, kept once each: a dependence is the number of a set, and most elements share theirs. */

/** Thrown where sets would take more work than allowed: the pattern is not worth having. */
export class TooDense extends Error {}

/**
 * Sets of numbers below `size`. Set 0 is empty, set 1 + i is {i}; others get their number when they are first made.
 * Equal sets have equal numbers.
 */
export class IndexSets {
  readonly size: number;
  readonly #sets: (Int32Array | undefined)[];
  readonly #byHash = new Map<number, number[]>();
  readonly #pairs = new Map<number, number>();
  /** For each element and each set the round in which it was last met. */
  readonly #metElement: Int32Array;
  #metSet: Int32Array;
  #round = 0;
  #pending: number[] = [];
  #work = 0;
  readonly #limit: number;

  /** @param limit how many elements may be touched in all */
  constructor(size: number, limit: number = Number.POSITIVE_INFINITY) {
    this.size = size;
    this.#limit = limit;
    this.#sets = new Array<Int32Array | undefined>(size + 1);
    this.#sets[0] = new Int32Array(0);
    this.#metElement = new Int32Array(size);
    this.#metSet = new Int32Array(2 * size + 64);
  }

  /** The elements of a set, increasing. */
  elements(set: number): Int32Array {
    let elements = this.#sets[set];
    if (elements === undefined) {
      elements = Int32Array.of(set - 1);
      this.#sets[set] = elements;
    }
    return elements;
  }

  /** Counts work that is not the making of a set. */
  spend(work: number): void {
    this.#work += work;
    if (this.#work > this.#limit) throw new TooDense();
  }

  union(a: number, b: number): number {
    if (a === b || b === 0) return a;
    if (a === 0) return b;
    const key = a < b ? a * 0x4000000 + b : b * 0x4000000 + a;
    let set = this.#pairs.get(key);
    if (set === undefined) {
      set = this.#number(merged(this.elements(a), this.elements(b)));
      this.#pairs.set(key, set);
    }
    return set;
  }

  /** Begins the union of any number of sets. */
  begin(): void {
    this.#round++;
    this.#pending = [];
  }

  add(set: number): void {
    if (set === 0) return;
    if (set >= this.#metSet.length) {
      const wider = new Int32Array(2 * set);
      wider.set(this.#metSet);
      this.#metSet = wider;
    }
    if (this.#metSet[set] === this.#round) return;
    this.#metSet[set] = this.#round;
    this.#pending.push(set);
  }

  /** The union of the sets that were added. */
  end(): number {
    const list = this.#pending;
    if (list.length <= 2) return this.union(list[0] ?? 0, list[1] ?? 0);
    let most = 0;
    for (const set of list) most += this.elements(set).length;
    this.spend(most);
    const found = new Int32Array(Math.min(most, this.size));
    let count = 0;
    for (const set of list) {
      const elements = this.elements(set);
      for (let i = 0; i < elements.length; i++) {
        const element = elements[i];
        if (this.#metElement[element] === this.#round) continue;
        this.#metElement[element] = this.#round;
        found[count++] = element;
      }
    }
    return this.#number(found.slice(0, count).sort());
  }

  #number(elements: Int32Array): number {
    this.spend(elements.length);
    if (elements.length === 1) return elements[0] + 1;
    let hash = elements.length;
    for (let i = 0; i < elements.length; i++) hash = (Math.imul(hash, 0x01000193) ^ elements[i]) | 0;
    const same = this.#byHash.get(hash);
    const known = same?.find(set => equal(this.elements(set), elements));
    if (known !== undefined) return known;
    const number = this.#sets.push(elements) - 1;
    if (same === undefined) this.#byHash.set(hash, [number]);
    else same.push(number);
    return number;
  }
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function merged(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let n = 0;
  while (i < a.length && j < b.length) {
    const x = a[i];
    const y = b[j];
    if (x <= y) i++;
    if (y <= x) j++;
    all[n++] = x < y ? x : y;
  }
  while (i < a.length) all[n++] = a[i++];
  while (j < b.length) all[n++] = b[j++];
  return all.slice(0, n);
}
