/** The Jacobian, each way by its mode, or by the cheapest. */
import { totalSize } from '../../core/aval.ts';
import { BadArgument } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import { type EliminationOptions, jacobianByElimination } from '../elimination/elimination.ts';
import type { Compression } from '../sparsity/compress.ts';
import { Findings, traceArgument } from '../sparsity/detect.ts';
import type { SparseMatrix } from '../sparsity/matrix.ts';
import { named } from '../vmap.ts';
import {
  type AnyFunction,
  differentiated,
  type Jacobian,
  type JacobianOptions,
  type LinearizedArgument,
  linearizeArgument,
} from './argument.ts';
import { Chooser, chooseBySize, denseMode, fewPasses, type JacobianChoice } from './choose.ts';
import { columnByColumn, jacfwd, jacrev, rowByRow } from './dense.ts';
import { compressionOf, denseTree, linearizeTrace, sparseFromTrace, sparseJacobian } from './sparse.ts';

export interface ModeOptions extends EliminationOptions {
  /**
   * - `forward`: a pushforward for each input element ({@link jacfwd}).
   * - `reverse`: a pullback for each output element ({@link jacrev}).
   * - `sparse`: one of either for each colour of the pattern ({@link sparseJacobian}).
   * - `elimination`: intermediate values are eliminated in an order that takes few operations
   *   ({@link eliminationOrder}): numbers, in straight-line code, of small functions with many steps, else whole tensors,
   *   for functions that are narrow somewhere, or elementwise in many steps.
   * - `auto`: the one of the first three that takes the fewest; {@link explainJacobian} says why.
   *
   * Default `auto`.
   */
  readonly mode?: 'auto' | 'forward' | 'reverse' | 'sparse' | 'elimination';
  /** Of mode `sparse`: `dense` gives the tree of the other modes, `sparse` a {@link SparseMatrix}. Default `dense`. */
  readonly output?: 'dense' | 'sparse';
}

/**
 * The Jacobian, by the mode that is asked for, or by the cheapest.
 *
 * @example jacobian((x) => A.matmul(x))(x) // A
 * @example jacobian((x) => x.mul(x), { mode: 'sparse', output: 'sparse' })(x).values // one pushforward, 2·x
 * @throws BadArgument, NotDifferentiable; ConcreteValueNeeded where mode is `sparse` and f asks for a value
 */
export function jacobian<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: ModeOptions & { readonly mode: 'sparse'; readonly output: 'sparse' },
): (...args: Arguments<A>) => SparseMatrix;
export function jacobian<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options?: ModeOptions,
): (...args: Arguments<A>) => Jacobian<A[0], R>;
export function jacobian(f: AnyFunction, options: ModeOptions = {}): AnyFunction {
  const { mode = 'auto', argnums = 0, output = 'dense' } = options;
  if (output !== 'dense' && output !== 'sparse')
    throw new BadArgument({
      did: `jacobian with output ${JSON.stringify(output)}`,
      expected: "'dense' or 'sparse'",
      remedy: "jacobian(f, { mode: 'sparse', output: 'sparse' })",
    });
  if (output === 'sparse' && mode !== 'sparse')
    throw new BadArgument({
      did: `jacobian with output 'sparse' in mode '${mode}'`,
      expected: "mode 'sparse'",
      remedy: "jacobian(f, { mode: 'sparse', output: 'sparse' }), or sparseJacobian(f)",
    });
  switch (mode) {
    case 'forward':
      return jacfwd(f as never, { argnums }) as AnyFunction;
    case 'reverse':
      return jacrev(f as never, { argnums }) as AnyFunction;
    case 'sparse':
      return output === 'sparse'
        ? (sparseJacobian(f as never, { argnums }) as unknown as AnyFunction)
        : bySparsity(f, argnums);
    case 'elimination':
      return jacobianByElimination(f, options);
    case 'auto':
      return byChoice(f, argnums);
    default:
      throw new BadArgument({
        did: `jacobian with mode ${JSON.stringify(mode)}`,
        expected: "'auto', 'forward', 'reverse', 'sparse' or 'elimination'",
        remedy: "jacobian(f, { mode: 'auto' })",
      });
  }
}

function bySparsity(f: AnyFunction, argnum: number): AnyFunction {
  const findings = new Findings<Compression>();
  return named((...args: unknown[]) => {
    const traced = traceArgument('jacobian', f, args, argnum);
    return denseTree(sparseFromTrace(compressionOf(findings, traced, 'auto'), traced), traced);
  }, f) as AnyFunction;
}

function byChoice(f: AnyFunction, argnum: number): AnyFunction {
  const chooser = new Chooser();
  return named((...args: unknown[]) => {
    const { primals } = differentiated('jacobian', f, args, argnum);
    // Where the input is small nothing has to be traced to find out.
    const chosen = totalSize(primals.leaves) > fewPasses ? chooser.choose('jacobian', f, args, argnum) : null;
    if (chosen === null) return byShape(linearizeArgument('jacobian', f, args, argnum));
    const { compression, traced } = chosen;
    return compression === null
      ? byShape(linearizeTrace(traced))
      : denseTree(sparseFromTrace(compression, traced), traced);
  }, f) as AnyFunction;
}

function byShape(linearized: LinearizedArgument): unknown {
  const { primals, at } = linearized;
  return denseMode(totalSize(primals.leaves), totalSize(at.outputs)) === 'forward'
    ? columnByColumn(linearized)
    : rowByRow(linearized);
}

/**
 * What `jacobian(f)` does for these arguments and why: the sizes, the number of passes each way takes, the number of
 * entries and colours, estimated operations, and the choice.
 *
 * @example String(explainJacobian((x) => x.mul(x))(x))
 * // 1000 × 1000, sparse: only 1000 of 1000000 entries can differ from zero, and 1 pushforward, one for each colour, will do; …
 */
export function explainJacobian<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => JacobianChoice {
  const { argnums = 0 } = options;
  const chooser = new Chooser();
  return named((...args: unknown[]) => {
    const chosen = chooser.choose('explainJacobian', f as AnyFunction, args, argnums);
    if (chosen !== null) return chosen.choice;
    const { primals, at } = linearizeArgument('explainJacobian', f as AnyFunction, args, argnums);
    return chooseBySize(
      totalSize(primals.leaves),
      totalSize(at.outputs),
      'where zeros can be is not known, since the function asks for values and cannot be traced',
    );
  }, f) as (...args: Arguments<A>) => JacobianChoice;
}
