// cotangent grad: the derivative of a function in a file.
import { parseArgs } from 'node:util';
import { adjoints, Tensor, tensor, tree, valueAndGrad } from 'cotangent';
import { importFile, usage } from './usage.js';

const help = `cotangent grad file.js#f --at VALUE [--at VALUE …] [options]

Prints f(x), its gradient by every argument, and for every intermediate variable v its value and its
adjoint ∂f/∂v, with the line that made it. f is an export of an ES module and returns one number.
Without #f it is the default export, or the only function there is.

  --at VALUE        an argument: a number, numbers with commas between, or JSON such as [[1,2],[3,4]] or {"w":1,"b":[2,3]};
                    once for each argument of f
  --dtype TYPE      float64 (default) or float32
  --json            prints one JSON object
  --help

  cotangent grad model.js#energy --at 1,2,3
`;

/**
 * @param {string} text
 * @param {'float32' | 'float64'} dtype
 */
function argument(text, dtype) {
  let value;
  try {
    value = JSON.parse(/^\s*[-+.\d][^[{]*,/.test(text) ? `[${text}]` : text);
  } catch {
    throw usage(`--at ${text} is neither a number, numbers with commas between, nor JSON`);
  }
  return tensors(value, dtype);
}

/**
 * Numbers and arrays of them as tensors; objects stay.
 *
 * @param {unknown} value
 * @param {'float32' | 'float64'} dtype
 * @returns {unknown}
 */
function tensors(value, dtype) {
  if (typeof value === 'number' || Array.isArray(value))
    return tensor(/** @type {number[]} */ (value), dtype);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, tensors(one, dtype)]));
  throw usage(`--at ${JSON.stringify(value)} is no number`);
}

/**
 * The tensors of a tree as nested arrays.
 *
 * @param {unknown} value
 */
const plain = value => tree.map((/** @type {Tensor} */ leaf) => leaf.arraySync(), value);

/**
 * @param {unknown} value
 * @returns {string}
 */
function shown(value) {
  if (value instanceof Tensor) return String(value.ndim === 0 ? value.item() : value);
  return Object.entries(/** @type {object} */ (value))
    .map(([name, one]) => `${name}: ${shown(one).replaceAll('\n', `\n${' '.repeat(name.length + 2)}`)}`)
    .join('\n');
}

/** @param {string[]} args */
export async function run(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      at: { type: 'string', multiple: true, default: [] },
      dtype: { type: 'string', default: 'float64' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (positionals.length !== 1) throw usage('one function is named: file.js#f');
  if (values.dtype !== 'float64' && values.dtype !== 'float32')
    throw usage(`--dtype ${values.dtype} is neither float64 nor float32`);
  const [path, name] = positionals[0].split('#');
  const f = functionOf(await importFile(path), path, name);
  if (values.at.length === 0) throw usage('say where: --at 1,2,3');
  const at = values.at.map(text => argument(text, /** @type {'float32' | 'float64'} */ (values.dtype)));
  const [value, gradients] = valueAndGrad(f, { argnums: at.map((_, i) => i) })(...at);
  if (values.json) {
    console.log(JSON.stringify({ value: value.item(), gradient: plain(gradients) }));
    return 0;
  }
  console.log(`value     ${value.item()}`);
  /** @type {unknown[]} */ (gradients).forEach((gradient, i) => {
    const label = at.length === 1 ? 'gradient  ' : `∂/∂arg ${i}  `;
    console.log(label + shown(gradient).replaceAll('\n', `\n${' '.repeat(label.length)}`));
  });
  console.log(`\n${adjoints(f)(...at)}`);
  return 0;
}

/**
 * @param {Record<string, unknown>} exports
 * @param {string} path
 * @param {string | undefined} name
 */
function functionOf(exports, path, name) {
  const functions = Object.keys(exports).filter(key => typeof exports[key] === 'function');
  const chosen = name ?? (functions.includes('default') || functions.length !== 1 ? 'default' : functions[0]);
  const f = exports[chosen];
  if (typeof f === 'function') return /** @type {(...args: unknown[]) => Tensor} */ (f);
  throw usage(
    functions.length === 0
      ? `${path} exports no function`
      : `${path} exports no function '${chosen}'; there ${functions.length === 1 ? 'is' : 'are'} ${functions.join(', ')}`,
  );
}
