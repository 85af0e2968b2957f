/** A function's derivative as a graph whose vertices are tensors. */
import { totalSize } from '../../../core/aval.ts';
import type { DType } from '../../../core/dtype.ts';
import { type Variable, withoutDeadCode } from '../../../core/program.ts';
import type { Tensor } from '../../../core/tensor.ts';
import { bind } from '../../../primitives/primitive.ts';
import { inlined } from '../../derive.ts';
import type { LinearizedArgument } from '../../jacobian/argument.ts';
import { fromItsLine } from '../../trace.ts';
import type { ComputationalGraph, Edge } from '../graph.ts';
import { isUnit, multiple, once } from './block.ts';
import { localJacobian } from './local.ts';
import { State } from './state.ts';

export interface TensorGraph {
  /** What is to be eliminated: inputs are the leaves of the argument, outputs the results whose derivative is not zero. */
  readonly state: State;
  /** Elements of each vertex. */
  readonly sizes: readonly number[];
}

export function tensorGraph({ primals, at }: LinearizedArgument): TensorGraph {
  const linear = withoutDeadCode(inlined(at.linear));
  const moving = new Set<Variable>(linear.inputs);
  const local = linear.equations.filter(({ inputs, outputs }) => {
    const moves = inputs.some(input => moving.has(input));
    if (moves) for (const output of outputs) moving.add(output);
    return moves;
  });
  const valueOf = knownValues(linear, moving);
  const context = { moves: (variable: Variable) => moving.has(variable), valueOf };
  const variables = [...moving];
  const places = new Map(variables.map((variable, v) => [variable, v]));
  const placeOf = (variable: Variable): number => places.get(variable) as number;
  const outputs = linear.outputs.filter(output => moving.has(output));
  const dtypes = [...primals.leaves, ...at.outputs].map(tensor => tensor.aval.dtype);
  const dtype: DType = dtypes.includes('float64') ? 'float64' : 'float32';
  const passes = Math.min(totalSize(primals.leaves), totalSize(outputs));
  const count = variables.length + linear.outputs.length;
  const state = new State(count, linear.inputs.length, linear.outputs.length, { passes, dtype });
  for (const equation of local)
    for (const from of new Set(equation.inputs.filter(input => moving.has(input))))
      for (const to of equation.outputs)
        if (to.aval.isFloat)
          state.join(placeOf(from), placeOf(to), localJacobian(equation, from, to, context));
  linear.outputs.forEach((output, i) => {
    if (moving.has(output)) state.join(placeOf(output), variables.length + i, multiple(output.aval.size, 1));
  });
  state.contract();
  const { state: left, vertices } = state.compact();
  const all = [...variables, ...linear.outputs];
  return { state: left, sizes: vertices.map(v => all[v].aval.size) };
}

/** The values of what does not depend on the inputs, computed when the first is asked for. */
function knownValues(
  linear: LinearizedArgument['at']['linear'],
  moving: ReadonlySet<Variable>,
): (variable: Variable) => Tensor {
  const values = once(() => {
    const known = new Map<Variable, Tensor>(linear.constants);
    for (const equation of linear.equations) {
      if (equation.outputs.some(output => moving.has(output))) continue;
      const operands = equation.inputs.map(input => known.get(input) as Tensor);
      const results = fromItsLine(equation, () => bind(equation.operation, operands, equation.params));
      equation.outputs.forEach((output, i) => known.set(output, results[i]));
    }
    return known;
  });
  return variable => values().get(variable) as Tensor;
}

/** The graph as reports have it. */
export function described({ state, sizes }: TensorGraph): ComputationalGraph {
  const { vertices, inputs } = state;
  const edges: Edge[] = [];
  for (let to = 0; to < vertices; to++)
    for (const [from, block] of state.into(to)) edges.push({ from, to, unit: isUnit(block) });
  const outputs = Array.from({ length: state.outputs }, (_, i) => vertices - state.outputs + i);
  return { vertices, inputs, outputs, edges, sizes };
}

/** A text that graphs with equal costs of all orders share. */
export function signature({ state, sizes }: TensorGraph): string {
  const words: unknown[] = [state.vertices, state.inputs, state.outputs, state.setting, sizes];
  for (let v = 0; v < state.vertices; v++)
    for (const [from, block] of state.into(v)) {
      const { form } = block;
      const more = form === 'map' ? [block.work, block.pushes] : form === 'diagonal' ? [block.scale] : [];
      words.push([from, v, form[1], ...more]);
    }
  return JSON.stringify(words);
}
