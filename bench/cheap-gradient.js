// The cheap gradient principle, measured: what a gradient costs in units of its function (Baur and Strassen 1983:
// at most 4 in operations, whatever the number of variables), and which mode gives a Jacobian sooner.
// usage: node bench/cheap-gradient.js [--quick] [--only name,…]    needs dist (npm run build)
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { open } from './contestants/cotangent.js';
import { curves } from './curves.js';
import { makeInputs } from './inputs.js';
import { median } from './measure.js';
import { rows } from './rows.js';

const ct = await import(new URL('../dist/node/index.js', import.meta.url).href);
const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const budget = options.quick ? 60 : 300;
const chosen = options.only?.split(',');
const { losses } = await open('wasm:1');
const { grad, jacfwd, jacrev, jit, scan, tensor, valueAndGrad } = ct;

/** @param {number} n @param {number} seed */
const vector = (n, seed = 1) => tensor(makeInputs(Array(seed).fill({ shape: [n] }))[seed - 1].data);
const weights = vector(64 * 64, 2)
  .reshape([64, 64])
  .mul(0.125);

/**
 * Functions of n numbers and of others of the same size.
 * @type {Record<string, { f: (x: any, other: any) => any, least?: number }>}
 */
const functions = {
  speelpenning: { f: x => ct.prod(x.mul(1e-3).add(1)) },
  rosenbrock: {
    f: x => {
      const n = x.shape[0];
      const [left, right] = [ct.at(x, { stop: n - 1 }).get(), ct.at(x, { start: 1 }).get()];
      return right.sub(left.square()).square().mul(100).add(ct.subtract(1, left).square()).sum();
    },
  },
  logsumexp: { f: x => ct.logsumexp(x) },
  elementwise: { f: x => x.sin().mul(x.exp()).add(x.square().log1p()).sum() },
  quadratic: {
    f: (x, d) =>
      x
        .mul(d)
        .mul(x)
        .sum()
        .mul(0.5)
        .add(x.mul(ct.roll(x, 1)).sum()),
  },
  network: {
    f: x => x.reshape([-1, 64]).matmul(weights).tanh().matmul(weights).tanh().square().mean(),
    least: 64,
  },
  cumsum: { f: x => x.cumsum(0).sin().sum() },
  scan: {
    f: x => {
      const step = (/** @type {any} */ h, /** @type {any} */ u) => [h.mul(0.5).add(u).tanh(), null];
      const rows = x.reshape([10, -1]);
      return scan(step, ct.at(rows, 0).get(), rows)[0].sum();
    },
    least: 10,
  },
};

/** Medians in milliseconds, samples taken in turns so that a change of the machine's speed meets both. */
function together(/** @type {(() => any)[]} */ calls) {
  const run = (/** @type {() => any} */ call, /** @type {number} */ times) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) for (const leaf of ct.tree.flatten(call()).leaves) leaf.dispose();
    return (performance.now() - start) / times;
  };
  const times = calls.map(call => {
    run(call, 1);
    const until = performance.now() + budget / 3;
    let once = Number.POSITIVE_INFINITY;
    while (performance.now() < until) once = Math.min(once, run(call, 1));
    return Math.max(1, Math.ceil(1 / Math.max(once, 1e-5)));
  });
  /** @type {number[][]} */
  const samples = calls.map(() => []);
  const end = performance.now() + budget * calls.length;
  while (samples[0].length < 5 || performance.now() < end)
    calls.forEach((call, i) => samples[i].push(run(call, times[i])));
  return samples.map(median);
}

const figure = (/** @type {number} */ x) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));
const wanted = (/** @type {string} */ name) => chosen === undefined || chosen.includes(name);

