/** Derivatives that the user gives: the rule of a function in place of the rules of its operations. */
import type { Aval } from '../../core/aval.ts';
import type { TypedArray } from '../../core/dtype.ts';
import { labelOf } from '../../core/path.ts';
import { Variable } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import { unflatten } from '../../core/tree.ts';
import { bind, type Program } from '../../primitives/primitive.ts';
import {
  type Arguments,
  callWithTree,
  flattenArguments,
  type Gradient,
  type Outputs,
  requireFunction,
} from '../arguments.ts';
import type { Like } from '../control/body.ts';
import { avalsOf, closed, closedTogether } from '../derive.ts';
import { isEvaluating } from '../evaluate.ts';
import { requireNumbered } from '../jit.ts';
import { named } from '../vmap.ts';
import { customPrimitive, Later, type Rules } from './call.ts';
import {
  type AnyFunction,
  type Given,
  type TracedFunction,
  traceJvpRule,
  traceUser,
  traceVjpRule,
} from './rules.ts';

export interface CustomOptions {
  /**
   * Arguments that are passed on as they are: numbers that choose something, options, functions. Rules get them too, in
   * their place among the arguments and once more after their own arguments. Functions, strings and null need no mention.
   */
  readonly staticArgnums?: readonly number[];
}

/** A tree like T in which null or undefined stands for zeros, also in place of a whole subtree. */
export type OrZero<T> =
  | null
  | undefined
  | (T extends Tensor | number | boolean | TypedArray
      ? Tensor | number
      : T extends string | null | undefined | symbol | bigint | ((...args: never[]) => unknown)
        ? T
        : T extends ReadonlyMap<infer K, infer V>
          ? ReadonlyMap<K, OrZero<V>>
          : { readonly [K in keyof T]?: OrZero<T[K]> });

/** Under this name a function made here has the one that it was made of. */
export const original: unique symbol = /* @__PURE__ */ Symbol('original');

/** A function with a rule of its own. It takes further rules: `customVjp(customJvp(f, rule), forward, backward)`. */
export interface Custom<A extends readonly unknown[], R> {
  (...args: Arguments<A>): Outputs<R>;
  readonly [original]: (...args: A) => R;
}

/** A function, or one that has a rule already. */
type Ruled<A extends readonly unknown[], R> = Custom<A, R> | ((...args: A) => R);

interface Definition {
  readonly f: AnyFunction;
  readonly transformation: 'customJvp' | 'customVjp';
  readonly fixed: readonly number[];
  readonly rule?: AnyFunction;
  readonly forward?: AnyFunction;
  readonly backward?: AnyFunction;
}

/** What a function made here consists of: a second rule is added to the first. */
const definitions: WeakMap<object, Definition> = /* @__PURE__ */ new WeakMap();

function givenArguments(
  args: readonly unknown[],
  fixed: readonly number[],
): Given & { leaves: readonly Tensor[] } {
  const numbers = args.map((_, i) => i).filter(i => !fixed.includes(i));
  const flat = flattenArguments(
    numbers.map(i => args[i]),
    numbers,
  );
  return {
    leaves: flat.leaves,
    structure: flat.structure,
    avals: avalsOf(flat.leaves),
    fixed: fixed.map(i => args[i]),
    numbers,
    count: args.length,
    withFixed: (traced, fixedAs = 'value') => {
      const all = args.map(arg => (fixedAs === 'value' ? arg : null));
      numbers.forEach((number, i) => {
        all[number] = traced[i];
      });
      return all;
    },
  };
}

/** Functions whose rules are being traced. */
const active: Set<Definition> = /* @__PURE__ */ new Set();

function tracedRules(definition: Definition, given: Given, of: TracedFunction): Rules {
  const { f, rule, forward, backward } = definition;
  const outermost = !active.has(definition);
  active.add(definition);
  try {
    return {
      ...(rule && { rule: traceJvpRule(f, rule, given, of) }),
      ...(forward && backward && traceVjpRule(f, forward, backward, given, of)),
    };
  } finally {
    if (outermost) active.delete(definition);
  }
}

/** The rules with further inputs before the others, which they do not read. */
function withInputs(avals: readonly Aval[], { leaving, ...programs }: Rules): Rules {
  const widened = Object.entries(programs).map(([name, program]) => [
    name,
    { ...program, inputs: [...avals.map(aval => new Variable(aval)), ...program.inputs] },
  ]);
  return { ...(Object.fromEntries(widened) as Rules), ...(leaving && { leaving }) };
}

