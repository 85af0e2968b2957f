/** One cell over all times, as one scan. */
import type { Tensor } from '../../core/tensor.ts';
import { map } from '../../core/tree.ts';
import { asTensor } from '../../numpy/array.ts';
import { where } from '../../numpy/logic.ts';
import { stop } from '../../primitives/arithmetic.ts';
import { scan } from '../../transforms/control/flow.ts';
import type { ScanCheckpoint } from '../../transforms/control/segments.ts';
import type { RecurrentCell } from './cell.ts';

export interface Loop {
  readonly reverse: boolean;
  /** bool[time, batch, 1], false where a step is left out; null where none is. */
  readonly valid: Tensor | null;
  /** No derivative goes through the carry from time t·n − 1 to t·n, or back. */
  readonly truncate: number | null;
  readonly checkpoint: ScanCheckpoint | undefined;
}

/** Where, in the order of time, a step gets a carry that no derivative goes through. */
function cuts(time: number, { truncate, reverse }: Loop): Tensor | null {
  if (truncate === null || time === 0) return null;
  const first = reverse ? time - 1 : 0;
  const at = Array.from({ length: time }, (_, t) => t !== first && (reverse ? t + 1 : t) % truncate === 0);
  return asTensor(at);
}

interface Slice {
  readonly z: Tensor;
  readonly valid: Tensor | null;
  readonly cut: Tensor | null;
}

/**
 * The outputs float[time, batch, size] and the last carry. A step that is left out keeps the carry, and its output is 0.
 *
 * @param z what the cell's `project` gives of all times, float[time, batch, gates·size]
 */
export function overTime<C>(cell: RecurrentCell<C>, z: Tensor, first: C, loop: Loop): [Tensor, C] {
  const { valid, reverse, checkpoint } = loop;
  const step = (carry: C, slice: Slice): [C, Tensor] => {
    const { cut, valid } = slice;
    const before = cut === null ? carry : both((old: Tensor) => where(cut, stop(old), old), carry);
    const advanced = cell.advance(before, slice.z);
    const output = cell.output(advanced);
    if (valid === null) return [advanced, output];
    const next = both((made: Tensor, old: Tensor) => where(valid, made, old), advanced, before);
    return [next, where(valid, output, 0)];
  };
  const xs: Slice = { z, valid, cut: cuts(z.shape[0], loop) };
  const [last, outputs] = scan(step as never, first, xs, {
    reverse,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  return [outputs as Tensor, last as C];
}

function both<C>(f: (...leaves: Tensor[]) => Tensor, ...carries: C[]): C {
  const [first, ...rest] = carries;
  return map(f as never, first, ...rest) as C;
}
