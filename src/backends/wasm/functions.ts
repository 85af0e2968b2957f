/** The functions that vector code calls: elementary ones, and the remainder of floats. */
import {
  type FunctionBuilder,
  type FunctionRef,
  f32x4,
  f64,
  f64x2,
  i32,
  i64,
  type ModuleBuilder,
  type Value,
} from './encode.ts';
import { VectorMath, type VectorOp } from './math/index.ts';

type Float = 'float32' | 'float64';

export class Functions {
  readonly #module: ModuleBuilder;
  readonly #math: VectorMath;
  readonly #remainders = new Map<Float, FunctionRef>();

  constructor(module: ModuleBuilder, options: { readonly relaxed: boolean }) {
    this.#module = module;
    this.#math = new VectorMath(module, options);
  }

  /** The result for one or two vectors: code, or a call of a function that is added when it is first asked for. */
  apply(f: FunctionBuilder, op: string, type: Float, ...args: readonly Value[]): Value {
    if (op !== 'rem') return this.#math.apply(f, op as VectorOp, type, ...args);
    let remainder = this.#remainders.get(type);
    if (remainder === undefined) {
      remainder = addRemainder(this.#module, type);
      this.#remainders.set(type, remainder);
    }
    return f.call(remainder, ...args);
  }
}

const exponentMask = 0x7ff0000000000000n;

/** x − y·trunc(x/y), exactly: multiples y·2ᵏ are subtracted, which rounds nothing. */
function addRemainder(module: ModuleBuilder, type: Float): FunctionRef {
  const scalar = module.function(['f64', 'f64'], ['f64'], f => {
    const [x, y] = f.params;
    const rest = f.let(f64.abs(x));
    const by = f.let(f64.abs(y));
    const finite = i32.and(f64.lt(rest, f64.const(Number.POSITIVE_INFINITY)), f64.gt(by, f64.const(0)));
    const result = f.let(f64.const(Number.NaN));
    f.if(finite, () => {
      f.while(
        () => f64.ge(rest, by),
        () => {
          // 2ᵏ·y for the greatest k that keeps it at most the rest, or one less; the quotient may overflow.
          const power = (v: Value): Value => i64.and(i64.reinterpret_f64(v), i64.const(exponentMask));
          const scale = f.let(f64.reinterpret_i64(power(f64.div(rest, by))));
          const bounded = i32.select(f64.lt(scale, f64.const(2 ** 1000)), scale, f64.const(2 ** 1000));
          const part = f.let(f64.mul(by, f.let(bounded)));
          f.while(
            () => f64.le(part, f64.mul(rest, f64.const(0.5))),
            () => f.emit(part.set(f64.add(part, part))),
          );
          f.emit(part.set(i32.select(f64.gt(part, rest), f64.mul(part, f64.const(0.5)), part)));
          f.emit(rest.set(f64.sub(rest, part)));
        },
      );
      // The sign of x, of a zero too.
      const sign = i64.and(i64.reinterpret_f64(x), i64.const(-0x8000000000000000n));
      f.emit(result.set(f64.reinterpret_i64(i64.or(i64.reinterpret_f64(rest), sign))));
    });
    return result;
  });
  return module.function(['v128', 'v128'], ['v128'], f => {
    const [x, y] = f.params;
    if (type === 'float64') {
      const lane = (i: number): Value => f.call(scalar, f64x2.extract_lane(x, i), f64x2.extract_lane(y, i));
      return f64x2.replace_lane(f64x2.splat(lane(0)), 1, lane(1));
    }
    let result = f32x4.const(0);
    for (let i = 0; i < 4; i++) {
      const wide = f.call(
        scalar,
        f64.promote_f32(f32x4.extract_lane(x, i)),
        f64.promote_f32(f32x4.extract_lane(y, i)),
      );
      result = f32x4.replace_lane(result, i, { type: 'f32', code: [wide.code, 0xb6] });
    }
    return result;
  });
}
