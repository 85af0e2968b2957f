/**
 * Scalar expressions as nodes. Operators have kernels for few element types: integers of other types than int32 are
 * computed in a wider one and wrapped by the cast back, which the specification defines.
 */
import { isFloat } from '../../core/dtype.ts';
import type { BinaryOp, CompareOp, Expression, UnaryOp } from '../../kernel/expression.ts';
import { type Graph, type Value, wide } from './graph.ts';
import type { ElementType } from './proto.ts';

export const isFloating = (type: ElementType): boolean => type !== 'int64' && isFloat(type);

type Unary = (g: Graph, x: Value) => Value;
type Binary = (g: Graph, x: Value, y: Value) => Value;

const direct1 =
  (type: string): Unary =>
  (g, x) =>
    g.elementwise(type, [x]);

/** Computed in a wider type and cast back. */
function widely(g: Graph, operands: readonly Value[], f: (...operands: Value[]) => Value): Value {
  const [{ type }] = operands;
  return g.cast(f(...operands.map(x => g.cast(x, wide(type)))), type);
}

const wide1 =
  (type: string): Unary =>
  (g, x) =>
    widely(g, [x], a => g.elementwise(type, [a]));
const wide2 =
  (type: string): Binary =>
  (g, x, y) =>
    widely(g, [x, y], (a, b) => g.elementwise(type, [a, b]));
const test =
  (type: string): Binary =>
  (g, x, y) =>
    g.elementwise(type, [g.cast(x, wide(x.type)), g.cast(y, wide(y.type))], 'bool');

/** Writing formulas: a number stands for a constant of the other operand's type. */
class Formula {
  readonly #g: Graph;
  readonly #type: ElementType;

  constructor(g: Graph, type: ElementType) {
    this.#g = g;
    this.#type = type;
  }

  readonly #of = (x: Value | number): Value => (typeof x === 'number' ? this.#g.scalar(this.#type, x) : x);
  readonly #two =
    (name: string, result?: ElementType) =>
    (x: Value | number, y: Value | number): Value =>
      this.#g.elementwise(name, [this.#of(x), this.#of(y)], result);

  readonly add = this.#two('Add');
  readonly sub = this.#two('Sub');
  readonly mul = this.#two('Mul');
  readonly div = this.#two('Div');
  readonly pow = this.#two('Pow');
  readonly max = this.#two('Max');
  readonly min = this.#two('Min');
  readonly equal = this.#two('Equal', 'bool');
  readonly less = this.#two('Less', 'bool');
  readonly or = this.#two('Or', 'bool');
  readonly and = this.#two('And', 'bool');

  apply(name: string, x: Value | number, result?: ElementType): Value {
    return this.#g.elementwise(name, [this.#of(x)], result);
  }

  where(condition: Value, yes: Value | number, no: Value | number): Value {
    return this.#g.where(condition, this.#of(yes), this.#of(no));
  }
}

const formula =
  (f: (m: Formula, x: Value) => Value): Unary =>
  (g, x) =>
    f(new Formula(g, x.type), x);

/** eˣ − 1 = 2t/(1 − t) with t = tanh(x/2), where eˣ is so near 1 that the difference loses digits. */
const expm1 = formula((m, x) => {
  const t = m.apply('Tanh', m.mul(x, 0.5));
  const near = m.div(m.mul(t, 2), m.sub(1, t));
  return m.where(m.less(m.apply('Abs', x), 0.5), near, m.sub(m.apply('Exp', x), 1));
});

/** log u·x/(u − 1) with u = 1 + x: the errors of u in both cancel (Kahan; Goldberg 1991, theorem 4). */
const log1p = formula((m, x) => {
  const u = m.add(x, 1);
  const exact = m.or(m.equal(u, 1), m.equal(x, Number.POSITIVE_INFINITY));
  return m.where(exact, x, m.div(m.mul(m.apply('Log', u), x), m.sub(u, 1)));
});

/** By the quotient's angle, turned by ±π where x is on the left; of infinities and zeros, by their signs. */
const atan2: Binary = (g, y, x) => {
  const m = new Formula(g, x.type);
  const isInfinite = (z: Value): Value => m.equal(m.apply('Abs', z), Number.POSITIVE_INFINITY);
  const both = m.and(isInfinite(x), isInfinite(y));
  const v = m.where(both, m.apply('Sign', y), y);
  const u = m.where(both, m.apply('Sign', x), x);
  // −0 is on the left: 1/−0 < 0.
  const left = m.or(m.less(u, 0), m.and(m.equal(u, 0), m.less(m.div(1, u), 0)));
  const below = m.or(m.less(v, 0), m.and(m.equal(v, 0), m.less(m.div(1, v), 0)));
  const origin = m.and(m.equal(u, 0), m.equal(v, 0));
  const angle = m.where(origin, v, m.apply('Atan', m.div(v, u)));
  return m.where(left, m.add(angle, m.where(below, -Math.PI, Math.PI)), angle);
};

