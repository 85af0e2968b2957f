// What is measured: the rows of the table. Inputs are described, not given: every contestant makes the same ones
// from the same hash (inputs.js, peers.py).

/**
 * @typedef {object} Input
 * @property {number[]} shape
 * @property {'float32' | 'float64'} [dtype] Default float32.
 * @property {number} [scale] A power of two, so that the numbers are exact. Default 1: from −1 to 1.
 * @property {'uniform' | 'oneHot'} [kind] Default uniform. oneHot: each row has a 1 at a hashed class.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} task The function that a contestant has for it; rows of several sizes share one.
 * @property {string} title
 * @property {'GFLOP/s' | 'ms' | 'µs'} unit
 * @property {number} [flops] For GFLOP/s.
 * @property {Input[]} inputs
 * @property {number} tolerance Relative to the root mean square of an output.
 * @property {true} [first] Measured once in a fresh process, from the import on.
 */

const millions = 4 * 1024 * 1024;

/**
 * @param {number} n
 * @param {'float32' | 'float64'} [dtype]
 * @returns {Row}
 */
const matmul = (n, dtype = 'float32') => ({
  name: `matmul-${n}${dtype === 'float64' ? '-f64' : ''}`,
  task: 'matmul',
  title: `matrix product ${n}²${dtype === 'float64' ? ', float64' : ''}`,
  unit: 'GFLOP/s',
  flops: 2 * n ** 3,
  inputs: [
    { shape: [n, n], dtype },
    { shape: [n, n], dtype },
  ],
  tolerance: dtype === 'float64' ? 1e-12 : 2e-5,
});

/**
 * @param {string} name
 * @param {string} title
 * @param {number[]} shape
 * @param {Partial<Row>} [more]
 * @returns {Row}
 */
const ofOne = (name, title, shape, more = {}) => ({
  name,
  task: name,
  title,
  unit: 'ms',
  inputs: [{ shape }],
  tolerance: 1e-5,
  ...more,
});

const image = [8, 32, 32, 32];
const kernels = [64, 32, 3, 3];
const convFlops = 2 * 8 * 64 * 32 * 32 * 32 * 9;

const mlp = [
  { shape: [784, 256], scale: 2 ** -4 },
  { shape: [256], scale: 2 ** -4 },
  { shape: [256, 10], scale: 2 ** -3 },
  { shape: [10], scale: 2 ** -3 },
  { shape: [128, 784] },
  { shape: [128, 10], kind: /** @type {const} */ ('oneHot') },
];

const width = 128;
const square = { shape: [width, width], scale: 2 ** -3 };
const vector = { shape: [width] };

/** @type {readonly Row[]} */
export const rows = [
  ...[64, 256, 512, 1023, 1024, 2048].map(n => matmul(n)),
  matmul(512, 'float64'),
  ofOne('axpb', '2.5·x + 0.5, 4M elements', [millions]),
  ofOne('exp', 'exp, 4M elements', [millions]),
  ofOne('tanh', 'tanh, 4M elements', [millions]),
  ofOne('chain', 'eight elementwise operations, 4M elements', [millions]),
  ofOne('softmax', 'softmax of 2048 rows of 2048', [2048, 2048], { tolerance: 5e-5 }),
  {
    ...ofOne('layernorm', 'layer norm of 2048 rows of 2048', [2048, 2048], { tolerance: 5e-5 }),
    inputs: [{ shape: [2048, 2048] }, { shape: [2048] }, { shape: [2048] }],
  },
  ofOne('transpose', 'transpose 2048²', [2048, 2048], { tolerance: 0 }),
  ofOne('cumsum', 'running sum of 4M elements', [millions], { tolerance: 1e-3 }),
  ofOne('cumsum-rows', 'running sums of 2048 rows of 2048', [2048, 2048], { tolerance: 1e-4 }),
  ofOne('sort', 'sort 1M elements', [1024 * 1024], { tolerance: 0 }),
  {
    ...ofOne('conv', 'convolution 8×32×32×32 with 64×32×3×3', image, { tolerance: 2e-5 }),
    unit: 'GFLOP/s',
    flops: convFlops,
    inputs: [{ shape: image }, { shape: kernels, scale: 2 ** -4 }],
  },
  {
    ...ofOne('conv-grad', 'its gradients with respect to both', image, { tolerance: 2e-5 }),
    unit: 'GFLOP/s',
    flops: 2 * convFlops,
    inputs: [{ shape: image }, { shape: kernels, scale: 2 ** -4 }, { shape: [8, 64, 32, 32] }],
  },
  { ...ofOne('mlp', 'step of an MLP 784–256–10, batch 128', [], { tolerance: 1e-4 }), inputs: mlp },
  {
    ...ofOne('cnn', 'step of a small CNN on 28×28, batch 32', [], { tolerance: 1e-4 }),
    inputs: [
      { shape: [8, 1, 3, 3], scale: 2 ** -1 },
      { shape: [16, 8, 3, 3], scale: 2 ** -3 },
      { shape: [784, 10], scale: 2 ** -4 },
      { shape: [10], scale: 2 ** -3 },
      { shape: [32, 1, 28, 28] },
      { shape: [32, 10], kind: 'oneHot' },
    ],
  },
  {
    ...ofOne('lstm', 'gradient of an LSTM, hidden 64, 100 steps, batch 32', [], { tolerance: 1e-3 }),
    inputs: [
      { shape: [64, 256], scale: 2 ** -2 },
      { shape: [64, 256], scale: 2 ** -2 },
      { shape: [256] },
      { shape: [100, 32, 64] },
    ],
  },
  {
    ...ofOne('transformer', 'gradient of a transformer block, d 128, 4 heads, 8×64', [], { tolerance: 1e-3 }),
    inputs: [
      square,
      square,
      square,
      square,
      vector,
      vector,
      vector,
      vector,
      { shape: [width, 4 * width], scale: 2 ** -3 },
      { shape: [4 * width] },
      { shape: [4 * width, width], scale: 2 ** -4 },
      vector,
      { shape: [8, 64, width] },
    ],
  },
  ofOne('scalar-grad', 'gradient of sin(x)·exp(x)·x, one number', [], { unit: 'µs' }),
  ofOne('scalar-grad-jit', 'the same, compiled', [], { unit: 'µs' }),
  ofOne('dispatch', 'call of a compiled x + 1, 4 elements', [4], { unit: 'µs' }),
  {
    ...ofOne('first-mlp', 'import to first result: the MLP step', [], { tolerance: 1e-4 }),
    task: 'mlp',
    inputs: mlp,
    first: true,
  },
  {
    ...ofOne('first-rnn', 'import to first result: recurrent net of 100 steps', [], { tolerance: 1e-3 }),
    task: 'rnn',
    inputs: [
      { shape: [64, 64], scale: 2 ** -3 },
      { shape: [64, 64], scale: 2 ** -3 },
      { shape: [64], scale: 2 ** -2 },
      { shape: [100, 32, 64] },
    ],
    first: true,
  },
];
