/** The LU decomposition with partial pivoting. */
import { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { loop, type Statement, set, store, when } from '../kernel/statement.ts';
import { add } from './arithmetic.ts';
import { full } from './broadcast.ts';
import {
  MatrixKernel,
  permuteRows,
  product,
  requireMatrix,
  strictlyLower,
  transposed,
  upper,
  withUnitDiagonal,
} from './matrix.ts';
import { bind, type Op, op, type Primitive, primitive } from './primitive.ts';
import { floats, given } from './signature.ts';
import { pad, slice } from './slice.ts';
import { triangularSolve } from './triangular.ts';

type None = Record<string, never>;

function lowering([a]: readonly Aval[]): OrderedNest {
  const [m, n] = a.shape.slice(-2);
  const w = new MatrixKernel(a.dtype, a.shape.slice(0, -2));
  const lu = (i: k.Expression, j: k.Expression): k.Expression => w.load(1, i, j);
  const put = (i: k.Expression, j: k.Expression, x: k.Expression): Statement => store(0, w.at(i, j), x);
  const order = (i: k.Expression): k.Expression => k.load(3, 'int32', w.at(i));
  const [p, i, c] = [w.axis(), w.axis(), w.axis()];
  const [best, at, kept, factor] = [w.local(), w.local('int32'), w.local(), w.local()];
  const keptRow = w.local('int32');
  const below = k.plus(p.value, k.int(1));
  const size = (x: k.Expression): k.Expression => k.unary('abs', x);
  const chosen = k.load(2, 'int32', w.at(p.value));
  const exchange: Statement[] = [
    loop(
      c.number,
      k.int(0),
      k.int(n),
      [
        set(kept.number, lu(p.value, c.value)),
        put(p.value, c.value, lu(chosen, c.value)),
        put(chosen, c.value, kept.value),
      ],
      { independent: true },
    ),
    set(keptRow.number, order(p.value)),
    store(2, w.at(p.value), order(chosen)),
    store(2, w.at(chosen), keptRow.value),
  ];
  const eliminate = loop(i.number, below, k.int(m), [
    set(factor.number, k.binary('div', lu(i.value, p.value), lu(p.value, p.value))),
    put(i.value, p.value, factor.value),
    loop(
      c.number,
      below,
      k.int(n),
      [
        put(
          i.value,
          c.value,
          k.binary('sub', lu(i.value, c.value), k.binary('mul', factor.value, lu(p.value, c.value))),
        ),
      ],
      { independent: true },
    ),
  ]);
  return {
    form: 'ordered',
    extents: w.lead,
    locals: w.locals.types,
    body: [
      loop(i.number, k.int(0), k.int(m), [
        store(2, w.at(i.value), i.value),
        loop(c.number, k.int(0), k.int(n), [put(i.value, c.value, w.load(0, i.value, c.value))], {
          independent: true,
        }),
      ]),
      loop(p.number, k.int(0), k.int(Math.min(m, n)), [
        set(best.number, size(lu(p.value, p.value))),
        set(at.number, p.value),
        loop(i.number, below, k.int(m), [
          when(k.less(best.value, size(lu(i.value, p.value))), [
            set(best.number, size(lu(i.value, p.value))),
            set(at.number, i.value),
          ]),
        ]),
        store(1, w.at(p.value), at.value),
        when(k.compare('ne', at.value, p.value), exchange),
        // Below a pivot of 0 all is 0 already.
        when(k.compare('ne', lu(p.value, p.value), w.number(0)), [eliminate]),
      ]),
    ],
  };
}

/** A square matrix with x in its first rows and columns, 0 elsewhere. */
function extended(x: Tensor, size: number): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  const none = x.shape.map(() => 0);
  return pad(x, full([], 0, x.dtype), none, [...none.slice(2), size - rows, size - columns]);
}

/** The first rows and columns of matrices. */
function corner(x: Tensor, rows: number, columns: number): Tensor {
  const lead = x.shape.slice(0, -2);
  return slice(x, [...lead.map(() => 0), 0, 0], [...lead, rows, columns]);
}

/**
 * [lu, pivots, permutation] of A of [..., m, n]: L below the diagonal of lu, with ones on its own, and U on and above it,
 * with A[permutation] = L·U. Step i exchanged row i with row pivots[i]. No pivot is greater in absolute value than the
 * diagonal. The derivative is L·tril(X, −1) + triu(X)·U for X = L⁻¹·dA[permutation]·U⁻¹, each of L and U completed to a
 * square with ones on the diagonal.
 */
export const luFactor: Primitive<None> = primitive<None>({
  name: 'lu',
  kind: 'smooth',
  abstract: ([a]) => {
    const { lead, rows, columns } = requireMatrix('lu', a);
    return [
      a.with({}),
      new Aval('int32', [...lead, Math.min(rows, columns)]),
      new Aval('int32', [...lead, rows]),
    ];
  },
  jvp: ([da], [a], [factors, , permutation]) => {
    if (da === null) return [null, null, null];
    const [m, n] = a.shape.slice(-2);
    const size = Math.min(m, n);
    const l = withUnitDiagonal(extended(strictlyLower(corner(factors, m, size)), m));
    const above = extended(upper(corner(factors, size, n)), n);
    const u = size === n ? above : withUnitDiagonal(above, size);
    const left = triangularSolve(l, permuteRows(da, permutation), { lower: true, unitDiagonal: true });
    const x = transposed(triangularSolve(u, transposed(left), { lower: false, transpose: true }));
    return [add(product(l, strictlyLower(x)), product(upper(x), u)), null, null];
  },
  batch: (_, operands) => bind(luFactor, operands, {}),
  lower: lowering,
  samples: [
    { operands: [floats([1, 1])], params: {} },
    { operands: [floats([3, 3])], params: {} },
    { operands: [floats([4, 2])], params: {} },
    { operands: [floats([2, 4])], params: {} },
    { operands: [floats([2, 3, 3])], params: {} },
    { operands: [floats([7, 7])], params: {} },
    { operands: [given('float64', [3, 3], [0, 0, 1, 0, 0, 2, 3, 0, 1])], params: {} },
    { operands: [floats([0, 0])], params: {} },
  ],
});

/** The permutation that exchanges row i with row pivots[i], for each i in turn: of as many rows as there are pivots. */
export const permutationOf: Op<[pivots: Tensor], None> = op(
  {
    name: 'permutationOf',
    kind: 'flat',
    because: 'its operand and its result are integers',
    abstract: ([pivots]) => pivots.with({}),
    batch: (_, [pivots]) => permutationOf(pivots),
    lower: ([pivots]) => {
      const n = pivots.shape[pivots.ndim - 1];
      const w = new MatrixKernel('int32', pivots.shape.slice(0, -1));
      const i = w.axis();
      const kept = w.local();
      const other = w.load(0, i.value);
      return {
        form: 'ordered',
        extents: w.lead,
        locals: w.locals.types,
        body: [
          loop(i.number, k.int(0), k.int(n), [store(0, w.at(i.value), i.value)], { independent: true }),
          loop(i.number, k.int(0), k.int(n), [
            set(kept.number, w.load(1, i.value)),
            store(0, w.at(i.value), w.load(1, other)),
            store(0, w.at(other), kept.value),
          ]),
        ],
      };
    },
    samples: [
      { operands: [given('int32', [4], [2, 1, 3, 3])], params: {} },
      { operands: [given('int32', [2, 3], [0, 2, 2, 1, 1, 2])], params: {} },
    ],
  },
  pivots => [pivots],
  () => ({}),
);
