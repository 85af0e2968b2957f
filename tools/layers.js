// Checks the directions of imports between the rooms of src, and that no imports form a cycle.
// usage: node tools/layers.js [src]
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What each room may import besides itself: a room, a single file, or either for its types only.
 * @type {Record<string, string[]>}
 */
const rooms = {
  core: [],
  kernel: [],
  primitives: ['core', 'kernel'],
  transforms: [
    'core',
    'kernel',
    'compiler',
    'primitives/primitive.ts',
    'primitives/vectorspace.ts',
    'backends/backend.ts',
  ],
  compiler: ['core', 'kernel', 'primitives/primitive.ts'],
  backends: ['kernel'],
  algebra: ['core', 'primitives', 'transforms', 'compiler'],
  primitive: ['core', 'kernel', 'primitives', 'transforms', 'numpy/methods.ts'],
  numpy: ['core', 'primitives', 'transforms'],
  random: ['core', 'primitives', 'transforms', 'numpy'],
  linalg: ['core', 'primitives', 'transforms', 'numpy'],
  nn: ['core', 'primitives', 'transforms', 'numpy', 'random'],
  optim: ['core', 'primitives', 'transforms', 'numpy', 'random', 'linalg'],
  data: ['core', 'primitives', 'transforms', 'numpy', 'random', 'io'],
  train: ['core', 'primitives', 'transforms', 'numpy', 'random', 'nn', 'optim', 'data', 'io'],
  ode: ['core', 'primitives', 'transforms', 'numpy'],
  io: ['core', 'kernel', 'primitives', 'transforms', 'compiler', 'numpy'],
};

/** Files that may import everything. */
const entries = ['index.ts', 'node.ts', 'reference.ts', 'setup.ts'];

const vagueName = /^(utils?|helpers?|common|misc)(\.ts)?$/;
const longest = 500;

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line
 * @property {'value' | 'type' | 'dynamic'} kind
 */

const root = process.argv[2] ?? fileURLToPath(new URL('../src', import.meta.url));
const here = relative(process.cwd(), root).split(sep).join('/') || '.';
/** @type {{ file: string, line: number, message: string }[]} */
const breaches = [];

const files = new Map(sourceFiles(root).map(file => [file, readFileSync(join(root, file), 'utf8')]));
/** Imports that run when a file is loaded: file → imported file → line. @type {Map<string, Map<string, number>>} */
const graph = new Map();

for (const [file, text] of files) {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > longest) console.log(`${here}/${file}:${longest + 1}: warning: ${lines} lines; split it`);
  const vague = file.split('/').find(name => vagueName.test(name));
  if (vague) breach(file, 1, `'${vague}' does not say what it holds; name it after that`);
  if (!entries.includes(file) && rooms[roomOf(file)] === undefined) {
    breach(file, 1, `'${roomOf(file)}' is no known room; give it a line in tools/layers.js`);
  }
  /** @type {Map<string, number>} */
  const edges = new Map();
  graph.set(file, edges);
  for (const { specifier, line, kind } of importsOf(text)) {
    if (!specifier.startsWith('.')) {
      if (!specifier.startsWith('node:'))
        breach(file, line, `'${specifier}' is a package; src has no dependencies`);
      else if (kind === 'value')
        breach(file, line, `load '${specifier}' with import(): browsers do not have it`);
      continue;
    }
    const target = posix.join(dirname(file), specifier);
    const why = whyForbidden(file, target, kind);
    if (why) breach(file, line, why);
    if (kind === 'value' && files.has(target) && !edges.has(target)) edges.set(target, line);
  }
}
for (const cycle of cycles()) {
  const [first, second] = cycle;
  breach(first, graph.get(first)?.get(second) ?? 1, `import cycle: ${[...cycle, first].join(' → ')}`);
}

breaches.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
for (const { file, line, message } of breaches) console.log(`${here}/${file}:${line}: ${message}`);
if (breaches.length > 0) process.exitCode = 1;
else console.log(`layers: ${files.size} files, no breach`);

