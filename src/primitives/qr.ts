/** The QR decomposition by Householder reflections. */
import type { Aval } from '../core/aval.ts';
import { NotDifferentiable } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { loop, type Statement, set, store, sum, when } from '../kernel/statement.ts';
import { add, sub } from './arithmetic.ts';
import { MatrixKernel, product, requireMatrix, strictlyLower, transposed } from './matrix.ts';
import { bind, type Primitive, primitive } from './primitive.ts';
import { floats, given } from './signature.ts';
import { concat, slice } from './slice.ts';
import { triangularSolve } from './triangular.ts';

export interface QrParams {
  /** Whether Q is square, [..., m, m], where A has more rows than columns. */
  readonly complete: boolean;
}

const sizes = (a: Aval, { complete }: QrParams): { m: number; n: number; k: number } => {
  const [m, n] = a.shape.slice(-2);
  return { m, n, k: complete ? m : Math.min(m, n) };
};

/**
 * Reflections H = I − τ·v·vᵀ, v with a first element 1, the others stored below the diagonal of the triangle that they
 * leave. τ = 2/|v|² is computed again when it is needed. The work is done in R where that has all rows, else in Q.
 */
function lowering([a]: readonly Aval[], params: QrParams): OrderedNest {
  const { m, n, k: width } = sizes(a, params);
  const w = new MatrixKernel(a.dtype, a.shape.slice(0, -2));
  const inR = width === m;
  const [work, q, r] = [inR ? 1 : 0, 0, 1];
  const read = (output: number, i: k.Expression, j: k.Expression): k.Expression => w.load(1 + output, i, j);
  const put = (output: number, i: k.Expression, j: k.Expression, x: k.Expression): Statement =>
    store(output, w.at(i, j), x);
  const [j, i, c] = [w.axis(), w.axis(), w.axis()];
  const [head, squares, beta, scale, tau, dot] = [0, 1, 2, 3, 4, 5].map(() => w.local());
  const below = k.plus(j.value, k.int(1));
  const zero = w.number(0);
  const own = read(work, j.value, j.value);
  const v = read(work, i.value, j.value);
  const independent = { independent: true };
  const reflections = Math.min(m, n);
  /** Applies H_j to columns from `from` on of an output in which v lies too or not. */
  const reflect = (output: number, from: k.Expression, to: number): Statement =>
    loop(
      c.number,
      from,
      k.int(to),
      [
        set(dot.number, read(output, j.value, c.value)),
        sum(i.number, below, k.int(m), [[dot.number, k.binary('mul', v, read(output, i.value, c.value))]]),
        set(dot.number, k.binary('mul', dot.value, tau.value)),
        put(output, j.value, c.value, k.binary('sub', read(output, j.value, c.value), dot.value)),
        loop(i.number, below, k.int(m), [
          put(
            output,
            i.value,
            c.value,
            k.binary('sub', read(output, i.value, c.value), k.binary('mul', v, dot.value)),
          ),
        ]),
      ],
      independent,
    );
  const norm = (): Statement[] => [
    set(squares.number, zero),
    sum(i.number, below, k.int(m), [[squares.number, k.binary('mul', v, v)]]),
  ];
  const nonzero = k.compare('ne', squares.value, zero);
  const factorize = loop(j.number, k.int(0), k.int(reflections), [
    ...norm(),
    when(nonzero, [
      set(head.number, own),
      set(
        beta.number,
        k.unary('sqrt', k.binary('add', k.binary('mul', head.value, head.value), squares.value)),
      ),
      // The sign that adds: nothing cancels.
      set(beta.number, k.select(k.less(head.value, zero), beta.value, k.unary('neg', beta.value))),
      set(scale.number, k.binary('sub', head.value, beta.value)),
      set(tau.number, k.binary('div', k.binary('sub', beta.value, head.value), beta.value)),
      loop(i.number, below, k.int(m), [put(work, i.value, j.value, k.binary('div', v, scale.value))]),
      put(work, j.value, j.value, beta.value),
      reflect(work, below, n),
    ]),
  ]);
  const tauAgain: Statement[] = [
    ...norm(),
    set(
      tau.number,
      k.select(nonzero, k.binary('div', w.number(2), k.binary('add', w.number(1), squares.value)), zero),
    ),
  ];
  const copy = loop(i.number, k.int(0), k.int(m), [
    loop(
      c.number,
      k.int(0),
      k.int(n),
      [put(work, i.value, c.value, w.load(0, i.value, c.value))],
      independent,
    ),
  ]);
  const isDiagonal = k.compare('eq', i.value, c.value);
  const unit = k.select(isDiagonal, w.number(1), zero);
  const finish: Statement[] = inR
    ? [
        loop(i.number, k.int(0), k.int(m), [
          loop(c.number, k.int(0), k.int(m), [put(q, i.value, c.value, unit)], independent),
        ]),
        // Q = H_0·H_1·…: the last one first, on the columns that it changes.
        loop(j.number, k.int(0), k.int(reflections), [...tauAgain, reflect(q, j.value, m)], {
          reverse: true,
        }),
        loop(i.number, k.int(1), k.int(m), [
          loop(
            c.number,
            k.int(0),
            k.binary('min', i.value, k.int(n)),
            [put(r, i.value, c.value, zero)],
            independent,
          ),
        ]),
      ]
    : [
        loop(i.number, k.int(0), k.int(n), [
          loop(
            c.number,
            k.int(0),
            k.int(n),
            [
              put(
                r,
                i.value,
                c.value,
                k.select(k.less(c.value, i.value), zero, read(work, i.value, c.value)),
              ),
            ],
            independent,
          ),
        ]),
        // Q grows in place of the vectors: H_j meets columns j + 1 … of the product so far and then makes column j.
        loop(
          j.number,
          k.int(0),
          k.int(n),
          [
            ...tauAgain,
            loop(c.number, below, k.int(n), [put(q, j.value, c.value, zero)], independent),
            reflect(q, below, n),
            loop(i.number, below, k.int(m), [
              put(q, i.value, j.value, k.unary('neg', k.binary('mul', v, tau.value))),
            ]),
            put(q, j.value, j.value, k.binary('sub', w.number(1), tau.value)),
            loop(i.number, k.int(0), j.value, [put(q, i.value, j.value, zero)]),
          ],
          { reverse: true },
        ),
      ];
  return { form: 'ordered', extents: w.lead, locals: w.locals.types, body: [copy, factorize, ...finish] };
}

