/** What is remembered of an epoch. */
import type { Numbers } from './average.ts';

/** Plain JSON. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps since the beginning. */
  readonly step: number;
  /** Means over the epoch's examples as they were seen in training: `loss`, and each metric. */
  readonly training: Numbers;
  /** The same of the validation data after the epoch; null without any. */
  readonly validation: Numbers | null;
  /** Of the epoch's training, and of this process alone where it was resumed. */
  readonly seconds: number;
  /** Examples per second of training. */
  readonly rate: number;
}
