// An LSTM learns to write like Lewis Carroll, one character after the other.
import { readFileSync } from 'node:fs';
import { jit, stopGradient, tensor } from 'cotangent';
import { saveCheckpoint } from 'cotangent/io';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import { fit } from 'cotangent/train';
import { savePicture } from '../picture/save.js';
import { drawLearning } from './picture.js';

const text = readFileSync(new URL('alice.txt', import.meta.url), 'latin1').trim();
const alphabet = [...new Set(text)].sort();
const codes = Int32Array.from(text, character => alphabet.indexOf(character));

const batch = 32; // rows of text that are read side by side
const time = 64; // characters through which errors are propagated back
const hidden = 256;
const epochs = Number(process.env.EPOCHS ?? 12);

/** The text in as many rows as a batch has; each row goes on in the next batch where it ended in this. */
function portions(from, to) {
  const length = Math.floor((to - from - 1) / batch);
  const list = [];
  for (let at = 0; at + time <= length; at += time) {
    const rows = shift =>
      Int32Array.from(
        { length: batch * time },
        (_, i) => codes[from + Math.floor(i / time) * length + at + (i % time) + shift],
      );
    list.push({ x: tensor(rows(0), { shape: [batch, time] }), y: tensor(rows(1), { shape: [batch, time] }) });
  }
  return list;
}
const border = Math.floor(0.9 * codes.length);
const train = portions(0, border);
const held = portions(border, codes.length);

/** What the net remembers at the end of a batch is its state: the next batch begins with it, as a constant. */
class Writer extends nn.Module {
  constructor(key, symbols) {
    super();
    const [a, b, c] = random.split(key, 3);
    this.embedding = new nn.Embedding(a, symbols, 64);
    this.net = new nn.LSTM(b, 64, hidden);
    this.dropout = new nn.Dropout(0.2);
    this.head = new nn.Linear(c, hidden, symbols);
  }

  initialState() {
    const [{ h, c }] = this.net.initialCarry(batch);
    return { h, c };
  }

  forward(x, pass) {
    const [outputs, [carry]] = this.net.run(this.embedding.forward(x), { carry: [pass.read(this)] }, pass);
    pass.write(this, stopGradient(carry));
    return this.head.forward(this.dropout.forward(outputs, pass));
  }

  /** The logits of the next character, and what is remembered. */
  step(carry, character) {
    const [next, output] = this.net.step([carry], this.embedding.forward(character));
    return [next[0], this.head.forward(output)];
  }
}

const bits = loss => loss / Math.LN2;
const model = new Writer(random.key(0), alphabet.length);
console.log(
  `${codes.length} characters, ${alphabet.length} different ones; ${nn.parameterCount(model)} parameters`,
);

const start = performance.now();
const { model: trained, history } = await fit(model, () => train, {
  loss: (logits, { y }) => nn.crossEntropy(logits, y),
  optimizer: optim.chain(
    optim.clipByGlobalNorm(1),
    optim.adam({
      learningRate: optim.cosineSchedule({ peak: 0.004, steps: epochs * train.length, warmup: 50 }),
    }),
  ),
  validation: () => held,
  epochs,
});
const last = history[history.length - 1];
console.log(
  `\n${bits(last.validation.loss).toFixed(3)} bits per character on the last tenth of the book, after ${((performance.now() - start) / 1000).toFixed(0)} s`,
);

/** Characters drawn one after the other, each from the distribution that the net gives for it. */
function write(model, beginning, length, temperature, key) {
  const step = jit((model, carry, code, key) => {
    const [next, logits] = model.step(carry, code.reshape([1]));
    return [next, random.categorical(key, logits.div(temperature).reshape([-1]))];
  });
  let [carry] = model.net.initialCarry(1);
  let code = 0;
  let written = beginning;
  for (let i = 0; i < beginning.length + length - 1; i++) {
    const given = i < beginning.length ? alphabet.indexOf(beginning[i]) : code;
    const [next, drawn] = step(model, carry, tensor(given, 'int32'), random.foldIn(key, i));
    carry = next;
    code = drawn.item();
    if (i >= beginning.length - 1) written += alphabet[code];
  }
  return written;
}
const sample = write(trained, 'Alice ', 400, 0.6, random.key(7));
console.log(`\n${sample}\n`);
const words = new Set(text.toLowerCase().match(/[a-z']+/g));
const drawn = sample
  .toLowerCase()
  .match(/[a-z']+/g)
  .slice(0, -1);
const known = drawn.filter(word => words.has(word)).length / drawn.length;
console.log(`${(100 * known).toFixed(0)} % of the ${drawn.length} words that it wrote are words of the book`);

const file = savePicture(import.meta.url, 'characters.svg', drawLearning(history, sample));
await saveCheckpoint(
  new URL('out/writer.safetensors', import.meta.url),
  { model: trained },
  { metadata: { alphabet: alphabet.join('') } },
);
console.log(`wrote ${file} and writer.safetensors`);
if (epochs >= 12 && !(bits(last.validation.loss) < 2.4 && known > 0.75)) {
  console.error('it should write better than this');
  process.exitCode = 1;
}
