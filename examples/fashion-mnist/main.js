// A convolutional network tells ten kinds of clothes apart: 60,000 pictures to learn from, 10,000 to be tested on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { jit, slice } from 'cotangent';
import { loadIdx } from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { fit } from 'cotangent/train';
import { savePicture } from '../picture/save.js';
import { drawClothes } from './picture.js';

const folder = process.env.FASHION_MNIST ?? '/usr/share/datasets/fashion-mnist';
if (!existsSync(folder)) {
  console.log(
    `${folder} is not there: apt-get install dataset-fashion-mnist, or set FASHION_MNIST to a folder`,
  );
  console.log('with the four files of https://github.com/zalandoresearch/fashion-mnist');
  process.exit(0);
}
const kinds = [
  'T-shirt',
  'trousers',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'boot',
];

const load = async name => {
  const images = await loadIdx(join(folder, `${name}-images-idx3-ubyte.gz`));
  const labels = await loadIdx(join(folder, `${name}-labels-idx1-ubyte.gz`));
  return { x: images.astype('float32').div(255).reshape([-1, 1, 28, 28]), y: labels.astype('int32') };
};
const [train, held] = [await load('train'), await load('t10k')];

const epochs = Number(process.env.EPOCHS ?? 4);
const batchSize = 128;
const steps = Math.ceil(train.y.size / batchSize);
const [a, b, c, d] = random.split(random.key(0), 4);
const model = new nn.Sequential(
  new nn.Conv2d(a, 1, 16, 3, { padding: 'same' }),
  new nn.BatchNorm(16),
  nn.relu,
  new nn.MaxPool(2),
  new nn.Conv2d(b, 16, 32, 3, { padding: 'same' }),
  new nn.BatchNorm(32),
  nn.relu,
  new nn.MaxPool(2),
  new nn.Flatten(),
  new nn.Linear(c, 32 * 7 * 7, 128),
  nn.relu,
  new nn.Dropout(0.25),
  new nn.Linear(d, 128, 10),
);
console.log(nn.summary(model, held.x.at([0, 1]).get()));

const start = performance.now();
const {
  model: trained,
  state,
  history,
} = await fit(model, train, {
  loss: (logits, { y }) => nn.crossEntropy(logits, y),
  metrics: { accuracy: (logits, { y }) => logits.argmax(1).equal(y).mean() },
  optimizer: optim.adamw({
    learningRate: optim.cosineSchedule({
      peak: 0.003,
      steps: epochs * steps,
      warmup: Math.min(100, Math.floor(steps / 2)),
    }),
    weightDecay: 0.01,
  }),
  validation: held,
  batchSize,
  epochs,
});
const { accuracy } = history[history.length - 1].validation;
console.log(
  `\n${(100 * accuracy).toFixed(2)} % of ${held.y.size} held-out pictures are right, after ${((performance.now() - start) / 1000).toFixed(0)} s`,
);

const predict = jit((model, state, x) => model.forward(x, nn.evaluation(model, { state })).argmax(1));
const first = held.x.at(slice(0, 2000)).get();
const guesses = predict(trained, state, first).dataSync();
const file = savePicture(
  import.meta.url,
  'clothes.svg',
  drawClothes(history, { pixels: first.dataSync(), labels: held.y.dataSync(), guesses, kinds }),
);
console.log(`wrote ${file}`);
if (epochs >= 4 && accuracy < 0.9) {
  console.error('fewer than 90 %');
  process.exitCode = 1;
}
