/** Every example comes once, labels stay with their examples, and damaged files are told from good ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BadArgument, ShapeMismatch, type Tensor, tensor } from 'cotangent';
import { batches, loadIdx, readIdx, standardize, trainTestSplit } from 'cotangent/data';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const numbers = (x: Tensor): number[] => [...x.dataSync()];
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const data = { x: tensor(range(22), { shape: [11, 2] }), y: tensor(range(11), 'int32') };
const sorted = (x: number[]): number[] => [...x].sort((a, b) => a - b);

describe('batches', () => {
  it('give every example once, x with its y', () => {
    const all = [...batches(data, { size: 4, seed: 1 })];
    expect(all.map(({ x }) => x.shape)).toEqual([
      [4, 2],
      [4, 2],
      [3, 2],
    ]);
    const labels = all.flatMap(({ y }) => numbers(y));
    expect(labels).not.toEqual(range(11));
    expect(sorted(labels)).toEqual(range(11));
    for (const { x, y } of all) {
      const pairs = x.arraySync() as number[][];
      expect(pairs).toEqual(numbers(y).map(label => [2 * label, 2 * label + 1]));
    }
  });

  it('come in an order that the seed or the key decides', () => {
    const order = (options: object): number[] =>
      [...batches(data, { size: 4, ...options })].flatMap(({ y }) => numbers(y));
    expect(order({ seed: 3 })).toEqual(order({ key: random.key(3) }));
    expect(order({ seed: 3 })).not.toEqual(order({ seed: 4 }));
    expect(order({ shuffle: false })).toEqual(range(11));
  });

  it('may leave the incomplete one out', () => {
    expect([...batches(data, { size: 4, dropLast: true })].length).toBe(2);
    expect([...batches(data, { size: 11, dropLast: true })].length).toBe(1);
  });

  it('refuse unequal numbers of examples, and sizes that are none', () => {
    expect(() => batches({ x: data.x, y: tensor([1]) }, { size: 4 })).toThrow(ShapeMismatch);
    expect(() => batches(data, { size: 0 })).toThrow(BadArgument);
  });
});

describe('trainTestSplit', () => {
  it('holds out as many as it is told, none twice', () => {
    const [train, test] = trainTestSplit(data, { test: 0.3, seed: 2 });
    expect([train.y.size, test.y.size]).toEqual([8, 3]);
    expect(sorted([...numbers(train.y), ...numbers(test.y)])).toEqual(range(11));
    expect(numbers(trainTestSplit(data, { test: 3, seed: 2 })[1].y)).toEqual(numbers(test.y));
    expect(() => trainTestSplit(data, { test: 12 })).toThrow(BadArgument);
  });
});

describe('standardize', () => {
  it('gives mean 0 and variance 1, and 0 for a constant', () => {
    const x = tensor(
      [
        [1, 5, 7],
        [3, 5, -1],
        [5, 5, 0],
      ],
      'float64',
    );
    const { data: z, mean, deviation, apply } = standardize(x);
    expect(numbers(mean)).toEqual([3, 5, 2]);
    expect(numbers(deviation)[1]).toBe(1);
    const columns = range(3).map(j => (z.arraySync() as number[][]).map(row => row[j]));
    for (const j of [0, 2]) {
      expect(columns[j].reduce((s, v) => s + v, 0)).toBeCloseTo(0, 12);
      expect(columns[j].reduce((s, v) => s + v * v, 0) / 3).toBeCloseTo(1, 12);
    }
    expect(columns[1]).toEqual([0, 0, 0]);
    expect(numbers(apply(mean))).toEqual([0, 0, 0]);
  });
});

describe('readIdx', () => {
  const file = (type: number, shape: readonly number[], body: readonly number[]): Uint8Array =>
    Uint8Array.of(0, 0, type, shape.length, ...shape.flatMap(n => [0, 0, n >> 8, n & 255]), ...body);

  it('reads every element type, big-endian', () => {
    const bytes = readIdx(file(8, [2, 3], [1, 2, 3, 254, 255, 0]));
    expect([bytes.dtype, bytes.arraySync()]).toEqual([
      'uint8',
      [
        [1, 2, 3],
        [254, 255, 0],
      ],
    ]);
    expect(numbers(readIdx(file(9, [2], [255, 1])))).toEqual([-1, 1]);
    expect(numbers(readIdx(file(11, [2], [255, 254, 1, 0])))).toEqual([-2, 256]);
    expect(numbers(readIdx(file(12, [1], [0, 1, 0, 2])))).toEqual([65538]);
    expect(numbers(readIdx(file(13, [1], [0x3f, 0x80, 0, 0])))).toEqual([1]);
    expect(numbers(readIdx(file(14, [1], [0xc0, 0, 0, 0, 0, 0, 0, 0]).buffer as ArrayBuffer))).toEqual([-2]);
  });

  it('says what is wrong with a file', () => {
    expect(() => readIdx(file(8, [2, 3], [1, 2, 3]))).toThrow(/CT112.*18 bytes.*truncated/s);
    expect(() => readIdx(file(8, [2], [1, 2, 3]))).toThrow(/bytes after its elements/);
    expect(() => readIdx(Uint8Array.of(0, 0, 8, 3, 0, 0))).toThrow(/header of 16 bytes/);
    expect(() => readIdx(Uint8Array.of(0x1f, 0x8b, 8, 0))).toThrow(/gunzip/);
    expect(() => readIdx(Uint8Array.of(1, 2, 3, 4))).toThrow(/begin with \[1, 2, 3, 4\]/);
    expect(() => readIdx(new Uint8Array(0))).toThrow(BadArgument);
  });

  it('loadIdx reads files and Blobs, compressed or not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cotangent-idx-'));
    const content = file(8, [2, 3], [1, 2, 3, 254, 255, 0]);
    const compressed = gzipSync(content);
    await writeFile(join(folder, 'a'), content);
    await writeFile(join(folder, 'a.gz'), compressed);
    for (const source of [join(folder, 'a'), join(folder, 'a.gz'), new Blob([compressed]), content])
      expect((await loadIdx(source)).arraySync()).toEqual([
        [1, 2, 3],
        [254, 255, 0],
      ]);
    for (let n = 2; n < compressed.length; n++)
      await expect(loadIdx(compressed.subarray(0, n))).rejects.toThrow(BadArgument);
    await writeFile(join(folder, 'short'), content.subarray(0, 17));
    await expect(loadIdx(join(folder, 'short'))).rejects.toThrow(/loadIdx of '.*short'.*truncated/s);
    await rm(folder, { recursive: true });
  });
});
