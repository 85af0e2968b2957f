/**
 * Taylor coefficients in one or two parameters, up to a degree in each: the same formula then gives a function and
 * its derivatives, each with the digits that the formula keeps.
 */
import * as k from '../kernel/expression.ts';
import type { Procedure, Variable } from './procedure.ts';
import { divided, minus, number, product, sum } from './scalar.ts';

type E = k.Expression;
/** Coefficient i of the first parameter and j of the second; null is zero. */
export type Jet = readonly (readonly (E | null)[])[];

export class Jets {
  readonly #p: Procedure;
  readonly rows: number;
  readonly columns: number;

  constructor(p: Procedure, first: number, second: number) {
    this.#p = p;
    this.rows = first + 1;
    this.columns = second + 1;
  }

  make(coefficient: (i: number, j: number) => E | null): Jet {
    return Array.from({ length: this.rows }, (_, i) =>
      Array.from({ length: this.columns }, (_, j) => {
        const x = coefficient(i, j);
        return x === null ? null : this.#p.let(x);
      }),
    );
  }

  /** A value with first derivatives. */
  of(value: E, first: E | null = null, second: E | null = null): Jet {
    return this.make((i, j) =>
      i + j === 0 ? value : i === 1 && j === 0 ? first : i === 0 && j === 1 ? second : null,
    );
  }

  plus(x: Jet, y: Jet): Jet {
    return this.make((i, j) => {
      const [a, b] = [x[i][j], y[i][j]];
      return a === null ? b : b === null ? a : sum(a, b);
    });
  }

  times(x: Jet, y: Jet): Jet {
    return this.make((i, j) => this.#convolution(x, y, i, j, 0));
  }

  scaled(x: Jet, by: E): Jet {
    return this.make((i, j) => {
      const a = x[i][j];
      return a === null ? null : product(a, by);
    });
  }

  /** q = x/y from x = q·y, coefficient by coefficient. */
  over(x: Jet, y: Jet): Jet {
    const q: (E | null)[][] = x.map(row => row.map(() => null));
    const first = y[0][0] as E;
    return this.make((i, j) => {
      const rest = this.#convolution(y, q, i, j, 1);
      const a = x[i][j];
      const top = rest === null ? a : a === null ? k.unary('neg', rest) : minus(a, rest);
      q[i][j] = top === null ? null : this.#p.let(divided(top, first));
      return q[i][j];
    });
  }

  /** The exponential of a jet without a constant: i·eᵢⱼ = Σ k·xₖₗ·eᵢ₋ₖ,ⱼ₋ₗ. */
  exp(x: Jet): Jet {
    const e: (E | null)[][] = x.map(row => row.map(() => null));
    return this.make((i, j) => {
      if (i + j === 0) e[0][0] = number(1);
      else {
        const weight = (m: number, n: number): number => (i > 0 ? m / i : n / j);
        const total = this.#convolution(x, e, i, j, 1, weight);
        e[i][j] = total === null ? null : this.#p.let(total);
      }
      return e[i][j];
    });
  }

  #convolution(
    x: Jet,
    y: Jet,
    i: number,
    j: number,
    from: number,
    weight: (m: number, n: number) => number = () => 1,
  ): E | null {
    let total: E | null = null;
    for (let m = 0; m <= i; m++)
      for (let n = 0; n <= j; n++) {
        const [a, b] = [x[m][n], y[i - m][j - n]];
        const w = weight(m, n);
        if (m + n < from || a === null || b === null || w === 0) continue;
        const term = w === 1 ? product(a, b) : product(product(a, number(w)), b);
        total = total === null ? term : sum(total, term);
      }
    return total;
  }

  /** A jet that loops change. */
  variable(initial: Jet): { readonly value: Jet; set(x: Jet): void } {
    const list: Variable[][] = initial.map(row => row.map(x => this.#p.variable(x ?? number(0))));
    return {
      value: list.map(row => row.map(one => one.value)),
      set: x => {
        // All are read before one is set.
        const made = x.map(row => row.map(one => (one === null ? number(0) : this.#p.let(one))));
        made.forEach((row, i) => {
          row.forEach((one, j) => {
            list[i][j].set(one);
          });
        });
      },
    };
  }
}
