/** Zip archives (PKWARE APPNOTE 6.3): stored and deflated files. */
import { BadArgument } from '../core/errors.ts';
import { crc32 } from './crc32.ts';
import { deflate, inflate } from './inflate.ts';

const endSize = 22;
const centralSize = 46;
const localSize = 30;
/** Text in UTF-8. */
const utf8 = 0x800;

/** The files in an archive by name. @throws BadArgument for a damaged archive and for what is not supported */
export async function readZip(what: string, data: Uint8Array): Promise<Map<string, Uint8Array>> {
  const wrong = (problem: string, expected: string, remedy = 'fetch or write the file again'): BadArgument =>
    new BadArgument({ did: `${what}: ${problem}`, expected, remedy });
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = endOf(view);
  if (end < 0)
    throw wrong(
      `${data.length} bytes without the end of a zip archive`,
      'a zip archive that is not truncated',
    );
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    if (at + centralSize > end || view.getUint32(at, true) !== 0x02014b50)
      throw wrong(`a damaged list of files, entry ${i} of ${count}`, 'an entry for every file');
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(data.slice(at + centralSize, at + centralSize + nameLength));
    const local = view.getUint32(at + 42, true);
    at += centralSize + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const file = `file ${JSON.stringify(name)}`;
    if (packed === 0xffffffff || size === 0xffffffff || local === 0xffffffff)
      throw wrong(`${file} of 4 GiB or more`, 'files below 4 GiB', 'store large arrays in a file each');
    if (flags & 1 || (method !== 0 && method !== 8))
      throw wrong(
        `${file}, ${flags & 1 ? 'encrypted' : `compressed by method ${method}`}`,
        'stored or deflated',
        'write it with numpy.savez or numpy.savez_compressed',
      );
    if (local + localSize > data.length || view.getUint32(local, true) !== 0x04034b50)
      throw wrong(`${file} without its header`, `a header at byte ${local}`);
    // The name and the extra fields here may be of other lengths than in the list.
    const start = local + localSize + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packed > data.length || (method === 0 && packed !== size))
      throw wrong(
        `${file} of ${packed} bytes at byte ${start}`,
        `bytes within the ${data.length} of the archive`,
      );
    const body = data.subarray(start, start + packed);
    const content =
      method === 0 ? body : await inflate(body, 'deflate-raw', { what: `${what}: ${file}`, size });
    if (crc32(content) !== crc) throw wrong(`${file} whose checksum is another`, 'undamaged content');
    files.set(name, content);
  }
  return files;
}

/** Where the end record is: it may have a comment after it. */
function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - endSize - 65535);
  for (let at = view.byteLength - endSize; at >= first; at--)
    if (
      view.getUint32(at, true) === 0x06054b50 &&
      at + endSize + view.getUint16(at + 20, true) === view.byteLength
    )
      return at;
  return -1;
}

/** An archive of files. @throws BadArgument above 4 GiB */
export async function writeZip(
  what: string,
  files: ReadonlyMap<string, Uint8Array>,
  compress: boolean,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of files) {
    const body = compress ? await deflate(content, 'deflate-raw') : content;
    const text = new TextEncoder().encode(name);
    // From the version to the lengths: the same in both places. The date is the first that there is, 1980-01-01.
    const described = new DataView(new ArrayBuffer(26));
    described.setUint16(0, 20, true);
    described.setUint16(2, utf8, true);
    described.setUint16(4, compress ? 8 : 0, true);
    described.setUint16(8, 0x21, true);
    described.setUint32(10, crc32(content), true);
    described.setUint32(14, body.length, true);
    described.setUint32(18, content.length, true);
    described.setUint16(22, text.length, true);
    const shared = new Uint8Array(described.buffer);
    const entry = new Uint8Array(centralSize);
    entry.set([0x50, 0x4b, 1, 2, 20, 0]);
    entry.set(shared, 6);
    new DataView(entry.buffer).setUint32(42, at, true);
    central.push(entry, text);
    parts.push(Uint8Array.of(0x50, 0x4b, 3, 4), shared, text, body);
    at += localSize + text.length + body.length;
  }
  const listed = central.reduce((total, { length }) => total + length, 0);
  if (at + listed > 0xfffffffe || files.size > 0xfffe)
    throw new BadArgument({
      did: `${what} of ${files.size} files and ${at} bytes`,
      expected: 'less than 4 GiB and 65535 files',
      remedy: 'write several archives, or safetensors',
    });
  const end = new DataView(new ArrayBuffer(endSize));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.size, true);
  end.setUint16(10, files.size, true);
  end.setUint32(12, listed, true);
  end.setUint32(16, at, true);
  const whole = new Uint8Array(at + listed + endSize);
  let next = 0;
  for (const part of [...parts, ...central, new Uint8Array(end.buffer)]) {
    whole.set(part, next);
    next += part.length;
  }
  return whole;
}
