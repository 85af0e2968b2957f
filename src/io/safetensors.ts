/**
 * The safetensors format: 8 bytes with the length of the header, a JSON header, the elements, little-endian
 * (https://huggingface.co/docs/safetensors).
 */
import { sizeOf } from '../core/aval.ts';
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, fromTyped, type TensorLike } from '../numpy/array.ts';
import { decode, decodedType, type Encoding, rawBytes, type WideIntegers, widthOf } from './elements.ts';
import { replaceFile } from './replace.ts';
import { asBytes, bytesOf, nameOf, type Source } from './source.ts';

/** The names of element types in the header. */
const encodings: Record<string, Encoding> = {
  BOOL: 'bool',
  U8: 'uint8',
  I8: 'int8',
  U16: 'uint16',
  I16: 'int16',
  F16: 'float16',
  BF16: 'bfloat16',
  U32: 'uint32',
  I32: 'int32',
  F32: 'float32',
  U64: 'uint64',
  I64: 'int64',
  F64: 'float64',
};

const codeOf = (encoding: Encoding): string =>
  Object.keys(encodings).find(code => encodings[code] === encoding) as string;

/** The reference implementation takes no longer header. */
const longestHeader = 100_000_000;

/** A tensor of a file. */
export interface Entry {
  readonly name: string;
  readonly encoding: Encoding;
  readonly shape: readonly number[];
  /** Its elements in the file: row-major, little-endian. */
  readonly bytes: Uint8Array;
}

export interface Parsed {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is to be written; elements are asked for one tensor after the other, as reading one may move another. */
export interface Outgoing extends Omit<Entry, 'bytes'> {
  elements(): ArrayBufferView;
}

/** What a file holds, checked; the entries in the order of their names' places in the header. @throws BadArgument */
export function parseSafetensors(what: string, data: Uint8Array): Parsed {
  const wrong = (problem: string, expected: string, remedy = 'fetch or write the file again'): BadArgument =>
    new BadArgument({ did: `${what}: ${problem}`, expected, remedy });
  if (data.length < 8)
    throw wrong(`a file of ${data.length} bytes`, 'at least the 8 bytes that hold the length of the header');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const length = view.getUint32(4, true) * 4294967296 + view.getUint32(0, true);
  if (length > longestHeader || data[8] !== 0x7b)
    throw wrong(
      `bytes that begin with [${data.subarray(0, 9).join(', ')}]`,
      'the length of a JSON header, then the header, which begins with {',
      'check that this is a safetensors file',
    );
  const start = 8 + length;
  if (start > data.length)
    throw wrong(
      `a header of ${length} bytes in a file of ${data.length}`,
      'the whole header: the file is truncated',
    );
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data.slice(8, start)));
  } catch {
    throw wrong('a header that is no JSON in UTF-8', 'a JSON object');
  }
  if (!isRecord(header)) throw wrong('a header that is no JSON object', 'a JSON object');

  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || Object.values(metadata).some(value => typeof value !== 'string'))
    throw wrong('__metadata__ that is not an object of strings', 'text for every key');
  const body = data.subarray(start);
  const entries = Object.entries(rest).map(([name, info]): Entry & { begin: number; end: number } => {
    const at = `tensor ${JSON.stringify(name)}`;
    if (!isRecord(info)) throw wrong(`${at} described by ${JSON.stringify(info)}`, 'an object');
    const { dtype, shape, data_offsets: offsets } = info;
    if (typeof dtype !== 'string' || !Object.hasOwn(encodings, dtype))
      throw wrong(
        `${at} of element type ${JSON.stringify(dtype)}`,
        `one of ${Object.keys(encodings).join(', ')}`,
        'convert it to one of these with the tool that wrote it',
      );
    if (!isCounts(shape)) throw wrong(`${at} of shape ${JSON.stringify(shape)}`, 'non-negative integers');
    if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1] || offsets[1] > body.length)
      throw wrong(
        `${at} at ${JSON.stringify(offsets)}`,
        `begin and end within the ${body.length} bytes after the header`,
        'the file is truncated or damaged: fetch or write it again',
      );
    const [begin, end] = offsets;
    const encoding = encodings[dtype];
    const size = sizeOf(shape) * widthOf(encoding);
    if (size !== end - begin)
      throw wrong(
        `${at} of ${end - begin} bytes`,
        `${size} bytes for ${dtype}[${shape.join(', ')}]`,
        'the file is damaged: fetch or write it again',
      );
    return { name, encoding, shape, begin, end, bytes: body.subarray(begin, end) };
  });

  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw wrong(
        `tensor ${JSON.stringify(name)} from byte ${begin}, where the one before ends at ${covered}`,
        'tensors that neither overlap nor leave a hole',
      );
    covered = end;
  }
  if (covered !== body.length)
    throw wrong(`${body.length - covered} bytes after the last tensor`, 'nothing after it');
  return { entries, metadata: metadata as Record<string, string> };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && n >= 0);