function custom(definition: Definition): AnyFunction {
  const { f, transformation, fixed } = definition;
  const label = labelOf(transformation, f);
  const wrapped = (...args: unknown[]): unknown => {
    if (fixed.length > 0) requireNumbered(label, 'staticArgnums', fixed, args);
    const given = givenArguments(args, fixed);
    if (isEvaluating()) {
      const call = callWithTree(transformation, f);
      return call.result(call.run(given.withFixed(unflatten(given.structure, given.leaves) as unknown[])));
    }
    const traced = traceUser(transformation, f, given);
    // A rule may call the function itself: that call's rules wait until they are needed.
    if (active.has(definition)) {
      const { program, constants } = closed(traced.program);
      const later = new Later(() => withInputs(avalsOf(constants), tracedRules(definition, given, traced)));
      const operands = [...constants, ...given.leaves];
      const params = { name: label, constants: constants.length, program, later };
      return unflatten(traced.structure, bind(customPrimitive, operands, params));
    }
    const rules = tracedRules(definition, given, traced);
    const names = (['rule', 'forward', 'backward'] as const).filter(name => rules[name] !== undefined);
    const { programs, constants } = closedTogether([
      traced.program,
      ...names.map(name => rules[name] as Program),
    ]);
    const results = bind(customPrimitive, [...constants, ...given.leaves], {
      ...rules,
      ...Object.fromEntries(names.map((name, i) => [name, programs[i + 1]])),
      name: label,
      constants: constants.length,
      program: programs[0],
    });
    return unflatten(traced.structure, results);
  };
  named(wrapped, f);
  definitions.set(wrapped, definition);
  return Object.assign(wrapped, { [original]: f });
}

/** The static arguments: those of an earlier rule, if nothing else is said. */
function sorted({ staticArgnums }: CustomOptions, known: Definition | undefined): readonly number[] {
  return [...(staticArgnums ?? known?.fixed ?? [])].sort((a, b) => a - b);
}

/**
 * The function with a forward-mode rule of its own: rule([x₁, …], [ẋ₁, …]) gives [f(x), ∂f(x)·ẋ]. Reverse mode
 * transposes the rule, which must therefore be linear in the tangents; higher derivatives differentiate it.
 *
 * Where derivatives, batches or programs are made, the function and its rule are traced, so that values are not known in
 * them; otherwise the function runs as it is. Both may close over tensors, but have no derivative with respect to them.
 * The tangent of an argument that does not move is zero, as is that of an integer; a tangent null among the results is
 * zero.
 *
 * @param rule [primals, tangents], trees like the arguments, to [out, tangentOut], trees like the result
 * @example
 * // log(1 + eˣ), whose derivative by the chain rule is Infinity / Infinity for large x
 * const softplus = customJvp(
 *   (x: Tensor) => logaddexp(x, 0),
 *   ([x], [dx]) => [logaddexp(x, 0), dx.div(x.neg().exp().add(1))],
 * )
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the rule returns something else; NotDifferentiable with respect
 *   to what the function closes over
 * @see JAX, `custom_jvp`: https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html
 */
export function customJvp<A extends readonly unknown[], R>(
  f: Ruled<A, R>,
  rule: (
    primals: A,
    tangents: { [K in keyof A]: Gradient<A[K]> },
    // biome-ignore lint/suspicious/noExplicitAny: whatever the user fixes
    ...fixed: any[]
  ) => readonly [out: Like<NoInfer<R>>, tangentOut: OrZero<NoInfer<R>>],
  options: CustomOptions = {},
): Custom<A, R> {
  requireFunction('customJvp', f);
  requireFunction('customJvp', rule);
  const known = definitions.get(f);
  return custom({
    ...known,
    f: known?.f ?? f,
    fixed: sorted(options, known),
    transformation: 'customJvp',
    rule,
  }) as never;
}

/**
 * The function with a reverse-mode rule of its own: forward(…x) gives [f(x), residuals], and
 * backward(residuals, ȳ) gives x̄ = ȳᵀ·∂f(x), one cotangent for each argument; null is zero. Higher derivatives
 * differentiate the two.
 *
 * Forward mode alone is an error, unless the function has a jvp rule as well:
 * `customVjp(customJvp(f, rule), forward, backward)` takes the jvp rule in forward and the vjp rule in reverse mode.
 *
 * Where derivatives, batches or programs are made, the function and its rules are traced, so that values are not known in
 * them; otherwise the function runs as it is. All may close over tensors, but have no derivative with respect to them.
 *
 * @param forward the arguments to [out, residuals]; residuals are any tree
 * @param backward residuals and a cotangent like the result to an array of cotangents like the arguments
 * @example
 * const clipGradient = customVjp(
 *   (x: Tensor) => x,
 *   x => [x, null],
 *   (_, ct) => [clip(ct, -1, 1)],
 * )
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where a rule returns something else; NotDifferentiable in forward mode,
 *   and with respect to what the function closes over
 * @see JAX, `custom_vjp`: https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html
 */
export function customVjp<A extends readonly unknown[], R, const S>(
  f: Ruled<A, R>,
  forward: (...args: A) => readonly [out: Like<NoInfer<R>>, residuals: S],
  backward: (
    residuals: Outputs<S>,
    cotangent: Outputs<NoInfer<R>>,
    // biome-ignore lint/suspicious/noExplicitAny: whatever the user fixes
    ...fixed: any[]
  ) => { readonly [K in keyof A]: OrZero<A[K]> },
  options: CustomOptions = {},
): Custom<A, R> {
  requireFunction('customVjp', f);
  requireFunction('customVjp', forward);
  requireFunction('customVjp', backward);
  const known = definitions.get(f);
  return custom({
    ...known,
    f: known?.f ?? f,
    fixed: sorted(options, known),
    transformation: 'customVjp',
    forward,
    backward,
  }) as never;
}
