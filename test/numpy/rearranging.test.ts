/** Laws of functions that move, join and repeat elements. */
import * as np from 'cotangent';
import { describe, expect, it } from 'vitest';

const x = np.reshape(np.arange(24), [2, 3, 4]);

describe('shapes', () => {
  it('transposition, rolling and turning have inverses', () => {
    expect(np.transpose(np.transpose(x, [1, 2, 0]), [2, 0, 1]).arraySync()).toEqual(x.arraySync());
    expect(np.moveaxis(np.moveaxis(x, 0, -1), -1, 0).arraySync()).toEqual(x.arraySync());
    expect(np.rollaxis(x, 2).shape).toEqual([4, 2, 3]);
    expect(np.roll(np.roll(x, [1, 2], [0, 2]), [-1, -2], [0, 2]).arraySync()).toEqual(x.arraySync());
    for (const k of [1, 2, 3])
      expect(np.rot90(np.rot90(x, { k, axes: [0, 2] }), { k: 4 - k, axes: [0, 2] }).arraySync()).toEqual(
        x.arraySync(),
      );
  });

  it('squeeze undoes expandDims', () => {
    expect(np.expandDims(x, [0, -1]).shape).toEqual([1, 2, 3, 4, 1]);
    expect(np.squeeze(np.expandDims(x, 1)).arraySync()).toEqual(x.arraySync());
    expect(np.broadcastShapes([2, 1], [3])).toEqual([2, 3]);
  });

  it('refuse what does not fit', () => {
    expect(() => np.reshape(x, [5, -1])).toThrow(np.ShapeMismatch);
    expect(() => np.reshape(x, [-1, -1])).toThrow(np.BadArgument);
    expect(() => np.transpose(x, [0, 1])).toThrow(np.ShapeMismatch);
    expect(() => np.squeeze(x, 0)).toThrow(np.ShapeMismatch);
    expect(() => np.flip(x, 3)).toThrow(np.AxisOutOfRange);
    expect(() => np.pad(x, [[1, 2]])).not.toThrow();
    expect(() => np.pad(x, -1)).toThrow(np.BadArgument);
  });
});

describe('joining', () => {
  it('concatenate undoes split', () => {
    for (const at of [2, [1, 3], [0, 4]])
      expect(np.concatenate(np.split(x, at, -1), -1).arraySync()).toEqual(x.arraySync());
    expect(np.stack(np.unstack(x, 1), 1).arraySync()).toEqual(x.arraySync());
    expect(() => np.split(x, 2, 1)).toThrow(/arraySplit/);
  });

  it('promotes element types', () => {
    expect(np.concatenate([np.tensor([1], 'int32'), np.tensor([0.5])]).dtype).toBe('float32');
    expect(np.stack([1, np.tensor(2, 'float64')]).dtype).toBe('float64');
  });

  it('delete undoes insert', () => {
    const v = np.arange(5);
    expect(np.insert(v, 2, [8, 9]).arraySync()).toEqual([0, 1, 8, 9, 2, 3, 4]);
    expect(np.insert(v, [0, 5, 0], [7, 8, 9]).arraySync()).toEqual([7, 9, 0, 1, 2, 3, 4, 8]);
    expect(np.delete(np.insert(x, [0, 2], -1, 1), [0, 3], 1).arraySync()).toEqual(x.arraySync());
    expect(() => np.remove(v, 5)).toThrow(np.IndexOutOfRange);
  });

  it('tile and repeat order copies differently', () => {
    expect(np.tile([1, 2], 2).arraySync()).toEqual([1, 2, 1, 2]);
    expect(np.repeat([1, 2], 2).arraySync()).toEqual([1, 1, 2, 2]);
    expect(np.repeat(x, 2, 1).shape).toEqual([2, 6, 4]);
  });
});

describe('creation', () => {
  it('chooses element types as it says', () => {
    expect(np.arange(3).dtype).toBe('int32');
    expect(np.arange(0, 1, 0.5).dtype).toBe('float32');
    expect(np.zeros(2, 'uint8').dtype).toBe('uint8');
    expect(np.full([2], true).dtype).toBe('bool');
    expect(np.full([2], np.tensor(3, 'float64')).dtype).toBe('float64');
    expect(np.linspace(0, 1, { num: 3, dtype: 'float64' }).dtype).toBe('float64');
  });

  it('reaches end points exactly', () => {
    expect(np.linspace(0.1, 0.7, { num: 50, dtype: 'float64' }).dataSync()[49]).toBe(0.7);
    expect(np.geomspace(3, 0.7, { num: 9, dtype: 'float64' }).dataSync()[8]).toBe(0.7);
    expect(np.linspace(np.tensor([0, 1]), [1, 3], { num: 3 }).arraySync()).toEqual([
      [0, 1],
      [0.5, 2],
      [1, 3],
    ]);
    expect(() => np.geomspace(-1, 1)).toThrow(np.BadArgument);
    expect(() => np.arange(0, 1, 0)).toThrow(np.BadArgument);
  });

  it('diag and diagonal are inverse', () => {
    for (const k of [-2, 0, 1]) expect(np.diag(np.diag([1, 2, 3], k), k).arraySync()).toEqual([1, 2, 3]);
    expect(np.diagonal(x, { axis1: 1, axis2: 2, offset: 1 }).shape).toEqual([2, 3]);
  });

  it('positions and index tuples are the same', () => {
    const [i, j, k] = np.unravelIndex(np.arange(24), [2, 3, 4]);
    expect(np.ravelMultiIndex([i, j, k], [2, 3, 4]).arraySync()).toEqual(np.arange(24).arraySync());
    const [a, b] = np.meshgrid([1, 2, 3], [10, 20], { indexing: 'ij' });
    expect(a.add(b).shape).toEqual([3, 2]);
  });
});
