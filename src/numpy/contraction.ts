/** Products of tensors whose axes have names: axes of one name are paired, and summed over where nothing needs them. */
import { sizeOf } from '../core/aval.ts';
import type { Tensor } from '../core/tensor.ts';
import { sum } from '../primitives/broadcast.ts';
import { dot } from '../primitives/dot.ts';
import { permute, reshape } from '../primitives/layout.ts';

/** A tensor with a name for each axis; no name twice. */
export interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

/** Σ over the axes whose labels are not kept. */
export function summedOver({ tensor, labels }: Labelled, kept: (label: string) => boolean): Labelled {
  const gone = labels.flatMap((label, i) => (kept(label) ? [] : [i]));
  return gone.length === 0 ? { tensor, labels } : { tensor: sum(tensor, gone), labels: labels.filter(kept) };
}

/** The axes in the order of the given labels, which are all of them. */
export function inOrder({ tensor, labels }: Labelled, order: readonly string[]): Tensor {
  const axes = order.map(label => labels.indexOf(label));
  return axes.every((axis, i) => axis === i) ? tensor : permute(tensor, axes);
}

/** Without the axes of extent 1 that the other tensor has longer: there they repeat. */
function withoutRepeated(own: Labelled, other: Labelled): Labelled {
  const repeats = own.labels.map((label, i) => {
    const at = other.labels.indexOf(label);
    return at >= 0 && own.tensor.shape[i] === 1 && other.tensor.shape[at] !== 1;
  });
  if (!repeats.includes(true)) return own;
  return {
    tensor: reshape(
      own.tensor,
      own.tensor.shape.filter((_, i) => !repeats[i]),
    ),
    labels: own.labels.filter((_, i) => !repeats[i]),
  };
}

/** The product of two, summed over labels that are not kept. The result has the shared labels first. */
export function contract(a: Labelled, b: Labelled, kept: (label: string) => boolean): Labelled {
  const shortX = withoutRepeated(a, b);
  const shortY = withoutRepeated(b, a);
  const x = summedOver(shortX, label => kept(label) || shortY.labels.includes(label));
  const y = summedOver(shortY, label => kept(label) || shortX.labels.includes(label));
  const shared = x.labels.filter(label => y.labels.includes(label));
  const batch = shared.filter(kept);
  const summed = shared.filter(label => !kept(label));
  const axes = (labels: readonly string[]): [number[], number[]] => [
    labels.map(label => x.labels.indexOf(label)),
    labels.map(label => y.labels.indexOf(label)),
  ];
  const free = (labels: readonly string[]): string[] => labels.filter(label => !shared.includes(label));
  return {
    tensor: dot(x.tensor, y.tensor, { contract: axes(summed), batch: axes(batch) }),
    labels: [...batch, ...free(x.labels), ...free(y.labels)],
  };
}

/** The product of several, by pairs: next is always the pair whose product has the fewest terms. */
export function contractAll(operands: readonly Labelled[], output: readonly string[]): Tensor {
  const left = operands.map((operand, i) =>
    summedOver(
      operand,
      label => output.includes(label) || operands.some((other, j) => j !== i && other.labels.includes(label)),
    ),
  );
  while (left.length > 1) {
    const [i, j] = cheapestPair(left);
    const [b] = left.splice(j, 1);
    const [a] = left.splice(i, 1);
    left.push(
      contract(a, b, label => output.includes(label) || left.some(other => other.labels.includes(label))),
    );
  }
  return inOrder(left[0], output);
}

function cheapestPair(operands: readonly Labelled[]): [number, number] {
  let best: [number, number] = [0, 1];
  let least = Infinity;
  operands.forEach((a, i) => {
    operands.slice(i + 1).forEach((b, k) => {
      const extra = b.labels.flatMap((label, axis) =>
        a.labels.includes(label) ? [] : [b.tensor.shape[axis]],
      );
      const terms = a.tensor.size * sizeOf(extra);
      if (terms < least) {
        least = terms;
        best = [i, i + 1 + k];
      }
    });
  });
  return best;
}
