/** Systems of linear equations whose matrix is known as a function. */
import { totalSize } from '../../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../../core/errors.ts';
import { scalar, Tensor } from '../../core/tensor.ts';
import { flattenAs } from '../../core/tree.ts';
import { add, subtract } from '../../numpy/arithmetic.ts';
import type { TensorLike } from '../../numpy/array.ts';
import { asFloat } from '../../numpy/operands.ts';
import { matmul } from '../../numpy/products.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { full } from '../../primitives/broadcast.ts';
import { cast } from '../../primitives/vectorspace.ts';
import { leafTensor, type Outputs } from '../../transforms/arguments.ts';
import { type Like, tensorTree } from '../../transforms/control/body.ts';
import {
  customLinearSolve,
  type LinearSolver,
  type LinearSolvers,
  type ListFunction,
} from '../../transforms/implicit/linear.ts';
import { mapOfUnknown } from '../../transforms/implicit/unknown.ts';
import { vjp } from '../../transforms/vjp.ts';
import { vmap } from '../../transforms/vmap.ts';
import { identityLike } from '../operands.ts';
import { onVectors, ravelList } from '../ravel.ts';
import { solve } from '../solve.ts';
import { stabilizedBiconjugateGradients } from './bicgstab.ts';
import { conjugateGradients } from './cg.ts';
import { generalizedMinimalResiduals } from './gmres.ts';
import { reportOf, type VectorMap, type VectorSolution } from './iteration.ts';

export type LinearMethod = 'cg' | 'gmres' | 'bicgstab' | 'dense';

/** How an iteration runs. */
export interface IterationOptions {
  /** The iteration ends where ‖b − A·x‖ ≤ tolerance·‖b‖. Default 1e-10, 1e-5 for float32. */
  readonly tolerance?: number;
  /** How many times A is applied at most. Default 10·n. */
  readonly maxIterations?: number;
  /** How many vectors `gmres` keeps before it starts again. Default min(n, 50). */
  readonly restart?: number;
}

export interface LinearSolveOptions<T> extends IterationOptions {
  /**
   * `cg` for symmetric positive definite operators, `gmres` and `bicgstab` for any, `dense` makes the matrix column by
   * column and solves by LU; or a function that solves. Default `cg` where `symmetric` is set, else `gmres`.
   */
  readonly method?: LinearMethod | ((matvec: (x: Outputs<T>) => Outputs<T>, b: Outputs<T>) => Like<T>);
  /** A = Aᵀ: reverse mode uses A itself. Implied by `cg`. Default false. */
  readonly symmetric?: boolean;
  /** What solves systems with Aᵀ in reverse mode, if not the method. */
  readonly transposeSolve?: (vecmat: (x: Outputs<T>) => Outputs<T>, b: Outputs<T>) => Like<T>;
  /** M ≈ A⁻¹, a linear function; for `cg` symmetric positive definite. The solution does not depend on it. */
  readonly preconditioner?: (x: Outputs<T>) => Like<T>;
  /** Where the iteration starts. Default 0. */
  readonly x0?: T;
}

/** A solution and what the iteration has to say of itself. Only x has derivatives. */
export interface LinearSolution<T> {
  readonly x: Outputs<T>;
  /** How many times the operator was applied, int32. */
  readonly iterations: Tensor;
  /** ‖b − A·x‖. */
  readonly residual: Tensor;
  /** A bool: the tolerance was reached. */
  readonly converged: Tensor;
}

const methods: readonly string[] = ['cg', 'gmres', 'bicgstab', 'dense'];

function requireOptions(name: string, options: IterationOptions & { readonly method?: unknown }): void {
  const { method, tolerance, maxIterations, restart } = options;
  const positive = (value: unknown): boolean =>
    value === undefined || (Number.isInteger(value) && (value as number) > 0);
  const wrong =
    method !== undefined && typeof method !== 'function' && !methods.includes(method as string)
      ? `method ${JSON.stringify(method)}`
      : tolerance !== undefined && !(tolerance >= 0)
        ? `tolerance ${tolerance}`
        : !positive(maxIterations)
          ? `maxIterations ${maxIterations}`
          : !positive(restart)
            ? `restart ${restart}`
            : undefined;
  if (wrong !== undefined)
    throw new BadArgument({
      did: `${name} with ${wrong}`,
      expected: `a method among ${methods.join(', ')} or a function; a tolerance that is not negative; whole positive numbers of steps`,
      remedy: `${name}(matvec, b, { method: 'gmres', tolerance: 1e-8, maxIterations: 100 })`,
    });
}

