/** explainTrace() tells for every trace the nearest earlier one and what differs. */
import { BadArgument, explainTrace, grad, jit, type Tensor, tensor, zeros } from 'cotangent';
import { describe, expect, test } from 'vitest';

type Tree = Record<string, unknown> | readonly unknown[] | Tensor | number | null;

/** The changes of the second call, of a function that is called with both. */
function changes(first: readonly Tree[], second: readonly Tree[]): string[] {
  const f = jit((..._all: Tree[]) => tensor(0));
  f(...(first as never[]));
  f(...(second as never[]));
  const { traces } = explainTrace(f);
  expect(f.traces).toBe(traces.length);
  if (traces.length === 1) return [];
  expect(traces.map(one => one.nearest)).toEqual([null, 1]);
  return traces[1].changes.map(one => `${one.path}: ${one.kind} ${one.before} → ${one.after}`);
}

describe('what differs', () => {
  test.each<[string, Tree[], Tree[], string[]]>([
    ['nothing', [zeros([2])], [zeros([2])], []],
    ['a shape', [zeros([64, 3])], [zeros([16, 3])], ['argument 0: shape [64, 3] → [16, 3]']],
    [
      'an element type',
      [zeros([2]), zeros([2])],
      [zeros([2]), zeros([2], { dtype: 'float64' })],
      ['argument 1: element type float32 → float64'],
    ],
    ['a number for a tensor', [tensor(2)], [2], ['argument 0: plain number float32[] → a whole number']],
    ['a fraction for a whole number', [2], [2.5], ['argument 0: plain number a whole number → a fraction']],
    [
      'deep in a tree',
      [{ layers: [{ w: zeros([2, 2]), b: zeros([2]) }] }],
      [{ layers: [{ w: zeros([2, 3]), b: zeros([3]) }] }],
      ['argument 0.layers[0].b: shape [2] → [3]', 'argument 0.layers[0].w: shape [2, 2] → [2, 3]'],
    ],
    ['keys', [{ w: zeros([2]) }], [{ w: zeros([2]), b: zeros([2]) }], ['argument 0: tree { w } → { b, w }']],
    [
      'a length',
      [[zeros([2])]],
      [[zeros([2]), zeros([2])]],
      ['argument 0: tree an array of 1 → an array of 2'],
    ],
    [
      'null for a tensor, and what comes after it',
      [{ a: zeros([2]), b: zeros([3]) }],
      [{ a: null, b: zeros([4]) }],
      ['argument 0.a: tree a tensor → null', 'argument 0.b: shape [3] → [4]'],
    ],
    [
      'fixed values',
      [{ a: 'x', b: zeros([1]) }],
      [{ a: 'y', b: zeros([1]) }],
      ['argument 0.a: tree "x" → "y"'],
    ],
    ['arguments', [zeros([1])], [zeros([1]), zeros([1])], ['the call: number of arguments 1 → 2']],
  ])('%s', (_, first, second, expected) => {
    expect(changes(first, second)).toEqual(expected);
  });

  test('static values, which are compared by identity', () => {
    const f = jit((x: Tensor, options: { readonly n: number }, _name: string) => x.mul(options.n), {
      staticArgnums: [1, 2],
    });
    f(tensor(1), { n: 2 }, 'a');
    f(tensor(1), { n: 2 }, 'b');
    const [first, second] = explainTrace(f).traces;
    expect(first.signature).toEqual([
      'argument 0: float32[]',
      'argument 1: an object Object, static',
      'argument 2: "a", static',
    ]);
    expect(second.changes).toEqual([
      {
        path: 'argument 1',
        kind: 'static value',
        before: 'an object Object',
        after: 'an object Object, another one',
      },
      { path: 'argument 2', kind: 'static value', before: '"a"', after: '"b"' },
    ]);
  });

  test('the nearest earlier trace is the one with the fewest differences', () => {
    const f = jit((x: Tensor, y: Tensor) => x.sum().add(y.sum()));
    f(zeros([2]), zeros([2]));
    f(zeros([3]), zeros([3]));
    f(zeros([2]), zeros([4]));
    f(zeros([3]), zeros([4]));
    const { traces } = explainTrace(f);
    expect(traces.map(one => one.nearest)).toEqual([null, 1, 1, 3]);
    expect(traces.map(one => one.changes.length)).toEqual([0, 2, 1, 1]);
  });

  test('values of a transformation around it', () => {
    const inner: ((y: Tensor) => Tensor)[] = [];
    const loss = (x: Tensor): Tensor => {
      inner[0] ??= jit((y: Tensor) => y.mul(captured as Tensor));
      const captured = x;
      return inner[0](x).sum();
    };
    grad(loss)(zeros([2]));
    const { traces } = explainTrace(inner[0] as never);
    expect(traces[0].changes).toEqual([
      {
        path: 'the function',
        kind: 'closed over',
        before: 'a program for every call',
        after: 'float32[2] of grad(loss): for this call alone',
      },
    ]);
  });
});

describe('the text', () => {
  test('says where and what to do', () => {
    const f = jit(function step(x: Tensor): Tensor {
      return x.sum();
    });
    expect(String(explainTrace(f))).toBe('jit(step): not called yet');
    f(zeros([64]));
    f(zeros([16]));
    expect(String(explainTrace(f)).replace(/\(\/.*(explain\.test\.ts):\d+:\d+\)/g, '($1)')).toBe(
      [
        'jit(step): 2 traces',
        '1. argument 0: float32[64]  (explain.test.ts)',
        '2. argument 0: float32[16]  (explain.test.ts)',
        '   unlike 1:',
        '   argument 0: shape [64] → [16]',
        'To trace less often:',
        '- shape: bring values to one shape: drop or pad the last, smaller batch',
      ].join('\n'),
    );
  });

  test('many traces: the last 256', () => {
    const f = jit((x: Tensor, _n: number) => x, { staticArgnums: [1] });
    for (let i = 0; i < 300; i++) f(tensor(1), i);
    const { traces } = explainTrace(f);
    expect(traces.length).toBe(256);
    expect(traces.at(-1)?.number).toBe(300);
  });

  test('of something else', () => {
    expect(() => explainTrace(((x: Tensor) => x) as never)).toThrow(BadArgument);
    expect(() => explainTrace(null as never)).toThrow(BadArgument);
  });
});
