/** Running values of reductions. */
import { type Expression, isFloat, type ScalarType } from '../../kernel/expression.ts';
import { type Accumulator, startOf } from '../../kernel/kernel.ts';
import {
  type Code,
  type FunctionBuilder,
  f32x4,
  f64x2,
  i32x4,
  type Value,
  type Variable,
  v128,
} from './encode.ts';
import { castVector, chooseVector, compareVector, constantVector, type Lanes, laneNumbers } from './lanes.ts';
import type { VectorPrinter } from './vectors.ts';

export function combineVectors(
  how: 'add' | 'mul' | 'min' | 'max',
  type: ScalarType,
  a: Value,
  b: Value,
): Value {
  if (type === 'float32') return f32x4[how](a, b);
  if (type === 'float64') return f64x2[how](a, b);
  const unsigned = type === 'uint32' || type === 'uint8';
  if (how === 'min') return (unsigned ? i32x4.min_u : i32x4.min_s)(a, b);
  if (how === 'max') return (unsigned ? i32x4.max_u : i32x4.max_s)(a, b);
  return i32x4[how](a, b);
}

/** Sums of so many terms, and more, are compensated: adding up even the blocks would lose digits. */
const manyTerms = 1 << 18;

/** One running value of a reduction, in every lane; a blocked sum has a partial sum beside the total. */
export class Running {
  readonly #f: FunctionBuilder;
  readonly #lanes: Lanes;
  readonly #accumulator: Accumulator;
  readonly #position: Expression;
  readonly #value: Variable;
  /** The total of a blocked sum, the position of an extreme, where a minimum or maximum has met NaN. */
  readonly #other: Variable;
  /** A minimum or maximum of floats: an instruction that ignores NaN is much shorter, and the mask is joined last. */
  readonly #isExtreme: boolean;
  readonly blocked: boolean;
  /** What rounding took from the total, to be given back with the next partial sum; null for sums of few terms. */
  readonly #lost: Variable | null;

  /** @param terms how many terms are joined */
  constructor(
    f: FunctionBuilder,
    lanes: Lanes,
    accumulator: Accumulator,
    position: Expression,
    terms: number,
  ) {
    this.#f = f;
    this.#lanes = lanes;
    this.#accumulator = accumulator;
    this.#position = position;
    this.#value = f.local('v128');
    this.#other = f.local('v128');
    const { type } = accumulator.term;
    const float = isFloat(type);
    this.blocked = accumulator.reducer === 'sum' && float;
    this.#lost = this.blocked && terms >= manyTerms ? f.local('v128') : null;
    this.#isExtreme = (accumulator.reducer === 'min' || accumulator.reducer === 'max') && float;
  }

