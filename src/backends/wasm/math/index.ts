/** Elementary functions of vectors, added to a module as they are asked for. */
import type { UnaryOp } from '../../../kernel/expression.ts';
import type { FunctionBuilder, FunctionRef, ModuleBuilder, Value, WasmType } from '../encode.ts';
import { erf, erfc } from './error.ts';
import { exp, expm1, log, log1p, log2, log10 } from './exponential.ts';
import { digamma, erfinv, lgamma } from './gamma.ts';
import { acosh, asinh, atanh, cosh, sinh, tanh } from './hyperbolic.ts';
import { cbrt, pow } from './power.ts';
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometric.ts';
import { type Float, Lanes } from './words.ts';

export type VectorOp = UnaryOp | 'pow' | 'atan2';

/** In both types. */
const generic: { readonly [op: string]: unknown } = { exp, expm1, log, log1p, sin, cos, tanh, erf, pow };

/** In float64; float32 goes through it. */
const double: { readonly [op: string]: unknown } = {
  log2,
  log10,
  tan,
  asin,
  acos,
  atan,
  atan2,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  cbrt,
  erfc,
  erfinv,
  lgamma,
  digamma,
};

/** Code short enough for loops, without branches but the last. */
const short: Record<Float, ReadonlySet<string>> = {
  float32: new Set(['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tanh', 'erf']),
  float64: new Set(['exp', 'log', 'tanh']),
};

const binaryOps = new Set<string>(['pow', 'atan2']);

/**
 * The functions of one module: from one vector to one (`pow` and `atan2` from two), within 2 units in the last
 * place, subnormal numbers included. A lane's result depends on that lane alone.
 */
export class VectorMath {
  readonly #module: ModuleBuilder;
  readonly #relaxed: boolean;
  readonly #functions = new Map<string, FunctionRef>();

  constructor(module: ModuleBuilder, options: { relaxed: boolean }) {
    this.#module = module;
    this.#relaxed = options.relaxed;
  }

  supports(op: string): op is VectorOp {
    return op in generic || op in double;
  }

  /** The function that computes an operation. */
  function(op: VectorOp, type: Float): FunctionRef {
    const params = Array<WasmType>(binaryOps.has(op) ? 2 : 1).fill('v128');
    return this.helper(`${op} ${type}`, params, ['v128'], f =>
      this.#code(new Lanes(f, type, this.#relaxed), op, f.params),
    );
  }

  /**
   * The operation with the same result as its function: in a loop, short code in place of a call keeps constants from
   * turn to turn.
   */
  apply(f: FunctionBuilder, op: VectorOp, type: Float, ...args: readonly Value[]): Value {
    if (!short[type].has(op)) return f.call(this.function(op, type), ...args);
    return this.#code(
      new Lanes(f, type, this.#relaxed, true),
      op,
      args.map(arg => f.let(arg)),
    );
  }

  #code(L: Lanes, op: VectorOp, args: readonly Value[]): Value {
    if (op in double && L.single) return this.throughDouble(L, op, args);
    const rule = (generic[op] ?? double[op]) as ((...args: unknown[]) => Value) | undefined;
    if (rule === undefined) throw new RangeError(`no vector function for ${op}`);
    return rule(L, ...args, this);
  }

  /** A function under a name of its own. */
  helper(
    key: string,
    params: readonly WasmType[],
    results: readonly WasmType[],
    build: (f: FunctionBuilder) => Value,
  ): FunctionRef {
    let ref = this.#functions.get(key);
    if (ref === undefined) {
      ref = this.#module.function(params, results, build);
      this.#functions.set(key, ref);
    }
    return ref;
  }

  /** A function of float32 computed by that of float64. */
  throughDouble(L: Lanes, op: VectorOp, args: readonly Value[]): Value {
    const f = this.function(op, 'float64');
    return L.inDouble(args, (_, parts) => L.f.call(f, ...parts));
  }
}