/**
 * @param {string} file
 * @param {number} line
 * @param {string} message
 */
function breach(file, line, message) {
  breaches.push({ file, line, message });
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => path.split(sep).join('/'))
    .filter(path => path.endsWith('.ts'))
    .sort();
}

/** @param {string} file */
function roomOf(file) {
  return file.split('/')[0];
}

/**
 * The imports and re-exports in a formatted source text, where statements begin at the start of a line.
 * @param {string} text
 * @returns {Import[]}
 */
function importsOf(text) {
  /** @type {Import[]} */
  const found = [];
  const names = String.raw`[\w$\s{},*]*?`;
  const statement = new RegExp(
    String.raw`^(?:import\s+(type\s+)?(?:${names}\s*from\s*)?|export\s+(type\s+)?[{*]${names}\s*from\s*)['"]([^'"\n]+)['"]`,
    'gm',
  );
  for (const match of text.matchAll(statement)) {
    found.push({
      specifier: match[3],
      line: lineAt(text, match.index),
      kind: match[1] || match[2] ? 'type' : 'value',
    });
  }
  for (const match of text.matchAll(/^(?!\s*(?:\/\/|\*|\/\*)).*?\bimport\(\s*['"]([^'"\n]+)['"]/gm)) {
    found.push({ specifier: match[1], line: lineAt(text, match.index), kind: 'dynamic' });
  }
  return found;
}

/**
 * @param {string} text
 * @param {number} index
 */
function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}

/**
 * @param {string} file
 * @param {string} target
 * @param {Import['kind']} kind
 * @returns {string} empty where the import is allowed
 */
function whyForbidden(file, target, kind) {
  if (target.startsWith('..')) return `'${target}' lies outside src`;
  if (entries.includes(file)) return '';
  if (target === 'index.ts') return 'nothing in src imports index.ts';
  // Every public entry installs the backend first.
  if (target === 'setup.ts' && file.endsWith('/index.ts')) return '';
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === 'backends' && to === 'backends') {
    const [, folder, ...rest] = file.split('/');
    const [, other, ...otherRest] = target.split('/');
    const free = rest.length === 0 || otherRest.length === 0;
    if (free || (otherRest.length > 0 && folder === other)) return '';
    return `backends/${folder} may import from backends only its own folder and the files beside it`;
  }
  if (from === to) return '';
  const allowed = rooms[from] ?? [];
  if (allowed.includes(to) || allowed.includes(target)) return '';
  if (allowed.includes(`type ${to}`)) {
    return kind === 'type' ? '' : `${from} may import only types from ${to}: write import type`;
  }
  return `${from} may not import ${target} (it may import ${allowed.join(', ') || 'no other room'})`;
}

/**
 * One shortest cycle for each knot of files that import one another.
 * @returns {string[][]}
 */
function cycles() {
  /** @type {string[][]} */
  const found = [];
  const done = new Set();
  for (const file of graph.keys()) {
    if (done.has(file)) continue;
    const cycle = shortestCycle(file);
    if (!cycle) continue;
    found.push(cycle);
    // The rest of the knot: what this file reaches and what reaches it.
    for (const other of reachable(file)) if (reachable(other).has(file)) done.add(other);
  }
  return found;
}

/**
 * @param {string} start
 * @returns {string[] | undefined}
 */
function shortestCycle(start) {
  /** @type {string[][]} */
  const paths = [[start]];
  const seen = new Set();
  for (const path of paths) {
    for (const next of graph.get(path[path.length - 1])?.keys() ?? []) {
      if (next === start) return path;
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return undefined;
}

/**
 * @param {string} start
 * @returns {Set<string>}
 */
function reachable(start) {
  const seen = new Set([start]);
  for (const file of seen) for (const next of graph.get(file)?.keys() ?? []) seen.add(next);
  return seen;
}
