/** A loop over the leading axis as one operation: its program is as long as one step, however many there are. */
import { Aval } from '../../core/aval.ts';
import { type Variable, withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type Primitive,
  type Program,
  primitive,
  type Record,
  type ScanParams,
} from '../../primitives/primitive.ts';
import { add, moveAxis, withBatchAxis, zerosLike } from '../../primitives/vectorspace.ts';
import {
  always,
  avalsOf,
  batchedProgram,
  dependence,
  dependents,
  fixpoint,
  flagged,
  jvpProgram,
  key,
  merge,
  never,
  notNull,
  parts,
  splitProgram,
  spread,
  transposedMixedProgram,
  unflagged,
} from '../derive.ts';
import { remember, replay, traceProgram } from '../trace.ts';
import { type Cotangent, Placeholder, transposeProgram } from '../transpose.ts';
import { liftProducts, transposeProduct } from './lift.ts';

/** A value of every step. */
export const stacked = (length: number, aval: Aval): Aval => aval.with({ shape: [length, ...aval.shape] });

/** A step may be that of several loops. */
const sizes = ({ constants, carries, length, reverse }: ScanParams): string =>
  `scan:${constants}:${carries}:${length}:${reverse}:`;
const isSet = (tensor: Tensor | null): boolean => tensor !== null;
const plus = (before: Cotangent, one: Cotangent): Cotangent =>
  before === null || one === null ? (before ?? one) : add(before, one);

/** Operands and results: see {@link ScanParams}. */
export const scanPrimitive: Primitive<ScanParams> = primitive<ScanParams>({
  name: 'scan',
  kind: 'structured',
  abstract: (_, { program, carries, length }) =>
    avalsOf(program.outputs).map((aval, i) =>
      i < carries ? new Aval(aval.dtype, aval.shape) : stacked(length, aval),
    ),

  // The scan of the body's jvp, in which a carry has a tangent once one arrives from any step.
  jvp: (primals, tangents, params) => {
    const moving = tangents.map(isSet);
    const made = remember(params.program, key(`${sizes(params)}jvp`, moving), () =>
      jvpOfStep(params, moving),
    );
    const grouped = (
      list: readonly Tensor[],
      given: readonly (Tensor | null)[],
      flags: readonly boolean[],
    ) => [...list, ...notNull(given.map((one, i) => (flags[i] ? (one ?? zerosLike(list[i])) : null)))];
    const [constants, carries, sequences] = parts(primals, params.constants, params.carries);
    const [dConstants, dCarries, dSequences] = parts(tangents, params.constants, params.carries);
    const [flagConstants, , flagSequences] = parts(moving, params.constants, params.carries);
    const results = bind(
      scanPrimitive,
      [
        ...grouped(constants, dConstants, flagConstants),
        ...grouped(carries, dCarries, made.carries),
        ...grouped(sequences, dSequences, flagSequences),
      ],
      made.params,
    );
    const stacks = params.program.outputs.length - params.carries;
    const [last, dLast, ys, dys] = parts(
      results,
      params.carries,
      made.params.carries - params.carries,
      stacks,
    );
    return {
      outputs: [...last, ...ys],
      tangents: [...spread(made.carries, dLast), ...spread(made.stacks, dys)],
    };
  },

  partial: (operands, unknown, params, record) => partialScan(operands, unknown, params, record),

  accumulates: true,
  transpose: (cotangents, operands, linear, params, before) => {
    if (!onlyLinearCarries(params, linear))
      return transposeMixed(cotangents, operands, linear, params).map((one, i) => plus(before[i], one));
    const { params: rest, products } = remember(params.program, key(`${sizes(params)}lift`, linear), () =>
      liftProducts(params, linear),
    );
    const made = products.map(({ program }) => new Placeholder(program.outputs[0].aval));
    const results = transposeScan(cotangents, [...operands, ...made], [...linear, ...always(made)], rest, [
      ...before,
      ...made.map(() => null),
    ]);
    const [leaving, ofProducts] = parts(results, operands.length);
    products.forEach((product, i) => {
      const ct = ofProducts[i];
      if (ct === null) return;
      const w = product.operands[product.linear];
      leaving[w] = plus(leaving[w], transposeProduct(product, ct, operands));
    });
    return leaving;
  },

  // Sequences keep the loop's axis in front of the batch axis, so that a step finds its slice.
  batch: (size, operands, batched, params) => {
    const made = remember(params.program, `${key(`${sizes(params)}batch`, batched)}:${size}`, () =>
      batchedStep(params, size, batched),
    );
    const [constants, carries, sequences] = parts(operands, params.constants, params.carries);
    const [, carriesBatched, sequencesBatched] = parts(batched, params.constants, params.carries);
    const results = bind(
      scanPrimitive,
      [
        ...constants,
        ...carries.map((one, i) => (made.batched[i] ? withBatchAxis(size, one, carriesBatched[i]) : one)),
        ...sequences.map((one, i) => (sequencesBatched[i] ? moveAxis(one, 0, 1) : one)),
      ],
      { ...params, program: made.program },
    );
    return {
      outputs: results.map((one, i) => (i >= params.carries && made.batched[i] ? moveAxis(one, 1, 0) : one)),
      batched: made.batched,
    };
  },

  lower: { form: 'scan' },
  samples: [],
});

