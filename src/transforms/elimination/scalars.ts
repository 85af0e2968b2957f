/** Elimination of scalars: the straight-line code that an order gives runs as one kernel. */
import type { Aval } from '../../core/aval.ts';
import { CannotUnroll } from '../../core/errors.ts';
import { withoutDeadCode } from '../../core/program.ts';
import type { Tensor } from '../../core/tensor.ts';
import { bind, type Program } from '../../primitives/primitive.ts';
import { avalsOf } from '../derive.ts';
import { assemble } from '../jacobian/argument.ts';
import { replay } from '../trace.ts';
import type { Code, FloatType, Instruction, Scalar } from './code.ts';
import { followedBy, fusedParams, fusedPrimitive, wholeCode } from './fuse.ts';
import { type ComputationalGraph, type Elimination, multiplications } from './graph.ts';
import { markowitzOrder } from './orders.ts';
import { searchOrder } from './search.ts';
import { straightline, straightlineParams } from './straightline.ts';
import type { ScalarGraph } from './trace.ts';

/** Operations made for code met before. */
export class Codes {
  readonly #codes = new Map<string, ReturnType<typeof straightlineParams>>();
  readonly #fused = new Map<string, ReturnType<typeof fusedParams>>();

  params(code: Code, operands: readonly Aval[]): ReturnType<typeof straightlineParams> {
    return remembered(this.#codes, keyOf(code, operands), () => straightlineParams(code, operands));
  }

  fused(code: Code, meaning: Program): ReturnType<typeof fusedParams> {
    return remembered(this.#fused, keyOf(code, avalsOf(meaning.inputs)), () => fusedParams(code, meaning));
  }
}

const keyOf = (code: Code, operands: readonly Aval[]): string =>
  JSON.stringify([code, operands.map(aval => aval.key)]);

/** What a map has, or what is made now. The map does not grow without end. */
export function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    if (map.size >= 64) map.clear();
    map.set(key, value);
  }
  return value;
}

/** An engine takes seconds to compile code that is longer. */
const mostMultiplications = 50_000;

function requireShort(graph: ComputationalGraph, order: readonly number[]): void {
  const count = multiplications(graph, order);
  if (count > mostMultiplications)
    throw new CannotUnroll({
      did: `unrolled a function whose Jacobian takes ${count} multiplications in this order`,
      expected: `at most ${mostMultiplications}, since each of them is a piece of code`,
      remedy: "jacobian(f, { mode: 'elimination', graph: 'tensor' }), which uses products of matrices",
    });
}

/** The code of the Jacobian, a result for each leaf of the output by each leaf of the argument. */
function accumulate(scalars: ScalarGraph, order: readonly number[]): Code {
  const { accumulation, vertices, rows, outputs, primals } = scalars;
  for (const v of order) accumulation.eliminate(vertices[v]);
  const blocks = outputs.flatMap(({ dtype, shape }, i) => {
    let first = 0;
    return primals.leaves.map(leaf => {
      const start = first;
      first += leaf.size;
      const entries = rows[i].flatMap((vertex, row) =>
        vertex < 0
          ? []
          : [...accumulation.into(vertex)]
              .filter(([column]) => column >= start && column < first)
              .map(([column, value]) => [row * leaf.size + column - start, value] as [number, Scalar]),
      );
      return { type: dtype as FloatType, shape: [...shape, ...leaf.shape], entries };
    });
  });
  return accumulation.code.code(blocks);
}

/** The code with only those operands that it reads. */
function withoutUnread(code: Code): { code: Code; read: number[] } {
  const read = [
    ...new Set(code.instructions.flatMap(({ op, source = 0 }) => (op === 'load' ? [source] : []))),
  ];
  const instructions = code.instructions.map(
    (one): Instruction => (one.op === 'load' ? { ...one, source: read.indexOf(one.source as number) } : one),
  );
  return { code: { ...code, instructions }, read };
}

function run(codes: Codes, known: Program, code: Code, primals: readonly Tensor[]): readonly Tensor[] {
  const params = codes.params(code, avalsOf(known.outputs));
  const { meaning, data } = followedBy(known, params);
  const whole = wholeCode(meaning, known, code);
  if (whole === null) return bind(straightline, replay(known, primals), params);
  return bind(fusedPrimitive, [...primals, ...data], codes.fused(whole, meaning));
}

export function ofScalars(scalars: ScalarGraph, codes: Codes): Elimination {
  const { graph, known, outputs, primals, structure } = scalars;
  return {
    kind: 'scalar',
    graph,
    signature: JSON.stringify(graph),
    cost: order => multiplications(graph, order),
    markowitz: () => markowitzOrder(graph),
    search: budget => searchOrder(graph, { budget }).order,
    jacobian: order => {
      requireShort(graph, order);
      const { code, read } = withoutUnread(accumulate(scalars, order));
      const residuals = { ...known, outputs: read.map(i => known.outputs[i]) };
      const results = run(codes, withoutDeadCode(residuals), code, primals.leaves);
      const columns = primals.leaves.length;
      const leaves = outputs.map((_, i): Tensor[] => [...results.slice(i * columns, (i + 1) * columns)]);
      return assemble(structure, primals.structure, leaves);
    },
  };
}
