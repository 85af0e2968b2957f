// cotangent train: trains what a configuration or a script describes, into a folder.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { saveCheckpoint } from 'cotangent/io';
import { fit } from 'cotangent/train';
import { fromConfiguration } from './configuration.js';
import { importFile, usage } from './usage.js';

const help = `cotangent train config.json|script.js [options] [-- arguments of the script]

Trains a model. In the folder of the run are a copy of the configuration or script, log.jsonl with a line for each
epoch, checkpoints, and at the end model.safetensors. A run that was interrupted, in any way, goes on when the
command is given again, and ends with the same weights.

  --out FOLDER      default: runs/ and the name of the file
  --epochs N        in place of the file's
  --fresh           removes the folder's checkpoints first
  --quiet           no progress
  --help

A script is an ES module whose default export is { model, data, ...options of fit } or a function, also async, that
returns that; the function gets the arguments behind --. A configuration:

  { "data": { "csv": "iris.csv", "target": "species" },      or { "images": "x.idx.gz", "labels": "y.idx.gz" },
                                                             or { "npz": "data.npz", "x": "x", "y": "y" }
    "model": { "hidden": [32, 32], "activation": "relu" },
    "optimizer": { "name": "adam", "learningRate": 0.001 },
    "epochs": 50, "batchSize": 32, "holdOut": 0.2, "seed": 0,
    "earlyStopping": { "patience": 10 } }

Paths in it are relative to it. Targets that are words or whole numbers are classes, others are numbers to predict.
`;

/** @param {string[]} args */
export async function run(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      epochs: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const [file, ...rest] = positionals;
  if (file === undefined) throw usage('a configuration or a script is named');
  if (!existsSync(file)) throw usage(`there is no file ${file}`);
  const epochs = values.epochs === undefined ? undefined : Number(values.epochs);
  if (epochs !== undefined && !(Number.isInteger(epochs) && epochs >= 0))
    throw usage(`--epochs ${values.epochs} is no whole number`);

  const { model, data, ...options } =
    extname(file) === '.json' ? await configured(file) : await scripted(file, rest);
  const out = values.out ?? join('runs', basename(file, extname(file)));
  const checkpoints = join(out, 'checkpoints');
  if (values.fresh) rmSync(checkpoints, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  copyFileSync(file, join(out, basename(file)));

  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const result = await fit(model, data, {
    ...options,
    ...(epochs === undefined ? {} : { epochs }),
    checkpoints,
    log: join(out, 'log.jsonl'),
    progress: values.quiet ? 'none' : 'auto',
    signal: stop.signal,
  });
  if (result.reason === 'aborted') {
    console.log(`interrupted at step ${result.step}; the same command goes on from there`);
    return 130;
  }
  const path = join(out, 'model.safetensors');
  await saveCheckpoint(path, { model: result.model, state: result.state });
  console.log(`${result.reason}: ${result.history.length} epochs, ${result.step} steps; model in ${path}`);
  return 0;
}

/** @param {string} file */
async function configured(file) {
  let configuration;
  try {
    configuration = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw usage(`${file} is no JSON: ${/** @type {Error} */ (error).message}`);
  }
  return await fromConfiguration(configuration, dirname(file));
}

/**
 * @param {string} file
 * @param {string[]} rest
 * @returns {Promise<any>}
 */
async function scripted(file, rest) {
  const { default: described } = await importFile(file);
  const run = typeof described === 'function' ? await described(...rest) : described;
  if (typeof run !== 'object' || run === null || !('model' in run) || !('data' in run))
    throw usage(
      `the default export of ${file} is not { model, data, loss, optimizer, … }, nor a function that returns it`,
    );
  return run;
}
