/** Pages can use these rooms: nothing in them needs a module of Node's to be loaded, and paths are refused clearly. */
import { fileURLToPath } from 'node:url';
import { BadArgument, tensor } from 'cotangent';
import { loadIdx } from 'cotangent/data';
import { loadNpy, readCheckpoint, saveCheckpoint, writeCheckpoint, writeNpy } from 'cotangent/io';
import { build } from 'esbuild';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
});

it.each(['io', 'data'])('cotangent/%s can be bundled for a browser', async room => {
  const { errors, warnings } = await build({
    entryPoints: [fileURLToPath(new URL(`../../src/${room}/index.ts`, import.meta.url))],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    // package.json speaks of the built files only.
    ignoreAnnotations: true,
    logLevel: 'silent',
  });
  expect([...errors, ...warnings]).toEqual([]);
});

it('outside Node bytes and Blobs are read, and paths are an error that says so', async () => {
  const bytes = writeNpy(tensor([1, 2]));
  const checkpoint = await writeCheckpoint({ x: tensor([1, 2]) });
  const { exit, nextTick, stdout, stderr } = process;
  vi.stubGlobal('process', { exit, nextTick, stdout, stderr });
  const outcomes = await Promise.allSettled([
    loadNpy(new Blob([new Uint8Array(bytes)])),
    readCheckpoint(checkpoint, { x: tensor([0, 0]) }),
    loadIdx('a'),
    saveCheckpoint('a', { x: tensor(1) }),
  ]);
  vi.unstubAllGlobals();
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toBeInstanceOf(BadArgument);
      expect(outcome.reason.message).toMatch(/outside Node.*a Blob such as a File/s);
    }
});
