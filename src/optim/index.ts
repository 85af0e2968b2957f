/** Optimisers: from gradients to updates of the parameters. */
import '../setup.ts';
import '../numpy/methods.ts';

export { type AdamOptions, adam, adamw } from './adam.ts';
export { type FixedPointOptions, fixedPoint } from './fixed-point.ts';
export { type GaussNewtonOptions, gaussNewton } from './least-squares/gauss-newton.ts';
export { type LevenbergMarquardtOptions, levenbergMarquardt } from './least-squares/levenberg-marquardt.ts';
export type { Fit, StopReason } from './least-squares/problem.ts';
export { lbfgs, type Minimization, type MinimizeOptions, minimize, newtonCG } from './minimize.ts';
export { applyUpdates, type LearningRate, type Optimizer, type OptimizerState } from './optimizer.ts';
export { type RootOptions, root } from './root.ts';
export { type SgdOptions, sgd } from './sgd.ts';
export type { Solution, SolutionOptions } from './solution.ts';
