/** Which way to a Jacobian is the cheapest, and why. */
import { totalSize } from '../../core/aval.ts';
import { ConcreteValueNeeded } from '../../core/errors.ts';
import { type Compression, fewestColours } from '../sparsity/compress.ts';
import { detect, Findings, type Traced, traceArgument } from '../sparsity/detect.ts';
import type { Consulted } from '../sparsity/same.ts';
import { TooDense } from '../sparsity/sets.ts';
import type { AnyFunction } from './argument.ts';
import { operationsOf } from './cost.ts';

/** The ways that `auto` chooses from. A further way needs an entry in `passes` and a branch in `jacobian`. */
export type JacobianMode = 'forward' | 'reverse' | 'sparse';

/** Why a Jacobian is computed as it is. `String(…)` is a sentence or two. */
export interface JacobianChoice {
  readonly mode: JacobianMode;
  /** Elements of the differentiated argument: columns. */
  readonly inputs: number;
  /** Elements of the result: rows. */
  readonly outputs: number;
  /** How many derivatives along a direction each way takes; null where a way is not open. */
  readonly passes: { readonly forward: number; readonly reverse: number; readonly sparse: number | null };
  /** Estimated scalar operations of each way; null where f could not be traced. */
  readonly operations: {
    readonly forward: number;
    readonly reverse: number;
    readonly sparse: number | null;
  } | null;
  /** Entries of the pattern, the direction of its compression; null where it was not looked for or is too dense. */
  readonly pattern: { readonly entries: number; readonly direction: 'forward' | 'reverse' } | null;
  readonly reason: string;
  toString(): string;
}

/** A choice with what the chosen way needs. */
export interface Chosen {
  readonly choice: JacobianChoice;
  readonly traced: Traced;
  readonly compression: Compression | null;
}

/** With so few passes there is nothing to save. */
export const fewPasses = 16;
/** A sparse way must take at most this part of the passes, since its entries have to be put in place. */
const worthwhile = 0.5;
/** Sets may take this much work for each operation of the dense way, and never more than the cap. */
const effort = { least: 1_000_000, most: 50_000_000 };

/**
 * A pullback costs about as much as a pushforward, so that the number of passes decides. For sin(B·tanh(A·x)) with 32 to
 * 256 inputs and outputs the times cross at equal sizes; compiled, forward mode wins up to 1.5 times as many inputs.
 */
export function denseMode(inputs: number, outputs: number): 'forward' | 'reverse' {
  return inputs <= outputs ? 'forward' : 'reverse';
}

/** The choice by sizes alone. */
export function chooseBySize(inputs: number, outputs: number, because = ''): JacobianChoice {
  const mode = denseMode(inputs, outputs);
  const fewer = Math.min(inputs, outputs);
  const sparse = because || `with as few as ${fewer} there is nothing to save by looking for zeros`;
  return explained({
    mode,
    inputs,
    outputs,
    passes: { forward: inputs, reverse: outputs, sparse: null },
    operations: null,
    pattern: null,
    reason: `${denseReason(inputs, outputs)}; ${sparse}`,
  });
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const denseReason = (inputs: number, outputs: number): string => {
  const forward = counted(inputs, 'pushforward');
  const reverse = counted(outputs, 'pullback');
  return inputs <= outputs
    ? `forward takes ${forward}, one for each input, reverse ${reverse}`
    : `reverse takes ${reverse}, one for each output, forward ${forward}`;
};

function explained(choice: Omit<JacobianChoice, 'toString'>): JacobianChoice {
  return Object.defineProperty({ ...choice }, 'toString', {
    value: () => `${choice.outputs} × ${choice.inputs}, ${choice.mode}: ${choice.reason}`,
  }) as JacobianChoice;
}

/** Chooses for the traces of one function. */
export class Chooser {
  readonly #findings = new Findings<{ choice: JacobianChoice; compression: Compression | null }>();

  /** Null where f cannot be traced, because it asks for values. */
  choose(name: string, f: AnyFunction, args: readonly unknown[], argnum: number): Chosen | null {
    let traced: Traced;
    try {
      traced = traceArgument(name, f, args, argnum);
    } catch (error) {
      if (error instanceof ConcreteValueNeeded) return null;
      throw error;
    }
    const found = this.#findings.of(traced, () => decide(traced));
    return { ...found, traced };
  }
}

function decide(traced: Traced): {
  consulted: Consulted;
  found: { choice: JacobianChoice; compression: Compression | null };
} {
  const { program } = traced;
  const inputs = totalSize(program.inputs);
  const outputs = totalSize(program.outputs);
  const fewer = Math.min(inputs, outputs);
  // A pass goes through about twice the operations of f: each product has two tangents.
  const pass = 2 * operationsOf(program);
  const estimate = { inputs, outputs, pass };
  if (fewer <= fewPasses) return { consulted: new Map(), found: dense(estimate, '') };
  const limit = Math.min(effort.most, Math.max(effort.least, fewer * pass));
  try {
    const { pattern, consulted } = detect(traced, limit);
    // No fewer colours do than there are entries in the fullest row, or column.
    const least = Math.min(pattern.widestRow, pattern.transposed().pattern.widestRow);
    const compression = least > worthwhile * fewer ? null : fewestColours(pattern);
    const passes = compression?.colouring.count ?? least;
    const found =
      compression === null || passes > worthwhile * fewer
        ? dense(
            estimate,
            `the pattern has ${pattern.count} of ${inputs * outputs} entries and takes at least ${passes} colours`,
          )
        : sparse(estimate, compression);
    return { consulted, found };
  } catch (error) {
    if (!(error instanceof TooDense)) throw error;
    return {
      consulted: new Map(),
      found: dense(estimate, 'its pattern has so many entries that finding it was given up'),
    };
  }
}

interface Estimate {
  readonly inputs: number;
  readonly outputs: number;
  readonly pass: number;
}

function dense(
  { inputs, outputs, pass }: Estimate,
  because: string,
): { choice: JacobianChoice; compression: null } {
  const choice = chooseBySize(inputs, outputs, because);
  const operations = { forward: inputs * pass, reverse: outputs * pass, sparse: null };
  return { choice: explained({ ...choice, operations }), compression: null };
}

function sparse(
  { inputs, outputs, pass }: Estimate,
  compression: Compression,
): { choice: JacobianChoice; compression: Compression } {
  const { pattern, direction, colouring } = compression;
  const passes = { forward: inputs, reverse: outputs, sparse: colouring.count };
  const taken = counted(colouring.count, direction === 'forward' ? 'pushforward' : 'pullback');
  return {
    choice: explained({
      mode: 'sparse',
      inputs,
      outputs,
      passes,
      operations: {
        forward: inputs * pass,
        reverse: outputs * pass,
        sparse: colouring.count * pass + pattern.count,
      },
      pattern: { entries: pattern.count, direction },
      reason: `only ${pattern.count} of ${inputs * outputs} entries can differ from zero, and ${taken}, one for each colour, will do; ${denseReason(inputs, outputs)}`,
    }),
    compression,
  };
}
