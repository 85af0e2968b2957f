/**
 * Checkpoints: a tree in a file. The file is a safetensors file in which every tensor has its path in the tree for a
 * name; plain data and a checksum of the whole content are in the metadata.
 */
import { sameShape } from '../core/aval.ts';
import { BadArgument, WrongTree } from '../core/errors.ts';
import { decodeJson, encodeJson, type Json } from './json.ts';
import { type Part, partsOf, whole } from './parts.ts';
import { keptFiles, replaceFile } from './replace.ts';
import { composeSafetensors, type Entry, made, type Outgoing, parseSafetensors } from './safetensors.ts';
import { asBytes, bytesOf, nameOf, type Source } from './source.ts';

const dataKey = 'cotangent.data';
const metadataKey = 'cotangent.metadata';
const checksumKey = 'cotangent.sha256';
/** In the place of the checksum while it is computed. */
const blank = '0'.repeat(64);

export interface CheckpointOptions {
  /** Plain data that describe the checkpoint; `inspectCheckpoint` shows them. */
  readonly metadata?: { readonly [key: string]: Json };
}

export interface SaveOptions extends CheckpointOptions {
  /** How many earlier checkpoints to keep beside the file: model.1.safetensors is the one before. Default 0. */
  readonly keep?: number;
}

/**
 * The bytes of a checkpoint; see {@link saveCheckpoint}. The tree is read before this function returns.
 * @example const bytes = await writeCheckpoint({ model, state, step: 100 })
 */
export async function writeCheckpoint(tree: unknown, options: CheckpointOptions = {}): Promise<Uint8Array> {
  const data: Record<string, Json> = {};
  const tensors: Outgoing[] = [];
  for (const part of partsOf(tree).parts) {
    const { name } = part;
    if (part.kind === 'data') data[name] = part.value;
    else if (part.kind === 'array')
      tensors.push({
        name,
        encoding: part.encoding,
        shape: [part.value.length],
        elements: () => part.value,
      });
    else
      tensors.push({
        name,
        encoding: part.value.dtype,
        shape: part.value.shape,
        elements: () => part.value.concrete('a checkpoint').elements(),
      });
  }
  const bytes = composeSafetensors(tensors, {
    [dataKey]: encodeJson('the tree', data),
    [metadataKey]: encodeJson('metadata', options.metadata ?? {}),
    [checksumKey]: blank,
  });
  const at = placeOfChecksum(bytes) as number;
  bytes.set(new TextEncoder().encode(await checksum(bytes, at)), at);
  return bytes;
}

/**
 * The tree in the bytes of a checkpoint; see {@link loadCheckpoint}.
 * @example const { model } = await readCheckpoint(bytes, { model, state, step: 0 })
 */
export function readCheckpoint<T>(bytes: Uint8Array | ArrayBuffer, like: T): Promise<T> {
  return treeIn('readCheckpoint', asBytes('readCheckpoint', bytes), like);
}

/**
 * Writes a tree to a file: a model, the state of an optimiser, keys, steps, the position in a data set.
 *
 * Tensors and typed arrays keep their element types; numbers, booleans, text, null, and arrays and objects of these are
 * kept as they are. The fixed fields of modules are not in the file. The tree is read before the first await, so that
 * its tensors may be donated at once.
 *
 * The file is complete at any moment: it is written beside its place, to the disk, and then renamed. Other tools read
 * it as safetensors.
 *
 * @param path where; the folder must exist
 * @example await saveCheckpoint('run/model.safetensors', { model, state, step, data: iterator.state() }, { keep: 2 })
 * @throws WrongTree, BadArgument for what cannot be kept, and errors of the file system
 */
export async function saveCheckpoint(
  path: string | URL,
  tree: unknown,
  options: SaveOptions = {},
): Promise<void> {
  await replaceFile(path, writeCheckpoint(tree, options), options.keep);
}

