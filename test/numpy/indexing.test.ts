/** at(x, …) against plain loops, over random indices; its gradients, and what it refuses. */
import {
  at,
  BadArgument,
  checkGrads,
  DataDependentShape,
  DTypeMismatch,
  grad,
  type IndexItem,
  IndexOutOfRange,
  jit,
  nonzero,
  oneHot,
  putAlongAxis,
  ShapeMismatch,
  slice,
  type Tensor,
  take,
  takeAlongAxis,
  tensor,
  vmap,
} from 'cotangent';
import { describe, expect, it } from 'vitest';
import { position, product, type Random, random, tuples } from './sampling.ts';

interface Places {
  readonly shape: number[];
  /** For each element of the result in row-major order, which element of x it is. */
  readonly from: number[];
}

interface Range {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}
interface Ints {
  readonly ints: readonly number[];
  readonly shape: readonly number[];
}
type Plain = number | null | '...' | Range | Ints;

const isArray = (item: Plain | undefined): item is Ints =>
  typeof item === 'object' && item !== null && 'ints' in item;

/** The indices that Python's range(*slice.indices(n)) has. */
function chosen(item: Exclude<Plain, null | '...'>, n: number): number[] {
  if (typeof item === 'number') return [item < 0 ? item + n : item];
  if (isArray(item)) return item.ints.map(i => (i < 0 ? i + n : i));
  const step = item.step ?? 1;
  const bound = (i: number | null, other: number): number => {
    if (i === null) return other;
    const from = i < 0 ? i + n : i;
    return step > 0 ? Math.min(Math.max(from, 0), n) : Math.min(Math.max(from, -1), n - 1);
  };
  const start = bound(item.start, step > 0 ? 0 : n - 1);
  const stop = bound(item.stop, step > 0 ? n : -1);
  const list: number[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) list.push(i);
  return list;
}

/** NumPy's rule, element by element. */
function places(index: readonly Plain[], shape: readonly number[]): Places {
  const named = index.filter(item => item !== null && item !== '...').length;
  const whole = { start: null, stop: null, step: null };
  const rest = Array.from({ length: shape.length - named }, () => whole);
  const items = index.includes('...')
    ? index.flatMap(item => (item === '...' ? rest : [item]))
    : [...index, ...rest];
  const arrays = items.filter(isArray);
  const advanced = items.map(item => arrays.length > 0 && (typeof item === 'number' || isArray(item)));
  const common = arrays.reduce<number[]>((all, { shape: own }) => {
    const ndim = Math.max(all.length, own.length);
    const padded = (s: readonly number[]): number[] => [...Array(ndim - s.length).fill(1), ...s];
    const [a, b] = [padded(all), padded(own)];
    return a.map((n, i) => (n === 1 ? b[i] : n));
  }, []);
  const first = advanced.indexOf(true);
  const last = advanced.lastIndexOf(true);
  const together = first >= 0 && advanced.slice(first, last + 1).every(Boolean);

  // Result axes: one for each slice and each new axis, and those of the arrays as a block.
  const axes: { item: number | 'arrays'; extent: number }[] = [];
  const block = common.map(extent => ({ item: 'arrays' as const, extent }));
  if (first >= 0 && !together) axes.push(...block);
  let axis = 0;
  const own: number[][] = [];
  items.forEach((item, i) => {
    if (i === first && together) axes.push(...block);
    if (item === null) axes.push({ item: i, extent: 1 });
    else {
      const list = chosen(item as Exclude<Plain, null | '...'>, shape[axis++]);
      own[i] = list;
      if (!advanced[i] && typeof item !== 'number') axes.push({ item: i, extent: list.length });
    }
  });
  const result = axes.map(one => one.extent);
  const from = tuples(result).map(tuple => {
    const inArrays = tuple.filter((_, i) => axes[i].item === 'arrays');
    const source = items.flatMap((item, i) => {
      if (item === null) return [];
      if (typeof item === 'number') return [own[i][0]];
      if (isArray(item)) {
        const { shape: mine } = item;
        const at = mine.map((n, d) => (n === 1 ? 0 : inArrays[common.length - mine.length + d]));
        return [own[i][position(at, mine)]];
      }
      return [own[i][tuple[axes.findIndex(one => one.item === i)]]];
    });
    return position(source, shape);
  });
  return { shape: result, from };
}

