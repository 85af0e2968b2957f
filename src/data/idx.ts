/** The IDX format, in which MNIST and its relatives are kept (LeCun, Cortes and Burges, yann.lecun.com/exdb/mnist). */
import { sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { decode, decodedType, type Encoding, widthOf } from '../io/elements.ts';
import { inflate, isGzip } from '../io/inflate.ts';
import { bytesOf, nameOf, type Source } from '../io/source.ts';
import { fromTyped } from '../numpy/array.ts';

/** By the third byte of the file; numbers are big-endian. */
const encodings: Record<number, Encoding> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

/**
 * The tensor in the bytes of an IDX file: two zero bytes, the element type, the number of axes, the extents as
 * big-endian 32-bit integers, then the elements.
 *
 * @returns uint8, int8, int32 (also for 16-bit integers), float32 or float64
 * @example const images = readIdx(await readFile('t10k-images-idx3-ubyte')) // uint8[10000, 28, 28]
 * @throws BadArgument for bytes that are no IDX file, compressed, truncated or followed by others
 */
export function readIdx(bytes: Uint8Array | ArrayBuffer): Tensor {
  const data = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  if (!(data instanceof Uint8Array))
    throw wrong(`readIdx of ${typeof data}`, 'the bytes of a file', 'readIdx(await readFile(path))');
  if (isGzip(data))
    throw wrong(
      'readIdx of a gzip file',
      'an uncompressed file',
      'await loadIdx(path), or gunzip it before: zlib.gunzipSync(bytes)',
    );
  return tensorIn('readIdx', data);
}

/**
 * The tensor in an IDX file, also in one that is compressed by gzip, as they are distributed; see {@link readIdx}.
 *
 * @param source a path (in Node), a Blob such as a File, or bytes
 * @example const images = await loadIdx('train-images-idx3-ubyte.gz') // uint8[60000, 28, 28]
 * @throws BadArgument as readIdx, and for damaged compressed bytes; errors of the file system
 */
export async function loadIdx(source: Source): Promise<Tensor> {
  const what = `loadIdx of ${nameOf(source)}`;
  const bytes = await bytesOf('loadIdx', source);
  if (isGzip(bytes)) return tensorIn(what, await inflate(bytes, 'gzip', { what }), true);
  return tensorIn(what, bytes, !(source instanceof Uint8Array || source instanceof ArrayBuffer));
}

function tensorIn(what: string, data: Uint8Array, owned = false): Tensor {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const encoding = data.length >= 4 && data[0] === 0 && data[1] === 0 ? encodings[data[2]] : undefined;
  if (encoding === undefined)
    throw wrong(
      `${what} of ${data.length} bytes that begin with [${[...data.subarray(0, 4)].join(', ')}]`,
      'two zero bytes, an element type (8, 9, 11, 12, 13 or 14) and the number of axes',
      'check that this is an IDX file',
    );
  const start = 4 + 4 * data[3];
  if (data.length < start)
    throw wrong(
      `${what} of ${data.length} bytes`,
      `a header of ${start} bytes for ${data[3]} axes`,
      'the file is truncated: fetch it again',
    );
  const dtype = decodedType(encoding);
  const shape = Array.from({ length: data[3] }, (_, i) => view.getUint32(4 + 4 * i));
  const wanted = start + sizeOf(shape) * widthOf(encoding);
  if (data.length !== wanted)
    throw wrong(
      `${what} of ${data.length} bytes whose header says ${encoding}[${shape.join(', ')}]`,
      `${wanted} bytes`,
      data.length < wanted
        ? 'the file is truncated: fetch it again'
        : 'the file has bytes after its elements',
    );
  return fromTyped(decode(encoding, data.subarray(start), { bigEndian: true, owned, what }), shape, dtype);
}

const wrong = (did: string, expected: string, remedy: string): BadArgument =>
  new BadArgument({ did, expected, remedy });
