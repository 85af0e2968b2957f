// A convolutional network reads handwritten digits: at least 98 % of those that it has not seen.
import { jit, roll } from 'cotangent';
import { batches, trainTestSplit } from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { fit } from 'cotangent/train';
import { loadDigits, misread, side } from '../digits/digits.js';
import { drawTraining } from '../digits/picture.js';
import { savePicture } from '../picture/save.js';

const epochs = Number(process.env.EPOCHS ?? 10);
const size = 64;
const digits = loadDigits();
const [train, held] = trainTestSplit(
  { x: digits.x.reshape([-1, 1, side, side]), y: digits.y },
  { test: 2000, seed: 0 },
);
const steps = Math.ceil(train.y.size / size);

const [a, b, c, d, shifts] = random.split(random.key(0), 5);
const model = new nn.Sequential(
  new nn.Conv2d(a, 1, 16, 3, { padding: 'same' }),
  nn.relu,
  new nn.MaxPool(2),
  new nn.Conv2d(b, 16, 32, 3, { padding: 'same' }),
  nn.relu,
  new nn.MaxPool(2),
  new nn.Flatten(),
  new nn.Linear(c, 32 * 7 * 7, 128),
  nn.relu,
  new nn.Dropout(0.3),
  new nn.Linear(d, 128, 10),
);
console.log(nn.summary(model, held.x.at([0, 1]).get()));

/** All digits in another order each epoch, moved by up to one pixel. */
function* shifted(epoch) {
  let step = epoch * steps;
  for (const { x, y } of batches(train, { size, seed: epoch })) {
    const by = random.randint(random.foldIn(shifts, step++), [2], -1, 2).arraySync();
    yield { x: roll(x, by, [2, 3]), y };
  }
}

const start = performance.now();
const { model: trained, history } = await fit(model, shifted, {
  loss: (logits, { y }) => nn.crossEntropy(logits, y),
  metrics: { accuracy: (logits, { y }) => logits.argmax(1).equal(y).mean() },
  optimizer: optim.adam({ learningRate: optim.cosineSchedule({ peak: 0.002, steps: epochs * steps }) }),
  validation: held,
  batchSize: 250,
  epochs,
});
const seconds = (performance.now() - start) / 1000;

const predicted = jit((model, x) => model.forward(x).argmax(1))(trained, held.x).dataSync();
const [images, labels] = [held.x.dataSync(), held.y.dataSync()];
const wrong = misread(images, labels, predicted);
const accuracy = 1 - wrong.length / labels.length;
console.log(
  `\n${(100 * accuracy).toFixed(2)} % of ${labels.length} held-out digits are right, after ${seconds.toFixed(1)} s of training`,
);

const curve = history.map(({ epoch, training, validation }) => ({
  epoch,
  loss: training.loss,
  heldLoss: validation.loss,
  accuracy: validation.accuracy,
}));
const file = savePicture(import.meta.url, 'mnist.svg', drawTraining(curve, wrong, side));
console.log(`wrote ${file}`);
if (epochs >= 10 && accuracy < 0.98) {
  console.error('fewer than 98 %');
  process.exitCode = 1;
}