function randomIndex(r: Random, shape: readonly number[]): Plain[] {
  const common = r.pick([[2], [3], [2, 2], []]);
  const items: Plain[] = [];
  const maybe = (): number | null => (r.integer(0, 2) === 0 ? null : r.integer(-6, 6));
  const count = r.integer(0, shape.length);
  // Which axes the items take: a gap in them becomes '...'.
  const gap = r.integer(0, count);
  for (let k = 0; k < count; k++) {
    const axis = k < gap ? k : shape.length - count + k;
    if (k === gap && count < shape.length) items.push('...');
    if (r.integer(0, 5) === 0) items.push(null);
    const n = shape[axis];
    switch (r.integer(0, 3)) {
      case 0:
        items.push(r.integer(-n, n - 1));
        break;
      case 1: {
        const own = r.integer(0, 3) === 0 ? common.map(() => 1) : common;
        items.push({ ints: Array.from({ length: product(own) }, () => r.integer(-n, n - 1)), shape: own });
        break;
      }
      default:
        items.push({ start: maybe(), stop: maybe(), step: r.pick([null, 1, 2, 3, -1, -2]) });
    }
  }
  if (gap === count && r.integer(0, 2) === 0 && count < shape.length) items.push('...');
  if (r.integer(0, 5) === 0) items.push(null);
  return items;
}

function spelled(item: Plain): IndexItem {
  if (typeof item !== 'object' || item === null) return item;
  if (isArray(item)) return tensor(Int32Array.from(item.ints), { shape: item.shape });
  return slice(item.start, item.stop, item.step);
}

const show = (index: readonly Plain[]): string => JSON.stringify(index);
const shapes = [[5], [3, 4], [2, 3, 4], [4, 1, 3], [2, 2, 3, 2]];
const cases = Array.from({ length: 300 }, (_, seed) => {
  const r = random(seed + 1);
  const shape = r.pick(shapes);
  return { r, shape, index: randomIndex(r, shape) };
});

function sample(r: Random, shape: readonly number[]): Tensor {
  return tensor(
    Float64Array.from({ length: product(shape) }, () => r.real()),
    { shape },
  );
}