/** A solver of lists of tensors by a method for vectors. */
function listSolver(
  method: LinearMethod,
  options: IterationOptions,
  precondition: ListFunction = x => x,
): LinearSolver {
  return (matvec, b) => {
    const { vector, unravel } = ravelList(b);
    const map = onVectors(matvec, unravel);
    const found = solveVector(method, map, vector, options, onVectors(precondition, unravel));
    return { x: unravel(found.x), report: reportOf(map, vector, found, toleranceOf(vector, options)) };
  };
}

/** x with matvec(x) = b for vectors. */
export function solveVector(
  method: LinearMethod,
  matvec: VectorMap,
  b: Tensor,
  options: IterationOptions,
  precondition: VectorMap = x => x,
): VectorSolution {
  const n = Math.max(1, b.size);
  const { maxIterations = 10 * n } = options;
  const limits = { tolerance: toleranceOf(b, options), maxIterations, precondition };
  if (method === 'cg') return conjugateGradients(matvec, b, limits);
  if (method === 'bicgstab') return stabilizedBiconjugateGradients(matvec, b, limits);
  if (method === 'gmres')
    return generalizedMinimalResiduals(matvec, b, {
      ...limits,
      restart: Math.min(options.restart ?? 50, maxIterations, n),
    });
  const columns = vmap(matvec)(identityLike(full([b.size, b.size], 0, b.dtype)));
  return { x: solve(matrixTranspose(columns), b), iterations: scalar('int32', b.size) };
}

/** The tolerance that is asked for, or the usual one. */
export function toleranceOf(
  b: Tensor,
  { tolerance = b.dtype === 'float64' ? 1e-10 : 1e-5 }: Pick<IterationOptions, 'tolerance'>,
): number {
  return tolerance;
}

/** How linear systems inside another method are solved. */
export type InnerOptions = IterationOptions & {
  /** Default `auto`: `dense` up to 256 unknowns, else iterative. */
  readonly method?: LinearMethod | 'auto';
};

/** The method that is asked for; by itself dense while that is cheap. */
export function innerMethod(
  unknowns: number,
  { method = 'auto' }: InnerOptions,
  iterative: LinearMethod = 'gmres',
): LinearMethod {
  return method !== 'auto' ? method : unknowns <= 256 ? 'dense' : iterative;
}

/** The linear systems of implicit derivatives. */
export function implicitSolvers(
  unknowns: readonly Tensor[],
  symmetric: boolean,
  options: InnerOptions = {},
  iterative?: LinearMethod,
): LinearSolvers {
  return { solve: listSolver(innerMethod(totalSize(unknowns), options, iterative), options), symmetric };
}

/**
 * x with A·x = b, where A is a function: products with A are all that is used of it. In reverse mode it is applied
 * transposed, by transposition of the program. x is differentiated as the solution that it is, not through the iteration:
 * dx = A⁻¹·(db − dA·x), with dA for all that the function closes over; derivatives are as exact as the iteration is.
 *
 * @param operator A, a linear function from a tree to one like it, or a matrix [n, n]
 * @param b a tree of floats; the unknown is one like it
 * @example linearSolve((x) => A.matmul(x), b, { method: 'cg' }).x
 * @example const { x, converged } = linearSolve((v) => hvp(loss, [w], [v]).add(v.mul(0.1)), g, { symmetric: true })
 * @throws WrongTree, ShapeMismatch, DTypeMismatch where the operator's result is not like b; BadArgument. NotLinear in
 * reverse mode where the operator is not linear.
 */
export function linearSolve<T>(
  operator: TensorLike | ((x: Outputs<T>) => Like<T>),
  b: T,
  options: LinearSolveOptions<T> = {},
): LinearSolution<T> {
  return solveNamed('linearSolve', operator, b, options);
}

