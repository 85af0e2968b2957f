/** NumPy's formats: .npy, one array, and .npz, a zip archive of such (numpy.lib.format, NEP 1). */
import { range, sizeOf } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, fromTyped, type TensorLike } from '../numpy/array.ts';
import { permute } from '../primitives/layout.ts';
import { decode, decodedType, type Encoding, rawBytes, type WideIntegers, widthOf } from './elements.ts';
import { replaceFile } from './replace.ts';
import { asBytes, bytesOf, nameOf, type Source } from './source.ts';
import { readZip, writeZip } from './zip.ts';

/** By kind and width, without the order of bytes. */
const encodings: Record<string, Encoding> = {
  b1: 'bool',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

const descriptors: Record<DType, string> = {
  bool: '|b1',
  uint8: '|u1',
  int8: '|i1',
  uint32: '<u4',
  int32: '<i4',
  float32: '<f4',
  float64: '<f8',
};

interface Header {
  readonly encoding: Encoding;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/**
 * The tensor in the bytes of a .npy file.
 *
 * @param options int64: what 64-bit integers become, 'int32' (the default; uint32 for unsigned ones) or 'float64'
 * @returns a tensor; float16 becomes float32, 16-bit integers int32. Both orders of axes and of bytes are read
 * @example const x = readNpy(await readFile('x.npy'))
 * @throws BadArgument for bytes that are no .npy file, truncated or followed by others, for arrays of objects, text,
 *   complex numbers or records, and for 64-bit integers that do not fit
 */
export function readNpy(bytes: Uint8Array | ArrayBuffer, options: WideIntegers = {}): Tensor {
  return arrayIn('readNpy', asBytes('readNpy', bytes), options);
}

function arrayIn(what: string, data: Uint8Array, options: WideIntegers): Tensor {
  const wrong = (problem: string, expected: string, remedy = 'fetch or write the file again'): BadArgument =>
    new BadArgument({ did: `${what}: ${problem}`, expected, remedy });
  // \x93NUMPY
  if ([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59].some((byte, i) => data[i] !== byte))
    throw wrong(
      `${data.length} bytes that begin with [${data.subarray(0, 6).join(', ')}]`,
      'the bytes \\x93NUMPY that every .npy file begins with',
      'check that this is a .npy file (readNpz reads .npz)',
    );
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [major] = data.subarray(6);
  const before = major === 1 ? 10 : 12;
  if (data.length < before) throw wrong(`a file of ${data.length} bytes`, 'a whole header');
  if (major < 1 || major > 3) throw wrong(`version ${major} of the format`, 'version 1, 2 or 3');
  const start = before + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (data.length < start) throw wrong(`a file of ${data.length} bytes`, `a header of ${start} bytes`);
  const text = new TextDecoder().decode(data.slice(before, start));
  const header = headerOf(text);
  if (typeof header === 'string')
    throw wrong(header, 'numbers or booleans', 'save it as such: x.astype(float)');
  const { encoding, bigEndian, fortran, shape } = header;
  const size = sizeOf(shape) * widthOf(encoding);
  if (data.length !== start + size)
    throw wrong(
      `a file of ${data.length} bytes whose header says ${encoding}[${shape.join(', ')}]`,
      `${start + size} bytes`,
      data.length < start + size
        ? 'the file is truncated: fetch or write it again'
        : 'the file has bytes after its array: keep several arrays in a .npz',
    );
  const values = decode(encoding, data.subarray(start), { ...options, bigEndian, what });
  const dtype = decodedType(encoding, options);
  if (!fortran || shape.length < 2) return fromTyped(values, shape, dtype);
  const reversed = fromTyped(values, [...shape].reverse(), dtype);
  return permute(reversed, range(shape.length).reverse());
}

/** The header is a Python dictionary of three keys. A text says why it cannot be read. */
function headerOf(text: string): Header | string {
  const descriptor = /['"]descr['"]\s*:\s*(['"])(.*?)\1/.exec(text)?.[2];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const extents = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (/['"]descr['"]\s*:\s*[[(]/.test(text)) return 'an array of records';
  if (descriptor === undefined || order === undefined || extents === undefined)
    return `the header ${JSON.stringify(text.trim())}`;
  const encoding = encodings[descriptor.slice(1)];
  if (encoding === undefined || !'<>|='.includes(descriptor[0]))
    return `an array of element type '${descriptor}'`;
  const shape = extents
    .split(',')
    .map(one => one.replace(/[\sL]/g, ''))
    .filter(one => one !== '')
    .map(Number);
  return { encoding, bigEndian: descriptor[0] === '>', fortran: order === 'True', shape };
}

/**
 * The bytes of a .npy file, the same that NumPy writes (version 1, row-major, little-endian).
 *
 * @example await writeFile('x.npy', writeNpy(x))
 */
export function writeNpy(value: TensorLike): Uint8Array {
  const x = asTensor(value);
  const shape = x.shape.length === 1 ? `(${x.shape[0]},)` : `(${x.shape.join(', ')})`;
  const dictionary = `{'descr': '${descriptors[x.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Space for the first extent to grow up to 21 digits, as NumPy leaves it.
  const spare = x.ndim === 0 ? 0 : 21 - String(x.shape[0]).length;
  const start = Math.ceil((10 + dictionary.length + spare + 1) / 64) * 64;
  const content = rawBytes(x.concrete('writeNpy').elements());
  const bytes = new Uint8Array(start + content.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(start - 11)}\n`), 10);
  bytes.set(content, start);
  return bytes;
}

/**
 * The tensors in the bytes of a .npz file, stored or deflated, by name.
 *
 * @param options as for {@link readNpy}
 * @example const { x, y } = await readNpz(await readFile('mnist.npz'))
 * @throws BadArgument for a damaged archive, and as {@link readNpy}
 */
export function readNpz(
  bytes: Uint8Array | ArrayBuffer,
  options: WideIntegers = {},
): Promise<Record<string, Tensor>> {
  return arraysIn('readNpz', asBytes('readNpz', bytes), options);
}

async function arraysIn(
  what: string,
  bytes: Uint8Array,
  options: WideIntegers,
): Promise<Record<string, Tensor>> {
  const files = await readZip(what, bytes);
  return Object.fromEntries(
    [...files].map(([file, content]) => {
      const name = file.replace(/\.npy$/, '');
      return [name, arrayIn(`${what}: array ${JSON.stringify(name)}`, content, options)];
    }),
  );
}

export interface NpzOptions {
  /** Deflates the arrays, as numpy.savez_compressed does. Default false. */
  readonly compress?: boolean;
}

/**
 * The bytes of a .npz file, which numpy.load opens.
 *
 * @param tensors by name
 * @example await writeFile('data.npz', await writeNpz({ x, y }, { compress: true }))
 * @throws BadArgument from 4 GiB on
 */
export function writeNpz(
  tensors: Readonly<Record<string, TensorLike>>,
  options: NpzOptions = {},
): Promise<Uint8Array> {
  const files = Object.entries(tensors).map(([name, x]): [string, Uint8Array] => [
    `${name}.npy`,
    writeNpy(x),
  ]);
  return writeZip('writeNpz', new Map(files), options.compress === true);
}

/** The tensor in a .npy file; see {@link readNpy}. @example const x = await loadNpy('x.npy') */
export async function loadNpy(source: Source, options: WideIntegers = {}): Promise<Tensor> {
  return arrayIn(`loadNpy of ${nameOf(source)}`, await bytesOf('loadNpy', source), options);
}

/** Writes a .npy file; see {@link writeNpy}. @example await saveNpy('x.npy', x) */
export async function saveNpy(path: string | URL, x: TensorLike): Promise<void> {
  await replaceFile(path, writeNpy(x));
}

/** The tensors in a .npz file; see {@link readNpz}. @example const { x, y } = await loadNpz('data.npz') */
export async function loadNpz(source: Source, options: WideIntegers = {}): Promise<Record<string, Tensor>> {
  return arraysIn(`loadNpz of ${nameOf(source)}`, await bytesOf('loadNpz', source), options);
}

/** Writes a .npz file; see {@link writeNpz}. @example await saveNpz('data.npz', { x, y }) */
export async function saveNpz(
  path: string | URL,
  tensors: Readonly<Record<string, TensorLike>>,
  options: NpzOptions = {},
): Promise<void> {
  await replaceFile(path, await writeNpz(tensors, options));
}
