/** Where a matrix can have entries other than zero. */
import { ShapeMismatch } from '../../core/errors.ts';

/**
 * The places of a sparse matrix of shape [m, n], row by row: those of row i have the columns
 * `columns[rowStarts[i]]` … `columns[rowStarts[i + 1] - 1]`, increasing. This is the compressed sparse row format (CSR)
 * without values; with `rows` it is the coordinate format (COO).
 *
 * @example String(sparsityPattern((x) => x.cumsum())(tensor([1, 2, 3])))
 * // ● · ·
 * // ● ● ·
 * // ● ● ●
 */
export class SparsityPattern {
  readonly shape: readonly [rows: number, columns: number];
  readonly rowStarts: Int32Array;
  readonly columns: Int32Array;
  #rows: Int32Array | undefined;
  #transposed: { pattern: SparsityPattern; order: Int32Array } | undefined;

  constructor(shape: readonly [number, number], rowStarts: Int32Array, columns: Int32Array) {
    if (rowStarts.length !== shape[0] + 1 || rowStarts[shape[0]] !== columns.length)
      throw new ShapeMismatch({
        did: `made a pattern of shape [${shape.join(', ')}] from ${rowStarts.length} row starts and ${columns.length} columns`,
        expected: 'one row start for each row and one more, which is the number of entries',
        remedy: 'SparsityPattern.of(shape, rows) makes one from a list of columns for each row',
      });
    this.shape = shape;
    this.rowStarts = rowStarts;
    this.columns = columns;
  }

  /** The pattern with these columns, increasing, in each row. */
  static of(shape: readonly [number, number], rows: readonly ArrayLike<number>[]): SparsityPattern {
    const starts = new Int32Array(rows.length + 1);
    rows.forEach((row, i) => {
      starts[i + 1] = starts[i] + row.length;
    });
    const columns = new Int32Array(starts[rows.length]);
    rows.forEach((row, i) => {
      columns.set(row, starts[i]);
    });
    return new SparsityPattern(shape, starts, columns);
  }

  /** How many entries there are. */
  get count(): number {
    return this.columns.length;
  }

  /** The row of each entry. */
  get rows(): Int32Array {
    if (this.#rows === undefined) {
      this.#rows = new Int32Array(this.count);
      for (let i = 0; i < this.shape[0]; i++) this.#rows.fill(i, this.rowStarts[i], this.rowStarts[i + 1]);
    }
    return this.#rows;
  }

  /** The columns of a row. */
  row(i: number): Int32Array {
    return this.columns.subarray(this.rowStarts[i], this.rowStarts[i + 1]);
  }

  /** The most entries in a row: no fewer colours do for the columns. */
  get widestRow(): number {
    let most = 0;
    for (let i = 0; i < this.shape[0]; i++) most = Math.max(most, this.rowStarts[i + 1] - this.rowStarts[i]);
    return most;
  }

  /** The transposed pattern, and which entry of this one each of its entries is. */
  transposed(): { readonly pattern: SparsityPattern; readonly order: Int32Array } {
    if (this.#transposed === undefined) {
      const [m, n] = this.shape;
      const starts = new Int32Array(n + 1);
      for (const column of this.columns) starts[column + 1]++;
      for (let j = 0; j < n; j++) starts[j + 1] += starts[j];
      const next = starts.slice();
      const columns = new Int32Array(this.count);
      const order = new Int32Array(this.count);
      this.columns.forEach((column, entry) => {
        const place = next[column]++;
        columns[place] = this.rows[entry];
        order[place] = entry;
      });
      const pattern = new SparsityPattern([n, m], starts, columns);
      const back = new Int32Array(this.count);
      order.forEach((entry, place) => {
        back[entry] = place;
      });
      pattern.#transposed = { pattern: this, order: back };
      this.#transposed = { pattern, order };
    }
    return this.#transposed;
  }

  equals(other: SparsityPattern): boolean {
    const same = (a: Int32Array, b: Int32Array): boolean =>
      a.length === b.length && a.every((x, i) => x === b[i]);
    return (
      this.shape.every((n, i) => n === other.shape[i]) &&
      same(this.rowStarts, other.rowStarts) &&
      same(this.columns, other.columns)
    );
  }

  /** Whether an entry at (i, j) means one at (j, i). */
  get isSymmetric(): boolean {
    return this.shape[0] === this.shape[1] && this.equals(this.transposed().pattern);
  }

  /** One line a row, ● for an entry; only what fits into 64 × 64. */
  toString(): string {
    const [m, n] = this.shape.map(extent => Math.min(extent, 64));
    const lines = Array.from({ length: m }, (_, i) => {
      const columns = new Set(this.row(i));
      return Array.from({ length: n }, (__, j) => (columns.has(j) ? '●' : '·')).join(' ');
    });
    if (m < this.shape[0] || n < this.shape[1])
      lines.push(`… ${this.shape.join(' × ')} with ${this.count} entries`);
    return lines.join('\n');
  }
}
