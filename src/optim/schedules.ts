/**
 * Schedules: learning rates, or other numbers, as functions of the step, counted from 0. They compute in float64, also
 * inside `jit`; an optimiser rounds the rate to the type of each parameter.
 */
import { BadArgument } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add, divide, multiply, power, subtract } from '../numpy/arithmetic.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { cos } from '../numpy/elementary.ts';
import { clip, greaterEqual, less, maximum, minimum, where } from '../numpy/logic.ts';
import { floor } from '../numpy/rounding.ts';
import { cast } from '../primitives/arithmetic.ts';
import { full } from '../primitives/broadcast.ts';
import { requirePositive, requireWhole } from './gradients/options.ts';

/** A float64 of the step's shape. */
export type Schedule = (step: TensorLike) => Tensor;

const float = (step: TensorLike): Tensor => cast(asTensor(step), 'float64');

/** How much of a transition of so many steps is done, from 0 to 1. */
const done = (step: TensorLike, begin: number, steps: number): Tensor =>
  clip(divide(subtract(float(step), begin), steps), 0, 1);

export interface TransitionOptions {
  /** The value until the transition begins. */
  readonly from: number;
  /** The value after it. Default 0. */
  readonly to?: number;
  /** How many steps the transition takes. */
  readonly steps: number;
  /** The step at which it begins. Default 0. */
  readonly begin?: number;
}

/**
 * The same value at every step.
 *
 * @example constantSchedule(0.1)(5).item() // 0.1
 * @throws BadArgument
 */
export function constantSchedule(value: number): Schedule {
  requireNumbers('constantSchedule', { value }, 'constantSchedule(0.1)');
  return step => full(asTensor(step).shape, value, 'float64');
}

/**
 * to + (from − to)·(1 − x)^power with x = (t − begin)/steps, cut to [0, 1].
 *
 * @example polynomialSchedule({ from: 0.1, to: 0, power: 2, steps: 1000 })
 * @throws BadArgument
 */
export function polynomialSchedule(options: TransitionOptions & { readonly power: number }): Schedule {
  const { from, to = 0, steps, begin = 0, power: exponent } = options;
  const remedy = 'polynomialSchedule({ from: 0.1, to: 0, power: 2, steps: 1000 })';
  requireNumbers('polynomialSchedule', { from, to, begin }, remedy);
  requirePositive('polynomialSchedule', 'steps', steps, remedy);
  requirePositive('polynomialSchedule', 'power', exponent, remedy);
  return step => {
    const rest = subtract(1, done(step, begin, steps));
    return add(multiply(exponent === 1 ? rest : power(rest, exponent), from - to), to);
  };
}

/**
 * Along a line: to + (from − to)·(1 − x) with x = (t − begin)/steps, cut to [0, 1].
 *
 * @example linearSchedule({ from: 0, to: 0.1, steps: 100 }) // a warmup
 * @throws BadArgument
 */
export function linearSchedule(options: TransitionOptions): Schedule {
  const { from, to = 0, steps, begin = 0 } = options;
  const remedy = 'linearSchedule({ from: 0.1, to: 0, steps: 1000 })';
  requireNumbers('linearSchedule', { from, to, begin }, remedy);
  requirePositive('linearSchedule', 'steps', steps, remedy);
  return polynomialSchedule({ ...options, power: 1 });
}

export interface CosineOptions {
  /** The highest value. */
  readonly peak: number;
  /** The last value. Default 0. */
  readonly to?: number;
  /** How many steps there are, with those of the warmup. */
  readonly steps: number;
  /** How many steps it takes along a line from `from` to the peak. Default 0. */
  readonly warmup?: number;
  /** The first value of the warmup. Default 0. */
  readonly from?: number;
  /** Default 1. */
  readonly exponent?: number;
}

