/** Second derivatives of a scalar function. */
import type { Tensor } from '../../core/tensor.ts';
import type { Arguments, Gradient } from '../arguments.ts';
import { grad } from '../grad.ts';
import { type Compression, symmetricCompression } from '../sparsity/compress.ts';
import { detect, Findings, traceArgument } from '../sparsity/detect.ts';
import { SparsityPattern } from '../sparsity/pattern.ts';
import { named } from '../vmap.ts';
import type { AnyFunction, Jacobian, JacobianOptions } from './argument.ts';
import { jacfwd, jacrev } from './dense.ts';
import { type SparseJacobian, sparseFromTrace } from './sparse.ts';

/** The matrix of second derivatives, forward over reverse: a tree of trees like the input. */
export type Hessian<X> = Jacobian<X, Gradient<X>>;

/**
 * The Hessian of a scalar function: the forward Jacobian of its gradient.
 *
 * @example hessian((x) => x.mul(x).mul(x).sum())(tensor([1, 2])) // [[6, 0], [0, 12]]
 */
export function hessian<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
  options: JacobianOptions = {},
): (...args: Arguments<A>) => Hessian<A[0]> {
  const reverse = jacrev(f, options) as unknown as (...args: A) => unknown;
  return jacfwd(
    named(reverse as (...args: never[]) => unknown, f) as (...args: A) => unknown,
    options,
  ) as unknown as (...args: Arguments<A>) => Hessian<A[0]>;
}

/**
 * The Hessian of a scalar function as a sparse matrix, elements of the argument by elements of the argument. Its pattern
 * is that of the gradient's Jacobian, found from the gradient's program, in which what is linear in f is constant. A
 * star colouring uses the symmetry: one Hessian–vector product for each colour, all in one batch.
 *
 * @example sparseHessian((x) => x.mul(x).mul(x).sum())(tensor([1, 2])).values // [6, 12]
 * @throws NonScalarOutput, ConcreteValueNeeded where f asks for a value
 */
export function sparseHessian<A extends readonly unknown[]>(
  f: (...args: A) => Tensor | number,
  options: JacobianOptions = {},
): SparseJacobian<A> {
  const { argnums = 0 } = options;
  const gradient = named(grad(f, { argnums }) as AnyFunction, f);
  const findings = new Findings<Compression>();
  const differentiate = named((...args: unknown[]) => {
    const traced = traceArgument('sparseHessian', gradient, args, argnums);
    const compression = findings.of(traced, () => {
      const { pattern, consulted } = detect(traced);
      return { found: symmetricCompression(symmetrized(pattern)), consulted };
    });
    return sparseFromTrace(compression, traced);
  }, f);
  return Object.defineProperty(differentiate, 'detections', {
    get: () => findings.count,
  }) as unknown as SparseJacobian<A>;
}

/** The entries whose mirror image is an entry too: of a symmetric matrix no others can differ from zero. */
function symmetrized(pattern: SparsityPattern): SparsityPattern {
  if (pattern.isSymmetric) return pattern;
  const mirrored = pattern.transposed().pattern;
  const [n] = pattern.shape;
  return SparsityPattern.of(
    [n, n],
    Array.from({ length: n }, (_, i) => {
      const others = new Set(mirrored.row(i));
      return pattern.row(i).filter(j => others.has(j));
    }),
  );
}