function solveNamed<T>(
  name: string,
  operator: TensorLike | ((x: Outputs<T>) => Like<T>),
  b: T,
  options: LinearSolveOptions<T>,
): LinearSolution<T> {
  requireOptions(name, options);
  const matvec = typeof operator === 'function' ? operator : matrixMap<T>(name, operator);
  const { leaves, f, rebuild } = mapOfUnknown(name, matvec, b, 'b');
  const { preconditioner, transposeSolve, x0, symmetric = options.method === 'cg' } = options;
  const { method = symmetric ? 'cg' : 'gmres' } = options;
  // Lists of the unknown's tensors for functions of trees that a caller gives.
  const listOf = (value: unknown, what: string): Tensor[] => {
    const { structure } = tensorTree(rebuild(leaves), 'b');
    return flattenAs(structure, value, `${name}: ${what}`).map((leaf, i) =>
      cast(leafTensor(leaf), leaves[i].dtype),
    );
  };
  const given =
    (solver: NonNullable<typeof transposeSolve>, what: string): LinearSolver =>
    (map, right) => {
      const x = listOf(
        solver(v => rebuild(map(listOf(v, 'the vector'))), rebuild(right)),
        what,
      );
      const { vector, unravel } = ravelList(right);
      const found = { x: ravelList(x).vector, iterations: scalar('int32', 0) };
      const report = reportOf(onVectors(map, unravel), vector, found, toleranceOf(vector, options));
      return { x, report };
    };
  const precondition: ListFunction | undefined =
    preconditioner && (x => listOf(preconditioner(rebuild(x)), 'what the preconditioner returned'));
  const solvers: LinearSolvers = {
    symmetric,
    solve:
      typeof method === 'function'
        ? given(method, 'what the method returned')
        : listSolver(method, options, precondition),
    ...(transposeSolve !== undefined
      ? { transposeSolve: given(transposeSolve, 'what transposeSolve returned') }
      : precondition !== undefined && typeof method !== 'function' && !symmetric
        ? { transposeSolve: listSolver(method, options, transposeMap(precondition)) }
        : {}),
  };
  const start = x0 === undefined ? undefined : listOf(x0, 'x0');
  const right = start === undefined ? leaves : f(start).map((image, i) => subtract(leaves[i], image));
  const { x, report } = customLinearSolve(name, f, right, solvers);
  const [iterations, residual, converged] = report;
  return {
    x: rebuild(start === undefined ? x : x.map((part, i) => add(start[i], part))),
    iterations,
    residual,
    converged,
  };
}

/** The transpose of a linear function from a list to one like it. */
function transposeMap(map: ListFunction): ListFunction {
  return y => vjp((x: readonly Tensor[]) => map(x), y)[1](y)[0] as Tensor[];
}

function matrixMap<T>(name: string, operator: TensorLike): (x: Outputs<T>) => Like<T> {
  const matrix = asFloat(operator);
  if (matrix.ndim !== 2 || matrix.shape[0] !== matrix.shape[1])
    throw new ShapeMismatch({
      did: `${name} with a matrix ${matrix.aval}`,
      expected: 'a square matrix, or a linear function',
      remedy: `${name}((x) => A.matmul(x), b)`,
    });
  return (x: unknown) => {
    if (!(x instanceof Tensor) || x.ndim !== 1 || x.shape[0] !== matrix.shape[0])
      throw new ShapeMismatch({
        did: `${name} with a matrix ${matrix.aval} and a right side ${x instanceof Tensor ? x.aval : 'that is a tree'}`,
        expected: `a vector of ${matrix.shape[0]} elements`,
        remedy: `${name}((x) => …, b) for unknowns of other shapes`,
      });
    return matmul(matrix, x) as Like<T>;
  };
}

/**
 * x with A·x = b for a symmetric positive definite A, by conjugate gradients (Hestenes and Stiefel 1952).
 *
 * @example cg((x) => x.mul(d), b).x // b / d
 * @throws as {@link linearSolve}
 */
export function cg<T>(
  operator: TensorLike | ((x: Outputs<T>) => Like<T>),
  b: T,
  options: Omit<LinearSolveOptions<T>, 'method' | 'symmetric' | 'restart'> = {},
): LinearSolution<T> {
  return solveNamed('cg', operator, b, { ...options, method: 'cg' });
}

/**
 * x with A·x = b for any A, by generalized minimal residuals (Saad and Schultz 1986): the smallest residual that as many
 * products with A allow. It keeps `restart` vectors.
 *
 * @example gmres(A, b).x
 * @throws as {@link linearSolve}
 */
export function gmres<T>(
  operator: TensorLike | ((x: Outputs<T>) => Like<T>),
  b: T,
  options: Omit<LinearSolveOptions<T>, 'method'> = {},
): LinearSolution<T> {
  return solveNamed('gmres', operator, b, { ...options, method: 'gmres' });
}

/**
 * x with A·x = b for any A, by stabilized biconjugate gradients (van der Vorst 1992): seven vectors of memory, two
 * products with A for each step, and no bound on the residual on the way.
 *
 * @example bicgstab(A, b).x
 * @throws as {@link linearSolve}
 */
export function bicgstab<T>(
  operator: TensorLike | ((x: Outputs<T>) => Like<T>),
  b: T,
  options: Omit<LinearSolveOptions<T>, 'method' | 'restart'> = {},
): LinearSolution<T> {
  return solveNamed('bicgstab', operator, b, { ...options, method: 'bicgstab' });
}
