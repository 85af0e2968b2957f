/** A choice between two programs as one operation, of which only the chosen one runs. */
import { Aval } from '../../core/aval.ts';
import type { Variable } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type CondParams,
  type Primitive,
  type Program,
  primitive,
} from '../../primitives/primitive.ts';
import { broadcast, reduceOr, select, zerosLike } from '../../primitives/vectorspace.ts';
import {
  avalsOf,
  batchedProgram,
  flagged,
  jvpProgram,
  key,
  merge,
  notNull,
  parts,
  splitProgram,
  spread,
  transposedProgram,
  unflagged,
} from '../derive.ts';
import { remember, replay, traceProgram } from '../trace.ts';

type Branches = CondParams['branches'];

const both = <T>(branches: Branches, f: (program: Program, index: number) => T): [T, T] => [
  f(branches[0], 0),
  f(branches[1], 1),
];
/** What is made of both branches so that they agree in these flags. */
function agreed<T>(
  branches: Branches,
  make: (program: Program, always?: readonly boolean[]) => T,
  flagsOf: (made: T) => readonly boolean[],
): { made: [T, T]; flags: readonly boolean[] } {
  const first = both(branches, program => make(program));
  const flags = either(flagsOf(first[0]), flagsOf(first[1]));
  const agree = (one: T): boolean => flagsOf(one).every((is, i) => is === flags[i]);
  return { made: both(branches, (program, i) => (agree(first[i]) ? first[i] : make(program, flags))), flags };
}
const either = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((is, i) => is || b[i]);

/** Pairs of branches have no object of their own: what is derived from them is kept by both in turn. */
const pairs = new WeakMap<Program, number>();
let numbered = 0;
function rememberPair<T>(branches: Branches, what: string, make: () => T): T {
  let number = pairs.get(branches[1]);
  if (number === undefined) {
    number = numbered++;
    pairs.set(branches[1], number);
  }
  return remember(branches[0], `cond:${number}:${what}`, make);
}

/** Operands and results: see {@link CondParams}. */
export const condPrimitive: Primitive<CondParams> = primitive<CondParams>({
  name: 'cond',
  kind: 'structured',
  abstract: (_, { branches }) =>
    avalsOf(branches[1].outputs).map(({ dtype, shape }) => new Aval(dtype, shape)),

  jvp: ([test, ...primals], [_, ...tangents], { branches }) => {
    const moving = tangents.map(tangent => tangent !== null);
    const made = rememberPair(branches, key('jvp', moving), () => {
      const { made: pair, flags } = agreed(
        branches,
        (program, always) => jvpProgram('cond', program, moving, always),
        one => one.moving,
      );
      return { branches: [pair[0].program, pair[1].program] as Branches, moving: flags };
    });
    const results = bind(condPrimitive, [test, ...primals, ...notNull(tangents)], {
      branches: made.branches,
    });
    const [outputs, rest] = parts(results, made.moving.length);
    return { outputs, tangents: spread(made.moving, rest) };
  },

  partial: ([test, ...operands], [testUnknown, ...unknown], { branches }, record) => {
    if (testUnknown) return record(condPrimitive, [test, ...operands], { branches });
    const made = rememberPair(branches, key('partial', unknown), () => splitBranches(branches, unknown));
    const known = unflagged(operands, unknown);
    const [outputs, residuals] = parts(
      made.known[0].outputs.length === 0
        ? []
        : bind(condPrimitive, [test, ...known], { branches: made.known }),
      made.outputUnknown.filter(is => !is).length,
    );
    const recorded = record(
      condPrimitive,
      [test, ...made.forwarded.map(i => known[i]), ...residuals, ...flagged(operands, unknown)],
      { branches: made.unknown },
    );
    return merge(made.outputUnknown, recorded, outputs);
  },

  transpose: (cotangents, [test, ...operands], [_, ...linear], { branches }) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const made = rememberPair(branches, key('transpose', linear, arriving), () => {
      const { made: pair, flags } = agreed(
        branches,
        (program, always) => transposedProgram('cond', program, linear, arriving, always),
        one => one.leaving,
      );
      return { branches: [pair[0].program, pair[1].program] as Branches, leaving: flags };
    });
    if (!made.leaving.includes(true)) return [null, ...operands.map(() => null)];
    const results = bind(condPrimitive, [test, ...unflagged(operands, linear), ...notNull(cotangents)], {
      branches: made.branches,
    });
    return [null, ...spread(made.leaving, results)];
  },

  /**
   * Where examples choose differently both branches run, and each example takes its own. As long as none takes the
   * second branch it does not run: loops that are over cost nothing.
   */
  batch: (size, [test, ...operands], [testBatched, ...batched], { branches }) => {
    const made = rememberPair(branches, `${key('batch', batched)}:${size}:${testBatched}`, () => {
      const first = both(branches, program => batchedProgram('cond', program, size, batched));
      const always = testBatched
        ? first[0].batched.map(() => true)
        : either(first[0].batched, first[1].batched);
      const whole = both(branches, program => batchedProgram('cond', program, size, batched, always).program);
      if (!testBatched) return { branches: whole, batched: always };
      const withTest = (f: (test: Tensor, values: readonly Tensor[]) => readonly Tensor[]): Program =>
        traceProgram(
          ([testInput, ...values]) => f(testInput, values),
          [new Aval('bool', [size]), ...avalsOf(whole[0].inputs)],
          { name: 'cond' },
        );
      return {
        branches: [
          withTest((_, values) => replay(whole[0], values)),
          withTest((flags, values) => {
            const others = replay(whole[0], values);
            return replay(whole[1], values).map((one, i) => select(alongFirst(flags, one), one, others[i]));
          }),
        ] as Branches,
        batched: always,
      };
    });
    const inputs = testBatched ? [reduceOr(test, [0]), test, ...operands] : [test, ...operands];
    return { outputs: bind(condPrimitive, inputs, { branches: made.branches }), batched: made.batched };
  },

  lower: { form: 'cond' },
  samples: [],
});

