// Evaluates one scalar function on float64 arguments: node evaluate.mjs NAME < arguments > results.
// NAME is Math.sin or special.erf; after a further word "2" the arguments are pairs.
// Used by tools/coefficients/measure.py; --versions prints the engine. TSC names another compiler than the project's.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Imports a module of the reference backend; a Node that does not read TypeScript gets it from tsc. */
async function load(name) {
  const source = join(root, 'src/backends/reference', `${name}.ts`);
  try {
    return await import(pathToFileURL(source).href);
  } catch (error) {
    if (error.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
  }
  const compiled = join(tmpdir(), `accuracy-${name}-${statSync(source).mtimeMs}.mjs`);
  if (!existsSync(compiled)) {
    const folder = mkdtempSync(join(tmpdir(), 'accuracy-'));
    const tsc = process.env.TSC ?? join(root, 'node_modules/.bin/tsc');
    const options = '--target es2022 --module esnext --skipLibCheck --outDir .'.split(' ');
    execFileSync(tsc, [source, ...options], { cwd: folder, stdio: 'inherit' });
    renameSync(join(folder, `${name}.js`), compiled);
    rmSync(folder, { recursive: true });
  }
  return import(pathToFileURL(compiled).href);
}

const [name, arity] = process.argv.slice(2);
if (name === '--versions') {
  console.log(
    `Node ${process.versions.node}, V8 ${process.versions.v8}, ${process.platform} ${process.arch}`,
  );
} else {
  const [from, key] = name.split('.');
  const f = from === 'Math' ? Math[key] : (await load(from))[key];
  const bytes = readFileSync(0);
  const x = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const y =
    arity === '2'
      ? Float64Array.from({ length: x.length / 2 }, (_, i) => f(x[2 * i], x[2 * i + 1]))
      : x.map(value => f(value));
  writeFileSync(1, new Uint8Array(y.buffer));
}
