/** Writing scalar expressions in float64, in which special functions are computed whatever their type. */
import * as k from '../kernel/expression.ts';

type E = k.Expression;

export const number = (value: number): E => k.constant('float64', value);
export const sum = (x: E, y: E): E => k.binary('add', x, y);
export const minus = (x: E, y: E): E => k.binary('sub', x, y);
export const product = (x: E, y: E): E => k.binary('mul', x, y);
export const divided = (x: E, y: E): E => k.binary('div', x, y);
export const exp = (x: E): E => k.unary('exp', x);
export const log = (x: E): E => k.unary('log', x);
export const log1p = (x: E): E => k.unary('log1p', x);
export const least = (x: E, y: E): E => k.binary('min', x, y);
export const greatest = (x: E, y: E): E => k.binary('max', x, y);
export const isBelow = (x: E, y: E | number): E => k.less(x, typeof y === 'number' ? number(y) : y);
export const isEqual = (x: E, y: E | number): E => k.compare('eq', x, typeof y === 'number' ? number(y) : y);
export const either = (x: E, y: E): E => k.binary('or', x, y);

/** Horner's rule, coefficients from the constant on. */
export function polynomial(coefficients: readonly number[], t: E): E {
  return coefficients.map(number).reduceRight((above, c) => sum(product(above, t), c));
}

/** The expression in float64 of operands of another float type, rounded once at the end. */
export function throughDouble(type: k.ScalarType, operands: readonly E[], f: (operands: E[]) => E): E {
  return k.cast(type, f(operands.map(x => k.cast('float64', x))));
}
