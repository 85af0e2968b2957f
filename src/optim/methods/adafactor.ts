/** Adafactor: second moments of a matrix in the space of a row and a column. */
import type { Tensor } from '../../core/tensor.ts';
import { add, divide, multiply, negative, power, square, subtract } from '../../numpy/arithmetic.ts';
import { sqrt } from '../../numpy/elementary.ts';
import { maximum } from '../../numpy/logic.ts';
import { expandDims } from '../../numpy/shape.ts';
import { mean } from '../../numpy/statistics.ts';
import { cast } from '../../primitives/arithmetic.ts';
import { full } from '../../primitives/broadcast.ts';
import { clipByBlockRms, rootMeanSquare } from '../gradients/clip.ts';
import { addDecayedWeights } from '../gradients/decay.ts';
import { blend } from '../gradients/decaying.ts';
import {
  type CountedSlots,
  counted,
  identity,
  leafwise,
  type Slots,
  stateless,
  zeros,
} from '../gradients/leafwise.ts';
import { requireBetween, requirePositive, requireRate, requireWhole } from '../gradients/options.ts';
import { type ScaleState, scale, scaleBySchedule } from '../gradients/scale.ts';
import type { Mask } from '../gradients/select.ts';
import { chain, type GradientTransformation, type LearningRate } from '../gradients/transformation.ts';

export interface FactoredRmsOptions {
  /** γ of the decay 1 − t^−γ, from 0 to below 1. Default 0.8. */
  readonly decayRate?: number;
  /** Both of the largest two axes must have this extent for a tensor to be factored. Default 128. */
  readonly smallestFactored?: number;
  /** Added to g². Default 1e-30. */
  readonly eps?: number;
}

/** `row` and `column` of what is factored, `square` of the rest; the other is empty. */
export type FactoredRmsState = CountedSlots<'row' | 'column' | 'square'>;

/** The second largest axis and the largest, of ties the first first; undefined where they are not both large. */
function factoredAxes(shape: readonly number[], smallest: number): [number, number] | undefined {
  const [column, row] = shape
    .map((_, axis) => axis)
    .sort((a, b) => shape[a] - shape[b] || a - b)
    .slice(-2);
  return shape.length >= 2 && shape[column] >= smallest ? [column, row] : undefined;
}

const without = (shape: readonly number[], axis: number): number[] => shape.filter((_, i) => i !== axis);

/**
 * The direction of Adafactor (Shazeer and Stern 2018, algorithms 4 and 5): the mean square V of g² + ε with decay
 * 1 − t^−γ, and u = g/√V. Of a tensor with two large axes only the means R and C along either are kept, and
 * V = R·C/mean(R).
 *
 * @example chain(scaleByFactoredRms(), clipByBlockRms(1), scaleByLearningRate(0.01))
 * @throws BadArgument
 */
export function scaleByFactoredRms(
  options: FactoredRmsOptions = {},
): GradientTransformation<FactoredRmsState> {
  const { decayRate, smallestFactored, eps } = checked('scaleByFactoredRms', options);
  const axesOf = (p: Tensor): [number, number] | undefined => factoredAxes(p.shape, smallestFactored);
  const empty = (p: Tensor): Tensor => full([0], 0, p.dtype);
  /** Means along the largest axis (0), along the second largest (1). */
  const means = (which: 0 | 1) => (p: Tensor) => {
    const axes = axesOf(p);
    return axes === undefined ? empty(p) : full(without(p.shape, axes[1 - which]), 0, p.dtype);
  };
  const begin = {
    row: means(0),
    column: means(1),
    square: (p: Tensor) => (axesOf(p) === undefined ? zeros(p) : empty(p)),
  };
  return counted('scaleByFactoredRms', begin, step => {
    const kept = subtract(1, power(cast(step, 'float64'), -decayRate));
    return (g, slots, p) => {
      const decay = cast(kept, g.dtype);
      const mixed = (old: Tensor, fresh: Tensor): Tensor =>
        add(multiply(old, decay), multiply(fresh, subtract(1, decay)));
      const squares = add(square(g), eps);
      const axes = axesOf(p);
      if (axes === undefined) {
        const next = mixed(slots.square, squares);
        return [divide(g, sqrt(next)), { ...slots, square: next }];
      }
      const [column, row] = axes;
      const rows = mixed(slots.row, mean(squares, { axis: row }));
      const columns = mixed(slots.column, mean(squares, { axis: column }));
      const along = column > row ? column - 1 : column;
      const shares = divide(rows, mean(rows, { axis: along, keepdims: true }));
      const update = divide(divide(g, expandDims(sqrt(shares), row)), expandDims(sqrt(columns), column));
      return [update, { ...slots, row: rows, column: columns }];
    };
  });
}

