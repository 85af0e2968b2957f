/** The memory plan: every temporary gets a place in one arena, and places are used again once nothing reads them. */

import { Arena } from '../kernel/arena.ts';
import { bytesOf, visit } from '../kernel/expression.ts';
import { rootsOf } from '../kernel/kernel.ts';
import { readsOwnIndex } from '../kernel/rewrite.ts';
import type { Buffer, Graph, Node } from './graph.ts';

/** Vector code reads up to this far beyond an element. */
const guard = 64;

export const roundUp = (bytes: number): number => Math.ceil((bytes + guard) / 64) * 64;

export interface MemoryPlan {
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly bytes: number;
}

/** Whether the node reads this buffer only at the very element that it writes: it may then write over it. */
function readsInPlace(node: Node, buffer: Buffer): boolean {
  const { nest } = node.kernel;
  if (nest.form !== 'map') return false;
  let inPlace = true;
  visit(rootsOf(nest), x => {
    if (x.op !== 'load' || node.inputs[x.source] !== buffer) return;
    if (!readsOwnIndex(x, node.kernel, nest)) inPlace = false;
  });
  return inPlace;
}

/** Places for all buffers that are neither inputs nor results of the program. */
export function planMemory(graph: Graph): MemoryPlan {
  const fixed = new Set(graph.outputs);
  const last = new Map<Buffer, number>();
  graph.nodes.forEach((node, i) => {
    for (const buffer of [...node.inputs, ...node.outputs]) last.set(buffer, i);
  });
  const arena = new Arena();
  const offsets = new Map<Buffer, number>();
  const sizeOf = (buffer: Buffer): number => roundUp(buffer.size * bytesOf[buffer.type]);
  const isTemporary = (buffer: Buffer): boolean =>
    buffer.input === null && buffer.constant === null && !fixed.has(buffer);
  graph.nodes.forEach((node, i) => {
    const dying = [...new Set(node.inputs)].filter(buffer => isTemporary(buffer) && last.get(buffer) === i);
    const reused = new Set<Buffer>();
    for (const output of node.outputs.filter(isTemporary)) {
      const over = dying.find(
        buffer =>
          !reused.has(buffer) &&
          bytesOf[buffer.type] === bytesOf[output.type] &&
          buffer.size === output.size &&
          readsInPlace(node, buffer),
      );
      if (over !== undefined) {
        reused.add(over);
        offsets.set(output, offsets.get(over) as number);
      } else offsets.set(output, arena.take(sizeOf(output)));
    }
    for (const buffer of dying)
      if (!reused.has(buffer)) arena.give(offsets.get(buffer) as number, sizeOf(buffer));
    for (const output of node.outputs)
      if (isTemporary(output) && last.get(output) === i)
        arena.give(offsets.get(output) as number, sizeOf(output));
  });
  return { offsets, bytes: arena.bytes };
}

/** Whether a result may be made in the memory of an input: nothing needs the input any more, or only its own element. */
export function mayTakeOver(graph: Graph, input: Buffer, output: Buffer): boolean {
  const maker = graph.nodes.findIndex(node => node.outputs.includes(output));
  if (maker < 0 || graph.outputs.includes(input)) return false;
  if (graph.nodes.some((node, i) => i > maker && node.inputs.includes(input))) return false;
  const node = graph.nodes[maker];
  return !node.inputs.includes(input) || writesOver(node, input, node.outputs.indexOf(output));
}

/** Whether the node may write a result over an input that it reads; blocks of rows may if they read their own rows. */
function writesOver(node: Node, input: Buffer, output: number): boolean {
  if (node.control === undefined) return readsInPlace(node, input);
  if (node.control.form !== 'tile') return false;
  const { inputs, steps, body, last } = node.control.tile;
  return [body, ...(last === null ? [] : [last])].every(block =>
    inputs.every(
      ({ buffer, step }, i) =>
        buffer !== input ||
        (step === steps[output] && mayTakeOver(block, block.inputs[i], block.outputs[output])),
    ),
  );
}

/** For each result the number of a donated input whose memory it takes, or null. Every input is taken once at most. */
export function planReuse(
  graph: Graph,
  donated: readonly number[],
  results: readonly Buffer[],
): (number | null)[] {
  const left = new Set(donated);
  return results.map(result => {
    for (const number of left) {
      const input = graph.inputs[number];
      if (input.type !== result.type || input.size !== result.size) continue;
      if (!mayTakeOver(graph, input, result)) continue;
      left.delete(number);
      return number;
    }
    return null;
  });
}
