/** What printed code has computed already, while statements change what it reads. */
import { childrenOf, type Expression } from './expression.ts';
import type { Effects } from './statement.ts';

/**
 * Values of expressions by scope. A value counts as long as its scope is open and nothing it was computed from has
 * changed since.
 */
export class Known<T> {
  readonly #inputs: number;
  readonly #scopes: Map<Expression, { readonly value: T; readonly time: number }>[] = [new Map()];
  /** The outputs (k) and locals (−1 − i) that an expression reads. */
  readonly #reads = new Map<Expression, readonly number[]>();
  readonly #changed = new Map<number, number>();
  #time = 0;

  constructor(inputs: number) {
    this.#inputs = inputs;
  }

  enter(): void {
    this.#scopes.push(new Map());
  }

  leave(): void {
    this.#scopes.pop();
  }

  find(x: Expression): T | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const entry = this.#scopes[i].get(x);
      if (entry === undefined) continue;
      if (this.readsOf(x).every(what => (this.#changed.get(what) ?? 0) <= entry.time)) return entry.value;
    }
    return undefined;
  }

  keep(x: Expression, value: T): void {
    (this.#scopes.at(-1) as Map<Expression, { value: T; time: number }>).set(x, { value, time: this.#time });
  }

  /** Notes that statements have changed these, or may have when what follows runs. */
  change({ outputs, locals }: Effects): void {
    this.#time++;
    for (const output of outputs) this.#changed.set(output, this.#time);
    for (const local of locals) this.#changed.set(-1 - local, this.#time);
  }

  /** The outputs k and locals i that an expression reads, as k and −1 − i. */
  readsOf(x: Expression): readonly number[] {
    let reads = this.#reads.get(x);
    if (reads === undefined) {
      const own = x.op === 'carry' ? [-1 - x.index] : [];
      if (x.op === 'load' && x.source >= this.#inputs) own.push(x.source - this.#inputs);
      const parts = [own, ...childrenOf(x).map(child => this.readsOf(child))].filter(part => part.length > 0);
      reads = parts.length <= 1 ? (parts[0] ?? none) : [...new Set(parts.flat())];
      this.#reads.set(x, reads);
    }
    return reads;
  }
}

const none: readonly number[] = [];
