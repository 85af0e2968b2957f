/** The training loop: what it computes is what the steps written out compute; resumption; ends; records. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadArgument, grad, NotFinite, type Tensor, tensor, tree } from 'cotangent';
import { batches, from } from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';
import type { Callback, FitOptions, LogEntry } from 'cotangent/train';
import * as train from 'cotangent/train';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const examples = 50;
const data: Batch = {
  x: random.normal(random.key(1), [examples, 3]),
  y: random.randint(random.key(2), [examples], 0, 2),
};
const held: Batch = {
  x: random.normal(random.key(3), [20, 3]),
  y: random.randint(random.key(4), [20], 0, 2),
};
const model = (): nn.Sequential => nn.mlp(random.key(0), [3, 8, 2]);
const loss = (logits: Tensor, { y }: Batch): Tensor => nn.crossEntropy(logits, y);
const accuracy = (logits: Tensor, { y }: Batch): Tensor => logits.argmax(1).equal(y).mean();
const options = (more: Partial<FitOptions<nn.Sequential, Batch, Tensor>> = {}) => ({
  loss,
  metrics: { accuracy },
  optimizer: optim.adam({ learningRate: 0.01 }),
  epochs: 3,
  batchSize: 16,
  progress: 'none' as const,
  ...more,
});
const numbers = (value: unknown): number[][] =>
  tree.flatten(value).leaves.map(leaf => [...(leaf as Tensor).dataSync()]);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cotangent-fit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('what it computes', () => {
  test('is what the steps compute, one after the other', async () => {
    const found = await train.fit(
      model(),
      data,
      options({ shuffle: false, optimizer: optim.sgd({ learningRate: 0.1 }) }),
    );
    let expected = model();
    const optimizer = optim.sgd({ learningRate: 0.1 });
    let state = optimizer.init(expected);
    for (let epoch = 0; epoch < 3; epoch++)
      for (const batch of batches(data, { size: 16, shuffle: false })) {
        const gradients = grad((m: nn.Sequential) => loss(m.forward(batch.x), batch))(expected);
        const [updates, next] = optimizer.update(gradients, state, expected);
        expected = optim.applyUpdates(expected, updates);
        state = next;
      }
    numbers(found.model).forEach((leaf, i) => {
      leaf.forEach((value, k) => {
        expect(value).toBeCloseTo(numbers(expected)[i][k], 5);
      });
    });
    expect(found.step).toBe(12);
    expect(found.reason).toBe('epochs');
  });

  test('leaves the model as it was, and learns', async () => {
    const start = model();
    const before = numbers(start);
    const { history, model: trained } = await train.fit(
      start,
      data,
      options({ epochs: 30, validation: held }),
    );
    expect(numbers(start)).toEqual(before);
    expect(history[29].training.loss).toBeLessThan(0.8 * history[0].training.loss);
    const found = await train.evaluate(trained, held, { loss, metrics: { accuracy }, batchSize: 7 });
    expect(found.accuracy).toBeCloseTo(history[29].validation?.accuracy ?? Number.NaN, 6);
    expect(found.loss).toBeCloseTo(history[29].validation?.loss ?? Number.NaN, 5);
  });

  test('means weigh batches by their examples', async () => {
    const { history } = await train.fit(
      model(),
      data,
      options({ epochs: 1, optimizer: optim.sgd({ learningRate: 0 }) }),
    );
    const all = await train.evaluate(model(), data, { loss, metrics: { accuracy }, batchSize: examples });
    expect(history[0].training.loss).toBeCloseTo(all.loss, 5);
    expect(history[0].training.accuracy).toBeCloseTo(all.accuracy, 6);
  });

  test('the same seed gives the same model, another seed another', async () => {
    const at = async (seed: number) => numbers((await train.fit(model(), data, options({ seed }))).model);
    expect(await at(1)).toEqual(await at(1));
    expect(await at(2)).not.toEqual(await at(1));
  });

  test('state and keys go through the pass', async () => {
    class Noisy extends nn.Module {
      layer = new nn.Linear(random.key(0), 3, 2);
      initialState(): { seen: Tensor } {
        return { seen: tensor(0) };
      }
      forward(x: Tensor, pass: nn.Pass): Tensor {
        const { seen } = pass.read(this);
        if (!pass.training) return this.layer.forward(x);
        pass.write(this, { seen: seen.add(1) });
        return this.layer.forward(x).add(random.normal(pass.key(), [1, 2]));
      }
    }
    const { state } = await train.fit(new Noisy(), data, {
      loss,
      optimizer: optim.sgd({ learningRate: 0.1 }),
      epochs: 2,
      batchSize: 25,
      progress: 'none',
    });
    expect(Object.values(state)[0].seen.item()).toBe(4);
  });

  test('one compilation for each shape of a batch', async () => {
    let traces = 0;
    await train.fit(
      model(),
      data,
      options({
        loss: (logits, batch) => {
          traces++;
          return loss(logits, batch);
        },
      }),
    );
    expect(traces).toBe(2);
  });
});

describe('data', () => {
  const small = { shuffle: false, batchSize: 16, epochs: 2 };

  test('a function of the epoch, a list to iterate over and an asynchronous one are the same', async () => {
    const list = [...batches(data, { size: 16, shuffle: false })];
    const expected = numbers((await train.fit(model(), data, options(small))).model);
    const iterable = { [Symbol.iterator]: () => list[Symbol.iterator]() };
    const asynchronous = {
      async *[Symbol.asyncIterator]() {
        for (const batch of list) yield await Promise.resolve(batch);
      },
    };
    for (const source of [() => list[Symbol.iterator](), iterable, asynchronous])
      expect(numbers((await train.fit(model(), source as Iterable<Batch>, options(small))).model)).toEqual(
        expected,
      );
  });

  test('a pipeline is shuffled anew for each epoch, and goes on behind any batch', async () => {
    const pipeline = from(data).shuffle({ seed: 3, buffer: 20 }).batch(16).prefetch(2);
    const settings = {
      loss,
      optimizer: optim.sgd({ learningRate: 0.1 }),
      epochs: 3,
      progress: 'none' as const,
    };
    const whole = await train.fit(model(), pipeline, settings);
    expect(whole.step).toBe(12);
    for (const stopAt of [2, 4, 7]) {
      const checkpoints = { path: join(folder, String(stopAt)), everySteps: 1 };
      const callbacks = [{ onStep: ({ step }: { step: number }) => (step === stopAt ? 'stop' : undefined) }];
      await train.fit(model(), pipeline, { ...settings, checkpoints, callbacks });
      const rest = await train.fit(model(), pipeline, { ...settings, checkpoints });
      expect(numbers(rest.model)).toEqual(numbers(whole.model));
    }
  });

  test('a signal ends a pipeline that is waited for', async () => {
    const stop = new AbortController();
    const never = from(async function* () {
      yield data;
      await new Promise(() => {});
    } as never);
    setTimeout(() => stop.abort(), 50);
    const settings = { loss, optimizer: optim.sgd({ learningRate: 0.1 }), progress: 'none' as const };
    const { reason, step } = await train.fit(model(), never as never, { ...settings, signal: stop.signal });
    expect([reason, step]).toEqual(['aborted', 1]);
  });

  test('what is no data', async () => {
    await expect(train.fit(model(), {} as Batch, options())).rejects.toThrow(BadArgument);
    await expect(train.fit(model(), { x: 'words' } as never, options())).rejects.toThrow(BadArgument);
    await expect(train.fit(model(), (() => 3) as never, options())).rejects.toThrow(BadArgument);
  });
});

describe('resumption', () => {
  test('a run that stops at any step goes on to the same numbers, bit for bit', async () => {
    const whole = await train.fit(model(), data, options({ validation: held }));
    for (const stopAt of [1, 3, 4, 5, 8, 11]) {
      const checkpoints = { path: join(folder, String(stopAt)), everySteps: 2 };
      const stop: Callback<nn.Sequential> = { onStep: ({ step }) => (step === stopAt ? 'stop' : undefined) };
      const first = await train.fit(
        model(),
        data,
        options({ checkpoints, validation: held, callbacks: [stop] }),
      );
      expect(first.reason).toBe('callback');
      expect(first.step).toBe(stopAt);
      const second = await train.fit(model(), data, options({ checkpoints, validation: held }));
      expect(numbers(second.model)).toEqual(numbers(whole.model));
      expect(numbers(second.optimizerState)).toEqual(numbers(whole.optimizerState));
      expect(second.history.map(({ training, validation }) => [training, validation])).toEqual(
        whole.history.map(({ training, validation }) => [training, validation]),
      );
    }
  });

  test('after an error, from the last checkpoint', async () => {
    const whole = await train.fit(model(), data, options());
    const checkpoints = { path: folder, everySteps: 3 };
    const fails: Callback<nn.Sequential> = {
      onStep: ({ step }) => {
        if (step === 8) throw new Error('power cut');
      },
    };
    await expect(train.fit(model(), data, options({ checkpoints, callbacks: [fails] }))).rejects.toThrow(
      'power cut',
    );
    const steps: number[] = [];
    const counts: Callback<nn.Sequential> = { onStep: ({ step }) => steps.push(step) };
    const second = await train.fit(model(), data, options({ checkpoints, callbacks: [counts] }));
    expect(steps).toEqual([7, 8, 9, 10, 11, 12]);
    expect(numbers(second.model)).toEqual(numbers(whole.model));
  });

  test('a finished run is not trained again; more epochs are added', async () => {
    const checkpoints = folder;
    const first = await train.fit(model(), data, options({ checkpoints }));
    const again = await train.fit(model(), data, options({ checkpoints }));
    expect(again.step).toBe(first.step);
    expect(numbers(again.model)).toEqual(numbers(first.model));
    const longer = await train.fit(model(), data, options({ checkpoints, epochs: 4 }));
    expect(longer.step).toBe(16);
    expect(numbers(longer.model)).toEqual(
      numbers((await train.fit(model(), data, options({ epochs: 4 }))).model),
    );
  });

  test('another model is refused, and the checkpoint stays', async () => {
    await train.fit(model(), data, options({ checkpoints: folder }));
    const other = nn.mlp(random.key(0), [3, 9, 2]);
    await expect(train.fit(other, data, options({ checkpoints: folder }))).rejects.toThrow(/float32\[3,8\]/);
    expect((await train.fit(model(), data, options({ checkpoints: folder }))).step).toBe(12);
  });
});

describe('ends', () => {
  test('a signal ends it after the step, with a checkpoint', async () => {
    const stop = new AbortController();
    const callbacks = [{ onStep: ({ step }: { step: number }) => step === 5 && stop.abort() }];
    const result = await train.fit(
      model(),
      data,
      options({ signal: stop.signal, callbacks, checkpoints: folder }),
    );
    expect([result.reason, result.step]).toEqual(['aborted', 5]);
    const rest = await train.fit(model(), data, options({ checkpoints: folder }));
    expect(numbers(rest.model)).toEqual(numbers((await train.fit(model(), data, options())).model));
  });

  test('a signal that was aborted before: no step', async () => {
    const result = await train.fit(model(), data, options({ signal: AbortSignal.abort() }));
    expect([result.reason, result.step]).toEqual(['aborted', 0]);
  });

  test('early stopping waits, ends, and gives the best model', async () => {
    const stopping = { monitor: 'validation.loss', patience: 3 };
    const settings = options({
      epochs: 200,
      validation: held,
      earlyStopping: stopping,
      optimizer: optim.adam({ learningRate: 0.05 }),
      checkpoints: folder,
    });
    const { history, reason, epoch, model: best } = await train.fit(model(), data, settings);
    const losses = history.map(({ validation }) => validation?.loss ?? Number.NaN);
    expect(reason).toBe('early stopping');
    expect(losses[epoch - 1]).toBe(Math.min(...losses));
    expect(history.length).toBe(epoch + 3);
    const again = await train.evaluate(best, held, { loss, batchSize: 16 });
    expect(again.loss).toBeCloseTo(losses[epoch - 1], 6);
    const resumed = await train.fit(model(), data, settings);
    expect(resumed.reason).toBe('early stopping');
    expect(numbers(resumed.model)).toEqual(numbers(best));
  });

  test('a loss that is no number ends it with an error that says where', async () => {
    const optimizer = optim.sgd({ learningRate: 1e30 });
    const run = train.fit(model(), data, options({ optimizer, epochs: 20 }));
    await expect(run).rejects.toThrow(NotFinite);
    await expect(run).rejects.toThrow(/in epoch \d+, at step \d+/);
  });

  test('options that there are not', async () => {
    for (const wrong of [
      { epochs: -1 },
      { batchSize: 0 },
      { loss: 3 },
      { optimizer: {} },
      { checkpoints: { path: 3 } },
    ])
      await expect(train.fit(model(), data, options(wrong as never))).rejects.toThrow(BadArgument);
    await expect(
      train.fit(model(), data, options({ earlyStopping: { monitor: 'validation.loss' } })),
    ).rejects.toThrow(/validation/);
  });
});

describe('records', () => {
  test('the log has a line of JSON for each event', async () => {
    const log = join(folder, 'logs', 'run.jsonl');
    await train.fit(model(), data, options({ log, logSteps: true, validation: held }));
    const entries = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as LogEntry);
    expect(entries.map(({ event }) => event)).toEqual([
      'start',
      ...[1, 2, 3].flatMap(() => ['step', 'step', 'step', 'step', 'epoch']),
      'end',
    ]);
    expect(entries.at(-1)).toMatchObject({ event: 'end', step: 12, reason: 'epochs' });
    expect(existsSync(log)).toBe(true);
  });

  test('lines elsewhere, a bar in a terminal', async () => {
    const texts: string[] = [];
    const output = { isTerminal: false, columns: 100, write: (text: string) => texts.push(text) };
    await train.fit(model(), data, options({ progress: 'auto', output }));
    expect(texts.length).toBe(3);
    expect(texts[0]).toMatch(
      /^epoch 1\/3 {2}loss [\d.]+ {2}accuracy [\d.]+ {2}[\d.]+k? ex\/s {2}\d+:\d\d\n$/,
    );
    texts.length = 0;
    await train.fit(model(), data, options({ progress: 'bar', output }));
    expect(texts[0]).toMatch(/^\repoch 1\/3 █+░+ 1\/4 {2}loss .* left/);
    expect(texts.at(-1)).toMatch(/^epoch 3\/3/);
  });

  test('the event loop gets its turns', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const start = performance.now();
    await train.fit(model(), data, options({ epochs: 150 }));
    clearInterval(timer);
    expect(turns).toBeGreaterThan((performance.now() - start) / 200);
  });
});
