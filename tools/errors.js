// Writes docs/errors: a page for each error, with the message that its example really gives.
// usage: node tools/errors.js [--check]
// The examples run in test/errors/errors.test.ts, which makes the pages and compares them with those there are.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = `${root}node_modules/vitest/vitest.mjs`;
const update = process.argv.includes('--check') ? '--update=none' : '--update=all';
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/errors/errors.test.ts', update], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
