/** A function as what is known before its derivative (residuals), and its derivative as a graph of scalars. */

import { inlineCalls, simplify } from '../../compiler/simplify.ts';
import type { Aval } from '../../core/aval.ts';
import { totalSize } from '../../core/aval.ts';
import type { TypedArray } from '../../core/dtype.ts';
import { CannotUnroll } from '../../core/errors.ts';
import { inScope, labelOf } from '../../core/path.ts';
import { type Variable, withoutDeadCode } from '../../core/program.ts';
import type { Structure } from '../../core/tree.ts';
import type { Program } from '../../primitives/primitive.ts';
import { callWithTree, type Leaves } from '../arguments.ts';
import { avalsOf } from '../derive.ts';
import { execute } from '../evaluate.ts';
import { type AnyFunction, differentiated } from '../jacobian/argument.ts';
import { operationsOf } from '../jacobian/cost.ts';
import { type Linearized, linearizeFlat } from '../linearize.ts';
import { traceProgram } from '../trace.ts';
import { Accumulation } from './accumulate.ts';
import { CodeBuilder } from './code.ts';
import { isData } from './fuse.ts';
import type { ComputationalGraph } from './graph.ts';
import { isForm, type Value } from './nest.ts';
import { type Residual, unroll } from './unroll.ts';

/** Element `row` of the output by element `column` of the argument is the edge between two vertices. */
export interface ScalarGraph {
  /** The differentiated argument. */
  readonly primals: Leaves;
  readonly outputs: readonly Aval[];
  /** The tree of the outputs. */
  readonly structure: Structure;
  /** From the argument to the residuals: operand i of the code is output i. */
  readonly known: Program;
  readonly accumulation: Accumulation;
  /** For each output the vertices of its elements, −1 where the derivative is zero. */
  readonly rows: readonly (readonly number[])[];
  /** What is to be eliminated, and the vertex of the accumulation for each of its vertices. */
  readonly graph: ComputationalGraph;
  readonly vertices: readonly number[];
}

/**
 * f as a function of the one argument, linearized and unrolled. Nothing is computed but what follows from constants.
 *
 * @throws CannotUnroll, at once where the derivative takes more than `limit` operations
 */
export function scalarGraph(
  name: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnum: number,
  limit: number = Number.POSITIVE_INFINITY,
): ScalarGraph {
  const { primals, one } = differentiated(name, f, args, argnum);
  const call = callWithTree(name, one);
  const label = labelOf(name, f);
  let at: Linearized | undefined;
  const traced = traceProgram(
    inputs => {
      at = linearizeFlat(label, xs => call.run(primals.rebuild(xs)), inputs);
      return [...at.linear.constants.values()];
    },
    avalsOf(primals.leaves),
    { name: label },
  );
  const { linear, outputs, places } = at as unknown as Linearized;
  requireFew(linear, limit);
  const known = simplify(inlineCalls(traced));
  const elements = foldConstants(known);
  const sources = [...new Set(known.outputs)];
  const residuals = [...linear.constants.keys()].map((variable, i): Residual => {
    const output = known.outputs[i];
    return { variable, source: sources.indexOf(output), elements: elements.get(output) ?? null };
  });
  const types = [...primals.leaves, ...outputs].map(tensor => tensor.aval.dtype);
  const accumulation = new Accumulation(new CodeBuilder(types.includes('float64') ? 'float64' : 'float32'));
  const columns = totalSize(primals.leaves);
  const moving = inScope(label, () => unroll(linear, residuals, accumulation));
  // Every element of an output has a vertex of its own, which nothing follows.
  const sink = (value: Value): number => (isForm(value) ? accumulation.vertex(value) : -1);
  const rows = outputs.map((output, i) => {
    const place = places[i];
    return place === null ? new Array<number>(output.size).fill(-1) : moving[place].map(sink);
  });
  const sinks = rows.flat().filter(vertex => vertex >= 0);
  accumulation.contract(columns, new Set(sinks));
  return {
    primals,
    outputs: avalsOf(outputs),
    structure: call.structure(),
    known: { ...known, outputs: sources },
    accumulation,
    rows,
    ...accumulation.graph(columns, sinks),
  };
}

function requireFew(linear: Program, limit: number): void {
  if (limit === Number.POSITIVE_INFINITY) return;
  const operations = operationsOf(inlineCalls(linear));
  if (operations > limit)
    throw new CannotUnroll({
      did: `unrolled a function whose derivative takes ${operations} operations`,
      expected: `at most ${limit} of them`,
      remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' })",
    });
}

/**
 * The elements of outputs that follow from numbers, and from constants of integers, which are indices. Other constants
 * are data, whose values may be different at the next call.
 */
function foldConstants(program: Program): Map<Variable, TypedArray> {
  const open = new Set<Variable>(program.inputs);
  for (const [variable, tensor] of program.constants) if (isData(tensor)) open.add(variable);
  for (const { inputs, outputs } of program.equations)
    if (inputs.some(input => open.has(input))) for (const output of outputs) open.add(output);
  const outputs = [...new Set(program.outputs)].filter(output => !open.has(output));
  const folded = new Map<Variable, TypedArray>();
  if (outputs.length === 0) return folded;
  const values = execute(withoutDeadCode({ ...program, inputs: [], outputs }), []);
  outputs.forEach((output, i) => {
    const array = values[i].elements();
    if (array.every(value => Number.isFinite(value))) folded.set(output, array);
  });
  return folded;
}
