/**
 * Primitives of your own: operations that are declared in one place and obey every transformation and backend.
 * docs/primitives.md has an example.
 */
import '../setup.ts';
import '../numpy/methods.ts';

export { Aval } from '../core/aval.ts';
export type { DType } from '../core/dtype.ts';
export type { Params } from '../core/trace.ts';
/** Builders of scalar expressions: `kernel.unary('exp', x)`. */
export * as kernel from '../kernel/expression.ts';
export type {
  Accumulator,
  MapNest,
  Nest,
  OrderedNest,
  ReduceNest,
  Reducer,
  ScanNest,
  ScatterNest,
  SortNest,
} from '../kernel/kernel.ts';
export {
  type BatchRule,
  bind,
  type Declaration,
  type Flat,
  type JointJvpRule,
  type JvpRule,
  type Linear,
  type Lowering,
  type Multilinear,
  type Op,
  op,
  type PerOperand,
  type Primitive,
  primitive,
  type Sample,
  type SampleOperand,
  type Smooth,
  type TransposeRule,
} from '../primitives/primitive.ts';
export {
  type Accepts,
  elements,
  elementwiseRule,
  floats,
  given,
  requireKind,
  requireSameShape,
  requireSameType,
} from '../primitives/signature.ts';
export { checkPrimitive, type LawCheck, lawsOf } from './laws.ts';
