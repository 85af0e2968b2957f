/**
 * What transformations need of tensors in general: tangents and cotangents are added, zero, one, cast and given a
 * batch axis. This and `primitive.ts` are all that `transforms/` sees of the primitives.
 */
import type { Aval } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import { constantLike } from './broadcast.ts';

export { add, cast, mul, neg, requireDifferentiable, stop, sub, tag } from './arithmetic.ts';
export { broadcast, constantLike, full, iota, sum, withBatchAxis, zerosLike } from './broadcast.ts';
export { equal, less, select } from './compare.ts';
export { dot } from './dot.ts';
export { gather, scatterAdd } from './gather.ts';
export { moveAxis, permute, reshape } from './layout.ts';
export { reduceOr } from './reduce.ts';
export { concat, slice } from './slice.ts';

export function onesLike(x: Tensor | Aval): Tensor {
  return constantLike(x, 1);
}
