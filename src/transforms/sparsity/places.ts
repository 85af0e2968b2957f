/** Index expressions and conditions evaluated: where a loop nest reads and writes. */

import { type Expression, isFloat, type ScalarType, visit } from '../../kernel/expression.ts';

export type Evaluate = (axes: Int32Array) => number;

/** A loop nest's operand as places see it. */
export interface Source {
  readonly shape: readonly number[];
  /** Its elements, if they are the same for all inputs; null where they cannot be read. */
  readonly known: (() => ArrayLike<number> | null) | null;
}

const isInt = (type: ScalarType): boolean => type === 'int32' || type === 'bool';
const binary: Record<string, (int: boolean) => (a: number, b: number) => number> = {
  add: int => (int ? (a, b) => (a + b) | 0 : (a, b) => a + b),
  sub: int => (int ? (a, b) => (a - b) | 0 : (a, b) => a - b),
  mul: int => (int ? Math.imul : (a, b) => a * b),
  div: int => (int ? (a, b) => (b === 0 ? 0 : (a / b) | 0) : (a, b) => a / b),
  rem: int => (int ? (a, b) => (b === 0 ? 0 : (a % b) | 0) : (a, b) => a % b),
  min: () => Math.min,
  max: () => Math.max,
  and: () => (a, b) => a & b,
  or: () => (a, b) => a | b,
  xor: () => (a, b) => a ^ b,
  eq: () => (a, b) => Number(a === b),
  ne: () => (a, b) => Number(a !== b),
  lt: () => (a, b) => Number(a < b),
  le: () => (a, b) => Number(a <= b),
};

/** Evaluates expressions of loop indices and known operands. */
export class Places {
  readonly #sources: readonly Source[];
  readonly #made = new Map<Expression, Evaluate | null>();
  readonly #known = new Map<Expression, boolean>();

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  /** Whether {@link evaluate} will do; no operand is read to find out. */
  readonly isKnown = (x: Expression): boolean => {
    let known = this.#known.get(x);
    if (known === undefined) {
      known = this.#isKnown(x);
      this.#known.set(x, known);
    }
    return known;
  };

  #isKnown(x: Expression): boolean {
    switch (x.op) {
      case 'constant':
      case 'axis':
        return true;
      case 'carry':
      case 'bitcast':
        return false;
      case 'load':
        return this.#sources[x.source].known !== null && x.at.every(this.isKnown);
      case 'select':
        return x.args.every(this.isKnown);
      case 'cast':
        return (
          (isFloat(x.type) || x.type === 'bool' || (x.type === 'int32' && isInt(x.args[0].type))) &&
          this.isKnown(x.args[0])
        );
      case 'neg':
      case 'not':
        return (isInt(x.type) || (x.op === 'neg' && isFloat(x.type))) && this.isKnown(x.args[0]);
      default:
        return (
          x.op in binary &&
          (isInt(x.args[0].type) || isFloat(x.args[0].type)) &&
          (x.args as readonly Expression[]).every(this.isKnown)
        );
    }
  }

  /** Null where the value is not known, or cannot be read. */
  evaluate(x: Expression): Evaluate | null {
    let made = this.#made.get(x);
    if (made === undefined) {
      made = this.isKnown(x) ? this.#make(x) : null;
      this.#made.set(x, made);
    }
    return made;
  }

  #make(x: Expression): Evaluate | null {
    if (x.op === 'constant') return () => x.value;
    if (x.op === 'axis') return axes => axes[x.axis];
    if (x.op === 'load') {
      const { shape, known } = this.#sources[x.source];
      const offset = this.offset(x.at, shape);
      const elements = known?.() ?? null;
      return offset === null || elements === null ? null : axes => elements[offset(axes)] ?? 0;
    }
    if (!('args' in x)) return null;
    const args: (Evaluate | null)[] = x.args.map(arg => this.evaluate(arg));
    if (args.includes(null)) return null;
    const [a, b, c] = args as Evaluate[];
    const int = isInt(x.args[0].type);
    switch (x.op) {
      case 'select':
        return axes => (a(axes) ? b(axes) : c(axes));
      case 'cast':
        return x.type === 'bool' ? axes => Number(a(axes) !== 0) : a;
      case 'neg':
        return int ? axes => -a(axes) | 0 : axes => -a(axes);
      case 'not':
        return x.type === 'bool' ? axes => 1 - a(axes) : axes => ~a(axes);
      default: {
        const combine = binary[x.op](int);
        return axes => combine(a(axes), b(axes));
      }
    }
  }

  /** The row-major place of an element; −1 out of range. */
  offset(at: readonly Expression[], shape: readonly number[]): Evaluate | null {
    const made = at.map(index => this.evaluate(index));
    if (made.includes(null)) return null;
    const indices = made as Evaluate[];
    return axes => {
      let place = 0;
      for (let d = 0; d < indices.length; d++) {
        const index = indices[d](axes);
        if (index < 0 || index >= shape[d]) return -1;
        place = place * shape[d] + index;
      }
      return place;
    };
  }
}

/** The axes that expressions mention, increasing. */
export function axesIn(roots: readonly Expression[]): number[] {
  const found = new Set<number>();
  visit(roots, x => {
    if (x.op === 'axis') found.add(x.axis);
  });
  return [...found].sort((a, b) => a - b);
}

/** Calls `see` for every index of the listed axes, the last one fastest. */
export function overAxes(
  extents: readonly number[],
  list: readonly number[],
  see: (axes: Int32Array) => void,
): void {
  const axes = new Int32Array(extents.length);
  const step = (k: number): void => {
    if (k === list.length) {
      see(axes);
      return;
    }
    const axis = list[k];
    for (let i = 0; i < extents[axis]; i++) {
      axes[axis] = i;
      step(k + 1);
    }
    axes[axis] = 0;
  };
  step(0);
}
