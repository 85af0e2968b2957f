/**
 * The library against JAX and mpmath: values, element types, shapes and pullbacks of every stored case, and that a
 * compiled function gives the same bits as an eager one. One test for each function of a family; its message lists
 * all cases that fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as cotangent from 'cotangent';
import {
  arange,
  type DType,
  hvp,
  jit,
  jvp,
  oneHot,
  sin,
  Tensor,
  type TensorLike,
  tensor,
  vjp,
} from 'cotangent';
import * as algebra from 'cotangent/linalg';
import * as neural from 'cotangent/nn';
import * as randomness from 'cotangent/random';
import { describe, expect, it } from 'vitest';
import { composites, derivatives } from './composites.ts';
import { draws } from './draws.ts';
import {
  decode,
  decodeNumber,
  type OracleArg,
  type OracleCase,
  type OracleIndex,
  type OracleNumber,
  type OracleValue,
  ulpDistance,
} from './read.ts';
import { type Allowance, allowanceFor, ours } from './tolerance.ts';

type Callable = (...args: unknown[]) => unknown;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const numpy = cotangent as unknown as Record<string, unknown>;
const nn = neural as unknown as Record<string, unknown>;
const linalg = algebra as unknown as Record<string, unknown>;
const random = randomness as unknown as Record<string, unknown>;

/** The oracle's names that differ from the library's. */
const renamed: Record<string, string> = {
  arccos: 'acos',
  arccosh: 'acosh',
  arcsin: 'asin',
  arcsinh: 'asinh',
  arctan: 'atan',
  arctan2: 'atan2',
  arctanh: 'atanh',
  allclose: 'allClose',
  isclose: 'isClose',
  isfinite: 'isFinite',
  isinf: 'isInf',
  isnan: 'isNaN',
  isneginf: 'isNegInf',
  isposinf: 'isPosInf',
  var: 'variance',
};

/** Functions whose result's shape depends on values: they cannot be compiled. */
const eagerOnly = new Set([
  'argwhere',
  'bincount',
  'compress',
  'flatnonzero',
  'histogram',
  'intersect1d',
  'nonzero',
  'setdiff1d',
  'setxor1d',
  'union1d',
  'unique',
]);

interface Updates {
  get(): Tensor;
  set(values: TensorLike): Tensor;
  add(values: TensorLike): Tensor;
  multiply(values: TensorLike): Tensor;
  min(values: TensorLike): Tensor;
  max(values: TensorLike): Tensor;
}

/** Functions whose arguments the oracle writes in another way. */
const written: Record<string, Callable> = {
  oneHot: (x, options) => {
    const { numClasses, dtype } = options as { numClasses: number; dtype: DType };
    return oneHot(x as TensorLike, numClasses, { dtype });
  },
  logAbsDet: x => algebra.slogdet(x as TensorLike).logabsdet,
  second: (name, x, direction) =>
    hvp(squares(functionNamed(name as string, 'linalg')), [x as Tensor], [direction as Tensor]),
};

/** Σ wᵢ·fᵢ² over the float results of f that depend on its argument, w = sin(1, 2, …) in each. */
function squares(f: Callable): (x: Tensor) => Tensor {
  return x => {
    const out = f(x);
    const results = (Array.isArray(out) ? (out.length === 3 ? out.slice(1) : out) : [out]) as Tensor[];
    return results
      .map(one => {
        const weights = sin(arange(1, one.size + 1, { dtype: one.dtype })).reshape(one.shape);
        return one.square().mul(weights).sum();
      })
      .reduce((a, b) => a.add(b));
  };
}

/** The oracle's `indexAdd(x, index, values)` is the library's `at(x, ...index).add(values)`. */
function indexing(name: string): Callable | undefined {
  const method = /^index(Set|Add|Multiply|Min|Max|)$/.exec(name)?.[1];
  if (method === undefined) return undefined;
  const what = (method.toLowerCase() || 'get') as keyof Updates;
  return (x, index, values) => {
    const at = numpy.at as (x: unknown, ...items: unknown[]) => Updates;
    return at(x, ...(index as unknown[]))[what](values as TensorLike);
  };
}

/** The pullback's derivative: of a function's operands, directions of those that are floats, and its cotangent. */
function pullbackAlong(f: Callable): Callable {
  return (operands, directions, cotangent, ...options) => {
    const all = operands as unknown[];
    const places = all.flatMap((x, i) => (x instanceof Tensor && x.aval.isFloat ? [i] : []));
    const pulled = (...floats: Tensor[]): Tensor[] => {
      const onFloats = (...chosen: Tensor[]): Tensor => {
        const given = [...all];
        places.forEach((place, i) => {
          given[place] = chosen[i];
        });
        return f(...given, ...options) as Tensor;
      };
      return vjp(onFloats, ...floats)[1](cotangent as Tensor) as Tensor[];
    };
    const floats = places.map(i => all[i]) as Tensor[];
    const slopes = jvp(pulled, floats, directions as Tensor[])[1] as Tensor[];
    return slopes.length === 1 ? slopes[0] : slopes;
  };
}

