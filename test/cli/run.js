// A run of some seconds' worth of checkpoints, for a process that is killed.
import { from } from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';

const x = random.normal(random.key(1), [96, 8]);
const y = random.randint(random.key(2), [96], 0, 3);
const [a, b] = random.split(random.key(0));

/** @typedef {import('cotangent').Tensor} Tensor */

/** @param {string} epochs */
export default epochs => ({
  model: new nn.Sequential(
    new nn.Linear(a, 8, 16),
    new nn.BatchNorm(16),
    nn.relu,
    new nn.Dropout(0.2),
    new nn.Linear(b, 16, 3),
  ),
  data: from({ x, y }).shuffle({ seed: 4 }).batch(16),
  loss: (/** @type {Tensor} */ logits, /** @type {{ y: Tensor }} */ batch) =>
    nn.crossEntropy(logits, batch.y),
  optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adamw({ learningRate: 0.01 })),
  epochs: Number(epochs ?? 10),
  validation: { x, y },
});
