// Who takes part, and the process each runs in.
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} title
 * @property {string} command
 * @property {string[]} args
 * @property {string} module The file of contestants/ that has its rows.
 * @property {string} variant What it is told.
 * @property {string[]} [flags] For Node.
 */

const path = (/** @type {string} */ file) => fileURLToPath(new URL(file, import.meta.url));

/**
 * @param {string} name
 * @param {string} title
 * @param {string} file
 * @param {string} variant
 * @returns {Contestant}
 */
const inNode = (name, title, file, variant) => ({
  name,
  title,
  command: process.execPath,
  args: [path('child.js')],
  module: new URL(`contestants/${file}.js`, import.meta.url).href,
  variant,
});

/** @param {string} name @param {string} title @param {string} variant @returns {Contestant} */
const inPython = (name, title, variant) => ({
  name,
  title,
  command: process.env.COTANGENT_PYTHON || 'python3',
  args: [path('peers.py')],
  module: '',
  variant,
});

/** @type {readonly Contestant[]} */
export const contestants = [
  inNode('cotangent-reference', 'the backend in plain JavaScript', 'cotangent', 'reference'),
  inNode('cotangent-wasm-1', 'the Wasm backend, one thread', 'cotangent', 'wasm:1'),
  inNode('cotangent-wasm-all', 'the Wasm backend, all threads', 'cotangent', 'wasm:all'),
  inNode('jaxjs-1', '@jax-js/jax, Wasm as Node runs it: one thread', 'jax-js', '1'),
  inNode('jaxjs-all', '@jax-js/jax, Wasm with the threads it has in browsers', 'jax-js', 'all'),
  inNode('tfjs-wasm', 'TensorFlow.js, Wasm, one thread', 'tfjs', 'wasm'),
  inNode('tfjs-cpu', 'TensorFlow.js, plain JavaScript', 'tfjs', 'cpu'),
  inPython('jax', 'JAX on the processor, all threads', 'jax'),
  inPython('torch-1', 'PyTorch on the processor, one thread, uncompiled', 'torch:1'),
  inPython('torch-all', 'the same with all threads', 'torch:all'),
];