interface JvpOfStep {
  readonly params: ScanParams;
  /** Which carries, and which stacked results, have a tangent. */
  readonly carries: readonly boolean[];
  readonly stacks: readonly boolean[];
}

function jvpOfStep(params: ScanParams, moving: readonly boolean[]): JvpOfStep {
  const { program, constants, carries } = params;
  const [constantFlags, carryFlags, sequenceFlags] = parts(moving, constants, carries);
  const stacks = program.outputs.slice(carries);
  const { flags, made } = fixpoint(carryFlags, current => {
    const step = jvpProgram(
      'scan',
      program,
      [...constantFlags, ...current, ...sequenceFlags],
      [...current, ...never(stacks)],
    );
    return { flags: step.moving.slice(0, carries), made: step };
  });
  const [c, k, x, dc, dk, dx] = parts(
    made.program.inputs,
    constants,
    carries,
    program.inputs.length - constants - carries,
    constantFlags.filter(Boolean).length,
    flags.filter(Boolean).length,
  );
  const [last, ys, dLast, dys] = parts(
    made.program.outputs,
    carries,
    stacks.length,
    flags.filter(Boolean).length,
  );
  return {
    params: {
      ...params,
      program: {
        ...made.program,
        inputs: [...c, ...dc, ...k, ...dk, ...x, ...dx],
        outputs: [...last, ...dLast, ...ys, ...dys],
      },
      constants: constants + dc.length,
      carries: carries + dk.length,
    },
    carries: flags,
    stacks: made.moving.slice(carries),
  };
}

/** Where a residual of a step comes from. */
type Residual =
  | { readonly from: 'invariant'; readonly index: number }
  | { readonly from: 'sequence'; readonly index: number }
  | { readonly from: 'stack'; readonly index: number };

interface SplitScan {
  readonly carries: readonly boolean[];
  readonly stacks: readonly boolean[];
  /** The residuals that are the same at every step, of the known constants. */
  readonly invariant: Program;
  readonly known: Program;
  readonly residuals: readonly Residual[];
  /** The unknown step: constants are the invariant residuals first, sequences the others first. */
  readonly unknown: Program;
}

