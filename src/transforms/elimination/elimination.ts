/**
 * Jacobians by vertex elimination: an order with few multiplications is found once for the graph of a function's
 * derivative, and the straight-line code that it gives runs as one kernel.
 */
import type { Aval } from '../../core/aval.ts';
import { BadArgument, CannotUnroll } from '../../core/errors.ts';
import { withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import { bind, type Program } from '../../primitives/primitive.ts';
import type { Arguments } from '../arguments.ts';
import { avalsOf } from '../derive.ts';
import { type AnyFunction, assemble, type JacobianOptions } from '../jacobian/argument.ts';
import { replay } from '../trace.ts';
import { named } from '../vmap.ts';
import type { Code, FloatType, Instruction, Scalar } from './code.ts';
import { followedBy, fusedParams, fusedPrimitive, wholeCode } from './fuse.ts';
import { type ComputationalGraph, intermediates, multiplications } from './graph.ts';
import { forwardOrder, markowitzOrder, reverseOrder } from './orders.ts';
import { searchOrder } from './search.ts';
import { straightline, straightlineParams } from './straightline.ts';
import { type ScalarGraph, scalarGraph } from './trace.ts';

export interface EliminationOptions extends JacobianOptions {
  /**
   * The order in which vertices are eliminated: `forward`, `reverse`, `markowitz` (always the cheapest next),
   * `search` (simulated annealing), or the vertices themselves as {@link eliminationOrder} numbers them.
   * Default `search`.
   */
  readonly order?: 'forward' | 'reverse' | 'markowitz' | 'search' | readonly number[];
  /** Milliseconds for the search. Without it the search makes a fixed number of moves and always finds the same order. */
  readonly budget?: number;
}

const orders = ['forward', 'reverse', 'markowitz', 'search'] as const;

function requireOptions(name: string, { order = 'search', budget = 1 }: EliminationOptions): void {
  if (!Array.isArray(order) && !orders.includes(order as (typeof orders)[number]))
    throw new BadArgument({
      did: `${name} with order ${JSON.stringify(order)}`,
      expected: "'forward', 'reverse', 'markowitz', 'search' or a list of vertices",
      remedy: "jacobian(f, { mode: 'elimination', order: 'markowitz' })",
    });
  if (!(budget >= 0))
    throw new BadArgument({
      did: `${name} with a budget of ${budget}`,
      expected: 'milliseconds, at least 0',
      remedy: "jacobian(f, { mode: 'elimination', budget: 500 })",
    });
}

function orderOf(
  name: string,
  graph: ComputationalGraph,
  { order = 'search', budget }: EliminationOptions,
): readonly number[] {
  switch (order) {
    case 'forward':
      return forwardOrder(graph);
    case 'reverse':
      return reverseOrder(graph);
    case 'markowitz':
      return markowitzOrder(graph);
    case 'search':
      return searchOrder(graph, { budget }).order;
  }
  const needed = intermediates(graph);
  const given = new Set(order);
  if (order.length !== needed.length || needed.some(v => !given.has(v)))
    throw new BadArgument({
      did: `${name} with an order of ${order.length} vertices that is no order of the ${needed.length} vertices to eliminate`,
      expected: `each of the vertices between inputs and outputs once: ${needed.slice(0, 8).join(', ')}${needed.length > 8 ? ', …' : ''}`,
      remedy: 'start from eliminationOrder(f)(…).order, of the same function and shapes',
    });
  return order;
}

/** What was found for graphs met before: the order, and the operation for the code. */
class Found {
  readonly #orders = new Map<string, readonly number[]>();
  readonly #codes = new Map<string, ReturnType<typeof straightlineParams>>();
  readonly #fused = new Map<string, ReturnType<typeof fusedParams>>();

  order(graph: ComputationalGraph, find: () => readonly number[]): readonly number[] {
    return remembered(this.#orders, JSON.stringify(graph), find);
  }

  params(code: Code, operands: readonly Aval[]): ReturnType<typeof straightlineParams> {
    return remembered(this.#codes, keyOf(code, operands), () => straightlineParams(code, operands));
  }

  fused(code: Code, meaning: Program): ReturnType<typeof fusedParams> {
    return remembered(this.#fused, keyOf(code, avalsOf(meaning.inputs)), () => fusedParams(code, meaning));
  }
}

const keyOf = (code: Code, operands: readonly Aval[]): string =>
  JSON.stringify([code, operands.map(aval => aval.key)]);

function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    if (map.size >= 64) map.clear();
    map.set(key, value);
  }
  return value;
}

/** An engine takes seconds to compile code that is longer. */
const mostMultiplications = 50_000;

function requireShort(graph: ComputationalGraph, order: readonly number[]): void {
  const count = multiplications(graph, order);
  if (count > mostMultiplications)
    throw new CannotUnroll({
      did: `unrolled a function whose Jacobian takes ${count} multiplications in this order`,
      expected: `at most ${mostMultiplications}, since each of them is a piece of code`,
      remedy: "jacobian(f, { mode: 'forward' }) or { mode: 'reverse' }, which use products of matrices",
    });
}

/** The code of the Jacobian, a result for each leaf of the output by each leaf of the argument. */
function accumulate(scalars: ScalarGraph, order: readonly number[]): Code {
  const { accumulation, vertices, rows, outputs, primals } = scalars;
  for (const v of order) accumulation.eliminate(vertices[v]);
  const blocks = outputs.flatMap(({ dtype, shape }, i) => {
    let first = 0;
    return primals.leaves.map(leaf => {
      const start = first;
      first += leaf.size;
      const entries = rows[i].flatMap((vertex, row) =>
        vertex < 0
          ? []
          : [...accumulation.into(vertex)]
              .filter(([column]) => column >= start && column < first)
              .map(([column, value]) => [row * leaf.size + column - start, value] as [number, Scalar]),
      );
      return { type: dtype as FloatType, shape: [...shape, ...leaf.shape], entries };
    });
  });
  return accumulation.code.code(blocks);
}

/** The code with only those operands that it reads. */
function withoutUnread(code: Code): { code: Code; read: number[] } {
  const read = [
    ...new Set(code.instructions.flatMap(({ op, source = 0 }) => (op === 'load' ? [source] : []))),
  ];
  const instructions = code.instructions.map(
    (one): Instruction => (one.op === 'load' ? { ...one, source: read.indexOf(one.source as number) } : one),
  );
  return { code: { ...code, instructions }, read };
}

function run(found: Found, known: Program, code: Code, primals: readonly Tensor[]): readonly Tensor[] {
  const params = found.params(code, avalsOf(known.outputs));
  const { meaning, data } = followedBy(known, params);
  const whole = wholeCode(meaning, known, code);
  if (whole === null) return bind(straightline, replay(known, primals), params);
  return bind(fusedPrimitive, [...primals, ...data], found.fused(whole, meaning));
}

/**
 * The Jacobian by vertex elimination. The derivative of f is unrolled to a graph of scalars whose vertices are
 * eliminated in an order that takes few multiplications; forward and reverse mode are two of the orders. Best for
 * functions of up to some hundred numbers with many steps between, compiled: jit(jacobian(f, { mode: 'elimination' })).
 *
 * f is traced at each call. The order is found at the first, and again only if the graph has become another.
 *
 * @returns as jacfwd
 * @example jit(jacobian((x) => x.sin().mul(x), { mode: 'elimination' }))(tensor([1, 2]))
 * @throws CannotUnroll where indices or numbers of steps depend on values, or f is too large; ConcreteValueNeeded
 *
 * A. Griewank, S. Reese: On the calculation of Jacobian matrices by the Markowitz rule (1991).
 */
export function jacobianByElimination(f: AnyFunction, options: EliminationOptions = {}): AnyFunction {
  requireOptions('jacobian', options);
  const found = new Found();
  return named((...args: unknown[]) => {
    const scalars = scalarGraph('jacobian', f, args, options.argnums ?? 0);
    const { graph, known, outputs, primals, structure } = scalars;
    const order = found.order(graph, () => orderOf('jacobian', graph, options));
    requireShort(graph, order);
    const { code, read } = withoutUnread(accumulate(scalars, order));
    const residuals = { ...known, outputs: read.map(i => known.outputs[i]) };
    const results = run(found, withoutDeadCode(residuals), code, primals.leaves);
    const columns = primals.leaves.length;
    const leaves = outputs.map((_, i): Tensor[] => results.slice(i * columns, (i + 1) * columns));
    return assemble(structure, primals.structure, leaves);
  }, f) as AnyFunction;
}

/** What is known of the orders of a function's graph. */
export interface EliminationReport {
  /** The order of the options, a list of vertices. */
  readonly order: readonly number[];
  /** Multiplications of the Jacobian for each of the orders; products with 1 and −1 are none. */
  readonly multiplications: {
    readonly forward: number;
    readonly reverse: number;
    readonly markowitz: number;
    readonly search: number;
    /** Of `order`. */
    readonly chosen: number;
  };
  /** Numbered from 0: inputs first. Vertices that cost nothing have been eliminated already. */
  readonly vertices: number;
  readonly edges: number;
  readonly graph: ComputationalGraph;
}

/**
 * The graph of a function's derivative, an order of its elimination, and what the orders cost.
 *
 * @example eliminationOrder((x) => x.sin().mul(x).sum())(tensor([1, 2])).multiplications
 * @throws as jacobian with mode `elimination`
 */
export function eliminationOrder<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: EliminationOptions = {},
): (...args: Arguments<A>) => EliminationReport {
  requireOptions('eliminationOrder', options);
  return named((...args: unknown[]): EliminationReport => {
    const { graph } = scalarGraph('eliminationOrder', f as AnyFunction, args, options.argnums ?? 0);
    const order = orderOf('eliminationOrder', graph, options);
    const cost = (list: readonly number[]): number => multiplications(graph, list);
    const searched = options.order === undefined || options.order === 'search';
    return {
      order,
      multiplications: {
        forward: cost(forwardOrder(graph)),
        reverse: cost(reverseOrder(graph)),
        markowitz: cost(markowitzOrder(graph)),
        search: searched ? cost(order) : searchOrder(graph, { budget: options.budget }).multiplications,
        chosen: cost(order),
      },
      vertices: graph.vertices,
      edges: graph.edges.length,
      graph,
    };
  }, f) as (...args: Arguments<A>) => EliminationReport;
}
