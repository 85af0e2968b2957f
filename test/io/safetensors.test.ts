/** What PyTorch saved is read as it was, what is written keeps the format's rules, and every breach is an error. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadArgument, tensor } from 'cotangent';
import { loadSafetensors, readSafetensors, saveSafetensors, writeSafetensors } from 'cotangent/io';
import { describe, expect, it } from 'vitest';
import { bytesIn, contentIn, contentOf, fixtures } from './fixtures.ts';

const types: Record<string, string> = {
  float16: 'float32',
  bfloat16: 'float32',
  int64: 'int32',
  int16: 'int32',
};

/** A file with this header, whatever it says, and a body of so many bytes. */
function fileOf(header: unknown, body = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + body);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  return file;
}

const entry = (from: number, to: number, shape = [(to - from) / 4], dtype = 'F32'): object => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe('readSafetensors', () => {
  const { file, metadata, tensors } = fixtures.safetensors;

  it('gives what PyTorch saved', () => {
    const found = readSafetensors(bytesIn(file));
    expect(found.metadata).toEqual(metadata);
    expect(Object.keys(found.tensors).sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, one] of Object.entries(tensors)) {
      expect(contentOf(found.tensors[name]), name).toEqual(contentIn(one));
      expect(found.tensors[name].dtype, name).toBe(types[one.dtype] ?? one.dtype);
    }
  });

  it('refuses every truncated file and every longer one', () => {
    const whole = bytesIn(file);
    for (let n = 0; n < whole.length; n++)
      expect(() => readSafetensors(whole.subarray(0, n)), `${n} bytes`).toThrow(BadArgument);
    expect(() => readSafetensors(Uint8Array.of(...whole, 0))).toThrow(/1 bytes after the last tensor/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no header', fileOf('[]'), /begins with \{/],
    ['a header that is no JSON', fileOf('{"a":'), /no JSON in UTF-8/],
    ['a header that is no UTF-8', fileOf('{"\u0080"}').map(byte => (byte === 0xc2 ? 0xff : byte)), /no JSON/],
    ['a header of 2 PB', Uint8Array.of(0, 0, 0, 0, 0, 0, 8, 0, 0x7b, 0x7d), /length of a JSON header/],
    ['overlapping tensors', fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12), /"b" from byte 4.*ends at 8/s],
    ['a hole', fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b" from byte 8.*ends at 4/s],
    [
      'the same name twice',
      fileOf(`{"a":${JSON.stringify(entry(0, 4))},"a":${JSON.stringify(entry(4, 8))}}`, 8),
      /"a" from byte 4/,
    ],
    ['a tensor beyond the end', fileOf({ a: entry(0, 8) }, 4), /"a" at \[0,8\]/],
    ['an end before the begin', fileOf({ a: entry(4, 0, [1]) }, 4), /"a" at \[4,0\]/],
    ['a size that is not that of the shape', fileOf({ a: entry(0, 8, [3]) }, 8), /12 bytes for F32\[3\]/],
    ['a negative extent', fileOf({ a: entry(0, 4, [-1]) }, 4), /shape \[-1\]/],
    ['a fraction of an element', fileOf({ a: entry(0, 6) }, 6), /shape \[1.5\]/],
    ['an unknown element type', fileOf({ a: entry(0, 4, [4], 'F8_E4M3') }, 4), /"F8_E4M3"/],
    [
      'the element type of another language',
      fileOf({ a: entry(0, 4, [1], 'constructor') }, 4),
      /"constructor"/,
    ],
    ['no offsets', fileOf({ a: { dtype: 'F32', shape: [] } }), /"a" at undefined/],
    ['metadata that are no text', fileOf({ __metadata__: { a: 1 } }), /__metadata__/],
    ['an entry that is none', fileOf({ a: null }), /"a" described by null/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(BadArgument);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it('makes nothing of names but names', () => {
    const { tensors } = readSafetensors(
      writeSafetensors({ ['__proto__']: tensor(1), constructor: tensor(2) }),
    );
    expect(Object.keys(tensors)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype);
  });
});

describe('writeSafetensors', () => {
  const all = {
    bool: tensor([true, false, true]),
    i8: tensor([-128, 127], 'int8'),
    u8: tensor([255], 'uint8'),
    f64: tensor([0.1, -0], 'float64'),
    i32: tensor([-(2 ** 31)], 'int32'),
    u32: tensor([2 ** 32 - 1], 'uint32'),
    f32: tensor([[1, NaN, -Infinity]]),
    empty: tensor([], { shape: [0, 3] }),
    scalar: tensor(5),
  };

  it('keeps every element type, shape and bit', () => {
    const { tensors, metadata } = readSafetensors(
      writeSafetensors(all, { metadata: { epoch: '3', '"': '☃' } }),
    );
    expect(metadata).toEqual({ epoch: '3', '"': '☃' });
    for (const [name, x] of Object.entries(all)) {
      expect(String(tensors[name].aval)).toBe(String(x.aval));
      expect(tensors[name].dataSync()).toEqual(x.dataSync());
    }
    expect(readSafetensors(writeSafetensors({}))).toEqual({ tensors: {}, metadata: {} });
  });

  it('puts every tensor at a multiple of its width', () => {
    const bytes = writeSafetensors(all);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
      string,
      { dtype: string; data_offsets: [number, number] }
    >;
    for (const { dtype, data_offsets } of Object.values(header))
      expect(data_offsets[0] % (dtype === 'BOOL' ? 1 : Number(dtype.slice(1)) / 8)).toBe(0);
  });

  it('refuses the name of the metadata and metadata that are no text', () => {
    expect(() => writeSafetensors({ __metadata__: 1 })).toThrow(BadArgument);
    expect(() => writeSafetensors({}, { metadata: { a: 1 as unknown as string } })).toThrow(/JSON.stringify/);
  });

  it('a file holds the same, and nothing else is left in its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cotangent-io-'));
    const path = join(folder, 'a.safetensors');
    await saveSafetensors(path, { x: 1 });
    await saveSafetensors(path, all);
    expect(await readdir(folder)).toEqual(['a.safetensors']);
    const { tensors } = await loadSafetensors(path);
    expect(tensors.f64.dataSync()).toEqual(all.f64.dataSync());
    await expect(loadSafetensors(join(folder, 'b'))).rejects.toThrow(/ENOENT/);
    await rm(folder, { recursive: true });
  });
});
