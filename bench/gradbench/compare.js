// cotangent beside derivatives written by hand in C++ and beside JAX, on the larger sizes of GradBench.
// usage: node bench/gradbench/compare.js [--only gmm,ba] [--seconds 1] [--tools cotangent-1,manual]
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../measure.js';
import * as cases from './cases.js';

const path = file => fileURLToPath(new URL(file, import.meta.url));
const python = process.env.COTANGENT_PYTHON || 'python3';
// XLA takes as many threads as there are processors to run on.
const one = ['taskset', '-c', '0'];

/** The command of each tool; all speak GradBench's protocol. */
const commands = {
  'cotangent-1': [process.execPath, path('main.js'), '--threads', '1'],
  'cotangent-all': [process.execPath, path('main.js')],
  manual: [python, path('peers/manual_tool.py')],
  'jax-1': [...one, python, path('peers/jax_tool.py')],
  'jax-all': [python, path('peers/jax_tool.py')],
};

/** Module, function, size, input; and the functions of the other tools where these have several. */
const rows = [
  ['lse', 'gradient', 'n=1280000', () => cases.lse(1280000), { jax: 'gradient_plain' }],
  ['lse', 'gradient', 'the same; JAX: no derivative of the maximum', () => cases.lse(1280000)],
  ['llsq', 'gradient', 'n=16392 m=128', () => cases.llsq(16392, 128), { jax: 'gradient_plain' }],
  [
    'llsq',
    'gradient',
    'the same; C++, JAX: Horner',
    () => cases.llsq(16392, 128),
    { manual: 'gradient_products' },
  ],
  ['det', 'gradient', 'l=11', () => cases.det(11)],
  ['det', 'gradient', 'the same; C++: each minor once', () => cases.det(11), { manual: 'gradient_shared' }],
  ['ode', 'gradient', 'n=100000 s=10', () => cases.ode(100000, 10)],
  ['ode', 'gradient', 'the same; C++: adjoint', () => cases.ode(100000, 10), { manual: 'gradient_adjoint' }],
  [
    'ode',
    'gradient',
    'n=1000 s=100; C++: adjoint',
    () => cases.ode(1000, 100),
    { manual: 'gradient_adjoint' },
  ],
  ['kmeans', 'dir', 'k=100 n=100000 d=16', () => cases.kmeans(100, 100000, 16)],
  ['kmeans', 'dir', 'k=1000 n=10000 d=8', () => cases.kmeans(1000, 10000, 8)],
  ['gmm', 'jacobian', 'd=10 k=25 n=1000', () => cases.gmm(10, 25, 1000), { jax: 'jacobian_plain' }],
  ['gmm', 'jacobian', 'the same; JAX: one product', () => cases.gmm(10, 25, 1000)],
  ['gmm', 'jacobian', 'd=64 k=100 n=1000', () => cases.gmm(64, 100, 1000), { jax: 'jacobian_plain' }],
  ['gmm', 'jacobian', 'the same; JAX: one product', () => cases.gmm(64, 100, 1000)],
  ['ba', 'jacobian', 'n=49 m=7776 p=31843', () => cases.ba(49, 7776, 31843)],
  ['ba', 'jacobian', 'n=93 m=61203 p=287451', () => cases.ba(93, 61203, 287451)],
  ['ht', 'jacobian', 'simple v=544 c=1000', () => cases.ht(544, 1000, false)],
  ['ht', 'jacobian', 'complicated v=544 c=1000', () => cases.ht(544, 1000, true)],
  ['ht', 'jacobian', 'complicated v=10000 c=20000', () => cases.ht(10000, 20000, true)],
  ['lstm', 'jacobian', 'l=2 c=1024 b=14', () => cases.lstm(2, 1024, 14)],
  ['lstm', 'jacobian', 'l=4 c=4096 b=14', () => cases.lstm(4, 4096, 14)],
  ...['ff', 'fr', 'rf', 'rr'].map(modes => ['particle', modes, 'w=0', cases.particle, { manual: 'ff' }]),
  ...['ff', 'fr', 'rf', 'rr'].map(modes => ['saddle', modes, 'start=(1,1)', cases.saddle, { manual: 'ff' }]),
];

/** A running tool: sends a message, gives the answer. */
function open(name) {
  const [command, ...args] = commands[name];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let id = 0;
  return {
    ask: async message => {
      child.stdin.write(`${JSON.stringify({ id: id++, ...message })}\n`);
      const { value, done } = await lines.next();
      return done ? { success: false, error: 'ended' } : JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string' }, tools: { type: 'string' } },
});
const names = options.tools?.split(',') ?? Object.keys(commands);
const only = options.only?.split(',');
const seconds = Number(options.seconds ?? 1);
const tools = Object.fromEntries(names.map(name => [name, open(name)]));
for (const tool of Object.values(tools)) await tool.ask({ kind: 'start' });

/** The largest difference of two outputs as GradBench measures it, relative where numbers are large. */
const difference = (a, b) => {
  if (typeof a === 'number') return Math.abs(a - b) / Math.max(1, Math.abs(a) + Math.abs(b));
  return Object.keys(a).reduce((most, key) => Math.max(most, difference(a[key], b[key])), 0);
};
const shown = ms => (ms === undefined ? '–' : ms.toPrecision(3));
const ratio = (a, b) => (a === undefined || b === undefined ? '–' : (a / b).toPrecision(2));

console.log(
  `| eval | function | size | ${names.map(name => `${name} ms`).join(' | ')} | 1: ×C++ | 1: ×JAX | all: ×JAX | differs |`,
);
console.log(`|${'---|'.repeat(names.length + 7)}`);
for (const [module, name, size, make, other = {}] of rows) {
  if (only && !only.includes(module)) continue;
  const input = { ...make(), min_runs: 3, min_seconds: seconds };
  const times = {};
  const outputs = [];
  for (const [tool, { ask }] of Object.entries(tools)) {
    const answer = await ask({
      kind: 'evaluate',
      module,
      function: other[tool.split('-')[0]] ?? name,
      input,
    });
    if (!answer.success) continue;
    outputs.push(answer.output);
    const runs = answer.timings.filter(timing => timing.name === 'evaluate');
    times[tool] = median(runs.map(timing => timing.nanoseconds / 1e6));
  }
  const most = outputs.slice(1).reduce((most, output) => Math.max(most, difference(outputs[0], output)), 0);
  console.log(
    `| ${[
      module,
      name,
      size,
      ...names.map(tool => shown(times[tool])),
      ratio(times['cotangent-1'], times.manual),
      ratio(times['cotangent-1'], times['jax-1']),
      ratio(times['cotangent-all'], times['jax-all']),
      most.toExponential(0),
    ].join(' | ')} |`,
  );
}
for (const { close } of Object.values(tools)) close();
