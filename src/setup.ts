/** Chooses the backend and makes evaluation the outermost interpretation. Every public entry imports this first. */
import type { Backend, MemoryUse } from './backends/backend.ts';
import { wasmBackend, wasmIsSupported } from './backends/wasm/index.ts';
import { BadArgument } from './core/errors.ts';
import { currentBackend, installEvaluation, useBackend } from './transforms/evaluate.ts';

/** Where computations can run. */
export type Device = 'wasm' | 'reference';

const makers = new Map<Device, () => Backend>();
const made = new Map<Device, Backend>();

/** Adds a device; the first that there is becomes the one in use. */
export function provideDevice(device: Device, make: () => Backend): void {
  makers.set(device, make);
  if (made.size === 0) defaultDevice(device);
}

/**
 * The devices that there are, the preferred one first: `wasm`, where the engine has WebAssembly with SIMD, and
 * `reference`, plain JavaScript, in Node and where `cotangent/reference` is imported.
 */
export function devices(): Device[] {
  return [...makers.keys()];
}

/**
 * The device on which everything runs. With an argument it is changed first; tensors made before move over as they
 * are used.
 *
 * @example defaultDevice('reference')
 * @throws BadArgument for a device that there is not
 */
export function defaultDevice(device?: Device): Device {
  if (device !== undefined) {
    const make = makers.get(device);
    if (make === undefined)
      throw new BadArgument({
        did: `defaultDevice(${JSON.stringify(device)})`,
        expected: devices().length === 0 ? 'an engine with WebAssembly' : `one of ${quoted(devices())}`,
        remedy:
          (device as string) === 'reference'
            ? "import 'cotangent/reference' first: it adds this device"
            : 'leave it out to see which device is used',
      });
    let backend = made.get(device);
    if (backend === undefined) {
      backend = make();
      made.set(device, backend);
    }
    useBackend(backend);
  }
  const used = currentBackend();
  return [...made].find(([, backend]) => backend === used)?.[0] as Device;
}

const quoted = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ');

/**
 * What the device's memory holds; null where it is the engine's own (`reference`).
 *
 * @example memory()?.peak
 */
export function memory(): MemoryUse | null {
  return currentBackend().memory?.() ?? null;
}

export interface Settings {
  /** Bytes that tensors may take in fast memory before the least recently used move out. Default 1 GiB. */
  readonly memoryBudget?: number;
  /**
   * Threads that compute, the calling one included. Default: one for each processor in Node and in pages that are
   * cross-origin isolated, else 1. Results do not depend on it.
   */
  readonly threads?: number;
}

/**
 * Changes settings of the device in use, and gives all of them. On `reference` the budget is null, for memory is the
 * engine's own.
 *
 * @example config().threads
 * @throws BadArgument
 */
export function config(settings: Settings = {}): {
  readonly memoryBudget: number | null;
  readonly threads: number;
} {
  const { memoryBudget, threads } = settings;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 256))
    throw new BadArgument({
      did: `config({ threads: ${threads} })`,
      expected: 'a whole number from 1 to 256',
      remedy: 'config({ threads: 1 }) computes without workers',
    });
  if (memoryBudget !== undefined && !(memoryBudget >= 2 ** 20 && memoryBudget <= 2 ** 32))
    throw new BadArgument({
      did: `config({ memoryBudget: ${memoryBudget} })`,
      expected: 'a number of bytes from 2 ** 20 to 2 ** 32',
      remedy: 'config({ memoryBudget: 2 ** 30 })',
    });
  const device = currentBackend();
  if (memoryBudget !== undefined) device.setBudget?.(memoryBudget);
  if (threads !== undefined && device.threads !== undefined) {
    device.threads = threads;
    // What was compiled is cut for another number of threads.
    useBackend(device);
  }
  return { memoryBudget: device.memory?.().budget ?? null, threads: device.threads ?? 1 };
}

if (wasmIsSupported()) provideDevice('wasm', wasmBackend);
installEvaluation();
