/** Prints scalar expressions as JavaScript, each statement in the outermost loop that it depends on. */
import {
  binary,
  childrenOf,
  type Expression,
  int,
  isFloat,
  plus,
  type ScalarType,
  times,
} from '../../kernel/expression.ts';
import { integerRange } from './arithmetic.ts';

export function wrapped(type: ScalarType, text: string): string {
  switch (type) {
    case 'float64':
      return `(${text})`;
    case 'float32':
      return `f(${text})`;
    case 'int32':
      return `(${text} | 0)`;
    case 'uint32':
      return `(${text} >>> 0)`;
    case 'int8':
      return `(${text} << 24 >> 24)`;
    case 'uint8':
      return `(${text} & 255)`;
    case 'bool':
      return `(${text})`;
  }
}

const infix: Record<string, string> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  xor: '^',
  eq: '===',
  ne: '!==',
  lt: '<',
  le: '<=',
};

export function number(value: number): string {
  return Object.is(value, -0) ? '-0' : value < 0 ? `(${value})` : String(value);
}

/** The row-major position of an element, axes added from the outermost loop inwards so that sums can be hoisted. */
export function offsetOf(
  at: readonly Expression[],
  shape: readonly number[],
  depth: (x: Expression) => number,
): Expression {
  let stride = 1;
  const terms: Expression[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1) terms.push(times(at[d], int(stride)));
    stride *= shape[d];
  }
  return terms.sort((a, b) => depth(a) - depth(b)).reduce(plus, int(0));
}

/** Statements of the loops, outermost first, and the names of what they compute. */
export class Printer {
  readonly levels: string[][];
  readonly #shapes: readonly (readonly number[])[];
  readonly #names = new Map<Expression, string>();
  readonly #offsets = new Map<Expression, Expression>();
  readonly #depths = new Map<Expression, number>();
  readonly #loads = new Map<Expression, boolean>();
  readonly #uses = new Map<Expression, number>();
  readonly #axisLevel: (axis: number) => number;
  #next = 0;
  /** Carries known here: their names, and the level at which they change. */
  carries: { names: readonly string[]; level: number } = { names: [], level: 0 };
  /** Whether additions to a carry keep double precision. */
  wideCarry = false;

  constructor(levels: number, shapes: readonly (readonly number[])[], axisLevel: (axis: number) => number) {
    this.levels = Array.from({ length: levels + 1 }, () => []);
    this.#shapes = shapes;
    this.#axisLevel = axisLevel;
  }