/**
 * u = g·max(RMS(p), smallest) for each leaf: steps relative to the parameters.
 *
 * @param smallest default 1e-3
 * @example chain(scaleByFactoredRms(), scaleByParameterRms(), scaleByLearningRate(0.01))
 * @throws BadArgument
 */
export function scaleByParameterRms(smallest = 1e-3): GradientTransformation<null> {
  requireBetween('scaleByParameterRms', 'smallest', smallest);
  return stateless('scaleByParameterRms', (g, p) => multiply(g, maximum(rootMeanSquare(p), smallest)));
}

export interface AdafactorOptions extends FactoredRmsOptions {
  readonly learningRate: LearningRate;
  /** How large the root mean square of a leaf's direction may be; null for no limit. Default 1. */
  readonly clip?: number | null;
  /** Whether steps are relative to the root mean square of each leaf. Default true. */
  readonly relative?: boolean;
  /** Decay of a mean of the steps, in [0, 1). None by default. */
  readonly momentum?: number;
  /** λ, not multiplied by the learning rate. Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay. All by default. */
  readonly mask?: Mask;
}

type AdafactorStates = [FactoredRmsState, null, ScaleState, null, Slots<'mean'> | null, null, null];

/**
 * Adafactor (Shazeer and Stern 2018): u = −η·max(RMS(p), 0.001)·clipped(g/√V), see {@link scaleByFactoredRms}. Its state
 * is much smaller than that of Adam, as matrices keep no second moment of their own size, and there is no first one.
 *
 * @example const optimizer = adafactor({ learningRate: 0.01 })
 * @throws BadArgument
 */
export function adafactor(options: AdafactorOptions): GradientTransformation<AdafactorStates> {
  const { learningRate, clip = 1, relative = true, momentum, weightDecay = 0, mask } = options;
  checked('adafactor', options);
  requireRate('adafactor', learningRate);
  if (clip !== null) requirePositive('adafactor', 'clip', clip, 'adafactor({ learningRate: 0.01, clip: 1 })');
  if (momentum !== undefined) requireBetween('adafactor', 'momentum', momentum, 1);
  requireBetween('adafactor', 'weightDecay', weightDecay);
  const averaged = (decay: number): GradientTransformation<Slots<'mean'>> =>
    leafwise('adafactor', { mean: zeros }, (g, slots) => {
      const next = blend(slots.mean, g, decay);
      return [next, { mean: next }];
    });
  const rate: GradientTransformation<ScaleState> =
    typeof learningRate === 'function' ? (scaleBySchedule(learningRate) as never) : scale(learningRate);
  return chain(
    scaleByFactoredRms(options),
    clip === null ? identity() : clipByBlockRms(clip),
    rate,
    relative ? scaleByParameterRms() : identity(),
    (momentum === undefined
      ? identity()
      : averaged(momentum)) as GradientTransformation<Slots<'mean'> | null>,
    addDecayedWeights(weightDecay, mask),
    stateless('adafactor', g => negative(g)),
  );
}

function checked(name: string, options: FactoredRmsOptions): Required<FactoredRmsOptions> {
  const { decayRate = 0.8, smallestFactored = 128, eps = 1e-30 } = options;
  requireBetween(name, 'decayRate', decayRate, 1);
  requireWhole(name, 'smallestFactored', smallestFactored, 1, `${name}({ smallestFactored: 128 })`);
  requireBetween(name, 'eps', eps);
  return { decayRate, smallestFactored, eps };
}
