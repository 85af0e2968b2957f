// A training run from a configuration: data from files, a perceptron, an optimiser by its name.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { stack, Tensor, tensor } from 'cotangent';
import { loadIdx, readCsv, trainTestSplit } from 'cotangent/data';
import { loadNpz } from 'cotangent/io';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import { key } from 'cotangent/random';
import { usage } from './usage.js';

const known = ['data', 'model', 'optimizer', 'epochs', 'batchSize', 'holdOut', 'seed', 'earlyStopping'];
const optimizers = ['sgd', 'adam', 'adamw', 'adagrad', 'rmsprop', 'lion', 'lamb', 'muon'];
const activations = ['relu', 'tanh', 'sigmoid', 'gelu', 'silu', 'elu'];

/**
 * The arguments of `fit`.
 *
 * @param {Record<string, any>} configuration
 * @param {string} folder that paths are relative to
 */
export async function fromConfiguration(configuration, folder) {
  const { data, model = {}, optimizer = {}, holdOut = 0.2, seed = 0, ...rest } = configuration;
  const stranger = Object.keys(configuration).find(name => !known.includes(name));
  if (stranger !== undefined)
    throw usage(`'${stranger}' in the configuration; there are ${known.join(', ')}`);
  if (typeof data !== 'object' || data === null) throw usage("the configuration has no 'data'");
  const { x, y, classes } = await load(data, folder);
  const { hidden = [32], activation = 'relu' } = model;
  requireName('activation', activation, activations);
  const { name = 'adam', learningRate = 0.001, ...more } = optimizer;
  requireName('optimizer', name, optimizers);

  const [train, held] = trainTestSplit({ x, y }, { test: holdOut, seed });
  // Features of mean 0 and deviation 1, by what the training part has; constant ones stay.
  const mean = train.x.mean(0);
  const deviation = train.x.std(0);
  const scaled = (/** @type {Tensor} */ value) =>
    value.sub(mean).div(deviation.add(deviation.equal(0).astype('float32')));
  const outputs = classes === null ? (y.shape[1] ?? 1) : classes.length;
  const net = nn.mlp(key(seed), [x.shape[1], ...hidden, outputs], {
    activation: /** @type {any} */ (nn)[activation],
  });
  /** @typedef {{ x: Tensor, y: Tensor }} Batch */
  return {
    model: net,
    data: { x: scaled(train.x), y: train.y },
    validation: { x: scaled(held.x), y: held.y },
    loss: (/** @type {Tensor} */ said, /** @type {Batch} */ batch) =>
      classes === null ? nn.meanSquaredError(said, batch.y) : nn.crossEntropy(said, batch.y),
    metrics:
      classes === null
        ? {}
        : {
            accuracy: (/** @type {Tensor} */ said, /** @type {Batch} */ batch) =>
              said.argmax(1).equal(batch.y).mean(),
          },
    optimizer: /** @type {any} */ (optim)[name]({ learningRate, ...more }),
    seed,
    ...rest,
  };
}

/**
 * @param {string} what
 * @param {string} name
 * @param {string[]} names
 */
function requireName(what, name, names) {
  if (!names.includes(name)) throw usage(`${what} '${name}'; there are ${names.join(', ')}`);
}

/**
 * Features float32[examples, features], and classes as int32 with their names, or numbers [examples, 1].
 *
 * @param {Record<string, any>} data
 * @param {string} folder
 * @returns {Promise<{ x: Tensor, y: Tensor, classes: unknown[] | null }>}
 */
async function load(data, folder) {
  const path = (/** @type {string} */ name) => {
    const file = resolve(folder, name);
    if (!existsSync(file)) throw usage(`there is no file ${file}`);
    return file;
  };
  if (data.csv !== undefined) return table(readFileSync(path(data.csv), 'utf8'), data);
  if (data.images !== undefined) {
    const images = await loadIdx(path(data.images));
    const labels = await loadIdx(path(data.labels));
    return { x: images.reshape([images.shape[0], -1]).astype('float32'), ...targets(labels.dataSync()) };
  }
  if (data.npz !== undefined) {
    const arrays = await loadNpz(path(data.npz));
    const [x, y] = [arrays[data.x ?? 'x'], arrays[data.y ?? 'y']];
    if (!(x instanceof Tensor && y instanceof Tensor))
      throw usage(`${data.npz} has ${Object.keys(arrays).join(', ')}; name two of them as x and y`);
    return { x: x.reshape([x.shape[0], -1]).astype('float32'), ...targets(y.dataSync()) };
  }
  throw usage("'data' has neither csv, nor images and labels, nor npz");
}

/**
 * @param {string} text
 * @param {Record<string, any>} data
 */
function table(text, { target, features }) {
  const [header] = text.split(/\r?\n/, 1);
  const names = Object.keys(readCsv(`${header}\n`).tensors);
  if (!names.includes(target)) throw usage(`target '${target}'; the columns are ${names.join(', ')}`);
  const chosen = features ?? names.filter(name => name !== target);
  const { tensors } = readCsv(text, { columns: chosen });
  const x = stack(
    chosen.map((/** @type {string} */ name) => {
      const column = tensors[name];
      if (column === undefined || column.isNaN().any().item())
        throw usage(`column '${name}' has values that are missing or no numbers; name others as features`);
      return column;
    }),
    1,
  );
  const { values } = readCsv(text, { columns: [target], types: { [target]: 'string' } });
  return { x, ...targets(values[target]) };
}

/**
 * Words and whole numbers are classes; other numbers are to be predicted.
 *
 * @param {ArrayLike<unknown>} column
 */
function targets(column) {
  const list = Array.from(column, value =>
    typeof value === 'string' && value.trim() !== '' ? Number(value) : value,
  );
  const numbers = list.every(value => typeof value === 'number' && !Number.isNaN(value));
  if (numbers && !list.every(Number.isInteger))
    return {
      y: tensor(Float32Array.from(/** @type {number[]} */ (list)), { shape: [list.length, 1] }),
      classes: null,
    };
  const source = numbers ? list : Array.from(column);
  const classes = [...new Set(source)].sort((a, b) =>
    /** @type {any} */ (a) < /** @type {any} */ (b) ? -1 : 1,
  );
  const index = new Map(classes.map((one, i) => [one, i]));
  return { y: tensor(Int32Array.from(source, one => index.get(one) ?? 0)), classes };
}
