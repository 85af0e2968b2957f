/** Nests of statements that every backend must run alike; operands are multiples of 1/4, so that sums are exact. */
import * as k from '../../src/kernel/expression.ts';
import type { BufferType, Kernel } from '../../src/kernel/kernel.ts';
import { Locals, loop, type Statement, set, store, sum, when } from '../../src/kernel/statement.ts';

type Float = 'float32' | 'float64';
type Build = (type: Float) => Kernel;

const i = k.axis;
const n = k.int;

function kernel(
  inputs: readonly BufferType[],
  outputs: readonly BufferType[],
  body: readonly Statement[],
  { extents = [], locals = new Locals() }: { extents?: readonly number[]; locals?: Locals } = {},
): Kernel {
  return {
    name: 'ordered',
    inputs,
    outputs,
    nest: { form: 'ordered', extents, locals: locals.types, body },
  };
}

/** Running sums of every row: each element from the one before, in the output. */
const runningSums =
  (rows: number, columns: number, reverse: boolean): Build =>
  type => {
    const x = k.load(0, type, [i(0), i(1)]);
    const before = k.load(1, type, [i(0), k.plus(i(1), n(reverse ? 1 : -1))]);
    const first = n(reverse ? columns - 1 : 0);
    const shape = [rows, columns];
    return kernel(
      [{ type, shape }],
      [{ type, shape }],
      [
        store(0, [i(0), first], k.load(0, type, [i(0), first])),
        loop(
          1,
          n(reverse ? 0 : 1),
          n(reverse ? columns - 1 : columns),
          [store(0, [i(0), i(1)], k.binary('add', x, before))],
          { reverse },
        ),
      ],
      { extents: [rows] },
    );
  };

/** Elimination without division: rows below lose multiples of the rows above. The inner loop is independent. */
const elimination =
  (size: number, batch: number): Build =>
  type => {
    const shape = [batch, size, size];
    const [b, p, r, c] = [0, 1, 2, 3].map(i);
    const own = (row: k.Expression, column: k.Expression) => k.load(1, type, [b, row, column]);
    const locals = new Locals();
    const factor = locals.add(type);
    return kernel(
      [{ type, shape }],
      [{ type, shape }],
      [
        loop(
          2,
          n(0),
          n(size),
          [loop(3, n(0), n(size), [store(0, [b, r, c], k.load(0, type, [b, r, c]))], { independent: true })],
          { independent: true },
        ),
        loop(1, n(0), n(Math.min(size, 3)), [
          loop(2, k.plus(p, n(1)), n(size), [
            set(factor.number, k.binary('mul', own(r, p), k.constant(type, 0.5))),
            loop(
              3,
              p,
              n(size),
              [store(0, [b, r, c], k.binary('sub', own(r, c), k.binary('mul', factor.value, own(p, c))))],
              { independent: true },
            ),
          ]),
        ]),
      ],
      { extents: [batch], locals },
    );
  };

/** Each row becomes the sums of products with the rows before it: sums along the lanes, two at a time. */
const products =
  (size: number): Build =>
  type => {
    const shape = [size, size];
    const [r, s, c] = [0, 1, 2].map(i);
    const locals = new Locals();
    const [a, b] = [locals.add(type), locals.add(type)];
    const x = (row: k.Expression) => k.load(0, type, [row, c]);
    return kernel(
      [{ type, shape }],
      [
        { type, shape },
        { type, shape },
      ],
      [
        loop(0, n(0), n(size), [
          loop(1, n(0), n(size), [
            set(a.number, k.constant(type, 1)),
            set(b.number, k.constant(type, 2)),
            sum(2, n(0), k.plus(s, n(1)), [
              [a.number, k.binary('mul', x(r), x(s))],
              [b.number, x(r)],
            ]),
            store(0, [r, s], a.value),
            store(1, [s, r], b.value),
          ]),
        ]),
      ],
      { locals },
    );
  };

/** Substitution in a triangle with ones on its diagonal, for all columns side by side: a sum inside an independent loop. */
const substitution =
  (size: number, columns: number): Build =>
  type => {
    const [r, j, c] = [0, 1, 2].map(i);
    const locals = new Locals();
    const rest = locals.add(type);
    return kernel(
      [
        { type, shape: [size, size] },
        { type, shape: [size, columns] },
      ],
      [{ type, shape: [size, columns] }],
      [
        loop(
          2,
          n(0),
          n(columns),
          [
            loop(0, n(0), n(size), [
              set(rest.number, k.constant(type, 0)),
              sum(1, n(0), r, [
                [
                  rest.number,
                  k.binary(
                    'mul',
                    k.constant(type, 0.25),
                    k.binary('mul', k.load(0, type, [r, j]), k.load(2, type, [j, c])),
                  ),
                ],
              ]),
              store(0, [r, c], k.binary('sub', k.load(1, type, [r, c]), rest.value)),
            ]),
          ],
          { independent: true },
        ),
      ],
      { locals },
    );
  };

