/** NumPy's files are read as NumPy means them, and what is written is what NumPy would have written. */
import { BadArgument, tensor } from 'cotangent';
import { readNpy, readNpz, writeNpy, writeNpz } from 'cotangent/io';
import { describe, expect, it } from 'vitest';
import { bytesIn, contentIn, contentOf, fixtures, numberOf } from './fixtures.ts';

/** What an element type of NumPy becomes. */
const types: Record<string, string> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int32',
  u2: 'int32',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int32',
  u8: 'uint32',
  f2: 'float32',
  f4: 'float32',
  f8: 'float64',
};

describe('readNpy', () => {
  it.each(fixtures.npy)('$name', one => {
    const x = readNpy(bytesIn(one.file));
    expect(contentOf(x)).toEqual(contentIn(one));
    const type = types[one.name.slice(1, 3)];
    if (type !== undefined) expect(x.dtype).toBe(type);
  });

  it('makes float64 of 64-bit integers where it is told to, and never a wrong number', () => {
    const wide = bytesIn(fixtures.npyWide);
    expect(() => readNpy(wide)).toThrow(/CT112.*element 1 is 1099511627776.*int64: 'float64'/s);
    const x = readNpy(wide, { int64: 'float64' });
    expect([x.dtype, contentOf(x).values]).toEqual(['float64', [1, 2 ** 40, -(2 ** 40)]]);
    const large = bytesIn(fixtures.npyWide);
    large[large.length - 1] = 0x7f;
    expect(() => readNpy(large, { int64: 'float64' })).toThrow(/element 2 is .*below 2⁵³/s);
  });

  it.each(Object.entries(fixtures.npyRefused))('refuses %s', (_, file) => {
    expect(() => readNpy(bytesIn(file))).toThrow(BadArgument);
    expect(() => readNpy(bytesIn(file))).toThrow(/expected: numbers or booleans/);
  });

  it('refuses every truncated file and every longer one', () => {
    const whole = writeNpy(tensor([[1, 2, 3]]));
    for (let n = 0; n < whole.length; n++)
      expect(() => readNpy(whole.subarray(0, n)), `${n} bytes`).toThrow(BadArgument);
    expect(() => readNpy(Uint8Array.of(...whole, 0))).toThrow(/bytes after its array/);
    expect(readNpy(whole).arraySync()).toEqual([[1, 2, 3]]);
  });
});

describe('writeNpy', () => {
  it.each(fixtures.npyWritten)('$dtype $shape: the bytes that NumPy writes', one => {
    const x = tensor(one.values.map(numberOf), { dtype: one.dtype, shape: one.shape });
    expect([...writeNpy(x)]).toEqual([...bytesIn(one.file)]);
  });
});

describe('npz', () => {
  it.each(fixtures.npz)('$name', async ({ file, arrays }) => {
    const found = await readNpz(bytesIn(file));
    expect(Object.keys(found)).toEqual(Object.keys(arrays));
    for (const [name, one] of Object.entries(arrays))
      expect(contentOf(found[name]), name).toEqual(contentIn(one));
  });

  it.each([false, true])('what is written is read again, compress: %s', async compress => {
    const x = tensor(new Float32Array(3000), { shape: [30, 100] });
    const bytes = await writeNpz({ x, 'y/ü': tensor([true, false]), n: 3 }, { compress });
    expect(bytes.length < 3000).toBe(compress);
    const found = await readNpz(bytes);
    expect(Object.entries(found).map(([name, one]) => `${name} ${one.aval}`)).toEqual([
      'x float32[30,100]',
      'y/ü bool[2]',
      'n float32[]',
    ]);
    expect(found['y/ü'].arraySync()).toEqual([true, false]);
    expect(contentOf(found.x)).toEqual(contentOf(x));
  });

  it('a damaged archive is an error, wherever the damage is', async () => {
    for (const compress of [false, true]) {
      const whole = await writeNpz({ x: tensor([1, 2, 3]) }, { compress });
      for (let n = 0; n < whole.length; n += 7)
        await expect(readNpz(whole.subarray(0, n)), `${n} bytes`).rejects.toThrow(BadArgument);
      // Every byte of the content counts.
      for (let at = 35; at < whole.length - 80; at += 5) {
        const broken = Uint8Array.from(whole);
        broken[at] ^= 0x55;
        await expect(readNpz(broken), `byte ${at}`).rejects.toThrow(BadArgument);
      }
    }
  });
});
