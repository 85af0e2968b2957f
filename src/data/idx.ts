/** The IDX format, in which MNIST and its relatives are kept (LeCun, Cortes and Burges, yann.lecun.com/exdb/mnist). */
import { sizeOf } from '../core/aval.ts';
import { allocate, type DType } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { fromTyped } from '../numpy/array.ts';

interface Element {
  readonly dtype: DType;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

/** By the third byte of the file; numbers are big-endian. There is no int16 here: it becomes int32. */
const elements: Record<number, Element> = {
  8: { dtype: 'uint8', bytes: 1, read: (view, at) => view.getUint8(at) },
  9: { dtype: 'int8', bytes: 1, read: (view, at) => view.getInt8(at) },
  11: { dtype: 'int32', bytes: 2, read: (view, at) => view.getInt16(at) },
  12: { dtype: 'int32', bytes: 4, read: (view, at) => view.getInt32(at) },
  13: { dtype: 'float32', bytes: 4, read: (view, at) => view.getFloat32(at) },
  14: { dtype: 'float64', bytes: 8, read: (view, at) => view.getFloat64(at) },
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
  if (data[0] === 0x1f && data[1] === 0x8b)
    throw wrong('readIdx of a gzip file', 'an uncompressed file', "zlib.gunzipSync(bytes) from 'node:zlib'");
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const element = data.length >= 4 && data[0] === 0 && data[1] === 0 ? elements[data[2]] : undefined;
  if (element === undefined)
    throw wrong(
      `readIdx of ${data.length} bytes that begin with [${[...data.subarray(0, 4)].join(', ')}]`,
      'two zero bytes, an element type (8, 9, 11, 12, 13 or 14) and the number of axes',
      'check that this is an IDX file',
    );
  const start = 4 + 4 * data[3];
  if (data.length < start)
    throw wrong(
      `readIdx of ${data.length} bytes`,
      `a header of ${start} bytes for ${data[3]} axes`,
      'the file is truncated: fetch it again',
    );
  const shape = Array.from({ length: data[3] }, (_, i) => view.getUint32(4 + 4 * i));
  const size = sizeOf(shape);
  const wanted = start + size * element.bytes;
  if (data.length !== wanted)
    throw wrong(
      `readIdx of ${data.length} bytes whose header says ${element.dtype}[${shape.join(', ')}]`,
      `${wanted} bytes`,
      data.length < wanted
        ? 'the file is truncated: fetch it again'
        : 'the file has bytes after its elements',
    );
  const values = allocate(element.dtype, size);
  for (let i = 0; i < size; i++) values[i] = element.read(view, start + i * element.bytes);
  return fromTyped(values, shape, element.dtype);
}

const wrong = (did: string, expected: string, remedy: string): BadArgument =>
  new BadArgument({ did, expected, remedy });
