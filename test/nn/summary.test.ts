/** The table of a model, word for word, and counts of parameters. */
import { BadArgument, ones, type Tensor, tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as random from 'cotangent/random';
import { describe, expect, it } from 'vitest';

const keys = random.split(random.key(0), 3);
const model = new nn.Sequential(
  new nn.Conv2d(keys[0], 1, 4, 3, { padding: 1 }),
  new nn.BatchNorm(4),
  nn.relu,
  new nn.MaxPool(2),
  new nn.Flatten(),
  new nn.Dropout(0.5),
  new nn.Residual(nn.mlp(keys[1], [64, 8, 64])),
  new nn.Linear(keys[2], 64, 10),
);

describe('summary', () => {
  it('shows paths, classes and parameters', () => {
    expect(nn.summary(model)).toBe(`\
path                      class       parameters
(model)                   Sequential           0
layers[0]                 Conv2d              40
layers[1]                 BatchNorm            8
layers[3]                 MaxPool              0
layers[4]                 Flatten              0
layers[5]                 Dropout              0
layers[6]                 Residual             0
layers[6].body            Sequential           0
layers[6].body.layers[0]  Linear             520
layers[6].body.layers[2]  Linear             576
layers[7]                 Linear             650
total                                       1794`);
  });

  it('shows outputs for an example input', () => {
    expect(nn.summary(model, ones([2, 1, 8, 8]))).toBe(`\
path                      class       output            parameters
(model)                   Sequential  float32[2,10]              0
layers[0]                 Conv2d      float32[2,4,8,8]          40
layers[1]                 BatchNorm   float32[2,4,8,8]           8
layers[3]                 MaxPool     float32[2,4,4,4]           0
layers[4]                 Flatten     float32[2,64]              0
layers[5]                 Dropout     float32[2,64]              0
layers[6]                 Residual    float32[2,64]              0
layers[6].body            Sequential  float32[2,64]              0
layers[6].body.layers[0]  Linear      float32[2,8]             520
layers[6].body.layers[2]  Linear      float32[2,64]            576
layers[7]                 Linear      float32[2,10]            650
total                                                         1794`);
    // The model itself is as it was.
    expect(Object.keys(model.layers[0])).not.toContain('forward');
  });

  it('goes through modules in plain trees, and through several results', () => {
    class Pair extends nn.Module {
      parts: Map<string, nn.Linear> = new Map([['in', new nn.Linear(keys[0], 2, 3)]]);
      shift: Tensor = tensor([1, 2, 3]);
      forward(x: Tensor): [Tensor, Tensor] {
        const y = (this.parts.get('in') as nn.Linear).forward(x);
        return [y, y.add(this.shift).sum(-1)];
      }
    }
    expect(nn.summary(new Pair(), ones([5, 2]))).toBe(`\
path           class   output                    parameters
(model)        Pair    float32[5,3], float32[5]           3
parts.get(in)  Linear  float32[5,3]                       9
total                                                    12`);
    expect(nn.summary({ a: [new nn.BatchNorm(2)], scale: tensor([1, 2]) })).toBe(`\
path     class      parameters
(model)  Object              2
a[0]     BatchNorm           4
total                        6`);
    expect(() => nn.summary({ a: model }, ones([1]))).toThrow(BadArgument);
  });
});

describe('parameterCount', () => {
  it('counts elements of all tensors', () => {
    expect(nn.parameterCount(model)).toBe(1794);
    expect(nn.parameterCount(new nn.Linear(keys[0], 784, 10))).toBe(7850);
    expect(nn.parameterCount([tensor([1, 2]), { a: 3, b: null }])).toBe(3);
  });
});
