/** Derivatives of straight-line code, which are straight-line code again. */

import { NotDifferentiable } from '../../core/errors.ts';
import { isFloat, type ScalarType } from '../../kernel/expression.ts';
import { type Code, CodeBuilder, type FloatType, type Instruction, type Scalar } from './code.ts';

export interface Operand {
  readonly type: ScalarType;
  readonly shape: readonly number[];
}

function builderFor({ results }: Code): CodeBuilder {
  return new CodeBuilder(results.some(({ type }) => type === 'float64') ? 'float64' : 'float32');
}

/** The instructions in other code, in which loads are what `load` gives. */
export function compose(
  to: CodeBuilder,
  code: Code,
  load: (source: number, place: number) => Scalar,
): Scalar[] {
  const values: Scalar[] = [];
  for (const instruction of code.instructions) {
    const { op, args, source = 0, place = 0 } = instruction;
    const xs = args.map(arg => values[arg]);
    values.push(
      op === 'load' ? load(source, place) : again(to, instruction, xs, argTypeOf(code, instruction), source),
    );
  }
  return values;
}

/** The instruction in other code, in which its arguments are `args`; loads read the operand `source`. */
function again(
  to: CodeBuilder,
  { op, type, value, place }: Instruction,
  args: readonly Scalar[],
  argType: ScalarType,
  source: number,
): Scalar {
  if (op === 'constant') return value as number;
  if (op === 'load') return to.load(source, place as number, type);
  if (op === 'cast') return to.cast(type, args[0], argType);
  if (!isFloat(type)) return to.apply(op, type, args, argType);
  switch (op) {
    case 'add':
      return to.add(args[0], args[1]);
    case 'sub':
      return to.sub(args[0], args[1]);
    case 'mul':
      return to.mul(args[0], args[1]);
    case 'div':
      return to.div(args[0], args[1]);
    case 'neg':
      return to.neg(args[0]);
    default:
      return to.apply(op, type, args, op === 'select' ? type : argType);
  }
}

const argTypeOf = ({ instructions }: Code, { op, args }: Instruction): ScalarType =>
  instructions[args[op === 'select' ? 1 : 0] ?? 0]?.type ?? 'float64';

function notDifferentiable(op: string): NotDifferentiable {
  return new NotDifferentiable({
    did: `differentiated the code of an elimination Jacobian, whose coefficients are computed by ${op}`,
    expected: 'coefficients made by + − × ÷ and choices',
    remedy: "differentiate jacobian(f, { mode: 'elimination', graph: 'tensor' }) instead",
  });
}

/**
 * Forward mode: the tangents of all results. Operands of the new code: the tangents of the moving operands, then the
 * operands.
 */
export function tangentCode(code: Code, moving: readonly boolean[]): Code {
  const to = builderFor(code);
  const count = moving.filter(Boolean).length;
  const tangentOf = moving.map((is, i) => (is ? moving.slice(0, i).filter(Boolean).length : -1));
  const values: Scalar[] = [];
  const tangents: Scalar[] = [];
  for (const instruction of code.instructions) {
    const { op, type, args, source = 0, place = 0 } = instruction;
    const xs = args.map(arg => values[arg]);
    const dxs = args.map(arg => tangents[arg]);
    values.push(again(to, instruction, xs, argTypeOf(code, instruction), count + source));
    const [x, y] = xs;
    const [dx, dy] = dxs;
    const tangent = (): Scalar => {
      if (!isFloat(type)) return 0;
      if (op === 'load') return moving[source] ? to.load(tangentOf[source], place, type) : 0;
      if (dxs.every(d => d === 0)) return 0;
      switch (op) {
        case 'add':
          return to.add(dx, dy);
        case 'sub':
          return to.sub(dx, dy);
        case 'neg':
          return to.neg(dx);
        case 'cast':
          return dx;
        case 'mul':
          return to.add(to.mul(dx, y), to.mul(x, dy));
        case 'div':
          return to.div(to.sub(dx, to.mul(dy, values.at(-1) as Scalar)), y);
        case 'select':
          return to.select(x, dy, dxs[2]);
        default:
          throw notDifferentiable(op);
      }
    };
    tangents.push(tangent());
  }
  return to.code(
    code.results.map(({ type, shape, entries }) => ({
      type,
      shape,
      entries: entries.map(([place, number]) => [place, tangents[number]] as const),
    })),
  );
}

/**
 * Reverse mode of code that is linear in the flagged operands together. Operands of the new code: the cotangents of
 * the results that have one, then the operands that are not flagged. Results: the cotangents of the flagged operands.
 */
export function transposedCode(
  code: Code,
  operands: readonly Operand[],
  linear: readonly boolean[],
  arriving: readonly boolean[],
): Code {
  const to = builderFor(code);
  const before = (flags: readonly boolean[], i: number, is: boolean): number =>
    flags.slice(0, i).filter(flag => flag === is).length;
  const count = arriving.filter(Boolean).length;
  // Null depends on a flagged operand.
  const values: (Scalar | null)[] = [];
  for (const instruction of code.instructions) {
    const { op, args, source = 0 } = instruction;
    const depends = op === 'load' ? linear[source] : args.some(arg => values[arg] === null);
    const xs = args.map(arg => values[arg]) as Scalar[];
    values.push(
      depends
        ? null
        : again(to, instruction, xs, argTypeOf(code, instruction), count + before(linear, source, false)),
    );
  }
  const adjoints: Scalar[] = values.map(() => 0);
  const give = (number: number, part: Scalar): void => {
    if (values[number] === null) adjoints[number] = to.add(adjoints[number], part);
  };
  code.results.forEach(({ type, entries }, k) => {
    if (arriving[k])
      for (const [place, number] of entries) give(number, to.load(before(arriving, k, true), place, type));
  });
  const reached = operands.map((): [number, Scalar][] => []);
  for (let i = code.instructions.length - 1; i >= 0; i--) {
    const adjoint = adjoints[i];
    if (values[i] !== null || adjoint === 0) continue;
    const { op, args, source = 0, place = 0 } = code.instructions[i];
    const [x, y, z] = args;
    switch (op) {
      case 'load':
        reached[source].push([place, adjoint]);
        break;
      case 'add':
        give(x, adjoint);
        give(y, adjoint);
        break;
      case 'sub':
        give(x, adjoint);
        give(y, to.neg(adjoint));
        break;
      case 'neg':
        give(x, to.neg(adjoint));
        break;
      case 'cast':
        give(x, adjoint);
        break;
      case 'mul':
        if (values[y] !== null) give(x, to.mul(adjoint, values[y] as Scalar));
        if (values[x] !== null) give(y, to.mul(adjoint, values[x] as Scalar));
        break;
      case 'div':
        if (values[y] === null) throw notDifferentiable(op);
        give(x, to.div(adjoint, values[y] as Scalar));
        break;
      case 'select':
        give(y, to.select(values[x] as Scalar, adjoint, 0));
        give(z, to.select(values[x] as Scalar, 0, adjoint));
        break;
      default:
        throw notDifferentiable(op);
    }
  }
  return to.code(
    operands.flatMap(({ type, shape }, i) =>
      linear[i] ? [{ type: type as FloatType, shape, entries: reached[i] }] : [],
    ),
  );
}
