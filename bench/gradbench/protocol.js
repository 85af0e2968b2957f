// GradBench's protocol: what a tool answers to each kind of message.
import { tree } from '../../dist/node/index.js';

/**
 * One function of a module.
 * @typedef {object} Task
 * @property {(input: any) => readonly unknown[]} prepare From JSON to arguments.
 * @property {(...args: any[]) => unknown} evaluate What is timed: arguments to a tree of tensors.
 * @property {(result: any, input: any) => unknown} output From tensors to JSON.
 *
 * @typedef {Record<string, Task>} Module
 *
 * @typedef {{ name: string, nanoseconds: number }} Timing
 */

/** The names of all modules, each a file of modules/. */
export const names = [
  'hello',
  'lse',
  'llsq',
  'det',
  'ode',
  'kmeans',
  'gmm',
  'ba',
  'ht',
  'lstm',
  'particle',
  'saddle',
];

/**
 * @param {string} name
 * @returns {Promise<Module>}
 */
export async function load(name) {
  if (!names.includes(name)) throw new Error(`no module '${name}'; there are ${names.join(', ')}`);
  return (await import(`./modules/${name}.js`)).default;
}

/** @template T @param {() => T} f @returns {[T, number]} The result and the nanoseconds it took. */
function timed(f) {
  const start = process.hrtime.bigint();
  const result = f();
  return [result, Number(process.hrtime.bigint() - start)];
}

/** Gives the memory of a result back at once, as a C++ program that writes over it does. */
function free(/** @type {unknown} */ result) {
  for (const leaf of tree.flatten(result).leaves) leaf.dispose?.();
}

/**
 * Runs a task at least `min_runs` times and for at least `min_seconds` of time spent in it. The first call traces and
 * compiles the function; it belongs to the preparation.
 * @param {Task} task
 * @param {any} input
 * @returns {{ output: unknown, timings: Timing[] }}
 */
export function run({ prepare, evaluate, output }, input) {
  const { min_runs: runs = 1, min_seconds: seconds = 0 } = typeof input === 'object' ? input : {};
  const [args, preparing] = timed(() => {
    const args = prepare(input);
    free(evaluate(...args));
    return args;
  });
  const timings = [{ name: 'prepare', nanoseconds: preparing }];
  let total = 0;
  /** @type {unknown} */
  let result = [];
  do {
    free(result);
    const [made, nanoseconds] = timed(() => evaluate(...args));
    result = made;
    total += nanoseconds;
    timings.push({ name: 'evaluate', nanoseconds });
  } while (timings.length <= runs || total < seconds * 1e9);
  const json = output(result, input);
  free(result);
  free(args);
  return { output: json, timings };
}

/**
 * The answers of one session. Every message gets one, with its id.
 * @param {object} about What the answer to "start" tells.
 * @returns {(message: any) => Promise<Record<string, unknown>>}
 */
export function session(about) {
  const failed = (/** @type {unknown} */ error) => ({
    success: false,
    error: error instanceof Error ? error.message : String(error),
  });
  /** @param {any} message */
  const answer = async message => {
    switch (message.kind) {
      case 'start':
        return about;
      case 'define':
        return load(message.module).then(() => ({ success: true }), failed);
      case 'evaluate':
        try {
          const module = await load(message.module);
          if (!Object.hasOwn(module, message.function))
            throw new Error(
              `no function '${message.function}' in ${message.module}; there are ${Object.keys(module).join(', ')}`,
            );
          return { success: true, ...run(module[message.function], message.input) };
        } catch (error) {
          return failed(error);
        }
      default:
        return {};
    }
  };
  return async message => ({ id: message.id, ...(await answer(message)) });
}