  /** Counts uses below these roots; call before printing them. */
  prepare(roots: readonly Expression[]): void {
    for (const root of roots) {
      const uses = (this.#uses.get(root) ?? 0) + 1;
      this.#uses.set(root, uses);
      if (uses === 1) this.prepare(this.#children(root));
    }
  }

  #children(x: Expression): readonly Expression[] {
    return x.op === 'load' ? [this.#offset(x)] : childrenOf(x);
  }

  #offset(x: Expression & { op: 'load' }): Expression {
    let offset = this.#offsets.get(x);
    if (offset === undefined) {
      offset = offsetOf(x.at, this.#shapes[x.source], e => this.depth(e));
      this.#offsets.set(x, offset);
    }
    return offset;
  }

  /** How many loops, from the outermost, an expression lies in. */
  depth(x: Expression): number {
    let depth = this.#depths.get(x);
    if (depth === undefined) {
      if (x.op === 'axis') depth = this.#axisLevel(x.axis);
      else if (x.op === 'carry') depth = this.carries.level;
      else depth = Math.max(0, ...childrenOf(x).map(child => this.depth(child)));
      this.#depths.set(x, depth);
    }
    return depth;
  }

  #hasLoad(x: Expression): boolean {
    let has = this.#loads.get(x);
    if (has === undefined) {
      has = x.op === 'load' || childrenOf(x).some(child => this.#hasLoad(child));
      this.#loads.set(x, has);
    }
    return has;
  }

  /**
   * JavaScript for the expression at loop `level`; `guarded` inside a branch, where loads should not move out: what a
   * load beyond the end gives is not used, but it is slow. One that several need moves all the same, and is done once.
   */
  print(x: Expression, level: number, guarded = false): string {
    const known = this.#names.get(x);
    if (known !== undefined) return known;
    if (x.op === 'constant') return number(x.value);
    if (x.op === 'axis') return `i${x.axis}`;
    if (x.op === 'carry') return this.carries.names[x.index];
    const depth = this.depth(x);
    const shared = (this.#uses.get(x) ?? 0) > 1;
    const worthy = shared || (depth < level && !(guarded && this.#hasLoad(x)));
    const text = this.#text(x, worthy ? depth : level, guarded && !worthy);
    if (!worthy) return text;
    const name = `t${this.#next++}`;
    this.levels[depth].push(`const ${name} = ${text};`);
    this.#names.set(x, name);
    return name;
  }

  /** The expression as a JavaScript number, also where it is a bool. */
  number(x: Expression, level: number, guarded = false): string {
    const text = this.print(x, level, guarded);
    return x.type === 'bool' && x.op !== 'constant' ? `+${text}` : text;
  }

  #text(
    x: Exclude<Expression, { op: 'constant' | 'axis' | 'carry' }>,
    level: number,
    guarded: boolean,
  ): string {
    if (x.op === 'load') return `a${x.source}[${this.print(this.#offset(x), level, guarded)}]`;
    if (x.op === 'select') {
      const [test, yes, no] = x.args;
      return `(${this.print(test, level, guarded)} ? ${this.print(yes, level, true)} : ${this.print(no, level, true)})`;
    }
    const [first, second] = x.args;
    return operationText(
      x,
      this.number(first, level, guarded),
      second === undefined ? '' : this.number(second, level, guarded),
      this.wideCarry && (first.op === 'carry' || second?.op === 'carry'),
    );
  }
}

type Leaf = 'constant' | 'axis' | 'carry' | 'load' | 'select';

/** An operation on operands that are printed already; a `wide` sum is not rounded to float32. */
export function operationText(
  x: Exclude<Expression, { op: Leaf }>,
  a: string,
  b: string,
  wide: boolean,
): string {
  const [first, second] = x.args;
  if (x.op === 'cast') return castText(first.type, x.type, a);
  if (x.op === 'bitcast') return bitcastText(first.type, x.type, a);
  if (second !== undefined) return binaryText(x.op as string, x.type, first.type, a, b, second, wide);
  if (x.op === 'neg') return wrapped(x.type, `-${a}`);
  if (x.op === 'not') return x.type === 'bool' ? `(!${a})` : wrapped(x.type, `~${a}`);
  const exact =
    x.op === 'abs' ||
    x.op === 'sign' ||
    x.op === 'floor' ||
    x.op === 'ceil' ||
    x.op === 'round' ||
    x.op === 'trunc';
  const call = `m.${x.op}(${a})`;
  return exact && isFloat(x.type) ? call : wrapped(x.type, call);
}

function binaryText(
  op: string,
  type: ScalarType,
  operandType: ScalarType,
  a: string,
  b: string,
  second: Expression,
  wide: boolean,
): string {
  if (op === 'mul' && !isFloat(type))
    return type === 'int32' ? `Math.imul(${a}, ${b})` : wrapped(type, `Math.imul(${a}, ${b})`);
  if (op === 'shl' || op === 'shr') {
    const shift = op === 'shl' ? '<<' : type === 'int32' || type === 'int8' ? '>>' : '>>>';
    if (second.op === 'constant' && second.value < 32) return wrapped(type, `${a} ${shift} ${b}`);
    return wrapped(
      type,
      shift === '>>' ? `${a} >> (${b} > 31 ? 31 : ${b})` : `(${b} > 31 ? 0 : ${a} ${shift} ${b})`,
    );
  }
  if (op === 'min' || op === 'max') return `Math.${op}(${a}, ${b})`;
  if (op === 'pow') return wrapped(type, `m.pow(${a}, ${b})`);
  if (op === 'atan2') return wrapped(type, `Math.atan2(${a}, ${b})`);
  if (op === 'div' && !isFloat(operandType)) return wrapped(type, `(${b} === 0 ? 0 : ${a} / ${b})`);
  const bitwise = op === 'and' || op === 'or' || op === 'xor';
  // `>>>`, which may follow, binds more tightly than `^`.
  const text = bitwise ? `(${a} ${infix[op]} ${b})` : `${a} ${infix[op]} ${b}`;
  return wide && op === 'add' ? `(${text})` : wrapped(type, text);
}

function castText(from: ScalarType, to: ScalarType, a: string): string {
  if (to === 'bool') return `(${a} !== 0)`;
  if (!isFloat(to) && isFloat(from)) return `m.saturate(${a}, ${integerRange[to].join(', ')})`;
  return wrapped(to, a);
}

function bitcastText(from: ScalarType, to: ScalarType, a: string): string {
  if (from === 'float32') return wrapped(to, `m.bitsOfFloat(${a})`);
  return to === 'float32' ? `m.floatOfBits(${a})` : wrapped(to, a);
}

/** The expression with axes replaced by others plus a constant; untouched parts stay the same nodes. */
export function displaced(
  x: Expression,
  axis: number,
  by: number,
  done: Map<Expression, Expression> = new Map(),
): Expression {
  if (by === 0) return x;
  const before = done.get(x);
  if (before !== undefined) return before;
  let result = x;
  if (x.op === 'axis' && x.axis === axis) result = binary('add', x, int(by));
  else if (childrenOf(x).length > 0) {
    const children = childrenOf(x).map(child => displaced(child, axis, by, done));
    if (children.some((child, i) => child !== childrenOf(x)[i]))
      result = (x.op === 'load' ? { ...x, at: children } : { ...x, args: children }) as Expression;
  }
  done.set(x, result);
  return result;
}
