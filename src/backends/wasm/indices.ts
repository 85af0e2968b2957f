/** Index expressions: their affine forms and bounds. */
import { bytesOf, type Expression } from '../../kernel/expression.ts';
import type { BufferType } from '../../kernel/kernel.ts';

/** An index as Σ coefficient·axis + constant. */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<number, number>;
}

/** The affine form of an index expression, or null. */
export function affine(x: Expression): Affine | null {
  if (x.op === 'constant') return { constant: x.value, terms: new Map() };
  if (x.op === 'axis') return { constant: 0, terms: new Map([[x.axis, 1]]) };
  if (x.type !== 'int32' || (x.op !== 'add' && x.op !== 'sub' && x.op !== 'mul')) return null;
  const a = affine(x.args[0]);
  const b = affine(x.args[1]);
  if (a === null || b === null) return null;
  if (x.op === 'mul') {
    const [scale, other] = a.terms.size === 0 ? [a.constant, b] : [b.constant, a];
    if (a.terms.size > 0 && b.terms.size > 0) return null;
    return {
      constant: other.constant * scale,
      terms: new Map([...other.terms].map(([axis, c]) => [axis, c * scale])),
    };
  }
  const sign = x.op === 'add' ? 1 : -1;
  const terms = new Map(a.terms);
  for (const [axis, c] of b.terms) terms.set(axis, (terms.get(axis) ?? 0) + sign * c);
  return { constant: a.constant + sign * b.constant, terms };
}

/** Axes of which only a part is looped over. */
export type Ranges = ReadonlyMap<number, readonly [from: number, to: number]>;

/** The least and greatest value that an int32 index may have; infinite where nothing is known. */
export function boundsOf(
  x: Expression,
  extents: readonly number[],
  ranges?: Ranges,
): readonly [number, number] {
  if (x.op === 'constant') return [x.value, x.value];
  if (x.op === 'axis') {
    const [from, to] = ranges?.get(x.axis) ?? [0, extents[x.axis]];
    return [from, Math.max(from, to - 1)];
  }
  const unknown = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
  if (x.type !== 'int32' || !('args' in x) || x.args.length !== 2) return unknown;
  const [a, b] =
    x.args[0].type === 'int32' ? x.args.map(one => boundsOf(one, extents, ranges)) : [unknown, unknown];
  const corners = (): number[] => a.flatMap(i => b.map(j => i * j || 0));
  switch (x.op) {
    case 'add':
      return [a[0] + b[0], a[1] + b[1]];
    case 'sub':
      return [a[0] - b[1], a[1] - b[0]];
    case 'mul':
      return [Math.min(...corners()), Math.max(...corners())];
    case 'min':
      return [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
    case 'max':
      return [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    case 'div':
      return a[0] >= 0 && b[0] > 0 ? [0, a[1]] : unknown;
    case 'rem':
      return a[0] >= 0 && b[0] > 0 ? [0, Math.min(a[1], b[1] - 1)] : unknown;
    default:
      return unknown;
  }
}

/** The byte offset of a load as an affine form, or null. */
export function offsetOf(x: Expression & { op: 'load' }, buffer: BufferType): Affine | null {
  let constant = 0;
  const terms = new Map<number, number>();
  let stride = bytesOf[x.type];
  for (let d = buffer.shape.length - 1; d >= 0; d--) {
    const form = affine(x.at[d]);
    if (form === null) return null;
    constant += form.constant * stride;
    for (const [axis, c] of form.terms) terms.set(axis, (terms.get(axis) ?? 0) + c * stride);
    stride *= buffer.shape[d];
  }
  return { constant, terms };
}
