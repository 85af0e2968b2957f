/** Operands for the laws, made from what a primitive's declaration says of them. */

import { Aval } from '../core/aval.ts';
import { allocate, type DType, isFloat } from '../core/dtype.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../core/tensor.ts';
import type { Primitive, Sample, SampleOperand } from '../primitives/primitive.ts';

/** A generator with a fixed seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function fromValues(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType,
): ConcreteTensor {
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) data[i] = values[i];
  return new ConcreteTensor(new Aval(dtype, shape), new HostStorage(data));
}

/** Values of a float operand keep their own type where the sample names it; others are `precision`. */
export function operandOf(
  spec: SampleOperand,
  precision: 'float32' | 'float64',
  random: () => number,
): ConcreteTensor {
  const size = spec.shape.reduce((a, b) => a * b, 1);
  if (spec.values !== undefined) {
    const dtype = spec.dtype ?? precision;
    return fromValues(spec.values, spec.shape, dtype === 'float64' ? precision : dtype);
  }
  const { low = -2, high = 2 } = spec;
  return fromValues(
    Array.from({ length: size }, () => low + (high - low) * random()),
    spec.shape,
    spec.dtype ?? precision,
  );
}

export function operandsOf(
  sample: Sample<object>,
  precision: 'float32' | 'float64',
  seed = 1,
): ConcreteTensor[] {
  const random = randomNumbers(seed);
  return sample.operands.map(spec => operandOf(spec, precision, random));
}

/** Whether the derivative laws apply: random (not awkward) float operands, a float among the results. */
export function isDifferentiableSample(primitive: Primitive, sample: Sample<object>): boolean {
  if (primitive.kind === 'flat') return false;
  const floats = sample.operands.filter(spec => isFloat(spec.dtype ?? 'float64'));
  if (
    floats.length === 0 ||
    floats.some(spec =>
      spec.values?.some(
        value => !Number.isFinite(value) || Object.is(value, -0) || value === 0 || value < 1e-300,
      ),
    )
  )
    return false;
  const avals = sample.operands.map(spec => new Aval(spec.dtype ?? 'float64', spec.shape));
  const result = primitive.abstract(avals, sample.params);
  return (Array.isArray(result) ? result : [result as Aval]).some(aval => aval.isFloat);
}

export function numbers(tensor: Tensor): number[] {
  return Array.from(tensor.dataSync());
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * b[i], 0);
}
