/** Optimisers: from gradients to updates of the parameters; and solvers of equations and minima. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type FixedPointOptions, fixedPoint } from './fixed-point.ts';
export { type AccumulateState, accumulate } from './gradients/accumulate.ts';
export { type EmaOptions, type EmaState, ema } from './gradients/average.ts';
export { clip, clipByBlockRms, clipByGlobalNorm, globalNorm } from './gradients/clip.ts';
export { addDecayedWeights } from './gradients/decay.ts';
export { type SkipState, skipIfNotFinite } from './gradients/finite.ts';
export { type ByPath, type CountedSlots, identity, type Slots } from './gradients/leafwise.ts';
export { freeze, type ScaleState, scale, scaleByLearningRate, scaleBySchedule } from './gradients/scale.ts';
export { type Mask, masked, partition } from './gradients/select.ts';
export { type TraceOptions, type TraceState, trace } from './gradients/trace.ts';
export {
  applyUpdates,
  chain,
  type GradientTransformation,
  type LearningRate,
  type Optimizer,
} from './gradients/transformation.ts';
export { type GaussNewtonOptions, gaussNewton } from './least-squares/gauss-newton.ts';
export { type LevenbergMarquardtOptions, levenbergMarquardt } from './least-squares/levenberg-marquardt.ts';
export type { Fit, StopReason } from './least-squares/problem.ts';
export {
  type AdafactorOptions,
  adafactor,
  type FactoredRmsOptions,
  type FactoredRmsState,
  scaleByFactoredRms,
  scaleByParameterRms,
} from './methods/adafactor.ts';
export {
  adagrad,
  type SumOfSquaresOptions,
  type SumOfSquaresState,
  scaleBySumOfSquares,
} from './methods/adagrad.ts';
export {
  type AdamOptions,
  type AdamState,
  type AdamWOptions,
  type AmsgradState,
  adam,
  adamw,
  amsgrad,
  type MomentOptions,
  scaleByAdam,
  scaleByAmsgrad,
} from './methods/adam.ts';
export { lamb, scaleByTrustRatio } from './methods/lamb.ts';
export {
  type LionMomentOptions,
  type LionOptions,
  type LionState,
  lion,
  scaleByLion,
} from './methods/lion.ts';
export {
  type MuonMomentOptions,
  type MuonOptions,
  type MuonState,
  muon,
  type OrthogonalizeOptions,
  scaleByMuon,
} from './methods/muon.ts';
export {
  type DeviationState,
  type RmsOptions,
  type RmspropOptions,
  type RmsState,
  rmsprop,
  scaleByDeviation,
  scaleByRms,
} from './methods/rmsprop.ts';
export { type SgdOptions, sgd } from './methods/sgd.ts';
export { lbfgs, type Minimization, type MinimizeOptions, minimize, newtonCG } from './minimize.ts';
export { type RootOptions, root } from './root.ts';
export {
  type CosineOptions,
  constantSchedule,
  cosineSchedule,
  type ExponentialOptions,
  exponentialSchedule,
  joinSchedules,
  linearSchedule,
  type OneCycleOptions,
  oneCycleSchedule,
  piecewiseSchedule,
  polynomialSchedule,
  type Schedule,
  type TransitionOptions,
} from './schedules.ts';
export type { Solution, SolutionOptions } from './solution.ts';
