/** Householder's decomposition with column pivoting of small matrices, in double precision on the host. */

/** Columns one after the other, each of `rows` elements. */
export interface Columns {
  readonly data: Float64Array;
  readonly rows: number;
  readonly count: number;
}

/** √Σ v², where squares may overflow or vanish. */
export function length(v: ArrayLike<number>, from = 0, to: number = v.length): number {
  let largest = 0;
  for (let i = from; i < to; i++) {
    const size = Math.abs(v[i]);
    // NaN stays.
    if (!(size <= largest)) largest = size;
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = from; i < to; i++) sum += (v[i] / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** A·P = Q·R with |r₀₀| ≥ |r₁₁| ≥ … (Golub and Van Loan 2013, algorithm 5.4.1). Q is kept as its reflections. */
export class PivotedQr {
  readonly rows: number;
  readonly count: number;
  /** Column j of A·P is column order[j] of A. */
  readonly order: Int32Array;
  /** The diagonal of R. */
  readonly diagonal: Float64Array;
  /** R above the diagonal, the vectors of the reflections on and below it. */
  readonly #data: Float64Array;

  constructor({ data, rows, count }: Columns) {
    this.rows = rows;
    this.count = count;
    this.order = Int32Array.from({ length: count }, (_, j) => j);
    this.diagonal = new Float64Array(count);
    const a = data.slice();
    this.#data = a;
    for (let k = 0; k < Math.min(rows, count); k++) {
      // Norms are computed anew for each step, not updated: matrices are small.
      let best = k;
      let longest = -1;
      for (let j = k; j < count; j++) {
        const size = length(a, j * rows + k, (j + 1) * rows);
        if (size > longest) [best, longest] = [j, size];
      }
      if (best !== k) {
        for (let i = 0; i < rows; i++) {
          const kept = a[k * rows + i];
          a[k * rows + i] = a[best * rows + i];
          a[best * rows + i] = kept;
        }
        [this.order[k], this.order[best]] = [this.order[best], this.order[k]];
      }
      const start = k * rows;
      if (!(longest > 0)) continue;
      const alpha = a[start + k] > 0 ? -longest : longest;
      this.diagonal[k] = alpha;
      // v = x/‖x‖ ± e₁, of which |v₁| ≥ 1.
      for (let i = k; i < rows; i++) a[start + i] /= -alpha;
      a[start + k] += 1;
      for (let j = k + 1; j < count; j++) this.#reflect(k, a, j * rows);
    }
  }

  /** v ← (I − w·wᵀ/w₁)·v for the k-th reflection, of the vector that begins at an offset. */
  #reflect(k: number, v: Float64Array, offset: number): void {
    const a = this.#data;
    const start = k * this.rows;
    const first = a[start + k];
    if (first === 0) return;
    let dot = 0;
    for (let i = k; i < this.rows; i++) dot += a[start + i] * v[offset + i];
    const factor = dot / first;
    for (let i = k; i < this.rows; i++) v[offset + i] -= factor * a[start + i];
  }

  /** Qᵀ·v. */
  transposedTimes(v: Float64Array): Float64Array {
    const result = v.slice();
    for (let k = 0; k < Math.min(this.rows, this.count); k++) this.#reflect(k, result, 0);
    return result;
  }

  /** r_ij for i ≤ j. */
  at(i: number, j: number): number {
    return i === j ? this.diagonal[i] : this.#data[j * this.rows + i];
  }

  /** How many diagonal elements are more than rounding. */
  get rank(): number {
    const least = Math.abs(this.diagonal[0]) * Number.EPSILON * Math.max(this.rows, this.count);
    let rank = 0;
    while (rank < this.count && Math.abs(this.diagonal[rank]) > least) rank++;
    return rank;
  }

  /** R⁻¹·v of the leading rows and columns of a rank; elements after them are 0. */
  backward(v: ArrayLike<number>, rank: number = this.count): Float64Array {
    const x = new Float64Array(this.count);
    for (let i = rank - 1; i >= 0; i--) {
      let sum = v[i];
      for (let j = i + 1; j < rank; j++) sum -= this.at(i, j) * x[j];
      x[i] = sum / this.diagonal[i];
    }
    return x;
  }

  /** R⁻ᵀ·v. */
  forward(v: ArrayLike<number>, rank: number = this.count): Float64Array {
    const x = new Float64Array(this.count);
    for (let i = 0; i < rank; i++) {
      let sum = v[i];
      for (let j = 0; j < i; j++) sum -= this.at(j, i) * x[j];
      x[i] = sum / this.diagonal[i];
    }
    return x;
  }

  /** P·v: back to the order of A's columns. */
  unordered(v: ArrayLike<number>): Float64Array {
    const x = new Float64Array(this.count);
    for (let j = 0; j < this.count; j++) x[this.order[j]] = v[j];
    return x;
  }

  /** Pᵀ·v. */
  ordered(v: ArrayLike<number>): Float64Array {
    return Float64Array.from(this.order, j => v[j]);
  }

  /** The least-squares solution of A·x = b, with zeros where the rank falls short. */
  solve(b: Float64Array): Float64Array {
    const { rank } = this;
    return this.unordered(this.backward(this.transposedTimes(b), rank));
  }
}
