/** The training loop. */
import { BadArgument, NotFinite } from '../core/errors.ts';
import { scalar, type Tensor } from '../core/tensor.ts';
import { initialState, type ModelState } from '../nn/pass.ts';
import { parameterCount } from '../nn/summary.ts';
import { key as keyOf, split } from '../random/key.ts';
import { addBatch, means, type Numbers, noSums } from './average.ts';
import { type CheckpointOptions, openCheckpoints, type RunProgress } from './checkpoints.ts';
import type { EpochRecord } from './history.ts';
import { type LogEntry, openLog } from './log.ts';
import { pauses } from './pause.ts';
import { type Output, type ProgressStyle, progressOn, standardOutput } from './progress.ts';
import { type Batches, examplesIn, openEpoch, type SourceOptions } from './source.ts';
import {
  evaluationStep,
  type Learned,
  type Measured,
  type Task,
  trainingStep,
  type Updates,
} from './step.ts';
import { type EarlyStopping, unwatched, watch } from './stopping.ts';

/** What a callback sees. */
export interface Now<M> {
  readonly model: M;
  readonly state: ModelState;
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps since the beginning of the run. */
  readonly step: number;
  /** Of the last batch in `onStep`, of the epoch so far in `onEpoch`. */
  readonly values: Numbers;
  readonly history: readonly EpochRecord[];
}

/** Called while a model is trained, and awaited. The word `stop` ends the run. */
export interface Callback<M> {
  onStep?(now: Now<M>): unknown;
  onEpoch?(now: Now<M>): unknown;
}

export interface FitOptions<M, B, P> extends Task<M, B, P> {
  /** From `cotangent/optim`. */
  readonly optimizer: Updates;
  /** How often all data are gone through. Default 1. */
  readonly epochs?: number;
  /** Examples in a batch, where data are a tree of tensors. Default 32. */
  readonly batchSize?: number;
  /** Whether a tree of tensors is put in another order for each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Data that are not trained on: measured after each epoch. */
  readonly validation?: Batches<B>;
  /** Where order and dropout come from: a key, or a seed for one (default 0). */
  readonly key?: Tensor;
  readonly seed?: number;
  /** The state of the model's layers to start with. Default `initialState(model)`. */
  readonly state?: ModelState;
  readonly callbacks?: readonly Callback<M>[];
  readonly earlyStopping?: EarlyStopping;
  /** A folder, or more. A run whose folder has a checkpoint goes on from it. */
  readonly checkpoints?: string | CheckpointOptions;
  /** A file to which events are added, a line of JSON each, or a function that gets them. */
  readonly log?: string | ((entry: LogEntry) => void);
  /** Whether the log has every step, too. Default false. */
  readonly logSteps?: boolean;
  /** Default `auto`. */
  readonly progress?: ProgressStyle;
  /** Where progress is written. Default: the standard output, or the console. */
  readonly output?: Output;
  /** Ends the run after the step in which it is aborted; a checkpoint is saved first. */
  readonly signal?: AbortSignal;
}

/** Why a run ended: all epochs were done, a number did not improve, the signal was aborted, a callback said stop. */
export type EndReason = 'epochs' | 'early stopping' | 'aborted' | 'callback';

export interface FitResult<M> {
  readonly model: M;
  /** Of the model's layers. */
  readonly state: ModelState;
  readonly optimizerState: unknown;
  readonly history: readonly EpochRecord[];
  /** The epoch whose model this is. */
  readonly epoch: number;
  readonly step: number;
  readonly reason: EndReason;
}

function requireOptions(options: FitOptions<never, never, never>): void {
  const { epochs = 1, batchSize = 32, loss, optimizer } = options;
  const wrong =
    typeof loss !== 'function'
      ? ['loss', 'a function of the prediction and the batch']
      : typeof optimizer?.update !== 'function'
        ? ['optimizer', 'an optimiser of cotangent/optim']
        : !(Number.isInteger(epochs) && epochs >= 0)
          ? ['epochs', 'a whole number']
          : !(Number.isInteger(batchSize) && batchSize >= 1)
            ? ['batchSize', 'a positive integer']
            : null;
  if (wrong === null) return;
  const [name, expected] = wrong;
  throw new BadArgument({
    did: `fit with ${name} ${String((options as unknown as Record<string, unknown>)[name])}`,
    expected,
    remedy:
      'fit(model, { x, y }, { loss: (logits, { y }) => crossEntropy(logits, y), optimizer: adam({ learningRate: 1e-3 }) })',
  });
}

/** Numbers of a batch. They are read at once, so that no more than one step is ever under way. */
function numbersOf({ loss, metrics }: Measured): Numbers {
  const values: Record<string, number> = { loss: loss.item() as number };
  for (const [name, metric] of Object.entries(metrics)) values[name] = metric.item() as number;
  return values;
}