function splitScan({ program, constants, carries }: ScanParams, unknown: readonly boolean[]): SplitScan {
  const [constantFlags, carryFlags, sequenceFlags] = parts(unknown, constants, carries);
  const { flags, made } = fixpoint(carryFlags, current => {
    const split = splitProgram(
      'scan',
      program,
      [...constantFlags, ...current, ...sequenceFlags],
      [...current, ...never(program.outputs.slice(carries))],
    );
    return { flags: split.outputUnknown.slice(0, carries), made: split };
  });
  const { known } = made;
  const [knownConstants, knownCarries, knownSequences] = parts(
    known.inputs,
    constantFlags.filter(is => !is).length,
    flags.filter(is => !is).length,
  );
  // Residuals that do not change are computed once, slices of known sequences are at hand, the others are stacked.
  const changing = dependents(known, [
    ...never(knownConstants),
    ...always([...knownCarries, ...knownSequences]),
  ]);
  const invariants: Variable[] = [];
  const stacked: Variable[] = known.outputs.slice(knownCarries.length, made.knownOutputs);
  const place = (list: Variable[], variable: Variable): number => {
    const at = list.indexOf(variable);
    return at >= 0 ? at : list.push(variable) - 1;
  };
  const residuals = known.outputs.slice(made.knownOutputs).map((variable): Residual => {
    if (!changing.has(variable)) return { from: 'invariant', index: place(invariants, variable) };
    const sequence = knownSequences.indexOf(variable);
    if (sequence >= 0) return { from: 'sequence', index: sequence };
    return { from: 'stack', index: place(stacked, variable) };
  });
  const count = residuals.length;
  const [residualInputs, unknownConstants, unknownCarries, unknownSequences] = parts(
    made.unknown.inputs,
    count,
    constantFlags.filter(Boolean).length,
    flags.filter(Boolean).length,
  );
  const fixed = residuals.map(residual => residual.from === 'invariant');
  return {
    carries: flags,
    stacks: made.outputUnknown.slice(carries),
    invariant: withoutDeadCode({ ...known, inputs: knownConstants, outputs: invariants }),
    known: withoutDeadCode({
      ...known,
      outputs: [...known.outputs.slice(0, knownCarries.length), ...stacked],
    }),
    residuals,
    unknown: {
      ...made.unknown,
      inputs: [
        ...flagged(residualInputs, fixed),
        ...unknownConstants,
        ...unknownCarries,
        ...unflagged(residualInputs, fixed),
        ...unknownSequences,
      ],
    },
  };
}

/** The known steps run now and leave their residuals; the unknown steps are recorded as a scan over these. */
function partialScan(
  operands: readonly Tensor[],
  unknown: readonly boolean[],
  params: ScanParams,
  record: Record,
): Tensor[] {
  const made = remember(params.program, key(`${sizes(params)}partial`, unknown), () =>
    splitScan(params, unknown),
  );
  const [constants, carries, sequences] = parts(operands, params.constants, params.carries);
  const [constantFlags, , sequenceFlags] = parts(unknown, params.constants, params.carries);
  const knownConstants = unflagged(constants, constantFlags);
  const knownCarries = unflagged(carries, made.carries);
  const knownSequences = unflagged(sequences, sequenceFlags);
  const known =
    made.known.outputs.length === 0
      ? []
      : bind(scanPrimitive, [...knownConstants, ...knownCarries, ...knownSequences], {
          ...params,
          program: made.known,
          constants: knownConstants.length,
          carries: knownCarries.length,
        });
  const invariants = replay(made.invariant, knownConstants);
  const [last, stacks] = parts(known, knownCarries.length);
  const residuals = made.residuals.map(
    ({ from, index }) => ({ invariant: invariants, sequence: knownSequences, stack: stacks })[from][index],
  );
  const fixed = made.residuals.map(({ from }) => from === 'invariant');
  const forConstants = [...flagged(residuals, fixed), ...flagged(constants, constantFlags)];
  const unknownCarries = flagged(carries, made.carries);
  const recorded = record(
    scanPrimitive,
    [
      ...forConstants,
      ...unknownCarries,
      ...unflagged(residuals, fixed),
      ...flagged(sequences, sequenceFlags),
    ],
    { ...params, program: made.unknown, constants: forConstants.length, carries: unknownCarries.length },
  );
  return merge([...made.carries, ...made.stacks], recorded, [...last, ...stacks]);
}

