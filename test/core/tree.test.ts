/** The laws of trees. */
import { describe, expect, test } from 'vitest';
import '../../src/setup.ts';
import { WrongTree } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import * as tree from '../../src/core/tree.ts';
import { tensor } from '../../src/numpy/array.ts';
import { at } from '../../src/numpy/indexing.ts';

class Pair {
  readonly left: unknown;
  readonly right: unknown;
  readonly label: string;

  constructor(left: unknown, right: unknown, label = '') {
    this.left = left;
    this.right = right;
    this.label = label;
  }
}
tree.register(Pair, {
  children: ({ left, right }) => ({ right, left }),
  rebuild: ({ left, right }, like) => new Pair(left, right, like.label),
  fixed: ({ label }) => [label],
});

class Layer {
  weights: unknown;

  constructor(weights: unknown) {
    this.weights = weights;
  }

  static readonly [tree.protocol]: tree.TreeNode<Layer> = {
    children: layer => ({ ...layer }),
    rebuild: (children, like) => Object.assign(Object.create(Object.getPrototypeOf(like)), children) as Layer,
  };
}

class Wide extends Layer {
  readonly bias: unknown;

  constructor(weights: unknown, bias: unknown) {
    super(weights);
    this.bias = bias;
  }
}

const act = (x: unknown): unknown => x;
const symbol = Symbol('mark');
const samples: Record<string, unknown> = {
  'a number': 3,
  'a tensor': tensor([1, 2]),
  null: null,
  undefined: undefined,
  'an empty array': [],
  'an empty object': {},
  'an empty Map': new Map(),
  'nested arrays': [1, [2, [3, []]], 4],
  'nested objects': { a: 1, b: { c: [2, { d: 3 }] } },
  'a Map': new Map<unknown, unknown>([
    ['k', 1],
    [symbol, [2, 3]],
  ]),
  'what is fixed': { name: 'dense', act, symbol, big: 5n, nothing: null, size: 4 },
  'an instance': new Pair(1, [new Pair(2, null, 'inner')], 'outer'),
  'an instance by the protocol': [new Layer({ w: 1 }), new Wide(2, 3)],
  'typed arrays': { floats: new Float32Array([1, 2]), bytes: new Uint8Array(3) },
  booleans: [true, false],
  'an object without prototype': Object.assign(Object.create(null), { x: 1 }),
};

describe.each(Object.keys(samples))('%s', name => {
  const value = samples[name];
  const { leaves, structure } = tree.flatten(value);

  test('unflatten undoes flatten', () => {
    const again = tree.unflatten(structure, leaves);
    expect(again).toEqual(value);
    const twice = tree.flatten(again);
    expect(twice.structure.equals(structure)).toBe(true);
    expect(structure.equals(twice.structure)).toBe(true);
    expect(twice.leaves.length).toBe(leaves.length);
    twice.leaves.forEach((leaf, i) => expect(leaf).toBe(leaves[i]));
  });

  test('flatten undoes unflatten', () => {
    const others = leaves.map((_, i) => 100 + i);
    const made = tree.flatten(tree.unflatten(structure, others));
    expect(made.leaves).toEqual(others);
    expect(made.structure.equals(structure)).toBe(true);
  });

  test('map of the identity is the identity, of a composition the composition', () => {
    expect(tree.map((x: unknown) => x, value)).toEqual(value);
    const [f, g] = [(x: unknown) => ['f', x], (x: unknown) => String(x)];
    const numbered = tree.unflatten(
      structure,
      leaves.map((_, i) => i),
    );
    expect(tree.map((x: number) => g(x + 1), numbered)).toEqual(
      tree.map(
        g,
        tree.map((x: number) => x + 1, numbered),
      ),
    );
    expect(f(1)).toEqual(['f', 1]);
  });

  test('there is a path for every leaf, each its own', () => {
    const paths = structure.paths();
    expect(paths.length).toBe(leaves.length);
    expect(structure.leafCount).toBe(leaves.length);
    expect(new Set(paths).size).toBe(leaves.length);
  });
});

