/** Operands of functions of real numbers, where integers and booleans become float32, and of truth values. */
import { isFloat } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { zerosLike } from '../primitives/broadcast.ts';
import { notEqual } from '../primitives/compare.ts';
import {
  asOperand,
  asTensor,
  broadcastShapes,
  broadcastTo,
  commonType,
  convert,
  type TensorLike,
} from './array.ts';
import { floating } from './options.ts';

export function asFloat(x: TensorLike): Tensor {
  return floating(asTensor(x));
}

/** Operands of one float type and one shape. */
export function floatsTogether(name: string, values: readonly TensorLike[]): Tensor[] {
  const operands = values.map(asOperand);
  const common = commonType(operands);
  const dtype = isFloat(common) ? common : 'float32';
  const shape = broadcastShapes(
    name,
    operands.map(operand => operand.shape),
  );
  return operands.map(operand => broadcastTo(convert(operand, dtype), shape));
}

/** Whether each element is not 0, as a bool tensor; NaN is not 0. */
export function truth(x: TensorLike): Tensor {
  const operand = asTensor(x);
  return operand.dtype === 'bool' ? operand : notEqual(operand, zerosLike(operand));
}
