/** Which operand elements a scalar expression takes its derivative from, and under which conditions. */

import { type Expression, isFloat } from '../../kernel/expression.ts';

/** A condition on the indices and on known values: the expression is zero, or is not. */
export interface Guard {
  readonly of: Expression;
  readonly zero: boolean;
}

/** An element of an operand that the expression depends on where all guards hold. */
export interface Read {
  readonly source: number;
  readonly at: readonly Expression[];
  readonly guards: readonly Guard[];
}

/** Likewise a running value of a reduction or scan. */
export interface CarryRead {
  readonly index: number;
  readonly guards: readonly Guard[];
}

export interface Reads {
  readonly loads: readonly Read[];
  readonly carries: readonly CarryRead[];
}

const flat = new Set<string>(['floor', 'ceil', 'round', 'trunc', 'sign', 'bitcast']);

/**
 * Everything that the derivative of an expression can come from. Conditions, indices, integers and rounding have no
 * derivative. A choice by known values is made; one by values that are not known is both branches. A product with a
 * known zero has none.
 *
 * @param moves whether anything depends on the inputs in an operand
 * @param isKnown whether an expression has a value that is the same for all inputs
 */
export function readsOf(
  root: Expression,
  moves: (source: number) => boolean,
  isKnown: (x: Expression) => boolean,
): Reads {
  const loads: Read[] = [];
  const carries: CarryRead[] = [];
  const seen = new Map<readonly Guard[], Set<Expression>>();
  const walk = (x: Expression, guards: readonly Guard[]): void => {
    if (!isFloat(x.type) || flat.has(x.op)) return;
    let before = seen.get(guards);
    if (before === undefined) {
      before = new Set();
      seen.set(guards, before);
    }
    if (before.has(x)) return;
    before.add(x);
    if (x.op === 'load') {
      if (moves(x.source)) loads.push({ source: x.source, at: x.at, guards });
    } else if (x.op === 'carry') carries.push({ index: x.index, guards });
    else if (x.op === 'select') {
      const [test, yes, no] = x.args;
      const known = isKnown(test);
      walk(yes, known ? [...guards, { of: test, zero: false }] : guards);
      walk(no, known ? [...guards, { of: test, zero: true }] : guards);
    } else if (x.op === 'mul') {
      const [a, b] = x.args;
      walk(a, withFactor(guards, b));
      walk(b, withFactor(guards, a));
    } else if ('args' in x) for (const arg of x.args) walk(arg, guards);
  };
  const withFactor = (guards: readonly Guard[], factor: Expression): readonly Guard[] =>
    isKnown(factor) && !(factor.op === 'constant' && factor.value !== 0)
      ? [...guards, { of: factor, zero: false }]
      : guards;
  walk(root, []);
  return { loads, carries };
}
