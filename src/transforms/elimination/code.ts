/** Straight-line code on scalars: what is known before it runs is computed while it is built. */

import {
  type BinaryOp,
  type CompareOp,
  isFloat,
  type ScalarType,
  type UnaryOp,
} from '../../kernel/expression.ts';

export type FloatType = 'float32' | 'float64';

/** One step. `args` are the numbers of earlier ones. */
export interface Instruction {
  readonly op: 'constant' | 'load' | 'select' | 'cast' | 'bitcast' | UnaryOp | BinaryOp | CompareOp;
  readonly type: ScalarType;
  readonly args: readonly number[];
  /** Of a constant. */
  readonly value?: number;
  /** Of a load: the operand and the row-major place of the element in it. */
  readonly source?: number;
  readonly place?: number;
}

/** A result: zero but for the entries, each a place and the number of an instruction. */
export interface Result {
  readonly type: ScalarType;
  readonly shape: readonly number[];
  readonly entries: readonly (readonly [place: number, instruction: number])[];
}

/** Plain data, so that it can be a parameter of a primitive. */
export interface Code {
  readonly instructions: readonly Instruction[];
  readonly results: readonly Result[];
}

/** A scalar that is not known until the code runs. */
export class Computed {
  readonly number: number;
  readonly type: ScalarType;

  constructor(number: number, type: ScalarType) {
    this.number = number;
    this.type = type;
  }
}

/** Numbers are known; bools are 0 and 1. */
export type Scalar = number | Computed;

/** Makes instructions; equal ones are one. */
export class CodeBuilder {
  /** In which arithmetic on floats is done. */
  readonly type: FloatType;
  readonly #instructions: Instruction[] = [];
  readonly #known = new Map<string, Computed>();

  constructor(type: FloatType) {
    this.type = type;
  }

  #make(instruction: Instruction): Computed {
    const { op, type, args, value, source, place } = instruction;
    const key = `${op}:${type}:${args}:${Object.is(value, -0) ? '-0' : value}:${source}:${place}`;
    let made = this.#known.get(key);
    if (made === undefined) {
      made = new Computed(this.#instructions.push(instruction) - 1, type);
      this.#known.set(key, made);
    }
    return made;
  }

  #number(x: Scalar, type: ScalarType): number {
    return (typeof x === 'number' ? this.#make({ op: 'constant', type, args: [], value: x }) : x).number;
  }

  /** An operand's element; floats come in the type of the arithmetic. */
  load(source: number, place: number, type: ScalarType): Scalar {
    const element = this.#make({ op: 'load', type, args: [], source, place });
    return isFloat(type) ? this.cast(this.type, element) : element;
  }

