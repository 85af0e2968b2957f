/** Progress: a bar on one line of a terminal, plain lines elsewhere. */
import type { Numbers } from './average.ts';
import type { EpochRecord } from './history.ts';

/** `auto` is a bar in a terminal and a line for each epoch elsewhere. */
export type ProgressStyle = 'auto' | 'bar' | 'lines' | 'none';

/** Where it is written. */
export interface Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
}

interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The standard output of a process, or the console. */
export function standardOutput(): Output {
  const { process } = globalThis as { process?: { stdout?: TerminalStream } };
  const stream = process?.stdout;
  if (stream === undefined)
    // biome-ignore lint/suspicious/noConsole: in a page there is no other output
    return { isTerminal: false, columns: 80, write: text => console.log(text.replace(/\n$/, '')) };
  return {
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
    write: text => void stream.write(text),
  };
}

/** What is known in the middle of an epoch. */
export interface Moment {
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done, and how many there are, where that is known. */
  readonly done: number;
  readonly length: number | null;
  readonly values: Numbers;
  /** Examples per second. */
  readonly rate: number;
  /** Until the end of the whole run, where the number of batches is known. */
  readonly secondsLeft: number | null;
}

export interface Progress {
  show(moment: Moment): void;
  epoch(record: EpochRecord, epochs: number): void;
  /** Leaves the line free. */
  end(): void;
}

/** `0:07`, `12:30`, `3:02:09`. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${two(s % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** Four significant digits. */
const short = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(4)).toString() : String(value);
const listed = (values: Numbers, prefix = ''): string =>
  Object.entries(values)
    .map(([name, value]) => `${prefix}${name} ${short(value)}`)
    .join('  ');
const perSecond = (rate: number): string =>
  `${rate >= 10_000 ? `${(rate / 1000).toFixed(1)}k` : short(Math.round(rate))} ex/s`;

/** `epoch 2/10  loss 0.3121  accuracy 0.91  validation.loss 0.4  1834 ex/s  0:07` */
export function epochLine(
  { epoch, training, validation, rate, seconds }: EpochRecord,
  epochs: number,
): string {
  return [
    `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    listed(training),
    ...(validation === null ? [] : [listed(validation, 'validation.')]),
    perSecond(rate),
    clock(seconds),
  ].join('  ');
}

const width = 20;

/** `epoch 2/10 ████░░░░ 12/50  loss 0.3121  1834 ex/s  0:12 left` */
export function barLine({ epoch, epochs, done, length, values, rate, secondsLeft }: Moment): string {
  const full = length === null ? 0 : Math.min(width, Math.floor((width * done) / length));
  const bar =
    length === null ? String(done) : `${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${length}`;
  return [
    `epoch ${epoch}/${epochs} ${bar}`,
    listed(values),
    perSecond(rate),
    ...(secondsLeft === null ? [] : [`${clock(secondsLeft)} left`]),
  ].join('  ');
}

/** Between two changes of the bar, in milliseconds. */
const pace = 100;

export function progressOn(output: Output, style: ProgressStyle): Progress {
  if (style === 'none') return { show: () => {}, epoch: () => {}, end: () => {} };
  const bar = style === 'bar' || (style === 'auto' && output.isTerminal);
  let shown = Number.NEGATIVE_INFINITY;
  let open = false;
  const clear = (): void => {
    if (open) output.write('\r\x1b[K');
    open = false;
  };
  return {
    show: moment => {
      const now = performance.now();
      if (!bar || now - shown < pace) return;
      shown = now;
      open = true;
      output.write(`\r${barLine(moment).slice(0, output.columns - 1)}\x1b[K`);
    },
    epoch: (record, epochs) => {
      clear();
      output.write(`${epochLine(record, epochs)}\n`);
    },
    end: clear,
  };
}