/** One flag for each example, at every element of the example. */
export function alongFirst(flags: Tensor, like: Tensor): Tensor {
  return broadcast(flags, like.shape, [0]);
}

interface SplitBranches {
  readonly outputUnknown: readonly boolean[];
  readonly known: Branches;
  /** The known operands that a branch's unknown part reads as they are. */
  readonly forwarded: readonly number[];
  /** Inputs: the forwarded operands, the residuals, the unknown operands. */
  readonly unknown: Branches;
}

/** Each branch split. Residuals of the two share places where their avals agree; what a branch lacks is zero. */
function splitBranches(branches: Branches, unknown: readonly boolean[]): SplitBranches {
  const { made: split, flags: outputUnknown } = agreed(
    branches,
    (program, always) => splitProgram('cond', program, unknown, always),
    one => one.outputUnknown,
  );
  const forwarded: number[] = [];
  const slots: Aval[] = [];
  // For each branch, by slot, the residual that goes there.
  const filled: (Variable | undefined)[][] = [[], []];
  const places = split.map(({ known, knownOutputs }, branch) =>
    known.outputs.slice(knownOutputs).map(variable => {
      const input = known.inputs.indexOf(variable);
      if (input >= 0) {
        if (!forwarded.includes(input)) forwarded.push(input);
        return { forwarded: input };
      }
      let slot = slots.findIndex(
        (aval, i) => aval.key === variable.aval.key && filled[branch][i] === undefined,
      );
      if (slot < 0) slot = slots.push(variable.aval) - 1;
      filled[branch][slot] = variable;
      return { slot };
    }),
  );
  const known = split.map(({ known: program, knownOutputs }, branch) =>
    traceProgram(
      inputs => {
        const residuals = slots.map((aval, slot) => filled[branch][slot] ?? aval);
        const wanted = residuals.filter((one): one is Variable => !(one instanceof Aval));
        const results = replay(
          { ...program, outputs: [...program.outputs.slice(0, knownOutputs), ...wanted] },
          inputs,
        );
        let next = knownOutputs;
        return [
          ...results.slice(0, knownOutputs),
          ...residuals.map(one => (one instanceof Aval ? zerosLike(one) : results[next++])),
        ];
      },
      avalsOf(program.inputs),
      { name: 'cond' },
    ),
  );
  const rest = split.map(({ unknown: program }, branch) =>
    traceProgram(
      inputs => {
        const [operands, residuals, others] = parts(inputs, forwarded.length, slots.length);
        return replay(program, [
          ...places[branch].map(place =>
            place.forwarded === undefined
              ? residuals[place.slot as number]
              : operands[forwarded.indexOf(place.forwarded)],
          ),
          ...others,
        ]);
      },
      [
        ...forwarded.map(i => split[0].known.inputs[i].aval),
        ...slots,
        ...flagged(avalsOf(branches[0].inputs), unknown),
      ],
      { name: 'cond' },
    ),
  );
  return {
    outputUnknown,
    known: [known[0], known[1]],
    forwarded,
    unknown: [rest[0], rest[1]],
  };
}
