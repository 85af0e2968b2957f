/** Files that are replaced whole or not at all. */
import { BadArgument } from '../core/errors.ts';
import { builtin } from './builtin.ts';

/** Writers of the same file in this thread come one after the other, in the order of their calls. */
const queues = new Map<string, Promise<void>>();

/**
 * Writes a file so that its name always stands for a complete one, even if the process or the machine stops at any
 * moment: into a temporary file in the same folder, to the disk, and then under its name.
 *
 * @param keep how many earlier files to keep beside it: see {@link earlierName}
 */
export async function replaceFile(
  path: string | URL,
  bytes: Uint8Array | Promise<Uint8Array>,
  keep = 0,
): Promise<void> {
  if (!Number.isInteger(keep) || keep < 0)
    throw new BadArgument({
      did: `keep: ${String(keep)}`,
      expected: 'a number of earlier files',
      remedy: 'keep: 3',
    });
  const place = String(path);
  const before = queues.get(place) ?? Promise.resolve();
  const mine = Promise.allSettled([before, bytes]).then(async () => write(absolute(path), await bytes, keep));
  queues.set(place, mine);
  try {
    await mine;
  } finally {
    if (queues.get(place) === mine) queues.delete(place);
  }
}

function absolute(path: string | URL): string {
  const { resolve } = builtin('node:path');
  const { fileURLToPath } = builtin('node:url');
  return resolve(path instanceof URL ? fileURLToPath(path) : path);
}

async function write(target: string, bytes: Uint8Array, keep: number): Promise<void> {
  const { open, rename, rm } = builtin('node:fs/promises');
  const { basename, dirname, join } = builtin('node:path');
  const folder = dirname(target);
  await removeAbandoned(target);
  const temporary = join(folder, temporaryName(basename(target)));
  try {
    const handle = await open(temporary, 'wx');
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, at, Math.min(bytes.length - at, 2 ** 26));
        at += bytesWritten;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (keep > 0) await keepEarlier(target, keep);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** The new name must reach the disk, too. Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { open } = builtin('node:fs/promises');
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Names the machine and the process, so that those of a dead process can be told. */
function temporaryName(base: string): string {
  const { hostname } = builtin('node:os');
  const { randomUUID } = builtin('node:crypto');
  return `.${base}.${hostname()}.${process.pid}.${randomUUID()}.tmp`;
}

/** Removes the temporary files that processes of this machine left when they died. */
async function removeAbandoned(target: string): Promise<void> {
  const { readdir, rm } = builtin('node:fs/promises');
  const { basename, dirname, join } = builtin('node:path');
  const { hostname } = builtin('node:os');
  const prefix = `.${basename(target)}.${hostname()}.`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const writer = Number(name.slice(prefix.length).split('.')[0]);
    if (Number.isInteger(writer) && writer > 0 && !isAlive(writer))
      await rm(join(dirname(target), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The name of the n-th earlier file: model.1.safetensors is the one before model.safetensors. */
export function earlierName(path: string, n: number): string {
  const base = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const dot = base.lastIndexOf('.');
  const at = dot <= 0 ? path.length : path.length - base.length + dot;
  return `${path.slice(0, at)}.${n}${path.slice(at)}`;
}

/** Gives the file its second name, after moving the earlier ones up by one. Nothing is lost wherever this stops. */
async function keepEarlier(target: string, keep: number): Promise<void> {
  const { copyFile, link, rename, rm, stat } = builtin('node:fs/promises');
  const current = await stat(target).catch(() => undefined);
  if (current === undefined) return;
  const newest = earlierName(target, 1);
  const kept = await stat(newest).catch(() => undefined);
  // Stopped after the link, before the new file got its name.
  if (kept !== undefined && kept.ino === current.ino && kept.dev === current.dev) return;
  let free = 1;
  while (free < keep && (await stat(earlierName(target, free)).catch(() => undefined))) free++;
  for (let n = free; n > 1; n--) await rename(earlierName(target, n - 1), earlierName(target, n));
  await rm(newest, { force: true });
  await link(target, newest).catch(async error => {
    // Some file systems have no links: a copy under another name first, so that no half copy has this one.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(error.code)) throw error;
    await copyFile(target, `${newest}.tmp`);
    await rename(`${newest}.tmp`, newest);
  });
}

/** The file and the earlier ones that were kept, the newest first; those that there are. */
export async function keptFiles(path: string | URL): Promise<string[]> {
  const { readdir } = builtin('node:fs/promises');
  const { basename, dirname, join } = builtin('node:path');
  const target = absolute(path);
  const names = new Set(await readdir(dirname(target)).catch(() => []));
  const found = names.has(basename(target)) ? [target] : [];
  const numbers = [...names]
    .map(name => Number(/\.(\d+)(?:\.[^.]*)?$/.exec(name)?.[1]))
    .filter(n => n > 0 && names.has(earlierName(basename(target), n)));
  for (const n of [...new Set(numbers)].sort((a, b) => a - b))
    found.push(join(dirname(target), earlierName(basename(target), n)));
  return found;
}
