/** Statements: what an `ordered` nest does, one after the other. Plain data, as expressions are. */
import { carry, type Expression, type ScalarType, visit } from './expression.ts';

/** output[at] = value; `at` has one int32 index for each dimension, all of them in range. */
export interface Store {
  readonly form: 'store';
  readonly output: number;
  readonly at: readonly Expression[];
  readonly value: Expression;
}

/** local = value. Where it is read, `carry(local)` is the value set last; before the first it is undefined. */
export interface SetLocal {
  readonly form: 'set';
  readonly local: number;
  readonly value: Expression;
}

/** The body for axis = from, …, to − 1, from ≥ 0, or the other way round in reverse; the bounds are computed once. */
export interface Loop {
  readonly form: 'loop';
  readonly axis: number;
  readonly from: Expression;
  readonly to: Expression;
  readonly reverse: boolean;
  /**
   * No turn reads what another one writes: turns may run side by side. Locals that the body sets are each turn's own, and
   * undefined after the loop.
   */
  readonly independent: boolean;
  readonly body: readonly Statement[];
}

/** local += Σ terms over axis = from, …, to − 1, added in any order: several sums over one axis, which share what they load and do not read each other. */
export interface Sum {
  readonly form: 'sum';
  readonly axis: number;
  readonly from: Expression;
  readonly to: Expression;
  readonly terms: readonly { readonly local: number; readonly term: Expression }[];
}

export interface If {
  readonly form: 'if';
  readonly test: Expression;
  readonly then: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

export type Statement = Store | SetLocal | Loop | Sum | If;

export const store = (output: number, at: readonly Expression[], value: Expression): Store => ({
  form: 'store',
  output,
  at,
  value,
});
export const set = (local: number, value: Expression): SetLocal => ({ form: 'set', local, value });
export const loop = (
  axis: number,
  from: Expression,
  to: Expression,
  body: readonly Statement[],
  { reverse = false, independent = false }: { reverse?: boolean; independent?: boolean } = {},
): Loop => ({ form: 'loop', axis, from, to, reverse, independent, body });
export const sum = (
  axis: number,
  from: Expression,
  to: Expression,
  terms: readonly (readonly [local: number, term: Expression])[],
): Sum => ({ form: 'sum', axis, from, to, terms: terms.map(([local, term]) => ({ local, term })) });
export const when = (
  test: Expression,
  then: readonly Statement[],
  otherwise: readonly Statement[] = [],
): If => ({ form: 'if', test, then, otherwise });

/** The scalar locals of a nest as they are declared: gives each a number and the expression that reads it. */
export class Locals {
  readonly types: ScalarType[] = [];

  add(type: ScalarType): { readonly number: number; readonly value: Expression } {
    const number = this.types.push(type) - 1;
    return { number, value: carry(type, number) };
  }
}

/** The expressions of one statement itself, without those of statements inside. */
export function ownExpressions(statement: Statement): readonly Expression[] {
  switch (statement.form) {
    case 'store':
      return [...statement.at, statement.value];
    case 'set':
      return [statement.value];
    case 'loop':
      return [statement.from, statement.to];
    case 'sum':
      return [statement.from, statement.to, ...statement.terms.map(one => one.term)];
    case 'if':
      return [statement.test];
  }
}

export function statementsIn(statement: Statement): readonly Statement[] {
  if (statement.form === 'loop') return statement.body;
  return statement.form === 'if' ? [...statement.then, ...statement.otherwise] : [];
}

/** All expressions of statements, those inside others too, in order. */
export function expressionsOf(statements: readonly Statement[]): Expression[] {
  const list: Expression[] = [];
  const add = (statement: Statement): void => {
    for (const x of ownExpressions(statement)) list.push(x);
    for (const inner of statementsIn(statement)) add(inner);
  };
  for (const statement of statements) add(statement);
  return list;
}

/** What statements change: outputs and locals by number. */
export interface Effects {
  readonly outputs: ReadonlySet<number>;
  readonly locals: ReadonlySet<number>;
}

export function effectsOf(statements: readonly Statement[]): Effects {
  const outputs = new Set<number>();
  const locals = new Set<number>();
  const add = (statement: Statement): void => {
    if (statement.form === 'store') outputs.add(statement.output);
    if (statement.form === 'set') locals.add(statement.local);
    if (statement.form === 'sum') for (const { local } of statement.terms) locals.add(local);
    for (const inner of statementsIn(statement)) add(inner);
  };
  for (const statement of statements) add(statement);
  return { outputs, locals };
}

/** Whether expressions read an output or a local that is among the effects. `inputs` is how many sources are inputs. */
export function dependsOn(
  roots: readonly Expression[],
  { outputs, locals }: Effects,
  inputs: number,
): boolean {
  let depends = false;
  visit(roots, x => {
    if (x.op === 'carry' ? locals.has(x.index) : x.op === 'load' && outputs.has(x.source - inputs))
      depends = true;
  });
  return depends;
}
