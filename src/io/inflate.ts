/** Compressed bytes, by the streams that every engine has. */
import { BadArgument } from '../core/errors.ts';

export interface InflateOptions {
  /** What reads, for messages. */
  readonly what: string;
  /** The size that the content must have, where it is known. */
  readonly size?: number;
}

/** The content of compressed bytes. @throws BadArgument for damaged bytes, and for content of another size */
export async function inflate(
  bytes: Uint8Array,
  format: CompressionFormat,
  { what, size }: InflateOptions,
): Promise<Uint8Array> {
  const broken = (expected: string): BadArgument => damaged(what, expected);
  // Where the size is known, the content is put where it belongs at once.
  let whole = new Uint8Array(size ?? (format === 'gzip' ? toldSize(bytes) : 0));
  let total = 0;
  try {
    for await (const chunk of through(new DecompressionStream(format), bytes)) {
      const end = total + chunk.length;
      if (end > whole.length) {
        // Stops before a few bytes fill the memory.
        if (size !== undefined) throw broken(`${size} bytes of content, not more`);
        const larger = new Uint8Array(Math.max(end, 2 * whole.length));
        larger.set(whole.subarray(0, total));
        whole = larger;
      }
      whole.set(chunk, total);
      total = end;
    }
  } catch (error) {
    throw error instanceof BadArgument ? error : broken(`a whole ${format} stream`);
  }
  if (size !== undefined && total !== size) throw broken(`${size} bytes of content, not ${total}`);
  return total === whole.length ? whole : whole.slice(0, total);
}

/** What a gzip file says of the size of its content, modulo 2³²; 0 where that cannot be (deflate gains at most 1032-fold). */
function toldSize(bytes: Uint8Array): number {
  if (bytes.length < 18) return 0;
  const told = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0, true);
  return told <= 1032 * bytes.length ? told : 0;
}

export async function deflate(bytes: Uint8Array, format: CompressionFormat): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of through(new CompressionStream(format), bytes)) {
    chunks.push(chunk);
    total += chunk.length;
  }
  return joined(chunks, total);
}

/** The first two bytes of every gzip file (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

const damaged = (what: string, expected: string): BadArgument =>
  new BadArgument({
    did: `${what}: compressed bytes that are damaged or truncated`,
    expected,
    remedy: 'fetch the file again',
  });

/** The content of pieces that may be compressed by gzip; as they are where they are not. */
export async function* gunzipped(
  what: string,
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const first = await pieces.next();
  if (first.done) return;
  const whole = (async function* () {
    yield first.value;
    yield* pieces;
  })();
  if (!isGzip(first.value)) {
    yield* whole;
    return;
  }
  const stream = new DecompressionStream('gzip');
  const writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
  const written = (async () => {
    for await (const piece of whole) await writer.write(piece);
    await writer.close();
  })();
  written.catch(error => writer.abort(error)).catch(() => {});
  const reader = (stream.readable as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw damaged(what, 'a whole gzip stream');
      });
      if (done) break;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    await written.catch(() => {});
    await pieces.return();
  }
}

async function* through(
  stream: GenericTransformStream,
  bytes: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = stream.writable.getWriter() as WritableStreamDefaultWriter<Uint8Array>;
  const reader = stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  // What goes wrong here is seen by the reader, too.
  const written = writer.write(bytes).then(() => writer.close());
  written.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await written;
  } finally {
    reader.cancel().catch(() => {});
  }
}

function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
