/** From the losses of examples to one number. */
import { sameShape } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { asOperand, type TensorLike } from '../../numpy/array.ts';
import { asFloat, floatsTogether } from '../../numpy/operands.ts';
import { sum } from '../../numpy/reduce.ts';
import { mean } from '../../numpy/statistics.ts';

export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** 'mean' (default) and 'sum' give one number; 'none' gives the loss of every example. */
  readonly reduction?: Reduction;
}

/** @param average what 'mean' makes of the losses */
export function reduced(
  name: string,
  losses: Tensor,
  { reduction = 'mean' }: LossOptions,
  average: (losses: Tensor) => Tensor = mean,
): Tensor {
  if (reduction === 'none') return losses;
  if (reduction !== 'mean' && reduction !== 'sum')
    throw new BadArgument({
      did: `${name} with reduction '${String(reduction)}'`,
      expected: "'mean', 'sum' or 'none'",
      remedy: `${name}(predictions, targets, { reduction: 'mean' })`,
    });
  return reduction === 'sum' ? sum(losses) : average(losses);
}

/** Predictions and targets of one type and shape; they are not broadcast, which hides mistakes in a loss. */
export function alike(name: string, predictions: TensorLike, targets: TensorLike): Tensor[] {
  const [a, b] = [asFloat(predictions), asOperand(targets)];
  if (b.ndim > 0 && !sameShape(a.shape, b.shape))
    throw new ShapeMismatch({
      did: `${name} of predictions ${a.aval} and targets ${b.aval}`,
      expected: 'equal shapes, or one number as the target',
      remedy: `reshape one of them: targets.reshape([${a.shape.join(', ')}])`,
    });
  return floatsTogether(name, [a, b]);
}
