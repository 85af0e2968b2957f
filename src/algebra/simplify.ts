/** Simplification by the laws of real numbers. */
import { simplify as simplifyProgram } from '../compiler/simplify.ts';
import { labelOf } from '../core/path.ts';
import { isProgram } from '../core/print.ts';
import { add, div, mul, neg, sub } from '../primitives/arithmetic.ts';
import { sum } from '../primitives/broadcast.ts';
import { exp, log, log1p } from '../primitives/elementary.ts';
import type { Primitive, Program, Rewrite } from '../primitives/primitive.ts';
import {
  type Arguments,
  callWithTree,
  flattenArguments,
  type Outputs,
  requireFunction,
} from '../transforms/arguments.ts';
import { avalsOf, inlined } from '../transforms/derive.ts';
import { replay, traceProgram } from '../transforms/trace.ts';
import { named } from '../transforms/vmap.ts';
import { copiesOutside } from './copies.ts';
import { expLaws, log1pLaws, logisticLaws, logLaws } from './functions.ts';
import { productLaws, quotientLaws, signLaws, sumLaws } from './products.ts';
import { additionLaws, expansionOfProducts, expansionOfQuotients, subtractionLaws } from './sums.ts';

/** The laws of each operation, tried in this order. */
export function realLaws(): ReadonlyMap<Primitive, readonly Rewrite[]> {
  return new Map<Primitive, readonly Rewrite[]>([
    [add.primitive, additionLaws],
    [sub.primitive, subtractionLaws],
    [neg.primitive, signLaws],
    [mul.primitive, [...productLaws, ...expansionOfProducts]],
    [div.primitive, [...logisticLaws, ...quotientLaws, ...expansionOfQuotients]],
    [sum.primitive, sumLaws],
    [exp.primitive, expLaws],
    [log.primitive, logLaws],
    [log1p.primitive, log1pLaws],
  ]);
}

/** The program by the laws of real numbers, the programs of its control flow too. */
export function simplifiedProgram(program: Program): Program {
  const laws = realLaws();
  const inside = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(inside) : isProgram(value) ? simplifiedProgram(value as Program) : value;
  const whole = inlined(program);
  const equations = whole.equations.map(equation =>
    equation.operation.kind === 'structured'
      ? {
          ...equation,
          params: Object.fromEntries(
            Object.entries(equation.params).map(([key, value]) => [key, inside(value)]),
          ),
        }
      : equation,
  );
  return simplifyProgram({ ...whole, equations }, operation => {
    const own = laws.get(operation) ?? [];
    return operation.kind !== 'structured' && operation.batch === 'elementwise'
      ? [...own, copiesOutside(operation)]
      : own;
  });
}

/**
 * The same function of real numbers, with fewer operations. Products, quotients and sums are regrouped so that what
 * occurs above and below a fraction line, or with both signs, cancels; what is constant leaves a sum; logarithms and
 * exponentials meet: the gradient of −Σ q·log softmax(x) becomes p·Σq − q, finite for every x.
 *
 * Rounding differs from the original, and so does the result where the original leaves the numbers: where it divides
 * 0 by 0 or subtracts infinities it gives NaN, the simplified function perhaps not. Therefore nothing does this unasked.
 * The function is traced at every call; inside of `jit` that is once for a signature. Both `simplify(grad(f))` and
 * `grad(simplify(f))` are useful: the first sees forward and reverse pass together.
 *
 * @example jit(simplify(grad((x) => softmax(x).log().mul(q).sum().neg())))
 * @throws ConcreteValueNeeded where the function asks for a value
 */
export function simplify<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: Arguments<A>) => Outputs<R> {
  requireFunction('simplify', f);
  const simplified = (...args: unknown[]): Outputs<R> => {
    const call = callWithTree('simplify', f);
    const { leaves, rebuild } = flattenArguments(args);
    const program = traceProgram(inputs => call.run(rebuild(inputs)), avalsOf(leaves), {
      name: labelOf('simplify', f),
      watch: true,
    });
    return call.result(replay(simplifiedProgram(program), leaves)) as Outputs<R>;
  };
  return named(simplified, f) as (...args: Arguments<A>) => Outputs<R>;
}
