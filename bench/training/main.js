// How long it takes to train a convolutional network to read 98 % of handwritten digits that it has not seen, here and
// with PyTorch on the processor: the same network, the same digits, the same optimiser, side by side.
// usage: node bench/training/main.js      (PyTorch where COTANGENT_PYTHON, or python3, can import it)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainTestSplit } from '../../dist/node/data/index.js';
import { config } from '../../dist/node/index.js';
import { saveNpz } from '../../dist/node/io/index.js';
import * as nn from '../../dist/node/nn/index.js';
import * as optim from '../../dist/node/optim/index.js';
import * as random from '../../dist/node/random/index.js';
import { fit } from '../../dist/node/train/index.js';
import { loadDigits, side } from '../../examples/digits/digits.js';

const goal = 0.98;
const repeats = 3;
const digits = loadDigits();
const [train, held] = trainTestSplit(
  { x: digits.x.reshape([-1, 1, side, side]), y: digits.y },
  { test: 2000, seed: 0 },
);

function network(seed) {
  const [a, b, c, d] = random.split(random.key(seed), 4);
  return new nn.Sequential(
    new nn.Conv2d(a, 1, 16, 3, { padding: 'same' }),
    nn.relu,
    new nn.MaxPool(2),
    new nn.Conv2d(b, 16, 32, 3, { padding: 'same' }),
    nn.relu,
    new nn.MaxPool(2),
    new nn.Flatten(),
    new nn.Linear(c, 32 * 7 * 7, 128),
    nn.relu,
    new nn.Linear(d, 128, 10),
  );
}

async function ours(seed) {
  const start = performance.now();
  const { history } = await fit(network(seed), train, {
    loss: (logits, { y }) => nn.crossEntropy(logits, y),
    metrics: { accuracy: (logits, { y }) => logits.argmax(1).equal(y).mean() },
    optimizer: optim.adam({ learningRate: 0.001 }),
    validation: held,
    batchSize: 64,
    epochs: 20,
    seed,
    progress: 'none',
    callbacks: [
      {
        onEpoch: ({ history }) =>
          history[history.length - 1].validation.accuracy >= goal ? 'stop' : undefined,
      },
    ],
  });
  const seconds = (performance.now() - start) / 1000;
  return { seconds, epochs: history.length, accuracy: history[history.length - 1].validation.accuracy };
}

const folder = mkdtempSync(join(tmpdir(), 'cotangent-training-'));
const data = join(folder, 'digits.npz');
await saveNpz(data, { x: train.x, y: train.y, heldX: held.x, heldY: held.y });
const python = process.env.COTANGENT_PYTHON ?? 'python3';

function torch(seed, threads) {
  const script = fileURLToPath(new URL('torch_cnn.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    python,
    [script, data, String(seed), String(threads), String(goal)],
    {
      encoding: 'utf8',
    },
  );
  if (status === 0) return JSON.parse(stdout);
  return { missing: stderr.trim().split('\n').at(-1) };
}

const { threads } = config();
console.log(
  `until ${100 * goal} % of ${held.y.size} held-out digits are right; ${train.y.size} to learn from`,
);
console.log(
  `Node ${process.versions.node}, ${threads} threads, compilation included; PyTorch without its import\n`,
);
console.log('            seed  seconds  epochs  accuracy  seconds per epoch');
for (let seed = 0; seed < repeats; seed++)
  for (const [name, run] of [
    ['cotangent', () => ours(seed)],
    ['PyTorch', () => torch(seed, threads)],
    ['PyTorch, 1', () => torch(seed, 1)],
  ]) {
    const result = await run();
    if (result.missing !== undefined) console.log(`${name.padEnd(10)}  skipped: ${result.missing}`);
    else
      console.log(
        `${name.padEnd(10)}  ${String(seed).padStart(4)}  ${result.seconds.toFixed(2).padStart(7)}  ${String(result.epochs).padStart(6)}  ${(100 * result.accuracy).toFixed(2).padStart(7)} %  ${(result.seconds / result.epochs).toFixed(2).padStart(17)}`,
      );
  }
rmSync(folder, { recursive: true });