  get #isPosition(): boolean {
    return this.#accumulator.reducer === 'argmin' || this.#accumulator.reducer === 'argmax';
  }

  get #start(): Value {
    const { reducer, term } = this.#accumulator;
    return constantVector(term.type, startOf(reducer, term.type));
  }

  roots(): Expression[] {
    const { term, fused } = this.#accumulator;
    const factors = fused === true && term.op === 'mul' ? [...term.args] : [term];
    return this.#isPosition ? [...factors, this.#position] : factors;
  }

  start(): void {
    this.#f.emit(this.#value.set(this.#start));
    this.#f.emit(this.#other.set(constantVector('int32', 0)));
    if (this.#lost !== null) this.#f.emit(this.#lost.set(constantVector('int32', 0)));
  }

  /** Takes the term of this place; only the first `count` lanes where given. */
  take(printer: VectorPrinter, level: number, count: number | null): void {
    const { reducer, term } = this.#accumulator;
    const f = this.#f;
    let x = printer.vector(term, level);
    const { type } = term;
    if (count !== null) {
      const mask = i32x4.lt_s(laneNumbers, constantVector('int32', count));
      x = chooseVector(type, mask, x, this.#start);
    }
    if (this.#isPosition) {
      const v = f.let(x);
      const better =
        reducer === 'argmax'
          ? compareVector('lt', type, this.#value, v)
          : compareVector('lt', type, v, this.#value);
      const float = isFloat(type);
      const nan = float
        ? v128.andnot(compareVector('ne', type, v, v), compareVector('ne', type, this.#value, this.#value))
        : constantVector('int32', 0);
      const take = f.let(v128.or(better, nan));
      f.emit(this.#other.set(v128.bitselect(take, printer.vector(this.#position, level), this.#other)));
      f.emit(this.#value.set(chooseVector(type, take, v, this.#value)));
      return;
    }
    if (this.#isExtreme) {
      const v = f.let(x);
      const simd = type === 'float32' ? f32x4 : f64x2;
      f.emit(this.#value.set((reducer === 'min' ? simd.pmin : simd.pmax)(this.#value, v)));
      f.emit(this.#other.set(v128.or(this.#other, simd.ne(v, v))));
      return;
    }
    f.emit(this.#value.set(this.#join(this.#value, x)));
  }

  #join(a: Value, b: Value): Value {
    const { reducer, term } = this.#accumulator;
    if (reducer === 'and') return v128.and(a, b);
    if (reducer === 'or') return v128.or(a, b);
    if (term.type === 'bool') return reducer === 'min' ? v128.and(a, b) : v128.or(a, b);
    const how = ({ sum: 'add', product: 'mul', min: 'min', max: 'max' } as const)[reducer as 'sum'];
    return combineVectors(how, term.type, a, b);
  }

  /** Adds the partial sum to the total and begins a new one. */
  close(): Code {
    const total = this.#other;
    const value = this.#value;
    const lost = this.#lost;
    if (lost === null) return [total.set(this.#join(total, value)), value.set(this.#start)];
    // Kahan (1965): what is lost is (total + y) − total − y; where that is NaN, of infinite totals, nothing is.
    const simd = this.#accumulator.term.type === 'float32' ? f32x4 : f64x2;
    const before = this.#f.local('v128');
    return [
      value.set(simd.sub(value, lost)),
      before.set(total),
      total.set(simd.add(total, value)),
      lost.set(simd.sub(simd.sub(total, before), value)),
      lost.set(v128.and(lost, simd.eq(lost, lost))),
      value.set(this.#start),
    ];
  }

  /** Each lane's own result. */
  #ofLane(): Value {
    if (this.blocked) return this.#f.let(this.#join(this.#other, this.#value));
    return this.#isExtreme ? this.#f.let(v128.or(this.#value, this.#other)) : this.#value;
  }

  /** The result in every lane, after joining the lanes where they are parts of one reduction. */
  finish(acrossLanes: boolean): Value {
    const f = this.#f;
    const { reducer, term } = this.#accumulator;
    const { type } = term;
    if (this.#isPosition) {
      if (!acrossLanes) return this.#other;
      return this.#bestLane();
    }
    const own = this.#ofLane();
    let x: Value = own;
    if (acrossLanes) {
      const swap = (lanes: readonly number[]): void => {
        const before = x;
        x = f.let(this.#join(before, v128.shuffle(before, before, lanes)));
      };
      swap([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
      if (type !== 'float64') {
        if (this.#lanes === 2) {
          // Only the two low lanes count: join them alone.
          x = own;
        }
        swap([4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
        if (this.#lanes === 2)
          x = f.let(v128.shuffle(x, x, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]));
      }
    }
    return (type === 'int8' || type === 'uint8') && (reducer === 'sum' || reducer === 'product')
      ? castVector('int32', type, x)
      : x;
  }

  /** The position of the best lane, the first of equal ones. */
  #bestLane(): Value {
    const f = this.#f;
    const { reducer, term } = this.#accumulator;
    const { type } = term;
    const lane = (x: Value, i: number): Value =>
      type === 'float64'
        ? v128.shuffle(
            x,
            x,
            Array.from({ length: 16 }, (_, b) => i * 8 + (b % 8)),
          )
        : v128.shuffle(
            x,
            x,
            Array.from({ length: 16 }, (_, b) => i * 4 + (b % 4)),
          );
    let best: Value = f.let(lane(this.#value, 0));
    const positionLane = (i: number): Value =>
      v128.shuffle(
        this.#other,
        this.#other,
        Array.from({ length: 16 }, (_, b) => i * 4 + (b % 4)),
      );
    let position: Value = f.let(positionLane(0));
    for (let i = 1; i < this.#lanes; i++) {
      const v = f.let(lane(this.#value, i));
      const p = f.let(positionLane(i));
      const better =
        reducer === 'argmax' ? compareVector('lt', type, best, v) : compareVector('lt', type, v, best);
      const float = isFloat(type);
      const none = constantVector('int32', 0);
      const vNaN = f.let(float ? compareVector('ne', type, v, v) : none);
      const bestNaN = f.let(float ? compareVector('ne', type, best, best) : none);
      const same = v128.or(compareVector('eq', type, v, best), v128.and(vNaN, bestNaN));
      const earlier = v128.and(same, i32x4.lt_s(p, position));
      const take = f.let(v128.or(v128.or(better, v128.andnot(vNaN, bestNaN)), earlier));
      const [b, q] = [best, position];
      position = f.let(v128.bitselect(take, p, q));
      best = f.let(chooseVector(type, take, v, b));
    }
    return position;
  }
}