/**
 * Half a wave from the peak, after a warmup along a line if there is one: to + (peak − to)·((1 + cos πx)/2)^exponent
 * with x = (t − warmup)/(steps − warmup), cut to [0, 1] (Loshchilov and Hutter 2017, equation 5).
 *
 * @example adamw({ learningRate: cosineSchedule({ peak: 1e-3, warmup: 100, steps: 1000 }) })
 * @throws BadArgument
 */
export function cosineSchedule(options: CosineOptions): Schedule {
  const { peak, to = 0, steps, warmup = 0, from = 0, exponent = 1 } = options;
  const remedy = 'cosineSchedule({ peak: 1e-3, warmup: 100, steps: 1000 })';
  requireNumbers('cosineSchedule', { peak, to, from }, remedy);
  requireWhole('cosineSchedule', 'warmup', warmup, 0, remedy);
  requirePositive('cosineSchedule', 'exponent', exponent, remedy);
  requirePositive('cosineSchedule', 'steps − warmup', steps - warmup, remedy);
  const wave: Schedule = step => {
    const half = multiply(add(cos(multiply(done(step, 0, steps - warmup), Math.PI)), 1), 0.5);
    return add(multiply(exponent === 1 ? half : power(half, exponent), peak - to), to);
  };
  return warmup === 0
    ? wave
    : joinSchedules([linearSchedule({ from, to: peak, steps: warmup }), wave], [warmup]);
}

export interface ExponentialOptions {
  readonly from: number;
  /** The factor after `steps` steps. */
  readonly rate: number;
  readonly steps: number;
  /** The value stays here once it is reached. None by default. */
  readonly to?: number;
  /** The step at which it begins. Default 0. */
  readonly begin?: number;
  /** Whether the factor changes after every `steps` steps only. Default false. */
  readonly staircase?: boolean;
}

/**
 * from·rate^((t − begin)/steps); the exponent is rounded down with `staircase`.
 *
 * @example exponentialSchedule({ from: 0.1, rate: 0.5, steps: 100, staircase: true })
 * @throws BadArgument
 */
export function exponentialSchedule(options: ExponentialOptions): Schedule {
  const { from, rate, steps, to, begin = 0, staircase = false } = options;
  const remedy = 'exponentialSchedule({ from: 0.1, rate: 0.5, steps: 100 })';
  requireNumbers('exponentialSchedule', { from, begin, to: to ?? 0 }, remedy);
  requirePositive('exponentialSchedule', 'steps', steps, remedy);
  requirePositive('exponentialSchedule', 'rate', rate, remedy);
  return step => {
    const turns = maximum(divide(subtract(float(step), begin), steps), 0);
    const value = multiply(power(rate, staircase ? floor(turns) : turns), from);
    if (to === undefined) return value;
    return rate < 1 ? maximum(value, to) : minimum(value, to);
  };
}

/**
 * `from`, multiplied from each boundary on by its factor.
 *
 * @example piecewiseSchedule(0.1, { 100: 0.1, 200: 0.5 }) // 0.1, 0.01 from step 100, 0.005 from step 200
 * @throws BadArgument
 */
export function piecewiseSchedule(from: number, factors: { readonly [boundary: number]: number }): Schedule {
  const remedy = 'piecewiseSchedule(0.1, { 100: 0.1, 200: 0.5 })';
  requireNumbers('piecewiseSchedule', { from, ...factors }, remedy);
  const boundaries = Object.keys(factors).map(Number);
  requireNumbers('piecewiseSchedule', Object.fromEntries(boundaries.map(b => [`boundary ${b}`, b])), remedy);
  return step => {
    const t = float(step);
    return boundaries.reduce(
      (value, boundary) => where(greaterEqual(t, boundary), multiply(value, factors[boundary]), value),
      constantSchedule(from)(step),
    );
  };
}

export interface OneCycleOptions {
  /** The highest value. */
  readonly peak: number;
  readonly steps: number;
  /** The part of the steps until the peak. Default 0.3. */
  readonly rise?: number;
  /** The peak over the first value. Default 25. */
  readonly divisor?: number;
  /** The first value over the last. Default 1e4. */
  readonly finalDivisor?: number;
  /** `cosine`, or `linear`, which comes back to the first value after 0.85 of the steps. Default `cosine`. */
  readonly shape?: 'cosine' | 'linear';
}

