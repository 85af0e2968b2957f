/** The axes a reduction runs over, and the shape it leaves. */
import { sizeOf } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import { moveAxis, reshape } from '../primitives/layout.ts';
import { positiveAxes, positiveAxis } from './array.ts';

export interface Over {
  /** One axis, several, or null for all; default all. Negative ones count from the last. */
  readonly axis?: number | readonly number[] | null;
  /** Whether reduced axes stay, with extent 1; default false. */
  readonly keepdims?: boolean;
}

/** The axes to reduce, bare or among options. */
export type Axes<Options extends Over = Over> = number | readonly number[] | null | Options;

/** Options from a bare axis, a list of axes, or options. */
export function optionsOf<Options extends Over>(axes: Axes<Options> | undefined): Options {
  if (typeof axes === 'object' && axes !== null && !Array.isArray(axes)) return axes as Options;
  return (axes === undefined ? {} : { axis: axes }) as Options;
}

/** The axes of x that are reduced, increasing. */
export function axesOf(name: string, x: Tensor, { axis }: Over): number[] {
  return positiveAxes(name, axis, x.ndim);
}

/** A reduced tensor with its reduced axes put back where the options ask for it. */
export function restored(
  reduced: Tensor,
  shape: readonly number[],
  axes: readonly number[],
  keepdims: boolean | undefined,
): Tensor {
  return keepdims
    ? reshape(
        reduced,
        shape.map((extent, i) => (axes.includes(i) ? 1 : extent)),
      )
    : reduced;
}

/** How many elements each result of a reduction comes from. */
export function countOver(x: Tensor, axes: readonly number[]): number {
  return sizeOf(axes.map(i => x.shape[i]));
}

/** The reduced axes as one, the last. */
export function reducedLast(x: Tensor, axes: readonly number[]): Tensor {
  let moved = x;
  axes.forEach((axis, i) => {
    moved = moveAxis(moved, axis - i, x.ndim - 1);
  });
  return axes.length === 1
    ? moved
    : reshape(moved, [...moved.shape.slice(0, x.ndim - axes.length), countOver(x, axes)]);
}

/** One axis of x; without one, x is flattened. */
export function along(name: string, x: Tensor, axis: number | null | undefined): [x: Tensor, axis: number] {
  if (axis === null || axis === undefined) return [reshape(x, [x.size]), 0];
  return [x, positiveAxis(name, axis, x.ndim)];
}
