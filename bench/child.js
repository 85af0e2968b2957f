// One contestant in a process of its own: reads what to do from standard input, writes one line for each step.
import { readFileSync } from 'node:fs';
import { digest, makeInputs } from './inputs.js';
import { measure } from './measure.js';

/** @type {{ module: string, variant: string, settings: import('./measure.js').Settings, rows: import('./rows.js').Row[] }} */
const { module, variant, settings, rows } = JSON.parse(readFileSync(0, 'utf8'));

/** @param {object} message */
const say = message => process.stdout.write(`@bench ${JSON.stringify(message)}\n`);

/** @param {unknown} error */
const reason = error => (error instanceof Error ? error.message : String(error)).split('\n')[0];

const firsts = rows.filter(row => row.first).map(row => ({ row, inputs: makeInputs(row.inputs) }));
const began = performance.now();

try {
  const { open } = await import(module);
  const { about, tasks } = await open(variant);
  if (firsts.length === 0) say({ about });
  for (const row of rows) {
    say({ start: row.name });
    const make = tasks[row.task];
    if (typeof make !== 'function') {
      say({ row: row.name, missing: make ?? 'it has no such operation' });
      continue;
    }
    try {
      const inputs = firsts.find(first => first.row === row)?.inputs ?? makeInputs(row.inputs);
      const work = make(inputs);
      const result = await work.call();
      const outputs = await work.read(result);
      const first = performance.now() - began;
      const digests = outputs.map(digest);
      work.free?.(result);
      const samples = row.first ? [first] : await measure(work, settings);
      say({ row: row.name, samples, outputs: digests });
      work.close?.();
    } catch (error) {
      say({ row: row.name, missing: reason(error) });
      // What failed may have left damage: the rest is for a new process.
      break;
    }
  }
} catch (error) {
  say({ unavailable: reason(error) });
}
// Workers of a contestant may still wait for work.
process.stdout.write('', () => process.exit(0));