/**
 * Means of the loss and the metrics over data, in evaluation: dropout drops nothing, batch norm uses its statistics.
 *
 * @param task loss, metrics, and `forward` where it is not `model.forward(batch.x, pass)`
 * @example const { loss, accuracy } = await evaluate(model, held, { loss, metrics: { accuracy }, batchSize: 256 })
 * @throws BadArgument
 */
export async function evaluate<M, B, P = Tensor>(
  model: M,
  data: Batches<B>,
  task: Task<M, B, P> & { readonly batchSize?: number; readonly state?: ModelState },
): Promise<Numbers> {
  const { batchSize = 32, state = initialState(model) } = task;
  return await measureAll(evaluationStep(task), model, state, data, { batchSize, shuffle: null });
}

async function measureAll<M, B>(
  step: (model: M, state: ModelState, batch: B) => [Measured, ModelState],
  model: M,
  state: ModelState,
  data: Batches<B>,
  options: SourceOptions,
): Promise<Numbers> {
  const pause = pauses();
  const source = openEpoch('evaluate', data, 1, options);
  let sums = noSums;
  let before = state;
  for (let batch = await source.next(); batch !== null; batch = await source.next()) {
    // What a layer writes in evaluation, such as the memory of a recurrent net, the next batch reads.
    const [measured, after] = step(model, before, batch);
    before = after;
    sums = addBatch(sums, examplesIn(batch), numbersOf(measured));
    await pause();
  }
  return means(sums);
}

/**
 * Trains a model: for every batch of every epoch the gradient of the loss, and a step of the optimiser, compiled as one
 * program. The model that is passed does not change.
 *
 * Between steps the event loop gets its turns, so that a page stays usable. With `checkpoints` a run that ended at any
 * moment, however rudely, goes on when it is called again with the same arguments, and ends with the same numbers, bit
 * for bit, as one that was never interrupted.
 *
 * @param data a tree of tensors with one example for each place along axis 0, such as { x, y }; or a pipeline, batches
 *   to iterate over, or a function of the epoch that gives them
 * @returns the trained model, the state of its layers, the optimiser's state, and a record of each epoch
 * @example const { model, history } = await fit(mlp(key(0), [784, 128, 10]), { x: images, y: labels }, {
 *   loss: (logits, { y }) => crossEntropy(logits, y),
 *   metrics: { accuracy: (logits, { y }) => logits.argmax(1).equal(y).mean() },
 *   optimizer: adam({ learningRate: 1e-3 }), epochs: 10, batchSize: 64,
 * })
 * @throws BadArgument; NotFinite where the loss is no finite number any more; what loss, model and callbacks throw
 */
