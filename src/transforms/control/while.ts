/**
 * Repetition as one operation. Forward mode repeats the body's jvp.
 *
 * **Reverse mode of a loop whose number of steps is known only when it runs.** A program's shapes are fixed, so there
 * can be no list of all carries. Instead the loop becomes a sequence of blocks, each a scan over S = 64 slots that does
 * nothing once the condition fails:
 *
 * - block 1: S slots of one step. Every slot keeps what the derivative of its step needs, as in any scan.
 * - block 2, if the loop is not over: S slots of up to S steps. Every slot keeps the carry at its start only
 *   (`checkpoint`). The reverse pass computes the slot's steps again, as a block 1, and goes back through them.
 * - block ℓ, if the loop is still not over: S slots of up to S^(ℓ−1) steps, each done again as a block ℓ−1. What blocks
 *   from the third on need is computed again from the one carry at their start.
 *
 * So every step runs forward once up to 64 steps, at most twice up to 64 + 64² = 4160, at most four times up to
 * 4160 + 64³ = 266 304, and at most two times more for every further block: O(log n) times. Memory is S residuals of a step and S carries for each block on the way, whatever n is. Eight
 * blocks hold 64⁸ > 10¹⁴ steps. The blocks are scans, choices and checkpoints, and so derivatives of any order, batches
 * and compilers need to know nothing else.
 */
import { Aval } from '../../core/aval.ts';
import { Variable } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import {
  bind,
  type Primitive,
  type Program,
  primitive,
  type Record,
  type WhileParams,
} from '../../primitives/primitive.ts';
import {
  add,
  constantLike,
  reduceOr,
  select,
  withBatchAxis,
  zerosLike,
} from '../../primitives/vectorspace.ts';
import {
  always,
  avalsOf,
  batchedProgram,
  dependence,
  fixpoint,
  jvpProgram,
  key,
  notNull,
  parts,
  spread,
  transposedMixedProgram,
  unflagged,
} from '../derive.ts';
import { notLinear } from '../linearize.ts';
import { remember, replay, traceProgram } from '../trace.ts';
import { checkpointed } from './checkpoint.ts';
import { alongFirst, condPrimitive } from './cond.ts';
import { scanPrimitive } from './scan.ts';

/** Slots of a block. */
const slots = 64;
/** Blocks: as many steps as a computer can do. */
const blocks = 8;

const conditions = new WeakMap<Program, number>();
let numbered = 0;

/** What was derived from a loop's body under its condition. */
function rememberLoop<T>(
  { condition, body, conditionConstants }: WhileParams,
  what: string,
  make: () => T,
): T {
  let number = conditions.get(condition);
  if (number === undefined) {
    number = numbered++;
    conditions.set(condition, number);
  }
  return remember(body, `while:${number}:${conditionConstants}:${what}`, make);
}