/**
 * The tree in a checkpoint, in the shape of another.
 *
 * @param source a path (in Node), or a Blob such as a File
 * @param like a tree of the same structure, such as the one that training starts with. Its tensors must have the shapes
 *   and element types of those in the file (their values do not matter, and they may be donated ones); where it has
 *   plain data, the file's take their place, whatever they are. A number also stands for a 0-dimensional tensor
 * @returns a new tree; `like` is not changed
 * @example const { model, state, step } = await loadCheckpoint('run/model.safetensors', { model, state, step: 0 })
 * @throws BadArgument for a file that is damaged, truncated or no checkpoint; WrongTree where `like` differs, with the
 *   names that are missing, too many or of another type; errors of the file system
 */
export async function loadCheckpoint<T>(source: Source, like: T): Promise<T> {
  return treeIn(`loadCheckpoint of ${nameOf(source)}`, await bytesOf('loadCheckpoint', source), like);
}

/** What a checkpoint holds. */
export interface CheckpointContents {
  readonly metadata: { readonly [key: string]: Json };
  /** Element type and shape of the tensors by name: `float32[2,3]`. */
  readonly tensors: Record<string, string>;
  /** The plain data by name. */
  readonly data: { readonly [name: string]: Json };
}

/**
 * What a checkpoint holds, without a tree to compare it with.
 * @example const { metadata, tensors } = await inspectCheckpoint('run/model.safetensors')
 * @throws BadArgument for a file that is damaged, truncated or no checkpoint
 */
export async function inspectCheckpoint(source: Source): Promise<CheckpointContents> {
  const what = `inspectCheckpoint of ${nameOf(source)}`;
  const { entries, data, metadata } = await verified(what, await bytesOf('inspectCheckpoint', source));
  return {
    metadata,
    tensors: Object.fromEntries(entries.map(one => [one.name, typeOf(one)])),
    data,
  };
}

/**
 * The paths of a checkpoint and of the earlier ones that were kept beside it, the newest first; none if there is no
 * file.
 * @example const [newest] = await listCheckpoints('run/model.safetensors')
 */
export function listCheckpoints(path: string | URL): Promise<string[]> {
  return keptFiles(path);
}

interface Verified {
  readonly entries: readonly Entry[];
  readonly data: { readonly [name: string]: Json };
  readonly metadata: { readonly [key: string]: Json };
}

async function verified(what: string, bytes: Uint8Array): Promise<Verified> {
  const { entries, metadata } = parseSafetensors(what, bytes);
  const at = placeOfChecksum(bytes);
  const told = metadata[checksumKey];
  if (at === undefined || told === undefined)
    throw new BadArgument({
      did: `${what}: a safetensors file without a checksum`,
      expected: 'a file that saveCheckpoint wrote',
      remedy: 'read other safetensors files with loadSafetensors',
    });
  const found = await checksum(bytes, at);
  if (found !== told)
    throw new BadArgument({
      did: `${what}: the content has the checksum ${found.slice(0, 8)}…, the file says ${told.slice(0, 8)}…`,
      expected: 'equal checksums: the file is damaged',
      remedy: 'load an earlier checkpoint: listCheckpoints(path)',
    });
  return {
    entries,
    data: decodeJson(metadata[dataKey]) as { [name: string]: Json },
    metadata: decodeJson(metadata[metadataKey]) as { [key: string]: Json },
  };
}

async function treeIn<T>(what: string, bytes: Uint8Array, like: T): Promise<T> {
  const { entries, data } = await verified(what, bytes);
  const tensors = new Map(entries.map(one => [one.name, one]));
  const names = [...tensors.keys(), ...Object.keys(data)];
  const { parts, rebuild } = partsOf(like, name => names.some(one => isUnder(one, name)));
  compare(what, parts, tensors, data);
  const wanted = new Map(parts.map(part => [part.name, part]));
  return rebuild(name => {
    const entry = tensors.get(name);
    if (entry === undefined) return data[name];
    const part = wanted.get(name) as Part;
    if (part.kind !== 'array') return made(what, entry, {});
    return new part.value.constructor(new Uint8Array(entry.bytes).buffer);
  }) as T;
}