describe('flatten', () => {
  test('the order of keys does not matter, that of leaves follows the sorted keys', () => {
    const [one, two] = [tree.flatten({ b: 1, a: 2 }), tree.flatten({ a: 2, b: 1 })];
    expect(one.leaves).toEqual([2, 1]);
    expect(one.leaves).toEqual(two.leaves);
    expect(one.structure.equals(two.structure)).toBe(true);
    expect(one.structure.paths()).toEqual(['.a', '.b']);
  });

  test('a Map keeps its order and its keys, which may be anything', () => {
    const map = new Map<unknown, unknown>([
      [2, 'fixed'],
      ['1', 10],
      [act, 20],
    ]);
    const { leaves, structure } = tree.flatten(map);
    expect(leaves).toEqual([10, 20]);
    expect([...(tree.unflatten(structure, [1, 2]) as Map<unknown, unknown>)]).toEqual([
      [2, 'fixed'],
      ['1', 1],
      [act, 2],
    ]);
  });

  test('null and undefined are empty, and not the same', () => {
    for (const empty of [null, undefined]) expect(tree.flatten([empty, 1]).leaves).toEqual([1]);
    expect(tree.flatten(null).structure.equals(tree.flatten(undefined).structure)).toBe(false);
  });

  test('strings, functions, symbols and bigints are structure, compared by identity', () => {
    const of = (value: unknown): tree.Structure => tree.flatten({ value, x: 1 }).structure;
    expect(tree.flatten(['a', act, symbol, 1n]).leaves).toEqual([]);
    for (const [same, other] of [
      ['relu', 'tanh'],
      [act, (x: unknown) => x],
      [symbol, Symbol('mark')],
      [1n, 2n],
    ] as const) {
      expect(of(same).equals(of(same))).toBe(true);
      expect(of(same).equals(of(other))).toBe(false);
    }
  });

  test('numbers, booleans, typed arrays and tensors are leaves', () => {
    const x = tensor([1]);
    const data = new Float64Array(2);
    expect(tree.flatten([1, Number.NaN, true, data, x]).leaves).toEqual([1, Number.NaN, true, data, x]);
    for (const leaf of [0, false, data, new Uint8ClampedArray(1), x]) expect(tree.isLeaf(leaf)).toBe(true);
    for (const other of ['', null, undefined, [], {}, act]) expect(tree.isLeaf(other)).toBe(false);
  });

  test('structures of different kinds or lengths differ', () => {
    const all = [
      1,
      [],
      [1],
      [1, 1],
      { a: 1 },
      { b: 1 },
      new Map([['a', 1]]),
      new Pair(1, 1),
      [[1]],
      null,
      '',
    ];
    const structures = all.map(one => tree.flatten(one).structure);
    structures.forEach((one, i) => structures.forEach((two, j) => expect(one.equals(two)).toBe(i === j)));
  });

  test('paths and structures print', () => {
    const value = { w: [1, 2], m: new Map([['k', { deep: 3 }]]), p: new Pair(4, null), act, name: 'n' };
    const { structure } = tree.flatten(value);
    expect(structure.paths()).toEqual(['.m.get(k).deep', '.p.left', '.w[0]', '.w[1]']);
    expect(String(structure)).toBe(
      '{act: act, m: Map{k: {deep: *}}, name: n, p: Pair{left: *, right: null}, w: [*, *]}',
    );
  });
});

