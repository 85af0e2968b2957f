/** A program as a graph of kernels and control flow: what fusion and the memory plan work on. */
import type { Aval } from '../core/aval.ts';
import type { Variable } from '../core/program.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ScalarType } from '../kernel/expression.ts';
import type { BufferType, Kernel, SortNest } from '../kernel/kernel.ts';
import type { CondParams, Program, ScanParams, WhileParams } from '../primitives/primitive.ts';
import type { Tile } from './tile.ts';

/** A buffer of the graph: an input or constant of the program, a kernel's result, or scratch memory. */
export class Buffer {
  readonly type: ScalarType;
  readonly shape: readonly number[];
  readonly size: number;
  /** Set for an input of the program. */
  readonly input: number | null;
  /** Set for a constant of the program. */
  readonly constant: Tensor | null;

  constructor(
    type: ScalarType,
    shape: readonly number[],
    input: number | null = null,
    constant: Tensor | null = null,
  ) {
    this.type = type;
    this.shape = shape;
    this.size = shape.reduce((a, b) => a * b, 1);
    this.input = input;
    this.constant = constant;
  }
}

/** Control flow: the parameters of its form. A tile is a group of kernels that runs block by block. */
export type Control =
  | { readonly form: 'scan'; readonly params: ScanParams }
  | { readonly form: 'while'; readonly params: WhileParams }
  | { readonly form: 'cond'; readonly params: CondParams }
  | { readonly form: 'tile'; readonly tile: Tile };

/** One kernel and the buffers that it reads and writes; `kernel.inputs` are the shapes under which it reads them. */
export interface Node {
  kernel: Kernel;
  inputs: Buffer[];
  outputs: Buffer[];
  /** Set where this is control flow and no kernel. */
  readonly control?: Control;
  /** The region of a program that it belongs to, see `Equation`; kernels of different regions are not joined. */
  readonly region?: number | undefined;
}

export interface Graph {
  nodes: Node[];
  readonly inputs: readonly Buffer[];
  /** The results of the program, in order. */
  outputs: readonly Buffer[];
}

/** Which nodes read a buffer. */
export function readersOf({ nodes }: Graph): Map<Buffer, Set<Node>> {
  const readers = new Map<Buffer, Set<Node>>();
  for (const node of nodes)
    for (const buffer of node.inputs) readers.set(buffer, (readers.get(buffer) ?? new Set()).add(node));
  return readers;
}

const typed = (aval: Aval, shape = aval.shape): BufferType => ({ type: aval.dtype, shape });

/** Control flow stands in the graph as a kernel that fusion cannot look into. */
export const opaque: SortNest = { form: 'sort', extents: [], along: 0, descending: false, positions: false };

/** Lowers every equation. Calls must have been inlined. Aliases (reshapes, marks) leave no node. */
export function buildGraph(program: Program): Graph {
  const buffers = new Map<Variable, Buffer>();
  const inputs = program.inputs.map((variable, i) => {
    const buffer = new Buffer(variable.aval.dtype, variable.aval.shape, i);
    buffers.set(variable, buffer);
    return buffer;
  });
  const constants = new Map<Tensor, Buffer>();
  for (const [variable, tensor] of program.constants) {
    let buffer = constants.get(tensor);
    if (buffer === undefined) {
      buffer = new Buffer(variable.aval.dtype, variable.aval.shape, null, tensor);
      constants.set(tensor, buffer);
    }
    buffers.set(variable, buffer);
  }
  const nodes: Node[] = [];
  for (const { operation, inputs: operands, params, outputs, region } of program.equations) {
    const avals = operands.map(operand => operand.aval);
    const results = outputs.map(output => output.aval);
    const read = operands.map(operand => buffers.get(operand) as Buffer);
    const kernel = {
      name: operation.name,
      inputs: avals.map(aval => typed(aval)),
      outputs: results.map(aval => typed(aval)),
    };
    if (operation.kind === 'structured') {
      const written = results.map(aval => new Buffer(aval.dtype, aval.shape));
      outputs.forEach((output, i) => buffers.set(output, written[i]));
      const control = { form: operation.lower.form, params } as Control;
      nodes.push({ kernel: { ...kernel, nest: opaque }, inputs: read, outputs: written, control, region });
      continue;
    }
    const nest = operation.lower(avals, params, results);
    if (nest.form === 'alias') {
      buffers.set(outputs[0], read[nest.source]);
      continue;
    }
    const written = results.map(aval => new Buffer(aval.dtype, aval.shape));
    outputs.forEach((output, i) => buffers.set(output, written[i]));
    nodes.push({ kernel: { ...kernel, nest }, inputs: read, outputs: written, region });
  }
  return { nodes, inputs, outputs: program.outputs.map(output => buffers.get(output) as Buffer) };
}
