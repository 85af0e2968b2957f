/** Linear algebra: decompositions, systems of equations, determinants. Matrices have the last two axes, batches the others. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type CholeskyOptions, cholesky, choSolve } from './cholesky.ts';
export {
  bicgstab,
  cg,
  gmres,
  type IterationOptions,
  type LinearMethod,
  type LinearSolution,
  type LinearSolveOptions,
  linearSolve,
} from './iterative/linear-solve.ts';
export { det, lu, luFactor, luSolve, slogdet } from './lu.ts';
export { type QrOptions, qr } from './qr.ts';
export { inv, solve, solveTriangular, type TriangularOptions } from './solve.ts';
