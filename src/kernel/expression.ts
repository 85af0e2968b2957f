/**
 * Scalar expressions: what one element of a result is. Plain data, a directed acyclic graph; a backend
 * prints each node once. Integer arithmetic wraps around; float32 arithmetic rounds after every operation.
 */

export type ScalarType = 'float32' | 'float64' | 'int32' | 'uint32' | 'int8' | 'uint8' | 'bool';

export const isFloat = (type: ScalarType): type is 'float32' | 'float64' =>
  type === 'float32' || type === 'float64';

/** Bytes of one element in memory. */
export const bytesOf: Record<ScalarType, number> = {
  float32: 4,
  float64: 8,
  int32: 4,
  uint32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Operations of one argument whose result has the argument's type. */
export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'not'
  | 'sqrt'
  | 'cbrt'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'log2'
  | 'log10'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'erf'
  | 'erfc'
  | 'erfinv'
  | 'lgamma'
  | 'digamma';

/**
 * Operations of two arguments of the same type. `div` of integers truncates (0 where the divisor is 0), `rem`
 * has the sign of the dividend, `min` and `max` give NaN if either is, shifts of 32 or more are 0 (or the sign).
 */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'pow'
  | 'atan2'
  | 'min'
  | 'max'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr';

/** Comparisons give bool. */
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le';

export type Expression =
  | { readonly op: 'constant'; readonly type: ScalarType; readonly value: number }
  /** The index along one axis of the nest, an int32. */
  | { readonly op: 'axis'; readonly type: 'int32'; readonly axis: number }
  /** An element of an operand; `at` has one int32 index for each of its dimensions. */
  | {
      readonly op: 'load';
      readonly type: ScalarType;
      readonly source: number;
      readonly at: readonly Expression[];
    }
  /** A running value of the nest's reduction or scan. */
  | { readonly op: 'carry'; readonly type: ScalarType; readonly index: number }
  /** Only the chosen branch is evaluated, so a load in the other may be out of range. */
  | {
      readonly op: 'select';
      readonly type: ScalarType;
      readonly args: readonly [Expression, Expression, Expression];
    }
  /** To float: the nearest. To integer: truncation, saturating; NaN gives 0. To bool: not equal to zero. */
  | { readonly op: 'cast' | 'bitcast'; readonly type: ScalarType; readonly args: readonly [Expression] }
  | { readonly op: UnaryOp; readonly type: ScalarType; readonly args: readonly [Expression] }
  | { readonly op: BinaryOp; readonly type: ScalarType; readonly args: readonly [Expression, Expression] }
  | { readonly op: CompareOp; readonly type: 'bool'; readonly args: readonly [Expression, Expression] };

export const constant = (type: ScalarType, value: number): Expression => ({ op: 'constant', type, value });
export const int = (value: number): Expression => constant('int32', value);
export const axis = (i: number): Expression => ({ op: 'axis', type: 'int32', axis: i });
export const carry = (type: ScalarType, index = 0): Expression => ({ op: 'carry', type, index });
export const load = (source: number, type: ScalarType, at: readonly Expression[]): Expression => ({
  op: 'load',
  type,
  source,
  at,
});
export const select = (test: Expression, yes: Expression, no: Expression): Expression => ({
  op: 'select',
  type: yes.type,
  args: [test, yes, no],
});
export const cast = (type: ScalarType, x: Expression): Expression =>
  x.type === type ? x : { op: 'cast', type, args: [x] };
export const bitcast = (type: ScalarType, x: Expression): Expression =>
  x.type === type ? x : { op: 'bitcast', type, args: [x] };
export const unary = (op: UnaryOp, x: Expression): Expression => ({ op, type: x.type, args: [x] });
export const binary = (op: BinaryOp, x: Expression, y: Expression): Expression => ({
  op,
  type: x.type,
  args: [x, y],
});
export const compare = (op: CompareOp, x: Expression, y: Expression): Expression => ({
  op,
  type: 'bool',
  args: [x, y],
});

const known = (x: Expression): number | undefined => (x.op === 'constant' ? x.value : undefined);

/** Index arithmetic: exact on int32, so that identities may be folded. */
export const plus = (x: Expression, y: Expression): Expression => {
  const a = known(x);
  const b = known(y);
  if (a !== undefined && b !== undefined) return int(a + b);
  return a === 0 ? y : b === 0 ? x : binary('add', x, y);
};
export const minus = (x: Expression, y: Expression): Expression => {
  const a = known(x);
  const b = known(y);
  if (a !== undefined && b !== undefined) return int(a - b);
  return b === 0 ? x : binary('sub', x, y);
};
export const times = (x: Expression, y: Expression): Expression => {
  const a = known(x);
  const b = known(y);
  if (a !== undefined && b !== undefined) return int(a * b);
  return a === 1 ? y : b === 1 ? x : a === 0 || b === 0 ? int(0) : binary('mul', x, y);
};

export const and = (x: Expression, y: Expression): Expression =>
  known(x) === 1 ? y : known(y) === 1 ? x : binary('and', x, y);
export const yes: Expression = constant('bool', 1);
export const less = (x: Expression, y: Expression): Expression => compare('lt', x, y);
export const atMost = (x: Expression, y: Expression): Expression => compare('le', x, y);

/** Whether lo ≤ x < hi. */
export const within = (x: Expression, lo: number, hi: number): Expression =>
  and(atMost(int(lo), x), less(x, int(hi)));
/** x moved into [lo, hi]. */
export const clampIndex = (x: Expression, lo: number, hi: number): Expression =>
  binary('max', binary('min', x, int(hi)), int(lo));
/** Whether x is a multiple of m, for x ≥ 0. */
export const divides = (m: number, x: Expression): Expression =>
  m === 1 ? yes : compare('eq', binary('rem', x, int(m)), int(0));
export const quotient = (x: Expression, m: number): Expression => (m === 1 ? x : binary('div', x, int(m)));

/** The expressions directly below one. */
export function childrenOf(x: Expression): readonly Expression[] {
  if (x.op === 'load') return x.at;
  return 'args' in x ? x.args : [];
}

/** Visits every node once, children first. */
export function visit(roots: readonly Expression[], see: (x: Expression) => void): void {
  const seen = new Set<Expression>();
  const walk = (x: Expression): void => {
    if (seen.has(x)) return;
    seen.add(x);
    for (const child of childrenOf(x)) walk(child);
    see(x);
  };
  for (const root of roots) walk(root);
}
