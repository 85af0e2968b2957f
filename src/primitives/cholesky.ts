/** The Cholesky decomposition. */

import type { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { loop, type Statement, set, store, sum, when } from '../kernel/statement.ts';
import { add } from './arithmetic.ts';
import {
  halfLower,
  lower,
  MatrixKernel,
  product,
  requireSquare,
  strictlyLower,
  transposed,
} from './matrix.ts';
import { type Op, op } from './primitive.ts';
import { given } from './signature.ts';
import { triangularSolve } from './triangular.ts';

type None = Record<string, never>;

/** Rows that are computed together: each element of an earlier row is loaded once for all of them. */
const together = 4;

function lowering([a]: readonly Aval[]): OrderedNest {
  const n = a.shape[a.ndim - 1];
  const w = new MatrixKernel(a.dtype, a.shape.slice(0, -2));
  const l = (i: k.Expression, j: k.Expression): k.Expression => w.load(1, i, j);
  const put = (i: k.Expression, j: k.Expression, x: k.Expression): Statement => store(0, w.at(i, j), x);
  const s = w.axis();
  /** Σ of products of rows over the columns before `end`, taken from elements of a. */
  const remainders = (
    pairs: readonly (readonly [row: k.Expression, column: k.Expression])[],
    end: k.Expression,
  ): { before: Statement[]; rests: k.Expression[] } => {
    const sums = pairs.map(() => w.local());
    return {
      before: [
        ...sums.map(one => set(one.number, w.number(0))),
        sum(
          s.number,
          k.int(0),
          end,
          pairs.map(([i, j], p) => [sums[p].number, k.binary('mul', l(i, s.value), l(j, s.value))] as const),
        ),
      ],
      rests: pairs.map(([i, j], p) => k.binary('sub', w.load(0, i, j), sums[p].value)),
    };
  };
  const j = w.axis();
  /** `count` rows from row `first` on, a multiple of 4: first the columns before it, two by two, then their own square. */
  const rows = (first: k.Expression, count: number): Statement[] => {
    const row = Array.from({ length: count }, (_, d) => k.plus(first, k.int(d)));
    const column = [k.times(j.value, k.int(2)), k.plus(k.times(j.value, k.int(2)), k.int(1))];
    const left = remainders(
      row.flatMap(i => column.map(c => [i, c] as const)),
      column[0],
    );
    const made = row.map(() => w.local());
    const columns = loop(j.number, k.int(0), k.quotient(first, 2), [
      ...left.before,
      ...row.flatMap((i, d) => [
        set(made[d].number, k.binary('div', left.rests[2 * d], l(column[0], column[0]))),
        put(i, column[0], made[d].value),
        put(
          i,
          column[1],
          k.binary(
            'div',
            k.binary('sub', left.rests[2 * d + 1], k.binary('mul', made[d].value, l(column[1], column[0]))),
            l(column[1], column[1]),
          ),
        ),
      ]),
    ]);
    const pairs = row.flatMap((i, d) => row.slice(0, d + 1).map(c => [i, c] as const));
    const own = remainders(pairs, first);
    const square: Statement[] = [];
    const known = new Map<string, k.Expression>();
    row.forEach((i, d) => {
      for (let e = 0; e <= d; e++) {
        let rest = own.rests[(d * (d + 1)) / 2 + e];
        for (let f = 0; f < e; f++)
          rest = k.binary(
            'sub',
            rest,
            k.binary('mul', known.get(`${d},${f}`) as k.Expression, known.get(`${e},${f}`) as k.Expression),
          );
        const local = w.local();
        known.set(`${d},${e}`, local.value);
        square.push(set(local.number, rest));
        // Where the matrix is not positive definite, NaN reaches the last row from here.
        const value =
          e < d
            ? k.binary('div', local.value, known.get(`${e},${e}`) as k.Expression)
            : k.select(k.less(w.number(0), local.value), k.unary('sqrt', local.value), w.number(Number.NaN));
        square.push(set(local.number, value), put(i, row[e], local.value));
      }
    });
    return [columns, ...own.before, ...square];
  };
  const block = w.axis();
  const i = w.axis();
  const rest = n % together;
  const last = k.int(n - 1);
  const fill = (value: k.Expression, from: k.Expression, to: k.Expression): Statement =>
    loop(i.number, k.int(0), k.int(n), [
      loop(j.number, from, to, [put(i.value, j.value, value)], { independent: true }),
    ]);
  return {
    form: 'ordered',
    extents: w.lead,
    body:
      n === 0
        ? []
        : [
            loop(
              block.number,
              k.int(0),
              k.int((n - rest) / together),
              rows(k.times(block.value, k.int(together)), together),
            ),
            ...(rest > 0 ? rows(k.int(n - rest), rest) : []),
            fill(w.number(0), k.plus(i.value, k.int(1)), k.int(n)),
            when(k.compare('ne', l(last, last), l(last, last)), [
              fill(w.number(Number.NaN), k.int(0), k.plus(i.value, k.int(1))),
            ]),
          ],
    locals: w.locals.types,
  };
}

const positive = [
  [2.5],
  [3, 7, 0.5, 2],
  [4, 5, 6, 0.5, 5, 7, -1, 0.25, 6],
  [4, 9, 9, 9, 9, 1, 5, 9, 9, 9, 0.5, -1, 3, 9, 9, 2, 0.5, 0.25, 6, 9, 0.75, 1, -0.5, 1.5, 7],
];

/**
 * The lower triangular L of [..., n, n] with L·Lᵀ = A, of which only the lower triangle is read. All its elements are NaN
 * where A is not positive definite. The derivative is L·Φ(L⁻¹·dA·L⁻ᵀ) (Smith 1995; Murray 2016, arXiv:1602.07527).
 */
export const cholesky: Op<[a: Tensor], None> = op(
  {
    name: 'cholesky',
    kind: 'smooth',
    abstract: ([a]) => {
      requireSquare('cholesky', a);
      return a.with({});
    },
    jvp: [
      (da, _, l) => {
        const symmetric = add(lower(da), transposed(strictlyLower(da)));
        const left = triangularSolve(l, symmetric, { lower: true });
        const both = triangularSolve(l, transposed(left), { lower: true });
        return product(l, halfLower(both));
      },
    ],
    batch: (_, [a]) => cholesky(a),
    lower: lowering,
    samples: [
      ...positive.map(values => ({
        operands: [given('float64', [Math.sqrt(values.length), Math.sqrt(values.length)], values)],
        params: {},
      })),
      { operands: [given('float64', [2, 2, 2], [2, 5, 1, 3, 4, 5, -1, 1])], params: {} },
      { operands: [given('float64', [2, 2], [1, 2, 2, 0])], params: {} },
      { operands: [given('float64', [0, 0], [])], params: {} },
    ],
  },
  a => [a],
  () => ({}),
);
