// What backpropagation is, on three numbers; then a network that learns to read handwritten digits.
import { jit, roll, valueAndGrad } from 'cotangent';
import { batches, trainTestSplit } from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { savePicture } from '../picture/save.js';
import { explain } from './backpropagation.js';
import { loadDigits, misread, side } from './digits.js';
import { drawTraining } from './picture.js';
import { progress } from './progress.js';

explain();

const epochs = 10;
const size = 64;
const [train, held] = trainTestSplit(loadDigits(), { test: 2000, seed: 0 });
const [examples] = train.x.shape;
const steps = Math.ceil(examples / size);

const [initKey, shiftKey] = random.split(random.key(0));
let model = nn.mlp(initKey, [side * side, 128, 64, 10]);

// The learning rate falls along half a cosine from 0.002 to 0.
const learningRate = optim.cosineSchedule({ peak: 0.002, steps: epochs * steps });
const optimizer = optim.adam({ learningRate });
let state = optimizer.init(model);

const loss = (model, x, y) => nn.crossEntropy(model.forward(x), y);

/** One step of training, compiled as a whole: loss, gradient, update. */
const trainStep = jit((model, state, x, y) => {
  const [value, gradients] = valueAndGrad(loss)(model, x, y);
  const [updates, next] = optimizer.update(gradients, state, model);
  return [optim.applyUpdates(model, updates), next, value];
});

/** Loss, accuracy and the predicted digits. */
const evaluate = jit((model, { x, y }) => {
  const logits = model.forward(x);
  const predicted = logits.argmax(1);
  return { loss: nn.crossEntropy(logits, y), accuracy: predicted.equal(y).mean(), predicted };
});

/** The images moved by up to one pixel: a batch is never seen twice alike. */
function shifted(x, step) {
  const by = random.randint(random.foldIn(shiftKey, step), [2], -1, 2).arraySync();
  return roll(x.reshape([-1, side, side]), by, [1, 2]).reshape(x.shape);
}

const percent = fraction => `${(100 * fraction).toFixed(1)} %`;

console.log(`\nTraining a network 784–128–64–10 on ${examples} digits; ${held.y.size} are held out.`);
const history = [];
const start = performance.now();
for (let epoch = 1; epoch <= epochs; epoch++) {
  let sum = 0;
  let done = 0;
  for (const { x, y } of batches(train, { size, seed: epoch })) {
    let value;
    [model, state, value] = trainStep(model, state, shifted(x, (epoch - 1) * steps + done), y);
    sum += value.item();
    done++;
    progress.show(`epoch ${epoch}/${epochs}`, done / steps, `loss ${(sum / done).toFixed(3)}`);
  }
  const test = evaluate(model, held);
  const now = { epoch, loss: sum / done, heldLoss: test.loss.item(), accuracy: test.accuracy.item() };
  history.push(now);
  progress.done(
    `epoch ${String(epoch).padStart(2)}/${epochs}   loss ${now.loss.toFixed(4)}   ` +
      `held-out loss ${now.heldLoss.toFixed(4)}   held-out accuracy ${percent(now.accuracy)}`,
  );
}
console.log(`trained in ${((performance.now() - start) / 1000).toFixed(1)} s`);

const { accuracy, predicted } = evaluate(model, held);
const [images, labels, guesses] = [held.x, held.y, predicted].map(t => t.dataSync());
const wrong = misread(images, labels, guesses);

const picture = savePicture(import.meta.url, 'digits.svg', drawTraining(history, wrong, side));

console.log(`held-out accuracy: ${percent(accuracy.item())}`);
console.log(`picture: ${picture}`);