  /** Any operation of {@link Instruction} but constants, loads and casts. `of` is the arguments' type. */
  apply(op: Instruction['op'], type: ScalarType, args: readonly Scalar[], of: ScalarType = type): Scalar {
    if (args.every(arg => typeof arg === 'number')) {
      const value = fold(op, type, args);
      if (value !== undefined) return value;
    }
    const numbers = args.map((arg, i) => this.#number(arg, op === 'select' && i === 0 ? 'bool' : of));
    return this.#make({ op, type, args: numbers });
  }

  cast(type: ScalarType, x: Scalar, from: ScalarType = 'float64'): Scalar {
    if (typeof x === 'number') {
      if (isFloat(type)) return type === 'float32' ? Math.fround(x) : x;
      if (type === 'bool') return x === 0 ? 0 : 1;
      if (type === 'int32' && Number.isInteger(x) && x === (x | 0)) return x;
      return this.#make({ op: 'cast', type, args: [this.#number(x, from)] });
    }
    return x.type === type ? x : this.#make({ op: 'cast', type, args: [x.number] });
  }

  // Arithmetic on floats in which a factor or term that is known is not an operation.

  add(x: Scalar, y: Scalar): Scalar {
    return x === 0 ? y : y === 0 ? x : this.apply('add', this.type, [x, y]);
  }

  sub(x: Scalar, y: Scalar): Scalar {
    return y === 0 ? x : x === 0 ? this.neg(y) : this.apply('sub', this.type, [x, y]);
  }

  neg(x: Scalar): Scalar {
    if (typeof x === 'number') return -x;
    const { op, args } = this.#instructions[x.number];
    return op === 'neg' ? new Computed(args[0], x.type) : this.apply('neg', this.type, [x]);
  }

  mul(x: Scalar, y: Scalar): Scalar {
    if (x === 0 || y === 0) return 0;
    if (x === 1) return y;
    if (y === 1) return x;
    if (x === -1) return this.neg(y);
    return y === -1 ? this.neg(x) : this.apply('mul', this.type, [x, y]);
  }

  div(x: Scalar, y: Scalar): Scalar {
    if (x === 0 || y === 1) return x;
    return y === -1 ? this.neg(x) : this.apply('div', this.type, [x, y]);
  }

  select(test: Scalar, x: Scalar, y: Scalar): Scalar {
    if (typeof test === 'number') return test === 0 ? y : x;
    return x === y ? x : this.apply('select', this.type, [test, x, y]);
  }

  /** The code that gives these results: what they need of what was made, numbered anew. */
  code(
    results: readonly {
      readonly type: ScalarType;
      readonly shape: readonly number[];
      readonly entries: readonly (readonly [number, Scalar])[];
    }[],
  ): Code {
    const rooted = results.map(({ type, shape, entries }) => ({
      type,
      shape,
      entries: entries
        .filter(([, value]) => value !== 0)
        .map(([place, value]) => {
          const stored = typeof value === 'number' ? value : this.cast(type, value);
          return [place, this.#number(stored, type)] as const;
        }),
    }));
    const needed = new Set(rooted.flatMap(({ entries }) => entries.map(([, number]) => number)));
    for (let i = this.#instructions.length - 1; i >= 0; i--)
      if (needed.has(i)) for (const arg of this.#instructions[i].args) needed.add(arg);
    const renamed = new Map<number, number>();
    const instructions: Instruction[] = [];
    this.#instructions.forEach((instruction, i) => {
      if (!needed.has(i)) return;
      const args = instruction.args.map(arg => renamed.get(arg) as number);
      renamed.set(i, instructions.push({ ...instruction, args }) - 1);
    });
    return {
      instructions,
      results: rooted.map(({ type, shape, entries }) => ({
        type,
        shape,
        entries: entries.map(([place, number]) => [place, renamed.get(number) as number] as const),
      })),
    };
  }
}

const integers = new Set<ScalarType>(['int32', 'bool']);

/** The value of an operation on numbers, where it is exact or rounds as the type does. */
function fold(op: Instruction['op'], type: ScalarType, [x, y, z]: readonly number[]): number | undefined {
  const round = type === 'float32' ? Math.fround : type === 'int32' ? (v: number) => v | 0 : (v: number) => v;
  switch (op) {
    case 'select':
      return x === 0 ? z : y;
    case 'eq':
      return Number(x === y);
    case 'ne':
      return Number(x !== y);
    case 'lt':
      return Number(x < y);
    case 'le':
      return Number(x <= y);
  }
  if (!integers.has(type) && !isFloat(type)) return undefined;
  switch (op) {
    case 'add':
      return round(x + y);
    case 'sub':
      return round(x - y);
    case 'mul':
      return type === 'int32' ? Math.imul(x, y) : round(x * y);
    case 'div':
      return isFloat(type) ? round(x / y) : y === 0 ? 0 : Math.trunc(x / y) | 0;
    case 'rem':
      return isFloat(type) || y === 0 ? undefined : x % y;
    case 'min':
      return Math.min(x, y);
    case 'max':
      return Math.max(x, y);
    case 'neg':
      return round(-x);
    case 'abs':
      return round(Math.abs(x));
    case 'sign':
      return Math.sign(x);
    case 'and':
      return isFloat(type) ? undefined : x & y;
    case 'or':
      return isFloat(type) ? undefined : x | y;
    case 'xor':
      return isFloat(type) ? undefined : x ^ y;
    case 'not':
      return type === 'bool' ? 1 - x : type === 'int32' ? ~x : undefined;
    default:
      return undefined;
  }
}
