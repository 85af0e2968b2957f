// A tool for GradBench: answers the messages on stdin, one line of JSON each, on stdout.
// usage: node bench/gradbench/main.js [--threads N]
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { config } from '../../dist/node/index.js';
import { session } from './protocol.js';

const { values } = parseArgs({ options: { threads: { type: 'string' } } });
const threads = values.threads === undefined ? undefined : Number(values.threads);
if (threads !== undefined) config({ threads });

const respond = session({ tool: 'cotangent', config: { threads: threads ?? 'all' } });
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue;
  process.stdout.write(`${JSON.stringify(await respond(JSON.parse(line)))}\n`);
}
// Threads of the library would keep the process alive; what was written goes out first.
process.stdout.write('', () => process.exit(0));
