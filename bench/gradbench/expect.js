// Makes test/gradbench/expected.json: small inputs, and what JAX makes of them.
// usage: COTANGENT_PYTHON=python3 node bench/gradbench/expect.js
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as cases from './cases.js';

const tool = fileURLToPath(new URL('peers/jax_tool.py', import.meta.url));
/** The only two answers that GradBench's drivers for these give, whatever the modes of differentiation. */
const published = { particle: 0.2071918746486116, saddle: Array(4).fill(8.246324826140356e-6) };

const inputs = [
  ['hello', ['square', 'double'], -1.5],
  ['lse', ['primal', 'gradient'], cases.lse(50)],
  ['llsq', ['primal', 'gradient'], cases.llsq(20, 7)],
  ['det', ['primal', 'gradient'], cases.det(6)],
  ['det', ['primal', 'gradient'], cases.det(1)],
  ['ode', ['primal', 'gradient'], cases.ode(6, 5)],
  ['kmeans', ['cost', 'dir'], cases.kmeans(4, 30, 3)],
  ['gmm', ['objective', 'jacobian'], cases.gmm(3, 4, 20)],
  ['gmm', ['objective', 'jacobian'], { ...cases.gmm(1, 2, 9), m: 2, gamma: 1.5 }],
  ['ba', ['objective', 'jacobian'], cases.ba(3, 7, 12)],
  [
    'ba',
    ['objective', 'jacobian'],
    { ...cases.ba(3, 7, 12), cam: [0, 0, 0, ...cases.ba(1, 1, 1).cam.slice(3)] },
  ],
  ['ht', ['objective', 'jacobian'], cases.ht(15, 8, false)],
  ['ht', ['objective', 'jacobian'], cases.ht(15, 8, true)],
  ['lstm', ['objective', 'jacobian'], cases.lstm(2, 9, 5)],
];

const messages = inputs.flatMap(([module, functions, input]) =>
  functions.map(name => ({ kind: 'evaluate', module, function: name, input })),
);
const { stdout } = spawnSync(process.env.COTANGENT_PYTHON || 'python3', [tool], {
  input: messages.map((message, id) => JSON.stringify({ id, ...message })).join('\n'),
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = stdout
  .trim()
  .split('\n')
  .map(line => JSON.parse(line));
const failed = answers.find(answer => !answer.success);
if (failed) throw new Error(failed.error);

const rows = messages.map(({ module, function: name, input }, i) => ({
  module,
  function: name,
  input,
  output: answers[i].output,
}));
for (const [module, input] of Object.entries({ particle: cases.particle(), saddle: cases.saddle() }))
  for (const name of ['ff', 'fr', 'rf', 'rr'])
    rows.push({ module, function: name, input, output: published[module] });
writeFileSync(
  new URL('../../test/gradbench/expected.json', import.meta.url),
  `[\n${rows.map(row => JSON.stringify(row)).join(',\n')}\n]\n`,
);
