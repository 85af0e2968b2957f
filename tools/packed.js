// Tries the package as a user gets it: packed, installed into an empty project, run, type-checked and linted.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const project = mkdtempSync(join(tmpdir(), 'cotangent-packed-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true }));

npm(root, 'pack', '--silent', '--ignore-scripts', '--pack-destination', project);
const tarball = readdirSync(project).find(name => name.endsWith('.tgz'));
if (!tarball) fail('npm pack made no tarball');
writeJson('package.json', { name: 'packed', version: '1.0.0', private: true, type: 'module' });
npm(project, 'install', '--silent', '--offline', '--no-audit', '--no-fund', `./${tarball}`);

for (const name of ['program.js', 'program.ts']) {
  mkdirSync(join(project, 'user'), { recursive: true });
  copyFileSync(join(root, 'test/packed', name), join(project, 'user', name));
}
run('JavaScript program', process.execPath, 'user/program.js');
npm(project, 'exec', '--offline', '--', 'cotangent', 'check');
console.log('packed: command line ok');

const strict = { target: 'es2022', strict: true, types: [], rootDir: 'user' };
for (const [moduleResolution, module] of [
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
]) {
  const config = `tsconfig.${moduleResolution}.json`;
  const outDir = `out-${moduleResolution}`;
  writeJson(config, {
    compilerOptions: { ...strict, module, moduleResolution, outDir },
    files: ['user/program.ts'],
  });
  run(`types with ${moduleResolution}`, process.execPath, tsc, '-p', config);
  run(`TypeScript program with ${moduleResolution}`, process.execPath, `${outDir}/program.js`);
}

const { messages, pkg } = await publint({
  pkgDir: join(project, 'node_modules/cotangent'),
  pack: false,
  strict: true,
});
for (const message of messages) console.log(`publint: ${formatMessage(message, pkg) ?? message.code}`);
if (messages.some(({ type }) => type !== 'suggestion')) fail('publint found faults');
console.log('packed: publint ok');

/**
 * @param {string} name
 * @param {unknown} value
 */
function writeJson(name, value) {
  writeFileSync(join(project, name), `${JSON.stringify(value, null, 2)}\n`);
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
function npm(cwd, ...args) {
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`npm ${args[0]} failed\n${stdout ?? ''}${stderr ?? ''}`);
}

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 */
function run(what, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: 'utf8' });
  if (status !== 0) fail(`${what} failed\n${stdout}${stderr}`);
  console.log(`packed: ${what} ok`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`packed: ${message}`);
  process.exit(1);
}
