/** All derivatives of a function of several numbers: one pushforward for each input, or one pullback for each output. */
import { range, totalSize } from '../../core/aval.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  add,
  cast,
  equal,
  full,
  iota,
  moveAxis,
  reshape,
  slice,
  zerosLike,
} from '../../primitives/vectorspace.ts';
import type { Arguments } from '../arguments.ts';
import { replay } from '../trace.ts';
import { transposeProgram } from '../transpose.ts';
import { named, vmap } from '../vmap.ts';
import {
  assemble,
  type Jacobian,
  type JacobianOptions,
  type LinearizedArgument,
  linearizeArgument,
} from './argument.ts';

/** The unit vectors of all leaves together: for each leaf a tensor [n, …shape], n the total number of elements. */
function unitVectors(leaves: readonly Tensor[]): Tensor[] {
  const total = totalSize(leaves);
  let start = 0;
  return leaves.map(leaf => {
    const rows = iota('int32', [total, leaf.size], 0);
    const columns = iota('int32', [total, leaf.size], 1);
    const place = add(columns, full(columns.shape, start, 'int32'));
    start += leaf.size;
    return reshape(cast(equal(rows, place), leaf.dtype), [total, ...leaf.shape]);
  });
}

/** Cuts a tensor along axis 0 into blocks with the leaves' sizes. */
export function blocks(x: Tensor, leaves: readonly { readonly size: number }[]): Tensor[] {
  let start = 0;
  return leaves.map(leaf => {
    const rest = range(x.ndim - 1);
    const part = slice(x, [start, ...rest.map(() => 0)], [start + leaf.size, ...x.shape.slice(1)]);
    start += leaf.size;
    return part;
  });
}

/** The Jacobian's tree from a linearization, by one pushforward for each input element. */
export function columnByColumn({ primals, at, structure }: LinearizedArgument): unknown {
  const columns = vmap((...tangents: Tensor[]) => replay(at.linear, tangents))(
    ...unitVectors(primals.leaves),
  ) as Tensor[];
  const rows = at.outputs.map((output, i) => {
    const place = at.places[i];
    if (place === null)
      return primals.leaves.map(leaf => full([...output.shape, ...leaf.shape], 0, output.dtype));
    return blocks(columns[place], primals.leaves).map((block, j) => {
      const last = moveAxis(block, 0, output.ndim);
      return reshape(last, [...output.shape, ...primals.leaves[j].shape]);
    });
  });
  return assemble(structure, primals.structure, rows);
}

/** The same by one pullback for each output element. */
export function rowByRow({ primals, at, structure }: LinearizedArgument): unknown {
  const moving = at.outputs.filter((_, i) => at.places[i] !== null);
  const pulled =
    moving.length === 0
      ? []
      : (vmap((...cotangents: Tensor[]) =>
          transposeProgram(at.linear, cotangents).map((ct, i) => ct ?? zerosLike(primals.leaves[i])),
        )(...unitVectors(moving)) as Tensor[]);
  const byLeaf = pulled.map(leaf => blocks(leaf, moving));
  const rows = at.outputs.map((output, i) => {
    const place = at.places[i];
    return primals.leaves.map((leaf, j) => {
      const shape = [...output.shape, ...leaf.shape];
      return place === null ? full(shape, 0, leaf.dtype) : reshape(byLeaf[j][place], shape);
    });
  });
  return assemble(structure, primals.structure, rows);
}

/**
 * The Jacobian by forward mode: one pushforward for each element of the input, all in one batch. Best where the
 * output is larger than the input.
 *
 * @returns a function whose result is the output's tree; at each leaf an input tree of shape [...output, ...input]
 * @example jacfwd((x) => x.mul(x))(tensor([1, 2])) // [[2, 0], [0, 4]]
 */
export function jacfwd<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Jacobian<A[0], R> {
  const { argnums = 0 } = options;
  return named(
    (...args: unknown[]) => columnByColumn(linearizeArgument('jacfwd', f, args, argnums)),
    f,
  ) as unknown as (...args: Arguments<A>) => Jacobian<A[0], R>;
}

/**
 * The Jacobian by reverse mode: one pullback for each element of the output, all in one batch. Best where the input
 * is larger than the output.
 *
 * @returns as {@link jacfwd}
 */
export function jacrev<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Jacobian<A[0], R> {
  const { argnums = 0 } = options;
  return named(
    (...args: unknown[]) => rowByRow(linearizeArgument('jacrev', f, args, argnums)),
    f,
  ) as unknown as (...args: Arguments<A>) => Jacobian<A[0], R>;
}
