/**
 * A loop in segments, each of which the reverse pass runs again from the carry at its start. A segment may be cut again:
 * with d levels every step runs forward d times more, and memory is that of the carries at the starts on all levels
 * and of the steps in one innermost segment.
 */
import { BadArgument } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type InlineParams,
  type Primitive,
  type Program,
  primitive,
  type ScanParams,
} from '../../primitives/primitive.ts';
import { concat, reshape, slice, zerosLike } from '../../primitives/vectorspace.ts';
import { avalsOf, parts } from '../derive.ts';
import { traceProgram } from '../trace.ts';
import { checkpointed } from './checkpoint.ts';
import { scanPrimitive, stacked } from './scan.ts';

/**
 * How reverse mode of a loop of T steps saves memory. `'sqrt'`: √T segments; `{ segments: n }`: at most n, and a last
 * one for what remains; each step runs forward twice. `'binomial'`: halves of halves, down to single steps: two
 * carries for each halving, one step, and log₂T runs. `{ snapshots: s }`: as few runs as s carries allow.
 */
export type ScanCheckpoint =
  | 'sqrt'
  | 'binomial'
  | { readonly segments: number }
  | { readonly snapshots: number };

const isCount = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 1;

/** The lengths of the segments on each level, the longest first. */
export function segmentLengths(label: string, length: number, checkpoint: ScanCheckpoint): number[] {
  if (checkpoint === 'sqrt') return [Math.ceil(Math.sqrt(length))];
  if (checkpoint === 'binomial') return equalLevels(length, Math.ceil(Math.log2(Math.max(2, length))));
  const { segments, snapshots } = (checkpoint ?? {}) as { segments?: unknown; snapshots?: unknown };
  if (isCount(segments) && snapshots === undefined) return [Math.ceil(length / segments)];
  if (isCount(snapshots) && segments === undefined) {
    const most = Math.ceil(Math.log2(Math.max(2, length)));
    for (let levels = 1; levels <= most; levels++)
      if (levels * radix(length, levels) <= snapshots) return equalLevels(length, levels);
    throw new BadArgument({
      did: `${label}: ${snapshots} snapshots for ${length} steps`,
      expected: `at least ${2 * most}, two for each time that the steps are halved`,
      remedy: `scan(step, init, xs, { checkpoint: 'binomial' }), which takes ${2 * most}`,
    });
  }
  throw new BadArgument({
    did: `${label} with checkpoint ${JSON.stringify(checkpoint)}`,
    expected: "'sqrt', 'binomial', { segments: n } or { snapshots: s } with a whole number from 1 on",
    remedy: "scan(step, init, xs, { checkpoint: 'sqrt' })",
  });
}

/** The smallest number of segments with which so many levels get down to single steps. */
function radix(length: number, levels: number): number {
  let n = Math.max(1, Math.floor(length ** (1 / levels)));
  while (n ** levels < length) n++;
  return n;
}

/** Rounded down, so that fewer steps remain on a level than it has segments. */
function equalLevels(length: number, levels: number): number[] {
  const n = radix(length, levels);
  const lengths: number[] = [];
  let rest = length;
  while (lengths.length < levels) {
    rest = Math.max(1, Math.floor(rest / n));
    lengths.push(rest);
  }
  return lengths;
}

/**
 * The results of a scan with these operands, the same bit for bit, and so are those of its derivatives; only where
 * reverse mode sums the products of all steps as one product (`lift.ts`) is that now one for each segment.
 */
export function segmentedScan(
  operands: readonly Tensor[],
  params: ScanParams,
  lengths: readonly number[],
): readonly Tensor[] {
  const { program, constants, carries, length, reverse } = params;
  const [segment, ...inner] = lengths.filter(one => one < length);
  if (segment === undefined) return bind(scanPrimitive, operands, params);
  const count = Math.floor(length / segment);
  const rest = length - count * segment;
  const [fixed, first, sequences] = parts(operands, constants, carries);
  const at = reverse ? rest : count * segment;
  const cuts = sequences.map(one => (rest === 0 ? [one, one] : cut(one, at)));
  const body = segmentProgram({ ...params, length: segment }, inner);
  const results = bind(
    scanPrimitive,
    [
      ...fixed,
      ...first,
      ...cuts
        .map(both => both[reverse ? 1 : 0])
        .map(one => reshape(one, [count, segment, ...one.shape.slice(1)])),
    ],
    { program: body, constants, carries, length: count, reverse },
  );
  const [between, stacks] = parts(results, carries);
  const ys = stacks.map(one => reshape(one, [count * segment, ...one.shape.slice(2)]));
  if (rest === 0) return [...between, ...ys];
  const after = segmentedScan(
    [...fixed, ...between, ...cuts.map(both => both[reverse ? 0 : 1])],
    { program, constants, carries, length: rest, reverse },
    inner,
  );
  const [last, others] = parts(after, carries);
  return [...last, ...ys.map((y, i) => concat(reverse ? [others[i], y] : [y, others[i]], 0))];
}

/** One segment as a step: constants, carries and its slices to carries and results. */
function segmentProgram(params: ScanParams, inner: readonly number[]): Program {
  const { program, constants, carries, length } = params;
  const avals = avalsOf(program.inputs).map((aval, i) =>
    i < constants + carries ? aval : stacked(length, aval),
  );
  const run = traceProgram(inputs => segmentedScan(inputs, params, inner), avals, { name: 'scan' });
  return traceProgram(inputs => checkpointed(run, 'nothing', inputs), avals, { name: 'scan' });
}

interface CutParams extends InlineParams {
  readonly at: number;
  readonly axis: number;
}

/**
 * The two parts of a tensor along an axis. Its transpose joins the cotangents of both, where those of two slices would
 * be added to zeros: −0 + 0 is not −0.
 */
const cutPrimitive: Primitive<CutParams> = primitive<CutParams>({
  name: 'cut',
  kind: 'structured',
  abstract: (_, { program }) => avalsOf(program.outputs),
  jvp: ([x], [dx], { at, axis }) => ({
    outputs: cut(x, at, axis),
    tangents: dx === null ? [null, null] : cut(dx, at, axis),
  }),
  partial: (operands, _, params, record) => record(cutPrimitive, operands, params),
  transpose: (cotangents, _, __, { program, axis }) => [
    concat(
      cotangents.map((one, i) => one ?? zerosLike(program.outputs[i].aval)),
      axis,
    ),
  ],
  batch: (_, [x], __, { at, axis }) => ({ outputs: cut(x, at, axis + 1), batched: [true, true] }),
  lower: { form: 'inline' },
  samples: [],
});

function cut(x: Tensor, at: number, axis = 0): readonly Tensor[] {
  const start = x.shape.map(() => 0);
  const program = traceProgram(
    ([one]) => [
      slice(
        one,
        start,
        one.shape.map((n, i) => (i === axis ? at : n)),
      ),
      slice(
        one,
        start.map((_, i) => (i === axis ? at : 0)),
        one.shape,
      ),
    ],
    [x.aval],
    { name: 'scan' },
  );
  return bind(cutPrimitive, [x], { program, at, axis });
}
