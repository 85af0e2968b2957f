import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as reference from '../../src/backends/reference/arithmetic.ts';
import {
  enableRelaxedSimd,
  hasRelaxedSimd,
  i32,
  ModuleBuilder,
  v128,
} from '../../src/backends/wasm/encode.ts';
import { VectorMath, type VectorOp } from '../../src/backends/wasm/math/index.ts';
import { decodeNumber, type OracleCase, type OracleValue, ulpDistance } from '../oracle/read.ts';

type Float = 'float32' | 'float64';
const types: readonly Float[] = ['float32', 'float64'];
const arrays = { float32: Float32Array, float64: Float64Array };

const probe = new VectorMath(new ModuleBuilder({ shared: false, maximumPages: 1 }), { relaxed: false });
const names: VectorOp[] = [...Object.keys(reference.functions), 'pow', 'atan2'].filter(op =>
  probe.supports(op),
);
const arityOf = (op: string) => (op === 'pow' || op === 'atan2' ? 2 : 1);

/** Applies one function to lists of numbers by a loop over memory: called there or written in place. */
function apply(
  op: VectorOp,
  type: Float,
  relaxed: boolean | 'in place',
  ...args: readonly (readonly number[])[]
): number[] {
  const lanes = type === 'float32' ? 4 : 2;
  const length = Math.ceil(args[0].length / lanes) * lanes;
  const bytes = 16 * (length / lanes);
  const module = new ModuleBuilder({ shared: false, maximumPages: 1024 });
  const math = new VectorMath(module, { relaxed: relaxed !== false && hasRelaxedSimd() });
  const f = math.function(op, type);
  module.function(
    ['i32'],
    [],
    b => {
      b.for(i32.const(0), b.params[0], 16, i => {
        const vectors = args.map((_, k) => v128.load(i32.add(i, i32.const(k * bytes))));
        const y = relaxed === 'in place' ? math.apply(b, op, type, ...vectors) : b.call(f, ...vectors);
        b.emit(v128.store(i, y));
      });
      return undefined;
    },
    'run',
  );
  const memory = new WebAssembly.Memory({ initial: 1 + ((args.length * bytes) >> 16), maximum: 1024 });
  const compiled = new WebAssembly.Module(module.finish());
  const { run } = new WebAssembly.Instance(compiled, { env: { memory } }).exports;
  const data = new arrays[type](memory.buffer);
  for (const [k, list] of args.entries()) data.set(list, k * length);
  (run as (bytes: number) => void)(bytes);
  return [...data.subarray(0, args[0].length)];
}

const scalar = (op: string): ((...x: number[]) => number) =>
  op === 'pow' ? reference.pow : op === 'atan2' ? Math.atan2 : (reference.functions as never)[op];

beforeAll(enableRelaxedSimd);

/** Both ways of compiling where the engine has them. */
const variants = (): boolean[] => (hasRelaxedSimd() ? [false, true] : [false]);

function expectClose(
  op: VectorOp,
  type: Float,
  args: readonly number[][],
  expected: readonly number[],
  ulp: number,
) {
  for (const relaxed of variants()) {
    const results = apply(op, type, relaxed, ...args);
    results.forEach((y, i) => {
      if (Object.is(y, expected[i])) return;
      const close = ulpDistance(y, expected[i], type) <= ulp;
      const signs = y !== 0 || expected[i] !== 0 || Object.is(y, expected[i]);
      if (close && signs) return;
      const x = args.map(list => list[i]).join(', ');
      expect.fail(`${op}(${x}) = ${y}, expected ${expected[i]} (${type}${relaxed ? ', relaxed' : ''})`);
    });
  }
}