/** Operands and results: see {@link WhileParams}. */
export const whilePrimitive: Primitive<WhileParams> = primitive<WhileParams>({
  name: 'while',
  kind: 'structured',
  abstract: (_, { body }) => avalsOf(body.outputs).map(({ dtype, shape }) => new Aval(dtype, shape)),

  // A carry has a tangent once one arrives from any step; the condition looks at the primals.
  jvp: (primals, tangents, params) => {
    const { condition, body, conditionConstants, bodyConstants } = params;
    const [forCondition, forBody, carries] = parts(primals, conditionConstants, bodyConstants);
    const [, dBody, dCarries] = parts(tangents, conditionConstants, bodyConstants);
    const isSet = (tensor: Tensor | null): boolean => tensor !== null;
    const constantFlags = dBody.map(isSet);
    const made = rememberLoop(params, key('jvp', constantFlags, dCarries.map(isSet)), () => {
      const { flags, made: step } = fixpoint(dCarries.map(isSet), current => {
        const program = jvpProgram('whileLoop', body, [...constantFlags, ...current], current);
        return { flags: program.moving, made: program.program };
      });
      const [c, k, dc, dk] = parts(
        step.inputs,
        bodyConstants,
        carries.length,
        constantFlags.filter(Boolean).length,
      );
      const ignored = dk.map(variable => new Variable(variable.aval));
      return {
        flags,
        condition: { ...condition, inputs: [...condition.inputs, ...ignored] },
        body: { ...step, inputs: [...c, ...dc, ...k, ...dk] },
      };
    });
    const moving = carries.flatMap((carry, i) => (made.flags[i] ? [dCarries[i] ?? zerosLike(carry)] : []));
    const results = bind(
      whilePrimitive,
      [...forCondition, ...forBody, ...notNull(dBody), ...carries, ...moving],
      {
        condition: made.condition,
        body: made.body,
        conditionConstants,
        bodyConstants: bodyConstants + notNull(dBody).length,
      },
    );
    const [outputs, rest] = parts(results, carries.length);
    return { outputs, tangents: spread(made.flags, rest) };
  },

  partial: (operands, unknown, params, record) => partialWhile(operands, unknown, params, record),

  // Partial evaluation leaves no loop behind, so that this is for programs made by hand.
  transpose: (cotangents, operands, linear, params) => {
    if (decidesBy(linear, params)) throw notLinear(whilePrimitive);
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const made = rememberLoop(params, key('transpose', linear, arriving), () => {
      const whole = traceProgram(inputs => bind(whilePrimitive, inputs, params), avalsOf(operands), {
        name: 'whileLoop',
      });
      return transposedMixedProgram('whileLoop', whole, linear, arriving);
    });
    return spread(
      made.leaving,
      replay(made.program, [...unflagged(operands, linear), ...notNull(cotangents)]),
    );
  },

  /** Examples that differ in their condition go on until all are done; those that are done keep their carry. */
  batch: (size, operands, batched, params) => {
    const { conditionConstants, bodyConstants } = params;
    const made = rememberLoop(params, `${key('batch', batched)}:${size}`, () =>
      batchedLoop(params, size, batched),
    );
    const [forCondition, forBody, carries] = parts(operands, conditionConstants, bodyConstants);
    const first = carries.map((carry, i) =>
      made.batched[i] ? withBatchAxis(size, carry, batched[conditionConstants + bodyConstants + i]) : carry,
    );
    if (!made.differ)
      return {
        outputs: bind(whilePrimitive, [...forCondition, ...forBody, ...first], {
          ...params,
          condition: made.condition,
          body: made.body,
        }),
        batched: made.batched,
      };
    const going = replay(made.condition, [...forCondition, ...first]);
    const anyLeft = anyProgram(size, avalsOf(first));
    const [, ...outputs] = bind(whilePrimitive, [...forCondition, ...forBody, ...going, ...first], {
      condition: anyLeft,
      body: made.body,
      conditionConstants: 0,
      bodyConstants: conditionConstants + bodyConstants,
    });
    return { outputs, batched: made.batched };
  },

  lower: { form: 'while' },
  samples: [],
});

/** How often the body of a loop runs, an int32. */
export function stepsOf(operands: readonly Tensor[], params: WhileParams): readonly Tensor[] {
  const { condition, body, conditionConstants, bodyConstants } = params;
  const counting = rememberLoop(params, 'count', () => {
    const count = new Aval('int32', []);
    const inputs = (program: Program, constants: number): Aval[] => {
      const avals = avalsOf(program.inputs);
      return [...avals.slice(0, constants), count, ...avals.slice(constants)];
    };
    const without = (all: readonly Tensor[], constants: number): Tensor[] =>
      all.filter((_, i) => i !== constants);
    return {
      condition: traceProgram(
        all => replay(condition, without(all, conditionConstants)),
        inputs(condition, conditionConstants),
        { name: 'whileLoop' },
      ),
      body: traceProgram(
        all => {
          const counted = add(all[bodyConstants], constantLike(count, 1));
          return [counted, ...replay(body, without(all, bodyConstants))];
        },
        inputs(body, bodyConstants),
        { name: 'whileLoop' },
      ),
    };
  });
  const [forCondition, forBody, carries] = parts(operands, conditionConstants, bodyConstants);
  const first = constantLike(new Aval('int32', []), 0);
  return bind(whilePrimitive, [...forCondition, ...forBody, first, ...carries], {
    ...params,
    ...counting,
  }).slice(0, 1);
}

/** Whether any example goes on, of the carry of a loop in which each has a flag. */
function anyProgram(size: number, carries: readonly Aval[]): Program {
  return traceProgram(([going]) => [reduceOr(going, [0])], [new Aval('bool', [size]), ...carries], {
    name: 'whileLoop',
  });
}

interface BatchedLoop {
  readonly condition: Program;
  /** Where examples differ in their condition: of both constants, the flags and the carries, to flags and carries. */
  readonly body: Program;
  readonly batched: readonly boolean[];
  readonly differ: boolean;
}

