/** How an exported function's results compare with the function's own. */

import type { Tensor } from '../../../src/core/tensor.ts';
import { flatten } from '../../../src/core/tree.ts';
import { exportOnnx, type OnnxOptions } from '../../../src/io/onnx/export.ts';
import { numbers } from '../../../src/primitive/samples.ts';
import { runModel } from './runtime.ts';

/** The largest difference relative to max(1, |expected|); infinite where types, shapes, NaN or infinities differ. */
export function distance(expected: readonly Tensor[], found: readonly Tensor[]): number {
  let worst = expected.length === found.length ? 0 : Infinity;
  expected.forEach((tensor, i) => {
    if (!tensor.aval.equals(found[i].aval)) worst = Infinity;
    const other = numbers(found[i]);
    numbers(tensor).forEach((value, j) => {
      if (value === other[j] || (Number.isNaN(value) && Number.isNaN(other[j]))) return;
      const difference = Math.abs(value - other[j]) / Math.max(1, Math.abs(value));
      worst = Math.max(worst, Number.isFinite(difference) ? difference : Infinity);
    });
  });
  return worst;
}

export const tensorsIn = (tree: unknown): Tensor[] => flatten(tree).leaves as Tensor[];

/** The distance of the exported function's results from the function's, for the arguments that are no parameters. */
export async function exportedDistance(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  options: OnnxOptions = {},
): Promise<number> {
  const bytes = exportOnnx(f as (...all: unknown[]) => unknown, [...args], options);
  const inputs = args.filter((_, i) => !(options.parameters ?? []).includes(i));
  return distance(tensorsIn(f(...(args as never[]))), await runModel(bytes, tensorsIn(inputs)));
}