const oracleNames: Record<string, string> = {
  asin: 'arcsin',
  acos: 'arccos',
  atan: 'arctan',
  asinh: 'arcsinh',
  acosh: 'arccosh',
  atanh: 'arctanh',
  pow: 'power',
};
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../oracle/${file}.json`, import.meta.url), 'utf8'));
const cases: OracleCase[] = [...read('elementwise'), ...read('binary')];
const special: Record<string, number[][]> = read('special-functions');
/** Rows of arguments and the nearest float64 (tools/coefficients/measure_vector.py --oracle). */
const own: Record<Float, Record<string, number[][]>> = read('vector-functions');

/** Functions of which only the absolute error is bounded for negative arguments. */
const nearZeros = (op: string) => op === 'lgamma' || op === 'digamma';

describe('within 2 units in the last place of mpmath', () => {
  describe.each(names)('%s', op => {
    it.each(types)('%s', type => {
      const rows = [...(own[type][op] ?? []), ...(type === 'float64' ? (special[op] ?? []) : [])];
      expectClose(
        op,
        type,
        Array.from({ length: arityOf(op) }, (_, k) => rows.map(row => row[k])),
        rows.map(row => row[row.length - 1]),
        2,
      );
    });

    it.each(types)('%s, the cases of the oracle', type => {
      for (const test of cases) {
        if (test.fn !== (oracleNames[op] ?? op)) continue;
        const out = test.out as OracleValue;
        const args = test.args as OracleValue[];
        if (args.some(arg => arg.dtype !== type || `${arg.shape}` !== `${out.shape}`)) continue;
        const numbers = args.map(arg => arg.data.map(decodeNumber));
        const expected = out.data.map(decodeNumber);
        // log |Γ(−∞)| is ∞ here, and erfinv is odd.
        const keep = expected.map((_, i) => !(nearZeros(op) && numbers[0][i] < 0) && op !== 'erfinv');
        const kept = <T>(list: readonly T[]) => list.filter((_, i) => keep[i]);
        expectClose(
          op,
          type,
          numbers.map(kept),
          kept(expected).map(type === 'float32' ? Math.fround : Number),
          2,
        );
      }
    });
  });
});

const { MAX_VALUE, MIN_VALUE } = Number;
const { PI } = Math;
const edges = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, Infinity, -Infinity, NaN, MAX_VALUE, -MAX_VALUE];
const small = [MIN_VALUE, -MIN_VALUE, 1e-310, -1e-310, 2 ** -1022, 1e-300, 1e-20, -1e-20];
const float32Edges = [3.4028234663852886e38, 1.401298464324817e-45, -1.401298464324817e-45, 1e-40, 2 ** -126];

describe('special values, as the scalar functions have them', () => {
  it.each(names)('%s', op => {
    for (const type of types) {
      const list = [...edges, ...(type === 'float64' ? small : float32Edges), 1e22, -1e22, 1e300, 710, -746]
        .map(x => (type === 'float32' ? Math.fround(x) : x))
        .filter(x => !(nearZeros(op) && x < 0));
      const pairs = list.flatMap(x => list.map(y => [x, y]));
      const args = arityOf(op) === 2 ? [pairs.map(p => p[0]), pairs.map(p => p[1])] : [list];
      const expected = args[0].map((_, i) => {
        const y = scalar(op)(...args.map(a => a[i]));
        return type === 'float32' ? Math.fround(y) : y;
      });
      expectClose(op, type, args, expected, 2);
    }
  });

  it.each(names)('%s in place of a call', op => {
    for (const type of types) {
      const list = [...edges, ...float32Edges, ...small, 88, -88, 104, 0.3, 5999, 6001, 1e22];
      const args = arityOf(op) === 2 ? [list, [...list].reverse()] : [list];
      expect(apply(op, type, 'in place', ...args)).toEqual(apply(op, type, hasRelaxedSimd(), ...args));
    }
  });

  it.each(types)('huge angles in %s', type => {
    // sin 10^22, from the literature on argument reduction (Ng 1992)
    if (type === 'float64') expectClose('sin', type, [[1e22]], [-0.8522008497671888], 1);
    const x = [1e22, 1e30, 3e38, 123456789, 16777216, 6000, 6001].map(
      type === 'float32' ? Math.fround : Number,
    );
    const round = type === 'float32' ? Math.fround : Number;
    for (const op of ['sin', 'cos', 'tan'] as const)
      expectClose(
        op,
        type,
        [x],
        x.map(v => round(Math[op](v))),
        2,
      );
  });

  it('powers', () => {
    const rows: [number, number, number][] = [
      [NaN, 0, 1],
      [1, NaN, 1],
      [-1, Infinity, 1],
      [-1, -Infinity, 1],
      [-8, 1 / 3, NaN],
      [-2, 3, -8],
      [-2, 2 ** 53, Infinity],
      [-0, -3, -Infinity],
      [-0, -2, Infinity],
      [-Infinity, 3, -Infinity],
      [-Infinity, -3, -0],
      [0.5, Infinity, 0],
      [0.5, -Infinity, Infinity],
      [2, -1074, MIN_VALUE],
      [2, 1023, 2 ** 1023],
      [1 + 2 ** -52, 2 ** 52, Math.E * (1 - 2 ** -53)],
    ];
    expectClose(
      'pow',
      'float64',
      [rows.map(r => r[0]), rows.map(r => r[1])],
      rows.map(r => r[2]),
      1,
    );
  });

  it('quadrants of atan2', () => {
    const rows = [
      [0, 0, 0],
      [0, -0, PI],
      [-0, -0, -PI],
      [Infinity, -Infinity, 0.75 * PI],
      [-1, -Infinity, -PI],
      [1e-320, 1e-320, PI / 4],
      [MAX_VALUE, -MAX_VALUE, 0.75 * PI],
    ];
    expectClose(
      'atan2',
      'float64',
      [rows.map(r => r[0]), rows.map(r => r[1])],
      rows.map(r => r[2]),
      1,
    );
  });
});

/** A small generator of its own, so that failures repeat. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    z = Math.imul(z ^ (z >>> 12), 0x297a2d39);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

const bits = new DataView(new ArrayBuffer(8));
/** Any finite float, evenly by its bits. */
const anyFloat = (type: Float, random: () => number) => {
  bits.setUint32(0, random() * 2 ** 32);
  bits.setUint32(4, random() * 2 ** 32);
  const x = type === 'float32' ? bits.getFloat32(0) : bits.getFloat64(0);
  return Number.isFinite(x) ? x : 1;
};

const ranges: ((type: Float, random: () => number) => number)[] = [
  anyFloat,
  (_, random) => 4 * random() - 2,
  (_, random) => 200 * random() - 100,
  (_, random) => 2000 * random() - 1000,
];

describe('a scan against the scalar functions', () => {
  it.each(names)('%s', op => {
    const random = randoms(op.length);
    for (const type of types) {
      const round = type === 'float32' ? Math.fround : Number;
      for (const range of ranges) {
        const args = Array.from({ length: arityOf(op) }, () =>
          Array.from({ length: 20000 }, () => round(range(type, random))).map(x =>
            nearZeros(op) ? Math.abs(x) : x,
          ),
        );
        // The engine's own functions are wrong by up to two and a half units in the last place.
        const expected = args[0].map((_, i) => round(scalar(op)(...args.map(a => a[i]))));
        expectClose(op, type, args, expected, type === 'float32' ? 2 : 4);
      }
    }
  });
});

describe('a lane depends on itself alone', () => {
  it.each(names)('%s', op => {
    const random = randoms(7);
    const pool = [...edges, 1e-310, 1e22, 0.3, 7, -0.2, 1e-40, 3e5, 2e7];
    for (const type of types)
      for (const relaxed of variants()) {
        const args = Array.from({ length: arityOf(op) }, () =>
          Array.from({ length: 400 }, () => pool[Math.floor(random() * pool.length)]),
        );
        const lanes = type === 'float32' ? 4 : 2;
        const alone = apply(op, type, relaxed, ...args.map(a => a.flatMap(x => Array(lanes).fill(x))));
        const together = apply(op, type, relaxed, ...args);
        expect(together).toEqual(alone.filter((_, i) => i % lanes === 0));
        expect(alone).toEqual(together.flatMap(y => Array(lanes).fill(y)));
      }
  });
});
