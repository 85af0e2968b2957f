/** Elimination of tensors: the products of an order are matrix products, scalings, pushforwards and pullbacks. */
import type { Tensor } from '../../../core/tensor.ts';
import { full, reshape } from '../../../primitives/vectorspace.ts';
import { assemble, type LinearizedArgument } from '../../jacobian/argument.ts';
import type { Elimination } from '../graph.ts';
import { byRows, inType, matrixOf } from './block.ts';
import { described, signature, type TensorGraph, tensorGraph } from './graph.ts';
import { markowitzOrder, operations, searchOrder } from './orders.ts';

/** Eliminates the vertices and makes matrices of the edges that are left: a tree as `jacfwd` gives it. */
function jacobianInOrder(
  { primals, at, structure }: LinearizedArgument,
  { state: start }: TensorGraph,
  order: readonly number[],
): unknown {
  const state = start.copy();
  for (const v of order) state.eliminate(v);
  const first = state.vertices - state.outputs;
  const rows = at.outputs.map((output, i) => {
    const place = at.places[i];
    return primals.leaves.map((leaf, j): Tensor => {
      const shape = [...output.shape, ...leaf.shape];
      const block = place === null ? undefined : state.into(first + place).get(j);
      if (block === undefined) return full(shape, 0, output.dtype);
      const matrix = byRows(matrixOf(block, state.setting.dtype));
      return reshape(inType(matrix, output.dtype), shape);
    });
  });
  return assemble(structure, primals.structure, rows);
}

export function ofTensors(linearized: LinearizedArgument): Elimination {
  const tensors = tensorGraph(linearized);
  const { state } = tensors;
  return {
    kind: 'tensor',
    graph: described(tensors),
    signature: signature(tensors),
    cost: order => operations(state, order),
    markowitz: () => markowitzOrder(state),
    search: budget => searchOrder(state, { budget }),
    jacobian: order => jacobianInOrder(linearized, tensors, order),
  };
}
