/** Straight-line code as one operation, which is one kernel. */
import { Aval, range, stridesOf } from '../../core/aval.ts';
import { Variable } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import * as k from '../../kernel/expression.ts';
import type { OrderedNest } from '../../kernel/kernel.ts';
import { Locals, loop, type Statement, set, store } from '../../kernel/statement.ts';
import { bind, type InlineParams, type Primitive, primitive } from '../../primitives/primitive.ts';
import { withBatchAxis } from '../../primitives/vectorspace.ts';
import { always, key, merge, never, notNull } from '../derive.ts';
import { remember } from '../trace.ts';
import { tangentCode, transposedCode } from './calculus.ts';
import type { Code, Result } from './code.ts';

interface KernelParams {
  readonly code: Code;
  /** The code runs once for each index of these leading axes, which all operands and results have. */
  readonly extents: readonly number[];
}

type Params = InlineParams & KernelParams;

/** The kernel. Only the operation around it is met by transformations. */
const kernelPrimitive: Primitive<KernelParams> = primitive<KernelParams>({
  name: 'straightline',
  kind: 'flat',
  because: 'the operation that it is the kernel of has the derivatives',
  abstract: (_, { code, extents }) =>
    code.results.map(({ type, shape }) => new Aval(type, [...extents, ...shape])),
  batch: (size, operands, batched, { code, extents }) =>
    bind(
      kernelPrimitive,
      operands.map((operand, i) => withBatchAxis(size, operand, batched[i])),
      { code, extents: [size, ...extents] },
    )[0],
  lower: (operands, { code, extents }) => nestOf(code, operands, extents),
  samples: [],
});

/** Deeper expressions are cut by a local: whoever prints or runs them calls itself for each level. */
const deepest = 256;

/** The results as expressions that share what they have in common, stored one after the other. */
function nestOf(code: Code, operands: readonly Aval[], extents: readonly number[]): OrderedNest {
  const { instructions, results } = code;
  const outer = extents.map((_, i) => k.axis(i));
  const at = (place: number, shape: readonly number[]): k.Expression[] => [
    ...outer,
    ...stridesOf(shape).map((stride, i) => k.int(Math.floor(place / stride) % shape[i])),
  ];
  const locals = new Locals();
  const body: Statement[] = results.flatMap((result, i) => zeros(result, i, outer, at));
  const depths: number[] = [];
  const values: k.Expression[] = [];
  instructions.forEach(({ op, type, args, value = 0, source = 0, place = 0 }) => {
    let depth = 1 + Math.max(0, ...args.map(arg => depths[arg]));
    let made: k.Expression;
    if (op === 'constant') made = k.constant(type, value);
    else if (op === 'load')
      made = k.load(source, type, at(place, operands[source].shape.slice(extents.length)));
    else made = { op, type, args: args.map(arg => values[arg]) } as unknown as k.Expression;
    if (depth > deepest) {
      const local = locals.add(type);
      body.push(set(local.number, made));
      made = local.value;
      depth = 0;
    }
    depths.push(depth);
    values.push(made);
  });
  results.forEach(({ shape, entries }, i) => {
    for (const [place, number] of entries) body.push(store(i, at(place, shape), values[number]));
  });
  const nest = { form: 'ordered' as const, locals: locals.types };
  if (extents.length === 0) return { ...nest, extents, body };
  // The turns of an independent loop run side by side in the lanes of vectors.
  const last = extents.length - 1;
  const turns = loop(last, k.int(0), k.int(extents[last]), body, { independent: true });
  return { ...nest, extents: extents.slice(0, last), body: [turns] };
}

/** The zeros between the entries of a result: one by one where they are few, else all of it is zero first. */
function zeros(
  { type, shape, entries }: Result,
  output: number,
  outer: readonly k.Expression[],
  at: (place: number, shape: readonly number[]) => k.Expression[],
): Statement[] {
  const size = shape.reduce((a, b) => a * b, 1);
  const zero = k.constant(type, 0);
  if (size <= 2 * entries.length) {
    const filled = new Set(entries.map(([place]) => place));
    const empty = range(size).filter(place => !filled.has(place));
    return empty.map(place => store(output, at(place, shape), zero));
  }
  const axes = shape.map((_, i) => outer.length + i);
  let statement: Statement = store(output, [...outer, ...axes.map(k.axis)], zero);
  for (let i = shape.length - 1; i >= 0; i--)
    statement = loop(axes[i], k.int(0), k.int(shape[i]), [statement], { independent: true });
  return [statement];
}

const own = (aval: Aval, extents: readonly number[]): { type: Aval['dtype']; shape: readonly number[] } => ({
  type: aval.dtype,
  shape: aval.shape.slice(extents.length),
});

/** Parameters are made once for the same code, so that it is compiled once. */
export function straightlineParams(
  code: Code,
  operands: readonly Aval[],
  extents: readonly number[] = [],
): Params {
  const inputs = operands.map(aval => new Variable(aval));
  const params: KernelParams = { code, extents };
  const outputs = code.results.map(({ type, shape }) => new Variable(new Aval(type, [...extents, ...shape])));
  const equations = [{ operation: kernelPrimitive, inputs, params, outputs }];
  return { ...params, program: { inputs, constants: new Map(), equations, outputs } };
}

const avalsOf = (tensors: readonly Tensor[]): Aval[] => tensors.map(tensor => tensor.aval);

/** Straight-line code applied to operands. Its derivatives are straight-line code, made when they are needed. */
export const straightline: Primitive<Params> = primitive<Params>({
  name: 'straightline',
  kind: 'structured',
  abstract: (_, { program }) => program.outputs.map(output => output.aval),
  jvp: (primals, tangents, params) => {
    const { code, extents, program } = params;
    const outputs = bind(straightline, primals, params);
    const operands = [...notNull(tangents), ...primals];
    const moving = tangents.map(tangent => tangent !== null);
    const made = remember(program, key('straightline:jvp', moving), () =>
      straightlineParams(tangentCode(code, moving), avalsOf(operands), extents),
    );
    return { outputs, tangents: bind(straightline, operands, made) };
  },
  partial: (operands, _, params, record) => record(straightline, operands, params),
  transpose: (cotangents, operands, linear, { code, extents, program }) => {
    const arriving = cotangents.map(cotangent => cotangent !== null);
    const given = [...notNull(cotangents), ...operands.filter((_, i) => !linear[i])];
    const made = remember(program, key('straightline:transpose', linear, arriving), () =>
      straightlineParams(
        transposedCode(
          code,
          program.inputs.map(input => own(input.aval, extents)),
          linear,
          arriving,
        ),
        avalsOf(given),
        extents,
      ),
    );
    return merge<Tensor | null>(
      linear,
      bind(straightline, given, made),
      never(operands).map(() => null),
    );
  },
  batch: (size, operands, batched, { code, extents, program }) => {
    const all = operands.map((operand, i) => withBatchAxis(size, operand, batched[i]));
    const made = remember(program, `straightline:batch:${size}`, () =>
      straightlineParams(code, avalsOf(all), [size, ...extents]),
    );
    return { outputs: bind(straightline, all, made), batched: always(program.outputs) };
  },
  lower: { form: 'inline', own: true },
  samples: [],
});
