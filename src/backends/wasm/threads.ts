/**
 * Threads: workers that share the memory and run turns of parallel loops. A loop is offered through a few words at the
 * beginning of the memory (`control`); whoever is free takes the next turn, the offering thread too, so that nothing
 * waits for a worker that is not there yet. Workers sleep between loops and never keep a process alive.
 */
import { WorkerFailed } from '../backend.ts';

/**
 * Byte addresses in the first page, apart so that no two share a cache line.
 *
 * The gate is `closed` (plus the number of workers that look in) between loops and counts the workers inside during
 * one. A worker adds 1 and is in if the gate was open; the offering thread closes the gate when no turn is left, and goes
 * on when all have left.
 */
export const control = {
  /** Workers that are ready. */
  ready: 1024,
  /** Counts the loops offered; workers wait for its change. */
  generation: 1088,
  /** Workers that sleep. */
  sleeping: 1152,
  gate: 1216,
  /** The next turn that nobody has taken. */
  next: 1280,
  /** The number of the worker that failed, 0 for none. */
  failed: 1344,
  /** The loop on offer: module, number in it, table, arena, private arena of thread 0, and bytes from one to the next. */
  job: 1408,
  /** Workers with a greater number rest. */
  allowed: 1472,
  /** How many modules there are, and for each one the address and length of its code. */
  modules: 1536,
  moduleList: 2048,
} as const;

/** The gate's value while no loop is on offer. */
export const closed: number = -(2 ** 30);

const page = 65536;
const mostModules = (page - control.moduleList) / 8;

/** What a worker runs: plain JavaScript, as text, so that it needs no file of its own. */
const workerSource = `
const start = (memory, index, at) => {
  const words = new Int32Array(memory.buffer, 0, ${page / 4});
  const instances = [];
  const learn = () => {
    for (let n = Atomics.load(words, at.modules >> 2); instances.length < n; ) {
      const entry = (at.moduleList >> 2) + 2 * instances.length;
      const code = new Uint8Array(memory.buffer, words[entry], words[entry + 1]).slice();
      instances.push(new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }));
    }
  };
  const job = at.job >> 2, generation = at.generation >> 2, sleeping = at.sleeping >> 2, gate = at.gate >> 2;
  let seen = Atomics.load(words, generation);
  Atomics.add(words, at.ready >> 2, 1);
  for (;;) {
    for (let turns = 0; Atomics.load(words, generation) === seen; turns++)
      if (turns > 8000) {
        Atomics.add(words, sleeping, 1);
        Atomics.wait(words, generation, seen);
        Atomics.sub(words, sleeping, 1);
      }
    seen = Atomics.load(words, generation);
    if (index > Atomics.load(words, at.allowed >> 2)) continue;
    let inside = false;
    try {
      learn();
      inside = true;
      if (Atomics.add(words, gate, 1) >= 0) {
        const [module, number, table, arena, own, stride] = words.subarray(job, job + 6);
        const instance = instances[module];
        if (instance !== undefined) instance.exports['p' + number](table, arena, own + index * stride);
      }
    } catch {
      Atomics.store(words, at.failed >> 2, index);
    } finally {
      if (inside) Atomics.sub(words, gate, 1);
    }
  }
};
`;

interface NodeThreads {
  Worker: new (source: string, options: object) => { unref(): void; on(event: string, f: () => void): void };
}

function nodeThreads(): NodeThreads | null {
  const { process } = globalThis as {
    process?: { versions?: { node?: string }; getBuiltinModule?: (name: string) => unknown };
  };
  if (process?.versions?.node === undefined) return null;
  return (process.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined) ?? null;
}

interface Page {
  crossOriginIsolated?: boolean;
  navigator?: { hardwareConcurrency?: number };
  process?: { getBuiltinModule?: (name: string) => { availableParallelism?: () => number } | undefined };
}

/** How many threads this engine offers: 1 where memory cannot be shared. */
export function availableThreads(): number {
  const { crossOriginIsolated, navigator, process } = globalThis as Page;
  if (typeof SharedArrayBuffer === 'undefined') return 1;
  if (nodeThreads() !== null) return process?.getBuiltinModule?.('node:os')?.availableParallelism?.() ?? 1;
  return crossOriginIsolated === true ? (navigator?.hardwareConcurrency ?? 1) : 1;
}

export class Threads {
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  #started = 0;
  #allowed: number;

  constructor(memory: WebAssembly.Memory, count: number) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer, 0, page / 4);
    this.#words[control.gate >> 2] = closed;
    this.#allowed = count;
    this.count = count;
  }

  get count(): number {
    return this.#allowed;
  }

  /** How many threads run loops, the calling one included. */
  set count(count: number) {
    this.#allowed = count;
    Atomics.store(this.#words, control.allowed >> 2, count - 1);
  }

  /** The number of the next module that is added. */
  get modules(): number {
    return this.#words[control.modules >> 2];
  }

  get isFull(): boolean {
    return this.modules >= mostModules;
  }

  /** Makes a module's loops known to the workers: its code lies in the shared memory for good. */
  add(address: number, length: number): void {
    const entry = (control.moduleList >> 2) + 2 * this.modules;
    this.#words[entry] = address;
    this.#words[entry + 1] = length;
    Atomics.add(this.#words, control.modules >> 2, 1);
    while (this.#started < this.#allowed - 1) this.#start(++this.#started);
  }

  #start(index: number): void {
    const node = nodeThreads();
    const data = { memory: this.#memory, index, at: control };
    if (node !== null) {
      const source = `${workerSource}const { memory, index, at } = require('node:worker_threads').workerData; start(memory, index, at);`;
      const worker = new node.Worker(source, { eval: true, workerData: data });
      worker.on('error', () => Atomics.store(this.#words, control.failed >> 2, index));
      worker.unref();
      return;
    }
    const source = `${workerSource}onmessage = ({ data }) => start(data.memory, data.index, data.at);`;
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    try {
      const worker = new Worker(url);
      // A page whose policy forbids such workers goes on with one thread: some engines say so now, some later.
      worker.onerror = event => event.preventDefault();
      worker.postMessage(data);
    } catch {
      // One thread it is.
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  /** @throws WorkerFailed if a worker failed in the loops that ran */
  check(): void {
    const failed = Atomics.exchange(this.#words, control.failed >> 2, 0);
    if (failed !== 0) throw new WorkerFailed(failed);
  }
}
