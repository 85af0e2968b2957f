/** What a model is made of: its layers, what they give, and how many parameters they have. */
import { columns } from '../core/columns.ts';
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { flatten } from '../core/tree.ts';
import { asTensor, type TensorLike } from '../numpy/array.ts';
import { program } from '../transforms/program.ts';
import { Module } from './module.ts';
import { eachModule, evaluation, initialState } from './pass.ts';

function sizeOfLeaf(leaf: unknown): number {
  if (leaf instanceof Tensor) return leaf.size;
  return ArrayBuffer.isView(leaf) ? (leaf as Uint8Array).length : 1;
}

/**
 * How many numbers a model has to learn: the elements of all its tensors. State does not count.
 *
 * @param model a module, or any tree
 * @example parameterCount(new Linear(key(0), 784, 10)) // 7850
 * @throws WrongTree
 */
export function parameterCount(model: unknown): number {
  return flatten(model).leaves.reduce((total: number, leaf) => total + sizeOfLeaf(leaf), 0);
}

/** For each module's path, how many parameters it has itself, not in modules that it holds. */
function ownParameters(model: unknown, paths: readonly string[]): Map<string, number> {
  const own = new Map(paths.map(path => [path, 0]));
  const { leaves, structure } = flatten(model);
  const within = (leaf: string, path: string): boolean =>
    path === '' || (leaf.startsWith(path) && /^[.[]/.test(leaf.slice(path.length)));
  for (const [i, leafPath] of structure.paths().entries()) {
    const name = leafPath.replace(/^\./, '');
    const owner = paths.reduce((best, path) =>
      within(name, path) && path.length > best.length ? path : best,
    );
    own.set(owner, (own.get(owner) ?? 0) + sizeOfLeaf(leaves[i]));
  }
  return own;
}

type Note = (path: string, output: unknown) => void;

/** A copy of a model that tells what each module's `forward` gives. */
function observed<T>(value: T, note: Note, path = ''): T {
  const inner = (child: unknown, step: string): unknown => observed(child, note, path + step);
  if (Array.isArray(value)) return value.map((child, i) => inner(child, `[${i}]`)) as T;
  if (value instanceof Map)
    return new Map([...value].map(([key, child]) => [key, inner(child, `.get(${String(key)})`)])) as T;
  if (!(value instanceof Module)) {
    const prototype = typeof value === 'object' && value !== null && Object.getPrototypeOf(value);
    if (prototype !== Object.prototype) return value;
  }
  const fields = Object.entries(value as object).map(([name, child]) => [
    name,
    inner(child, path === '' ? name : `.${name}`),
  ]);
  const copy = Object.assign(
    Object.create(Object.getPrototypeOf(value) as object) as object,
    Object.fromEntries(fields),
  );
  const { forward } = copy as { forward?: (...args: unknown[]) => unknown };
  if (!(value instanceof Module) || typeof forward !== 'function') return copy as T;
  return Object.assign(copy, {
    forward(this: unknown, ...args: unknown[]): unknown {
      const output = forward.apply(this, args);
      note(path, output);
      return output;
    },
  }) as T;
}

/** What every module gives for an input, by its path, traced without computing. @throws BadArgument */
function outputsOf(model: unknown, exampleInput: TensorLike): Map<string, string> {
  if (typeof (model as { forward?: unknown } | null)?.forward !== 'function')
    throw new BadArgument({
      did: 'summary with an example input of a model without a method forward',
      expected: 'a module with forward(x, pass)',
      remedy: 'summary(model) shows the parameters alone',
    });
  const outputs = new Map<string, string>();
  const state = initialState(model);
  program((traced: unknown, x: Tensor) => {
    const copy = observed(traced, (path, output) => {
      const shown = flatten(output).leaves.map(leaf =>
        leaf instanceof Tensor ? String(leaf.aval) : 'number',
      );
      if (!outputs.has(path)) outputs.set(path, shown.join(', '));
    });
    return (copy as { forward(x: Tensor, pass: unknown): unknown }).forward(x, evaluation(copy, { state }));
  })(model as never, asTensor(exampleInput) as never);
  return outputs;
}

/**
 * A table of a model's modules, one a line: the path, the class, what `forward` gives for an example input, and the
 * parameters that a module has itself, not in modules that it holds, so that the lines add up to the last.
 *
 * The input is traced, in evaluation: shapes and types count, not values, and nothing is computed.
 *
 * @param model a module, or any tree of modules
 * @param exampleInput for a column of outputs; of a module that runs more than once, the first output
 * @example console.log(summary(mlp(key(0), [4, 8, 3]), zeros([2, 4])))
 * @throws WrongTree, BadArgument where there is an input and the model has no `forward`
 */
export function summary(model: unknown, exampleInput?: TensorLike): string {
  const classes = new Map<string, string>([['', (model as object | null)?.constructor?.name ?? 'null']]);
  eachModule(model, (module, path) => {
    classes.set(path, module.constructor.name);
  });
  const own = ownParameters(model, [...classes.keys()]);
  const outputs = exampleInput === undefined ? undefined : outputsOf(model, exampleInput);
  const row = (path: string, name: string, output: string, parameters: string): string[] => [
    path,
    name,
    ...(outputs === undefined ? [] : [output]),
    parameters,
  ];
  const rows = [
    row('path', 'class', 'output', 'parameters'),
    ...[...classes].map(([path, name]) =>
      row(path || '(model)', name, outputs?.get(path) ?? '', String(own.get(path))),
    ),
    row('total', '', '', String(parameterCount(model))),
  ];
  return columns(rows, 'right');
}
