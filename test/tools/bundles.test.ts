/** Every public entry goes into a bundle for browsers, which have no modules of Node's. */
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, { default?: string }>;
};
const entries = Object.values(exports).flatMap(({ default: file }) => file ?? []);

test.each(entries)('%s', async file => {
  const { outputFiles } = await build({
    entryPoints: [file.replace('./dist/', 'src/').replace(/\.js$/, '.ts')],
    absWorkingDir: new URL('.', root).pathname,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  expect(outputFiles[0].text).not.toMatch(/^import .*node:/m);
});
