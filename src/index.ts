/** cotangent: automatic differentiation and training for TypeScript. */
import './setup.ts';

export type { DType, TypedArray } from './core/dtype.ts';
export * from './core/errors.ts';
export { type NestedArray, Tensor } from './core/tensor.ts';
export * as tree from './core/tree.ts';
export { type TensorLike, type TensorOptions, tensor } from './numpy/array.ts';
export { adjoints } from './transforms/adjoints.ts';
export { checkGrads } from './transforms/check.ts';
export { grad, valueAndGrad } from './transforms/grad.ts';
export { hvp } from './transforms/hvp.ts';
export { hessian, jacfwd, jacobian, jacrev } from './transforms/jacobian.ts';
export { type JitOptions, type Jitted, jit } from './transforms/jit.ts';
export { jvp } from './transforms/jvp.ts';
export { linearize } from './transforms/linearize.ts';
export { stopGradient, tag } from './transforms/marks.ts';
export { program } from './transforms/program.ts';
export { vjp } from './transforms/vjp.ts';
export { vmap } from './transforms/vmap.ts';
