/** One step of training, and the measures of a batch, each compiled as a whole. */
import type { Tensor } from '../core/tensor.ts';
import { evaluation, type ModelState, type Pass, training } from '../nn/pass.ts';
import type { TensorLike } from '../numpy/array.ts';
import { asFloat } from '../numpy/operands.ts';
import { applyUpdates } from '../optim/gradients/transformation.ts';
import { foldIn } from '../random/key.ts';
import type { Gradient } from '../transforms/arguments.ts';
import { valueAndGrad } from '../transforms/grad.ts';
import { jit } from '../transforms/jit.ts';

/** What is learned: a function of the model's prediction for a batch. */
export interface Task<M, B, P> {
  /** One number for a batch, such as the mean over its examples. */
  readonly loss: (prediction: P, batch: B, model: M) => Tensor;
  /** What the model says of a batch. Default: `model.forward(batch.x, pass)`. */
  readonly forward?: (model: M, batch: B, pass: Pass) => P;
  /** Further numbers for a batch, such as the accuracy. */
  readonly metrics?: Readonly<Record<string, (prediction: P, batch: B) => TensorLike>>;
}

/** Updates from gradients, as those of `cotangent/optim`. */
export interface Updates {
  // biome-ignore lint/suspicious/noExplicitAny: each optimiser has a state of its own
  init(params: any): any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  update(gradients: any, state: any, params: any): [updates: any, state: any];
}

/** The loss and the metrics of a batch. */
export interface Measured {
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/** What changes from step to step, apart from counters: a tree. */
export interface Learned<M> {
  readonly model: M;
  readonly state: ModelState;
  readonly optimizer: unknown;
}

type Forward<M, B, P> = (model: M, batch: B, pass: Pass) => P;

const ofField = (model: unknown, batch: unknown, pass: Pass): unknown =>
  (model as { forward(x: unknown, pass: Pass): unknown }).forward((batch as { x: unknown }).x, pass);

function metricsOf<M, B, P>({ metrics = {} }: Task<M, B, P>, prediction: P, batch: B): Measured['metrics'] {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [name, asFloat(metric(prediction, batch))]),
  );
}

/** One step as a compiled function of what is learned, the key of the run, the number of the step, and a batch. */
export function trainingStep<M, B, P>(
  task: Task<M, B, P>,
  optimizer: Updates,
): (learned: Learned<M>, key: Tensor, step: Tensor, batch: B) => [Learned<M>, Measured] {
  const forward = task.forward ?? (ofField as Forward<M, B, P>);
  const step = ({ model, state, optimizer: slots }: Learned<M>, key: Tensor, number: Tensor, batch: B) => {
    const own = foldIn(key, number);
    const objective = (params: M): readonly [Tensor, readonly [ModelState, P]] => {
      const pass = training(params, { state, key: own });
      const prediction = forward(params, batch, pass);
      return [task.loss(prediction, batch, params), [pass.state, prediction]];
    };
    const [[loss, [next, prediction]], gradients] = valueAndGrad(objective, { hasAux: true })(
      model as never,
    ) as unknown as [[Tensor, [ModelState, P]], Gradient<M>];
    const [updates, nextSlots] = optimizer.update(gradients, slots, model);
    const learned = { model: applyUpdates(model, updates), state: next, optimizer: nextSlots };
    return [learned, { loss, metrics: metricsOf(task, prediction, batch) }] as const;
  };
  return jit(step as never) as unknown as ReturnType<typeof trainingStep<M, B, P>>;
}

/** The loss and the metrics of a batch in evaluation, and the state of the layers after it, compiled. */
export function evaluationStep<M, B, P>(
  task: Task<M, B, P>,
): (model: M, state: ModelState, batch: B) => [Measured, ModelState] {
  const forward = task.forward ?? (ofField as Forward<M, B, P>);
  const measure = (model: M, state: ModelState, batch: B): [Measured, ModelState] => {
    const pass = evaluation(model, { state });
    const prediction = forward(model, batch, pass);
    return [
      { loss: task.loss(prediction, batch, model), metrics: metricsOf(task, prediction, batch) },
      pass.state,
    ];
  };
  return jit(measure as never) as unknown as ReturnType<typeof evaluationStep<M, B, P>>;
}
