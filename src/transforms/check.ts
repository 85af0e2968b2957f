/** Whether derivatives are right: against finite differences, and forward against reverse mode. */

import { allocate } from '../core/dtype.ts';
import { BadArgument, GradientMismatch } from '../core/errors.ts';
import { ConcreteTensor, HostStorage, type Tensor } from '../core/tensor.ts';
import { unflatten } from '../core/tree.ts';
import { type Arguments, callWithTree, differentiableArguments } from './arguments.ts';
import { jvp } from './jvp.ts';
import { vjp } from './vjp.ts';

export interface CheckOptions {
  /** Up to which order of derivative. Default 1. */
  readonly order?: number;
  /** Which modes. Default both. */
  readonly modes?: readonly ('forward' | 'reverse')[];
  /** Step of the central difference; default ∛ε of the arguments' type. */
  readonly step?: number;
  /** Allowed relative difference; default 1e-6 in float64, 2e-2 in float32. */
  readonly tolerance?: number;
}

type Flat = (inputs: readonly Tensor[]) => Tensor[];

/**
 * Checks the derivatives of f at a point: jvp against the central difference (f(x + hv) − f(x − hv)) / 2h for a
 * random direction v, and ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩. With `order: 2` the same of the derivatives themselves.
 *
 * @example checkGrads((x) => x.sin().sum(), [tensor([1, 2], 'float64')], { order: 2 })
 * @throws GradientMismatch that says which check failed and by how much
 */
export function checkGrads<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  args: Arguments<A>,
  options: CheckOptions = {},
): void {
  const { order = 1, modes = ['forward', 'reverse'] } = options;
  if (!Number.isInteger(order) || order < 1)
    throw new BadArgument({
      did: `checkGrads with order ${order}`,
      expected: 'a positive integer',
      remedy: 'checkGrads(f, args, { order: 2 })',
    });
  const call = callWithTree('checkGrads', f);
  const flat = differentiableArguments('checkGrads', f, args as readonly unknown[]);
  const leaves = flat.leaves.map(leaf => leaf.concrete('checkGrads'));
  const onList: Flat = inputs =>
    call.run(unflatten(flat.structure, inputs) as unknown[]).filter(output => output.aval.isFloat);
  check(onList, leaves, order, modes, options, f.name || 'the function');
}

function check(
  f: Flat,
  inputs: readonly ConcreteTensor[],
  order: number,
  modes: readonly string[],
  options: CheckOptions,
  what: string,
): void {
  const single = inputs.some(input => input.dtype === 'float32');
  const step = options.step ?? (single ? 5e-3 : 6e-6);
  const tolerance = options.tolerance ?? (single ? 2e-2 : 1e-6);
  const directions = inputs.map((input, i) => pseudoRandom(input, i + 1));
  const along = (h: number): Tensor[] =>
    inputs.map((input, i) => from(input, (x, j) => x + h * directions[i].elements()[j]));
  const high = f(along(step)).map(numbers);
  const low = f(along(-step)).map(numbers);
  const compare = (mode: string, found: number, expected: number): void => {
    const scale = Math.max(1, Math.abs(expected));
    if (!(Math.abs(found - expected) <= tolerance * scale))
      throw new GradientMismatch({
        did: `${what}: ${mode} gives ${found}, ${mode === 'reverse mode' ? 'forward mode' : 'central differences'} ${expected}`,
        expected: `a difference of at most ${tolerance} of max(1, |value|)`,
        remedy:
          'check custom rules and stopGradient; at a kink or jump (where(x.greater(0), x, 0) at 0) differences are not the derivative: move the point',
      });
  };
  const weights = high.map((values, k) => values.map((_, j) => Math.sin(1.3 * j + k + 0.7)));
  const [, tangents] = jvp((...xs: Tensor[]) => f(xs), inputs as never, directions as never) as unknown as [
    Tensor[],
    Tensor[],
  ];
  const forward = dot(tangents.map(numbers), weights);
  if (modes.includes('forward'))
    compare(
      'forward mode',
      forward,
      dot(
        high.map((values, k) => values.map((value, j) => (value - low[k][j]) / (2 * step))),
        weights,
      ),
    );
  const outs = f(inputs);
  const cotangents = outs.map((out, k) => from(out.concrete('checkGrads'), (_, j) => weights[k][j]));
  if (modes.includes('reverse')) {
    const [, pullback] = vjp((...xs: Tensor[]) => f(xs), ...(inputs as never as Tensor[])) as unknown as [
      Tensor[],
      (ct: Tensor[]) => Tensor[],
    ];
    compare('reverse mode', dot(pullback(cotangents).map(numbers), directions.map(numbers)), forward);
  }
  if (order === 1) return;
  if (modes.includes('forward'))
    check(
      xs => jvp((...ys: Tensor[]) => f(ys), xs as never, directions as never)[1] as unknown as Tensor[],
      inputs,
      order - 1,
      modes,
      options,
      `the pushforward of ${what}`,
    );
  if (modes.includes('reverse'))
    check(
      xs => {
        const [, pullback] = vjp((...ys: Tensor[]) => f(ys), ...(xs as never as Tensor[])) as unknown as [
          Tensor[],
          (ct: Tensor[]) => Tensor[],
        ];
        return pullback(cotangents);
      },
      inputs,
      order - 1,
      modes,
      options,
      `the pullback of ${what}`,
    );
}

function numbers(tensor: Tensor): number[] {
  return Array.from(tensor.concrete('checkGrads').elements());
}

function dot(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return a.reduce((total, row, k) => total + row.reduce((sum, x, j) => sum + x * b[k][j], 0), 0);
}

function from(like: ConcreteTensor, value: (x: number, index: number) => number): ConcreteTensor {
  const data = allocate(like.dtype, like.size);
  const source = like.elements();
  for (let i = 0; i < data.length; i++) data[i] = value(source[i], i);
  return new ConcreteTensor(like.aval, new HostStorage(data));
}

/** A direction that is the same at every run. */
function pseudoRandom(like: ConcreteTensor, seed: number): ConcreteTensor {
  return from(like, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}
