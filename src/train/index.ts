/** Training: a loop with metrics, validation, early stopping, checkpoints, progress and a log. */
import '../setup.ts';
import '../numpy/methods.ts';

export type { Numbers } from './average.ts';
export type { CheckpointOptions } from './checkpoints.ts';
export {
  type Callback,
  type EndReason,
  evaluate,
  type FitOptions,
  type FitResult,
  fit,
  type Now,
} from './fit.ts';
export type { EpochRecord } from './history.ts';
export type { LogEntry } from './log.ts';
export type { Output, ProgressStyle } from './progress.ts';
export type { Batches, Pipeline, ResumableIterator } from './source.ts';
export type { Task, Updates } from './step.ts';
export type { EarlyStopping } from './stopping.ts';