function batchedLoop(params: WhileParams, size: number, batched: readonly boolean[]): BatchedLoop {
  const { condition, body, conditionConstants, bodyConstants } = params;
  const [conditionFlags, bodyFlags, carryFlags] = parts(batched, conditionConstants, bodyConstants);
  const { flags, made } = fixpoint(carryFlags, current => {
    const test = batchedProgram('whileLoop', condition, size, [...conditionFlags, ...current]);
    const [differ] = test.batched;
    const step = batchedProgram('whileLoop', body, size, [...bodyFlags, ...current], current);
    return { flags: differ ? always(current) : step.batched, made: { test, step, differ } };
  });
  const { test, step, differ } = made;
  if (!differ) return { condition: test.program, body: step.program, batched: flags, differ };
  const inputs = [
    ...test.program.inputs.slice(0, conditionConstants),
    ...step.program.inputs.slice(0, bodyConstants),
  ];
  const carries = avalsOf(step.program.inputs).slice(bodyConstants);
  const selecting = traceProgram(
    all => {
      const [forCondition, forBody, [going, ...before]] = parts(all, conditionConstants, bodyConstants);
      const after = replay(step.program, [...forBody, ...before]).map((one, i) =>
        select(alongFirst(going, one), one, before[i]),
      );
      return [...replay(test.program, [...forCondition, ...after]), ...after];
    },
    [...avalsOf(inputs), new Aval('bool', [size]), ...carries],
    { name: 'whileLoop' },
  );
  return { condition: test.program, body: selecting, batched: flags, differ };
}

/** Whether the condition depends on a flagged operand. */
function decidesBy(flags: readonly boolean[], params: WhileParams): boolean {
  const { condition, body, conditionConstants, bodyConstants } = params;
  const [conditionFlags, bodyFlags, carryFlags] = parts(flags, conditionConstants, bodyConstants);
  const { flags: carried } = fixpoint(carryFlags, current => ({
    flags: dependence(body, [...bodyFlags, ...current]),
    made: null,
  }));
  return dependence(condition, [...conditionFlags, ...carried])[0];
}

/** The loop in blocks, partially evaluated. Only a loop that decides by something unknown is recorded as it is. */
function partialWhile(
  operands: readonly Tensor[],
  unknown: readonly boolean[],
  params: WhileParams,
  record: Record,
): readonly Tensor[] {
  if (decidesBy(unknown, params)) return record(whilePrimitive, operands, params);
  return replay(
    rememberLoop(params, 'blocks', () => inBlocks(params)),
    operands,
  );
}

/** The loop as a program of scans: constants, carries to carries. See the head of this file. */
function inBlocks(params: WhileParams): Program {
  const { condition, body, conditionConstants, bodyConstants } = params;
  const constants = conditionConstants + bodyConstants;
  const carries = avalsOf(body.inputs).slice(bodyConstants);
  const avals = [
    ...avalsOf(condition.inputs).slice(0, conditionConstants),
    ...avalsOf(body.inputs).slice(0, bodyConstants),
    ...carries,
  ];
  const trace = (f: (inputs: readonly Tensor[]) => readonly Tensor[]): Program =>
    traceProgram(f, avals, { name: 'whileLoop' });
  const fixed = (inputs: readonly Tensor[]): readonly Tensor[] => inputs.slice(0, constants);
  const keep = trace(inputs => inputs.slice(constants));
  const step = trace(inputs => replay(body, inputs.slice(conditionConstants)));
  /** The carries after `next`, if the condition holds, else as they are. */
  const ifGoing = (next: Program): ((inputs: readonly Tensor[]) => readonly Tensor[]) => {
    const branches = [keep, next] as const;
    return inputs => {
      const [forCondition, , now] = parts(inputs, conditionConstants, bodyConstants);
      const [test] = replay(condition, [...forCondition, ...now]);
      return bind(condPrimitive, [test, ...inputs], { branches });
    };
  };
  const again = (program: Program): Program => trace(inputs => checkpointed(program, 'nothing', inputs));
  /** A block whose slots do `next`. */
  const block = (next: Program): Program => {
    const program = trace(ifGoing(next));
    return trace(inputs =>
      bind(scanPrimitive, inputs, {
        program,
        constants,
        carries: carries.length,
        length: slots,
        reverse: false,
      }),
    );
  };
  const made = [block(step)];
  while (made.length < blocks) made.push(block(again(made[made.length - 1])));
  let rest = made[blocks - 1];
  for (let level = blocks - 2; level >= 0; level--) {
    // The second block keeps its checkpoints; all later ones are done again from the one carry at their start.
    const later = ifGoing(level === 0 ? rest : again(rest));
    rest = trace(inputs => later([...fixed(inputs), ...replay(made[level], inputs)]));
  }
  return rest;
}