describe('at', () => {
  it('reads what a loop over the index tuples reads', () => {
    for (const { r, shape, index } of cases) {
      const x = sample(r, shape);
      const wanted = places(index, shape);
      const got = at(x, ...index.map(spelled));
      expect(got.shape, show(index)).toEqual(wanted.shape);
      expect(got.get().shape, show(index)).toEqual(wanted.shape);
      const values = x.dataSync();
      expect(Array.from(got.get().dataSync()), show(index)).toEqual(wanted.from.map(i => values[i]));
    }
  });

  const updates: Record<string, (old: number, value: number) => number> = {
    set: (_, value) => value,
    add: (old, value) => old + value,
    subtract: (old, value) => old - value,
    multiply: (old, value) => old * value,
    divide: (old, value) => old / value,
    min: Math.min,
    max: Math.max,
  };
  it.each(Object.keys(updates))('%s changes what a loop changes, in a copy', name => {
    for (const { r, shape, index } of cases) {
      const x = sample(r, shape);
      const before = Array.from(x.dataSync());
      const { shape: region, from } = places(index, shape);
      const values = sample(r, region);
      const wanted = [...before];
      from.forEach((i, k) => {
        wanted[i] = updates[name](wanted[i], values.dataSync()[k]);
      });
      const place = at(x, ...index.map(spelled)) as unknown as Record<string, (v: Tensor) => Tensor>;
      const got = Array.from(place[name](values).dataSync());
      got.forEach((value, i) => {
        expect(Math.abs(value - wanted[i]), show(index)).toBeLessThanOrEqual(1e-12 * Math.abs(wanted[i]));
      });
      expect(Array.from(x.dataSync())).toEqual(before);
    }
  });

  it('has the derivatives of what it computes', () => {
    for (const { r, shape, index } of cases.slice(0, 40)) {
      const items = index.map(spelled);
      const x = sample(r, shape);
      const values = sample(r, places(index, shape).shape);
      checkGrads((a: Tensor) => at(a, ...items).get(), [x]);
      for (const name of ['set', 'add', 'multiply', 'max'] as const)
        checkGrads((a: Tensor, v: Tensor) => at(a, ...items)[name](v), [x, values]);
    }
  });

  it('does to a batch what it does to each example', () => {
    for (const { r, shape, index } of cases.slice(0, 60)) {
      const items = index.map(spelled);
      const batch = sample(r, [3, ...shape]);
      const values = sample(r, [3, ...places(index, shape).shape]);
      const read = vmap((x: Tensor) => at(x, ...items).get())(batch);
      const written = vmap((x: Tensor, v: Tensor) => at(x, ...items).add(v))(batch, values);
      for (const i of [0, 1, 2]) {
        expect(at(read, i).get().arraySync()).toEqual(
          at(at(batch, i).get(), ...items)
            .get()
            .arraySync(),
        );
        expect(at(written, i).get().arraySync()).toEqual(
          at(at(batch, i).get(), ...items)
            .add(at(values, i))
            .arraySync(),
        );
      }
    }
  });

  it('works with indices that are not known while tracing', () => {
    const x = tensor([10, 20, 30]);
    const read = jit((i: Tensor) => at(x, i).get());
    expect(read(tensor([0, -1, 1], 'int32')).arraySync()).toEqual([10, 30, 20]);
    expect(read(tensor([7, -9], 'int32')).arraySync()).toEqual([30, 10]);
    const write = jit((i: Tensor) => at(x, i).set(0));
    expect(write(tensor([-1, 3, -4], 'int32')).arraySync()).toEqual([10, 20, 0]);
    const each = vmap((i: Tensor) => at(x, i).add(1));
    expect(each(tensor([0, 2], 'int32')).arraySync()).toEqual([
      [11, 20, 30],
      [10, 20, 31],
    ]);
  });

  it('takes NumPy spellings', () => {
    const x = tensor([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(at(x, ':', '::-2').get().arraySync()).toEqual([
      [3, 1],
      [7, 5],
    ]);
    expect(at(x, '1, 1:3').get().arraySync()).toEqual([5, 6]);
    expect(at(x, '...', -1).get().arraySync()).toEqual([3, 7]);
    expect(at(x, [1, 0], [0, 0]).get().arraySync()).toEqual([4, 0]);
    expect(at(x, x.greater(5)).get().arraySync()).toEqual([6, 7]);
    expect(at(x, [true, false]).get().arraySync()).toEqual([[0, 1, 2, 3]]);
    expect(at(x, 1, 2).item()).toBe(6);
  });

  it('is an operand', () => {
    const x = tensor([1, 2, 3]);
    expect(x.add(at(x, 2)).arraySync()).toEqual([4, 5, 6]);
    expect(tensor([at(x, 0), at(x, 2)]).arraySync()).toEqual([1, 3]);
  });

  it('applies a function to a part', () => {
    expect(
      at([1, 4, 9], slice(1))
        .apply(part => part.sqrt())
        .arraySync(),
    ).toEqual([1, 2, 3]);
  });

  it('leaves elements beside the place as they are, bit for bit', () => {
    const x = tensor([-0, 1, Number.NaN, Number.POSITIVE_INFINITY], 'float64');
    const got = at(x, 1).add(1).dataSync();
    expect(Object.is(got[0], -0)).toBe(true);
    expect(Array.from(got.slice(1))).toEqual([2, Number.NaN, Number.POSITIVE_INFINITY]);
    // Division beside the place is not 0/0.
    const slopes = grad((a: Tensor) => at(a, 1).divide(2).sum())(tensor([0, 0, 0], 'float64'));
    expect(slopes.arraySync()).toEqual([1, 0.5, 1]);
  });

  it('gives the whole derivative of a place written twice to the last value', () => {
    const write = (v: Tensor): Tensor => at([1, 1], [0, 0]).set(v).sum();
    expect(grad(write)(tensor([5, 6])).arraySync()).toEqual([0, 1]);
  });
});

describe('what an index refuses', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const kinds: readonly [string, new (...args: never[]) => Error, () => unknown][] = [
    ['an integer out of range', IndexOutOfRange, () => at(x, 2)],
    ['a negative one out of range', IndexOutOfRange, () => at(x, 0, -4)],
    ['integers of a tensor out of range', IndexOutOfRange, () => at(x, [0, 5])],
    ['too many items', IndexOutOfRange, () => at(x, 0, 0, 0)],
    ['a fraction', BadArgument, () => at(x, 0.5)],
    ['fractions', DTypeMismatch, () => at(x, [0, 0.5])],
    ['a float tensor', DTypeMismatch, () => at(x, tensor([0, 1]))],
    ['a step of 0', BadArgument, () => at(x, slice(0, 2, 0))],
    ['two ellipses', BadArgument, () => at(x, '...', '...')],
    ['an unknown word', BadArgument, () => at(x, 'first')],
    ['a mask of another shape', ShapeMismatch, () => at(x, [true, false, true])],
    ['indices that do not broadcast', ShapeMismatch, () => at(x, [0, 1], [0, 1, 2])],
    ['values that do not broadcast', ShapeMismatch, () => at(x, 0).set([1, 2])],
    ['fractions into integers', DTypeMismatch, () => at(tensor([1, 2], 'int32'), 0).set(0.5)],
    [
      'a mask while tracing',
      DataDependentShape,
      () => jit((a: Tensor) => at(a, a.greater(2)).get().sum())(x),
    ],
    ['a mask of a batch', DataDependentShape, () => vmap((a: Tensor) => at(a, a.greater(2)).get())(x)],
    ['nonzero while tracing', DataDependentShape, () => jit((a: Tensor) => nonzero(a)[0])(x)],
  ];
  it.each(kinds)('%s', (_, kind, index) => {
    expect(index).toThrow(kind);
  });

  it('names axis, extent and remedy', () => {
    expect(() => at(x, 0, 3)).toThrow(/index 3 along axis 1, which has 3 elements[\s\S]*from -3 to 2/);
    expect(() => jit((a: Tensor) => at(a, a.greater(2)).get())(x)).toThrow(/where\(/);
  });
});

describe('take and its kin', () => {
  it('take reads along an axis', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(take(x, [2, 0], 1).arraySync()).toEqual([
      [3, 1],
      [6, 4],
    ]);
    expect(take(x, -1).item()).toBe(6);
    expect(take(x, [5, -7], { axis: 0, mode: 'wrap' }).arraySync()).toEqual([
      [4, 5, 6],
      [4, 5, 6],
    ]);
    expect(take(x, [5, -7], { axis: 1, mode: 'clip' }).arraySync()).toEqual([
      [3, 1],
      [6, 4],
    ]);
    expect(() => take(x, [6])).toThrow(IndexOutOfRange);
  });

  it('putAlongAxis writes what takeAlongAxis reads', () => {
    const r = random(9);
    const x = sample(r, [3, 4]);
    const order = tensor([[1], [3], [0]], 'int32');
    const written = putAlongAxis(x, order, [[7], [8], [9]], 1);
    expect(takeAlongAxis(written, order, 1).arraySync()).toEqual([[7], [8], [9]]);
    checkGrads((a: Tensor) => takeAlongAxis(a, order, 1), [x]);
    checkGrads(
      (a: Tensor, v: Tensor) => putAlongAxis(a, order, v, { axis: 1, mode: 'add' }),
      [x, sample(r, [3, 1])],
    );
  });

  it('oneHot has a row of the identity for every label', () => {
    expect(oneHot([0, 2, -1], 3).arraySync()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
    expect(oneHot([1, 0], 2, { axis: 0, dtype: 'int32' }).arraySync()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});
