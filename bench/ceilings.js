// What the machine could do at most: SIMD multiply-adds that touch no memory, and copies of memory.
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { median } from './measure.js';

// V8 11 has relaxed SIMD behind a flag; later ones have it.
if (isMainThread && process.versions.v8.startsWith('11.')) {
  setFlagsFromString('--experimental-wasm-relaxed-simd');
}

const accumulators = 12;
const lanes = 4;

/** @param {number} n @returns {number[]} */
function leb(n) {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)];
}

/**
 * (rounds: i32) → f32: twelve vectors a ← a·m + b in each round, all in registers.
 * @param {boolean} relaxed By the relaxed multiply-add, which may round once.
 */
function registerLoop(relaxed) {
  const simd = (/** @type {number} */ op) => [0xfd, ...leb(op)];
  const get = (/** @type {number} */ local) => [0x20, ...leb(local)];
  const set = (/** @type {number} */ local) => [0x21, ...leb(local)];
  const constant = (/** @type {number} */ value) => [
    0x43,
    ...new Uint8Array(new Float32Array([value]).buffer),
    ...simd(0x13), // f32x4.splat
  ];
  const [factor, summand] = [1 + accumulators, 2 + accumulators];
  const each = Array.from({ length: accumulators }, (_, i) => i + 1);
  const update = (/** @type {number} */ a) =>
    relaxed
      ? [...get(a), ...get(factor), ...get(summand), ...simd(0x105), ...set(a)]
      : [...get(a), ...get(factor), ...simd(0xe6), ...get(summand), ...simd(0xe4), ...set(a)];
  const body = [
    ...[1, 2 + accumulators, 0x7b], // one run of locals of type v128
    ...each.flatMap(a => [...constant(1 + a / 16), ...set(a)]),
    ...[...constant(0.75), ...set(factor), ...constant(0.25), ...set(summand)],
    ...[0x03, 0x40], // loop
    ...each.flatMap(update),
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // while (--rounds)
    ...get(1),
    ...each.slice(1).flatMap(a => [...get(a), ...simd(0xe4)]),
    ...[...simd(0x1f), 0], // f32x4.extract_lane 0
    0x0b,
  ];
  const section = (/** @type {number} */ id, /** @type {number[]} */ content) => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const bytes = new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]), // export "f"
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return /** @type {(rounds: number) => number} */ (exports.f);
}

/**
 * The median rate of a call that does `amount` units of work, in 10⁹ units a second.
 * @param {() => void} call
 * @param {number} amount
 * @param {number} milliseconds
 */
function rate(call, amount, milliseconds) {
  /** @type {number[]} */
  const rates = [];
  const warm = performance.now() + milliseconds / 4;
  while (performance.now() < warm) call();
  const end = performance.now() + milliseconds;
  while (rates.length < 3 || performance.now() < end) {
    const start = performance.now();
    call();
    rates.push(amount / (performance.now() - start) / 1e6);
  }
  return median(rates);
}

/** @type {Record<string, (milliseconds: number) => number>} */
const loops = {
  'multiply and add, GFLOP/s': milliseconds => arithmetic(false, milliseconds),
  'relaxed multiply-add, GFLOP/s': milliseconds => arithmetic(true, milliseconds),
  'memory copy, GB/s read and written': milliseconds => {
    const from = new Float32Array(1 << 24).fill(1);
    const to = new Float32Array(1 << 24);
    return rate(() => to.set(from), 2 * from.byteLength, milliseconds);
  },
};

/** @param {boolean} relaxed @param {number} milliseconds */
function arithmetic(relaxed, milliseconds) {
  const loop = registerLoop(relaxed);
  const rounds = 100_000;
  return rate(() => loop(rounds), 2 * accumulators * lanes * rounds, milliseconds);
}

/**
 * Each ceiling for one thread and for all at once; null with a reason where the engine lacks it.
 * @param {number} milliseconds For each measurement.
 */
export async function ceilings(milliseconds) {
  const threads = availableParallelism();
  const measured = [];
  for (const name of Object.keys(loops)) {
    try {
      const one = sum(await together(name, 1, milliseconds));
      const all = threads === 1 ? one : sum(await together(name, threads, milliseconds));
      measured.push({ name, threads, one, all });
    } catch (error) {
      measured.push({ name, threads, one: null, all: null, reason: String(error).split('\n')[0] });
    }
  }
  return measured;
}

/** @param {readonly number[]} values */
const sum = values => values.reduce((a, b) => a + b, 0);

/**
 * The rates of so many threads that run a loop at the same time.
 * @param {string} name
 * @param {number} threads
 * @param {number} milliseconds
 */
async function together(name, threads, milliseconds) {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: { name, milliseconds } }),
  );
  /** @param {Worker} worker @returns {Promise<any>} */
  const message = worker =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  try {
    await Promise.all(workers.map(message));
    const rates = workers.map(message);
    for (const worker of workers) worker.postMessage('go');
    return /** @type {number[]} */ (await Promise.all(rates));
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()));
  }
}

if (!isMainThread) {
  parentPort?.once('message', () => {
    parentPort?.postMessage(loops[workerData.name](workerData.milliseconds));
  });
  parentPort?.postMessage('ready');
}
