// A user's program in strict TypeScript, compiled and run against the installed package.
import { grad, jit, jvp, type Tensor, tensor, valueAndGrad, vjp, vmap } from 'cotangent';
import * as data from 'cotangent/data';
import * as io from 'cotangent/io';
import * as linalg from 'cotangent/linalg';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as random from 'cotangent/random';

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`got ${a}, expected ${b}`);
}

interface Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

interface Model {
  readonly layers: readonly Layer[];
  readonly scale: Tensor;
}

const model: Model = {
  layers: [{ weight: tensor([1, 2]), bias: tensor(1) }],
  scale: tensor(3),
};

function predict({ layers, scale }: Model, x: Tensor): Tensor {
  return layers.reduce((y, { weight, bias }) => y.mul(weight).sum().add(bias), x).mul(scale);
}

// The gradient has the type of the first argument's tree: an interface, readonly arrays and all.
const x = tensor([1, 1]);
const gradient: Model = grad(predict)(model, x);
equal(gradient.scale.item(), 4);
equal(gradient.layers[0]!.weight.arraySync(), [3, 3]);
equal(gradient.layers[0]!.bias.item(), 3);

const [value, same]: [Tensor, Model] = valueAndGrad(predict)(model, x);
equal(value.item(), 12);
equal(same.scale.item(), 4);

function lossWithAux(m: Model, at: Tensor): [Tensor, { prediction: Tensor; note: string }] {
  const prediction = predict(m, at);
  return [prediction.mul(prediction), { prediction, note: 'squared' }];
}
const [[loss, aux], slope] = valueAndGrad(lossWithAux, { hasAux: true })(model, x);
const note: string = aux.note;
const aTensor: Tensor = aux.prediction;
const aModel: Model = slope;
equal([loss.item(), note, aTensor.item(), aModel.scale.item()], [144, 'squared', 12, 96]);

const fast = jit((a: Tensor, b: Tensor): Tensor => a.mul(b).sum());
equal(fast(tensor([1, 2]), tensor([3, 4])).item(), 11);
const fastTree: (m: Model, at: Tensor) => Model = jit(grad(predict));
equal(fastTree(model, x).scale.item(), 4);

const slopes: Tensor = vmap(grad((t: Tensor): Tensor => t.mul(t)))(tensor([1, 2, 3]));
equal(slopes.arraySync(), [2, 4, 6]);

const [out, tangent] = jvp((t: Tensor): Tensor => t.mul(t), [tensor(3)], [tensor(1)]);
equal([out.item(), tangent.item()], [9, 6]);
const [, pullback] = vjp((a: Tensor, b: Tensor): Tensor => a.mul(b), tensor(3), tensor(4));
equal(
  pullback(tensor(1)).map((t: Tensor) => t.item()),
  [4, 3],
);

// Only a scalar-valued function has a gradient; these are never called.
export const mistakes = [
  // @ts-expect-error: a tuple is no scalar
  () => grad((t: Tensor): [Tensor, Tensor] => [t, t])(x),
  // @ts-expect-error: nor is an array
  () => grad((t: Tensor): Tensor[] => [t, t])(x),
  // @ts-expect-error: nor is a tree
  () => valueAndGrad((t: Tensor): Layer => ({ weight: t, bias: t }))(x),
  // @ts-expect-error: the model is an argument of its own type
  () => grad(predict)(x, x),
];

for (const [name, room] of Object.entries({ data, io, linalg, nn, optim, random })) {
  if (Object.keys(room).length === 0) throw new Error(`cotangent/${name} exports nothing`);
}
