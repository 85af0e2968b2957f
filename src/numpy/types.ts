/** Element types of tensors. */
import { type DType, promoteTypes } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { asOperand, commonType, convert, requireDType, type TensorLike } from './array.ts';

/**
 * The elements in another type. Floats become integers toward zero, values out of range the nearest in range and NaN
 * 0; integers wrap around; bool is whether a value is not 0. A cotangent is converted back.
 *
 * @example astype(tensor([1.7, -1.7]), 'int32') // [1, -1]
 * @throws UnknownDType
 */
export function astype(x: TensorLike, dtype: DType): Tensor {
  return convert(asOperand(x), requireDType(dtype));
}

/**
 * The element type that operands have together.
 *
 * @example resultType(tensor([1], 'int32'), 0.5) // 'float32'
 */
export function resultType(...operands: readonly TensorLike[]): DType {
  return commonType(operands.map(asOperand));
}

export { promoteTypes };
