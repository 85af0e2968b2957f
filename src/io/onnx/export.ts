/** Functions of tensors as ONNX models, for other runtimes. */
import { range } from '../../core/aval.ts';
import { BadArgument } from '../../core/errors.ts';
import { labelOf } from '../../core/path.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Program } from '../../primitives/primitive.ts';
import {
  type Arguments,
  callWithTree,
  flattenArguments,
  requireArguments,
  requireFunction,
} from '../../transforms/arguments.ts';
import { traceProgram } from '../../transforms/trace.ts';
import { replaceFile } from '../replace.ts';
import { between, type Sizes, showExtent } from './extent.ts';
import { Graph, type Value } from './graph.ts';
import { encodeModel, type Typed } from './proto.ts';
import { dependsOnBatch, Translator } from './translate.ts';

export interface OnnxOptions {
  /** The graph's name. Default: the function's, or 'cotangent'. */
  readonly name?: string;
  /** A name for each argument that is no parameter. Default: 'input', or 'input0', 'input1', …. */
  readonly inputs?: readonly string[];
  /** A name for each result. Default: 'output', or 'output0', 'output1', …. */
  readonly outputs?: readonly string[];
  /** The arguments whose tensors are stored in the model, named by their paths, in place of being its inputs. */
  readonly parameters?: readonly number[];
  /** Whether the first axis of every input is the batch, of any size. Default false. */
  readonly dynamicBatch?: boolean;
  /** The version of the operator set, from 18 to 24. Default 18. */
  readonly opset?: number;
}

const batch = 'batch';

/**
 * A function of tensors as an ONNX model (https://onnx.ai): the bytes of a `ModelProto`, which ONNX Runtime and others
 * run. The function is traced once on the shapes and types of the arguments; what it closes over becomes part of the
 * model. Gradients are functions, too.
 *
 * Every tensor in an argument is an input, unless `parameters` names the argument: inputs of a tree are named by the
 * argument and the path in it, as results are. A number is an input of type double and of no axes. The element types
 * float32, float64, int32, uint32, int8, uint8 and bool stay what they are.
 *
 * With `dynamicBatch` the function is traced for three sizes of the batch: extents that differ become multiples of the
 * size plus a constant. `docs/onnx.md` has what becomes of each primitive.
 *
 * @example const bytes = exportOnnx((model, x) => model.forward(x), [model, x], { parameters: [0] })
 * @throws BadArgument where an operation has no translation, with the line that it comes from
 * @throws ConcreteValueNeeded where the function asks for a value
 */