/**
 * Up from peak/divisor to the peak and down to peak/(divisor·finalDivisor), along lines or half waves (Smith and Topin
 * 2019).
 *
 * @example sgd({ learningRate: oneCycleSchedule({ peak: 0.5, steps: 1000 }), momentum: 0.9 })
 * @throws BadArgument
 */
export function oneCycleSchedule(options: OneCycleOptions): Schedule {
  const { peak, steps, rise = 0.3, divisor = 25, finalDivisor = 1e4, shape = 'cosine' } = options;
  const remedy = 'oneCycleSchedule({ peak: 0.5, steps: 1000 })';
  requireNumbers('oneCycleSchedule', { peak }, remedy);
  requireWhole('oneCycleSchedule', 'steps', steps, 1, remedy);
  for (const [what, value] of Object.entries({ rise, divisor, finalDivisor }))
    requirePositive('oneCycleSchedule', what, value, remedy);
  requirePositive('oneCycleSchedule', '1 − rise', 1 - rise, remedy);
  if (shape !== 'cosine' && shape !== 'linear')
    throw new BadArgument({
      did: `oneCycleSchedule with shape ${JSON.stringify(shape)}`,
      expected: "'cosine' or 'linear'",
      remedy,
    });
  const first = peak / divisor;
  const last = first / finalDivisor;
  const top = Math.floor(rise * steps);
  const back = Math.floor(0.85 * steps);
  const points: [at: number, value: number][] =
    shape === 'cosine'
      ? [
          [0, first],
          [top, peak],
          [steps, last],
        ]
      : [
          [0, first],
          [top, peak],
          [back, first],
          [steps, last],
        ];
  return step => {
    let value = constantSchedule(first)(step);
    for (let i = 1; i < points.length; i++) {
      const [[a, from], [b, to]] = [points[i - 1], points[i]];
      const x = done(step, a, Math.max(b - a, 1));
      const way = shape === 'linear' ? x : multiply(subtract(1, cos(multiply(x, Math.PI))), 0.5);
      value = where(greaterEqual(float(step), a), add(multiply(way, to - from), from), value);
    }
    return value;
  };
}

/**
 * One schedule after the other: each counts from 0 at its boundary.
 *
 * @param boundaries the steps at which the second schedule begins, the third, …
 * @example joinSchedules([linearSchedule({ from: 0, to: 0.1, steps: 100 }), constantSchedule(0.1)], [100])
 * @throws BadArgument
 */
export function joinSchedules(
  schedules: readonly ((step: Tensor) => TensorLike)[],
  boundaries: readonly number[],
): Schedule {
  const remedy = 'joinSchedules([warmup, decay], [100])';
  if (
    schedules.length !== boundaries.length + 1 ||
    boundaries.some((b, i) => i > 0 && b <= boundaries[i - 1])
  )
    throw new BadArgument({
      did: `joinSchedules with ${schedules.length} schedules and boundaries [${boundaries.join(', ')}]`,
      expected: 'a rising boundary between each schedule and the next',
      remedy,
    });
  for (const boundary of boundaries) requireWhole('joinSchedules', 'a boundary', boundary, 0, remedy);
  return step => {
    const t = float(step);
    return schedules.slice(1).reduce<Tensor>(
      (value, schedule, i) => {
        const since = subtract(t, boundaries[i]);
        return where(less(since, 0), value, float(schedule(since)));
      },
      float(schedules[0](t)),
    );
  };
}

/** Throws where one of the values is no finite number. */
function requireNumbers(name: string, values: { readonly [what: string]: number }, remedy: string): void {
  for (const [what, value] of Object.entries(values))
    if (!Number.isFinite(value))
      throw new BadArgument({
        did: `${name} with ${what} ${String(value)}`,
        expected: 'a finite number',
        remedy,
      });
}
