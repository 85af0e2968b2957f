/** cotangent: automatic differentiation and training for TypeScript. */
import './setup.ts';
import './numpy/methods.ts';

export { simplify } from './algebra/simplify.ts';
export type { Plan } from './compiler/print.ts';
export type { DType, TypedArray } from './core/dtype.ts';
export * from './core/errors.ts';
export { type NestedArray, Tensor } from './core/tensor.ts';
export * as tree from './core/tree.ts';
export * from './numpy/arithmetic.ts';
export { broadcastTo, type TensorLike, type TensorOptions, tensor } from './numpy/array.ts';
export * from './numpy/calculus.ts';
export * from './numpy/convolve.ts';
export * from './numpy/covariance.ts';
export * from './numpy/creation.ts';
export * from './numpy/cumulative.ts';
export * from './numpy/diagonals.ts';
export * from './numpy/einsum.ts';
export * from './numpy/elementary.ts';
export * from './numpy/histogram.ts';
export * from './numpy/indexing.ts';
export * from './numpy/join.ts';
export * from './numpy/logic.ts';
export * from './numpy/nan.ts';
export type { AxesOption, AxisOption, DTypeOption } from './numpy/options.ts';
export * from './numpy/polynomial.ts';
export * from './numpy/products.ts';
export * from './numpy/quantile.ts';
export {
  type Axes,
  type Axis,
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  countNonzero,
  logsumexp,
  max,
  min,
  type Over,
  prod,
  ptp,
  sum,
} from './numpy/reduce.ts';
export { type PadMode, type PadOptions, type PadWidths, pad, repeat, roll, tile } from './numpy/repeat.ts';
export * from './numpy/rounding.ts';
export * from './numpy/sets.ts';
export * from './numpy/shape.ts';
export * from './numpy/sorting.ts';
export * from './numpy/special.ts';
export {
  type AverageOptions,
  average,
  mean,
  type NormOptions,
  norm,
  type SpreadOptions,
  std,
  variance,
  variance as var,
} from './numpy/statistics.ts';
export * from './numpy/take.ts';
export * from './numpy/types.ts';
export { config, type Device, defaultDevice, devices, memory, type Settings } from './setup.ts';
export { type Adjoints, type AdjointVariable, adjoints } from './transforms/adjoints.ts';
export { checkGrads } from './transforms/check.ts';
export { type CheckpointOptions, checkpoint } from './transforms/checkpoint.ts';
export type { CheckpointPolicy } from './transforms/control/checkpoint.ts';
export { cond, forLoop, type ScanOptions, scan, whileLoop } from './transforms/control/flow.ts';
export type { ScanCheckpoint } from './transforms/control/segments.ts';
export { type CustomOptions, customJvp, customVjp, type OrZero } from './transforms/custom/custom.ts';
export { type DebugNansOptions, debugNans } from './transforms/debug.ts';
export {
  type EliminationOptions,
  type EliminationReport,
  eliminationOrder,
} from './transforms/elimination/elimination.ts';
export {
  type ChangeKind,
  explainTrace,
  type TraceChange,
  type TraceExplanation,
  type TraceExplanations,
} from './transforms/explain.ts';
export { gnvp } from './transforms/gaussNewton.ts';
export { grad, valueAndGrad } from './transforms/grad.ts';
export { type HvpOptions, hvp } from './transforms/hvp.ts';
export type { JacobianOptions } from './transforms/jacobian/argument.ts';
export type { JacobianChoice, JacobianMode } from './transforms/jacobian/choose.ts';
export { jacfwd, jacrev } from './transforms/jacobian/dense.ts';
export { hessian, sparseHessian } from './transforms/jacobian/hessian.ts';
export { explainJacobian, jacobian, type ModeOptions } from './transforms/jacobian/jacobian.ts';
export {
  type SparseJacobian,
  type SparseJacobianOptions,
  sparseJacobian,
} from './transforms/jacobian/sparse.ts';
export { type JitOptions, type Jitted, jit } from './transforms/jit.ts';
export { jvp } from './transforms/jvp.ts';
export { linearize } from './transforms/linearize.ts';
export { stopGradient, tag } from './transforms/marks.ts';
export { program } from './transforms/program.ts';
export {
  type Colouring,
  colourColumns,
  colourRows,
  colourSymmetric,
} from './transforms/sparsity/colouring.ts';
export { sparsityPattern } from './transforms/sparsity/detect.ts';
export { SparseMatrix } from './transforms/sparsity/matrix.ts';
export { SparsityPattern } from './transforms/sparsity/pattern.ts';
export { tidy } from './transforms/tidy.ts';
export { vjp } from './transforms/vjp.ts';
export { vmap } from './transforms/vmap.ts';
