/**
 * Jacobians by vertex elimination: an order in which the vertices of the graph of a function's derivative are eliminated
 * at little cost is found once. Vertices are scalars, whose elimination is straight-line code, or whole tensors.
 */
import { BadArgument, CannotUnroll, ConcreteValueNeeded, NotDifferentiable } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import {
  type AnyFunction,
  differentiated,
  type JacobianOptions,
  linearizeArgument,
} from '../jacobian/argument.ts';
import { named } from '../vmap.ts';
import { type ComputationalGraph, type Elimination, intermediates } from './graph.ts';
import { forwardOrder, reverseOrder } from './orders.ts';
import { Codes, ofScalars, remembered } from './scalars.ts';
import { ofTensors } from './tensor/jacobian.ts';
import { scalarGraph } from './trace.ts';

export interface EliminationOptions extends JacobianOptions {
  /**
   * The order in which vertices are eliminated: `forward`, `reverse`, `markowitz` (always the cheapest next),
   * `search` (simulated annealing), or the vertices themselves as {@link eliminationOrder} numbers them.
   * Default `search`.
   */
  readonly order?: 'forward' | 'reverse' | 'markowitz' | 'search' | readonly number[];
  /** Milliseconds for the search. Without it the search makes a fixed number of moves and always finds the same order. */
  readonly budget?: number;
  /**
   * What the vertices are: `scalar`, every element of every intermediate, for straight-line code; `tensor`, whole
   * intermediates, whose Jacobians are diagonals, matrices or maps that are applied. `auto` takes scalars where there are
   * few and no place or number of steps depends on values, else tensors. Default `auto`.
   */
  readonly graph?: 'auto' | 'scalar' | 'tensor';
}

const orders = ['forward', 'reverse', 'markowitz', 'search'] as const;
const graphs = ['auto', 'scalar', 'tensor'] as const;

function requireOptions(
  name: string,
  { order = 'search', budget = 1, graph = 'auto' }: EliminationOptions,
): void {
  if (!graphs.includes(graph))
    throw new BadArgument({
      did: `${name} with graph ${JSON.stringify(graph)}`,
      expected: "'auto', 'scalar' or 'tensor'",
      remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' })",
    });
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
  { graph, markowitz, search }: Elimination,
  { order = 'search', budget }: EliminationOptions,
): readonly number[] {
  switch (order) {
    case 'forward':
      return forwardOrder(graph);
    case 'reverse':
      return reverseOrder(graph);
    case 'markowitz':
      return markowitz();
    case 'search':
      return search(budget);
  }
  const needed = intermediates(graph);
  const given = new Set(order);
  if (order.length !== needed.length || needed.some(v => !given.has(v)))
    throw new BadArgument({
      did: `${name} with an order of ${order.length} vertices that is no order of the ${needed.length} vertices to eliminate`,
      expected: `each of the vertices between inputs and outputs once: ${needed.slice(0, 8).join(', ')}${needed.length > 8 ? ', …' : ''}`,
      remedy: 'start from eliminationOrder(f)(…).order, of the same function, shapes and kind of graph',
    });
  return order;
}

/**
 * Up to so many multiplications straight-line code runs faster than products of matrices and compiles in a second; three
 * times as many take several seconds to compile.
 */
const fewMultiplications = 3_000;
/** Graphs are given up earlier that would take long to unroll, or to find an order for. */
const fewOperations = 100_000;
const fewEdges = 2_000;

function isSmall({ graph, cost, markowitz }: Elimination): boolean {
  return graph.edges.length <= fewEdges && cost(markowitz()) <= fewMultiplications;
}

/** Why there may be no graph of scalars: the last where there is a rule for reverse mode alone. */
const refusals = [CannotUnroll, ConcreteValueNeeded, NotDifferentiable];

/** Makes graphs of one function, and remembers what was found for them. */
class Eliminator {
  readonly #name: string;
  readonly #f: AnyFunction;
  readonly #options: EliminationOptions;
  readonly #codes = new Codes();
  readonly #orders = new Map<string, readonly number[]>();
  readonly #small = new Map<string, boolean>();
  /** Arguments for which scalars were too many. */
  readonly #large = new Set<string>();

