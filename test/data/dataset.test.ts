/**
 * Laws of pipelines: every element once in an epoch, the same order for the same seed, going on at any position as if
 * nothing had been, bounded buffers, and no open sources left behind.
 */
import { BadArgument, ShapeMismatch, type Tensor, tensor, WrongTree } from 'cotangent';
import { type Dataset, type DatasetState, from } from 'cotangent/data';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sorted = (x: readonly number[]): number[] => [...x].sort((a, b) => a - b);
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one) => (one?.arraySync ? (one as Tensor).arraySync() : one)));

/** A stream of 0 … n−1 that counts what it has given and whether it is open. */
function stream(n: number) {
  const counts = { opened: 0, closed: 0, given: 0 };
  const open = async function* (): AsyncGenerator<number> {
    counts.opened++;
    try {
      for (let i = 0; i < n; i++) {
        counts.given++;
        yield i;
      }
    } finally {
      counts.closed++;
    }
  };
  return { counts, open };
}
const later = <T>(value: T): Promise<T> => new Promise(resolve => setTimeout(resolve, 0, value));

const x = tensor(range(26), { shape: [13, 2] });
const y = tensor(range(13), 'int32');

/** What a pipeline may be made of, in many orders. The elements of each are the numbers below 13, perhaps in batches. */
const pipelines: Record<string, () => Dataset<unknown>> = {
  list: () => from(range(13)),
  'shuffled list': () => from(range(13)).shuffle({ seed: 1 }),
  'shuffled twice': () => from(range(13)).shuffle({ seed: 1 }).shuffle({ seed: 2 }),
  'mapped, shuffled': () =>
    from(range(13))
      .map(i => later(i))
      .shuffle({ seed: 3 }),
  'at once, shuffled': () =>
    from(range(13))
      .map(i => later(i), { concurrency: 4 })
      .shuffle({ seed: 3 }),
  'buffer of 1': () => from(range(13)).shuffle({ seed: 1, buffer: 1 }),
  'buffer of 4': () => from(range(13)).shuffle({ seed: 1, buffer: 4 }),
  'buffer of 40': () => from(range(13)).shuffle({ seed: 1, buffer: 40 }),
  'stream, buffer of 5': () => from(stream(13).open).shuffle({ seed: 1, buffer: 5 }),
  'two buffers': () => from(stream(13).open).shuffle({ seed: 1, buffer: 3 }).shuffle({ seed: 2, buffer: 4 }),
  prefetched: () => from(stream(13).open).prefetch(3),
  'buffer, batches, prefetched': () => from(stream(13).open).shuffle({ buffer: 5 }).batch(3).prefetch(2),
  'prefetched, buffer': () => from(stream(13).open).prefetch(4).shuffle({ buffer: 5 }).prefetch(2),
  'batches of a stream': () => from(stream(13).open).batch(4),
  'batches of tensors': () =>
    from({ y, x })
      .shuffle({ seed: 5 })
      .batch(4)
      .map(({ y }) => y),
  'mapped tensors': () =>
    from({ y, x })
      .map(({ y }) => y)
      .shuffle({ seed: 5 })
      .batch(4),
  'at once': () => from(stream(13).open).map(i => later(i), { concurrency: 3 }),
  filtered: () =>
    from(range(39))
      .filter(i => i % 3 === 0)
      .map(i => i / 3)
      .shuffle({ buffer: 4 }),
  'the first ones': () => from(range(20)).take(13).shuffle({ buffer: 20 }).batch(5).prefetch(1),
};
/** Several epochs. */
const repeated: Record<string, () => Dataset<unknown>> = {
  'batches, repeated': () =>
    from({ y, x })
      .shuffle({ seed: 5 })
      .batch(4)
      .map(({ y }) => y)
      .prefetch(2)
      .repeat(3),
  'repeated, batches': () =>
    from({ y, x })
      .shuffle({ seed: 5 })
      .repeat(3)
      .map(({ y }) => y)
      .batch(4),
  'repeated, buffer': () => from(stream(13).open).repeat(3).shuffle({ buffer: 4 }).prefetch(3),
  'buffer, repeated': () => from(stream(13).open).shuffle({ buffer: 4 }).repeat(3).batch(5),
  'repeated twice': () => from(range(13)).shuffle().repeat(3).repeat(1),
};

