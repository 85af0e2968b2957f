// A small transformer learns to sort: given eight numbers in any order, it writes them in order.
import { jit } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { fit } from 'cotangent/train';
import { savePicture } from '../picture/save.js';
import { drawSorting } from './picture.js';

const length = 8;
const symbols = 20;
const size = 64;
const batch = 128;
const steps = 100; // in an epoch
const epochs = Number(process.env.EPOCHS ?? 12);

/** Sequences and the same sequences sorted, made anew for every step: nothing is seen twice. */
const draw = (key, count) => {
  const x = random.randint(key, [count, length], 0, symbols);
  return { x, y: x.sort(1) };
};
function* lessons(epoch) {
  for (let i = 0; i < steps; i++) yield draw(random.foldIn(random.foldIn(random.key(1), epoch), i), batch);
}
const held = draw(random.key(2), 1000);

class Sorter extends nn.Module {
  constructor(key) {
    super();
    const [a, b, c, d] = random.split(key, 4);
    this.embedding = new nn.Embedding(a, symbols, size);
    this.blocks = [new nn.TransformerBlock(b, size, 4), new nn.TransformerBlock(c, size, 4)];
    this.norm = new nn.LayerNorm(size);
    this.head = new nn.Linear(d, size, symbols);
  }

  forward(x, pass) {
    const embedded = this.embedding.forward(x).add(nn.sinusoidal(length, size));
    return this.head.forward(
      this.norm.forward(this.blocks.reduce((h, block) => block.forward(h, pass), embedded)),
    );
  }
}

const model = new Sorter(random.key(0));
console.log(`${nn.parameterCount(model)} parameters, two blocks with four heads each`);
const right = (logits, { y }) => logits.argmax(2).equal(y);
const start = performance.now();
const { model: trained, history } = await fit(model, lessons, {
  loss: (logits, { y }) => nn.crossEntropy(logits, y),
  metrics: {
    numbers: (logits, batch) => right(logits, batch).mean(),
    rows: (logits, batch) => right(logits, batch).all(1).mean(),
  },
  optimizer: optim.chain(
    optim.clipByGlobalNorm(1),
    optim.adam({ learningRate: optim.cosineSchedule({ peak: 0.002, steps: epochs * steps, warmup: 50 }) }),
  ),
  validation: held,
  batchSize: 250,
  epochs,
});
const { rows } = history[history.length - 1].validation;
console.log(
  `\n${(100 * rows).toFixed(1)} % of 1000 new rows are sorted without a mistake, after ${((performance.now() - start) / 1000).toFixed(0)} s`,
);

const example = draw(random.key(3), 1);
const guess = jit((model, x) => model.forward(x).argmax(2))(trained, example.x);
const one = example.x.arraySync()[0];
console.log(`${one.join(' ')}  →  ${guess.arraySync()[0].join(' ')}`);

const file = savePicture(import.meta.url, 'sorting.svg', drawSorting(history));
console.log(`wrote ${file}`);
if (epochs >= 12 && rows < 0.9) {
  console.error('it should sort better than this');
  process.exitCode = 1;
}
