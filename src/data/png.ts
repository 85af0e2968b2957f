/** PNG (ISO/IEC 15948, W3C): 8 bits a channel, palettes, all filters; not interlaced. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { crc32 } from '../io/crc32.ts';
import { inflate } from '../io/inflate.ts';
import { asBytes } from '../io/source.ts';
import { type Channels, imageTensor } from './pixels.ts';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export const isPng = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Samples of a pixel by colour type: gray, RGB, palette, gray with alpha, RGB with alpha. */
const samples: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export interface ImageOptions {
  /** How many channels to give: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Default: as the file has. */
  readonly channels?: Channels;
}

/**
 * The pixels of a PNG image.
 *
 * Gray of 1, 2, 4 or 8 bits (spread over 0 … 255), RGB, palettes, and alpha, of 8 bits. Colour profiles and transparent
 * single colours are not applied.
 *
 * @returns uint8[height, width, channels]
 * @example const image = await decodePng(await readFile('cat.png'), { channels: 3 })
 * @throws BadArgument for damaged files, interlaced ones, and 16 bits a channel
 */
export function decodePng(bytes: Uint8Array | ArrayBuffer, options: ImageOptions = {}): Promise<Tensor> {
  return pngIn('decodePng', asBytes('decodePng', bytes), options);
}

export async function pngIn(what: string, data: Uint8Array, { channels }: ImageOptions): Promise<Tensor> {
  const wrong = (problem: string, expected: string, remedy = 'fetch or write the file again'): BadArgument =>
    new BadArgument({ did: `${what}: ${problem}`, expected, remedy });
  if (!isPng(data))
    throw wrong(
      `bytes that begin with [${data.subarray(0, 4).join(', ')}]`,
      'the signature of PNG',
      'check the file',
    );
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const compressed: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  let alpha: Uint8Array | undefined;
  for (let at = 8, ended = false; !ended; ) {
    const length = at + 12 <= data.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > data.length)
      throw wrong(
        `a file of ${data.length} bytes`,
        'a whole chunk at the end',
        'the file is truncated: fetch it again',
      );
    const name = String.fromCharCode(...data.subarray(at + 4, at + 8));
    const content = data.subarray(at + 8, at + 8 + length);
    if (crc32(data.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw wrong(`chunk ${name} whose checksum is another`, 'undamaged content');
    if (name === 'IHDR') header = content;
    else if (name === 'PLTE') palette = content;
    else if (name === 'tRNS') alpha = content;
    else if (name === 'IDAT') compressed.push(content);
    ended = name === 'IEND';
    at += 12 + length;
  }
  if (header?.length !== 13) throw wrong('no header', 'a chunk IHDR of 13 bytes');
  const size = new DataView(header.buffer, header.byteOffset);
  const width = size.getUint32(0);
  const height = size.getUint32(4);
  const [depth, colour, , , interlaced] = header.subarray(8);
  const perPixel = samples[colour];
  if (perPixel === undefined || width === 0 || height === 0)
    throw wrong(`${width}×${height} pixels of colour type ${colour}`, 'pixels of a type that PNG has');
  if (interlaced !== 0)
    throw wrong('an interlaced image', 'one that is not interlaced', 'save it without interlacing (Adam7)');
  const packed = (colour === 0 || colour === 3) && [1, 2, 4].includes(depth);
  if (depth !== 8 && !packed)
    throw wrong(
      `${depth} bits a channel`,
      '8 bits, or 1, 2, 4 of gray and palettes',
      'save it with 8 bits a channel',
    );

  const stride = Math.ceil((width * perPixel * depth) / 8);
  const body = await inflate(await joined(compressed), 'deflate', { what, size: height * (stride + 1) });
  const rows = unfilter(body, height, stride, Math.max(1, (perPixel * depth) / 8), filter =>
    wrong(`filter ${filter}`, 'a filter from 0 to 4'),
  );
  let pixels = depth === 8 ? rows : unpack(rows, width, height, stride, depth);
  if (colour === 0 && depth < 8) pixels = pixels.map(value => (value * 255) / (2 ** depth - 1));
  if (colour !== 3) return imageTensor(pixels, width, height, perPixel, channels);
  if (palette === undefined || pixels.some(index => 3 * index + 2 >= (palette as Uint8Array).length))
    throw wrong('pixels whose colours are not in the palette', 'a colour for every pixel');
  const perColour = alpha === undefined ? 3 : 4;
  const coloured = new Uint8Array(pixels.length * perColour).fill(255);
  for (let i = 0; i < pixels.length; i++) {
    const index = pixels[i];
    coloured.set(palette.subarray(3 * index, 3 * index + 3), i * perColour);
    if (alpha !== undefined && index < alpha.length) coloured[i * 4 + 3] = alpha[index];
  }
  return imageTensor(coloured, width, height, perColour, channels);
}

const joined = async (parts: readonly Uint8Array[]): Promise<Uint8Array> =>
  parts.length === 1
    ? parts[0]
    : new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());

/** Every row says by which of its neighbours its bytes were predicted: left, above, left above (§ 9). */
function unfilter(
  body: Uint8Array,
  height: number,
  stride: number,
  step: number,
  unknown: (filter: number) => BadArgument,
): Uint8Array {
  const rows = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = body[y * (stride + 1)];
    if (filter > 4) throw unknown(filter);
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? rows[to + x - step] : 0;
      const above = y > 0 ? rows[to + x - stride] : 0;
      const corner = x >= step && y > 0 ? rows[to + x - stride - step] : 0;
      const predicted =
        filter === 0
          ? 0
          : filter === 1
            ? left
            : filter === 2
              ? above
              : filter === 3
                ? (left + above) >> 1
                : paeth(left, above, corner);
      rows[to + x] = body[from + x] + predicted;
    }
  }
  return rows;
}

/** Of the three the one nearest to left + above − corner (§ 9.4). */
function paeth(left: number, above: number, corner: number): number {
  const byLeft = Math.abs(above - corner);
  const byAbove = Math.abs(left - corner);
  const byCorner = Math.abs(left + above - 2 * corner);
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}

/** One byte for each pixel of fewer bits; the leftmost has the highest bits. */
function unpack(rows: Uint8Array, width: number, height: number, stride: number, depth: number): Uint8Array {
  const pixels = new Uint8Array(width * height);
  const mask = 2 ** depth - 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      pixels[y * width + x] = (rows[y * stride + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  return pixels;
}
