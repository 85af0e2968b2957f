/** Numbers that optimisers are given, checked. */
import { BadArgument } from '../../core/errors.ts';
import type { LearningRate } from './transformation.ts';

/** Throws where an option is not a number from 0 up, or from 0 to below a limit. */
export function requireBetween(
  name: string,
  what: string,
  value: number,
  high: number = Number.POSITIVE_INFINITY,
): void {
  if (!(typeof value === 'number' && value >= 0 && value < high))
    throw new BadArgument({
      did: `${name} with ${what} ${String(value)}`,
      expected:
        high === Number.POSITIVE_INFINITY
          ? 'a number that is not negative'
          : `a number from 0 to below ${high}`,
      remedy: `${name}({ ${what}: ${high === 1 ? 0.9 : 0.001} })`,
    });
}

/** Throws where a number is not positive. */
export function requirePositive(name: string, what: string, value: number, remedy: string): void {
  if (!(typeof value === 'number' && value > 0))
    throw new BadArgument({
      did: `${name} with ${what} ${String(value)}`,
      expected: 'a positive number',
      remedy,
    });
}

/** Throws where a number is not a whole one from `low` up. */
export function requireWhole(name: string, what: string, value: number, low: number, remedy: string): void {
  if (!(Number.isInteger(value) && value >= low))
    throw new BadArgument({
      did: `${name} with ${what} ${String(value)}`,
      expected: `a whole number, ${low} or more`,
      remedy,
    });
}

/** Throws where a learning rate given as a number is negative or missing. */
export function requireRate(name: string, rate: LearningRate): void {
  if (rate === undefined || rate === null || (typeof rate === 'number' && !(rate >= 0)))
    throw new BadArgument({
      did: `${name} with learningRate ${String(rate)}`,
      expected: 'a number that is not negative, a 0-dimensional tensor, or a function of the step',
      remedy: `${name}({ learningRate: 0.001 })`,
    });
}
