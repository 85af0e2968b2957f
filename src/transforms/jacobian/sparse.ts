/** Jacobians with few entries: detect where they are, colour, and differentiate once for each colour. */
import { BadArgument } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { cast, reshape, slice } from '../../primitives/vectorspace.ts';
import type { Arguments } from '../arguments.ts';
import { linearizeFlat } from '../linearize.ts';
import {
  type Compression,
  entries,
  fewestColours,
  forwardCompression,
  reverseCompression,
} from '../sparsity/compress.ts';
import { detect, Findings, type Traced, traceArgument } from '../sparsity/detect.ts';
import { SparseMatrix } from '../sparsity/matrix.ts';
import type { SparsityPattern } from '../sparsity/pattern.ts';
import { replay } from '../trace.ts';
import { named } from '../vmap.ts';
import { type AnyFunction, assemble, type JacobianOptions, type LinearizedArgument } from './argument.ts';
import { blocks } from './dense.ts';

type Direction = 'auto' | 'forward' | 'reverse';

export interface SparseJacobianOptions extends JacobianOptions {
  /** Sums of columns by forward mode, or of rows by reverse mode. Default: whichever needs fewer. */
  readonly direction?: Direction;
}

/** A function that gives a sparse matrix. */
export interface SparseJacobian<A extends readonly unknown[]> {
  (...args: Arguments<A>): SparseMatrix;
  /** How often a pattern was looked for: once for each program that the function turned out to be. */
  readonly detections: number;
}

const compressions: Record<Direction, (pattern: SparsityPattern) => Compression> = {
  auto: fewestColours,
  forward: forwardCompression,
  reverse: reverseCompression,
};

/** The compression of a traced function's Jacobian, found before or now. */
export function compressionOf(
  findings: Findings<Compression>,
  traced: Traced,
  direction: Direction,
): Compression {
  return findings.of(traced, () => {
    const { pattern, consulted } = detect(traced);
    return { found: compressions[direction](pattern), consulted };
  });
}

/** The linearization of a traced function at its primals; the function itself does not run again. */
export function linearizeTrace({ label, primals, program, structure }: Traced): LinearizedArgument {
  const at = linearizeFlat(label, inputs => replay(program, inputs), primals.leaves);
  return { primals, at, structure };
}

/** The sparse matrix of a traced function at its primals. */
export function sparseFromTrace(compression: Compression, traced: Traced): SparseMatrix {
  const { at } = linearizeTrace(traced);
  return new SparseMatrix(compression.pattern, entries(compression, traced.primals.leaves, at));
}

/** The tree that {@link jacfwd} gives, from a sparse matrix. */
export function denseTree(matrix: SparseMatrix, { primals, program, structure }: Traced): unknown {
  const { leaves } = primals;
  const outputs = program.outputs.map(output => output.aval);
  const rows = blocks(matrix.toDense(), outputs).map((block, i) => {
    let start = 0;
    return leaves.map((leaf): Tensor => {
      const { dtype, size, shape } = outputs[i];
      const part = leaves.length === 1 ? block : slice(block, [0, start], [size, start + leaf.size]);
      start += leaf.size;
      const whole = reshape(part, [...shape, ...leaf.shape]);
      return whole.dtype === dtype ? whole : cast(whole, dtype);
    });
  });
  return assemble(structure, primals.structure, rows);
}

/**
 * The Jacobian as a sparse matrix: the elements of the output, in the order of its leaves, by the elements of the
 * argument. Its pattern is found from the program ({@link sparsityPattern}), the columns (or rows) are coloured so that
 * those of one colour do not meet, and one pushforward (or pullback) for each colour, all in one batch, gives the values.
 *
 * f is traced at each call; as long as its program stays the same, pattern and colours are found once. `jit` compiles the
 * rest: jit(sparseJacobian(f)).
 *
 * @example
 * const J = sparseJacobian((x) => x.at(slice(1)).get().sub(x.at(slice(0, -1)).get()))(tensor([1, 4, 9])) // 2 colours
 * J.toDense() // [[-1, 1, 0], [0, -1, 1]]
 * @throws ConcreteValueNeeded where f asks for a value, NotDifferentiable, BadArgument
 */
export function sparseJacobian<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  options: SparseJacobianOptions = {},
): SparseJacobian<A> {
  const { argnums = 0, direction = 'auto' } = options;
  if (!Object.hasOwn(compressions, direction))
    throw new BadArgument({
      did: `sparseJacobian with direction ${JSON.stringify(direction)}`,
      expected: "'auto', 'forward' or 'reverse'",
      remedy: "sparseJacobian(f, { direction: 'auto' })",
    });
  const findings = new Findings<Compression>();
  const differentiate = named((...args: unknown[]): SparseMatrix => {
    const traced = traceArgument('sparseJacobian', f as AnyFunction, args, argnums);
    return sparseFromTrace(compressionOf(findings, traced, direction), traced);
  }, f);
  return Object.defineProperty(differentiate, 'detections', {
    get: () => findings.count,
  }) as unknown as SparseJacobian<A>;
}