/** dQ and dR where R is square: with X = Qᵀ·dA·R⁻¹ and Ω = tril(X, −1) − tril(X, −1)ᵀ, dQ = dA·R⁻¹ + Q·(Ω − X), dR = (X − Ω)·R. */
function tangents(da: Tensor, q: Tensor, r: Tensor): [dq: Tensor, dr: Tensor] {
  const right = transposed(triangularSolve(r, transposed(da), { lower: false, transpose: true }));
  const x = product(q, right, { x: 'T' });
  const low = strictlyLower(x);
  const turn = sub(low, transposed(low));
  return [add(right, product(q, sub(turn, x))), product(sub(x, turn), r)];
}

function columns(x: Tensor, from: number, to: number): Tensor {
  const lead = x.shape.slice(0, -1);
  return slice(x, [...lead.map(() => 0), from], [...lead, to]);
}

/**
 * [Q, R] of A of [..., m, n]: A = Q·R with QᵀQ = I and R upper triangular, Q of [..., m, min(m, n)] or, complete, of
 * [..., m, m]. Signs are those of LAPACK. The derivative is that of Walter & Lehmann (2012); where A is wide, that of its
 * first m columns, and dR = dQᵀ·A + Qᵀ·dA for the others. A complete Q of a tall matrix has none: its last columns are
 * not determined by A.
 */
export const qrFactor: Primitive<QrParams> = primitive<QrParams>({
  name: 'qr',
  kind: 'smooth',
  abstract: ([a], params) => {
    const { lead } = requireMatrix('qr', a);
    const { m, n, k: width } = sizes(a, params);
    return [a.with({ shape: [...lead, m, width] }), a.with({ shape: [...lead, width, n] })];
  },
  jvp: ([da], [a], [q, r], params) => {
    if (da === null) return [null, null];
    const { m, n, k: width } = sizes(a.aval, params);
    if (width > n)
      throw new NotDifferentiable({
        did: `differentiated the complete qr of ${a.aval}`,
        expected: 'a Q that the matrix determines: one of as many columns, or a matrix that is not tall',
        remedy: 'qr(x), whose Q has as many columns as x; or stopGradient(x) where only the values count',
      });
    if (n <= m) return tangents(da, q, r);
    const [dq, dr] = tangents(columns(da, 0, m), q, columns(r, 0, m));
    const rest = add(product(dq, columns(a, m, n), { x: 'T' }), product(q, columns(da, m, n), { x: 'T' }));
    return [dq, concat([dr, rest], a.ndim - 1)];
  },
  batch: (_, operands, __, params) => bind(qrFactor, operands, params),
  lower: lowering,
  samples: [
    { operands: [floats([1, 1])], params: { complete: false } },
    { operands: [floats([3, 3])], params: { complete: false } },
    { operands: [floats([5, 2])], params: { complete: false } },
    { operands: [floats([2, 4])], params: { complete: false } },
    { operands: [floats([2, 4, 3])], params: { complete: false } },
    { operands: [floats([9, 7])], params: { complete: false } },
    { operands: [given('float64', [4, 2], [0, 1, 2, -1, 0, 3, 1, 1])], params: { complete: true } },
    { operands: [given('float64', [3, 2], [1, 2, 0, 0, 0, 3])], params: { complete: false } },
  ],
});