function functionNamed(name: string, family: string): Callable {
  const [what, of] = name.split(':');
  if (what === 'second' && of !== undefined) return pullbackAlong(functionNamed(of, family));
  if (of !== undefined) return derivatives[what](composites[of]) as Callable;
  const direct = indexing(name) ?? written[name];
  if (direct) return direct;
  const short = name.replace(/^random\./, '');
  const places =
    name !== short ? [draws as Record<string, unknown>, random] : family === 'nn' ? [nn, numpy] : [numpy, nn];
  if (family === 'linalg') places.unshift(linalg);
  for (const place of places)
    for (const own of [renamed[short] ?? short, short])
      if (typeof place[own] === 'function') return place[own] as Callable;
  throw new Error(`no function ${name}`);
}

const tensorOf = (value: OracleValue): Tensor => {
  const { dtype, shape, data } = decode(value);
  return tensor(data, { dtype, shape });
};

const isValue = (x: unknown): x is OracleValue =>
  typeof x === 'object' && x !== null && 'data' in x && 'dtype' in x;

function indexItem(item: OracleIndex): unknown {
  if (item === null || typeof item !== 'object') return item;
  if ('slice' in item) {
    const [start, stop, step] = item.slice;
    return { start: start ?? undefined, stop: stop ?? undefined, step: step ?? undefined };
  }
  return tensorOf('ints' in item ? item.ints : item.mask);
}

function decodeArg(arg: OracleArg, isIndex: boolean): unknown {
  if ('num' in arg) return decodeNumber(arg.num as OracleNumber);
  if ('list' in arg) return arg.list.map(one => decodeArg(one, false));
  if (!('raw' in arg)) return tensorOf(arg);
  const { raw } = arg;
  if (isIndex) return (Array.isArray(raw) ? raw : [raw]).map(item => indexItem(item as OracleIndex));
  return raw;
}

/** An option; infinities are strings in JSON. */
const option = (x: unknown): unknown => (x === 'inf' || x === '-inf' ? decodeNumber(x) : x);

/** A random function's first operand is a seed, or the key itself. */
function asKey(fn: string, args: unknown[]): unknown[] {
  if (!fn.startsWith('random.') || fn === 'random.key') return args;
  const key = random.key as Callable;
  return typeof args[0] === 'number' ? [key(args[0]), ...args.slice(1)] : args;
}

function difference(
  got: unknown,
  wanted: OracleValue,
  { ulp, absolute, signs, scale = 0 }: Allowance,
  magnitude: number,
): string | undefined {
  if (!(got instanceof Tensor)) return `gives ${typeof got} in place of a tensor`;
  const { dtype, shape, data } = decode(wanted);
  if (got.dtype !== dtype) return `dtype ${got.dtype}, wanted ${dtype}`;
  if (got.shape.join() !== shape.join()) return `shape [${got.shape}], wanted [${shape}]`;
  const values = got.dataSync();
  if (dtype !== 'float32' && dtype !== 'float64') {
    const at = data.findIndex((x, i) => x !== values[i]);
    return at < 0 ? undefined : `[${at}] = ${values[at]}, wanted ${data[at]}`;
  }
  const near = absolute * Math.max(scale, magnitude) * (dtype === 'float32' ? 2 ** -24 : 2 ** -53);
  let worst: string | undefined;
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    const distance = ulpDistance(values[i], data[i], dtype);
    const wrongSign = signs && data[i] === 0 && distance === 0 && !Object.is(values[i], data[i]);
    if (!wrongSign && (distance <= ulp || Math.abs(values[i] - data[i]) <= near)) continue;
    if (wrongSign ? worst === undefined : distance > most) {
      most = distance;
      worst = `[${i}] = ${Object.is(values[i], -0) ? '-0' : values[i]}, wanted ${Object.is(data[i], -0) ? '-0' : data[i]} (${distance} ULP, ${ulp} allowed)`;
    }
  }
  return worst;
}

const asList = <T>(x: T | readonly T[]): readonly T[] => (Array.isArray(x) ? x : [x as T]);

/** Results may be lists, or records whose values stand in the oracle's order. */
function results(out: unknown, count: number | undefined): readonly unknown[] {
  if (count === undefined) return [out];
  return Array.isArray(out) ? out : Object.values(out as object);
}

function valuesOf(arg: OracleArg): readonly OracleValue[] {
  if ('list' in arg) return arg.list.flatMap(valuesOf);
  return isValue(arg) ? [arg] : [];
}