/** The largest element of a column changes places with the first: positions in locals, a branch, an index that is loaded. */
const pivot =
  (size: number): Build =>
  type => {
    const shape = [size, size];
    const locals = new Locals();
    const [best, at, kept] = [locals.add(type), locals.add('int32'), locals.add(type)];
    const own = (row: k.Expression) => k.load(1, type, [row, i(1)]);
    const where = k.load(2, 'int32', [n(0)]);
    return kernel(
      [{ type, shape }],
      [
        { type, shape },
        { type: 'int32', shape: [1] },
      ],
      [
        loop(0, n(0), n(size), [
          loop(1, n(0), n(size), [store(0, [i(0), i(1)], k.load(0, type, [i(0), i(1)]))], {
            independent: true,
          }),
        ]),
        set(best.number, k.load(1, type, [n(0), n(0)])),
        set(at.number, n(0)),
        loop(0, n(1), n(size), [
          when(k.less(best.value, k.load(1, type, [i(0), n(0)])), [
            set(best.number, k.load(1, type, [i(0), n(0)])),
            set(at.number, i(0)),
          ]),
        ]),
        store(1, [n(0)], at.value),
        when(
          k.less(n(0), at.value),
          [
            loop(
              1,
              n(0),
              n(size),
              [
                set(kept.number, own(n(0))),
                store(0, [n(0), i(1)], own(where)),
                store(0, [where, i(1)], kept.value),
              ],
              { independent: true },
            ),
          ],
          [store(0, [n(0), n(0)], k.constant(type, -1))],
        ),
      ],
      { locals },
    );
  };

/** Straight lines: many stores, nodes shared between them, loads of what was stored and stored again. */
const straight =
  (count: number): Build =>
  type => {
    const x = (index: number) => k.load(0, type, [n(index % 7)]);
    const y = (index: number) => k.load(1, type, [n(index)]);
    const shared = k.binary('mul', x(1), k.binary('add', x(2), x(3)));
    const body: Statement[] = [];
    const locals = new Locals();
    const one = locals.add(type);
    for (let j = 0; j < count; j++) {
      const value = k.binary('add', shared, k.binary('mul', x(j), k.constant(type, (j % 5) - 2)));
      body.push(store(0, [n(j)], j < 3 ? value : k.select(k.less(x(j), x(j + 1)), y(j - 3), value)));
      if (j % 10 !== 3) continue;
      // One node, read before and after what it loads has changed.
      const again = k.binary('mul', y(j), k.constant(type, 0.5));
      body.push(set(one.number, again), store(0, [n(j)], again));
      body.push(store(0, [n(j - 1)], k.binary('add', again, one.value)));
    }
    return kernel([{ type, shape: [7] }], [{ type, shape: [count] }], body, { locals });
  };

/** Elements that lie apart or where another element says: read and stored lane by lane. */
const scattered =
  (size: number): Build =>
  type => {
    const at = k.binary('rem', k.times(i(0), n(3)), n(size));
    return kernel(
      [
        { type, shape: [size, 3] },
        { type: 'bool', shape: [size] },
      ],
      [
        { type, shape: [size, 2] },
        { type: 'int32', shape: [size] },
      ],
      [
        loop(
          0,
          n(0),
          n(size),
          [
            store(0, [i(0), n(1)], k.load(0, type, [at, n(2)])),
            store(
              0,
              [k.minus(n(size - 1), i(0)), n(0)],
              k.select(k.load(1, 'bool', [i(0)]), k.load(0, type, [i(0), n(0)]), k.constant(type, 9)),
            ),
            // The element before the first one does not exist.
            store(
              1,
              [i(0)],
              k.cast(
                'int32',
                k.select(
                  k.less(n(0), i(0)),
                  k.load(0, type, [k.minus(i(0), n(1)), n(1)]),
                  k.constant(type, 5),
                ),
              ),
            ),
          ],
          { independent: true },
        ),
      ],
    );
  };

export const orderedKernels: readonly (readonly [string, Build])[] = [
  ...[1, 2, 5, 17].flatMap(columns =>
    [false, true].map(
      reverse =>
        [
          `running sums of 3 × ${columns}${reverse ? ', backwards' : ''}`,
          runningSums(3, columns, reverse),
        ] as const,
    ),
  ),
  ...[1, 3, 4, 9, 23].map(size => [`elimination of 2 × ${size} × ${size}`, elimination(size, 2)] as const),
  ...[1, 5, 18, 40].map(size => [`products of ${size} rows`, products(size)] as const),
  ...[
    [1, 1],
    [5, 3],
    [6, 8],
    [7, 37],
  ].map(([size, columns]) => [`substitution ${size} × ${columns}`, substitution(size, columns)] as const),
  ...[2, 5, 12].map(size => [`pivot of ${size}`, pivot(size)] as const),
  ...[7, 500].map(count => [`${count} stores in a row`, straight(count)] as const),
  ...[4, 7, 20].map(size => [`scattered ${size}`, scattered(size)] as const),
];
