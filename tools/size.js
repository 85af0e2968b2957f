// Measures what a user's bundle grows by: minified, tree-shaken and gzipped, against the record in size.json.
// usage: node tools/size.js [--update]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const recordFile = fileURLToPath(new URL('size.json', import.meta.url));
/** @type {{ grad?: number, all?: number, limitGrad: number }} */
const record = JSON.parse(readFileSync(recordFile, 'utf8'));
const growth = 1.1;

/**
 * @param {string} program
 * @returns {Promise<number>} bytes
 */
async function gzipped(program) {
  const { outputFiles } = await build({
    // In the package's own folder, 'cotangent' resolves through the exports of package.json.
    stdin: { contents: program, resolveDir: root },
    bundle: true,
    // Not by the paths of tsconfig.json, which lead to src.
    tsconfigRaw: '{}',
    minify: true,
    treeShaking: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*'],
    write: false,
    logLevel: 'error',
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

const sizes = {
  grad: await gzipped("import { grad } from 'cotangent'; console.log(grad);"),
  all: await gzipped("import * as ct from 'cotangent'; console.log(ct);"),
};

let failed = false;
for (const name of /** @type {const} */ (['grad', 'all'])) {
  const now = sizes[name];
  const before = record[name];
  const change = before === undefined ? '' : ` (record ${before}, ${percent(now / before - 1)})`;
  console.log(`${name.padEnd(4)} ${now} bytes${change}`);
  if (process.argv.includes('--update')) continue;
  if (before === undefined) fail('no record yet: npm run size -- --update');
  else if (now > before * growth) fail(`grew by more than 10 %; if it must: npm run size -- --update`);
}
if (sizes.grad > record.limitGrad) fail(`grad is over its limit of ${record.limitGrad} bytes`);
if (process.argv.includes('--update')) {
  writeFileSync(recordFile, `${JSON.stringify({ ...sizes, limitGrad: record.limitGrad }, null, 2)}\n`);
}
if (failed) process.exitCode = 1;

/** @param {string} message */
function fail(message) {
  console.log(`     ${message}`);
  failed = true;
}

/** @param {number} ratio */
function percent(ratio) {
  return `${ratio < 0 ? '' : '+'}${(100 * ratio).toFixed(1)} %`;
}