/** Whether a name is that of a part inside the subtree of another name; every name is inside the whole tree. */
const isUnder = (name: string, subtree: string): boolean =>
  subtree === '' ? name !== whole : name.startsWith(`${subtree}.`) || name.startsWith(`${subtree}[`);

const typeOf = ({ encoding, shape }: Pick<Entry, 'encoding' | 'shape'>): string =>
  `${encoding}[${shape.join(',')}]`;

/** Everything in which a file and a tree differ. @throws WrongTree */
function compare(
  what: string,
  parts: readonly Part[],
  tensors: ReadonlyMap<string, Entry>,
  data: { readonly [name: string]: Json },
): void {
  const missing: string[] = [];
  const differing: string[] = [];
  const wanted = new Set<string>();
  for (const part of parts) {
    const { name } = part;
    wanted.add(name);
    const entry = tensors.get(name);
    if (part.kind === 'data') {
      const isNumber = typeof part.value === 'number';
      if (entry === undefined && !Object.hasOwn(data, name)) missing.push(name);
      else if (entry !== undefined && !(isNumber && entry.shape.length === 0))
        differing.push(
          `${name} (${typeOf(entry)} in the file, ${isNumber ? 'a number' : 'plain data'} in the tree)`,
        );
      continue;
    }
    const here =
      part.kind === 'array'
        ? { encoding: part.encoding, shape: [part.value.length] }
        : { encoding: part.value.dtype, shape: part.value.shape };
    if (entry === undefined) {
      if (Object.hasOwn(data, name))
        differing.push(`${name} (plain data in the file, ${typeOf(here)} in the tree)`);
      else missing.push(name);
    } else if (entry.encoding !== here.encoding || !sameShape(entry.shape, here.shape))
      differing.push(`${name} (${typeOf(entry)} in the file, ${typeOf(here)} in the tree)`);
  }
  const extra = [...tensors.keys(), ...Object.keys(data)].filter(name => !wanted.has(name));
  const problems = [
    missing.length > 0 && `the file lacks ${listed(missing)}`,
    extra.length > 0 && `the tree lacks ${listed(extra)}`,
    differing.length > 0 && `different: ${listed(differing)}`,
  ].filter(Boolean);
  if (problems.length > 0)
    throw new WrongTree({
      did: `${what}: ${problems.join('; ')}`,
      expected: 'a tree with the names, shapes and element types of the one that was saved',
      remedy:
        'build `like` with the code that built the saved tree; inspectCheckpoint(path) shows what is in it',
    });
}

const listed = (names: readonly string[]): string =>
  names.length > 12 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ');

/** Where the checksum's digits are. Inside other texts the quotes would have backslashes. */
function placeOfChecksum(bytes: Uint8Array): number | undefined {
  const key = `"${checksumKey}":"`;
  const header = new TextDecoder('latin1').decode(bytes.slice(0, headerEnd(bytes)));
  const at = header.indexOf(key);
  return at < 0 ? undefined : at + key.length;
}

const headerEnd = (bytes: Uint8Array): number =>
  8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** SHA-256 of the SHA-256s of the header, with zeros for the checksum at `at`, and of every 64 MiB after it, in hex. */
async function checksum(bytes: Uint8Array, at: number): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined)
    throw new BadArgument({
      did: 'a checkpoint in a page without crypto.subtle',
      expected: 'a secure context',
      remedy: 'serve the page over https or from localhost',
    });
  const sha256 = async (part: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await subtle.digest('SHA-256', part as Uint8Array<ArrayBuffer>));
  const start = headerEnd(bytes);
  const header = bytes.slice(0, start);
  header.fill(0x30, at, at + blank.length);
  const digests = [...(await sha256(header))];
  for (let from = start; from < bytes.length; from += 2 ** 26)
    digests.push(...(await sha256(bytes.subarray(from, from + 2 ** 26))));
  const total = await sha256(Uint8Array.from(digests));
  return Array.from(total, byte => byte.toString(16).padStart(2, '0')).join('');
}