/** Whether every carry depends on something linear, as those of a recorded scan do. */
function onlyLinearCarries({ program, constants, carries }: ScanParams, linear: readonly boolean[]): boolean {
  const [constantFlags, carryFlags, sequenceFlags] = parts(linear, constants, carries);
  const { flags } = fixpoint(carryFlags, current => ({
    flags: dependence(program, [...constantFlags, ...current, ...sequenceFlags]).slice(0, carries),
    made: null,
  }));
  return flags.every(Boolean);
}

interface TransposedStep {
  readonly params: ScanParams;
  /** Which constants, carries and sequences get a cotangent. */
  readonly constants: readonly boolean[];
  readonly carries: readonly boolean[];
  readonly sequences: readonly boolean[];
  /** Which stacked result each of these sequences' cotangents is: several may be the same. */
  readonly stacks: readonly number[];
}

/**
 * One step backwards. Carried: the cotangents of the linear constants, to which every step adds, and of the carries.
 * Sequences: the cotangents of the stacked results, and the sequences that are not linear.
 */
function transposedStep(
  params: ScanParams,
  linear: readonly boolean[],
  arriving: readonly boolean[],
): TransposedStep {
  const { program, constants, carries } = params;
  const [linearConstants, , linearSequences] = parts(linear, constants, carries);
  const [c, k, x] = parts(program.inputs, constants, carries);
  const [last, ys] = parts(program.outputs, carries);
  const [arrivingCarries, arrivingStacks] = parts(arriving, carries);
  const fixedConstants = unflagged(c, linearConstants);
  const fixedSequences = unflagged(x, linearSequences);
  const linearInputs = [...flagged(c, linearConstants), ...k, ...flagged(x, linearSequences)];

  const trace = (accumulated: readonly boolean[], carried: readonly boolean[]) => {
    let leaving: { constants: boolean[]; carries: boolean[]; sequences: boolean[] } | undefined;
    const made = traceProgram(
      inputs => {
        const [fixed, sums, ctCarries, ctStacks, slices] = parts(
          inputs,
          fixedConstants.length,
          accumulated.filter(Boolean).length,
          carried.filter(Boolean).length,
          arrivingStacks.filter(Boolean).length,
        );
        const values = new Map<Variable, Tensor>(program.constants);
        fixedConstants.forEach((variable, i) => values.set(variable, fixed[i]));
        fixedSequences.forEach((variable, i) => values.set(variable, slices[i]));
        const results = transposeProgram(
          { ...program, inputs: linearInputs, constants: values },
          [...spread(carried, ctCarries), ...spread(arrivingStacks, ctStacks)],
          flagged(spread(accumulated, sums), linearConstants),
        );
        const [toC, toK, toX] = parts(results, linearConstants.filter(Boolean).length, carries);
        const none = (list: readonly unknown[]): Cotangent[] => list.map(() => null);
        const allC = merge<Cotangent>(linearConstants, toC, none(fixedConstants));
        const allX = merge<Cotangent>(linearSequences, toX, none(fixedSequences));
        leaving = { constants: allC.map(isSet), carries: toK.map(isSet), sequences: allX.map(isSet) };
        return [
          ...flagged(allC, accumulated).map(ct => ct as Tensor),
          ...notNull(toK.map((ct, i) => (carried[i] ? (ct ?? zerosLike(k[i].aval)) : null))),
          ...notNull(allX),
        ];
      },
      [
        ...avalsOf(fixedConstants),
        ...flagged(avalsOf(c), accumulated).map(aval => new Aval(aval.dtype, aval.shape)),
        ...flagged(avalsOf(last), carried),
        ...flagged(avalsOf(ys), arrivingStacks),
        ...avalsOf(fixedSequences),
      ],
      { name: 'scan' },
    );
    return { program: made, leaving: leaving as NonNullable<typeof leaving> };
  };

  const { flags, made } = fixpoint([...never(c), ...arrivingCarries], current => {
    const [accumulated, carried] = parts(current, constants);
    const step = trace(accumulated, carried);
    return { flags: [...step.leaving.constants, ...step.leaving.carries], made: step };
  });
  const [accumulated, carried] = parts(flags, constants);
  const [sums, slices] = parts(made.program.outputs, flags.filter(Boolean).length);
  const stacks = [...new Set(slices)];
  return {
    params: {
      program: { ...made.program, outputs: [...sums, ...stacks] },
      constants: fixedConstants.length,
      carries: flags.filter(Boolean).length,
      length: params.length,
      reverse: !params.reverse,
    },
    constants: accumulated,
    carries: carried,
    sequences: made.leaving.sequences,
    stacks: slices.map(slice => stacks.indexOf(slice)),
  };
}

