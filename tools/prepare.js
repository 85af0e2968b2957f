// Makes a checkout ready to run: installs what the lock file says and builds dist, each only where needed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const install = whyInstall();
if (install) npm(['ci', '--include=dev', '--no-audit', '--no-fund'], install);
const build = whyBuild();
if (build) npm(['run', 'build', '--silent'], build);

/** Why node_modules differs from the lock file; '' where it does not. */
function whyInstall() {
  const written = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(written)) return 'node_modules is missing';
  const installed = readJson(written).packages;
  for (const [path, wanted] of Object.entries(readJson(join(root, 'package-lock.json')).packages)) {
    if (path === '') continue;
    const got = installed[path];
    // Optional packages are for other platforms.
    if (got === undefined && wanted.optional) continue;
    if (got?.version !== wanted.version || got?.integrity !== wanted.integrity) {
      return 'node_modules is out of date';
    }
  }
  return '';
}

/** Why dist differs from src; '' where it does not. */
function whyBuild() {
  const built = join(root, 'dist/index.js');
  if (!existsSync(built)) return 'dist is missing';
  const sources = ['tsconfig.json', 'tsconfig.build.json'].map(name => statSync(join(root, name)).mtimeMs);
  return Math.max(newest(join(root, 'src')), ...sources) > statSync(built).mtimeMs
    ? 'src is newer than dist'
    : '';
}

/**
 * The time of the last change under a folder; a folder's own time changes when a file in it goes.
 * @param {string} folder
 * @returns {number}
 */
function newest(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((time, entry) => {
    const path = join(folder, entry.name);
    return Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, statSync(folder).mtimeMs);
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * Runs npm quietly; shows what it printed only when it fails.
 * @param {string[]} args
 * @param {string} why
 */
function npm(args, why) {
  console.log(`prepare: npm ${args.filter(arg => !arg.startsWith('-')).join(' ')} (${why})`);
  const script = process.env.npm_execpath;
  const options = /** @type {const} */ ({ cwd: root, encoding: 'utf8' });
  const { status, stdout, stderr, error } = script
    ? spawnSync(process.execPath, [script, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  if (error) console.error(error.message);
  process.exit(status || 1);
}