  constructor(name: string, f: AnyFunction, options: EliminationOptions) {
    requireOptions(name, options);
    this.#name = name;
    this.#f = f;
    this.#options = options;
  }

  of(args: readonly unknown[]): Elimination {
    const { graph = 'auto', argnums = 0 } = this.#options;
    const scalars = graph === 'tensor' ? null : this.#scalars(args, argnums, graph === 'auto');
    return scalars ?? ofTensors(linearizeArgument(this.#name, this.#f, args, argnums));
  }

  /** Null where that may be and scalars are too many, or cannot be told from each other. */
  #scalars(args: readonly unknown[], argnum: number, mayFail: boolean): Elimination | null {
    if (!mayFail) return ofScalars(scalarGraph(this.#name, this.#f, args, argnum), this.#codes);
    const { primals } = differentiated(this.#name, this.#f, args, argnum);
    const key = primals.leaves.map(leaf => leaf.aval.key).join();
    if (this.#large.has(key)) return null;
    try {
      const graph = scalarGraph(this.#name, this.#f, args, argnum, fewOperations);
      const scalars = ofScalars(graph, this.#codes);
      if (remembered(this.#small, scalars.signature, () => isSmall(scalars))) return scalars;
    } catch (error) {
      if (!refusals.some(refusal => error instanceof refusal)) throw error;
    }
    this.#large.add(key);
    return null;
  }

  order(elimination: Elimination): readonly number[] {
    return remembered(this.#orders, elimination.signature, () =>
      orderOf(this.#name, elimination, this.#options),
    );
  }
}

/**
 * The Jacobian by vertex elimination. The derivative of f is a graph whose vertices are eliminated in an order that takes
 * few operations; forward and reverse mode are two of the orders. A function of up to some hundred numbers is unrolled to
 * scalars, which become one kernel of straight-line code. Of a larger one the vertices are tensors, and elimination
 * finds where few numbers connect what comes before with what comes after, and what is elementwise. Best compiled, and
 * with scalars over a batch: jit(vmap(jacobian(f, { mode: 'elimination' }))).
 *
 * f is traced at each call. The order is found at the first, and again only if the graph has become another.
 *
 * @returns as jacfwd
 * @example jit(jacobian((x) => x.sin().mul(x), { mode: 'elimination' }))(tensor([1, 2]))
 * @throws with `graph: 'scalar'` CannotUnroll where indices or numbers of steps depend on values, or f is too large, and
 * ConcreteValueNeeded
 *
 * A. Griewank, S. Reese: On the calculation of Jacobian matrices by the Markowitz rule (1991).
 */
export function jacobianByElimination(f: AnyFunction, options: EliminationOptions = {}): AnyFunction {
  const eliminator = new Eliminator('jacobian', f, options);
  return named((...args: unknown[]) => {
    const elimination = eliminator.of(args);
    return elimination.jacobian(eliminator.order(elimination));
  }, f) as AnyFunction;
}

/** What is known of the orders of a function's graph. */
export interface EliminationReport {
  /** What the vertices are: elements, or whole tensors. */
  readonly kind: 'scalar' | 'tensor';
  /** The order of the options, a list of vertices. */
  readonly order: readonly number[];
  /**
   * Multiplications of the Jacobian for each of the orders; products with 1 and −1 are none. Of a graph of tensors the
   * estimated scalar operations of all kinds.
   */
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
  const eliminator = new Eliminator('eliminationOrder', f as AnyFunction, options);
  return named((...args: unknown[]): EliminationReport => {
    const elimination = eliminator.of(args);
    const { kind, graph, cost, markowitz, search } = elimination;
    const order = eliminator.order(elimination);
    const searched = options.order === undefined || options.order === 'search';
    return {
      kind,
      order,
      multiplications: {
        forward: cost(forwardOrder(graph)),
        reverse: cost(reverseOrder(graph)),
        markowitz: cost(markowitz()),
        search: cost(searched ? order : search(options.budget)),
        chosen: cost(order),
      },
      vertices: graph.vertices,
      edges: graph.edges.length,
      graph,
    };
  }, f) as (...args: Arguments<A>) => EliminationReport;
}