export async function fit<M, B, P = Tensor>(
  model: M,
  data: Batches<B>,
  options: FitOptions<M, B, P>,
): Promise<FitResult<M>> {
  requireOptions(options as unknown as FitOptions<never, never, never>);
  const { epochs = 1, batchSize = 32, shuffle = true, optimizer, signal, validation } = options;
  const { callbacks = [], earlyStopping, progress: style = 'auto' } = options;
  const run = trainingStep(options, optimizer);
  const measure = evaluationStep(options);

  let learned: Learned<M> = {
    model,
    state: options.state ?? initialState(model),
    optimizer: optimizer.init(model),
  };
  let key = options.key ?? keyOf(options.seed ?? 0);
  let best: { readonly model: M; readonly state: ModelState } | null = null;
  let at: RunProgress = {
    epoch: 1,
    step: 0,
    source: null,
    sums: noSums,
    history: [],
    watched: unwatched,
    stopped: false,
  };
  const checkpoints = await openCheckpoints<M>(options.checkpoints);
  const saved = await checkpoints.load({ learned, key });
  if (saved !== null) ({ learned, key, best, progress: at } = saved);
  const save = (): Promise<void> => checkpoints.save({ learned, key, best, progress: at });
  const [orderKey, stepKey] = split(key);
  const order: SourceOptions = { batchSize, shuffle: shuffle ? orderKey : null, signal };

  const log = await openLog(options.log);
  const progress = progressOn(options.output ?? standardOutput(), style);
  const stamp = (): { time: string; epoch: number; step: number } => ({
    time: new Date().toISOString(),
    epoch: at.epoch,
    step: at.step,
  });
  const now = (values: Numbers): Now<M> => ({
    model: learned.model,
    state: learned.state,
    epoch: at.epoch,
    step: at.step,
    values,
    history: at.history,
  });
  const asked = async (event: 'onStep' | 'onEpoch', values: Numbers): Promise<boolean> => {
    let stop = false;
    for (const callback of callbacks) stop = (await callback[event]?.(now(values))) === 'stop' || stop;
    return stop;
  };

  /** The rest of the epoch. A reason to end in the middle of it, or null. */
  const trainEpoch = async (): Promise<EndReason | null> => {
    const source = openEpoch<B>('fit', data, at.epoch, order, at.source ?? undefined);
    const pause = pauses();
    const before = { examples: at.sums.examples, time: performance.now() };
    try {
      for (let batch = await source.next(); batch !== null; batch = await source.next()) {
        if (signal?.aborted) return 'aborted';
        const [next, measured] = run(learned, stepKey, scalar('int32', at.step), batch);
        const values = numbersOf(measured);
        if (!Number.isFinite(values.loss)) throw diverged(values.loss, at);
        learned = next;
        const sums = addBatch(at.sums, examplesIn(batch), values);
        at = { ...at, step: at.step + 1, source: source.state(), sums };
        if (options.logSteps === true)
          await log.write({ event: 'step', epoch: at.epoch, step: at.step, values });
        const seconds = (performance.now() - before.time) / 1000;
        const rate = (sums.examples - before.examples) / seconds;
        // Of a stream the epochs that are done tell how long one is.
        const past = at.history.at(-1);
        const length = source.length ?? (past === undefined ? null : past.step / past.epoch);
        progress.show({
          epoch: at.epoch,
          epochs,
          done: sums.batches,
          length: source.length,
          values: means(sums),
          rate,
          secondsLeft: length === null ? null : secondsLeft(length * epochs - at.step, sums, rate),
        });
        if (await asked('onStep', values)) return 'callback';
        if (checkpoints.due(at.step)) await save();
        await pause();
        if (signal?.aborted) return 'aborted';
      }
    } catch (error) {
      // A pipeline that was waited for ends with the signal's reason.
      if (signal?.aborted === true && error === signal.reason) return 'aborted';
      throw error;
    } finally {
      await source.close();
    }
    return await endEpoch((performance.now() - before.time) / 1000, before.examples);
  };

  const endEpoch = async (seconds: number, examplesBefore: number): Promise<EndReason | null> => {
    const held =
      validation === undefined
        ? null
        : await measureAll(measure, learned.model, learned.state, validation, { batchSize, shuffle: null });
    const record: EpochRecord = {
      epoch: at.epoch,
      step: at.step,
      training: means(at.sums),
      validation: held,
      seconds,
      rate: (at.sums.examples - examplesBefore) / seconds,
    };
    progress.epoch(record, epochs);
    await log.write({ event: 'epoch', ...record });
    at = { ...at, history: [...at.history, record] };
    if (earlyStopping !== undefined) {
      const { isBest, stop, ...watched } = watch(earlyStopping, at.watched, record);
      if (isBest) best = { model: learned.model, state: learned.state };
      at = { ...at, watched, stopped: stop };
    }
    const ended = await asked('onEpoch', record.training);
    at = { ...at, epoch: at.epoch + 1, source: null, sums: noSums };
    await save();
    return at.stopped ? 'early stopping' : ended ? 'callback' : null;
  };

  let reason: EndReason | null = at.stopped ? 'early stopping' : null;
  try {
    await log.write({
      event: saved === null ? 'start' : 'resume',
      ...stamp(),
      parameters: parameterCount(model),
    });
    while (reason === null && at.epoch <= epochs) {
      if (signal?.aborted) reason = 'aborted';
      else reason = await trainEpoch();
    }
    if (reason === 'aborted' || reason === 'callback') await save();
    reason ??= 'epochs';
    await log.write({ event: 'end', ...stamp(), reason });
  } finally {
    progress.end();
    await log.close();
  }
  const restored = best !== null && earlyStopping?.restoreBest !== false ? best : learned;
  return {
    model: restored.model,
    state: restored.state,
    optimizerState: learned.optimizer,
    history: at.history,
    epoch: restored === learned ? at.history.length : at.watched.bestEpoch,
    step: at.step,
    reason,
  };
}

/** For so many batches of the size that they have had. */
const secondsLeft = (
  batches: number,
  { examples, batches: done }: { readonly examples: number; readonly batches: number },
  rate: number,
): number => (batches * (examples / done)) / rate;

function diverged(loss: number, { epoch, step }: RunProgress): NotFinite {
  return new NotFinite({
    did: `fit: the loss is ${loss} in epoch ${epoch}, at step ${step + 1}`,
    expected: 'a finite number',
    remedy:
      'take a smaller learning rate, or clip the gradients: chain(clipByGlobalNorm(1), adam({ learningRate })); debugNans shows where it arose',
  });
}
