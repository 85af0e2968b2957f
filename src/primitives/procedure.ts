/** Writing a function of numbers as statements, for those that branch and loop: one run for every element. */
import type { Aval } from '../core/aval.ts';
import * as k from '../kernel/expression.ts';
import type { OrderedNest } from '../kernel/kernel.ts';
import { Locals, loop, type Statement, set, store, when } from '../kernel/statement.ts';
import { axes, elements } from './signature.ts';

export interface Variable {
  /** What was set last. */
  readonly value: k.Expression;
  set(value: k.Expression): void;
}

/** Statements as they are written, in float64. */
export class Procedure {
  readonly locals: Locals = new Locals();
  #statements: Statement[] = [];
  #axis: number;

  constructor(firstAxis: number) {
    this.#axis = firstAxis;
  }

  /** A new variable; it keeps what is set until it is set again. */
  variable(initial: k.Expression): Variable {
    const { number, value } = this.locals.add(initial.type);
    const put = (x: k.Expression): void => {
      this.#statements.push(set(number, x));
    };
    put(initial);
    return { value, set: put };
  }

  /** The value of an expression here, computed once. */
  let(x: k.Expression): k.Expression {
    return this.variable(x).value;
  }

  if(test: k.Expression, then: () => void, otherwise?: () => void): void {
    this.#statements.push(when(test, this.#collect(then), otherwise ? this.#collect(otherwise) : []));
  }

  /** The body for n = 0, …, count − 1, or the other way round; it gets n in float64. */
  repeat(
    count: k.Expression,
    body: (n: k.Expression) => void,
    { reverse = false }: { reverse?: boolean } = {},
  ): void {
    const axis = this.#axis++;
    const inside = this.#collect(() => body(k.cast('float64', k.axis(axis))));
    this.#statements.push(loop(axis, k.int(0), count, inside, { reverse }));
  }

  #collect(write: () => void): Statement[] {
    const outer = this.#statements;
    this.#statements = [];
    write();
    const inside = this.#statements;
    this.#statements = outer;
    return inside;
  }

  end(): readonly Statement[] {
    return this.#statements;
  }
}

/** The kernel that runs a procedure for every element of operands of one shape. */
export function elementwise(
  operands: readonly Aval[],
  [out]: readonly Aval[],
  write: (p: Procedure, operands: k.Expression[]) => k.Expression,
): OrderedNest {
  const p = new Procedure(out.ndim);
  const values = elements(operands).map(x => p.let(k.cast('float64', x)));
  const result = write(p, values);
  return {
    form: 'ordered',
    extents: out.shape,
    body: [...p.end(), store(0, axes(out.ndim), k.cast(out.dtype, result))],
    locals: p.locals.types,
  };
}
