/** Checkpointing: reverse mode computes intermediate values again instead of keeping them. */
import { BadArgument } from '../core/errors.ts';
import { labelOf } from '../core/path.ts';
import { unflatten } from '../core/tree.ts';
import { type Arguments, callWithTree, flattenArguments, type Outputs } from './arguments.ts';
import { type CheckpointPolicy, checkpointed } from './control/checkpoint.ts';
import { avalsOf, closed } from './derive.ts';
import { isEvaluating } from './evaluate.ts';
import { replay, traceProgram } from './trace.ts';
import { named } from './vmap.ts';

export interface CheckpointOptions {
  /** What is kept besides the arguments. Default `'nothing'`. */
  readonly policy?: CheckpointPolicy;
}

/**
 * The same function, whose reverse pass keeps its arguments only and computes the intermediate values again when it
 * comes to them: memory is paid for with one more run of f. A chain of L layers with a checkpoint around every √L of
 * them needs about 2√L values in place of L. Values and derivatives of every order are those of f, bit for bit.
 *
 * A policy keeps more: `'dots'` the results of matrix products and convolutions, `{ save: ['h'] }` the values that
 * `tag('h', x)` names, `'everything'` all that the derivative needs. A policy sees the operations of f and of functions
 * that it calls, not those within loops and choices.
 *
 * f is traced at each call, so that values are not known in it: use `where` and `cond` in place of `if`.
 *
 * @example grad((w, x) => checkpoint(block, { policy: 'dots' })(w, x).sum())(w, x)
 * @throws BadArgument for an unknown policy, ConcreteValueNeeded where f asks for a value
 * @see Griewank & Walther, Evaluating Derivatives (2008), chapter 12; the policies are those of jax.checkpoint
 */
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: CheckpointOptions = {},
): (...args: Arguments<A>) => Outputs<R> {
  const call = callWithTree('checkpoint', f);
  const label = labelOf('checkpoint', f);
  const policy = requirePolicy(label, options.policy === undefined ? 'nothing' : options.policy);
  const checkpointedFunction = (...args: unknown[]): Outputs<R> => {
    const { leaves, rebuild } = flattenArguments(args);
    const traced = traceProgram(inputs => call.run(rebuild(inputs)), avalsOf(leaves), {
      name: label,
      watch: true,
    });
    const structure = call.structure();
    const { program, constants } = closed(traced);
    const operands = [...constants, ...leaves];
    // Where nothing is differentiated there is nothing to keep.
    const results = isEvaluating() ? replay(program, operands) : checkpointed(program, policy, operands);
    return unflatten(structure, results) as Outputs<R>;
  };
  named(checkpointedFunction, f);
  return checkpointedFunction as (...args: Arguments<A>) => Outputs<R>;
}

function requirePolicy(label: string, policy: CheckpointPolicy): CheckpointPolicy {
  const known = policy === 'nothing' || policy === 'everything' || policy === 'dots';
  const names = typeof policy === 'object' && policy !== null ? policy.save : undefined;
  if (!known && !(Array.isArray(names) && names.every(name => typeof name === 'string')))
    throw new BadArgument({
      did: `${label} with policy ${JSON.stringify(policy)}`,
      expected: "'nothing', 'everything', 'dots' or { save: [names of tags] }",
      remedy: "checkpoint(f, { policy: { save: ['h'] } }) with tag('h', x) in f",
    });
  return names === undefined ? policy : { save: [...new Set(names)].sort() };
}
