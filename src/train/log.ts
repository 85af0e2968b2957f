/** A log of a run: one line of JSON for each event. */
import { builtin } from '../io/builtin.ts';
import type { Numbers } from './average.ts';
import type { EpochRecord } from './history.ts';

export type LogEntry =
  | {
      readonly event: 'start' | 'resume';
      readonly time: string;
      readonly epoch: number;
      readonly step: number;
      readonly parameters: number;
    }
  | { readonly event: 'step'; readonly epoch: number; readonly step: number; readonly values: Numbers }
  | ({ readonly event: 'epoch' } & EpochRecord)
  | {
      readonly event: 'end';
      readonly time: string;
      readonly epoch: number;
      readonly step: number;
      readonly reason: string;
    };

/** Receives the entries; `close` is awaited at the end. */
export interface Log {
  write(entry: LogEntry): Promise<void> | void;
  close(): Promise<void> | void;
}

/** A file that lines are added to, or a function that gets the entries. */
export async function openLog(target: string | ((entry: LogEntry) => void) | undefined): Promise<Log> {
  if (target === undefined) return { write: () => {}, close: () => {} };
  if (typeof target === 'function') return { write: target, close: () => {} };
  const { mkdir, open } = builtin('node:fs/promises');
  const { dirname } = builtin('node:path');
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, 'a');
  return {
    // NaN is no JSON: it is written as text.
    write: async entry => {
      const text = JSON.stringify(entry, (_, value: unknown) =>
        typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
      );
      await file.appendFile(`${text}\n`);
    },
    close: () => file.close(),
  };
}