/** The scan backwards, going on from what there is before of the cotangents. */
function transposeScan(
  cotangents: readonly Cotangent[],
  operands: readonly Tensor[],
  linear: readonly boolean[],
  params: ScanParams,
  before: readonly Cotangent[],
): Cotangent[] {
  const { program, constants, carries } = params;
  const arriving = cotangents.map(isSet);
  const made = remember(program, key(`${sizes(params)}transpose`, linear, arriving), () =>
    transposedStep(params, linear, arriving),
  );
  const [linearConstants, , linearSequences] = parts(linear, constants, carries);
  const [fixed, , sequences] = parts(operands, constants, carries);
  const [ctCarries, ctStacks] = parts(cotangents, carries);
  const results = bind(
    scanPrimitive,
    [
      ...unflagged(fixed, linearConstants),
      ...notNull(fixed.map((one, i) => (made.constants[i] ? (before[i] ?? zerosLike(one.aval)) : null))),
      ...flagged(ctCarries, made.carries).map(
        (ct, i) => ct ?? zerosLike(flagged(program.outputs, made.carries)[i].aval),
      ),
      ...notNull(ctStacks),
      ...unflagged(sequences, linearSequences),
    ],
    made.params,
  );
  const [toConstants, toCarries, stacks] = parts(
    results,
    made.constants.filter(Boolean).length,
    made.carries.filter(Boolean).length,
  );
  const toSequences = made.stacks.map(i => stacks[i]);
  const sums = spread(made.constants, toConstants).map((one, i) => one ?? before[i]);
  const others = [...spread(made.carries, toCarries), ...spread(made.sequences, toSequences)];
  return [...sums, ...others.map((one, i) => plus(before[constants + i], one))].map((one, i) =>
    linear[i] ? one : null,
  );
}

/** Where some carries are not linear, they run forward first. */
function transposeMixed(
  cotangents: readonly Cotangent[],
  operands: readonly Tensor[],
  linear: readonly boolean[],
  params: ScanParams,
): readonly Cotangent[] {
  const arriving = cotangents.map(isSet);
  const whole = traceProgram(inputs => bind(scanPrimitive, inputs, params), avalsOf(operands), {
    name: 'scan',
  });
  const made = transposedMixedProgram('scan', whole, linear, arriving);
  const results = replay(made.program, [...unflagged(operands, linear), ...notNull(cotangents)]);
  return spread(made.leaving, results);
}

function batchedStep(
  { program, constants, carries }: ScanParams,
  size: number,
  batched: readonly boolean[],
): { program: Program; batched: readonly boolean[] } {
  const [constantFlags, carryFlags, sequenceFlags] = parts(batched, constants, carries);
  const { made } = fixpoint(carryFlags, current => {
    const step = batchedProgram(
      'scan',
      program,
      size,
      [...constantFlags, ...current, ...sequenceFlags],
      [...current, ...never(program.outputs.slice(carries))],
    );
    return { flags: step.batched.slice(0, carries), made: step };
  });
  return made;
}