export function exportOnnx<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  args: Arguments<A>,
  options: OnnxOptions = {},
): Uint8Array {
  requireFunction('exportOnnx', f);
  if (!Array.isArray(args))
    throw new BadArgument({
      did: 'exportOnnx got arguments that are not an array',
      expected: 'an array with one entry for each argument of the function',
      remedy: 'exportOnnx(f, [x])',
    });
  const { parameters = [], opset = 18, dynamicBatch = false } = options;
  if (!Number.isInteger(opset) || opset < 18 || opset > 24)
    throw new BadArgument({
      did: `opset: ${opset}`,
      expected: 'a version of the operator set from 18 to 24',
      remedy: 'opset: 18',
    });
  requireArguments('exportOnnx', f, args, parameters);
  const given = args as readonly unknown[];
  const isParameter = range(given.length).map(i => parameters.includes(i));
  const flat = flattenArguments(given);
  const owners = given.flatMap((arg, i) => flattenArguments([arg]).leaves.map(() => i));
  const names = argumentNames(given, isParameter, options.inputs);
  const isInput = owners.map(i => !isParameter[i]);

  const call = callWithTree('exportOnnx', f);
  const traceFor = (size: number | null): Program =>
    traceProgram(
      inputs => call.run(flat.rebuild(inputs)),
      flat.leaves.map(({ aval }, i) =>
        size !== null && isInput[i] ? aval.with({ shape: [size, ...aval.shape.slice(1)] }) : aval,
      ),
      { name: labelOf('exportOnnx', f), sources: true, watch: true },
    );
  const build = (sizes: Sizes | null): Uint8Array => {
    const program = traceFor(sizes?.first ?? null);
    const twin = sizes === null ? null : traceFor(sizes.second);
    const graph = new Graph();
    const inputs: Value[] = [];
    const values = flat.leaves.map((leaf, i) => {
      const { dtype, shape } = program.inputs[i].aval;
      if (!isInput[i]) return graph.parameter(names[i], dtype, shape, leaf.concrete('exportOnnx').elements());
      const extents = shape.map((n, axis) => between(sizes, n, twin?.inputs[i].aval.shape[axis] ?? n));
      const input = graph.input(names[i], dtype, extents);
      inputs.push(input);
      return input;
    });
    if (sizes !== null) graph.countExamplesOf(inputs[0]);
    const paths = call.structure().paths();
    const outputNames = resultNames(paths, options.outputs).map(name => graph.unique(name));
    const results = new Translator(sizes).run(graph, { program, twin }, values);
    const typed = ({ type, shape }: Value, name: string): Typed => ({
      name,
      type,
      shape: shape.map(extent => showExtent(extent, batch)),
    });
    const finished = graph.finish(
      inputs.map(input => typed(input, input.name)),
      results,
      results.map((result, i) => typed(result, outputNames[i])),
    );
    return encodeModel({
      name: options.name ?? (f.name || 'cotangent'),
      opset,
      graph: finished,
      initializers: graph.usedIn(finished),
    });
  };
  if (!dynamicBatch) return build(null);
  // Any two sizes lie on a line: what a third agrees with holds for all.
  const [first, second, third] = batchSizes(flat.leaves, isInput, names);
  const model = build({ first, second });
  if (!sameBytes(model, build({ first, second: third }))) throw dependsOnBatch(undefined);
  return model;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * Writes a function as an ONNX file; see {@link exportOnnx}.
 *
 * @example await saveOnnx('model.onnx', (model, x) => model.forward(x), [model, x], { parameters: [0] })
 */
export async function saveOnnx<A extends readonly unknown[]>(
  path: string | URL,
  f: (...args: A) => unknown,
  args: Arguments<A>,
  options: OnnxOptions = {},
): Promise<void> {
  await replaceFile(path, exportOnnx(f, args, options));
}

/** A name for every leaf of the arguments. */
function argumentNames(
  args: readonly unknown[],
  isParameter: readonly boolean[],
  wished: readonly string[] | undefined,
): string[] {
  const inputs = isParameter.filter(is => !is).length;
  requireCount('inputs', wished, inputs, 'argument that is no parameter');
  const several = isParameter.filter(Boolean).length > 1;
  let next = 0;
  return args.flatMap((arg, i) => {
    const prefix = isParameter[i]
      ? several
        ? `parameters${i}`
        : ''
      : (wished?.[next] ?? (inputs === 1 ? 'input' : `input${next}`));
    if (!isParameter[i]) next++;
    const { structure } = flattenArguments([arg]);
    return structure.children[0].paths(prefix).map(path => path.replace(/^\./, '') || `parameter${i}`);
  });
}

function resultNames(paths: readonly string[], wished: readonly string[] | undefined): string[] {
  requireCount('outputs', wished, paths.length, 'tensor in the result');
  if (wished !== undefined) return [...wished];
  if (paths.length === 1) return ['output'];
  return paths.map(path => (/^\[\d+\]$/.test(path) ? `output${path.slice(1, -1)}` : `output${path}`));
}

function requireCount(what: string, wished: readonly string[] | undefined, count: number, of: string): void {
  const isGood =
    wished === undefined ||
    (wished.length === count && new Set(wished).size === count && !wished.includes(''));
  if (!isGood)
    throw new BadArgument({
      did: `exportOnnx with ${what}: [${wished.join(', ')}]`,
      expected: `${count} different names, one for each ${of}`,
      remedy: `leave ${what} out, or give ${count}`,
    });
}

/** Three sizes that are no extent of an argument, so that nothing is equal by chance. */
function batchSizes(
  leaves: readonly Tensor[],
  isInput: readonly boolean[],
  names: readonly string[],
): number[] {
  const bad = leaves.findIndex((leaf, i) => isInput[i] && leaf.ndim === 0);
  const first = leaves.filter((_, i) => isInput[i]).map(leaf => leaf.shape[0]);
  if (bad >= 0 || new Set(first).size !== 1)
    throw new BadArgument({
      did:
        bad >= 0
          ? `exported with dynamicBatch a function whose input '${names[bad]}' is ${leaves[bad].aval}`
          : `exported with dynamicBatch a function of inputs with first extents ${first.join(', ') || '(none)'}`,
      expected: 'inputs that all have the batch as their first axis',
      remedy:
        'make the other arguments parameters: { parameters: [0] }, close over them, or leave dynamicBatch out',
    });
  const taken = new Set(leaves.flatMap(leaf => leaf.shape));
  // A function has fewer extents than there are primes here, or these are as good as any.
  const primes = range(400).filter(n => n > 10 && range(n).every(m => m < 2 || n % m !== 0));
  const free = primes.filter(n => !taken.has(n));
  return (free.length < 3 ? primes : free).slice(0, 3);
}