/** The bytes of a file: the tensors of the widest elements first, so that each begins at a multiple of its width. */
export function composeSafetensors(
  tensors: readonly Outgoing[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const sorted = [...tensors].sort(
    (a, b) => widthOf(b.encoding) - widthOf(a.encoding) || (a.name < b.name ? -1 : 1),
  );
  let at = 0;
  const places = sorted.map(one => {
    const begin = at;
    at += sizeOf(one.shape) * widthOf(one.encoding);
    return { ...one, begin, end: at };
  });
  const described = places.map(({ name, encoding, shape, begin, end }) => [
    name,
    { dtype: codeOf(encoding), shape, data_offsets: [begin, end] },
  ]);
  const header = Object.keys(metadata).length > 0 ? [['__metadata__', metadata], ...described] : described;
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(start + at).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  for (const [i, { begin }] of places.entries()) bytes.set(rawBytes(sorted[i].elements()), start + begin);
  return bytes;
}

export interface Safetensors {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors in the bytes of a safetensors file, such as PyTorch, JAX and Hugging Face tools write.
 *
 * Everything that the format demands is checked before a tensor is made.
 *
 * @param options int64: what 64-bit integers become, 'int32' (the default) or 'float64'
 * @returns the tensors by name, and the file's metadata. F16 and BF16 become float32, 16-bit integers int32, U64
 *   uint32
 * @example const { tensors } = readSafetensors(await readFile('model.safetensors'))
 * @throws BadArgument for a file that is truncated or breaks the format, for 8-bit floats and complex numbers, and for
 *   64-bit integers that do not fit
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer, options: WideIntegers = {}): Safetensors {
  return tensorsIn('readSafetensors', asBytes('readSafetensors', bytes), options);
}

function tensorsIn(what: string, bytes: Uint8Array, options: WideIntegers): Safetensors {
  const { entries, metadata } = parseSafetensors(what, bytes);
  return { tensors: Object.fromEntries(entries.map(one => [one.name, made(what, one, options)])), metadata };
}

/** The tensor of an entry. */
export function made(what: string, { name, encoding, shape, bytes }: Entry, options: WideIntegers): Tensor {
  const values = decode(encoding, bytes, { ...options, what: `${what}: tensor ${JSON.stringify(name)}` });
  return fromTyped(values, shape, decodedType(encoding, options));
}

export interface SafetensorsOptions {
  /** Text by name, for whoever reads the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of a safetensors file.
 *
 * @param tensors by name; numbers and arrays are made tensors first
 * @example await writeFile('model.safetensors', writeSafetensors({ weight, bias }, { metadata: { epoch: '3' } }))
 * @throws BadArgument for the name __metadata__, and for metadata that are not text
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorLike>>,
  options: SafetensorsOptions = {},
): Uint8Array {
  const { metadata = {} } = options;
  if (Object.hasOwn(tensors, '__metadata__'))
    throw new BadArgument({
      did: "writeSafetensors of a tensor named '__metadata__'",
      expected: 'another name: the format keeps this one for itself',
      remedy: 'writeSafetensors(tensors, { metadata: { … } })',
    });
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new BadArgument({
        did: `writeSafetensors with metadata ${key} of type ${typeof value}`,
        expected: 'text',
        remedy: `metadata: { ${key}: JSON.stringify(…) }`,
      });
  const outgoing = Object.entries(tensors).map(([name, value]): Outgoing => {
    const one = asTensor(value);
    return {
      name,
      encoding: one.dtype,
      shape: one.shape,
      elements: () => one.concrete('writeSafetensors').elements(),
    };
  });
  return composeSafetensors(outgoing, metadata);
}

/**
 * The tensors in a safetensors file; see {@link readSafetensors}.
 * @param source a path (in Node), or a Blob such as a File
 * @example const { tensors, metadata } = await loadSafetensors('model.safetensors')
 */
export async function loadSafetensors(source: Source, options: WideIntegers = {}): Promise<Safetensors> {
  const bytes = await bytesOf('loadSafetensors', source);
  return tensorsIn(`loadSafetensors of ${nameOf(source)}`, bytes, options);
}

/**
 * Writes a safetensors file; see {@link writeSafetensors}. A file of that name is replaced at once, when the new one is
 * complete.
 * @example await saveSafetensors('model.safetensors', { weight, bias })
 */
export async function saveSafetensors(
  path: string | URL,
  tensors: Readonly<Record<string, TensorLike>>,
  options: SafetensorsOptions = {},
): Promise<void> {
  await replaceFile(path, writeSafetensors(tensors, options));
}
