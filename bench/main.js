// cotangent beside its peers: runs every contestant on every row, compares what they computed, prints a table.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ceilings } from './ceilings.js';
import { contestants } from './contestants.js';
import { difference } from './inputs.js';
import { median } from './measure.js';
import { rows } from './rows.js';
import { printCeilings, printTable } from './table.js';

const usage = `usage: npm run bench -- [options]
  --only a,b          these rows; 'matmul' stands for all of its sizes
  --contestants a,b   these contestants; 'cotangent' stands for all of its backends
  --quick             few samples, and no waiting for slow rows
  --list              print the names of rows and contestants`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    contestants: { type: 'string' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) exit(usage, 0);
if (options.list) {
  const names = (/** @type {readonly { name: string, title: string }[]} */ list) =>
    list.map(({ name, title }) => `  ${name.padEnd(20)}${title}`).join('\n');
  exit(`rows\n${names(rows)}\ncontestants\n${names(contestants)}`, 0);
}

const settings = options.quick ? { budget: 150, least: 3, most: 50 } : { budget: 1500, least: 7, most: 300 };
const firstTimes = options.quick ? 1 : 5;
/** Milliseconds after which a contestant is stopped at a row. */
const limit = options.quick ? 20_000 : 120_000;

const chosenRows = choose('row', rows, options.only, row => [row.name, row.task]);
const chosen = choose('contestant', contestants, options.contestants, one => [
  one.name,
  one.name.split('-')[0],
]);