function largest(values: readonly OracleValue[]): number {
  let most = 0;
  for (const value of values)
    for (const x of decode(value).data) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
  return most;
}

function sameBits(a: unknown, b: unknown): boolean {
  if (a instanceof Tensor && b instanceof Tensor) {
    const [x, y] = [a.dataSync(), b.dataSync()];
    return a.aval.key === b.aval.key && x.every((value, i) => Object.is(value, y[i]));
  }
  const [left, right] = [a, b].map(one =>
    Object.entries(one as object)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([, value]) => value),
  );
  return left.length === right.length && left.every((value, i) => sameBits(value, right[i]));
}

const holdsTensors = (x: unknown): boolean =>
  x instanceof Tensor || (Array.isArray(x) && x.length > 0 && x.every(holdsTensors));

/** What is wrong in one case. */
function failures(test: OracleCase, family: string): string[] {
  const f = functionNamed(test.fn, family);
  const found: string[] = [];
  const args = asKey(
    test.fn,
    test.args.map((arg, i) =>
      decodeArg(arg, test.fn.startsWith('index') && test.fn !== 'indices' && i === 1),
    ),
  );
  const opts =
    test.opts && Object.fromEntries(Object.entries(test.opts).map(([name, x]) => [name, option(x)]));
  const apply = (all: readonly unknown[]): unknown => f(...all, ...(opts ? [opts] : []));
  const wanted = asList(test.out).map(value => ours(test, value));
  const operands = largest(test.args.flatMap(valuesOf));
  const out = apply(args);
  const got = results(out, Array.isArray(test.out) ? test.out.length : undefined);
  if (got.length !== wanted.length) found.push(`${got.length} results, wanted ${wanted.length}`);
  const valueAllowance = allowanceFor(family, test, false);
  wanted.forEach((value, i) => {
    const what = difference(got[i], value, valueAllowance, Math.max(operands, largest([value])));
    if (what) found.push(wanted.length > 1 ? `result ${i} ${what}` : what);
  });

  const traced = args.map((arg, i) => (holdsTensors(arg) ? i : -1)).filter(i => i >= 0);
  const hasMask = JSON.stringify(test.args).includes('"mask"');
  if (traced.length > 0 && !eagerOnly.has(test.fn) && !hasMask) {
    const compiled = jit((...chosen: unknown[]) => {
      const all = [...args];
      traced.forEach((place, i) => {
        all[place] = chosen[i];
      });
      return apply(all);
    });
    const again = compiled(...(traced.map(i => args[i]) as never[]));
    if (!sameBits(out, again)) found.push(`jit gives other bits: ${again} in place of ${out}`);
  }

  if (test.vjp) {
    const { cotangent, wrt, grads } = test.vjp;
    const pulled = vjp(
      (...chosen: unknown[]) => {
        const all = [...args];
        wrt.forEach((place, i) => {
          all[place] = chosen[i];
        });
        return apply(all);
      },
      ...wrt.map(i => args[i]),
    )[1] as (cotangent: unknown) => unknown[];
    const cts = asList(cotangent);
    const up = cts.map(tensorOf);
    const slopes = pulled(Array.isArray(cotangent) ? up : up[0]);
    const allowance = allowanceFor(family, test, true);
    grads.forEach((grad, i) => {
      const expected = valuesOf(grad);
      const actual = asList(slopes[i]);
      const scale = Math.max(operands, largest(expected), largest(cts));
      expected.forEach((value, j) => {
        // The cotangent of an operand that was broadcast is a sum.
        const summed = value.shape.join() !== wanted[0].shape.join();
        const absolute = summed ? Math.max(8, allowance.absolute) : allowance.absolute;
        const what = difference(actual[j], value, { ...allowance, absolute }, scale);
        if (what) found.push(`gradient ${wrt[i]}${expected.length > 1 ? `[${j}]` : ''} ${what}`);
      });
    });
  }
  return found;
}

const families = readdirSync(here('.'))
  .filter(name => name.endsWith('.json') && !name.endsWith('-functions.json'))
  .map(name => name.replace('.json', ''));

describe.each(families)('%s', family => {
  const cases = JSON.parse(readFileSync(here(`${family}.json`), 'utf8')) as OracleCase[];
  const byFunction = new Map<string, OracleCase[]>();
  for (const one of cases) byFunction.set(one.fn, [...(byFunction.get(one.fn) ?? []), one]);
  it.each([...byFunction])('%s', (_, group) => {
    const report: string[] = [];
    for (const one of group) {
      try {
        for (const what of failures(one, family)) report.push(`${one.id}: ${what}`);
      } catch (error) {
        report.push(`${one.id}: throws ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`);
      }
    }
    expect(report, `${report.length} of ${group.length} cases`).toEqual([]);
  });
});
