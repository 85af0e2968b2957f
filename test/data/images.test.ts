/** PNG files have the pixels that Pillow finds in them; folders of images are data sets. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadArgument, tensor } from 'cotangent';
import { decodePng, imageFolder } from 'cotangent/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fixtures from './images.json' with { type: 'json' };

const bytesIn = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

describe('decodePng', () => {
  it.each(fixtures.images)('$name', async ({ file, shape, pixels, rgb, gray }) => {
    const image = await decodePng(bytesIn(file));
    expect([image.dtype, image.shape]).toEqual(['uint8', shape]);
    expect([...image.dataSync()]).toEqual(pixels);
    expect([...(await decodePng(bytesIn(file), { channels: 3 })).dataSync()]).toEqual(rgb);
    expect([...(await decodePng(bytesIn(file), { channels: 1 })).dataSync()]).toEqual(gray);
  });

  it.each([
    ['interlaced', /interlac/],
    ['16 bits', /16 bits a channel/],
    ['filter 5', /filter 5/],
  ] as const)('refuses %s', async (name, message) => {
    await expect(decodePng(bytesIn(fixtures.refused[name]))).rejects.toThrow(message);
  });

  it('refuses every truncated file and every changed one', async () => {
    const whole = bytesIn(fixtures.images[0].file);
    for (let n = 0; n < whole.length; n++) {
      await expect(decodePng(whole.subarray(0, n)), `${n} bytes`).rejects.toThrow(BadArgument);
      const broken = Uint8Array.from(whole);
      broken[n] ^= 0x10;
      await expect(decodePng(broken), `byte ${n}`).rejects.toThrow(BadArgument);
    }
  });
});

describe('imageFolder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cotangent-images-'));
    const [gray, rgb] = fixtures.images.filter(({ name }) => ['gray', 'RGB'].includes(name));
    for (const name of ['dog', 'cat', 'cat/deep', '.hidden', 'empty']) await mkdir(join(folder, name));
    for (const path of ['dog/2.png', 'dog/10.PNG', 'cat/deep/a.png'])
      await writeFile(join(folder, path), bytesIn(gray.file));
    await writeFile(join(folder, 'cat/b.png'), bytesIn(rgb.file));
    await writeFile(join(folder, 'cat/notes.txt'), 'x');
    await writeFile(join(folder, '.hidden/c.png'), 'x');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('labels images by their folders, in the order of the names', async () => {
    const { examples, classes } = await imageFolder(folder, { channels: 3 });
    expect(classes).toEqual(['cat', 'dog', 'empty']);
    expect(examples.length).toBe(4);
    const all = await examples.toArray();
    expect(
      all.map(({ path, label, image }) => [path.slice(folder.length + 1), label.item(), image.shape]),
    ).toEqual([
      ['cat/b.png', 0, [6, 4, 3]],
      ['cat/deep/a.png', 0, [5, 7, 3]],
      ['dog/10.PNG', 1, [5, 7, 3]],
      ['dog/2.png', 1, [5, 7, 3]],
    ]);
    const dogs = examples.filter(({ label }) => label.item() === 1).batch(2);
    const [{ image, label }] = await dogs.toArray();
    expect([String(image.aval), String(label.aval)]).toEqual(['uint8[2,5,7,3]', 'int32[2]']);
    const order = (await examples.shuffle({ seed: 3 }).toArray()).map(({ path }) => path);
    expect([...order].sort()).toEqual(all.map(({ path }) => path));
  });

  it('leaves other formats to a decoder', async () => {
    const other = await mkdtemp(join(tmpdir(), 'cotangent-jpeg-'));
    await mkdir(join(other, 'a'));
    await writeFile(join(other, 'a', '1.jpg'), Uint8Array.of(9, 8));
    await expect(imageFolder(other)).rejects.toThrow(/1\.jpg' is not PNG.*decode/s);
    const decoded = async (decode: (bytes: Uint8Array) => never, channels?: 1 | 3): Promise<unknown> => {
      const { examples } = await imageFolder(other, { decode, ...(channels && { channels }) });
      return (await examples.toArray())[0].image.arraySync();
    };
    const pixels = (bytes: Uint8Array) =>
      ({ width: 2, height: 1, data: Uint8Array.of(...bytes, 7, 255, 1, 2, 3, 255) }) as never;
    expect(await decoded(pixels)).toEqual([
      [
        [9, 8, 7, 255],
        [1, 2, 3, 255],
      ],
    ]);
    expect(await decoded(pixels, 3)).toEqual([
      [
        [9, 8, 7],
        [1, 2, 3],
      ],
    ]);
    expect(await decoded(() => tensor([[[5]]], 'uint8') as never, 3)).toEqual([[[5, 5, 5]]]);
    await expect(decoded(() => ({ width: 2, height: 2, data: new Uint8Array(5) }) as never)).rejects.toThrow(
      BadArgument,
    );
    await rm(other, { recursive: true });
  });

  it('says when there is nothing', async () => {
    await expect(imageFolder(join(folder, 'empty'))).rejects.toThrow(/no image/);
    await expect(imageFolder(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
  });
});