/** ONNX Runtime has no kernels of these functions for doubles. */
const inDouble =
  (type: string, formula: Unary): Unary =>
  (g, x) =>
    x.type === 'float64' ? formula(g, x) : g.elementwise(type, [x]);

const tan = formula((m, x) => m.div(m.apply('Sin', x), m.apply('Cos', x)));

/** (u + u/(u + 1))/2 with u = e^|x| − 1, and the sign of x. */
const sinh: Unary = (g, x) => {
  const m = new Formula(g, x.type);
  const size = m.apply('Abs', x);
  const u = expm1(g, size);
  const half = m.mul(m.add(u, m.div(u, m.add(u, 1))), 0.5);
  // Beyond this both terms of the sum are e^|x|/2 or nothing.
  const large = m.mul(m.apply('Exp', m.mul(size, 0.5)), m.mul(m.apply('Exp', m.mul(size, 0.5)), 0.5));
  return m.mul(m.apply('Sign', x), m.where(m.less(size, 30), half, large));
};

const cosh = formula((m, x) => {
  const root = m.apply('Exp', m.mul(m.apply('Abs', x), 0.5));
  return m.add(m.mul(root, m.mul(root, 0.5)), m.div(m.div(0.5, root), root));
});

/** log(|x| + √(x² + 1)) = log1p(|x| + x²/(1 + √(x² + 1))); log 2|x| where x² is so large that nothing else counts. */
const asinh: Unary = (g, x) => {
  const m = new Formula(g, x.type);
  const size = m.apply('Abs', x);
  const isLarge = m.less(1e9, size);
  const moderate = m.where(isLarge, 1, size);
  const square = m.mul(moderate, moderate);
  const near = log1p(g, m.add(moderate, m.div(square, m.add(m.apply('Sqrt', m.add(square, 1)), 1))));
  return m.mul(m.apply('Sign', x), m.where(isLarge, m.add(m.apply('Log', size), Math.LN2), near));
};

/** log1p(t + √(2t + t²)) with t = x − 1. */
const acosh: Unary = (g, x) => {
  const m = new Formula(g, x.type);
  const isLarge = m.less(1e9, x);
  const t = m.sub(m.where(isLarge, 1, x), 1);
  const near = log1p(g, m.add(t, m.apply('Sqrt', m.add(m.mul(t, 2), m.mul(t, t)))));
  return m.where(isLarge, m.add(m.apply('Log', x), Math.LN2), near);
};

/** log1p(2x/(1 − x))/2, of |x| with the sign of x. */
const atanh: Unary = (g, x) => {
  const m = new Formula(g, x.type);
  const size = m.apply('Abs', x);
  return m.mul(m.apply('Sign', x), m.mul(log1p(g, m.div(m.mul(size, 2), m.sub(1, size))), 0.5));
};

export const unaries: Readonly<Partial<Record<UnaryOp, Unary>>> = {
  neg: wide1('Neg'),
  abs: wide1('Abs'),
  sign: wide1('Sign'),
  floor: direct1('Floor'),
  ceil: direct1('Ceil'),
  round: direct1('Round'),
  trunc: formula((m, x) => m.where(m.less(x, 0), m.apply('Ceil', x), m.apply('Floor', x))),
  not: (g, x) => g.elementwise(x.type === 'bool' ? 'Not' : 'BitwiseNot', [x]),
  sqrt: direct1('Sqrt'),
  cbrt: formula((m, x) => m.mul(m.apply('Sign', x), m.pow(m.apply('Abs', x), 1 / 3))),
  exp: direct1('Exp'),
  expm1,
  log: direct1('Log'),
  log1p,
  log2: formula((m, x) => m.div(m.apply('Log', x), Math.LN2)),
  log10: formula((m, x) => m.div(m.apply('Log', x), Math.LN10)),
  sin: direct1('Sin'),
  cos: direct1('Cos'),
  tan: inDouble('Tan', tan),
  asin: direct1('Asin'),
  acos: direct1('Acos'),
  atan: direct1('Atan'),
  sinh: inDouble('Sinh', sinh),
  cosh: inDouble('Cosh', cosh),
  tanh: direct1('Tanh'),
  asinh: inDouble('Asinh', asinh),
  acosh: inDouble('Acosh', acosh),
  atanh: inDouble('Atanh', atanh),
  erf: direct1('Erf'),
  // There is no operator for the tail: its error is that of erf.
  erfc: formula((m, x) => m.sub(1, m.apply('Erf', x))),
};

/** x/y of integers in 64 bits, where nothing overflows; 0 where y is 0, which an operator must not see. */
function wholeQuotient(operator: string, attributes: Record<string, number>): Binary {
  return (g, x, y) => {
    const [a, b] = [g.cast(x, 'int64'), g.cast(y, 'int64')];
    const m = new Formula(g, 'int64');
    const isZero = m.equal(b, 0);
    const result = g.elementwise(operator, [a, m.where(isZero, 1, b)], 'int64', attributes);
    return g.cast(m.where(isZero, 0, result), x.type);
  };
}