const elements = async (data: Dataset<unknown>, options = {}): Promise<unknown[]> =>
  (await data.toArray(options)).map(plain);
const flat = (all: unknown): number[] => (all as unknown[]).flat(3) as number[];

describe.each(Object.entries(pipelines))('%s', (_, make) => {
  it('gives every element once in every epoch', async () => {
    for (const epoch of [0, 1, 7]) expect(sorted(flat(await elements(make(), { epoch })))).toEqual(range(13));
  });
});

describe.each(Object.entries({ ...pipelines, ...repeated }))('%s', (name, make) => {
  it('gives the same order again, and another one in another epoch', async () => {
    const data = make();
    const first = await elements(data);
    expect(await elements(data)).toEqual(first);
    expect(await elements(make())).toEqual(first);
    expect(data.length ?? first.length).toBe(first.length);
    if (/shuffled|buffer of [4-9]|buffer,/.test(name)) {
      expect(flat(first)).not.toEqual(sorted(flat(first)));
      expect(await elements(data, { epoch: 1 })).not.toEqual(first);
    }
  });

  it('goes on at every position with what would have followed', async () => {
    for (const epoch of [0, 2]) {
      const whole = await elements(make(), { epoch });
      for (let position = 0; position <= whole.length; position++) {
        const iterator = make().iterate({ epoch });
        const before: unknown[] = [];
        while (before.length < position) before.push(plain((await iterator.next()).value));
        const state: unknown = JSON.parse(JSON.stringify(iterator.state()));
        await iterator.return();
        expect(iterator.state()).toEqual(state);
        const resumed = make().iterate({ state: state as DatasetState });
        expect(resumed.state()).toEqual(state);
        const after: unknown[] = [];
        for await (const element of resumed) after.push(plain(element));
        expect([...before, ...after], `position ${position}`).toEqual(whole);
      }
    }
  });

  it('goes on and on, one element at a time', async () => {
    const whole = await elements(make());
    const found: unknown[] = [];
    let state: DatasetState | undefined;
    for (;;) {
      const iterator = make().iterate({ state });
      const { done, value } = await iterator.next();
      if (done) break;
      found.push(plain(value));
      state = JSON.parse(JSON.stringify(iterator.state())) as DatasetState;
      await iterator.return();
    }
    expect(found).toEqual(whole);
  });
});

