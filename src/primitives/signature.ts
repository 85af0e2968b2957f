/** Shape and dtype rules, index lists and sample operands that the families share. */
import { Aval, range, sameShape, showShape } from '../core/aval.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { DTypeMismatch, ShapeMismatch } from '../core/errors.ts';
import { axis, type Expression, load } from '../kernel/expression.ts';
import type { SampleOperand } from './primitive.ts';

export type Accepts = 'float' | 'number' | 'int' | 'bool' | 'intOrBool' | 'any';

const kinds: Record<Accepts, (dtype: DType) => boolean> = {
  float: isFloat,
  number: dtype => dtype !== 'bool',
  int: dtype => dtype !== 'bool' && !isFloat(dtype),
  bool: dtype => dtype === 'bool',
  intOrBool: dtype => !isFloat(dtype),
  any: () => true,
};

const kindNames: Record<Accepts, string> = {
  float: 'float32 or float64',
  number: 'a number type, not bool',
  int: 'an integer type',
  bool: 'bool',
  intOrBool: 'an integer type or bool',
  any: 'any type',
};

export function requireKind(name: string, aval: Aval, accepts: Accepts): void {
  if (!kinds[accepts](aval.dtype))
    throw new DTypeMismatch({
      did: `${name} of a tensor ${aval}`,
      expected: `element type ${kindNames[accepts]}`,
      remedy:
        accepts === 'bool'
          ? 'compare first: x.notEqual(0)'
          : `convert it: x.astype('${accepts === 'float' || accepts === 'number' ? 'float32' : 'int32'}')`,
    });
}

export function requireSameShape(name: string, operands: readonly Aval[]): void {
  for (const operand of operands)
    if (!sameShape(operand.shape, operands[0].shape))
      throw new ShapeMismatch({
        did: `${name} of ${operands.join(' and ')}`,
        expected: 'operands of equal shape',
        remedy: `broadcast first: broadcastTo(x, ${showShape(operands[0].shape)})`,
      });
}

export function requireSameType(name: string, operands: readonly Aval[]): void {
  for (const operand of operands)
    if (operand.dtype !== operands[0].dtype)
      throw new DTypeMismatch({
        did: `${name} of ${operands.join(' and ')}`,
        expected: 'operands of one element type',
        remedy: `convert first: x.astype('${operands[0].dtype}')`,
      });
}

/** The rule of an elementwise operation: one shape and one accepted type, which the result has (or `result`). */
export function elementwiseRule(
  name: string,
  accepts: Accepts,
  result?: DType,
): (operands: readonly Aval[]) => Aval {
  return operands => {
    const [first] = operands;
    requireKind(name, first, accepts);
    if (operands.length > 1) {
      requireSameShape(name, operands);
      requireSameType(name, operands);
    }
    return new Aval(result ?? first.dtype, first.shape);
  };
}

/** axis(0), … axis(n−1). */
export function axes(n: number, from = 0): Expression[] {
  return range(n).map(i => axis(from + i));
}

/** Each operand's element at the nest's own indices. */
export function elements(operands: readonly Aval[]): Expression[] {
  return operands.map((operand, i) => load(i, operand.dtype, axes(operand.ndim)));
}

/** The axes of an n-dimensional tensor that are not in the list, in order. */
export function otherAxes(n: number, list: readonly number[]): number[] {
  return range(n).filter(i => !list.includes(i));
}

/** A float operand in [low, high). */
export function floats(shape: readonly number[], low = -2, high = 2): SampleOperand {
  return { shape, low, high };
}

/** An operand of another type, or with given values. */
export function given(dtype: DType, shape: readonly number[], values: readonly number[]): SampleOperand {
  return { dtype, shape, values };
}