const wholeDiv = wholeQuotient('Div', {});
const wholeRem = wholeQuotient('Mod', { fmod: 1 });

const logical =
  (onBool: string, onBits: string): Binary =>
  (g, x, y) =>
    g.elementwise(x.type === 'bool' ? onBool : onBits, [x, y]);

/** Only unsigned integers can be shifted, by less than their width. */
function shift(direction: 'LEFT' | 'RIGHT'): Binary {
  return (g, x, y) => {
    const m = new Formula(g, 'uint32');
    const far = g.elementwise('Greater', [g.cast(y, 'int64'), g.scalar('int64', 31)], 'bool');
    const by = g.cast(y, 'uint32');
    const moved = (bits: Value, count: Value): Value =>
      g.elementwise('BitShift', [bits, count], 'uint32', { direction });
    const isSigned = x.type === 'int32' || x.type === 'int8';
    if (direction === 'LEFT' || !isSigned) {
      const bits = g.cast(x, 'uint32');
      return g.cast(m.where(far, 0, moved(bits, m.where(far, 0, by))), x.type);
    }
    // ⌊x/2ⁿ⌋ of a negative x is the complement of that of its complement.
    const wideX = g.cast(x, 'int32');
    const negative = g.elementwise('Less', [wideX, g.scalar('int32', 0)], 'bool');
    const flip = (z: Value): Value => g.where(negative, g.elementwise('BitwiseNot', [z]), z);
    const bits = g.cast(flip(wideX), 'uint32');
    return g.cast(flip(g.cast(moved(bits, m.where(far, 31, by)), 'int32')), x.type);
  };
}

export const binaries: Readonly<Record<BinaryOp | CompareOp, Binary>> = {
  add: wide2('Add'),
  sub: wide2('Sub'),
  mul: wide2('Mul'),
  div: (g, x, y) => (isFloating(x.type) ? g.elementwise('Div', [x, y]) : wholeDiv(g, x, y)),
  rem: (g, x, y) =>
    isFloating(x.type) ? g.elementwise('Mod', [x, y], x.type, { fmod: 1 }) : wholeRem(g, x, y),
  pow: wide2('Pow'),
  atan2,
  min: wide2('Min'),
  max: wide2('Max'),
  and: logical('And', 'BitwiseAnd'),
  or: logical('Or', 'BitwiseOr'),
  xor: logical('Xor', 'BitwiseXor'),
  shl: shift('LEFT'),
  shr: shift('RIGHT'),
  eq: test('Equal'),
  ne: (g, x, y) => g.elementwise('Not', [test('Equal')(g, x, y)]),
  lt: test('Less'),
  le: test('LessOrEqual'),
};

const ranges: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int8: [-128, 127],
  uint8: [0, 255],
};

/** Floats become integers by truncation, saturating, NaN becoming 0: what Cast does there is not defined. */
export function convert(g: Graph, x: Value, type: ElementType): Value {
  const range = ranges[type];
  if (range === undefined || !isFloating(x.type)) return g.cast(x, type);
  const m = new Formula(g, 'float64');
  const double = g.cast(x, 'float64');
  const number = m.where(m.apply('IsNaN', double, 'bool'), 0, double);
  return g.cast(m.max(m.min(number, range[1]), range[0]), type);
}

/** What expressions read. */
export interface Leaves {
  load(expression: Extract<Expression, { op: 'load' }>, write: (x: Expression) => Value): Value;
  axis(axis: number): Value;
  carry(index: number): Value;
  /** Throws where an operation has no translation. */
  refuse(operation: string): never;
}

/** The writer of a kernel's expressions: an expression that occurs twice is written once. */
export function scalarWriter(g: Graph, leaves: Leaves): (x: Expression) => Value {
  const written = new Map<Expression, Value>();
  const write = (x: Expression): Value => {
    let value = written.get(x);
    if (value === undefined) {
      value = compute(x);
      written.set(x, value);
    }
    return value;
  };
  const compute = (x: Expression): Value => {
    switch (x.op) {
      case 'constant':
        return g.scalar(x.type, x.value);
      case 'axis':
        return leaves.axis(x.axis);
      case 'carry':
        return leaves.carry(x.index);
      case 'load':
        return leaves.load(x, write);
      case 'select': {
        const [condition, yes, no] = x.args.map(write);
        return g.where(condition, yes, no);
      }
      case 'cast':
        return convert(g, write(x.args[0]), x.type);
      case 'bitcast':
        if (isFloat(x.type) || isFloat(x.args[0].type))
          return leaves.refuse('bitcast between floats and integers');
        return g.cast(write(x.args[0]), x.type);
      default: {
        if (x.args.length === 2) return binaries[x.op as BinaryOp](g, write(x.args[0]), write(x.args[1]));
        const unary = unaries[x.op as UnaryOp];
        return unary === undefined ? leaves.refuse(x.op) : unary(g, write(x.args[0]));
      }
    }
  };
  return write;
}
