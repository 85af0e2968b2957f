/** Early stopping: an end of training when a number has not become better for some epochs. */
import { BadArgument } from '../core/errors.ts';
import type { EpochRecord } from './history.ts';

export interface EarlyStopping {
  /** `loss`, a metric, or either of the validation data: `validation.loss`, `validation.accuracy`. */
  readonly monitor?: string;
  /** Whether smaller or larger is better. Default: larger, unless the name ends in `loss` or `error`. */
  readonly mode?: 'min' | 'max';
  /** So many epochs without a better value are waited for. Default 5. */
  readonly patience?: number;
  /** What is better by less does not count. Default 0. */
  readonly minDelta?: number;
  /** The model of the best epoch is the result. Default true. */
  readonly restoreBest?: boolean;
}

/** Plain JSON. */
export interface Watched {
  readonly best: number | null;
  readonly bestEpoch: number;
  readonly waited: number;
}

export const unwatched: Watched = { best: null, bestEpoch: 0, waited: 0 };

/** The number under a name such as `validation.loss`. */
function valueAt(record: EpochRecord, name: string): number {
  const value = name.startsWith('validation.')
    ? record.validation?.[name.slice('validation.'.length)]
    : record.training[name];
  if (value !== undefined) return value;
  const validation = Object.keys(record.validation ?? {}).map(one => `validation.${one}`);
  throw new BadArgument({
    did: `early stopping watches '${name}'`,
    expected: `one of ${[...Object.keys(record.training), ...validation].map(one => `'${one}'`).join(', ')}`,
    remedy: name.startsWith('validation.')
      ? 'fit(model, data, { validation: held, … })'
      : "earlyStopping: { monitor: 'loss' }",
  });
}

/** What is known after an epoch, and whether the epoch was the best. NaN is never better. */
export function watch(
  options: EarlyStopping,
  watched: Watched,
  record: EpochRecord,
): Watched & { readonly isBest: boolean; readonly stop: boolean } {
  const {
    monitor = record.validation === null ? 'loss' : 'validation.loss',
    patience = 5,
    minDelta = 0,
  } = options;
  const { mode = /(loss|error)$/.test(monitor) ? 'min' : 'max' } = options;
  const value = valueAt(record, monitor);
  const { best } = watched;
  const isBest =
    !Number.isNaN(value) &&
    (best === null || (mode === 'min' ? value < best - minDelta : value > best + minDelta));
  if (isBest) return { best: value, bestEpoch: record.epoch, waited: 0, isBest, stop: false };
  const waited = watched.waited + 1;
  return { ...watched, waited, isBest, stop: waited >= patience };
}