describe('classes', () => {
  test('a rebuilt instance is of the class and keeps what is fixed', () => {
    const made = tree.map((x: number) => x * 2, new Pair(1, 2, 'label')) as Pair;
    expect(made).toBeInstanceOf(Pair);
    expect(made).toEqual(new Pair(2, 4, 'label'));
  });

  test('what is fixed belongs to the structure', () => {
    const of = (label: string): tree.Structure => tree.flatten(new Pair(1, 2, label)).structure;
    expect(of('a').equals(of('a'))).toBe(true);
    expect(of('a').equals(of('b'))).toBe(false);
  });

  test('a subclass inherits the protocol and is a class of its own', () => {
    const made = tree.map((x: number) => x + 1, new Wide(1, 2)) as Wide;
    expect(made).toBeInstanceOf(Wide);
    expect([made.weights, made.bias]).toEqual([2, 3]);
    const [layer, wide] = [new Layer(1), Object.assign(Object.create(Wide.prototype), { weights: 1 })];
    expect(tree.flatten(layer).structure.equals(tree.flatten(wide).structure)).toBe(false);
  });

  test('a subclass may have a protocol of its own', () => {
    class Frozen extends Layer {
      static override readonly [tree.protocol]: tree.TreeNode<Layer> = {
        children: () => ({}),
        rebuild: (_, like) => like,
      };
    }
    const frozen = new Frozen(5);
    expect(tree.flatten(frozen).leaves).toEqual([]);
    expect(tree.map(() => 0, frozen)).toBe(frozen);
  });

  test('the protocol is a registered symbol, so that copies of the library understand one another', () => {
    expect(tree.protocol).toBe(Symbol.for('cotangent.tree'));
  });

  test('registering wins over the protocol, and the last registration over earlier ones', () => {
    class Twice extends Layer {}
    expect(tree.flatten(new Twice(1)).leaves).toEqual([1]);
    for (const value of [7, 8]) {
      tree.register(Twice, { children: () => ({ value }), rebuild: (_, like) => like });
      expect(tree.flatten(new Twice(1)).leaves).toEqual([value]);
    }
  });
});

describe('map', () => {
  test('takes several trees of one structure', () => {
    const sums = tree.map(
      (a: number, b: number, c: number) => a + b + c,
      { x: 1, y: [2] },
      { y: [20], x: 10 },
      { x: 100, y: [200] },
    );
    expect(sums).toEqual({ x: 111, y: [222] });
  });

  test('visits leaves in order', () => {
    const seen: unknown[] = [];
    tree.map((leaf: unknown) => seen.push(leaf), { b: [2, 3], a: 1 });
    expect(seen).toEqual([1, 2, 3]);
  });

  test('steps parameters along a gradient', () => {
    const p = { w: tensor([1, 2], 'float64'), b: null };
    const stepped = tree.map(
      (x: Tensor) =>
        tensor(
          Array.from(x.dataSync(), v => v / 2),
          'float64',
        ),
      p,
    ) as typeof p;
    expect(stepped.w.arraySync()).toEqual([0.5, 1]);
    expect(stepped.b).toBeNull();
  });
});

describe('errors', () => {
  const wrong = (run: () => unknown): WrongTree => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(WrongTree);
      return error as WrongTree;
    }
    throw new Error('nothing was thrown');
  };

  test('objects that are no trees are named, with their path and what to write', () => {
    class Point {}
    const error = wrong(() => tree.flatten({ a: [1, { p: new Point() }] }, 'argument 0'));
    expect(error.did).toContain('Point at argument 0.a[1].p');
    expect(error.remedy).toContain('tree.register(Point, ');
    for (const other of [new Date(0), new Set([1]), new Error('x'), /x/, new WeakMap()])
      expect(wrong(() => tree.flatten([other])).did).toContain(`${other.constructor.name} at [0]`);
  });

  test('a Promise says to await it, a place says to get its value', () => {
    expect(wrong(() => tree.flatten({ data: Promise.resolve(1) })).remedy).toContain('await');
    expect(wrong(() => tree.flatten([at([1, 2], 0)], 'result')).remedy).toContain('write .get()');
  });

  test('an object with a get of a key is no place', () => {
    expect(wrong(() => tree.flatten(new URLSearchParams('a=1'))).remedy).toContain('tree.register');
  });

  test('trees of different structure are shown both', () => {
    const error = wrong(() => tree.map((a: number) => a, { x: 1, y: 2 }, { x: 1, z: 2 }));
    expect(error.did).toContain('{x: *, z: *}');
    expect(error.expected).toContain('{x: *, y: *}');
    for (const [one, two] of [
      [[1], [1, 2]],
      [[1], { 0: 1 }],
      [[null], [1]],
      [['a'], ['b']],
      [new Pair(1, 2, 'a'), new Pair(1, 2, 'b')],
    ])
      wrong(() => tree.map((a: number) => a, one, two));
  });

  test('too few or too many leaves', () => {
    const { structure } = tree.flatten([1, 2]);
    for (const leaves of [[], [1], [1, 2, 3]])
      expect(wrong(() => tree.unflatten(structure, leaves)).did).toContain(`${leaves.length} lea`);
  });
});
