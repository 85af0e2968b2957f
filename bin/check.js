// cotangent check: what the machine offers, and whether its devices compute the same.
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release } from 'node:os';
import { parseArgs } from 'node:util';
import { config, defaultDevice, devices, grad, jit, tensor } from 'cotangent';
import * as random from 'cotangent/random';

const help = `cotangent check [--json]

Prints versions, devices, threads and SIMD, computes a gradient on every device and compares, and measures a
product of matrices. Exit code 1 if a device fails or they differ.
`;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** A module whose one function has the given code: does the engine accept it? */
const accepts = (/** @type {number[]} */ ...code) =>
  WebAssembly.validate(
    // One function of type () → (v128), and its body.
    new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 5, 1, 0x60, 0, 1, 0x7b],
      ...[3, 2, 1, 0],
      ...[10, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b],
    ]),
  );
const zero = [0xfd, 12, ...new Array(16).fill(0)];
const features = {
  simd: accepts(...zero),
  relaxedSimd: accepts(...zero, ...zero, ...zero, 0xfd, 0x85, 0x02),
};

/** A gradient that goes through products, exponentials and reductions. */
const loss = (/** @type {import('cotangent').Tensor} */ w) => {
  const x = tensor(
    Float64Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    { shape: [8, 8] },
  );
  return x.matmul(w).tanh().exp().mean(1).log().sum();
};

/** GFLOP/s of a product of two float32 matrices: the best of some. */
function speed(n = 512) {
  const a = random.normal(random.key(0), [n, n]);
  const product = jit((/** @type {import('cotangent').Tensor} */ x) => x.matmul(x));
  product(a).dataSync();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    product(a).dataSync();
    best = Math.min(best, performance.now() - start);
  }
  return (2 * n ** 3) / best / 1e6;
}

/** @param {string[]} args */
export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const preferred = defaultDevice();
  const { threads, memoryBudget } = config();
  const at = tensor(
    Float64Array.from({ length: 64 }, (_, i) => Math.cos(i)),
    { shape: [8, 8] },
  );
  const results = devices().map(device => {
    try {
      defaultDevice(device);
      return { device, gradient: Array.from(jit(grad(loss))(at).dataSync()), error: null };
    } catch (error) {
      return { device, gradient: null, error: /** @type {Error} */ (error).message };
    }
  });
  defaultDevice(preferred);
  const first = results[0]?.gradient;
  const checked = results.map(({ device, gradient, error }) => ({
    device,
    error,
    difference:
      gradient === null || first == null ? null : Math.max(...gradient.map((g, i) => Math.abs(g - first[i]))),
  }));
  const ok = checked.every(({ difference }) => difference !== null && difference < 1e-12);
  const report = {
    cotangent: version,
    node: process.versions.node,
    v8: process.versions.v8,
    system: `${platform()} ${release()} ${arch()}`,
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} available`,
    devices: checked,
    device: preferred,
    threads,
    memoryBudget,
    ...features,
    gflops: Math.round(speed()),
    ok,
  };
  console.log(values.json ? JSON.stringify(report, null, 2) : lines(report).join('\n'));
  return ok ? 0 : 1;
}

/** @param {any} report */
function lines(report) {
  const yes = (/** @type {boolean} */ is) => (is ? 'yes' : 'no');
  return [
    `cotangent     ${report.cotangent}`,
    `node          ${report.node} (V8 ${report.v8})`,
    `system        ${report.system}`,
    `processor     ${report.processor}`,
    `device        ${report.device}`,
    `threads       ${report.threads}`,
    `memory budget ${report.memoryBudget === null ? 'none' : `${report.memoryBudget / 2 ** 20} MiB`}`,
    `SIMD          ${yes(report.simd)}, relaxed ${yes(report.relaxedSimd)}`,
    `float32       ${report.gflops} GFLOP/s (a product of 512 × 512 matrices)`,
    ...report.devices.map(
      (/** @type {{ device: string, error: string | null, difference: number }} */ one) =>
        one.error === null
          ? `${one.device.padEnd(13)} gradient differs by ${one.difference} from the first device's`
          : `${one.device.padEnd(13)} failed: ${one.error}`,
    ),
    report.ok ? 'all is well' : 'something is wrong: see above',
  ];
}
