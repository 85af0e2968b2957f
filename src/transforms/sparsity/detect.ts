/** The pattern of a function's Jacobian, found from its program. */
import { totalSize } from '../../core/aval.ts';
import { labelOf } from '../../core/path.ts';
import { ConcreteTensor, type Tensor } from '../../core/tensor.ts';
import { flatten, type Structure } from '../../core/tree.ts';
import type { Program } from '../../primitives/primitive.ts';
import { type Arguments, callWithTree, type Leaves } from '../arguments.ts';
import { avalsOf, jvpProgram, withOutputs } from '../derive.ts';
import { differentiated, type JacobianOptions } from '../jacobian/argument.ts';
import { traceProgram } from '../trace.ts';
import { named } from '../vmap.ts';
import { interpret, type Value } from './dependence.ts';
import { SparsityPattern } from './pattern.ts';
import { type Consulted, sameProgram } from './same.ts';
import { IndexSets } from './sets.ts';

/** A function of one differentiated argument as a program. */
export interface Traced {
  readonly label: string;
  readonly primals: Leaves;
  readonly program: Program;
  readonly structure: Structure;
  /** Floats among the other arguments: the pattern must hold for all their values. */
  readonly free: ReadonlySet<Tensor>;
}

/** Traces f as a function of one of its arguments; nothing is computed. */
export function traceArgument(
  name: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  argnum: number,
): Traced {
  const { primals, one } = differentiated(name, f, args, argnum);
  const call = callWithTree(name, one);
  const label = labelOf(name, f);
  const program = traceProgram(inputs => call.run(primals.rebuild(inputs)), avalsOf(primals.leaves), {
    name: label,
    watch: true,
  });
  const others = args.filter((_, i) => i !== argnum).flatMap(tensorsIn);
  const free = new Set(others.filter(tensor => tensor.aval.isFloat));
  return { label, primals, program, structure: call.structure(), free };
}

/** The tensors of a tree; none of what is not one, which an argument that is not differentiated may be. */
function tensorsIn(value: unknown): Tensor[] {
  try {
    return flatten(value).leaves.filter((leaf): leaf is Tensor => leaf instanceof ConcreteTensor);
  } catch {
    return [];
  }
}

/** A pattern and what it rests on besides the operations. */
export interface Detected {
  readonly pattern: SparsityPattern;
  readonly consulted: Consulted;
}

/**
 * Interprets the tangents of a program on sets of input elements. What the rules of the primitives say decides: where
 * the derivative is zero by declaration there is no tangent, and a custom rule counts in place of what it replaces.
 *
 * @throws TooDense where sets of more than `limit` elements in all would be made
 */
export function detect({ program, free }: Traced, limit?: number): Detected {
  const moving = program.inputs.map(input => input.aval.isFloat);
  const made = jvpProgram('sparsity', program, moving);
  const primalCount = program.outputs.length;
  const tangents = withOutputs(
    made.program,
    made.program.outputs.map((_, i) => i >= primalCount),
  );
  const columns = totalSize(program.inputs);
  const sets = new IndexSets(columns, limit);
  const consulted = new Map<Tensor, ArrayLike<number>>();
  const values: Value[] = program.inputs.map(() => ({ sets: null, known: null }));
  let column = 0;
  program.inputs.forEach((input, i) => {
    const first = column + 1;
    if (moving[i])
      values.push({ sets: new Int32Array(input.aval.size).map((_, k) => first + k), known: null });
    column += input.aval.size;
  });
  const constant = (tensor: Tensor): (() => ConcreteTensor) | null => {
    if (!(tensor instanceof ConcreteTensor) || free.has(tensor)) return null;
    return () => {
      if (!consulted.has(tensor)) consulted.set(tensor, tensor.elements().slice());
      return tensor;
    };
  };
  const found = interpret({ sets, constant }, tangents, values);
  const rows: Int32Array[] = [];
  let next = 0;
  program.outputs.forEach((output, i) => {
    const own = made.moving[i] ? found[next++].sets : null;
    for (let k = 0; k < output.aval.size; k++) rows.push(sets.elements(own?.[k] ?? 0));
  });
  return { pattern: SparsityPattern.of([rows.length, columns], rows), consulted };
}

/** What was found for the traces of one function, the last one first. */
export class Findings<T> {
  readonly #entries: { readonly program: Program; readonly consulted: Consulted; readonly found: T }[] = [];
  /** How often something had to be found. */
  count = 0;

  /** What was found for the same program before, or what `find` finds now. */
  of(traced: Traced, find: () => { readonly consulted: Consulted; readonly found: T }): T {
    const at = this.#entries.findIndex(entry => sameProgram(entry.program, traced.program, entry.consulted));
    if (at > 0) this.#entries.unshift(...this.#entries.splice(at, 1));
    if (at >= 0) return this.#entries[0].found;
    this.count++;
    const entry = { program: traced.program, ...find() };
    this.#entries.unshift(entry);
    if (this.#entries.length > 8) this.#entries.pop();
    return entry.found;
  }
}

/**
 * Where the Jacobian of f can have entries other than zero, for all values of the arguments: the elements of the output,
 * in the order of its leaves, by the elements of the argument. f is traced and nothing is computed with the arguments.
 *
 * A `where` or `cond` counts both branches; reading at places that depend on the arguments counts all places. Constants
 * are used as they are: reading at constant places counts those places, and a product with a constant zero none.
 *
 * @returns a function of the arguments of f; called again with the same shapes it gives the same object
 * @example sparsityPattern((x) => x.cumsum())(tensor([1, 2, 3])).count // 6
 * @throws ConcreteValueNeeded where f asks for a value
 * @see Gowda et al., "Sparsity Programming: Automated Sparsity-Aware Optimizations in Differentiable Programming", 2019
 * @see Hill and Dalle, "Sparser, Better, Faster, Stronger: Sparsity Detection for Efficient Automatic Differentiation", 2025
 */
export function sparsityPattern<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => SparsityPattern {
  const { argnums = 0 } = options;
  const findings = new Findings<SparsityPattern>();
  return named((...args: unknown[]) => {
    const traced = traceArgument('sparsityPattern', f, args, argnums);
    return findings.of(traced, () => {
      const { pattern, consulted } = detect(traced);
      return { found: pattern, consulted };
    });
  }, f) as (...args: Arguments<A>) => SparsityPattern;
}
