/** Where bytes come from: a file by its path, a Blob (a File is one), or bytes themselves. */
import { BadArgument } from '../core/errors.ts';
import { builtin } from './builtin.ts';

/** A path or `file:` URL (in Node), a Blob such as a File (everywhere), or the bytes themselves. */
export type Source = string | URL | Blob | Uint8Array | ArrayBuffer;

/** The path, a Blob's name or the number of bytes, for messages. */
export function nameOf(source: Source): string {
  if (typeof source === 'string') return `'${source}'`;
  if (source instanceof URL) return `'${source.href}'`;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return `${source.byteLength} bytes`;
  return 'name' in source ? `'${String(source.name)}'` : `a Blob of ${source.size} bytes`;
}

/** A plain Uint8Array: Node's Buffer is one, too, but its `slice` does not copy. @throws BadArgument */
export function asBytes(name: string, bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new BadArgument({
    did: `${name} of ${typeof bytes}`,
    expected: 'the bytes of a file: a Uint8Array or an ArrayBuffer',
    remedy: `${name}(await readFile(path))`,
  });
}

/** All bytes of a source. Errors of the file system come as they are. */
export async function bytesOf(name: string, source: Source): Promise<Uint8Array> {
  if (typeof source === 'string' || source instanceof URL) return readWhole(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return new Uint8Array(await source.arrayBuffer());
  return asBytes(name, source as Uint8Array);
}

/** `readFile` refuses files above 2 GiB. */
async function readWhole(path: string | URL): Promise<Uint8Array> {
  const { open } = builtin('node:fs/promises');
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    // A pipe does not know its size.
    if (size === 0) return asBytes('', await handle.readFile());
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 2 ** 30), at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at === size ? bytes : bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}

/** The bytes of a source piece by piece; what has opened it is closed when the loop over them ends, however it ends. */
export async function* chunksOf(name: string, source: Source): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof source === 'string' || source instanceof URL) {
    const { open } = builtin('node:fs/promises');
    const handle = await open(source, 'r');
    try {
      for (;;) {
        const chunk = new Uint8Array(65536);
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
  const bytes = await bytesOf(name, source);
  for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
}