describe('repeat', () => {
  it('gives every epoch whole, each in its own order, as iterate({ epoch }) does', async () => {
    const once = from(range(13)).shuffle({ seed: 4 });
    const all = (await once.repeat(3).toArray()) as number[];
    const epochs = await Promise.all([0, 1, 2].map(epoch => once.toArray({ epoch })));
    expect(all).toEqual(epochs.flat());
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  it('for ever ends where there is nothing to repeat, and can be cut', async () => {
    expect(await from([]).repeat().toArray()).toEqual([]);
    expect(await from([1, 2]).repeat().take(5).toArray()).toEqual([1, 2, 1, 2, 1]);
  });
});

describe('shuffle', () => {
  it('takes a key in place of a seed', async () => {
    const order = (options: object): Promise<number[]> => from(range(20)).shuffle(options).toArray();
    expect(await order({ seed: 3 })).toEqual(await order({ key: random.key(3) }));
    expect(await order({ seed: 3 })).not.toEqual(await order({ seed: 4 }));
  });

  it('with a buffer: places are alike, as far as a buffer reaches', async () => {
    // Of two elements in a buffer that holds all, each is first in half of the epochs.
    const firsts = await Promise.all(
      range(400).map(async epoch => (await from([0, 1, 2, 3]).shuffle({ buffer: 4 }).toArray({ epoch }))[0]),
    );
    for (const i of range(4)) {
      const count = firsts.filter(first => first === i).length;
      // 100 ± 4.6 deviations of a binomial distribution.
      expect(Math.abs(count - 100)).toBeLessThan(40);
    }
    // An element is given at most buffer − 1 places before its own.
    const order = await from(range(200)).shuffle({ buffer: 10 }).toArray();
    order.forEach((element, place) => expect(element - place).toBeLessThan(10));
  });

  it('holds no more than its buffer, and its state has no elements', async () => {
    const { counts, open } = stream(100000);
    const iterator = from(open).shuffle({ buffer: 50 }).iterate();
    for (let i = 1; i <= 2000; i++) {
      await iterator.next();
      expect(counts.given - i).toBeLessThanOrEqual(50);
    }
    expect(JSON.stringify(iterator.state()).length).toBeLessThan(150);
    await iterator.return();
    // Going on reads the stream again, and maps no more than what may be in the buffer.
    let mapped = 0;
    const again = from(range(100000)).map(i => {
      mapped++;
      return i;
    });
    const going = again.shuffle({ buffer: 50 }).iterate();
    for (let i = 0; i < 2000; i++) await going.next();
    mapped = 0;
    const resumed = again.shuffle({ buffer: 50 }).iterate({ state: going.state() });
    expect((await resumed.next()).value).toBe((await going.next()).value);
    expect(mapped).toBeLessThan(50 * 15);
  });

  it('of a stream needs a buffer', () => {
    expect(() => from(stream(3).open).shuffle()).toThrow(/CT112.*buffer: 1000/s);
    expect(() => from([1]).batch(1).shuffle()).toThrow(BadArgument);
    expect(() => from([1]).shuffle({ buffer: 0 })).toThrow(BadArgument);
  });
});

describe('prefetch and concurrency', () => {
  it('prefetch(n): n elements are in work while the consumer has one, and no more', async () => {
    for (const n of [1, 3]) {
      const { counts, open } = stream(20);
      const iterator = from(open).prefetch(n).iterate();
      for (let taken = 1; taken <= 20; taken++) {
        expect((await iterator.next()).value).toBe(taken - 1);
        // The consumer works.
        await later(null);
        expect(counts.given).toBe(Math.min(20, taken + n));
      }
    }
  });

  it('without it nothing is', async () => {
    const { counts, open } = stream(20);
    const iterator = from(open).iterate();
    await iterator.next();
    await later(null);
    expect(counts.given).toBe(1);
  });

  it('map works on as many as it is told, in their order', async () => {
    let open = 0;
    let most = 0;
    const data = from(range(20)).map(
      async i => {
        most = Math.max(most, ++open);
        await new Promise(resolve => setTimeout(resolve, i % 3));
        open--;
        return i;
      },
      { concurrency: 4 },
    );
    expect(await data.toArray()).toEqual(range(20));
    expect(most).toBe(4);
  });
});

describe('errors and ends', () => {
  const failing = (at: number) => (i: number) => {
    if (i === at) throw new RangeError(`no ${i}`);
    return i;
  };
  const stages: Record<string, (data: Dataset<number>) => Dataset<unknown>> = {
    plain: data => data,
    prefetched: data => data.prefetch(4),
    buffer: data => data.shuffle({ buffer: 3 }),
    batches: data => data.batch(2).prefetch(2),
  };

  it.each(Object.entries(stages))(
    'an error in map reaches the consumer and closes the source: %s',
    async (_, more) => {
      for (const map of [failing(5), (i: number) => later(i).then(failing(5))])
        for (const concurrency of [1, 3]) {
          const { counts, open } = stream(20);
          const iterator = more(from(open).map(map, { concurrency })).iterate();
          const run = async (): Promise<void> => {
            for await (const _ of iterator);
          };
          await expect(run()).rejects.toThrow(new RangeError('no 5'));
          expect(counts).toMatchObject({ opened: 1, closed: 1 });
          expect(await iterator.next()).toEqual({ done: true, value: undefined });
        }
    },
  );

  it('what was given before the error can be gone on with', async () => {
    const { open } = stream(20);
    const data = (f: (i: number) => number) => from(open).map(f).shuffle({ buffer: 4 }).batch(2).prefetch(1);
    const iterator = data(failing(11)).iterate();
    const before: number[] = [];
    await expect(
      (async () => {
        for await (const batch of iterator) before.push(...flat(plain(batch)));
      })(),
    ).rejects.toThrow('no 11');
    const after = await elements(
      data(i => i),
      { state: iterator.state() },
    );
    expect([...before, ...flat(after)]).toEqual(flat(await elements(data(i => i))));
  });

  it.each(Object.entries(stages))('a consumer that stops early closes the source: %s', async (_, more) => {
    const { counts, open } = stream(20);
    for await (const _ of more(from(open))) break;
    expect(counts).toMatchObject({ opened: 1, closed: 1 });
    for await (const _ of more(from(open)));
    expect(counts).toMatchObject({ opened: 2, closed: 2 });
    await expect(
      (async () => {
        for await (const _ of more(from(open))) throw new TypeError('mine');
      })(),
    ).rejects.toThrow('mine');
    expect(counts).toMatchObject({ opened: 3, closed: 3 });
  });

  it('an aborted signal ends it with the reason, also in the middle of an element', async () => {
    const { counts, open } = stream(20);
    const control = new AbortController();
    const stuck = from(open).map(i => (i === 3 ? new Promise<number>(() => {}) : i));
    const iterator = stuck.iterate({ signal: control.signal });
    for (let i = 0; i < 3; i++) await iterator.next();
    const next = iterator.next();
    control.abort(new RangeError('enough'));
    await expect(next).rejects.toThrow(new RangeError('enough'));
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await later(null);
    expect(counts.closed).toBe(1);
    await expect(stuck.iterate({ signal: AbortSignal.abort() }).next()).rejects.toThrow(/aborted/);
    const state = iterator.state();
    expect(
      await from(open)
        .take(20)
        .iterate({ state: { epoch: 0, at: { taken: 3, upstream: state.at } } })
        .next(),
    ).toEqual({
      done: false,
      value: 3,
    });
  });

  it('calls of next that do not wait are answered in order', async () => {
    const iterator = from(stream(5).open).prefetch(2).iterate();
    const all = await Promise.all(range(6).map(() => iterator.next()));
    expect(all.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, undefined]);
  });

  it('a state of something else is refused', async () => {
    const list = from(range(5)).iterate();
    await list.next();
    const state = list.state();
    for (const other of [
      from(range(6)),
      from(stream(5).open),
      from(range(5)).repeat(2),
      from(range(5)).shuffle({ buffer: 2 }),
    ])
      await expect((async () => other.iterate({ state }).next())()).rejects.toThrow(BadArgument);
    expect(() => from(range(5)).iterate({ state: 'x' })).toThrow(
      /a state that an iterator of the same data set gave/,
    );
    const far = from(stream(5).open).iterate({ state: { epoch: 0, at: { position: 9 } } });
    await expect(far.next()).rejects.toThrow(/a stream of 5 elements/);
  });
});

describe('from', () => {
  it('tensors, alone and in trees: examples along axis 0', async () => {
    expect(
      await elements(
        from(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        ),
      ),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const [first] = await from({ x, y }).toArray();
    expect([String(first.x.aval), String(first.y.aval)]).toEqual(['float32[2]', 'int32[]']);
    const batches = await from({ x, y }).batch(5).toArray();
    expect(batches.map(({ x, y }) => `${x.aval} ${y.aval}`)).toEqual([
      'float32[5,2] int32[5]',
      'float32[5,2] int32[5]',
      'float32[3,2] int32[3]',
    ]);
    expect((await from({ x, y }).batch(5, { dropLast: true }).toArray()).length).toBe(2);
    expect(() => from({ x, y: tensor([1]) })).toThrow(ShapeMismatch);
  });

  it('batches of tensors are the same made at once and element by element', async () => {
    const quick = from({ x, y }).shuffle({ seed: 2 }).batch(4);
    const slow = from({ x, y })
      .map(one => one)
      .shuffle({ seed: 2 })
      .batch(4);
    expect(await elements(quick)).toEqual(await elements(slow));
  });

  it('what can be read anywhere, sets, generators, functions of them', async () => {
    expect(await from({ length: 3, at: i => later(i * i) }).toArray()).toEqual([0, 1, 4]);
    expect(await from(new Set([1, 2])).toArray()).toEqual([1, 2]);
    expect(
      await from(() => [1, 2])
        .repeat(2)
        .toArray(),
    ).toEqual([1, 2, 1, 2]);
    const generator = from(stream(3).open());
    expect(await generator.toArray()).toEqual([0, 1, 2]);
    await expect(generator.toArray()).rejects.toThrow(/run through once.*generator function itself/s);
    const other = from(from([7]));
    expect(await other.toArray()).toEqual([7]);
  });

  it('nothing else', async () => {
    expect(() => from(5 as unknown as number[])).toThrow(BadArgument);
    expect(() => from(new Date())).toThrow(WrongTree);
    await expect(from((() => 5) as unknown as () => number[]).toArray()).rejects.toThrow(BadArgument);
    expect(() => from([1]).map(5 as never)).toThrow(BadArgument);
    expect(() => from([1]).batch(0)).toThrow(BadArgument);
    expect(() => from([1]).repeat(0.5)).toThrow(BadArgument);
    expect(() => from([1]).iterate({ epoch: -1 })).toThrow(BadArgument);
  });
});

describe('batch', () => {
  it('stacks trees: numbers, tensors, typed arrays; text in lists', async () => {
    const rows = [
      { id: 'a', size: 1, ok: true, at: Int32Array.of(1, 2), parts: [tensor([1], 'float64'), 5] },
      { id: 'b', size: 2.5, ok: false, at: Int32Array.of(3, 4), parts: [tensor([2], 'float64'), 6] },
    ];
    const [batch] = await from(rows).batch(2).toArray();
    expect(batch.id).toEqual(['a', 'b']);
    expect(
      [batch.size, batch.ok, batch.at, ...(batch.parts as Tensor[])].map(
        one => `${one.aval} ${one.arraySync()}`,
      ),
    ).toEqual([
      'float32[2] 1,2.5',
      'bool[2] true,false',
      'int32[2,2] 1,2,3,4',
      'float64[2,1] 1,2',
      'float32[2] 5,6',
    ]);
  });

  it('joins in another way where it is told to', async () => {
    const sums = from([1, 2, 3, 4, 5]).batch(2, { collate: numbers => numbers.reduce((a, b) => a + b) });
    expect(await sums.toArray()).toEqual([3, 7, 5]);
  });

  it('says where elements differ', async () => {
    const batched = (...elements: unknown[]) => from(elements).batch(elements.length).toArray();
    await expect(batched({ a: 1 }, { b: 1 })).rejects.toThrow(WrongTree);
    await expect(batched({ a: 1 }, { a: null })).rejects.toThrow(WrongTree);
    await expect(batched([1], [1, 2])).rejects.toThrow(WrongTree);
    await expect(batched(tensor([1]), tensor([1, 2]))).rejects.toThrow(/float32\[1\] and float32\[2\]/);
    await expect(batched(tensor(1), tensor(1, 'int32'))).rejects.toThrow(ShapeMismatch);
  });
});
