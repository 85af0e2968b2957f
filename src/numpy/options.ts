/** Last arguments that may be a bare value or an object of options. */
import { type DType, isFloat } from '../core/dtype.ts';
import { Tensor } from '../core/tensor.ts';
import { convert, requireDType } from './array.ts';

/** An element type, bare or as `{ dtype }`. */
export type DTypeOption = DType | { readonly dtype?: DType };

/** An axis, bare or as `{ axis }`; null stands for the flattened tensor where a function allows it. */
export type AxisOption = number | null | { readonly axis?: number | null };

/** One axis or several, bare or as `{ axis }`. */
export type AxesOption =
  | number
  | readonly number[]
  | null
  | { readonly axis?: number | readonly number[] | null };

export function dtypeFrom(option: DTypeOption | undefined): DType | undefined {
  const dtype = typeof option === 'object' && option !== null ? option.dtype : option;
  return dtype === undefined ? undefined : requireDType(dtype);
}

export function axisFrom<Default extends number | null>(
  option: AxisOption | undefined,
  fallback: Default,
): number | Default {
  const axis = typeof option === 'object' && option !== null ? option.axis : option;
  return axis === undefined ? fallback : (axis as number | Default);
}

export function axesFrom(option: AxesOption | undefined): number | readonly number[] | null {
  if (option === undefined || option === null || typeof option === 'number') return option ?? null;
  return 'axis' in option ? (option.axis ?? null) : Array.isArray(option) ? (option as number[]) : null;
}

/** Whether a last argument holds options rather than values. */
export function isOptions(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Tensor) &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !('get' in value)
  );
}

/** The tensor itself where it is a float, else as float32. */
export function floating(x: Tensor): Tensor {
  return isFloat(x.dtype) ? x : convert(x, 'float32');
}
