/** Checkpoints of a run: everything that it needs to go on as if it had never stopped. */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { builtin } from '../io/builtin.ts';
import { inspectCheckpoint, listCheckpoints, loadCheckpoint, saveCheckpoint } from '../io/checkpoint.ts';
import type { ModelState } from '../nn/pass.ts';
import type { Sums } from './average.ts';
import type { EpochRecord } from './history.ts';
import type { Learned } from './step.ts';
import type { Watched } from './stopping.ts';

export interface CheckpointOptions {
  /** The folder. */
  readonly path: string;
  /** Steps from one to the next, besides one at the end of each epoch. Default: at the ends of epochs only. */
  readonly everySteps?: number;
  /** How many are kept, the newest. Default 2. */
  readonly keep?: number;
  /** Whether a run goes on from the newest checkpoint of the folder. Default true. */
  readonly resume?: boolean;
}

/** Where a run is, plain JSON. */
export interface RunProgress {
  /** The epoch that is under way, counted from 1. */
  readonly epoch: number;
  readonly step: number;
  /** Where the epoch's source is; null at its beginning. */
  readonly source: unknown;
  readonly sums: Sums;
  readonly history: readonly EpochRecord[];
  readonly watched: Watched;
  /** By early stopping. */
  readonly stopped: boolean;
}

export interface Saved<M> {
  readonly learned: Learned<M>;
  readonly key: Tensor;
  /** Of the best epoch, where one is watched for. */
  readonly best: { readonly model: M; readonly state: ModelState } | null;
  readonly progress: RunProgress;
}

export interface Checkpoints<M> {
  /** The newest, or null. `like` has the trees. */
  load(like: { readonly learned: Learned<M>; readonly key: Tensor }): Promise<Saved<M> | null>;
  /** Whether one is due after a step. */
  due(step: number): boolean;
  save(saved: Saved<M>): Promise<void>;
}

const none: Checkpoints<never> = {
  load: () => Promise.resolve(null),
  due: () => false,
  save: () => Promise.resolve(),
};

const file = 'run.safetensors';

/** Plain data that the metadata hold. */
interface Metadata {
  readonly progress: RunProgress;
  readonly best: boolean;
}

/** The checkpoints of a folder, which is made if it is not there. */
export async function openCheckpoints<M>(
  target: string | CheckpointOptions | undefined,
): Promise<Checkpoints<M>> {
  if (target === undefined) return none as unknown as Checkpoints<M>;
  const {
    path,
    everySteps,
    keep = 2,
    resume = true,
  } = typeof target === 'string' ? { path: target } : target;
  if (typeof path !== 'string' || !isCount(keep) || !(everySteps === undefined || isCount(everySteps)))
    throw new BadArgument({
      did: `fit with checkpoints ${JSON.stringify(target)}`,
      expected: 'a folder, or { path, everySteps, keep } with positive whole numbers',
      remedy: "fit(model, data, { checkpoints: 'run', … })",
    });
  const { mkdir } = builtin('node:fs/promises');
  const { join } = builtin('node:path');
  await mkdir(path, { recursive: true });
  const place = join(path, file);
  return {
    load: async ({ learned, key }) => {
      const [newest] = resume ? await listCheckpoints(place) : [];
      if (newest === undefined) return null;
      const { progress, best } = (await inspectCheckpoint(newest)).metadata as unknown as Metadata;
      const { model, state } = learned;
      const like = { learned, key, ...(best ? { best: { model, state } } : {}) };
      const saved = (await loadCheckpoint(newest, like)) as typeof like;
      return { learned: saved.learned, key: saved.key, best: saved.best ?? null, progress };
    },
    due: step => everySteps !== undefined && step % everySteps === 0,
    save: ({ learned, key, best, progress }) =>
      saveCheckpoint(
        place,
        { learned, key, ...(best === null ? {} : { best }) },
        { keep: keep - 1, metadata: { progress, best: best !== null } as never },
      ),
  };
}

const isCount = (n: number): boolean => Number.isInteger(n) && n >= 1;