/** @type {{ name: string, points: { n: number, value: number, gradient: number, ratio: number }[] }[]} */
const growth = [];
const sizes = [10, 100, 1e3, 1e4, 1e5, 1e6];
for (const [name, { f, least = 1 }] of Object.entries(functions).filter(([name]) => wanted(name))) {
  const points = sizes
    .filter(n => n >= least)
    .map(size => {
      const n = Math.round(size / least) * least;
      const [x, other] = [vector(n), vector(n, 3)];
      const [plain, both] = [jit(f), jit(valueAndGrad(f))];
      const [value, gradient] = together([() => plain(x, other), () => both(x, other)]);
      return { n, value, gradient, ratio: gradient / value };
    });
  growth.push({ name, points });
  console.log(`${name.padEnd(14)}${points.map(({ n, ratio }) => `${n}: ${figure(ratio)}`).join('   ')}`);
}

/** @type {{ m: number, n: number, forward: number, reverse: number }[]} */
const grid = [];
if (wanted('jacobian'))
  for (const m of [4, 16, 64, 256])
    for (const n of [4, 16, 64, 256]) {
      const a = vector(m * n, 2).reshape([m, n]);
      const f = (/** @type {any} */ x) => a.matmul(x.sin()).tanh();
      const x = vector(n);
      const [forward, reverse] = together(
        [jacfwd, jacrev].map(J =>
          (
            g => () =>
              g(x)
          )(jit(J(f))),
        ),
      );
      grid.push({ m, n, forward, reverse });
      console.log(`jacobian ${m}×${n}: forward ${figure(forward)} ms, reverse ${figure(reverse)} ms`);
    }

/** @type {{ name: string, value: number, gradient: number, ratio: number }[]} */
const models = [];
for (const [name, { f, fixed }] of Object.entries(losses).filter(([name]) => wanted(name))) {
  const row = rows.find(one => one.task === name);
  if (row === undefined) continue;
  const inputs = makeInputs(row.inputs).map(({ data, shape }) => tensor(data).reshape(shape));
  const [parameters, rest] = [inputs.slice(0, -fixed), inputs.slice(-fixed)];
  const [plain, both] = [jit(f), jit(name === 'conv-grad' ? grad(f) : valueAndGrad(f))];
  const [value, gradient] = together([() => plain(parameters, ...rest), () => both(parameters, ...rest)]);
  models.push({ name, value, gradient, ratio: gradient / value });
  console.log(
    `${name.padEnd(14)}${figure(value)} ms, with gradient ${figure(gradient)} ms: ${figure(gradient / value)}`,
  );
}

const table = (/** @type {string[]} */ head, /** @type {string[][]} */ lines) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...lines]
    .map(line => `| ${line.join(' | ')} |`)
    .join('\n');
const report = [
  `# What a gradient costs\n\n${cpus()[0]?.model}, Node ${process.versions.node}, one thread, float32. Time of value and gradient over time of the value, both compiled.`,
  table(
    ['function', ...sizes.map(n => `n ≈ ${n}`)],
    growth.map(({ name, points }) => [
      name,
      ...sizes.map(n => {
        const point = points.find(one => Math.abs(one.n / n - 1) < 0.5);
        return point === undefined ? '–' : figure(point.ratio);
      }),
    ]),
  ),
  `## Models\n\n${table(
    ['row', 'value, ms', 'with gradient, ms', 'ratio'],
    models.map(({ name, value, gradient, ratio }) => [name, ...[value, gradient, ratio].map(figure)]),
  )}`,
  `## Jacobians of m×n: time of reverse mode over that of forward mode\n\n${table(
    ['m \\ n', ...new Set(grid.map(({ n }) => String(n)))],
    [...new Set(grid.map(({ m }) => m))].map(m => [
      String(m),
      ...grid.filter(one => one.m === m).map(({ forward, reverse }) => figure(reverse / forward)),
    ]),
  )}`,
].join('\n\n');
const folder = fileURLToPath(new URL('results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}cheap-gradient.md`, `${report}\n`);
writeFileSync(`${folder}cheap-gradient.json`, `${JSON.stringify({ growth, models, grid }, null, 1)}\n`);
const lines = growth.map(({ name, points }) => ({ name, points: points.map(({ n, ratio }) => [n, ratio]) }));
if (lines.length > 0)
  writeFileSync(
    `${folder}cheap-gradient.svg`,
    curves(lines, 'n', 'time of value and gradient / time of value'),
  );
console.log(`written: ${folder}cheap-gradient.{md,json,svg}`);
process.exit(0);