install();
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads`);
console.log(`Node ${process.versions.node} (V8 ${process.versions.v8}), ${platform()}`);
const ceiling = await ceilings(options.quick ? 150 : 500);
printCeilings(ceiling);

/** @typedef {{ samples?: number[], median?: number, outputs?: import('./inputs.js').Digest[], missing?: string, differs?: string }} Cell */
/** @type {{ name: string, title: string, about?: object, unavailable?: string, cells: Record<string, Cell> }[]} */
const results = [];
for (const contestant of chosen) results.push(await run(contestant));

const present = results.filter(one => one.unavailable === undefined);
for (const row of chosenRows) compare(row);
printTable(chosenRows, present);
for (const { name, unavailable } of results) if (unavailable) console.log(`${name}: ${unavailable}`);
for (const { name, cells } of present) {
  for (const [row, { missing, differs }] of Object.entries(cells)) {
    if (missing) console.log(`– ${name}, ${row}: ${missing}`);
    if (differs) console.log(`≠ ${name}, ${row}: ${differs}`);
  }
}
save();

/** @param {string} text @param {number} status @returns {never} */
function exit(text, status) {
  (status === 0 ? console.log : console.error)(text);
  process.exit(status);
}

/**
 * @template T
 * @param {string} what
 * @param {readonly T[]} all
 * @param {string | undefined} list
 * @param {(one: T) => string[]} namesOf
 */
function choose(what, all, list, namesOf) {
  if (list === undefined) return all;
  const wanted = list.split(',').map(name => name.trim());
  const unknown = wanted.find(name => !all.some(one => namesOf(one).includes(name)));
  if (unknown !== undefined) exit(`there is no ${what} '${unknown}'; --list shows what there is`, 1);
  return all.filter(one => namesOf(one).some(name => wanted.includes(name)));
}

/** Installs the peers from the lock file where that was not done. */
function install() {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const lock = JSON.parse(readFileSync(`${folder}package-lock.json`, 'utf8')).packages;
  const written = `${folder}node_modules/.package-lock.json`;
  const installed = existsSync(written) ? JSON.parse(readFileSync(written, 'utf8')).packages : {};
  const missing = Object.entries(lock).some(
    ([path, { version, optional }]) => path !== '' && !optional && installed[path]?.version !== version,
  );
  if (!missing) return;
  console.log('bench: npm ci');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const script = process.env.npm_execpath;
  const spawned = /** @type {const} */ ({ cwd: folder, encoding: 'utf8' });
  const { status, stdout, stderr } = script
    ? spawnSync(process.execPath, [script, ...args], spawned)
    : spawnSync('npm', args, { ...spawned, shell: platform() === 'win32' });
  if (status !== 0) exit(`${stdout ?? ''}${stderr ?? ''}`, 1);
}

/** One contestant on all rows. @param {import('./contestants.js').Contestant} contestant */
async function run(contestant) {
  const { name, title } = contestant;
  /** @type {(typeof results)[number]} */
  const result = { name, title, cells: {} };
  const show = (/** @type {string} */ text) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
  };

  let left = chosenRows.filter(row => !row.first);
  // Without steady rows one process still says whether the contestant is there, and its version.
  do {
    const before = left.length;
    await child(contestant, left, message => {
      if (message.about) result.about = message.about;
      if (message.unavailable) result.unavailable = message.unavailable;
      if (message.start) show(`${name}: ${message.start}`);
      if (message.row) {
        const { row, ...cell } = message;
        result.cells[row] = cell;
        left = left.filter(one => one.name !== row);
      }
    });
    if (left.length === before && left.length > 0) {
      // A process that ends without a word on any row would end so again.
      if (result.about === undefined) result.unavailable ??= 'its process ended at once';
      for (const { name } of left) result.cells[name] = { missing: 'its process ended before this row' };
      left = [];
    }
  } while (left.length > 0 && result.unavailable === undefined);

  for (const row of chosenRows.filter(row => row.first)) {
    for (let i = 0; i < firstTimes && result.unavailable === undefined; i++) {
      show(`${name}: ${row.name}`);
      await child(contestant, [row], message => {
        if (message.unavailable) result.unavailable = message.unavailable;
        if (!message.row) return;
        const { row: _, samples = [], ...cell } = message;
        result.cells[row.name] = {
          ...cell,
          samples: [...(result.cells[row.name]?.samples ?? []), ...samples],
        };
      });
      if (result.cells[row.name]?.missing) break;
    }
  }
  show('');
  for (const cell of Object.values(result.cells))
    if (cell.samples?.length) cell.median = median(cell.samples);
  console.log(
    result.unavailable === undefined
      ? `${name}: done, ${JSON.stringify(result.about ?? {})}`
      : `${name}: skipped, ${result.unavailable}`,
  );
  return result;
}

/**
 * A process with a contestant in it, until it has done the rows, fails, or takes too long over one of them.
 * @param {import('./contestants.js').Contestant} contestant
 * @param {readonly import('./rows.js').Row[]} list
 * @param {(message: any) => void} hear
 * @returns {Promise<void>}
 */
function child({ command, args, module, variant, flags = [] }, list, hear) {
  return new Promise(resolve => {
    const started = spawn(command, [...flags, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let current = '';
    let stopped = false;
    let complaints = '';
    const stop = () => {
      stopped = true;
      started.kill('SIGKILL');
    };
    let timer = setTimeout(stop, limit);
    const lines = createInterface({ input: started.stdout });
    lines.on('line', line => {
      if (!line.startsWith('@bench ')) return;
      const message = JSON.parse(line.slice(7));
      if (message.start) current = message.start;
      if (message.row) current = '';
      clearTimeout(timer);
      timer = setTimeout(stop, limit);
      hear(message);
    });
    started.stderr.on('data', data => {
      complaints = (complaints + data).slice(-4000);
    });
    started.on('error', error => {
      clearTimeout(timer);
      hear({ unavailable: error.message });
      resolve();
    });
    started.on('close', (code, signal) => {
      clearTimeout(timer);
      if (current !== '') {
        const last = complaints.trim().split('\n').pop();
        const why = stopped
          ? `took longer than ${limit / 1000} s`
          : `its process ended with ${signal ?? code}${last ? `: ${last}` : ''}`;
        hear({ row: current, missing: why });
      }
      resolve();
    });
    // A process that is gone already cannot be told anything.
    started.stdin.on('error', () => {});
    started.stdin.end(JSON.stringify({ module, variant, settings, rows: list }));
  });
}

/** Marks whoever disagrees on a row with the one that most agree with. @param {import('./rows.js').Row} row */
function compare({ name, tolerance }) {
  const those = present.flatMap(one => {
    const cell = one.cells[name];
    return cell?.outputs ? [{ who: one.name, cell, outputs: cell.outputs }] : [];
  });
  const votes = those.map(
    wanted => those.filter(({ outputs }) => difference(outputs, wanted.outputs, tolerance) === '').length,
  );
  const judge = those[votes.indexOf(Math.max(...votes))];
  for (const { cell, outputs } of those) {
    const why = difference(outputs, judge.outputs, tolerance);
    if (why) cell.differs = `${why} (${judge.who})`;
  }
}

function save() {
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const report = {
    date: new Date().toISOString(),
    machine: { processor: cpus()[0]?.model, threads: availableParallelism(), platform: platform() },
    node: process.versions.node,
    v8: process.versions.v8,
    quick: options.quick,
    settings,
    ceilings: ceiling,
    rows: chosenRows.map(({ name, title, unit, flops, tolerance }) => ({
      name,
      title,
      unit,
      flops,
      tolerance,
    })),
    contestants: results,
  };
  // Digests of outputs served the comparison, and are long.
  const kept = (/** @type {string} */ key, /** @type {unknown} */ value) =>
    key === 'outputs' ? undefined : value;
  writeFileSync(`${folder}latest.json`, `${JSON.stringify(report, kept, 1)}\n`);
  console.log('written: bench/results/latest.json');
}
